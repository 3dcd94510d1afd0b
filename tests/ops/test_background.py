"""The background process as the supervisor starts it: it shows its numbers, and does the jobs it has handlers for."""

from __future__ import annotations

import asyncio
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kameng.kit import crypto, db, jobs, lanes
from kameng.kit.db import Database
from kameng.kit.jobs import NewJob
from kameng.ops import chaos_jobs, founding, processes, upkeep
from kameng.ops.children import Child
from kameng.ops.scraping import Scraped

WORKER, SCHEDULER = "worker", "scheduler"


@pytest.fixture
async def database(database_url: str) -> Database:
    opened = await db.open_database(database_url)
    await founding.open_platform(opened, lane_count=2)
    return opened


@contextmanager
def background(module: str, url: str, folder: Path, port: int, **more: str) -> Iterator[Child]:
    crypto.KeyFile(folder / "keyring.json").create()
    bare = {name: value for name, value in os.environ.items() if not name.startswith("KAMENG_")}
    environ = bare | {
        "KAMENG_DATABASE_URL": url, "KAMENG_DATA_DIR": str(folder), "KAMENG_METRICS_PORT": str(port), **more
    }  # fmt: skip
    child = Child(module, (WORKER, SCHEDULER), listening_fd=None, environ=environ)
    try:
        until(child.is_ready)
        yield child
    finally:
        child.end()
        until(child.is_over)


def until(look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def numbers(port: int) -> str:
    """What is shown there; "" if nobody listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as response:
            text: str = response.read().decode()
            return text
    except urllib.error.URLError:
        return ""


async def test_the_numbers_of_worker_and_scheduler_can_be_scraped(database: Database, tmp_path: Path) -> None:
    port = processes.free_port()
    with background("kameng.ops.background", database.url, tmp_path, port):
        ring = crypto.KeyRing(crypto.KeyFile(tmp_path / "keyring.json").load())
        names = [entry.name for entry in upkeep.entries(ring)]
        lines = {f'kameng_timetable_runs_total{{name="{name}",outcome="done"}} 1.0' for name in names}
        until(lambda: lines <= set(numbers(port).splitlines()))


async def test_without_a_port_nobody_listens(database: Database, tmp_path: Path) -> None:
    port = processes.free_port()
    with background("kameng.ops.background", database.url, tmp_path, 0):
        assert numbers(port) == ""


async def test_the_new_process_shows_its_numbers_when_the_old_one_left(database: Database, tmp_path: Path) -> None:
    """On a reload the new one serves before the old one is asked to leave."""
    port = processes.free_port()
    with background("kameng.ops.background", database.url, tmp_path, port) as old:
        until(lambda: numbers(port) != "")
        with background("kameng.ops.background", database.url, tmp_path, port) as new:
            assert new.is_ready()
            old.end()
            until(old.has_ended)
            until(lambda: numbers(port) != "")


async def test_others_are_told_that_there_is_nothing() -> None:
    scraped = Scraped(0, ["203.0.113.0/24"])
    assert [scraped._may_see(peer) for peer in ("127.0.0.1", "203.0.113.9", "203.0.114.9")] == [True, True, False]
    told: list[str] = []
    environ = {"PATH_INFO": "/metrics", "REMOTE_ADDR": "203.0.114.9", "REQUEST_METHOD": "GET"}
    assert list(scraped._answer(environ, lambda status, _: told.append(status))) == [b""]
    environ |= {"REMOTE_ADDR": "203.0.113.9"}
    assert b"kameng_jobs_total" in b"".join(scraped._answer(environ, lambda status, _: told.append(status)))
    environ |= {"PATH_INFO": "/"}
    assert list(scraped._answer(environ, lambda status, _: told.append(status))) == [b""]
    assert told == ["404 Not Found", "200 OK", "404 Not Found"]


async def test_jobs_are_done_by_the_process_and_those_of_a_killed_one_by_the_next(
    database: Database, tmp_path: Path
) -> None:
    """What the kill drill does, with one kill: the handlers go through the process's own front door."""
    await chaos_jobs.prepare(database)
    upstream = chaos_jobs.Upstream(tmp_path)
    sure = await _add(database, [chaos_jobs.INSIDE, chaos_jobs.OUTSIDE] * 50)
    ports = processes.free_port(), processes.free_port()
    with background(chaos_jobs.MODULE, database.url, tmp_path, ports[0], KAMENG_JOB_LEASE_S="1") as killed:
        until(lambda: upstream.told("sent").total() > 5)
        killed.kill()
    assert await _open(database) > 0
    with background(chaos_jobs.MODULE, database.url, tmp_path, ports[1], KAMENG_JOB_LEASE_S="1"):
        async with asyncio.timeout(30):
            while await _open(database):  # noqa: ASYNC110 - what is waited for happens in the database
                await asyncio.sleep(0.05)
        assert f'kameng_jobs_total{{kind="{chaos_jobs.OUTSIDE}",outcome="done"}}' in numbers(ports[1])
    some = chaos_jobs.Jobs(None)  # type: ignore[arg-type]
    some.sure = sure
    async with database.connection() as connection:
        assert await chaos_jobs.verify(connection, some, upstream) == []
    assert upstream.told("sent").total() == 50


async def _add(database: Database, kinds: list[str]) -> dict[int, str]:
    async with database.transaction() as connection:
        passage = await lanes.pass_gate(connection, 0, id_count=len(kinds))
        await jobs.add(connection, 0, [NewJob(kind, 0) for kind in kinds], passage.ids)
    return dict(zip(passage.ids, kinds, strict=True))


async def _open(database: Database) -> int:
    async with database.connection() as connection:
        return int(await connection.fetchval("SELECT count(*) FROM job"))


async def test_the_drill_sees_what_became_of_jobs(database: Database, tmp_path: Path) -> None:
    await chaos_jobs.prepare(database)
    upstream = chaos_jobs.Upstream(tmp_path)
    some = chaos_jobs.Jobs(None)  # type: ignore[arg-type]
    some.sure = {1: chaos_jobs.INSIDE, 2: chaos_jobs.INSIDE, 3: chaos_jobs.OUTSIDE, 4: chaos_jobs.OUTSIDE}
    some.unsure = {5: chaos_jobs.INSIDE}
    for job_id in (3, 3, 6):
        upstream.tell("sent", job_id)
    async with database.connection() as connection:
        rows = [(1, "inside"), (1, "inside"), (3, "outside"), (4, "outside"), (7, "inside")]
        await connection.executemany("INSERT INTO chaos_done VALUES ($1, 'chaos.' || $2::text)", rows)
        await connection.execute("INSERT INTO job VALUES (0, 8, 'chaos.inside', 0, NULL, 'dead', now())")
        assert await chaos_jobs.verify(connection, some, upstream) == [
            "job 8 is still there: dead",
            "job 2 (chaos.inside) was lost",
            "job 1 is done 2 times",
            "job 3 was sent 2 times",
            "job 4 is done and nobody sent it",
            "job 6 was sent and is not done",
            "job 7 is done and nobody gave it",
        ]
