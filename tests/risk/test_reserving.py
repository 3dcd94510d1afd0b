"""Counters that cross lanes: raised before the batch, exact under concurrency, given back when in vain."""

from __future__ import annotations

import asyncio

from kameng import risk
from kameng.risk import Claim
from laws.world import World, new_world


def claim(entity: bytes, *, amount_e4: int = 10, limit_count: int | None = 10, limit_e4: int | None = None) -> Claim:
    return Claim(entity, 7, 3600, amount_e4, limit_count, limit_e4)


async def counters(world: World) -> list[tuple[bytes, int, int]]:
    rows = await world.rows("SELECT entity_hash, taken_count, taken_e4 FROM counter ORDER BY entity_hash")
    return [(row[0], row[1], row[2]) for row in rows]


async def test_two_hundred_at_once_against_a_limit_of_ten(database_url: str) -> None:
    async with new_world(database_url) as world:
        answers = await asyncio.gather(*(risk.reserve(world.db, [[claim(b"a")]] * 4) for _ in range(50)))
        assert sum(refusal is None for batch in answers for refusal in batch) == 10
        assert await counters(world) == [(b"a", 10, 100)]


async def test_a_batch_takes_what_fits_and_gives_the_rest_back(database_url: str) -> None:
    async with new_world(database_url) as world:
        wishes = [[claim(b"a", limit_count=2), claim(b"b")], [claim(b"a", limit_count=2)], [claim(b"a", limit_count=2)]]
        assert await risk.reserve(world.db, wishes) == [None, None, claim(b"a", limit_count=2)]
        assert await counters(world) == [(b"a", 2, 20), (b"b", 1, 10)]


async def test_a_wish_takes_none_of_its_counters_if_one_is_full(database_url: str) -> None:
    async with new_world(database_url) as world:
        assert await risk.reserve(world.db, [[claim(b"a", limit_count=0), claim(b"b")]]) == [claim(b"a", limit_count=0)]
        assert await counters(world) == [(b"a", 0, 0), (b"b", 0, 0)]


async def test_money_is_counted_like_orders(database_url: str) -> None:
    async with new_world(database_url) as world:
        dear = claim(b"a", amount_e4=60, limit_count=None, limit_e4=100)
        cheap = claim(b"a", amount_e4=40, limit_count=None, limit_e4=100)
        assert await risk.reserve(world.db, [[dear], [dear], [cheap]]) == [None, dear, None]
        assert await counters(world) == [(b"a", 2, 100)]


async def test_what_was_reserved_in_vain_is_given_back(database_url: str) -> None:
    async with new_world(database_url) as world:
        await risk.reserve(world.db, [[claim(b"a")], [claim(b"a")], [claim(b"b")]])
        await risk.release(world.db, [claim(b"a"), claim(b"b")])
        assert await counters(world) == [(b"a", 1, 10), (b"b", 0, 0)]


async def test_nothing_to_reserve_touches_nothing(database_url: str) -> None:
    async with new_world(database_url) as world:
        assert await risk.reserve(world.db, [[], []]) == [None, None]
        assert await counters(world) == []
