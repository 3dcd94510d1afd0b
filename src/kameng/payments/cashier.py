"""Who takes payments in a process: its workplace, and what it gathers into batches of each lane."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

from kameng.kit import lanes
from kameng.kit.errors import Refusal
from kameng.payments.deciding import HEARD
from kameng.payments.gathering import Gathering
from kameng.payments.model import Payment, Told
from kameng.payments.opening import Workplace
from kameng.payments.starting import Opened, Wanted, start, write_answers
from kameng.payments.taking import take
from kameng.payments.watching import probe_channel

TAKEN_MAX = 50_000
"""Events of providers whose repeats are known without asking the database; the oldest make room."""


class Cashier(Workplace):
    """Attempts to be opened, answers to be written and notices to be taken go together with others of their lane."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.starts: Gathering[Wanted, Opened | Refusal] = Gathering(self._start)
        self.answers: Gathering[Payment, Payment] = Gathering(self._answer)
        self.notices: Gathering[Told, str] = Gathering(self._take)
        self._lanes: frozenset[int] = frozenset()
        self._under_way: dict[tuple[int, str], asyncio.Future[str]] = {}
        self._taken: dict[tuple[int, str], None] = {}

    def start(self) -> None:
        """Besides: a channel whose create failed is tried at once, without a customer."""
        self.router.start(self.db, test=partial(probe_channel, self, actor_id=0))

    async def take_once(self, lane: int, told: Told) -> str:
        """What came of a notice. A repeat of what is in the inbox by this process's own hand, or on its way there, has
        no effect in the database either: it waits for the first, fails as it does, and costs nothing more."""
        assert told.event_id is not None
        event = told.channel_id, told.event_id
        if event in self._taken:
            return HEARD
        first = self._under_way.get(event)
        if first is not None:
            await asyncio.shield(first)
            return HEARD
        self._under_way[event] = first = self.notices.put(lane, told)
        first.add_done_callback(lambda done: self._ended(event, done))
        return await asyncio.shield(first)

    def _ended(self, event: tuple[int, str], done: asyncio.Future[str]) -> None:
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

    async def _start(self, lane: int, wishes: Sequence[Wanted]) -> Sequence[Opened | Refusal]:
        return await start(self, lane, wishes)

    async def _answer(self, lane: int, answered: Sequence[Payment]) -> Sequence[Payment]:
        return await write_answers(self, lane, answered)

    async def _take(self, lane: int, told: Sequence[Told]) -> Sequence[str]:
        return await take(self, lane, told)
