"""Payments from their beginning to their end: paid, late, double, wrong, forged, told a thousand times, given back."""

from __future__ import annotations

import asyncio

import pytest

from kameng import orders, payments
from kameng.channels import Method, Scene
from kameng.payments import NoChannel, NotPayable, Payer, PaymentUnknown
from kameng.payments.starting import Wanted
from laws.lives import wallet
from laws.world import MONEY_E4
from payments.counter import CARD_E4, Counter

FEE_E4 = 5900
"""0.6 % of 98.50, rounded to whole fen."""


async def test_begun_paid_and_delivered(counter: Counter) -> None:
    merchant = await counter.world.merchant()
    await counter.world.load(counter.world.card, 3)
    order = await counter.order(merchant)
    begun = await counter.begin(merchant, order.order_id)
    payment = begun.payment
    assert (payment.state, payment.amount_e4, payment.fee_e4, payment.attempt) == ("waiting", CARD_E4, FEE_E4, 1)
    assert begun.shown is not None
    assert begun.shown.text == f"loop://{payment.payment_no}"
    assert await counter.begin(merchant, order.order_id) == begun  # shown again, not begun again
    assert await counter.paid(payment) == 200
    assert await counter.state(order.order_id) == "delivered"
    assert await counter.houses() == {
        "channel": -CARD_E4 + FEE_E4, "channel_fee": -FEE_E4, "sales": CARD_E4, "clearing": -MONEY_E4,
    }  # fmt: skip
    after = await counter.payment(payment)
    assert (after.state, after.taken_as, after.paid_e4, after.provider_no) == (
        "paid", "order", CARD_E4, f"P{payment.payment_no}",
    )  # fmt: skip
    with pytest.raises(NotPayable):
        await counter.begin(merchant, order.order_id)
    await counter.work(minutes=60)
    assert counter.bank.calls == [("begin", payment.payment_no)]  # nobody asks about what is decided
    assert await counter.waiting() == []
    await counter.check()


async def test_told_a_thousand_times_it_has_one_effect(counter: Counter) -> None:
    merchant = await counter.world.merchant()
    await counter.world.load(counter.world.card, 3)
    order = await counter.order(merchant)
    payment = (await counter.begin(merchant, order.order_id)).payment
    counter.bank.pay(payment.payment_no)
    notices = [counter.bank.notice(payment.payment_no, event_id=f"e{n % 3}") for n in range(1000)]
    assert set(await asyncio.gather(*(counter.hear(one) for one in notices))) == {200}
    assert await counter.world.scalar("SELECT count(*) FROM payment_notice") == 3
    assert (await counter.houses())["sales"] == CARD_E4
    await counter.check()


async def test_the_notice_never_comes(counter: Counter) -> None:
    merchant = await counter.world.merchant()
    await counter.world.load(counter.world.card, 3)
    order = await counter.order(merchant)
    payment = (await counter.begin(merchant, order.order_id)).payment
    await counter.work(minutes=0.2)
    assert counter.bank.calls[1:] == [("query", payment.payment_no)]
    counter.bank.pay(payment.payment_no)
    await counter.work(minutes=1)
    assert await counter.state(order.order_id) == "delivered"
    assert await counter.paid_again(payment) == 200
    await counter.check()


async def test_not_paid_in_time_it_is_closed_there(counter: Counter) -> None:
    merchant = await counter.world.merchant()
    await counter.world.load(counter.world.card, 3)
    order = await counter.order(merchant)
    payment = (await counter.begin(merchant, order.order_id)).payment
    counter.bank.closes = ["rate_limited", "unknown"]
    await counter.work(minutes=11)
    assert (await counter.payment(payment)).state == "waiting"  # the provider would not close it yet
    assert await counter.state(order.order_id) == "expired"
    await counter.work(minutes=60)
    await counter.work(minutes=120)
    assert (await counter.payment(payment)).state == "closed"
    assert counter.bank.payments[payment.payment_no].state == "closed"
    assert await counter.waiting() == []
    await counter.check()


async def test_late_money_takes_goods_that_are_there_still(counter: Counter) -> None:
    merchant = await counter.world.merchant()
    await counter.world.load(counter.world.card, 2, lane=1 - merchant.lane)
    order = await counter.order(merchant, quantity=2)
    payment = (await counter.begin(merchant, order.order_id)).payment
    counter.bank.closes = ["rate_limited"]
    await counter.work(minutes=11)
    assert await counter.state(order.order_id) == "expired"
    await counter.world.gather(counter.world.card, 1 - merchant.lane)  # only another lane has them
    assert await counter.paid(payment) == 200
    assert await counter.state(order.order_id) == "delivered"
    await counter.check()


