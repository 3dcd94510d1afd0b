"""Who takes payments in a process: its workplace, and what it gathers into batches of each lane."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

from kameng.kit import lanes
from kameng.kit.errors import Refusal
from kameng.payments.deciding import HEARD
from kameng.payments.deferring import Inbox
from kameng.payments.gathering import Gathering
from kameng.payments.model import Payment, Told
from kameng.payments.opening import Workplace
from kameng.payments.starting import Opened, Wanted, start
from kameng.payments.steering import Test
from kameng.payments.taking import take
from kameng.payments.watching import probe_channel

REST_S = 0.02
"""How long a lane gathers after a batch of several begins, answers or both: most of what a batch costs is its round
trips, whatever its size. Whoever comes alone does not wait."""
LANES_AT_ONCE = 2
"""Lanes whose notices are taken at the same time. One decides in Python while the database writes the other; more would
share the same processor among smaller batches, and a batch costs its two dozen statements whatever its size."""
TAKEN_MAX = 50_000
"""Events of providers whose repeats are known without asking the database; the oldest make room."""


class Cashier(Workplace):
    """Attempts to be opened, answers to be written and notices to be taken go together with others of their lane."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._begins: Gathering[Wanted | Payment, Opened | Refusal | None] = Gathering(self._begin, rest_s=REST_S)
        self.notices: Gathering[Told, str] = Gathering(self._take, at_once=LANES_AT_ONCE)
        self.inbox = Inbox(self, self.notices)
        self._lanes: frozenset[int] = frozenset()
        self._under_way: dict[tuple[int, str | None], asyncio.Future[str]] = {}
        self._taken: dict[tuple[int, str | None], None] = {}

    def knows(self, told: Told) -> bool:
        """Whether ``take_once`` would take it for a repeat, of which nothing is kept."""
        event = told.channel_id, told.event_id
        return event in self._taken or event in self._under_way

    async def open(self, lane: int, wish: Wanted) -> Opened | Refusal:
        """An attempt, committed, or why there is none."""
        opened = await self._begins.submit(lane, wish)
        assert opened is not None
        return opened

    async def note(self, lane: int, answered: Payment) -> None:
        """Write down where its provider's answer leaves an attempt; returns after the commit."""
        await self._begins.submit(lane, answered)

    def start(self, *, test: Test | None = None) -> None:
        """Besides: a channel whose create failed is tried at once, without a customer; and what was acknowledged and
        waits for its effect has it, whoever acknowledged it."""
        super().start(test=test or partial(probe_channel, self, actor_id=0))
        self.inbox.start()

    async def close(self) -> None:
        await self.inbox.stop()
        await super().close()

    async def take_once(self, lane: int, told: Told) -> str:
        """What came of a notice, which may be that it is set down. A repeat of what this process took or set down, or
        is about to, has no effect in the database either: it waits for the first, fails as it does, costs no more."""
        assert told.event_id is not None
        event = told.channel_id, told.event_id
        if event in self._taken:
            return HEARD
        first = self._under_way.get(event)
        if first is not None:
            await asyncio.shield(first)
            return HEARD
        self._under_way[event] = first = self.inbox.put(lane, told)
        first.add_done_callback(lambda done: self._ended(event, done))
        return await asyncio.shield(first)

    def _ended(self, event: tuple[int, str | None], done: asyncio.Future[str]) -> None:
        del self._under_way[event]
        if done.cancelled() or done.exception() is not None:
            return
        self._taken[event] = None
        if len(self._taken) > TAKEN_MAX:
            del self._taken[next(iter(self._taken))]

    async def lane_numbers(self) -> frozenset[int]:
        """Every lane there is; there are never fewer."""
        if not self._lanes:
            async with self.db.connection() as connection:
                self._lanes = frozenset(await lanes.lane_numbers(connection))
        return self._lanes

    async def _begin(self, lane: int, batch: Sequence[Wanted | Payment]) -> Sequence[Opened | Refusal | None]:
        """Attempts to be opened and answers to earlier ones share a transaction: each has its gate and its commit."""
        wishes = [one for one in batch if isinstance(one, Wanted)]
        opened = iter(await start(self, lane, wishes, [one for one in batch if isinstance(one, Payment)]))
        return [next(opened) if isinstance(one, Wanted) else None for one in batch]

    async def _take(self, lane: int, told: Sequence[Told]) -> Sequence[str]:
        return await take(self, lane, told)
