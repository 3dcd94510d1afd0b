"""Flash sales: on at their start, off at their end, so many for each buyer."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from kameng import catalogue, risk, shops
from kameng.kit import clock, epochs
from kameng.orders import Refused, ShownOrder
from kameng.risk import Claim, Listing, Policy, Share
from kameng.shops import Sale
from laws.world import World, placed

HOUR_MS = 3_600_000


async def state_of(world: World) -> str:
    async with world.db.connection() as connection:
        found = await catalogue.load(connection, None, (await epochs.read(connection))["catalogue"])
    return found.skus[world.card.sku_id].state


async def planned(world: World, buyer_max: int = 3) -> Sale:
    now = clock.now()
    return await shops.plan_sale(
        world.db, world.card.sku_id, starts_at=now + timedelta(hours=1), ends_at=now + timedelta(hours=2),
        buyer_max=buyer_max,
    )  # fmt: skip


async def test_a_sale_begins_and_ends_by_the_clock(world: World) -> None:
    now_ms = clock.now_ms()
    with clock.hold(now_ms):
        sale = await planned(world)
        assert await state_of(world) == "paused"
        sales = shops.Sales(world.db)
        assert await sales.open() == [sale]
        assert await sales.of(world.phone.sku_id) is None
        await shops.turn_sales(world.db)
        assert await state_of(world) == "paused"
        with pytest.raises(shops.BadSale, match="already"):
            await planned(world)
    with clock.hold(now_ms + HOUR_MS):
        await shops.turn_sales(world.db)
        await shops.turn_sales(world.db)
        assert await state_of(world) == "on_sale"
        assert [one.state for one in await shops.Sales(world.db).open()] == ["running"]
    with clock.hold(now_ms + 2 * HOUR_MS):
        await shops.turn_sales(world.db)
        assert await state_of(world) == "paused"
        assert await shops.Sales(world.db).open() == []
    await world.assert_clean()


async def test_a_sale_has_to_be_one(world: World) -> None:
    now = clock.now()
    for starts_at, ends_at, buyer_max, field in (
        (now, now - timedelta(hours=1), 1, "ends_at"),
        (now + timedelta(hours=2), now + timedelta(hours=1), 1, "ends_at"),
        (now, now + timedelta(hours=1), 0, "buyer_max"),
    ):
        with pytest.raises(shops.BadSale) as refused:
            await shops.plan_sale(
                world.db, world.card.sku_id, starts_at=starts_at, ends_at=ends_at, buyer_max=buyer_max
            )
        assert refused.value.field == field
    assert await state_of(world) == "on_sale"


async def test_of_many_at_once_each_has_his_share_and_no_more(world: World) -> None:
    """By whatever door: the batch counts it. A repeat is the same order; after the sale anybody may have more."""
    now_ms = clock.now_ms()
    buyer, other = await world.merchant(lane=0), await world.merchant(lane=0)
    await world.load(world.card, 40, lane=0)
    with clock.hold(now_ms):
        await planned(world, buyer_max=3)
    with clock.hold(now_ms + HOUR_MS):
        await shops.turn_sales(world.db)
        async with world.gateway() as gateway:
            answers = await asyncio.gather(*(gateway.place(buyer.caller, f"r{n}", world.card) for n in range(10)))
            orders_made = placed([one for one in answers if isinstance(one, ShownOrder)])
            refused = [one for one in answers if isinstance(one, Refused)]
            assert (len(orders_made), {one.reason for one in refused}) == (3, {risk.ShareUsed})
            assert (refused[0].detail, refused[0].detail_zh) == ("at most 3", "每人限购 3 件")
            again = await gateway.place(buyer.caller, orders_made[0].client_ref, world.card)
            assert isinstance(again, ShownOrder)
            assert again.order_id == orders_made[0].order_id
            assert isinstance(await gateway.place(buyer.caller, "phone", world.phone), ShownOrder)
            assert isinstance(await gateway.place(other.caller, "four", world.card, 4), Refused)
            assert isinstance(await gateway.place(other.caller, "three", world.card, 3), ShownOrder)
    counted = await world.rows("SELECT entity_id, taken_count, taken_e4 FROM lane_counter WHERE rule_id < -1000")
    assert {tuple(row) for row in counted} == {(buyer.org_id, 3, 3), (other.org_id, 1, 3)}
    with clock.hold(now_ms + 2 * HOUR_MS):
        await shops.turn_sales(world.db)
        await catalogue.set_sku(world.db, world.card.sku_id, {"state": "on_sale"})
        async with world.gateway() as gateway:
            assert isinstance(await gateway.place(buyer.caller, "after", world.card, 4), ShownOrder)
    await world.assert_clean()


def test_who_is_always_allowed_has_his_share_too() -> None:
    share = Share(-1001, 7, 100, 200, 2)
    policy = Policy(1, (), {("organisation", "5"): Listing("allow")}, (share,))
    assert policy.share_claims(7, 5, 2, 100) == [Claim((5).to_bytes(8, "big"), -1001, 200, 2, None, 2)]
    assert [policy.share_claims(*asked) for asked in ((7, 5, 2, 99), (7, 5, 2, 200), (8, 5, 2, 150))] == [[], [], []]