async def test_late_money_without_goods_goes_back_by_itself(counter: Counter) -> None:
    merchant = await counter.world.merchant()
    await counter.world.load(counter.world.card, 1)
    order = await counter.order(merchant, contact="13800000000")
    payment = (await counter.begin(merchant, order.order_id)).payment
    counter.bank.closes = ["rate_limited"]
    await counter.work(minutes=11)
    other = await counter.gateway.place(merchant.caller, "takes-the-last", counter.world.card)
    assert isinstance(other, orders.ShownOrder)
    counter.bank.refund_states = ["refused", "processing", "done"]
    assert await counter.paid(payment) == 200
    assert (await counter.payment(payment)).taken_as == "late"
    assert (await counter.houses())["suspense"] == CARD_E4
    for minutes in (0, 2, 10, 60):
        await counter.work(minutes=minutes)
    after = await counter.payment(payment)
    assert (after.state, after.refunded_e4) == ("refunded", CARD_E4)
    assert {number for call, number in counter.bank.calls if call.startswith("refund")} == {await refund_no(counter)}
    assert "suspense" not in await counter.houses()
    assert (await counter.desk(), await counter.waiting()) == ([], [])
    await counter.check()


async def refund_no(counter: Counter) -> str:
    return str(await counter.world.scalar("SELECT refund_no FROM payment_refund"))


async def test_paid_on_two_channels_the_second_goes_back(counter: Counter) -> None:
    merchant = await counter.world.merchant()
    await counter.another(offers=[("alipay", "qr")])
    await payments.change_channel(counter.world.db, counter.channel, offers=[("wechat", "qr")], actor_id=7)
    counter.forget()
    await counter.world.load(counter.world.card, 3)
    order = await counter.order(merchant)
    first = (await counter.begin(merchant, order.order_id)).payment
    second = (await counter.begin(merchant, order.order_id, Method.alipay)).payment
    assert (second.attempt, second.channel_id == first.channel_id) == (2, False)
    assert await counter.paid(first) == 200
    assert await counter.paid(second) == 200
    assert await counter.state(order.order_id) == "delivered"
    assert (await counter.payment(second)).taken_as == "double"
    await counter.work()
    assert (await counter.payment(second)).state == "refunded"
    assert (await counter.payment(first)).state == "paid"
    await counter.check()


async def test_another_way_to_pay_closes_the_one_before(counter: Counter) -> None:
    merchant = await counter.world.merchant()
    await counter.world.load(counter.world.card, 3)
    order = await counter.order(merchant)
    first = (await counter.begin(merchant, order.order_id)).payment
    second = (await counter.begin(merchant, order.order_id, Method.alipay)).payment
    await counter.work()
    assert (await counter.payment(first)).state == "closed"
    assert (await counter.payment(second)).state == "waiting"
    assert await counter.paid(second) == 200
    await counter.check()


@pytest.mark.parametrize(
    ("facts", "effect", "suspense_e4"),
    [
        ({"amount_minor": 9849}, "set_aside", 984_900),
        ({"account_no": "M-2"}, "other_account", 0),
        ({"currency": "USD"}, "other_currency", 0),
    ],
)
async def test_what_was_not_asked_for_waits_for_a_person(
    counter: Counter, facts: dict[str, object], effect: str, suspense_e4: int
) -> None:
    merchant = await counter.world.merchant()
    await counter.world.load(counter.world.card, 3)
    order = await counter.order(merchant)
    payment = (await counter.begin(merchant, order.order_id)).payment
    counter.bank.pay(payment.payment_no, 9849 if suspense_e4 else None)
    for _ in range(3):
        assert await counter.hear(counter.bank.notice(payment.payment_no, **facts)) == 200
    assert await counter.world.rows("SELECT effect FROM payment_notice") == [(effect,)]
    assert (await counter.houses()).get("suspense", 0) == suspense_e4
    assert await counter.state(order.order_id) == "awaiting_payment"
    await counter.work()
    assert await counter.desk() == ["payments.mismatch"]
    await counter.world.assert_clean()


