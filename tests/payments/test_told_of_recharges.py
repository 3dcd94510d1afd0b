"""Recharges and collections are told as events: in the books' own transaction, once, as the API shows them."""

from __future__ import annotations

from datetime import timedelta

from kameng import notices, openapi, payments
from kameng.channels import Method, Scene
from kameng.kit import clock, lanes
from kameng.payments import Collection, Payer
from laws.world import Merchant, World
from payments.counter import Counter


async def told(world: World, merchant: Merchant) -> list[tuple[str, dict[str, object]]]:
    """What the feed has, shown as receivers are shown it."""
    page = await notices.read_feed(world.db, merchant.org_id)
    async with world.db.connection() as connection:
        states = await openapi.subject_states().show(connection, merchant.lane, page.events)
    return [(event.kind, notices.data_of(event, states.get(event.subject_id))) for event in page.events]


async def test_a_recharge_is_told_when_it_is_paid_and_what_came_twice_when_it_is_back(counter: Counter) -> None:
    merchant = await counter.world.merchant(money_e4=0)
    await notices.open_feed(counter.world.db, merchant.org_id)
    first = (await counter.recharge(merchant, 2_000_000)).payment
    second = await payments.begin_recharge(
        counter.cashier, merchant.caller.organisation, 2_000_000, client_ref="rc-1", method=Method.alipay,
        scene=Scene.qr, payer=Payer(),
    )  # fmt: skip
    for payment in (second.payment, second.payment, first):
        await (counter.paid_again(payment) if counter.bank.payments[payment.payment_no].paid_minor
               else counter.paid(payment))  # fmt: skip
    await counter.work()
    found = await told(counter.world, merchant)
    assert [(kind, data["client_ref"], data["state"], data["event_sequence"]) for kind, data in found] == [
        ("recharge.paid", "rc-1", "paid", 1), ("recharge.refunded", "rc-1", "paid", 2),
    ]  # fmt: skip
    shown = found[0][1]
    assert shown["id"] == str(second.payable.payable_id)
    assert [one["state"] for one in shown["payments"]] == ["refunded", "paid"]  # type: ignore[attr-defined]
    await counter.check()


async def test_a_collection_is_told_with_what_the_house_kept(counter: Counter) -> None:
    merchant = await counter.world.merchant(money_e4=0)
    await notices.open_feed(counter.world.db, merchant.org_id)
    async with counter.world.db.transaction() as connection:
        number = (await lanes.pass_gate(connection, merchant.lane, id_count=1)).ids[0]
    collection = Collection(
        collection_id=number, amount_e4=100_000, fee_e4=600, expires_at=clock.now() + timedelta(minutes=30)
    )
    begun = await payments.begin_collection(
        counter.cashier, merchant.caller.organisation, collection, method=Method.wechat, scene=Scene.qr, payer=Payer()
    )
    await counter.paid(begun.payment)
    refund = await payments.give_back_collection(
        counter.cashier, merchant.caller.organisation, number, 40_000, key="RF-1"
    )
    await counter.work()
    found = await told(counter.world, merchant)
    assert [(kind, data["subject"], data["amount"], data["fee"]) for kind, data in found] == [
        ("collection.paid", str(number), "10.0000", "0.0600"), ("collection.refunded", str(number), "4.0000", "0.0000"),
    ]  # fmt: skip
    assert refund.amount_e4 == 40_000
    await counter.check()


async def test_nobody_is_owed_what_he_did_not_ask_for_and_orders_tell_of_themselves(counter: Counter) -> None:
    merchant = await counter.world.merchant()
    await counter.world.load(counter.world.card, 2)
    await counter.paid((await counter.recharge(merchant, 2_000_000)).payment)
    order = await counter.order(merchant)
    await counter.paid((await counter.begin(merchant, order.order_id)).payment)
    rows = await counter.world.rows("SELECT kind, due FROM event WHERE org_id = $1 ORDER BY event_id", merchant.org_id)
    assert [tuple(row) for row in rows if row["kind"].startswith(("recharge.", "payment.", "collection."))] == [
        ("recharge.paid", False)
    ]
