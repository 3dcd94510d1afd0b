"""Stripe: what only it does."""

from __future__ import annotations

from datetime import timedelta

import pytest
from counters import STRIPE, STRIPE_ALIPAY, STRIPE_WECHAT, Counter, Desk
from providers import Providers, Till

from kameng.channels import BillRefused, NoticeKind, Outcome, RefundState, State
from kameng.channels.stripe.codes import CODES
from kameng.kit import clock

EACH = pytest.mark.parametrize(
    "counter", [STRIPE, STRIPE_ALIPAY, STRIPE_WECHAT], ids=lambda one: str(one.method)
)  # fmt: skip


@pytest.fixture
async def desk(providers: Providers, till: Till) -> Desk:
    return await Desk.open(STRIPE, providers, till)


@EACH
async def test_where_the_customer_is_led(counter: Counter, providers: Providers, till: Till) -> None:
    desk = await Desk.open(counter, providers, till)
    _, begun = await desk.begun()
    assert begun.shown is not None
    assert begun.shown.kind == ("qr" if counter is STRIPE_WECHAT else "redirect")
    assert begun.provider_no.startswith("cs_" if counter is STRIPE else "pi_")


@EACH
async def test_closing(counter: Counter, providers: Providers, till: Till) -> None:
    desk = await Desk.open(counter, providers, till)
    payment, _ = await desk.begun()
    for _ in range(2):
        assert (await desk.channel.close(await desk.referring(payment))).outcome is Outcome.done
    assert (await desk.channel.query(await desk.referring(payment))).state is State.closed
    paid, _ = await desk.paid()
    assert (await desk.channel.close(await desk.referring(paid))).outcome is Outcome.paid
    raced, _ = await desk.begun()
    await providers.fault("refuse", "close", raced, code="payment_intent_unexpected_state")
    assert (await desk.channel.close(await desk.referring(raced))).outcome is Outcome.unknown


async def test_a_session_lives_half_an_hour_at_least(desk: Desk) -> None:
    for minutes, lives in ((1, 31), (40, 40), (60 * 48, 60 * 23)):
        payment = desk.payment()
        payment = desk.payment(expires_at=payment.begun_at + timedelta(minutes=minutes))
        await desk.channel.begin(payment)
        record = await desk.providers.record(payment)
        assert record["expires_at_ms"] // 1000 == int(payment.begun_at.timestamp()) + lives * 60


async def test_the_same_number_with_other_content_may_stand(desk: Desk) -> None:
    payment, _ = await desk.begun()
    other = await desk.channel.begin(desk.payment(payment_no=payment.payment_no, amount_minor=1))
    assert other.outcome is Outcome.unknown


async def test_what_stripe_refuses(desk: Desk, providers: Providers, till: Till) -> None:
    for code, outcome in (
        ("card_error", Outcome.declined_user), ("amount_too_small", Outcome.refused_channel),
        ("parameter_invalid", Outcome.refused_config),
    ):  # fmt: skip
        payment = desk.payment()
        await providers.fault("refuse", "begin", payment, code=code)
        assert (await desk.channel.begin(payment)).outcome is outcome
    wrong = await Desk.open(STRIPE, providers, till)
    channel = providers.open(STRIPE.name, secret_key="sk_test_wrong")
    payment, _ = await wrong.paid()
    assert (await channel.begin(wrong.payment())).outcome is Outcome.refused_config
    assert (await channel.query(await wrong.referring(payment))).outcome is Outcome.refused_config
    assert (await desk.channel.query(desk.reference(payment, "cs_test_none"))).outcome is Outcome.unknown
    assert (await desk.channel.query(desk.reference(payment))).outcome is Outcome.unknown
    with clock.hold(clock.now_ms() + 2 * 86_400_000), pytest.raises(BillRefused, match="401"):
        await channel.fetch_bill(clock.china_day() - timedelta(days=1))


async def test_refunds_that_do_not_go(desk: Desk, till: Till) -> None:
    payment, _ = await desk.paid()
    await desk.providers.fault("refuse", "refund", payment, code="balance_insufficient")
    assert (await desk.channel.refund(await desk.refund(payment))).outcome is Outcome.rate_limited
    await desk.providers.fault("refuse", "settle", payment)
    refund = await desk.refund(payment)
    failed = await desk.channel.refund(refund)
    assert (failed.outcome, failed.state) == (Outcome.done, RefundState.abnormal)  # the bank sent it back
    assert (await desk.channel.refund_query(refund)).state is RefundState.abnormal
    (told,) = await till.heard()
    assert (told.kind, told.refund_state) == (NoticeKind.refund, RefundState.abnormal)
    waiting, _ = await desk.begun()
    early = await desk.channel.refund(await desk.refund(waiting))
    assert early.outcome is Outcome.rate_limited
    assert (await desk.providers.record(waiting))["refunds"] == []


async def test_the_bill_turns_its_pages_and_shows_faults(desk: Desk) -> None:
    numbers = [(await desk.paid())[0].payment_no for _ in range(5)]
    await desk.providers.fault("missing", "lines", account=STRIPE.name)
    day = clock.china_day()
    with clock.hold(clock.now_ms() + 86_400_000):
        bill = await desk.channel.fetch_bill(day)
    assert [line.payment_no for line in bill.lines[-5:]] == numbers
    assert {line.state for line in bill.lines} == {"available"}


def test_codes() -> None:
    assert CODES.outcome("refund", "charge_already_refunded") is Outcome.refused_channel
    assert CODES.outcome("begin", "409") is Outcome.unknown
    assert CODES.outcome("begin", "api_error") is Outcome.unknown
