"""Workers that are killed, and several at once: nothing is lost, nothing is done or sent twice."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from job_table import LANE, add, done, eventually, rows, worker, write, write_pairs

from kameng.kit import clock, jobs
from kameng.kit.db import Database
from kameng.kit.jobs import Inside, Job, NewJob, NotDone, Outside
from kameng.kit.lanes import pass_gate

PROCESS = Path(__file__).with_name("worker_process.py")


class Process:
    """A worker process and what it printed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.lines: list[str] = []

    async def read_until(self, word: str) -> None:
        assert self._process.stdout
        while not self.lines or not self.lines[-1].startswith(word):
            line = await asyncio.wait_for(self._process.stdout.readline(), 20)
            assert line, "the worker ended"
            self.lines.append(line.decode().strip())

    async def kill(self) -> None:
        assert self._process.stdout
        if self._process.returncode is None:
            self._process.kill()
        rest = (await self._process.stdout.read()).decode()
        self.lines.extend(rest.splitlines())
        assert await self._process.wait() == -9


@asynccontextmanager
async def process(database: Database) -> AsyncIterator[Process]:
    arguments = (str(PROCESS), database.url, str(LANE))
    pipe = asyncio.subprocess.PIPE
    started = Process(await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=pipe))
    try:
        await started.read_until("ready")
        yield started
    finally:
        await started.kill()


async def open_transactions(database: Database) -> int:
    async with database.connection() as connection:
        return int(
            await connection.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND backend_type = 'client backend' AND state = 'idle in transaction'"
            )
        )


async def test_a_worker_killed_inside_a_job_leaves_nothing_and_the_job_comes_back(database: Database) -> None:
    async with process(database) as lost:
        await add(database, NewJob("write-and-hang", 1), NewJob("write-and-hang", 2))
        await lost.read_until("wrote 2")
        await lost.kill()
    await eventually(lambda: open_transactions(database), 0)  # the server noticed: the gate is free
    assert await done(database) == []
    assert await rows(database) == [(1, "waiting", 0, None), (2, "waiting", 0, None)]
    assert await worker(database, Inside("write-and-hang", write)).work_once() == 2
    assert await done(database) == [1, 2]
    assert await rows(database) == []


async def test_a_worker_killed_while_sending_is_not_sent_for_again(database: Database) -> None:
    async with process(database) as lost:
        await add(database, NewJob("call-and-hang", 1), NewJob("call-and-hang", 2))
        await lost.read_until("called 2")
        await lost.kill()
        assert lost.lines == ["ready 0", "called 1", "called 2"]
    assert await rows(database) == [(1, "sending", 1, None), (2, "sending", 1, None)]
    said: list[tuple[str, int]] = []

    async def call(job: Job) -> None:
        said.append(("call", job.subject_id))

    async def query(job: Job) -> None:
        said.append(("query", job.subject_id))
        if job.subject_id == 2:
            raise NotDone("never heard of it")

    asking = worker(database, Outside("call-and-hang", call, query=query, settle=write_pairs))
    assert await asking.work_once() == 0  # the lease still runs
    start_ms = clock.now_ms()
    with clock.hold(start_ms + 61_000):
        assert await asking.work_once() == 2
    assert said == [("query", 1), ("query", 2)]
    assert await done(database) == [1]
    assert await rows(database) == [(2, "waiting", 2, "NotDone: never heard of it")]
    with clock.hold(start_ms + 121_000):
        assert await asking.work_once() == 1
    assert said == [("query", 1), ("query", 2), ("call", 2)]
    assert await done(database) == [1, 2]


async def test_a_worker_killed_while_sending_with_nobody_to_ask_leaves_it_to_a_person(
    database: Database,
) -> None:
    async with process(database) as lost:
        (job_id,) = await add(database, NewJob("call-and-hang", 1))
        await lost.read_until("called 1")
    calls: list[Job] = []

    async def call(job: Job) -> None:
        calls.append(job)

    with clock.hold(clock.now_ms() + 61_000):
        assert await worker(database, Outside("call-and-hang", call)).work_once() == 1
        assert await worker(database, Outside("call-and-hang", call)).work_once() == 0
    assert calls == []
    async with database.connection() as connection:
        (waiting,) = await jobs.desk(connection, LANE)
    assert (waiting.job_id, waiting.state) == (job_id, "unknown")
    assert waiting.error == "LostWorker: with the job in its hands"


async def test_a_job_that_kills_its_workers_before_it_is_sent_ends_on_the_desk(database: Database) -> None:
    await add(database, NewJob("a", 1))
    start_ms = clock.now_ms()
    for n in range(3):  # three workers claim it and are never heard of again
        with clock.hold(start_ms + n * 61_000):
            async with database.transaction() as connection:
                await pass_gate(connection, LANE)
                assert len(await jobs.claim(connection, LANE, "a", limit=1, lease_s=60)) == 1

    async def call(job: Job) -> None:
        pytest.fail("it must not be tried a fourth time")

    with clock.hold(start_ms + 3 * 61_000):
        assert await worker(database, Outside("a", call)).work_once() == 1
    assert await rows(database) == [(1, "dead", 4, "LostWorker: with the job in its hands")]


async def test_two_processes_on_one_lane_never_run_a_job_twice(database: Database) -> None:
    async with process(database) as one, process(database) as other:
        for start in range(0, 200, 20):
            await add(database, *(NewJob("write", n) for n in range(start, start + 20)))
            await add(database, *(NewJob("call", 1000 + n) for n in range(start, start + 20)))
        await eventually(lambda: rows(database), [])
    said = [line.split() for line in one.lines + other.lines]
    assert sorted(int(n) for word, n in said if word == "wrote") == list(range(200))
    assert sorted(int(n) for word, n in said if word == "called") == list(range(1000, 1200))
    assert await done(database) == list(range(200))


async def test_two_workers_in_one_process_share_the_work(database: Database) -> None:
    calls: list[int] = []

    async def call(job: Job) -> None:
        await asyncio.sleep(0.001)
        calls.append(job.subject_id)

    await add(database, *(NewJob("a", n) for n in range(300)), *(NewJob("b", 1000 + n) for n in range(300)))
    workers = [worker(database, Outside("a", call, settle=write_pairs), Inside("b", write)) for _ in range(2)]
    running = [asyncio.create_task(one.run()) for one in workers]
    await eventually(lambda: rows(database), [])
    for one in workers:
        one.stop()
    await asyncio.gather(*running)
    assert sorted(calls) == list(range(300))
    assert await done(database) == [*range(300), *range(1000, 1300)]
