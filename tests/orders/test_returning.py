"""Money that a guest gets back leaves suspense when a person returned it, once for its reference."""

from __future__ import annotations

import pytest
from test_awaiting import TERMS, pay, standing

from kameng import orders
from kameng.orders import By
from kameng.orders.model import Command
from laws.lives import ask, code, houses, story, waits_for, work
from laws.world import MONEY_E4, World

CARD_E4 = 985_000


async def test_what_waits_in_suspense_is_returned_once(world: World) -> None:
    shop = await world.merchant()
    await world.load(world.card, 2)
    async with world.gateway(terms=TERMS) as gateway:
        order = await standing(gateway, shop, world.card, contact="wechat-li")
        other = await standing(gateway, shop, world.card, "s", contact="wechat-li")
    await pay(world, order.order_id, CARD_E4, "alipay:1")
    await pay(world, order.order_id, CARD_E4, "alipay:2")  # twice: the second goes back too
    await ask(world, order.order_id, Command.refund, "r", by=By.staff, amount_e4=85_000)
    await pay(world, other.order_id, CARD_E4, "alipay:3")
    await ask(world, other.order_id, Command.refund, "r", by=By.staff)
    await work(world)
    assert await houses(world) == {
        "clearing": -MONEY_E4 - 3 * CARD_E4, "sales": CARD_E4 - 85_000, "suspense": 2 * CARD_E4 + 85_000
    }  # fmt: skip

    async def book(order_id: int, reference: str) -> orders.Returned:
        return await orders.book_return(world.db, order_id, reference=reference, reason="paid out", actor_id=7)

    assert await book(order.order_id, "CMB-1") == orders.Returned(order.order_id, CARD_E4 + 85_000, "CNY")
    assert await book(order.order_id, "CMB-1") == orders.Returned(order.order_id, CARD_E4 + 85_000, "CNY", True)
    assert await houses(world) == {
        "clearing": -MONEY_E4 - 2 * CARD_E4 + 85_000, "sales": CARD_E4 - 85_000, "suspense": CARD_E4
    }  # fmt: skip
    assert await waits_for(world, order.order_id) == []
    assert (await story(world, order.order_id))[-1] == "order.return_booked"
    for order_id, reference, refusal in (
        (other.order_id, "CMB-1", orders.PaymentReused), (order.order_id, "CMB-2", orders.NothingToReturn),
        (4711 << 12, "CMB-3", orders.OrderNotFound), (other.order_id, " ", orders.BadCommand),
    ):  # fmt: skip
        with pytest.raises(refusal):
            await book(order_id, reference)
    assert await waits_for(world, other.order_id) == [("orders.return_payment", "dead")]
    await world.assert_clean()
    assert (await book(other.order_id, "CMB-4")).amount_e4 == CARD_E4
    assert "suspense" not in await houses(world)
    (line,) = await world.rows(
        "SELECT actor_id, data FROM audit_line WHERE act = 'order.return_booked' AND subject_id = $1", other.order_id
    )
    assert (line["actor_id"], line["data"]["reference"], line["data"]["reason"]) == (7, "CMB-4", "paid out")
    await world.assert_clean()


async def test_an_order_of_a_member_has_nothing_to_return(world: World) -> None:
    merchant = await world.merchant()
    async with world.gateway() as gateway:
        order = await gateway.place(merchant.caller, "a", world.phone)
    assert isinstance(order, orders.ShownOrder)
    assert code(await ask(world, order.order_id, Command.fail)) == "refunded"
    with pytest.raises(orders.NothingToReturn):
        await orders.book_return(world.db, order.order_id, reference="CMB-1", reason="x", actor_id=7)
    assert await world.scalar("SELECT count(*) FROM payment_return") == 0