async def test_what_is_forged_or_from_elsewhere_has_no_effect(counter: Counter) -> None:
    merchant = await counter.world.merchant()
    await counter.world.load(counter.world.card, 3)
    order = await counter.order(merchant)
    payment = (await counter.begin(merchant, order.order_id)).payment
    counter.bank.pay(payment.payment_no)
    assert await counter.hear(counter.bank.notice(payment.payment_no, secret="guessed")) == 500
    other = await counter.another(notify_from=["198.51.100.0/24"])
    good = counter.bank.notice(payment.payment_no)
    assert await counter.hear(good, channel=other, address="203.0.113.9") == 500
    assert await counter.hear(good, channel=other, address="198.51.100.7") == 200  # of another channel: nothing of it
    assert await counter.state(order.order_id) == "awaiting_payment"
    await counter.work()
    assert await counter.desk() == ["payments.stray"]
    assert await counter.hear(good) == 200
    assert await counter.state(order.order_id) == "delivered"
    await counter.check()


async def test_only_what_was_surely_not_begun_is_tried_elsewhere(counter: Counter) -> None:
    merchant = await counter.world.merchant()
    for _ in range(3):
        await counter.another()
    await counter.world.load(counter.world.card, 5)
    order = await counter.order(merchant)
    counter.bank.begins = ["refused_channel", "rate_limited"]
    payment = (await counter.begin(merchant, order.order_id)).payment
    assert (payment.attempt, payment.state) == (3, "waiting")
    attempts = await payments.find_payments(counter.cashier, merchant.caller.organisation, order.order_id)
    assert [one.state for one in attempts] == ["failed", "failed", "waiting"]
    assert len({one.channel_id for one in attempts}) == 3
    other = await counter.order(merchant)
    counter.bank.begins = ["refused_channel"] * 3
    with pytest.raises(NoChannel):
        await counter.begin(merchant, other.order_id)
    third = await counter.order(merchant)
    counter.bank.begins = ["unknown"]
    with pytest.raises(PaymentUnknown):
        await counter.begin(merchant, third.order_id)
    (unknown,) = await payments.find_payments(counter.cashier, merchant.caller.organisation, third.order_id)
    counter.bank.pay(unknown.payment_no)  # it had been begun there after all
    await counter.work(minutes=1)
    assert await counter.state(third.order_id) == "delivered"
    await counter.check()


async def test_a_crash_between_the_row_and_the_call(counter: Counter) -> None:
    merchant = await counter.world.merchant()
    await counter.world.load(counter.world.card, 5)
    order = await counter.order(merchant)
    organisation = merchant.caller.organisation
    wish = Wanted(
        org_id=organisation.org_id, currency="CNY", method=Method.wechat, scene=Scene.qr, order_id=order.order_id
    )
    opened = await counter.cashier.open(organisation.lane, wish)
    assert not isinstance(opened, Exception)
    assert opened.payment.state == "created"
    await counter.work(minutes=3)
    assert (await counter.payment(opened.payment)).state == "closed"
    payment = (await counter.begin(merchant, order.order_id)).payment
    assert payment.attempt == 2
    assert await counter.paid(payment) == 200
    await counter.check()


async def test_a_payment_code_that_is_paid_at_once(counter: Counter) -> None:
    merchant = await counter.world.merchant()
    await counter.world.load(counter.world.card, 5)
    order = await counter.order(merchant)
    counter.bank.begins = ["paid"]
    begun = await counter.begin(
        merchant, order.order_id, Method.alipay, Scene.code, payer=Payer(auth_code="28" + "0" * 16)
    )
    assert (begun.payment.state, await counter.state(order.order_id)) == ("paid", "delivered")
    await counter.check()


async def test_a_wallet_adds_its_part_only_when_the_rest_is_paid(counter: Counter) -> None:
    merchant = await counter.world.merchant()
    await counter.world.load(counter.world.card, 5)
    order = await counter.order(merchant)
    begun = await counter.begin(merchant, order.order_id, wallet_e4=500_000)
    assert begun.payment.amount_e4 == CARD_E4 - 500_000
    assert await wallet(counter.world, merchant) == MONEY_E4
    assert await counter.paid(begun.payment) == 200
    assert await counter.state(order.order_id) == "delivered"
    assert await wallet(counter.world, merchant) == MONEY_E4 - 500_000
    await counter.check()
    other = await counter.order(merchant)
    payment = (await counter.begin(merchant, other.order_id, wallet_e4=500_000)).payment
    counter.bank.closes = ["rate_limited"]
    await counter.work(minutes=11)
    assert await counter.world.scalar("SELECT held_e4 FROM account WHERE account_id = $1", merchant.org_id) == 500_000
    await counter.work(minutes=30)
    await counter.work(minutes=60)
    assert await counter.world.scalar("SELECT held_e4 FROM account WHERE account_id = $1", merchant.org_id) == 0
    assert (await counter.payment(payment)).state == "closed"
    counter.bank.payments[payment.payment_no].state = "waiting"  # and its provider takes the money after all
    assert await counter.paid(payment) == 200
    assert (await counter.payment(payment)).taken_as == "late"
    await counter.work()
    assert (await counter.payment(payment)).state == "refunded"
    assert await wallet(counter.world, merchant) == MONEY_E4 - 500_000
    await counter.check()


