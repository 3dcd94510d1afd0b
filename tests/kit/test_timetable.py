"""The timetable: one process at a time, no piling up, errors kept, and a lease that cuts off who lost it."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta

import pytest

from kameng.kit import clock, timetable
from kameng.kit.db import Database
from kameng.kit.timetable import Entry, Timetable

NOW_MS = 1_795_000_000_000
NOW = datetime.fromtimestamp(NOW_MS / 1000, UTC)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("now_s", "next_s"),
    [(0, 10), (-3, 10), (9.999, 10), (10, 20), (10.5, 20), (35, 40), (1_000_000, 1_000_010)],
)
def test_the_next_run_is_on_the_beat_and_in_the_future(now_s: float, next_s: float) -> None:
    assert timetable.following(NOW, every_s=10, now=after(now_s)) == after(next_s)


async def test_who_took_long_rests_and_keeps_the_beat(database: Database) -> None:
    async def slow(db: Database) -> None:
        assert db is database
        holding.close()
        holding.enter_context(clock.hold(NOW_MS + 400))  # so long it took

    table = Timetable(database, [Entry("watch", 5, slow)])
    with contextlib.ExitStack() as holding:
        holding.enter_context(clock.hold(NOW_MS))
        await table.enrol()
        assert await table.run_due() == ["watch"]
    assert [row.next_at for row in await timetable.rows(database)] == [after(25)]  # 0.4 s of 20, then the next beat


@pytest.mark.parametrize(("took_s", "rest_s"), [(0.0, 0.0), (0.1, 5.0), (1.2, 60.0), (3000.0, 60.0)])
def test_a_rest_is_fifty_times_the_work_and_a_minute_at_most(took_s: float, rest_s: float) -> None:
    assert timetable.resting(took_s).total_seconds() == pytest.approx(rest_s)


async def test_it_runs_when_due_and_what_was_missed_is_missed(database: Database) -> None:
    ran: list[datetime] = []

    async def work(db: Database) -> None:
        assert db is database
        ran.append(clock.now())

    table = Timetable(database, [Entry("sweep", 10, work)])
    with clock.hold(NOW_MS):
        await table.enrol()
        assert await table.run_due() == ["sweep"]
        assert await table.run_due() == []
    with clock.hold(NOW_MS + 9_999):
        assert await table.run_due() == []
    with clock.hold(NOW_MS + 35_500):
        assert await table.run_due() == ["sweep"]
        assert await table.run_due() == []
    assert ran == [NOW, after(35.5)]
    assert await timetable.rows(database) == [timetable.Row("sweep", after(40), None, after(35.5), 0, None)]


async def test_enrolling_again_keeps_the_beat_but_a_shorter_interval_counts_from_now(
    database: Database,
) -> None:
    async def work(db: Database) -> None: ...

    with clock.hold(NOW_MS):
        table = Timetable(database, [Entry("a", 3600, work), Entry("b", 10, work)])
        await table.enrol()
        await table.run_due()
    with clock.hold(NOW_MS + 5_000):
        await table.enrol()
        assert [row.next_at for row in await timetable.rows(database)] == [after(3600), after(10)]
        await Timetable(database, [Entry("a", 60, work), Entry("b", 7200, work)]).enrol()
        assert [row.next_at for row in await timetable.rows(database)] == [after(65), after(10)]


async def test_an_error_is_kept_masked_and_it_is_tried_next_time(database: Database) -> None:
    async def work(db: Database) -> None:
        if clock.now() == NOW:
            raise RuntimeError("no card SEM5369HTNGCRXBH")

    table = Timetable(database, [Entry("sweep", 10, work)])
    with clock.hold(NOW_MS):
        await table.enrol()
        assert await table.run_due() == ["sweep"]
        assert [row.last_error for row in await timetable.rows(database)] == ["RuntimeError: no card ***"]
        assert await table.run_due() == []
    with clock.hold(NOW_MS + 10_000):
        assert await table.run_due() == ["sweep"]
        assert await timetable.rows(database) == [timetable.Row("sweep", after(20), None, after(10), 0, None)]


async def test_exactly_one_process_runs_an_entry(database: Database) -> None:
    running = 0

    async def work(db: Database) -> None:
        nonlocal running
        running += 1
        assert running == 1
        await asyncio.sleep(0.05)
        running -= 1
        runs.append(1)

    runs: list[int] = []
    tables = [Timetable(database, [Entry("sweep", 3600, work)]) for _ in range(6)]
    await asyncio.gather(*(table.enrol() for table in tables))
    ran = await asyncio.gather(*(table.run_due() for table in tables))
    assert sorted(ran) == [[]] * 5 + [["sweep"]]
    assert len(runs) == 1


async def test_a_lost_process_is_replaced_when_its_lease_ran_out(database: Database) -> None:
    ran: list[datetime] = []

    async def work(db: Database) -> None:
        ran.append(clock.now())

    table = Timetable(database, [Entry("sweep", 10, work)])
    with clock.hold(NOW_MS):
        await table.enrol()
        async with database.transaction() as connection:  # a process that claims, and is never heard of again
            await connection.execute("UPDATE timetable SET lease_token = 5, lease_until = $1", after(60))
    with clock.hold(NOW_MS + 59_999):
        assert await table.run_due() == []
    with clock.hold(NOW_MS + 60_000):
        assert await table.run_due() == ["sweep"]
    assert ran == [after(60)]


async def test_whoever_lost_the_lease_is_cut_off_and_writes_nothing(database: Database) -> None:
    cut_off = asyncio.Event()

    async def work(db: Database) -> None:
        async with db.transaction() as connection:  # another process took it over
            await connection.execute("UPDATE timetable SET lease_token = 5")
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            cut_off.set()
            raise

    table = Timetable(database, [Entry("sweep", 10, work)], lease_s=3)
    await table.enrol()
    await asyncio.wait_for(table.run_due(), 2.5)  # at the next heartbeat, after a third of the lease
    assert cut_off.is_set()
    (row,) = await timetable.rows(database)
    assert (row.last_at, row.last_error) == (None, None)
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT lease_token FROM timetable") == 5


@pytest.mark.alone
async def test_long_work_keeps_its_lease(database: Database) -> None:
    async def work(db: Database) -> None:
        for _ in range(20):
            await asyncio.sleep(0.1)
            assert await other.run_due() == []

    other = Timetable(database, [Entry("sweep", 10, work)])
    table = Timetable(database, [Entry("sweep", 10, work)], lease_s=0.5)
    await table.enrol()
    assert await table.run_due() == ["sweep"]
    (row,) = await timetable.rows(database)
    assert row.last_error is None


async def test_work_has_a_limit(database: Database) -> None:
    async def work(db: Database) -> None:
        await asyncio.sleep(3600)

    table = Timetable(database, [Entry("sweep", 10, work, limit_s=0.05)])
    await table.enrol()
    assert await table.run_due() == ["sweep"]
    (row,) = await timetable.rows(database)
    assert row.last_error == "TimeoutError: "


async def test_run_and_stop(database: Database) -> None:
    began, end = asyncio.Event(), asyncio.Event()
    ran: list[str] = []

    async def slow(db: Database) -> None:
        began.set()
        await end.wait()
        ran.append("slow")

    async def quick(db: Database) -> None:
        ran.append("quick")

    table = Timetable(database, [Entry("slow", 3600, slow), Entry("quick", 3600, quick)])
    running = asyncio.create_task(table.run())
    await asyncio.wait_for(began.wait(), 5)
    async with asyncio.timeout(5):
        while ran != ["quick"]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    table.stop()
    await asyncio.sleep(0.05)
    assert not running.done()  # what runs comes to its end
    end.set()
    await asyncio.wait_for(running, 5)
    assert ran == ["quick", "slow"]
    assert [row.lease_until for row in await timetable.rows(database)] == [None, None]


async def test_a_name_stands_once(database: Database) -> None:
    async def work(db: Database) -> None: ...

    with pytest.raises(AssertionError, match="a name stands twice in the timetable"):
        Timetable(database, [Entry("a", 1, work), Entry("a", 2, work)])
