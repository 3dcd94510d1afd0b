"""Notices of protocols whose keys leak (epay's MD5): believed only as their provider confirms them."""

from __future__ import annotations

from typing import cast

import msgspec
import pytest

from kameng import channels
from kameng.channels import ProtocolSpec
from payments.bank import PROTOCOL, SPEC
from payments.counter import CARD_E4, Counter


@pytest.fixture(autouse=True)
def _keys_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    known = cast(dict[str, ProtocolSpec], channels.PROTOCOLS)
    monkeypatch.setitem(known, PROTOCOL, msgspec.structs.replace(SPEC, needs_query=True))


async def test_a_notice_that_the_provider_does_not_confirm_has_no_effect(counter: Counter) -> None:
    merchant = await counter.world.merchant()
    await counter.world.load(counter.world.card, 1)
    order = await counter.order(merchant)
    payment = (await counter.begin(merchant, order.order_id)).payment
    forged = counter.bank.notice(payment.payment_no, amount_minor=CARD_E4 // 100)  # signed with the true key
    assert await counter.hear(forged) == 500
    assert counter.bank.calls == [("begin", payment.payment_no), ("query", payment.payment_no)]
    assert await counter.state(order.order_id) == "awaiting_payment"
    assert await counter.world.scalar("SELECT count(*) FROM payment_notice") == 0
    counter.bank.is_silent = True
    assert await counter.hear(forged) == 500
    counter.bank.is_silent = False
    assert await counter.paid(payment) == 200  # and the true one is not taken for a repeat
    assert await counter.state(order.order_id) == "delivered"
    await counter.check()


async def test_what_the_provider_says_counts_and_not_the_notice(counter: Counter) -> None:
    merchant = await counter.world.merchant()
    await counter.world.load(counter.world.card, 1)
    order = await counter.order(merchant)
    payment = (await counter.begin(merchant, order.order_id)).payment
    counter.bank.pay(payment.payment_no)
    assert await counter.hear(counter.bank.notice(payment.payment_no, amount_minor=1, provider_no="made up")) == 200
    after = await counter.payment(payment)
    assert (after.paid_e4, after.provider_no) == (CARD_E4, f"P{payment.payment_no}")
    assert await counter.state(order.order_id) == "delivered"
    assert await counter.paid_again(payment) == 200
    assert [call for call, _ in counter.bank.calls] == ["begin", "query"]  # what is booked is not asked about again
    await counter.check()


async def test_every_protocol_whose_notices_can_be_forged_says_so() -> None:
    """MD5 and shared tokens are known to whoever saw a shop's files; PayPal captures when it is asked."""
    own = {name for name, spec in channels.PROTOCOLS.items() if spec.needs_query and name != PROTOCOL}
    assert own == {"epay_v1", "usdt", "paypal"}
