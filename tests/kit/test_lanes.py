"""Lanes: the gate is one serial history, and the ids it deals are ordered by commit."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from kameng.kit import clock, ids, lanes
from kameng.kit.db import Database
from kameng.kit.errors import Fault

NOW_MS = 1_795_000_000_000


async def test_lanes_are_made_and_never_lost(database: Database) -> None:
    async with database.transaction() as connection:
        assert await lanes.lane_numbers(connection) == [0, 1, 2, 3]
        await lanes.create_lanes(connection, 2)
        await lanes.create_lanes(connection, 5)
        assert await lanes.lane_numbers(connection) == [0, 1, 2, 3, 4]


async def test_passing_deals_ids_and_counts(database: Database) -> None:
    first = ids.tick_at(NOW_MS)
    with clock.hold(NOW_MS):
        async with database.transaction() as connection:
            passage = await lanes.pass_gate(connection, 2, id_count=3)
        assert passage == lanes.Passage(2, [ids.id_of(first + n, 2) for n in (1, 2, 3)], 1)
        async with database.transaction() as connection:
            passage = await lanes.pass_gate(connection, 2, id_count=1)
        assert passage == lanes.Passage(2, [ids.id_of(first + 4, 2)], 2)
        async with database.transaction() as connection:
            assert await lanes.pass_gate(connection, 2) == lanes.Passage(2, [], 3)


async def test_ids_rise_even_when_the_clock_falls_back(database: Database) -> None:
    dealt: list[int] = []
    for at_ms in (NOW_MS, NOW_MS - 60_000, NOW_MS + 1):
        with clock.hold(at_ms):
            async with database.transaction() as connection:
                dealt += (await lanes.pass_gate(connection, 0, id_count=5000)).ids
    assert dealt == sorted(set(dealt))
    assert len(dealt) == 15_000


async def test_a_rolled_back_passage_leaves_no_trace(database: Database) -> None:
    async def fail() -> None:
        async with database.transaction() as connection:
            assert (await lanes.pass_gate(connection, 1, id_count=7)).serial == 1
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with database.transaction() as connection:
        assert (await lanes.pass_gate(connection, 1)).serial == 1


async def test_no_such_lane(database: Database) -> None:
    with pytest.raises(Fault, match="There is no lane 9: run `kameng migrate`"):
        async with database.transaction() as connection:
            await lanes.pass_gate(connection, 9)


async def test_who_passed_second_sees_what_the_first_wrote(database: Database) -> None:
    """200 transactions read, add one and write: without the gate they would lose updates."""
    async with database.transaction() as connection:
        await connection.execute("CREATE TABLE tally (n int); INSERT INTO tally VALUES (0)")

    async def add_one() -> int:
        async with database.transaction() as connection:
            passage = await lanes.pass_gate(connection, 0, id_count=1)
            n = await connection.fetchval("SELECT n FROM tally")
            await connection.execute("UPDATE tally SET n = $1", n + 1)
            return passage.ids[0]

    dealt = await asyncio.gather(*(add_one() for _ in range(200)))
    assert len(set(dealt)) == 200
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT n FROM tally") == 200
        assert await connection.fetchval("SELECT serial FROM lane WHERE lane = 0") == 200


async def test_lanes_do_not_wait_for_each_other(database: Database) -> None:
    async with database.transaction() as first:
        await lanes.pass_gate(first, 0)
        async with database.transaction() as second:
            await second.execute("SET LOCAL lock_timeout = '1s'")
            assert (await lanes.pass_gate(second, 1)).serial == 1
        async with database.connection() as third:
            await third.execute("SET lock_timeout = '50ms'")
            with pytest.raises(asyncpg.LockNotAvailableError):
                await lanes.pass_gate(third, 0)
            await third.execute("RESET lock_timeout")


async def test_several_gates_are_passed_in_order_so_that_nobody_deadlocks(database: Database) -> None:
    async def pass_both(order: list[int]) -> None:
        async with database.transaction() as connection:
            await lanes.pass_gates(connection, order)

    await asyncio.wait_for(asyncio.gather(*(pass_both([0, 3] if n % 2 else [3, 0]) for n in range(50))), 20)
    async with database.connection() as connection:
        rows = await connection.fetch("SELECT lane, serial FROM lane ORDER BY lane")
    assert [tuple(row) for row in rows] == [(0, 50), (1, 0), (2, 0), (3, 50)]


async def test_foundings_spread_over_the_lanes(database: Database) -> None:
    async def found() -> int:
        async with database.transaction() as connection:
            return await lanes.choose_lane(connection)

    chosen = await asyncio.gather(*(found() for _ in range(20)))
    assert len(chosen) == 20
    async with database.connection() as connection:
        counts = [row[0] for row in await connection.fetch("SELECT organisations FROM lane ORDER BY lane")]
    assert sum(counts) == 20
    assert [chosen.count(lane) for lane in range(4)] == counts
