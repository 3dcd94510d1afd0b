"""Setting prices: in force for the next quote, logged with what was before, refused where they make no sense."""

from __future__ import annotations

import pytest

from kameng import pricing
from kameng.pricing import BadPrice, PriceBook
from laws.world import World


async def book(world: World) -> PriceBook:
    async with world.db.connection() as connection:
        epoch = await connection.fetchval("SELECT value FROM epoch WHERE topic = 'prices'")
        return await pricing.load(connection, None, epoch)


async def changes(world: World) -> list[tuple[str, int | None, int | None, int]]:
    rows = await world.rows("SELECT what, before_e4, after_e4, actor_id FROM price_change ORDER BY change_id")
    return [tuple(row) for row in rows]  # type: ignore[misc]


async def test_each_change_is_logged_with_what_was_before(world: World) -> None:
    sku_id = world.card.sku_id
    await pricing.set_level_prices(world.db, [(sku_id, 1, 980_000), (sku_id, 2, 970_000)], actor_id=7)
    await pricing.set_level_prices(world.db, [(sku_id, 1, 980_000), (sku_id, 2, 960_000)], actor_id=8)
    await pricing.set_named_price(world.db, sku_id, 2000, 955_000, actor_id=9)
    await pricing.set_named_price(world.db, sku_id, 2000, 956_000, actor_id=9)
    await pricing.set_tier(world.db, sku_id, 10, 20, actor_id=9)
    await pricing.set_tier(world.db, sku_id, 10, 30, actor_id=9)
    assert await changes(world) == [
        ("level:1", None, 980_000, 7), ("level:2", None, 970_000, 7), ("level:2", 970_000, 960_000, 8),
        ("named:2000", None, 955_000, 9), ("named:2000", 955_000, 956_000, 9),
        ("tier:10", None, 20, 9), ("tier:10", 20, 30, 9),
    ]  # fmt: skip
    found = await book(world)
    assert found.level_prices == {(sku_id, 1): 980_000, (sku_id, 2): 960_000}
    assert found.named_prices == {(sku_id, 2000): 956_000}
    assert found.tiers == {sku_id: ((10, 30),)}


async def test_the_highest_tier_that_is_reached_counts(world: World) -> None:
    for quantity, off in ((50, 30), (10, 20), (100, 50)):
        await pricing.set_tier(world.db, world.card.sku_id, quantity, off)
    found = await book(world)
    prices = {
        quantity: found.quote(world.card, org_id=1, level=0, quantity=quantity).unit_price_e4
        for quantity in (9, 10, 49, 50, 99, 100)
    }
    assert prices == {9: 985_000, 10: 965_300, 49: 965_300, 50: 955_450, 99: 955_450, 100: 935_750}


async def test_a_rebate_is_rounded_up(world: World) -> None:
    await pricing.set_level_prices(world.db, [(world.card.sku_id, 1, 3)])
    await pricing.set_tier(world.db, world.card.sku_id, 2, 1)
    quote = (await book(world)).quote(world.card, org_id=1, level=1, quantity=2)
    assert (quote.unit_price_e4, quote.trace) == (3, "list=985000 level:1=3 tier:2=3")


@pytest.mark.parametrize("price_e4", [0, -1])
async def test_nothing_is_given_away(world: World, price_e4: int) -> None:
    with pytest.raises(BadPrice):
        await pricing.set_level_prices(world.db, [(world.card.sku_id, 1, price_e4)])
    with pytest.raises(BadPrice):
        await pricing.set_named_price(world.db, world.card.sku_id, 2000, price_e4)
    assert await changes(world) == []


@pytest.mark.parametrize(("quantity_from", "off"), [(1, 10), (2, 0), (2, 1000), (0, 10)])
async def test_tiers_out_of_bounds_are_refused(world: World, quantity_from: int, off: int) -> None:
    with pytest.raises(BadPrice):
        await pricing.set_tier(world.db, world.card.sku_id, quantity_from, off)
    assert await changes(world) == []
