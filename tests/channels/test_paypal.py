"""PayPal: what only it does."""

from __future__ import annotations

from datetime import timedelta

import pytest
from counters import PAYPAL, Desk, later
from providers import Providers, Till

from kameng.channels import BadNotice, BillRefused, Incoming, Outcome, RefundState, State
from kameng.channels.paypal.codes import CODES
from kameng.kit import clock


@pytest.fixture
async def desk(providers: Providers, till: Till) -> Desk:
    return await Desk.open(PAYPAL, providers, till)


async def _approved(desk: Desk, **changed: object):  # type: ignore[no-untyped-def]
    payment, _ = await desk.begun(**changed)
    assert await desk.providers.tell("pay", payment_no=payment.payment_no, is_quiet=True) is True
    return payment


async def test_asking_collects_what_was_approved_once(desk: Desk) -> None:
    payment = await _approved(desk)
    assert (await desk.providers.record(payment))["is_captured"] is False
    reference = await desk.referring(payment)
    await desk.providers.fault("lost", "capture", payment)
    assert (await desk.channel.query(reference)).outcome is Outcome.unknown
    for _ in range(2):
        found = await desk.channel.query(reference)
        assert (found.state, found.amount_minor, found.currency) == (State.paid, 1234, "USD")
    assert (await desk.providers.calls(payment)).count("capture") == 1


async def test_what_is_approved_too_late_is_not_collected(desk: Desk) -> None:
    payment = await _approved(desk)
    reference = await desk.referring(payment)
    with clock.hold(later(payment, minutes=1)):
        found = await desk.channel.query(reference)
    assert (found.outcome, found.state) == (Outcome.done, State.closed)
    assert (await desk.providers.record(payment))["is_captured"] is False


async def test_a_means_that_is_declined(desk: Desk) -> None:
    payment = await _approved(desk)
    await desk.providers.fault("refuse", "capture", payment, code="INSTRUMENT_DECLINED")
    declined = await desk.channel.query(await desk.referring(payment))
    assert (declined.outcome, declined.state, declined.code) == (Outcome.done, State.failed, "INSTRUMENT_DECLINED")
    assert (await desk.channel.query(await desk.referring(payment))).state is State.paid  # another means


async def test_closing_is_never_collecting(desk: Desk) -> None:
    payment, _ = await desk.begun()
    assert (await desk.channel.close(await desk.referring(payment))).outcome is Outcome.done
    approved = await _approved(desk)
    assert (await desk.channel.close(await desk.referring(approved))).outcome is Outcome.done
    assert (await desk.providers.record(approved))["is_captured"] is False
    paid, _ = await desk.paid()
    assert (await desk.channel.close(await desk.referring(paid))).outcome is Outcome.paid
    await desk.providers.fault("error", "query", paid)
    assert (await desk.channel.close(await desk.referring(paid))).outcome is Outcome.unknown


async def test_an_order_that_is_forgotten(desk: Desk) -> None:
    payment = desk.payment()
    reference = desk.reference(payment, "NOSUCHORDER")
    assert (await desk.channel.query(reference)).outcome is Outcome.unknown
    with clock.hold(clock.now_ms() + 7 * 3_600_000):
        found = await desk.channel.query(reference)
        assert (found.outcome, found.state) == (Outcome.done, State.closed)
        assert (await desk.channel.close(reference)).outcome is Outcome.done
    assert (await desk.channel.query(desk.reference(payment))).outcome is Outcome.unknown


async def test_a_currency_without_cents(desk: Desk) -> None:
    payment = desk.payment(currency="JPY", amount_minor=1200)
    begun = await desk.channel.begin(payment)
    assert begun.outcome is Outcome.accepted
    assert (await desk.providers.record(payment))["amount_minor"] == 1200
    await desk.pay(payment)
    found = await desk.channel.query(desk.reference(payment, begun.provider_no))
    assert (found.state, found.amount_minor, found.currency) == (State.paid, 1200, "JPY")


async def test_wrong_credentials_are_ours_to_mend(desk: Desk, providers: Providers) -> None:
    channel = providers.open(PAYPAL.name, client_secret="wrong")
    payment, _ = await desk.paid()
    assert (await channel.begin(desk.payment())).outcome is Outcome.refused_config
    reference = await desk.referring(payment)
    assert (await channel.query(reference)).outcome is Outcome.refused_config
    refused = await channel.refund(await desk.refund(payment))
    assert (refused.outcome, refused.state) == (Outcome.refused_config, RefundState.unknown)
    with clock.hold(clock.now_ms() + 2 * 86_400_000), pytest.raises(BillRefused, match="invalid_client"):
        await channel.fetch_bill(clock.china_day() - timedelta(days=2))


async def test_a_token_is_kept_until_it_ends(desk: Desk) -> None:
    """And a call with one that PayPal forgot asks for a new one the next time."""
    payment, _ = await desk.paid()
    channel = desk.channel
    before = channel._token  # type: ignore[attr-defined]
    await channel.query(await desk.referring(payment))
    assert channel._token == before  # type: ignore[attr-defined]
    channel._token = "forgotten"  # type: ignore[attr-defined]
    assert (await channel.query(await desk.referring(payment))).outcome is not Outcome.done
    assert (await channel.query(await desk.referring(payment))).state is State.paid


async def test_a_notice_that_paypal_can_not_confirm_now_comes_again(desk: Desk, till: Till) -> None:
    payment, _ = await desk.paid()
    await desk.providers.fault("error", "verify", "*", provider="paypal")
    assert await desk.providers.tell("notify", payment_no=payment.payment_no) is False
    assert await desk.providers.tell("notify", payment_no=payment.payment_no) is True
    heard = till.incoming[-1]
    moved = Incoming("POST", "", heard.headers, heard.body.replace(b'", "', b'","', 1))
    with pytest.raises(BadNotice):  # the same words, other bytes
        await desk.channel.parse_notice(moved)
    bare = Incoming("POST", "", {"content-type": "application/json"}, heard.body)
    with pytest.raises(BadNotice):
        await desk.channel.parse_notice(bare)


async def test_refunds_that_do_not_go(desk: Desk) -> None:
    waiting, _ = await desk.begun()
    early = await desk.channel.refund(await desk.refund(waiting))
    assert (early.outcome, early.state) == (Outcome.refused_channel, RefundState.failed)
    payment, _ = await desk.paid()
    refund = await desk.refund(payment)
    await desk.providers.fault("error", "query", payment)
    assert (await desk.channel.refund(refund)).outcome is Outcome.rate_limited  # it was not asked for
    await desk.providers.fault("refuse", "settle", payment)
    failed = await desk.channel.refund(refund)
    assert (failed.outcome, failed.state) == (Outcome.done, RefundState.failed)


def test_codes() -> None:
    assert CODES.outcome("begin", "DUPLICATE_INVOICE_ID") is Outcome.unknown
    assert CODES.outcome("begin", "PAYEE_ACCOUNT_RESTRICTED") is Outcome.refused_channel
    assert CODES.outcome("capture", "ORDER_ALREADY_CAPTURED") is Outcome.unknown
    assert CODES.outcome("refund", "SOMETHING_NEW") is Outcome.unknown
