"""Agents' prices: templates, named prices and bounds, set, logged, loaded, and what a buyer of four levels pays."""

from __future__ import annotations

import pytest

from kameng import pricing
from kameng.pricing import BadPrice, Bound, Markup, NoSuchPrice, PriceBook, Template
from laws.world import World

A, B, C, BUYER = 5001, 5002, 5003, 6000
CHAIN = ((A, 1), (B, 0), (C, 0))


async def book(world: World) -> PriceBook:
    async with world.db.connection() as connection:
        epoch = await connection.fetchval("SELECT value FROM epoch WHERE topic = 'prices'")
        return await pricing.load(connection, None, epoch)


def template(agent_id: int, scope: str, which: str, level: int = -1, **markup: object) -> Template:
    return Template(agent_id, scope, which, level, Markup(**markup))  # type: ignore[arg-type]


async def test_each_level_adds_its_own_and_the_buyer_sees_the_last(world: World) -> None:
    sku = world.card
    await pricing.set_level_prices(world.db, [(sku.sku_id, 1, 960_000)])
    await pricing.set_markup(world.db, template(A, "scene", sku.scene, percent_e4=50_000))
    await pricing.set_markup(world.db, template(A, "all", "", percent_e4=900_000))
    await pricing.set_markup(world.db, template(B, "brand", sku.brand, fixed_e4=3_333, unit_e4=100))
    await pricing.set_markup(world.db, template(C, "sku", str(sku.sku_id), percent_e4=12_345, unit_e4=10_000,
                                                ending_e4=9_000))  # fmt: skip
    quote = (await book(world)).quote(sku, org_id=BUYER, level=0, quantity=1, chain=CHAIN)
    assert quote.whole_trace == (
        "list=985000 level:1=960000 markup:5001:scene=1008000 markup:5002:brand=1011400 markup:5003:sku=1029000"
    )
    assert (quote.unit_price_e4, quote.trace) == (1_029_000, "agent=1029000")
    assert quote.agents == ((A, 960_000), (B, 1_008_000), (C, 1_011_400))
    assert not quote.below_cost


async def test_a_template_for_a_level_speaks_before_that_of_every_level(world: World) -> None:
    await pricing.set_markup(world.db, template(A, "all", "", fixed_e4=10_000))
    await pricing.set_markup(world.db, template(A, "all", "", 2, fixed_e4=5_000))
    found = await book(world)
    prices = [
        found.quote(world.card, org_id=BUYER, level=level, quantity=1, chain=CHAIN[:1]).unit_price_e4
        for level in (1, 2)
    ]
    assert prices == [995_000, 990_000]


async def test_a_named_price_holds_while_its_buyer_buys_from_who_set_it(world: World) -> None:
    sku = world.card
    await pricing.set_named_price(world.db, sku.sku_id, BUYER, 987_654, seller_id=A)
    found = await book(world)
    assert found.named_prices == {}
    here = found.quote(sku, org_id=BUYER, level=0, quantity=1, chain=CHAIN[:1])
    assert (here.unit_price_e4, here.trace) == (987_654, "named=987654")
    assert found.quote(sku, org_id=BUYER, level=0, quantity=1, chain=CHAIN[:2]).unit_price_e4 == 985_000
    assert found.quote(sku, org_id=BUYER, level=0, quantity=1).unit_price_e4 == 985_000
    assert found.quote(sku, org_id=BUYER + 1, level=0, quantity=1, chain=CHAIN[:1]).unit_price_e4 == 985_000


@pytest.mark.parametrize(
    ("owner_id", "bound", "price_e4", "spoke"),
    [(0, Bound(1_200_000, None), 1_200_000, ["floor:0"]), (0, Bound(None, 990_000), 990_000, ["ceiling:0"]),
     (A, Bound(1_100_000, 1_200_000), 1_100_000, ["floor:5001"]), (B, Bound(1_100_000, None), 1_005_000, []),
     (C, Bound(None, 990_000), 1_005_000, [])],
)  # fmt: skip
async def test_bounds_bind_those_below_their_owner(
    world: World, owner_id: int, bound: Bound, price_e4: int, spoke: list[str]
) -> None:
    await pricing.set_markup(world.db, template(A, "all", "", fixed_e4=20_000))
    await pricing.set_bound(world.db, owner_id, world.card.sku_id, bound)
    quote = (await book(world)).quote(world.card, org_id=BUYER, level=0, quantity=1, chain=CHAIN[:2])
    assert quote.unit_price_e4 == price_e4
    assert [step.rule for step in quote.steps if step.rule.startswith(("floor", "ceiling"))] == spoke