async def test_recharged_with_what_is_given_on_top(counter: Counter) -> None:
    merchant = await counter.world.merchant(money_e4=0)
    db = counter.world.db
    await payments.add_bonus(db, from_e4=1_000_000, give_e4=50_000, actor_id=7)
    await payments.add_bonus(db, from_e4=5_000_000, give_ppm=80_000, most_e4=1_000_000, actor_id=7)
    counter.forget()
    begun = await counter.recharge(merchant, 2_000_000)
    assert (begun.payable.bonus_e4, begun.payment.amount_e4) == (50_000, 2_000_000)
    assert (await counter.recharge(merchant, 2_000_000)).payment == begun.payment
    with pytest.raises(payments.RechargeReused):
        await counter.recharge(merchant, 2_000_100)
    assert await counter.paid(begun.payment) == 200
    assert await wallet(counter.world, merchant) == 2_050_000
    late = await counter.recharge(merchant, 10_000_000, "rc-2")
    assert late.payable.bonus_e4 == 800_000
    counter.bank.closes = ["rate_limited"]
    await counter.work(minutes=31)
    assert await counter.paid(late.payment) == 200  # a wallet takes money whenever it comes
    assert await wallet(counter.world, merchant) == 12_850_000
    recharges = await payments.list_recharges(db, merchant.caller.organisation)
    assert [(one.client_ref, one.state) for one in recharges] == [("rc-2", "paid"), ("rc-1", "paid")]
    await counter.check()


async def test_a_recharge_paid_twice_goes_back_once(counter: Counter) -> None:
    merchant = await counter.world.merchant(money_e4=0)
    first = (await counter.recharge(merchant, 2_000_000)).payment
    second = await payments.begin_recharge(
        counter.cashier, merchant.caller.organisation, 2_000_000, client_ref="rc-1", method=Method.alipay,
        scene=Scene.qr, payer=Payer(),
    )  # fmt: skip
    assert await counter.paid(second.payment) == 200
    assert await counter.paid(first) == 200
    await counter.work()
    assert (await counter.payment(first)).state == "refunded"
    assert await wallet(counter.world, merchant) == 2_000_000
    await counter.check()


async def test_a_person_confirms_by_the_same_way(counter: Counter) -> None:
    merchant = await counter.world.merchant()
    await counter.world.load(counter.world.card, 5)
    order = await counter.order(merchant)
    payment = (await counter.begin(merchant, order.order_id)).payment
    counter.bank.pay(payment.payment_no)
    confirm = {"amount_e4": CARD_E4, "provider_no": "P-9", "reason": "seen at the provider", "actor_id": 7}
    assert await payments.confirm_payment(counter.cashier, payment.payment_id, **confirm) == "booked"
    assert await payments.confirm_payment(counter.cashier, payment.payment_id, **confirm) == "repeated"
    assert await counter.hear(counter.bank.notice(payment.payment_no)) == 200
    assert await counter.state(order.order_id) == "delivered"
    lines = await counter.world.rows("SELECT act FROM audit_line WHERE actor_id = 7 AND act LIKE '%p%' ORDER BY act")
    assert [line["act"] for line in lines] == ["order.pay", "payment.confirm", "payment.confirm"]
    await counter.check()


async def test_a_batch_goes_together(counter: Counter) -> None:
    merchant = await counter.world.merchant()
    await counter.world.load(counter.world.card, 60)
    awaited = [await counter.order(merchant) for _ in range(40)]
    begun = await asyncio.gather(*(counter.begin(merchant, one.order_id) for one in awaited))
    before = await counter.world.scalar("SELECT serial FROM lane WHERE lane = $1", merchant.lane)
    for one in begun:
        counter.bank.pay(one.payment.payment_no)
    notices = [counter.bank.notice(one.payment.payment_no) for one in begun]
    assert set(await asyncio.gather(*(counter.hear(one) for one in notices))) == {200}
    after = await counter.world.scalar("SELECT serial FROM lane WHERE lane = $1", merchant.lane)
    assert after - before <= 12  # a few passages of the gate, not one for each
    assert (await counter.houses())["sales"] == 40 * CARD_E4
    assert len({one.payment.payment_id for one in begun}) == 40
    await counter.check()
