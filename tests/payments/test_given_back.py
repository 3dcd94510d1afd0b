"""Money that goes back to where it came from, and what its provider won't give back."""

from __future__ import annotations

from kameng import orders, payments
from kameng.channels import Method, Scene
from kameng.payments import Payer
from laws.lives import wallet
from laws.world import MONEY_E4
from payments.counter import CARD_E4, Counter


async def test_given_back_to_where_it_came_from(counter: Counter) -> None:
    merchant = await counter.world.merchant()
    await counter.world.load(counter.world.card, 5)
    order = await counter.order(merchant)
    payment = (await counter.begin(merchant, order.order_id, wallet_e4=285_000)).payment
    await counter.paid(payment)
    counter.bank.refund_states = ["lost"]
    acted = await payments.refund_to_origin(
        counter.cashier, payment.payment_id, key="rf-1", amount_e4=400_000, reason="a goodwill", actor_id=7
    )
    assert acted.refunded_e4 == 400_000
    await counter.work()
    assert await counter.world.scalar("SELECT state FROM payment_refund") == "unknown"
    assert (await counter.houses())["suspense"] == 400_000
    await counter.work(minutes=5)
    assert (await counter.payment(payment)).refunded_e4 == 400_000
    await payments.refund_to_origin(counter.cashier, payment.payment_id, key="rf-2", reason="the rest", actor_id=7)
    await counter.work()
    assert (await counter.payment(payment)).state == "refunded"
    assert await wallet(counter.world, merchant) == MONEY_E4  # what the wallet had added is the wallet's again
    assert await counter.state(order.order_id) == "refunded"
    await counter.check()


async def test_what_the_provider_wont_give_back_lies_on_the_desk(counter: Counter) -> None:
    merchant = await counter.world.merchant()
    await counter.world.load(counter.world.card, 5)
    order = await counter.order(merchant, contact="guest@example.com")
    payment = (await counter.begin(merchant, order.order_id)).payment
    await counter.paid(payment)
    counter.bank.refund_states = ["abnormal"]
    await payments.refund_to_origin(counter.cashier, payment.payment_id, key="rf", reason="bad card", actor_id=7)
    await counter.work()
    assert await counter.desk() == ["orders.return_payment"]
    back = await orders.book_return(
        counter.world.db, order.order_id, reference="bank:77", reason="by bank transfer", actor_id=7
    )
    assert (back.amount_e4, (await counter.houses()).get("suspense")) == (CARD_E4, None)
    assert (await counter.houses())["clearing"] == CARD_E4 - MONEY_E4
    await counter.world.assert_clean()


async def test_a_recharge_that_cant_go_back_is_booked_by_hand(counter: Counter) -> None:
    merchant = await counter.world.merchant()
    first = (await counter.recharge(merchant, 1_000_000)).payment
    second = (
        await payments.begin_recharge(
            counter.cashier, merchant.caller.organisation, 1_000_000, client_ref="rc-1", method=Method.alipay,
            scene=Scene.qr, payer=Payer(),
        )
    ).payment  # fmt: skip
    await counter.paid(first)
    await counter.paid(second)
    counter.bank.refund_states = ["failed"]
    await counter.work()
    assert await counter.desk() == ["payments.mismatch"]
    (refund,) = (await payments.history(counter.cashier, second.payment_id))[2]
    assert refund.needs_person
    done = await payments.book_by_hand(counter.world.db, refund.refund_id, hand_no="B-1", reason="by bank", actor_id=7)
    assert (done.needs_person, done.hand_by, await counter.desk()) == (False, 7, [])
    houses = await counter.houses()
    assert (houses.get("suspense"), houses["bank"]) == (None, 1_000_000)
    await counter.world.assert_clean()


async def test_two_refunds_of_an_order_are_each_booked_by_hand(counter: Counter) -> None:
    merchant = await counter.world.merchant()
    await counter.world.load(counter.world.card, 5)
    order = await counter.order(merchant, contact="guest@example.com")
    payment = (await counter.begin(merchant, order.order_id)).payment
    await counter.paid(payment)
    counter.bank.refund_states = ["failed", "failed"]
    for key in ("a", "b"):
        await payments.refund_to_origin(
            counter.cashier, payment.payment_id, key=key, amount_e4=100_000, reason="a part", actor_id=7
        )
    await counter.work()
    for number, refund in enumerate((await payments.history(counter.cashier, payment.payment_id))[2]):
        await payments.book_by_hand(
            counter.world.db, refund.refund_id, hand_no=f"B-{number}", reason="by bank", actor_id=7
        )
    assert [one.hand_no for one in (await payments.history(counter.cashier, payment.payment_id))[2]] == ["B-0", "B-1"]
    assert ((await counter.houses()).get("suspense"), await counter.desk()) == (None, [])
    await counter.world.assert_clean()
