"""What a template would do, before it is saved: exactly what orders are priced at once it is."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kameng import pricing
from kameng.catalogue import Sku
from kameng.pricing import EVERY_LEVEL, AgentPrices, Bound, Markup, PriceBook, Template
from laws.world import World

A, B, BUYER = 5001, 5002, 6000
CHAIN = ((A, 1), (B, 0))
amounts = st.integers(-20_000, 200_000)
markups = st.builds(
    Markup, fixed_e4=amounts, percent_e4=st.integers(-500_000, 900_000), unit_e4=st.sampled_from((1, 100, 1_000)),
    rounding=st.sampled_from(("up", "half_even", "down")),
)  # fmt: skip


async def book(world: World) -> PriceBook:
    async with world.db.connection() as connection:
        return await pricing.load(connection, None, 1)


def sku_of(list_price_e4: int) -> Sku:
    return Sku(
        7, 1, "游戏", "网易", "一卡通", "100", "secret", 10**6, "CNY", 1, list_price_e4, None, None, False, "", "", "",
        1, 10, 1, True, False, "on_sale",
    )  # fmt: skip


@given(st.integers(1, 10**8), markups, markups, st.sampled_from(("sku", "brand", "scene", "all")))
def test_a_look_and_an_order_agree(list_price_e4: int, old: Markup, new: Markup, scope: str) -> None:
    sku = sku_of(list_price_e4)
    which = {"sku": "7", "brand": "网易", "scene": "游戏", "all": ""}[scope]
    place = (scope, which, EVERY_LEVEL)
    before = PriceBook(1, {}, {}, {}, AgentPrices(templates={B: {("all", "", EVERY_LEVEL): old}}))
    saved = PriceBook(2, {}, {}, {}, AgentPrices(templates={B: {("all", "", EVERY_LEVEL): old, place: new}}))
    (look,) = pricing.preview(before, before.trying(B, place, new), [sku], org_id=BUYER, level=0, chain=CHAIN)
    quote = saved.quote(sku, org_id=BUYER, level=0, quantity=1, chain=CHAIN)
    assert (look.price_e4, look.loses, look.rule) == (quote.unit_price_e4, quote.below_cost, scope)
    assert look.now_e4 == before.quote(sku, org_id=BUYER, level=0, quantity=1, chain=CHAIN).unit_price_e4
    assert look.margin_e4 == quote.unit_price_e4 - quote.agents[-1][1]
    gone = saved.trying(B, place, None).quote(sku, org_id=BUYER, level=0, quantity=1, chain=CHAIN)
    if scope != "all":
        assert gone.unit_price_e4 == look.now_e4


async def test_limits_from_above_are_shown_and_kept(world: World) -> None:
    sku: Any = world.card
    await pricing.set_bound(world.db, A, sku.sku_id, Bound(1_100_000, None))
    await pricing.set_bound(world.db, pricing.PLATFORM, sku.sku_id, Bound(990_000, 1_500_000))
    found = await book(world)
    dear = found.trying(B, ("all", "", EVERY_LEVEL), Markup(percent_e4=1_000_000))
    cheap = found.trying(B, ("all", "", EVERY_LEVEL), Markup(fixed_e4=1))
    (high,) = pricing.preview(found, dear, [sku], org_id=BUYER, level=0, chain=CHAIN)
    (low,) = pricing.preview(found, cheap, [sku], org_id=BUYER, level=0, chain=CHAIN)
    assert (high.room, high.price_e4, high.is_moved) == (Bound(1_100_000, 1_500_000), 1_500_000, True)
    assert (low.price_e4, low.is_moved, low.paid_e4) == (1_100_000, True, 990_000)
    assert not low.loses


async def test_nothing_is_saved_by_looking_and_prices_of_one_buyer_come_by_pages(world: World) -> None:
    found = await book(world)
    found.trying(B, ("all", "", EVERY_LEVEL), Markup(fixed_e4=10_000))
    assert found.agents.templates == {}
    await pricing.set_markup(world.db, Template(B, "all", "", EVERY_LEVEL, Markup(fixed_e4=5_000)))
    for sku in (world.card, world.phone, world.link):
        await pricing.set_named_price(world.db, sku.sku_id, BUYER, 1_234_567, seller_id=B)
    await pricing.set_named_price(world.db, world.half_card.sku_id, BUYER, 1, seller_id=A)
    async with world.db.connection() as connection:
        first = await pricing.named_for(connection, B, BUYER, after_id=0, limit=2)
        rest = await pricing.named_for(connection, B, BUYER, after_id=first[-1].sku_id, limit=2)
        assert await pricing.named_for(connection, B, BUYER + 1, after_id=0, limit=2) == []
    assert sorted(one.sku_id for one in [*first, *rest]) == sorted(
        sku.sku_id for sku in (world.card, world.phone, world.link)
    )
    (look,) = pricing.preview(await book(world), await book(world), [world.card], org_id=BUYER, level=0, chain=CHAIN)
    assert (look.rule, look.price_e4) == ("named", 1_234_567)
