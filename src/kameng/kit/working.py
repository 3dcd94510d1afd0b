"""The worker: looks what is due, runs it, finishes it; lane by lane, in batches.

Each lane has one loop, and everything it does in the database happens in that loop, in order; only the
calls outside run beside it, so a slow upstream holds up nothing but its own calls. Workers need not know each
other: the gate and the lease tokens keep two of them from running one job twice.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from kameng.kit import jobs, logs, metrics
from kameng.kit.db import Database
from kameng.kit.jobs import Handler, Inside, Job, Outside, Verdict
from kameng.kit.lanes import pass_gate

T = TypeVar("T")

log = logs.get_logger(__name__)

PAUSE_MIN_S = 0.01
PAUSE_MAX_S = 1.0
GATHER_S = 0.1
"""How long a lane's loop lets jobs gather that arrive few at a time: each turn costs the lane its gate and a commit,
however little it finds, and what people order comes in a steady trickle."""


class Limits(msgspec.Struct, frozen=True):
    batch: int = 100
    lease_s: float = 60.0
    attempts_max: int = 12


class Worker:
    """Runs the jobs of some lanes. It knows only the kinds of its handlers; all others rest."""

    def __init__(
        self, db: Database, handlers: Sequence[Handler], *, lanes: Sequence[int], limits: Limits | None = None
    ) -> None:
        by_kind = {handler.kind: handler for handler in handlers}
        assert len(by_kind) == len(handlers), "a kind has two handlers"
        self._loops = [_LaneLoop(db, lane, by_kind, limits or Limits()) for lane in lanes]

    async def run(self) -> None:
        """Work until ``stop``; then end what was begun."""
        async with asyncio.TaskGroup() as group:
            for loop in self._loops:
                group.create_task(loop.run())

    def stop(self) -> None:
        for loop in self._loops:
            loop.stopping = True
        self.wake()

    def wake(self) -> None:
        """A hint that there is work; without it a worker looks once a second."""
        for loop in self._loops:
            loop.bell.set()

    async def work_once(self) -> int:
        """One turn of each lane with all that it starts; returns how many jobs were finished or failed."""
        return sum([await loop.turn_to_the_end() for loop in self._loops])


class _Returned(msgspec.Struct, frozen=True):
    """What a call outside came back with."""

    job: Job
    value: Any
    error: Exception | None


class _LaneLoop:
    def __init__(self, db: Database, lane: int, handlers: dict[str, Handler], limits: Limits) -> None:
        self._db = db
        self._lane = lane
        self._handlers = handlers
        self._limits = limits
        self._out: dict[int, tuple[Job, asyncio.Task[None]]] = {}  # called, and not yet written down
        self._returned: dict[int, _Returned] = {}  # those of them that came back
        self._next_beat_s = 0.0
        self.bell = asyncio.Event()
        self.stopping = False

    async def run(self) -> None:
        pause_s = PAUSE_MIN_S
        with logs.bound(in_lane=self._lane):
            try:
                while not self.stopping or self._out:
                    self.bell.clear()
                    try:
                        finished = await self._turn()
                        pause_s = GATHER_S if finished else min(pause_s * 2, PAUSE_MAX_S)
                    except Exception as error:  # the database is away; what came back stays in our hands
                        log.error("the lane's worker failed", error=error)
                        finished, pause_s = 0, PAUSE_MAX_S
                    if finished < self._limits.batch // 2:
                        await self._sleep(pause_s)
            finally:
                for _, task in self._out.values():
                    task.cancel()  # cut off: such a job stays `sending` and is asked about

    async def turn_to_the_end(self) -> int:
        finished = await self._turn()
        while self._out:
            self.bell.clear()
            if not self._returned:
                await self._sleep(PAUSE_MAX_S)
            finished += await self._record_returned()
            await self._keep_leases()
        return finished

    async def _sleep(self, pause_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.bell.wait(), min(pause_s, self._limits.lease_s / 3))

    async def _turn(self) -> int:
        """Write down what came back, keep the leases, take what is due; how many jobs it is through with."""
        finished = await self._record_returned()
        await self._keep_leases()
        kinds = [] if self.stopping else [kind for kind in self._handlers if self._room(kind)]
        if kinds:
            async with self._db.connection() as connection:
                kinds = await jobs.due_kinds(connection, self._lane, kinds)
        for kind in kinds:
            handler = self._handlers[kind]
            if isinstance(handler, Inside):
                finished += await self._run_inside(handler)
            else:
                finished += await self._start_calls(handler)
        return finished

    def _room(self, kind: str) -> int:
        """How many more jobs of a kind may be taken now."""
        handler = self._handlers[kind]
        if isinstance(handler, Inside):
            return self._limits.batch
        return min(
            self._limits.batch, handler.concurrency - sum(job.kind == kind for job, _ in self._out.values())
        )

    # inside ------------------------------------------------------------------------------------------------

    async def _run_inside(self, handler: Inside, only: Sequence[int] | None = None) -> int:
        """Take, run and finish in one transaction; if it breaks, in halves until the culprit stands alone."""
        batch: list[Job] = []
        limit = self._limits.batch if only is None else len(only)
        try:
            async with self._db.transaction() as connection:
                passage = await pass_gate(connection, self._lane, id_count=limit * handler.ids_per_job)
                batch = await jobs.waiting(connection, self._lane, handler.kind, limit=limit, only=only)
                if batch:
                    await handler.run(connection, passage, batch)
                    await jobs.complete(connection, self._lane, batch)
        except Exception as error:
            if not batch:
                raise  # no job's fault
            if len(batch) == 1:
                return await self._fail([self._judge(batch[0], error)])
            return sum([await self._run_inside(handler, half) for half in _halves([j.job_id for j in batch])])
        _count(batch, "done")
        return len(batch)

    # outside -----------------------------------------------------------------------------------------------

    async def _start_calls(self, handler: Outside) -> int:
        """Claim, commit `sending`, call. What a lost worker left `sending` is asked about, not sent again."""
        lane, lease_s, room = self._lane, self._limits.lease_s, self._room(handler.kind)
        # Need not survive by itself: if it is lost, marking finds the job unleased, and it is not sent.
        async with self._db.transaction(durable=False) as connection:
            await pass_gate(connection, lane)
            claimed = await jobs.claim(connection, lane, handler.kind, limit=room, lease_s=lease_s)
        lost = [job for job in claimed if self._is_lost(handler, job)]
        fresh = [job for job in claimed if job.state == "leased" and job not in lost]
        asked = [job for job in claimed if job.state == "sending" and job not in lost]
        await self._fail([self._judge(job, LostWorker("with the job in its hands")) for job in lost])
        if fresh:
            async with self._db.transaction() as connection:
                await pass_gate(connection, lane)
                fresh = await jobs.mark_sending(connection, lane, fresh, lease_s=lease_s)
        for job in fresh + asked:
            self._out[job.job_id] = (job, asyncio.create_task(self._call(handler, job, asks=job in asked)))
        return len(lost)

    def _is_lost(self, handler: Outside, job: Job) -> bool:
        """Lost once too often, or sent with nobody to ask."""
        if job.state == "sending" and handler.query is None:
            return True
        earlier = msgspec.structs.replace(job, attempts=job.attempts - 1)
        return jobs.is_exhausted(
            earlier, attempts_max=self._limits.attempts_max, can_ask=job.state == "sending"
        )

    async def _call(self, handler: Outside, job: Job, *, asks: bool) -> None:
        function = handler.query if asks and handler.query else handler.call
        value, failed = None, None
        try:
            async with asyncio.timeout(handler.timeout_s):
                value = await function(job)
        except Exception as error:
            failed = error
        self._returned[job.job_id] = _Returned(job, value, failed)
        self.bell.set()

    async def _record_returned(self) -> int:
        """Write down what the calls came back with. It stays in our hands until it is written."""
        finished = len(self._returned)
        while self._returned:
            kind = next(iter(self._returned.values())).job.kind
            group = [x for x in self._returned.values() if x.job.kind == kind]
            await self._settle(kind, [(x.job, x.value) for x in group if not x.error])
            await self._fail([self._judge(x.job, x.error) for x in group if x.error])
        return finished

    async def _settle(self, kind: str, pairs: Sequence[tuple[Job, Any]]) -> None:
        """Their effects and their end in one transaction; what another worker took over changes nothing."""
        if not pairs:
            return
        handler = self._handlers[kind]
        assert isinstance(handler, Outside)
        try:
            async with self._db.transaction() as connection:
                id_count = len(pairs) * handler.ids_per_job
                passage = await pass_gate(connection, self._lane, id_count=id_count)
                ours = await jobs.complete(connection, self._lane, [job for job, _ in pairs])
                mine = [(job, value) for job, value in pairs if job.job_id in ours]
                if handler.settle and mine:
                    await handler.settle(connection, passage, mine)
        except Exception as error:
            if len(pairs) == 1:
                await self._fail([self._judge(pairs[0][0], NotRecorded(logs.error_text(error)))])
                return
            for half in _halves(pairs):
                await self._settle(kind, half)
            return
        _count([job for job, _ in mine], "done")
        self._forget([job for job, _ in pairs], ours)

    def _forget(self, some: Sequence[Job], ours: set[int]) -> None:
        """It is written down, or no longer ours to write."""
        for job in some:
            self._returned.pop(job.job_id, None)
            self._out.pop(job.job_id, None)
            if job.job_id not in ours:
                _count([job], "late")
                log.warning("the job was no longer ours; what it came back with changed nothing",
                            kind=job.kind, job_id=job.job_id, subject_id=job.subject_id)  # fmt: skip

    # leases and failures -----------------------------------------------------------------------------------

    async def _keep_leases(self) -> None:
        now_s = asyncio.get_running_loop().time()
        if not self._out or now_s < self._next_beat_s:
            return
        lease_s = self._limits.lease_s
        self._next_beat_s = now_s + lease_s / 3
        async with self._db.transaction(durable=False) as connection:
            await pass_gate(connection, self._lane)
            ours = [job for job, _ in self._out.values()]
            await jobs.heartbeat(connection, self._lane, ours, lease_s=lease_s)

    def _judge(self, job: Job, error: Exception) -> Verdict:
        handler = self._handlers[job.kind]
        can_ask = isinstance(handler, Outside) and handler.query is not None
        return jobs.judge(job, error, attempts_max=self._limits.attempts_max, can_ask=can_ask)

    async def _fail(self, verdicts: list[Verdict]) -> int:
        if not verdicts:
            return 0
        async with self._db.transaction() as connection:
            await pass_gate(connection, self._lane)
            ours = await jobs.fail(connection, self._lane, verdicts)
        for verdict in verdicts:
            job, ends = verdict.job, verdict.state in ("dead", "unknown")
            if job.job_id in ours:
                _count([job], verdict.state if ends else "failed")
                tell = log.error if ends else log.warning
                tell("job failed", kind=job.kind, job_id=job.job_id, subject_id=job.subject_id,
                     attempts=job.attempts, becomes=verdict.state, reason=verdict.error)  # fmt: skip
        self._forget([verdict.job for verdict in verdicts], ours)
        return len(verdicts)


class LostWorker(Exception):
    """The worker was lost with the job in its hands."""


class NotRecorded(Exception):
    """It was done outside, and writing that down failed."""


def _halves(rows: Sequence[T]) -> tuple[Sequence[T], Sequence[T]]:
    middle = len(rows) // 2
    return rows[:middle], rows[middle:]


def _count(some: Sequence[Job], outcome: str) -> None:
    for kind, count in Counter(job.kind for job in some).items():
        metrics.jobs.labels(kind, outcome).inc(count)
