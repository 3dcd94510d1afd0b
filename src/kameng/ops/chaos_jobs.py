"""The jobs of ``kameng chaos``: work for the worker that is killed, and what must have become of it.

The drill's supervisor runs this module where others run ``ops.background``: the same process with two kinds more.
One is done inside (a row, in the transaction that ends the job), one outside: it tells an upstream, here a file that
outlives whoever is killed, and a job found ``sending`` is asked about there. Every job that was committed must be
done once, told to the upstream once, and gone.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg

from kameng.kit import db, jobs, lanes, settings
from kameng.kit.db import Connection, Database
from kameng.kit.jobs import Handler, Inside, Job, NewJob, NotDone, Outside
from kameng.kit.lanes import Passage
from kameng.ops import background, embedded

MODULE = "kameng.ops.chaos_jobs"
INSIDE, OUTSIDE = "chaos.inside", "chaos.outside"
CALL_S = 0.1
"""The longest call; long enough for a kill to fall into some, far below a lease."""
PAUSE_S = 0.1
AT_ONCE_MAX = 10

_CREATE = "CREATE TABLE IF NOT EXISTS chaos_done (job_id bigint NOT NULL, kind text NOT NULL)"
_DONE = "INSERT INTO chaos_done SELECT * FROM unnest($1::bigint[], $2::text[])"


class Upstream:
    """Whoever is told: one line for each, written at once, so that a killed teller told it or did not."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "chaos-upstream.log"

    def tell(self, word: str, job_id: int) -> None:
        descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, f"{word} {job_id}\n".encode())
        finally:
            os.close(descriptor)

    def told(self, word: str) -> Counter[int]:
        """How often it was told of each job."""
        lines = self._file.read_text().splitlines() if self._file.exists() else []
        return Counter(int(number) for said, number in (line.split(" ") for line in lines) if said == word)


def handlers(folder: Path) -> list[Handler]:
    """For the worker: one kind of each."""
    upstream, chance = Upstream(folder), random.Random()

    async def write(connection: Connection, _: Passage, batch: list[Job]) -> None:
        await connection.execute(_DONE, [job.job_id for job in batch], [job.kind for job in batch])

    async def call(job: Job) -> None:
        await asyncio.sleep(chance.random() * CALL_S / 2)
        upstream.tell("sent", job.job_id)
        await asyncio.sleep(chance.random() * CALL_S / 2)

    async def ask(job: Job) -> None:
        upstream.tell("asked", job.job_id)
        if not upstream.told("sent")[job.job_id]:
            raise NotDone("the upstream never heard of it")

    async def settle(connection: Connection, passage: Passage, pairs: list[tuple[Job, Any]]) -> None:
        await write(connection, passage, [job for job, _ in pairs])

    return [Inside(INSIDE, write), Outside(OUTSIDE, call, ask, settle)]


async def prepare(database: Database) -> None:
    """A table for what is done. It has no key: a second row is what is looked for."""
    async with database.transaction() as connection:
        await connection.execute(_CREATE)


class Jobs:
    """Adds jobs while everything is killed. ``sure`` were committed; of ``unsure`` nobody heard."""

    def __init__(self, chance: random.Random) -> None:
        self.sure: dict[int, str] = {}
        self.unsure: dict[int, str] = {}
        self._chance = chance
        self._stopped = False

    def stop(self) -> None:
        self._stopped = True

    async def work(self) -> None:
        while not self._stopped:
            try:
                await self._add_some()
            except db.LOST:
                await asyncio.sleep(PAUSE_S)  # the database is being killed or started

    async def _add_some(self) -> None:
        connection = await asyncpg.connect(server_url(), timeout=5, command_timeout=10)
        try:
            numbers = await lanes.lane_numbers(connection)
            while not self._stopped:
                await self._add(connection, self._chance.choice(numbers), self._chance.randint(1, AT_ONCE_MAX))
                await asyncio.sleep(self._chance.random() * PAUSE_S)
        finally:
            connection.terminate()

    async def _add(self, connection: Connection, lane: int, count: int) -> None:
        kinds = [self._chance.choice((INSIDE, OUTSIDE)) for _ in range(count)]
        async with connection.transaction():
            passage = await lanes.pass_gate(connection, lane, id_count=count)
            await jobs.add(connection, lane, [NewJob(kind, 0) for kind in kinds], passage.ids)
            mine = dict(zip(passage.ids, kinds, strict=True))
            self.unsure |= mine  # until its COMMIT was answered
        self.sure |= mine
        for job_id in mine:
            del self.unsure[job_id]

    async def drain(self, *, timeout_s: float) -> None:
        """Wait until none of them is left to do; whoever lies on the desk stays there."""
        until_s = time.monotonic() + timeout_s
        while time.monotonic() < until_s:
            with suppress(*db.LOST):
                connection = await asyncpg.connect(server_url(), timeout=5)
                try:
                    if not await connection.fetchval(_OPEN):
                        return
                finally:
                    await connection.close()
            await asyncio.sleep(0.2)


_OPEN = "SELECT count(*) FROM job WHERE kind LIKE 'chaos.%' AND state NOT IN ('dead', 'unknown')"


async def verify(connection: Connection, some: Jobs, upstream: Upstream) -> list[str]:
    """What must not be: lost, doubled, sent twice, stuck."""
    rows = await connection.fetch("SELECT job_id, kind FROM chaos_done")
    done, sent = Counter(row["job_id"] for row in rows), upstream.told("sent")
    left = {row["job_id"]: row["state"] for row in await connection.fetch(
        "SELECT job_id, state FROM job WHERE kind LIKE 'chaos.%'"
    )}  # fmt: skip
    outside = {row["job_id"] for row in rows if row["kind"] == OUTSIDE}
    faults = [f"job {job_id} is still there: {state}" for job_id, state in left.items()]
    faults += [f"job {job_id} ({kind}) was lost" for job_id, kind in some.sure.items() if not done[job_id]
               and job_id not in left]  # fmt: skip
    faults += [f"job {job_id} is done {times} times" for job_id, times in done.items() if times > 1]
    faults += [f"job {job_id} was sent {times} times" for job_id, times in sent.items() if times > 1]
    faults += [f"job {job_id} is done and nobody sent it" for job_id in outside if not sent[job_id]]
    faults += [f"job {job_id} was sent and is not done" for job_id in sent if job_id not in outside | set(left)]
    known = some.sure.keys() | some.unsure.keys()
    faults += [f"job {job_id} is done and nobody gave it" for job_id in done if job_id not in known]
    return faults


def summary(some: Jobs, upstream: Upstream) -> str:
    kinds = Counter(some.sure.values())
    return (
        f"jobs: {kinds[INSIDE]:,} inside, {kinds[OUTSIDE]:,} outside,"
        f" {upstream.told('asked').total():,} times asked what a lost worker had done"
    )


def server_url() -> str:
    """Where the drill's server listens now."""
    lines = (embedded.default_folder(18) / "cluster" / "postmaster.pid").read_text().splitlines()
    if len(lines) < 8:  # it is just coming up
        raise ConnectionError("no server yet")
    return f"postgresql://{embedded.ROLE}@/{embedded.ROLE}?host={quote(lines[4].strip())}&port={int(lines[3])}"


if __name__ == "__main__":
    background.main(handlers(settings.load().data_dir))