async def test_below_its_own_cost_an_agent_sells_only_down_to_the_platforms_floor(world: World) -> None:
    sku = world.card
    await pricing.set_markup(world.db, template(A, "all", "", percent_e4=-100_000))
    assert (await book(world)).quote(sku, org_id=BUYER, level=0, quantity=1, chain=CHAIN[:1]).below_cost
    await pricing.set_bound(world.db, B, sku.sku_id, Bound(1, None))
    assert (await book(world)).quote(sku, org_id=BUYER, level=0, quantity=1, chain=CHAIN[:1]).below_cost
    await pricing.set_bound(world.db, 0, sku.sku_id, Bound(900_000, None))
    quote = (await book(world)).quote(sku, org_id=BUYER, level=0, quantity=1, chain=CHAIN[:1])
    assert (quote.unit_price_e4, quote.below_cost) == (900_000, False)


async def test_each_change_is_logged_with_what_was_before(world: World) -> None:
    sku_id = world.card.sku_id
    await pricing.set_markup(world.db, template(A, "sku", str(sku_id), 2, fixed_e4=5), actor_id=7)
    await pricing.set_markup(world.db, template(A, "sku", str(sku_id), 2, fixed_e4=6), actor_id=8)
    await pricing.remove_markup(world.db, A, "sku", str(sku_id), 2, actor_id=9)
    await pricing.set_bound(world.db, 0, sku_id, Bound(10, 20), actor_id=7)
    await pricing.set_bound(world.db, 0, sku_id, Bound(10, 30), actor_id=8)
    await pricing.set_bound(world.db, 0, sku_id, Bound(None, None), actor_id=9)
    rows = await world.rows(
        "SELECT sku_id, what, before_e4, after_e4, before, after, actor_id FROM price_change ORDER BY change_id"
    )
    five, six = (
        {"fixed_e4": n, "percent_e4": 0, "unit_e4": 1, "rounding": "up", "ending_e4": 0} for n in (5, 6)
    )  # fmt: skip
    what = f"markup:5001:sku:{sku_id}:2"
    assert [tuple(row) for row in rows] == [
        (sku_id, what, None, None, None, five, 7), (sku_id, what, None, None, five, six, 8),
        (sku_id, what, None, None, six, None, 9),
        (sku_id, "floor:0", None, 10, None, None, 7), (sku_id, "ceiling:0", None, 20, None, None, 7),
        (sku_id, "ceiling:0", 20, 30, None, None, 8),
        (sku_id, "floor:0", 10, None, None, None, 9), (sku_id, "ceiling:0", 30, None, None, None, 9),
    ]  # fmt: skip
    found = await book(world)
    assert (found.epoch, found.agents.templates, found.agents.bounds) == (6, {}, {})


async def test_templates_are_listed_the_nearest_first(world: World) -> None:
    for scope, which in (("all", ""), ("scene", "游戏"), ("sku", "12"), ("brand", "网易")):
        await pricing.set_markup(world.db, template(A, scope, which, percent_e4=1))
    await pricing.set_markup(world.db, template(B, "all", ""))
    async with world.db.connection() as connection:
        found = await pricing.templates_of(connection, A)
    assert [(one.scope, one.which) for one in found] == [
        ("sku", "12"), ("brand", "网易"), ("scene", "游戏"), ("all", "")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"percent_e4": -1_000_000}, "percent"), ({"percent_e4": 100_000_001}, "percent"), ({"unit_e4": 10}, "unit"),
     ({"unit_e4": 100, "ending_e4": 100}, "ending"), ({"ending_e4": -1}, "ending"),
     ({"fixed_e4": 10**15 + 1}, "fixed")],
)  # fmt: skip
async def test_what_no_markup_may_be_is_told_by_its_field(world: World, wrong: dict[str, int], field: str) -> None:
    with pytest.raises(BadPrice) as refused:
        await pricing.set_markup(world.db, template(A, "all", "", **wrong))
    assert refused.value.field == field
    assert refused.value.detail_zh
    assert await world.scalar("SELECT count(*) FROM markup") == 0


@pytest.mark.parametrize(("scope", "which"), [("all", "x"), ("brand", " "), ("sku", "x"), ("sku", "")])
async def test_a_template_holds_somewhere(world: World, scope: str, which: str) -> None:
    with pytest.raises(BadPrice) as refused:
        await pricing.set_markup(world.db, template(A, scope, which))
    assert refused.value.field == "which"
    with pytest.raises(NoSuchPrice):
        await pricing.remove_markup(world.db, A, "all", "")
    with pytest.raises(NoSuchPrice):
        await pricing.set_bound(world.db, A, world.card.sku_id, Bound(None, None))
    assert await world.scalar("SELECT value FROM epoch WHERE topic = 'prices'") == 0


async def test_a_floor_lies_below_its_ceiling(world: World) -> None:
    with pytest.raises(BadPrice) as refused:
        await pricing.set_bound(world.db, 0, world.card.sku_id, Bound(20, 10))
    assert (refused.value.field, refused.value.detail) == ("ceiling", "ceiling: not below the floor 0.0020")
