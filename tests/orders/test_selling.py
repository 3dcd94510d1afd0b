"""What an agent sold and what that earned, of all lanes, to the last decimal; a refund takes its share back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kameng import orders, pricing
from kameng.kit import clock
from kameng.kit.ids import ID_MAX
from kameng.orders.model import Command
from kameng.pricing import Markup, Template
from laws.lives import ask
from laws.world import World, placed


async def test_sold_in_every_lane_newest_first_and_earned_by_day(world: World) -> None:
    top, low = await world.agents(0, 1)
    await pricing.set_markup(world.db, Template(top.org_id, "all", "", -1, Markup(10_000)))
    await pricing.set_markup(world.db, Template(low.org_id, "all", "", -1, Markup(333)))
    buyers = [await world.merchant(lane=lane, parent=low) for lane in (0, 1)]
    direct, stranger = await world.merchant(lane=0, parent=top), await world.merchant(lane=0)
    for lane in (0, 1):
        await world.load(world.card, 5, lane=lane)
    async with world.gateway() as gateway:
        sold = []
        for buyer in (*buyers, direct, stranger):
            await world.gather(world.card, buyer.lane)
            sold += placed([await gateway.place(buyer.caller, "a", world.card, 3)])
        waiting = placed([await gateway.place(buyers[0].caller, "b", world.phone)])
    found = await orders.list_sold(world.db, low.org_id, before_id=ID_MAX, limit=10)
    assert [one.order_id for one in found] == sorted((one.order_id for one in (*sold[:2], *waiting)), reverse=True)
    assert [(one.margin_e4, one.kept_e4) for one in found] == [(333, 333), (999, 999), (999, 999)]
    first = await orders.list_sold(world.db, low.org_id, before_id=ID_MAX, limit=1)
    rest = await orders.list_sold(world.db, low.org_id, before_id=first[0].order_id, limit=10)
    assert first + rest == found
    (own,) = await orders.list_sold(world.db, top.org_id, before_id=ID_MAX, limit=10)
    assert (own.order_id, own.margin_e4) == (sold[2].order_id, 30_000)
    assert await orders.list_sold(world.db, stranger.org_id, before_id=ID_MAX, limit=10) == []
    one, told = await orders.find_sold(world.db, low.org_id, sold[1].order_id)
    assert (one.org_id, one.margin_e4, one.state) == (buyers[1].org_id, 999, "delivered")
    assert [event.kind for event in told] == ["order.delivered"]
    for agent, order in ((top, sold[1]), (stranger, sold[1]), (low, sold[2])):
        with pytest.raises(orders.OrderNotFound):
            await orders.find_sold(world.db, agent.org_id, order.order_id)

    today = clock.china_day()
    yesterday = today - timedelta(days=1)
    earned = await orders.earned_by_day(world.db, low.org_id, yesterday, today)
    assert earned == {yesterday: 0, today: 2 * 999}  # what is not delivered is not earned
    assert await orders.earned_by_day(world.db, top.org_id, today, today) == {today: 3 * 30_000}

    await ask(world, sold[0].order_id, Command.refund, amount_e4=1_000_000)
    (after,) = [
        one for one in await orders.list_sold(world.db, low.org_id, before_id=ID_MAX, limit=10)
        if one.order_id == sold[0].order_id
    ]  # fmt: skip
    assert (after.refunded_e4, after.margin_e4) == (1_000_000, 999)
    total_e4 = sold[0].total_e4
    kept_e4 = 999 - (1_000_000 - (total_e4 - 999) * 1_000_000 // total_e4)
    assert after.kept_e4 == kept_e4
    earned = await orders.earned_by_day(world.db, low.org_id, today, today)
    assert earned == {today: 999 + kept_e4}
    await world.assert_clean()
