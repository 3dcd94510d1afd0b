"""A standby: made while orders run, promoted when its primary is killed under load; nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import msgspec
import pytest
from command import Service, data_folder, fetch, kameng
from storm import lost, stock_up, storm

from kameng.kit import settings
from kameng.ops import doctor, embedded, processes, standby
from kameng.ops.chaos_clients import Goods

ON = {"KAMENG_SYNCHRONOUS_STANDBY": "on"}


class Pair(msgspec.Struct, frozen=True):
    """A platform that is stocked up, and a standby that was made of it; nothing runs yet."""

    first: Path
    second: Path
    goods: Goods


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with data_folder() as parent, pytest.MonkeyPatch.context() as patch:
        first, second = parent / "first", parent / "second"
        assert kameng(first, "init").returncode == 0
        patch.setenv("KAMENG_DATA_DIR", str(first))
        with embedded.start(first / "pg18"):
            goods = stock_up(settings.load())
            made = kameng(first, "standby", "make", str(second))
            assert made.returncode == 0, made.stderr
            again = kameng(first, "standby", "make", str(second))
            assert (again.returncode, "is there already" in again.stderr) == (2, True)
        assert f"kameng standby run {second}" in made.stdout
        shutil.copy(first / "keyring.json", second / "keyring.json")
        yield Pair(first, second, goods)


def url_of(data: Path) -> str:
    """Of the server that runs there."""
    return f"postgresql://kameng@/kameng?host={data}/pg18/socket&port=5432"


async def finding(data: Path, *, wanted: bool) -> list[bool]:
    """What the doctor says of standbys."""
    connection = await asyncpg.connect(url_of(data))
    try:
        found = await doctor.check(connection, wants_standby=wanted)
    finally:
        await connection.close()
    return [one.ok for one in found if one.name == "standby"]


async def until_it_follows(data: Path) -> None:
    for _ in range(600):
        if await finding(data, wanted=True) == [True]:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the standby does not follow")


def kill_machine(service: Service, data: Path) -> None:
    """Everything at once; the supervisor first, or it would start the others again."""
    postmaster = int((data / "pg18" / "cluster" / "postmaster.pid").read_text().split("\n", 1)[0])
    for pid in (service.process.pid, postmaster, *service.told.children.values()):
        os.kill(pid, signal.SIGKILL)


async def test_a_primary_killed_under_load_loses_nothing(pair: Pair) -> None:
    port, second = processes.free_port(), pair.second
    served = ("serve", "--plain-http", "--port", str(port))
    with Service(second, "standby", "run", str(second)) as follower, Service(pair.first, *served, **ON) as one:
        for service, said in ((follower, "The standby follows"), (one, "Kameng is running")):
            await asyncio.to_thread(service.await_said, said)
        await until_it_follows(pair.first)
        async with storm(pair.goods, port) as load:
            await load.go_on(300)
            early = await asyncio.to_thread(kameng, second, "standby", "promote", str(second))
            assert (early.returncode, "The primary still answers" in early.stderr) == (2, True)
            kill_machine(one, pair.first)
            killed_s, acknowledged = time.monotonic(), load.count
            promoted = await asyncio.to_thread(kameng, second, "standby", "promote", str(second))
            assert promoted.returncode == 0, promoted.stderr
            with Service(second, *served) as other:
                await asyncio.to_thread(other.await_said, "Kameng is running")
                await load.go_on(1)
                rto_s = time.monotonic() - killed_s
                await load.go_on(200)
                await load.calm_down()
                gone = await lost(url_of(second), load.told)
                sys.stdout.write(f"RPO {len(gone)} of {acknowledged} acknowledged orders, RTO {rto_s:.1f} s\n")
                assert gone == []
                audited = await asyncio.to_thread(kameng, second, "audit")
                assert audited.returncode == 0, audited.stdout + audited.stderr
        again = await asyncio.to_thread(kameng, second, "standby", "promote", str(second))
        assert (again.returncode, "promoted already" in again.stderr) == (2, True)


async def test_the_doctor_tells_of_a_standby_that_is_away(pair: Pair) -> None:
    """The old primary keeps WAL for one that will never come back; the new one has none to tell of."""
    with (
        Service(pair.first, "serve", "--plain-http", "--port", "0") as old,
        Service(pair.second, "serve", "--plain-http", "--port", "0") as new,
    ):
        for service in (old, new):
            await asyncio.to_thread(service.await_said, "Kameng is running")
        assert await finding(pair.first, wanted=False) == [False]
        assert await finding(pair.second, wanted=False) == []
        assert await finding(pair.second, wanted=True) == [False]


def test_what_is_no_standby_is_not_promoted(pair: Pair) -> None:
    done = kameng(pair.first, "standby", "promote", str(pair.first))
    assert (done.returncode, "is no standby" in done.stderr) == (2, True)
    done = kameng(pair.first, "standby", "run", str(pair.first / "nowhere"))
    assert (done.returncode, "is no standby" in done.stderr) == (2, True)


def test_of_your_own_server_with_the_names_that_a_standby_serves(pair: Pair) -> None:
    """The server is another Kameng's embedded one here, named by its URL."""
    third = pair.first.parent / "third"
    with embedded.start(pair.first / "pg18") as server:
        other = server.url_for("postgres")
        refused = kameng(pair.second, "standby", "make", str(third), KAMENG_DATABASE_URL=other)
        assert (refused.returncode, "must be named kameng" in refused.stderr, third.exists()) == (2, True, False)
        made = kameng(pair.second, "standby", "make", str(third), KAMENG_DATABASE_URL=server.url)
        assert made.returncode == 0, made.stderr
    note = standby.read_note(third)
    assert (note.primary, note.major) == (server.url, 18)
    with embedded.start(third / "pg18", extra_settings=standby.FOLLOWING) as copy:
        assert fetch(copy, "SELECT pg_is_in_recovery()") == [(True,)]


@pytest.mark.parametrize(
    ("url", "bare"),
    [
        (
            "postgresql://kameng" + ":a%40b@db:5432/kameng?sslmode=require",
            "postgresql://kameng@db:5432/kameng?sslmode=require",
        ),
        ("postgresql://kameng@/kameng?host=/run/pg", "postgresql://kameng@/kameng?host=/run/pg"),
    ],
)
def test_a_password_is_not_written_into_the_note(url: str, bare: str) -> None:
    assert standby.without_password(url) == bare
