"""Setting prices: in force for the next quote, logged with what was before, refused where they make no sense."""

from __future__ import annotations

import pytest

from kameng import pricing
from kameng.pricing import BadPrice, NoSuchPrice, PriceBook, Rule
from laws.world import World, placed


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


@pytest.mark.parametrize("price_e4", [0, -1, 10**15 + 1])
async def test_nothing_is_given_away(world: World, price_e4: int) -> None:
    with pytest.raises(BadPrice) as refused:
        await pricing.set_level_prices(world.db, [(world.card.sku_id, 1, price_e4)])
    assert (refused.value.field, refused.value.detail) == ("price", "price: 0.0001 to 100000000000.0000")
    assert refused.value.detail_zh == "价格：应为 0.0001 至 100000000000.0000"
    with pytest.raises(BadPrice):
        await pricing.set_named_price(world.db, world.card.sku_id, 2000, price_e4)
    assert await changes(world) == []


@pytest.mark.parametrize(
    ("quantity_from", "off", "field"),
    [(1, 10, "quantity"), (0, 10, "quantity"), (1001, 10, "quantity"), (2, 0, "off"), (2, 1000, "off")],
)
async def test_tiers_out_of_bounds_are_refused(world: World, quantity_from: int, off: int, field: str) -> None:
    with pytest.raises(BadPrice) as refused:
        await pricing.set_tier(world.db, world.card.sku_id, quantity_from, off)
    assert refused.value.field == field
    assert await changes(world) == []


@pytest.mark.parametrize("level", [-1, 100])
async def test_levels_out_of_bounds_are_refused(world: World, level: int) -> None:
    with pytest.raises(BadPrice) as refused:
        await pricing.set_level_prices(world.db, [(world.card.sku_id, level, 980_000)])
    assert (refused.value.field, refused.value.detail_zh) == ("level", "等级：应为 0 至 99")
    assert await changes(world) == []


async def test_a_price_that_was_set_is_taken_away_and_logged(world: World) -> None:
    sku_id = world.card.sku_id
    await pricing.set_level_prices(world.db, [(sku_id, 1, 980_000), (sku_id, 2, 970_000)])
    await pricing.set_named_price(world.db, sku_id, 2000, 955_000)
    await pricing.set_tier(world.db, sku_id, 10, 20)
    async with world.db.connection() as connection:
        assert await pricing.prices_of(connection, sku_id) == [
            ("level:1", 980_000), ("level:2", 970_000), ("named:2000", 955_000), ("tier:10", 20)
        ]  # fmt: skip
    before = await world.scalar("SELECT value FROM epoch WHERE topic = 'prices'")
    for rule, which in (("level", 1), ("named", 2000), ("tier", 10)):
        await pricing.remove_price(world.db, rule, sku_id, which, actor_id=7)  # type: ignore[arg-type]
    assert (await changes(world))[4:] == [
        ("level:1", 980_000, None, 7), ("named:2000", 955_000, None, 7), ("tier:10", 20, None, 7)
    ]  # fmt: skip
    found = await book(world)
    assert (found.epoch, found.level_prices) == (before + 3, {(sku_id, 2): 970_000})
    assert (found.named_prices, found.tiers) == ({}, {})


@pytest.mark.parametrize("rule", ["level", "named", "tier"])
async def test_a_price_that_was_never_set_is_not_taken_away(world: World, rule: Rule) -> None:
    with pytest.raises(NoSuchPrice) as refused:
        await pricing.remove_price(world.db, rule, world.card.sku_id, 5)
    assert (refused.value.field, refused.value.detail) == (rule, f"{rule}:5")
    assert await changes(world) == []
    assert await world.scalar("SELECT value FROM epoch WHERE topic = 'prices'") == 0


async def test_an_order_follows_the_price_that_was_taken_away(world: World) -> None:
    await world.load(world.card, 2)
    merchant = await world.merchant(lane=0)
    await pricing.set_named_price(world.db, world.card.sku_id, merchant.org_id, 955_000)
    async with world.gateway() as gateway:
        first = await gateway.place(merchant.caller, "a", world.card)
        await pricing.remove_price(world.db, "named", world.card.sku_id, merchant.org_id)
        second = await gateway.place(merchant.caller, "b", world.card)
    assert [order.unit_price_e4 for order in placed([first, second])] == [955_000, 985_000]
    await world.assert_clean()
