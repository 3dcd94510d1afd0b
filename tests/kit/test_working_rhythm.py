"""The worker's rhythm: how soon it finds work, what it leaves alone when there is none, how it keeps a lease."""

from __future__ import annotations

import asyncio

import pytest
from job_table import LANE, add, done, serial, worker, write, write_pairs

from kameng.kit import jobs
from kameng.kit.db import Connection, Database
from kameng.kit.jobs import Inside, Job, NewJob, Outside
from kameng.kit.lanes import Passage, pass_gate
from kameng.kit.working import Limits


@pytest.mark.alone
async def test_it_finds_new_work_within_a_second_or_at_once_when_woken(database: Database) -> None:
    ran = asyncio.Event()

    async def run(connection: Connection, passage: Passage, batch: list[Job]) -> None:
        ran.set()

    at_work = worker(database, Inside("a", run))
    running = asyncio.create_task(at_work.run())
    await asyncio.sleep(2.7)  # by now it looks once a second
    await add(database, NewJob("a", 1))
    await asyncio.wait_for(ran.wait(), 1.2)
    ran.clear()
    await asyncio.sleep(2)
    await add(database, NewJob("a", 2))
    at_work.wake()
    await asyncio.wait_for(ran.wait(), 0.3)
    at_work.stop()
    await asyncio.wait_for(running, 0.5)


async def test_an_idle_worker_writes_nothing(database: Database) -> None:
    at_work = worker(database, Inside("a", write), Outside("b", lambda job: asyncio.sleep(0)))
    before = await serial(database)
    running = asyncio.create_task(at_work.run())
    await asyncio.sleep(1.5)
    at_work.stop()
    await running
    assert await serial(database) == before


@pytest.mark.alone
@pytest.mark.parametrize("way", ["once", "run"])
async def test_a_long_call_keeps_its_lease(database: Database, way: str) -> None:
    async def call(job: Job) -> None:
        for _ in range(20):
            await asyncio.sleep(0.1)
            async with database.transaction() as connection:
                await pass_gate(connection, LANE)
                taken.extend(await jobs.claim(connection, LANE, "a", limit=1, lease_s=1))
        at_work.stop()

    taken: list[Job] = []
    await add(database, NewJob("a", 1))
    at_work = worker(database, Outside("a", call, settle=write_pairs), limits=Limits(lease_s=1))
    await (at_work.run() if way == "run" else at_work.work_once())
    assert taken == []
    assert await done(database) == [1]
