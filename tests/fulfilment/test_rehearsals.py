"""In a sandbox the last digits choose what becomes of an order that is not from stock; the clock plays everybody."""

from __future__ import annotations

import pytest

from kameng import fulfilment, orders
from kameng.identity import Caller
from kameng.kit import clock
from kameng.orders import By, Command, OrderBody, ShownOrder
from laws.handwork import by_hand, work
from laws.lives import ask, story, waits_for
from laws.world import Gateway, World, placed

SECOND_MS = 1000


async def order_of(gateway: Gateway, caller: Caller, ref: str, sku_id: int, account: dict[str, str]) -> ShownOrder:
    await gateway.snapshot.directory.key(caller.key.key_id)
    wish = orders.wish_from(gateway.snapshot, caller, OrderBody(ref, str(sku_id), 1, account))
    return placed([await gateway.queues.place(wish)])[0]


@pytest.mark.parametrize(
    ("digits", "told"),
    [
        ("0003", ["order.fulfilling", "order.delivered"]),
        ("8000", ["order.fulfilling", "order.delivered"]),
        ("0004", ["order.fulfilling", "order.failed", "order.refunded"]),
        ("0005", ["order.fulfilling", "order.review", "order.delivered"]),
    ],
)
async def test_the_digits_choose_what_becomes_of_it(world: World, digits: str, told: list[str]) -> None:
    merchant, (plain, _) = await world.merchant(), await by_hand(world)
    start_ms = clock.now_ms()
    with clock.hold(start_ms):
        async with world.gateway() as gateway:
            made = [
                await order_of(gateway, merchant.sandbox, f"a#{digits}", plain.sku_id, {}),
                await order_of(gateway, merchant.sandbox, "phone", world.phone.sku_id, {"phone": f"1381234{digits}"}),
            ]
            await work(world)  # too early for anything
            for order in made:
                assert await story(world, order.order_id) == told[:1]
                assert await waits_for(world, order.order_id) == [("fulfilment.rehearse", "waiting")]
            for seconds in (4, 4, 20, 20):
                with clock.hold(start_ms + seconds * SECOND_MS):
                    await work(world)
                    await world.assert_clean()
            for order in made:
                assert await story(world, order.order_id) == told
                assert await waits_for(world, order.order_id) == []
            if told[-1] == "order.delivered":
                _, (goods,) = await fulfilment.reveal(gateway.snapshot, merchant.sandbox, made[0].order_id)
                assert goods.text == f"演示内容 PLAY GOODS {made[0].order_id}, × 1"
                assert (await fulfilment.reveal(gateway.snapshot, merchant.sandbox, made[1].order_id))[1] == []
    assert await world.scalar("SELECT count(*) FROM manual_task") == 0
    await world.assert_clean()


async def test_what_is_called_back_in_a_sandbox_comes_back(world: World) -> None:
    merchant, (plain, _) = await world.merchant(), await by_hand(world)
    buyer, start_ms = {"by": By.buyer, "org_id": merchant.sandbox.organisation.org_id}, clock.now_ms()
    with clock.hold(start_ms):
        async with world.gateway() as gateway:
            order = await order_of(gateway, merchant.sandbox, "a", plain.sku_id, {})
        await ask(world, order.order_id, Command.cancel, "buyer", **buyer)
    with clock.hold(start_ms + 4 * SECOND_MS):
        await work(world)
    assert await story(world, order.order_id) == [
        "order.fulfilling", "order.cancelling", "order.failed", "order.refunded"
    ]  # fmt: skip
    await world.assert_clean()
