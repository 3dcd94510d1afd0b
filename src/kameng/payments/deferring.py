"""Setting down what is told in a storm: proved, written and acknowledged first, done at our own pace right after.

A notice is answered after the commit of its effect as long as that comes soon. Once the oldest has waited too long,
what waits and what comes is written to the inbox of its lane, one row each, and answered after that commit. Each
gateway works the inbox off by the handler of direct notices: a row leaves in the transaction of its effect. What a
gateway left behind that died, the next one or the worker does. ADR 0021 says why.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta

from kameng.kit import clock, db, jobs, lanes, logs, metrics
from kameng.kit.db import Database
from kameng.payments import deferring_store
from kameng.payments.deferring_store import Due
from kameng.payments.gathering import BATCH_MAX, Gathering
from kameng.payments.model import Told
from kameng.payments.opening import Workplace
from kameng.payments.taking import DESK_TRIES, deferred_job, take

DEFERRED = "deferred"
AGE_MAX_S = 0.3
"""How long the oldest notice may wait for a batch before all are set down. A provider waits some five seconds, but on
so many connections: who has a thousand of them busy for half a second sends no more than 2,000/s."""
DEPTH_MAX = 100_000
"""Rows of all lanes, some 200 MB: beyond, no more are set down, and providers hear that they are to come again."""
WRITTEN_MAX = 1_024
WATCH_S = 0.1
PACE_S = 1.0
RETRY_S = 1.0
HEARING_MAX = 200
GIVE_WAY_S = 0.05
GIVE_WAY_TIMES = 20
"""As long as more providers than that wait for an answer, a lane works a batch off once a second only."""
LEFT_S = 30.0
"""What no gateway has worked off by then, the worker does."""
FIRST_S, MOST_S = 5, 300
"""When what broke is tried again: at first, and at most."""
DEFERRED_SAID = "渠道通知已应答但多次入账失败 A provider's notice was acknowledged and can't be taken."
log = logs.get_logger(__name__)


class Inbox:
    """A process's hand in the inbox. ``notices`` take what comes until the oldest waits too long."""

    def __init__(self, place: Workplace, notices: Gathering[Told, str]) -> None:
        self._place = place
        self._notices = notices
        self._writes: Gathering[Told, str] = Gathering(self._write, batch_max=WRITTEN_MAX)
        self.is_open = False
        """Whether what comes is set down at present."""
        self.depth = 0
        """Rows of all lanes: as they were counted last, with what was written and done here since."""
        self.hearing = 0
        """How many providers wait for an answer of this process now."""
        self._written = self._done = 0
        self._paced_at_s = 0.0
        self._came: dict[int, asyncio.Event] = {}
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def waiting(self) -> int:
        """How many neither had their effect nor were set down."""
        return self._notices.waiting + self._writes.waiting

    def put(self, lane: int, told: Told) -> asyncio.Future[str]:
        """What came of it, or that it is set down; after the commit."""
        return (self._writes if self.is_open else self._notices).put(lane, told)

    def start(self) -> None:
        """Look at what waits, and work off what lies there from before."""
        self._tasks.append(asyncio.create_task(self._watch()))

    async def stop(self) -> None:
        """What is not done lies where it is."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._tasks.clear()

    def look(self) -> None:
        """Set down what waits, if the oldest has waited too long and there is room."""
        if self.depth >= DEPTH_MAX:
            self.is_open = False
        elif self._notices.age_s > AGE_MAX_S:
            if not self.is_open:
                self.is_open, self._written, self._done, self._paced_at_s = True, 0, 0, time.monotonic()
                log.warning("notices come faster than they are done: they are set down", waiting=self.waiting)
            self._notices.hand_over(self._writes)

    async def pace(self) -> None:
        """Whether it is over: no more came than was done since this was asked last, and hardly any lies there: what is
        done at once waits for the same gates. Counts what lies there anew."""
        if self.is_open and self._written <= self._done and self.depth <= BATCH_MAX:
            self.is_open = False
        self._written = self._done = 0
        if self.is_open or self.depth:
            self.depth, _ = await measure(self._place.db)

    async def _write(self, lane: int, batch: Sequence[Told]) -> Sequence[str]:
        async with self._place.db.transaction() as connection:
            await deferring_store.set_down(connection, lane, clock.now(), batch)
        self._written += len(batch)
        self.depth += len(batch)
        if lane in self._came:
            self._came[lane].set()
        return [DEFERRED] * len(batch)

    async def _watch(self) -> None:
        while True:
            try:
                if not self._came:
                    await self._begin()
                self.look()
                if time.monotonic() - self._paced_at_s >= PACE_S:
                    self._paced_at_s = time.monotonic()
                    await self.pace()
            except Exception as error:
                log.error("the inbox of notices was not looked after", error=error)
            await asyncio.sleep(WATCH_S)

    async def _begin(self) -> None:
        async with self._place.db.connection() as connection:
            numbers = await lanes.lane_numbers(connection)
        self._came = {lane: asyncio.Event() for lane in numbers}
        self._tasks += [asyncio.create_task(self._work(lane)) for lane in numbers]

    async def _work(self, lane: int) -> None:
        """Works a lane off until nothing is due, then waits until something comes. Lanes do not wait for each other."""
        while True:
            self._came[lane].clear()
            try:
                while done := await work_off(self._place, lane):
                    self._done += done
                    self.depth = max(0, self.depth - done)
                    await self._give_way()
            except Exception as error:
                log.error("notices that were set down wait", error=error, in_lane=lane)
                await asyncio.sleep(RETRY_S)
                continue
            await self._came[lane].wait()

    async def _give_way(self) -> None:
        for _ in range(GIVE_WAY_TIMES):
            if self.hearing <= HEARING_MAX:
                return
            await asyncio.sleep(GIVE_WAY_S)


async def work_off(place: Workplace, lane: int, *, waited_s: float = 0.0) -> int:
    """The effects of a batch of what was set down, the oldest first; how many left, or were put off. 0: nothing is due.

    Of a batch that breaks, the first half is tried until the culprit stands alone: that is put off. Where the database
    is away, nobody's fault is looked for.
    """
    before = clock.now() - timedelta(seconds=waited_s)
    count_max = BATCH_MAX
    while True:
        async with place.db.connection() as connection:
            if not await deferring_store.has_due(connection, lane, before):
                return 0
        try:
            effects = await take(place, lane, Due(before, count_max))
        except db.UNANSWERED:
            raise
        except Exception as error:
            if count_max > 1:
                count_max //= 2
                continue
            log.error("an acknowledged notice was not taken", error=error, in_lane=lane)
            await _put_off(place, lane, Due(before, 1))
            return 1
        for effect in effects:
            metrics.payment_notices.labels(effect).inc()
        return len(effects)


async def _put_off(place: Workplace, lane: int, due: Due) -> None:
    """Try it again later; a person hears of what goes wrong time and again."""
    async with place.db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=1)
        lying = await deferring_store.put_off(
            connection, lane, due.before, clock.now(), first_s=FIRST_S, most_s=MOST_S
        )
        if lying is not None and lying.tries == DESK_TRIES:
            await jobs.lay_on_desk(connection, lane, passage.ids[0], deferred_job(lying.told), error=DEFERRED_SAID)


async def measure(database: Database) -> tuple[int, float]:
    """(how many lie in the inbox, for how many seconds the oldest does)."""
    depth, oldest_s, at = 0, 0.0, clock.now()
    async with database.connection() as connection:
        for lane in await lanes.lane_numbers(connection):
            count, oldest_at = await deferring_store.measure(connection, lane)
            depth += count
            if oldest_at is not None:
                oldest_s = max(oldest_s, (at - oldest_at).total_seconds())
    return depth, oldest_s


async def tidy_inbox(database: Database, *, place: Workplace) -> None:
    """The worker's turn: what gateways left behind, and what is to be tried again; then the numbers for Prometheus."""
    async with database.connection() as connection:
        numbers = await lanes.lane_numbers(connection)
    for lane in numbers:
        while await work_off(place, lane, waited_s=LEFT_S):
            pass
    depth, oldest_s = await measure(database)
    metrics.deferred_notices.set(depth)
    metrics.deferred_age.set(oldest_s)
