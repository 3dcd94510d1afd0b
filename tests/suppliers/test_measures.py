"""How well suppliers deliver: added up by the day of the order, from cards and from orders by hand."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from kameng import fulfilment, orders, stock, suppliers
from kameng.kit import clock
from kameng.orders import Command, Instruction
from kameng.stock import CardLine
from kameng.suppliers import Day, NewOffer
from kameng.suppliers.model import nearest_rank
from laws import handwork
from laws.handwork import MINUTE_MS
from laws.world import Merchant, World, placed

DAY = date(2027, 3, 1)
NOON_MS = clock.china_start_ms(DAY) + 12 * 3_600_000


async def load(world: World, one: Merchant, count: int, cost_e4: int | None) -> None:
    cards = [CardLine(n, f"WY{n:08d}", f"secret-{n:08d}", None, None) for n in range(1, count + 1)]
    await stock.load_cards(
        world.db, world.ring, cards, sku_id=world.card.sku_id, file_name="his.csv", supplier_org_id=one.org_id,
        cost_e4=cost_e4,
    )  # fmt: skip


async def act(world: World, order_id: int, command: Command, **more: Any) -> None:
    instruction = Instruction(order_id=order_id, command=command, key="test", reason="质量", actor_id=1, **more)
    await orders.act(world.db, world.ring, [instruction])


async def test_cards_are_delivered_paid_back_and_replaced(world: World) -> None:
    one, buyer = await world.merchant(kind="supplier", money_e4=0), await world.merchant()
    with clock.hold(NOON_MS):
        await load(world, one, 20, 955_000)
        async with world.gateway() as gateway:
            made = placed([await gateway.place(buyer.caller, f"R-{n}", world.card, 2) for n in range(4)])
        await act(world, made[0].order_id, Command.refund)
        await act(world, made[1].order_id, Command.swap, card_ids=(made[1].cards[0].card_id,))
        await suppliers.measure_day(world.db, DAY)
    (day,) = await suppliers.days_of(world.db, one.org_id, DAY, DAY)
    assert day == Day(one.org_id, world.card.sku_id, DAY, 9, 2, 1, 0, 0, 6 * 955_000, 0, ())
    total = suppliers.add_up([day])
    assert (total.complaints, total.rate) == (3, 3 / 9)
    with clock.hold(NOON_MS):
        await suppliers.measure_day(world.db, DAY)
    assert await suppliers.days_of(world.db, one.org_id, DAY, DAY) == [day]
    await world.assert_clean()


async def test_cards_without_a_cost_and_those_of_the_platform_are_told_apart(world: World) -> None:
    one, buyer = await world.merchant(kind="supplier", money_e4=0), await world.merchant()
    with clock.hold(NOON_MS):
        await load(world, one, 3, None)
        await world.load(world.half_card, 5)
        async with world.gateway() as gateway:
            for n, sku in enumerate((world.card, world.half_card)):
                placed([await gateway.place(buyer.caller, f"R-{n}", sku, 2)])
        await suppliers.measure_day(world.db, DAY)
    (day,) = await suppliers.days_of(world.db, one.org_id, DAY, DAY)
    assert (day.delivered, day.owed_e4, day.uncosted) == (2, 0, 2)
    assert await world.scalar("SELECT count(*) FROM supplier_day") == 1


async def test_orders_by_hand_are_answered_declined_and_late(world: World) -> None:
    one, buyer = await world.merchant(kind="supplier", money_e4=0), await world.merchant()
    plain, _ = await handwork.by_hand(world, one, minutes=60)
    with clock.hold(NOON_MS):
        new = NewOffer(70_000, "长期", plain.sku_id)
        agreed = await suppliers.offer(world.db, one.caller.organisation, new, actor_id=5)
        await suppliers.decide_offer(world.db, agreed.offer_id, accept=True, actor_id=1)
        async with world.gateway() as gateway:
            made = placed([await gateway.place(buyer.caller, f"H-{n}", plain, n + 1) for n in range(4)])
        await handwork.work(world)
    for place, minutes in ((0, 4), (1, 20), (2, 30)):
        task = await handwork.task_of(world, made[place].order_id)
        with clock.hold(NOON_MS + minutes * MINUTE_MS):
            await handwork.take(world, handwork.worker_of(one), task.task_id)
            if place < 2:
                await handwork.answer(world, handwork.worker_of(one), task.task_id, fulfilment.Answer("好了"))
            else:
                await handwork.refuse(world, handwork.worker_of(one), task.task_id)
    with clock.hold(NOON_MS + 61 * MINUTE_MS):
        await handwork.work(world)
        await suppliers.measure_day(world.db, DAY)
    (day,) = await suppliers.days_of(world.db, one.org_id, DAY, DAY)
    assert day == Day(one.org_id, plain.sku_id, DAY, 2, 0, 0, 1, 1, 3 * 70_000, 0, (240, 1200))
    total = suppliers.add_up([day])
    assert (total.complaints, total.rate, total.median_s, total.p90_s) == (2, 1.0, 240, 1200)


async def test_the_clock_looks_at_four_weeks_first_and_at_three_days_then(world: World) -> None:
    assert await suppliers.measure(world.db) == 0
    one, buyer = await world.merchant(kind="supplier", money_e4=0), await world.merchant()
    with clock.hold(NOON_MS):
        await load(world, one, 4, 955_000)
        async with world.gateway() as gateway:
            placed([await gateway.place(buyer.caller, "R-1", world.card, 1)])
    with clock.hold(NOON_MS + 20 * 86_400_000):
        assert await suppliers.measure(world.db) == 28
        assert await suppliers.measure(world.db) == 3
        found = await suppliers.days_of(world.db, one.org_id, DAY - timedelta(days=9), DAY + timedelta(days=20))
    assert [(day.day, day.delivered) for day in found] == [(DAY, 1)]


@pytest.mark.parametrize(
    ("values", "percent", "found"),
    [((), 50, None), ((7,), 50, 7), ((7,), 90, 7), ((1, 2, 3, 4), 50, 2), ((1, 2, 3, 4), 90, 4),
     (tuple(range(1, 11)), 90, 9), (tuple(range(1, 11)), 50, 5)],
)  # fmt: skip
def test_nearest_rank(values: tuple[int, ...], percent: int, found: int | None) -> None:
    assert nearest_rank(values, percent) == found
