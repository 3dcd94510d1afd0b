"""USDT gateways: what only they do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from counters import BEPUSDT, EPUSDT, GMPAY, Counter, Desk
from providers import Providers, Till

from kameng.channels import BillRefused, Incoming, NoticeKind, Outcome, RefundState, State
from kameng.channels.usdt import signing
from kameng.kit import clock

EACH = pytest.mark.parametrize("counter", [EPUSDT, GMPAY, BEPUSDT], ids=lambda one: str(one.name))


@EACH
async def test_what_the_customer_is_shown(counter: Counter, providers: Providers, till: Till) -> None:
    desk = await Desk.open(counter, providers, till)
    _, begun = await desk.begun()
    assert begun.shown is not None
    assert begun.shown.kind == "redirect"
    assert begun.shown.fields == {"address": "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "amount": "1.7629"}
    assert (await desk.channel.begin(desk.payment(currency="USD"))).outcome is Outcome.refused_config


@EACH
async def test_a_million_is_signed_as_go_prints_it(counter: Counter, providers: Providers, till: Till) -> None:
    """Which differs: 1.2345678e+06 for one, 1234567.8 for the others."""
    desk = await Desk.open(counter, providers, till)
    payment = desk.payment(amount_minor=123456780)
    assert (await desk.channel.begin(payment)).outcome is Outcome.accepted
    await desk.pay(payment)
    assert await providers.tell("notify", payment_no=payment.payment_no) is True
    assert till.taken[-1].amount_minor == 123456780


@EACH
async def test_a_wrong_token_is_ours_to_mend(counter: Counter, providers: Providers, till: Till) -> None:
    desk = await Desk.open(counter, providers, till, token="0" * 32)
    assert (await desk.channel.begin(desk.payment())).outcome is Outcome.refused_config


@EACH
async def test_closing(counter: Counter, providers: Providers, till: Till) -> None:
    desk = await Desk.open(counter, providers, till)
    payment, _ = await desk.begun()
    closed = await desk.channel.close(await desk.referring(payment))
    if counter is BEPUSDT:
        assert closed.outcome is Outcome.done
        assert (await desk.channel.query(await desk.referring(payment))).state is State.closed
        assert (await desk.channel.close(await desk.referring(payment))).outcome is Outcome.done
    else:
        assert closed.outcome is Outcome.rate_limited
        assert (await providers.record(payment))["state"] == "waiting"
    paid, _ = await desk.paid()
    assert (await desk.channel.close(await desk.referring(paid))).outcome is Outcome.paid


@EACH
async def test_without_the_gateways_number_nothing_is_known(counter: Counter, providers: Providers, till: Till) -> None:
    desk = await Desk.open(counter, providers, till)
    payment, _ = await desk.begun()
    assert (await desk.channel.query(desk.reference(payment))).outcome is Outcome.unknown
    strange = await desk.channel.query(desk.reference(payment, "0" * 18))
    assert (strange.outcome, strange.state) == (Outcome.unknown, State.unknown)


@EACH
async def test_nothing_is_given_back_and_no_bill_made(counter: Counter, providers: Providers, till: Till) -> None:
    desk = await Desk.open(counter, providers, till)
    payment, _ = await desk.paid()
    refund = await desk.refund(payment)
    for said in (await desk.channel.refund(refund), await desk.channel.refund_query(refund)):
        assert (said.outcome, said.state) == (Outcome.refused_channel, RefundState.failed)
    with pytest.raises(BillRefused):
        await desk.channel.fetch_bill(clock.china_day())


def _told(secret: str, **fields: Any) -> Incoming:
    signature = signing.signature(fields, secret, verb="v")
    return Incoming("POST", "", {}, json.dumps({**fields, "signature": signature}).encode())


async def test_bepusdt_also_tells_of_waiting_and_of_the_end(providers: Providers) -> None:
    channel, secret = providers.open("bepusdt"), providers.credentials("bepusdt")["token"]
    common = {"trade_id": "T1", "order_id": "A1", "amount": 28.88, "actual_amount": 4, "token": "T"}
    waiting = await channel.parse_notice(_told(secret, **common, status=1))
    assert (waiting.kind, waiting.state) == (NoticeKind.other, State.waiting)
    ended = await channel.parse_notice(_told(secret, **common, status=3))
    assert (ended.kind, ended.state, ended.payment_no) == (NoticeKind.payment, State.closed, "A1")
    strange = await channel.parse_notice(_told(secret, **common, status=9))
    assert (strange.kind, strange.state) == (NoticeKind.other, State.unknown)


def test_the_word_they_want_is_ok(providers: Providers) -> None:
    channel = providers.open("epusdt")
    assert (channel.acknowledge(is_taken=True).body, channel.acknowledge(is_taken=False).status) == (b"ok", 500)


@pytest.mark.parametrize(("changed", "field"), [({"dialect": "x"}, "dialect"), ({"pid": ""}, "pid")])
def test_what_an_account_needs(changed: dict[str, str], field: str, providers: Providers) -> None:
    with pytest.raises(ValueError, match=rf"^{field}$"):
        providers.open("gmpay", **changed)
