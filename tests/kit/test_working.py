"""The worker: batches, culprits, calls outside, and an orderly end."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest
from job_table import LANE, add, count, done, eventually, rows, serial, worker, write, write_pairs

from kameng.kit import clock, db, jobs
from kameng.kit.db import Connection, Database
from kameng.kit.jobs import GiveUp, Inside, Job, NewJob, NotDone, Outside
from kameng.kit.lanes import Passage, pass_gate

# inside ----------------------------------------------------------------------------------------------------


async def test_inside_jobs_run_in_batches_and_are_gone(database: Database) -> None:
    batches: list[list[int]] = []

    async def run(connection: Connection, passage: Passage, batch: list[Job]) -> None:
        assert len(passage.ids) == 20
        batches.append([job.subject_id for job in batch])
        await write(connection, passage, batch)

    await add(database, *(NewJob("batches", n) for n in range(25)))
    before = await serial(database)
    at_work = worker(database, Inside("batches", run, ids_per_job=2))
    assert [await at_work.work_once() for _ in range(4)] == [10, 10, 5, 0]
    assert batches == [list(range(10)), list(range(10, 20)), list(range(20, 25))]
    assert await done(database) == list(range(25))
    assert await rows(database) == []
    assert await serial(database) == before + 3  # one transaction a batch, and looking costs none
    assert count("batches", "done") == 25


async def test_unknown_kinds_and_other_lanes_rest(database: Database) -> None:
    await add(database, NewJob("strange", 1))
    await add(database, NewJob("a", 2), lane=0)
    assert await worker(database, Inside("a", write)).work_once() == 0
    assert await rows(database) == [(2, "waiting", 0, None), (1, "waiting", 0, None)]
    assert await done(database) == []


async def test_a_batch_that_breaks_is_halved_until_the_culprit_stands_alone(database: Database) -> None:
    sizes: list[int] = []

    async def run(connection: Connection, passage: Passage, batch: list[Job]) -> None:
        sizes.append(len(batch))
        await write(connection, passage, batch)
        if any(job.subject_id == 5 for job in batch):
            raise ValueError("five")

    await add(database, *(NewJob("a", n) for n in range(8)))
    assert await worker(database, Inside("a", run)).work_once() == 8
    assert sizes == [8, 4, 4, 2, 1, 1, 2]
    assert await done(database) == [0, 1, 2, 3, 4, 6, 7]
    assert await rows(database) == [(5, "waiting", 1, "ValueError: five")]


async def test_a_job_that_keeps_failing_ends_on_the_desk(database: Database) -> None:
    async def run(connection: Connection, passage: Passage, batch: list[Job]) -> None:
        attempts.extend(job.attempts for job in batch)
        raise RuntimeError("no luck")

    attempts: list[int] = []
    await add(database, NewJob("a", 1))
    at_work = worker(database, Inside("a", run))
    start_ms = clock.now_ms()
    for n in range(5):
        with clock.hold(start_ms + n * 5000):
            await at_work.work_once()
    assert attempts == [1, 2, 3]
    assert await rows(database) == [(1, "dead", 3, "RuntimeError: no luck")]


async def test_giving_up_goes_to_the_desk_at_once(database: Database) -> None:
    async def run(connection: Connection, passage: Passage, batch: list[Job]) -> None:
        raise GiveUp("the order is gone")

    await add(database, NewJob("give-up", 1))
    await worker(database, Inside("give-up", run)).work_once()
    assert await rows(database) == [(1, "dead", 1, "GiveUp: the order is gone")]
    assert count("give-up", "dead") == 1


# outside ---------------------------------------------------------------------------------------------------


async def test_what_stands_in_the_database_while_a_call_runs(database: Database) -> None:
    seen: list[tuple[int, str, int, str | None]] = []

    async def call(job: Job) -> str:
        seen.extend(await rows(database))
        return f"answer {job.subject_id}"

    async def settle(connection: Connection, passage: Passage, pairs: list[tuple[Job, Any]]) -> None:
        assert len(passage.ids) == 1
        answers.extend(value for _, value in pairs)
        await write_pairs(connection, passage, pairs)

    answers: list[str] = []
    await add(database, NewJob("a", 1))
    assert await worker(database, Outside("a", call, settle=settle, ids_per_job=1)).work_once() == 1
    assert seen == [(1, "sending", 1, None)]
    assert answers == ["answer 1"]
    assert await done(database) == [1]
    assert await rows(database) == []


async def test_only_as_many_are_sending_as_there_are_calls(database: Database) -> None:
    gate = asyncio.Event()
    calls: list[int] = []

    async def calls_so_far() -> int:
        return len(calls)

    async def call(job: Job) -> None:
        calls.append(job.subject_id)
        await gate.wait()

    await add(database, *(NewJob("a", n) for n in range(9)))
    at_work = worker(database, Outside("a", call, settle=write_pairs, concurrency=4))
    running = asyncio.create_task(at_work.run())
    await eventually(calls_so_far, 4)
    await asyncio.sleep(0.1)
    assert calls == [0, 1, 2, 3]
    assert [state for _, state, _, _ in await rows(database)] == ["sending"] * 4 + ["waiting"] * 5
    gate.set()
    await eventually(calls_so_far, 9)
    at_work.stop()
    await asyncio.wait_for(running, 5)
    assert await done(database) == list(range(9))
    assert await rows(database) == []


async def test_a_slow_call_holds_up_nobody_else(database: Database) -> None:
    gate = asyncio.Event()

    async def call(job: Job) -> None:
        if job.subject_id == 0:
            await gate.wait()

    await add(database, *(NewJob("slow", n) for n in range(5)), NewJob("inside", 5))
    at_work = worker(database, Outside("slow", call, settle=write_pairs), Inside("inside", write))
    running = asyncio.create_task(at_work.run())
    await eventually(lambda: done(database), [1, 2, 3, 4, 5])
    at_work.stop()
    await asyncio.sleep(0.05)
    assert not running.done()  # it ends what it began
    gate.set()
    await asyncio.wait_for(running, 5)
    assert await done(database) == [0, 1, 2, 3, 4, 5]


async def test_what_certainly_did_not_happen_is_tried_again(database: Database) -> None:
    async def call(job: Job) -> None:
        if job.attempts < 3:
            raise NotDone("connection refused")

    await add(database, NewJob("a", 1))
    at_work = worker(database, Outside("a", call, settle=write_pairs))
    start_ms = clock.now_ms()
    states = []
    for n in range(3):
        with clock.hold(start_ms + n * 5000):
            await at_work.work_once()
        states.append(await rows(database))
    why = "NotDone: connection refused"
    assert states == [[(1, "waiting", 1, why)], [(1, "waiting", 2, why)], []]
    assert await done(database) == [1]


async def test_unknown_is_not_failed(database: Database) -> None:
    calls: list[int] = []

    async def call(job: Job) -> None:
        calls.append(job.subject_id)
        raise ConnectionResetError("in the middle")

    await add(database, NewJob("unknown", 1))
    at_work = worker(database, Outside("unknown", call, settle=write_pairs))
    start_ms = clock.now_ms()
    for n in range(3):
        with clock.hold(start_ms + n * 100_000):
            await at_work.work_once()
    assert calls == [1]
    assert await rows(database) == [(1, "unknown", 1, "ConnectionResetError: in the middle")]
    assert await done(database) == []
    assert count("unknown", "unknown") == 1


async def test_a_call_that_takes_too_long_is_unknown(database: Database) -> None:
    async def call(job: Job) -> None:
        await asyncio.sleep(3600)

    await add(database, NewJob("a", 1))
    await worker(database, Outside("a", call, timeout_s=0.05)).work_once()
    assert await rows(database) == [(1, "unknown", 1, "TimeoutError: ")]


async def test_unknown_is_asked_about_until_somebody_knows(database: Database) -> None:
    said: list[str] = []

    async def call(job: Job) -> None:
        said.append("call")
        raise TimeoutError("no answer")

    async def query(job: Job) -> str:
        said.append("query")
        if said.count("query") < 2:
            raise TimeoutError("no answer either")
        return "it happened"

    async def settle(connection: Connection, passage: Passage, pairs: list[tuple[Job, Any]]) -> None:
        said.extend(value for _, value in pairs)
        await write_pairs(connection, passage, pairs)

    await add(database, NewJob("a", 1))
    at_work = worker(database, Outside("a", call, query=query, settle=settle))
    start_ms = clock.now_ms()
    for n in range(3):
        with clock.hold(start_ms + n * 5000):
            await at_work.work_once()
    assert said == ["call", "query", "query", "it happened"]
    assert await done(database) == [1]
    assert await rows(database) == []


async def test_asked_and_not_done_it_is_sent_again(database: Database) -> None:
    said: list[str] = []

    async def call(job: Job) -> None:
        said.append("call")
        if len(said) == 1:
            raise TimeoutError("no answer")

    async def query(job: Job) -> None:
        said.append("query")
        raise NotDone("never heard of it")

    await add(database, NewJob("a", 1))
    at_work = worker(database, Outside("a", call, query=query, settle=write_pairs))
    start_ms = clock.now_ms()
    for n in range(3):
        with clock.hold(start_ms + n * 5000):
            await at_work.work_once()
    assert said == ["call", "query", "call"]
    assert await done(database) == [1]


async def test_what_happened_and_could_not_be_written_down_is_not_sent_again(database: Database) -> None:
    calls: list[int] = []

    async def call(job: Job) -> None:
        calls.append(job.subject_id)

    async def settle(connection: Connection, passage: Passage, pairs: list[tuple[Job, Any]]) -> None:
        await write_pairs(connection, passage, pairs)
        if any(job.subject_id == 2 for job, _ in pairs):
            raise NotDone("a slip of the handler: it did happen")

    await add(database, *(NewJob("a", n) for n in range(4)))
    at_work = worker(database, Outside("a", call, settle=settle))
    await at_work.work_once()
    with clock.hold(clock.now_ms() + 100_000):
        await at_work.work_once()
    assert sorted(calls) == [0, 1, 2, 3]
    assert await done(database) == [0, 1, 3]
    why = "NotRecorded: NotDone: a slip of the handler: it did happen"
    assert await rows(database) == [(2, "unknown", 1, why)]


async def test_a_late_one_changes_nothing_and_is_told(database: Database) -> None:
    async def call(job: Job) -> None:
        async with database.transaction() as connection:  # another worker, after the lease ran out
            await pass_gate(connection, LANE)
            with clock.hold(clock.now_ms() + 61_000):
                taken = await jobs.claim(connection, LANE, "late", limit=1, lease_s=60)
            assert [job.state for job in taken] == ["sending"]

    await add(database, NewJob("late", 1))
    await worker(database, Outside("late", call, settle=write_pairs)).work_once()
    assert await done(database) == []
    assert await rows(database) == [(1, "sending", 2, None)]
    assert (count("late", "late"), count("late", "done")) == (1, 0)


async def test_what_came_back_survives_a_lost_database(database: Database) -> None:
    async def call(job: Job) -> None:
        async with database.connection() as connection:
            await connection.fetch(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'cut off' AND pid <> pg_backend_pid()"
            )
            await connection.execute("ALTER TABLE lane RENAME TO lane_hidden")
        hidden.set()

    hidden = asyncio.Event()
    await add(database, NewJob("a", 1))
    own = await db.open_database(database.url, name="cut off")
    try:
        at_work = worker(own, Outside("a", call, settle=write_pairs))
        running = asyncio.create_task(at_work.run())
        await asyncio.wait_for(hidden.wait(), 5)
        await asyncio.sleep(0.2)
        assert not running.done()
        async with database.connection() as connection:
            await connection.execute("ALTER TABLE lane_hidden RENAME TO lane")
        await eventually(lambda: done(database), [1])
        at_work.stop()
        await asyncio.wait_for(running, 5)
    finally:
        await own.close()
    assert await rows(database) == []


# its end --------------------------------------------------------------------------------------------------


async def test_a_worker_that_is_cut_off_leaves_sending_behind(database: Database) -> None:
    called = asyncio.Event()

    async def call(job: Job) -> None:
        called.set()
        await asyncio.sleep(3600)

    await add(database, NewJob("a", 1))
    running = asyncio.create_task(worker(database, Outside("a", call, timeout_s=3600)).run())
    await asyncio.wait_for(called.wait(), 5)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await rows(database) == [(1, "sending", 1, None)]


def test_a_kind_has_one_handler(database: Database) -> None:
    with pytest.raises(AssertionError, match="a kind has two handlers"):
        worker(database, Inside("a", write), Inside("a", write))


async def test_the_table_refuses_states_that_make_no_sense(database: Database) -> None:
    async with database.connection() as connection:
        for state, token in (("leased", None), ("waiting", 5), ("dead", 5), ("strange", None)):
            with pytest.raises(asyncpg.CheckViolationError):
                await connection.execute(
                    "INSERT INTO job (lane, job_id, kind, subject_id, state, due_at, lease_token)"
                    " VALUES (1, 1, 'a', 1, $1, now(), $2)", state, token,
                )  # fmt: skip
