"""The timetable: slow and timed work that belongs to no lane (sweeps, reports, purges).

Exactly one process runs an entry at a time: the one whose lease token stands in its row. The lease is a
dead man's switch: whoever can't renew it is cut off before anybody else may start. Missed runs are not made
up for.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from kameng.kit import clock, ids, logs, metrics
from kameng.kit.db import Database
from kameng.kit.jobs import statements

log = logs.get_logger(__name__)

POLL_S = 1.0
SHARE_MOST, REST_MOST_S = 0.02, 60.0
"""An entry takes this share of its time at most, but rests no longer than that for it."""
LEASE_USED = 0.9
"""Work is cut off this far into a lease that was not renewed: before its end, when another may start."""


class Entry(msgspec.Struct, frozen=True):
    """Run ``work`` every ``every_s`` seconds. It may be cut off at any await, and runs again after errors."""

    name: str
    every_s: float
    work: Callable[[Database], Awaitable[None]]
    limit_s: float = 3600.0


class Row(msgspec.Struct, frozen=True):
    """When an entry runs next, and how it went."""

    name: str
    next_at: datetime
    lease_until: datetime | None
    last_at: datetime | None
    last_ms: int | None
    last_error: str | None


class Timetable:
    """Runs entries. Any number of processes may hold the same timetable."""

    def __init__(self, db: Database, entries: Sequence[Entry], *, lease_s: float = 60.0) -> None:
        self._db = db
        self._entries = {entry.name: entry for entry in entries}
        assert len(self._entries) == len(entries), "a name stands twice in the timetable"
        self._lease_s = lease_s
        self._running: dict[str, asyncio.Task[bool]] = {}
        self._stopped = asyncio.Event()

    async def run(self) -> None:
        """Run what is due until ``stop``; then let what runs come to its end."""
        enrolled = False
        try:
            while not self._stopped.is_set():
                try:
                    if not enrolled:
                        await self.enrol()
                        enrolled = True
                    for name in await self._due():
                        self._running[name] = asyncio.create_task(self._run_entry(self._entries[name]))
                except Exception as error:  # the database is away
                    log.error("the timetable failed", error=error)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopped.wait(), POLL_S)
            await asyncio.gather(*self._running.values())
        finally:
            for task in list(self._running.values()):
                task.cancel()

    def stop(self) -> None:
        self._stopped.set()

    async def enrol(self) -> None:
        """Write down entries that are new; they run at once."""
        entries = self._entries.values()
        async with self._db.transaction() as connection:
            await connection.execute(
                statements.enrol_entries, [x.name for x in entries], clock.now(), [x.every_s for x in entries]
            )

    async def run_due(self) -> list[str]:
        """Run everything that is due, one after the other; returns the names of what ran here."""
        return [name for name in await self._due() if await self._run_entry(self._entries[name])]

    async def _due(self) -> list[str]:
        names = [name for name in self._entries if name not in self._running]
        async with self._db.connection() as connection:
            rows = await connection.fetch(statements.due_entries, names, clock.now())
        return [row["name"] for row in rows]

    async def _run_entry(self, entry: Entry) -> bool:
        """Claim, work under a lease that is kept alive, write down how it went. False: another has it."""
        try:
            token, began, cut_at = ids.random_id(), clock.now(), self._cut_at()
            async with self._db.transaction() as connection:
                planned_at = await connection.fetchval(
                    statements.claim_entry, entry.name, began, token, began + timedelta(seconds=self._lease_s)
                )
            if planned_at is None:
                return False
            error = await self._work(entry, token, cut_at)
            await self._finish(entry, token, planned_at=planned_at, began=began, error=error)
        except Exception as error:  # its lease runs out, and it comes back
            log.error("a run was not written down", entry=entry.name, error=error)
        finally:
            self._running.pop(entry.name, None)
        return True

    def _cut_at(self) -> float:
        return asyncio.get_running_loop().time() + self._lease_s * LEASE_USED

    async def _work(self, entry: Entry, token: int, cut_at: float) -> Exception | None:
        heartbeat: asyncio.Task[None] | None = None
        try:
            async with asyncio.timeout(entry.limit_s), asyncio.timeout_at(cut_at) as leash:
                heartbeat = asyncio.create_task(self._keep_lease(entry, token, leash))
                await entry.work(self._db)
        except Exception as error:
            log.error("timed work failed", entry=entry.name, error=error)
            return error
        finally:
            if heartbeat:
                heartbeat.cancel()
        return None

    async def _keep_lease(self, entry: Entry, token: int, leash: asyncio.Timeout) -> None:
        kept = True
        while kept:
            await asyncio.sleep(self._lease_s / 3)
            cut_at, until = self._cut_at(), clock.now() + timedelta(seconds=self._lease_s)
            try:
                async with self._db.transaction() as connection:
                    kept = bool(await connection.fetchval(statements.extend_entry, entry.name, token, until))
            except Exception as error:  # the leash stays as it is, and ends the work in time
                log.warning("a lease could not be renewed", entry=entry.name, error=error)
                continue
            if not leash.expired():
                leash.reschedule(cut_at if kept else 0.0)  # taken over: ended at once

    async def _finish(
        self, entry: Entry, token: int, *, planned_at: datetime, began: datetime, error: Exception | None
    ) -> None:
        now = clock.now()
        took_s = (now - began).total_seconds()
        said = logs.error_text(error) if error else None
        next_at = following(planned_at, every_s=entry.every_s, now=now + resting(took_s))
        async with self._db.transaction() as connection:
            ours = await connection.fetchval(
                statements.finish_entry, entry.name, token, next_at, began, round(took_s * 1000), said
            )
        metrics.timetable_runs.labels(entry.name, "failed" if error else "done" if ours else "late").inc()


def following(planned_at: datetime, *, every_s: float, now: datetime) -> datetime:
    """The first time after ``now`` on the entry's own beat; what was missed is missed."""
    missed = math.floor((now - planned_at).total_seconds() / every_s)
    return planned_at + timedelta(seconds=every_s * (max(missed, 0) + 1))


def resting(took_s: float) -> timedelta:
    """What takes long is done less often: looks of a few seconds' beat grow with what there is to look at."""
    return timedelta(seconds=min(took_s / SHARE_MOST, REST_MOST_S))


async def rows(db: Database) -> list[Row]:
    """The whole timetable, for the doctor."""
    async with db.connection() as connection:
        return [Row(*row.values()) for row in await connection.fetch(statements.timetable_rows)]
