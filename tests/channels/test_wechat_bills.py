"""WeChat Pay: bills of trades and of funds, with differences, and those that are not to be had."""

from __future__ import annotations

from datetime import timedelta

import pytest
from providers import Providers, Till, refund_of, sold

from kameng.channels import BillNotReady, BillRefused, Channel, Method, NoticeKind, Payment
from kameng.kit import clock

BY_KEY, BY_CERTIFICATE = "微信公钥模式商户", "微信平台证书模式商户"


@pytest.fixture(params=[BY_KEY, BY_CERTIFICATE])
def channel(providers: Providers, till: Till, request: pytest.FixtureRequest) -> Channel:
    till.channel = providers.open(request.param)
    return till.channel


async def sell(providers: Providers, channel: Channel, till: Till) -> list[Payment]:
    """Two payments, the second given back in part; on a day of China that nothing else happened on."""
    payments = [await sold(providers, channel, till, Method.wechat) for _ in range(2)]
    await channel.refund(refund_of(payments[1], 500))
    for payment in payments:
        await providers.tell("age", payment_no=payment.payment_no, by_s=86400 * 2)
    return payments


async def test_the_bill_of_a_day(providers: Providers, channel: Channel, till: Till) -> None:
    payments = await sell(providers, channel, till)
    ours = {payment.payment_no for payment in payments}
    day = clock.china_day() - timedelta(days=2)
    bill = await channel.fetch_bill(day)
    lines = [line for line in bill.lines if line.payment_no in ours]
    assert [(x.kind, x.amount_minor, x.fee_minor) for x in lines] == [
        (NoticeKind.payment, 1234, 7), (NoticeKind.payment, 1234, 7), (NoticeKind.refund, 500, -3),
    ]  # fmt: skip
    assert lines[2].refund_no == f"{payments[1].payment_no}R1"
    assert {clock.china_day_at(int(x.at.timestamp() * 1000)) for x in lines} == {day}
    assert bill.payment_minor == sum(x.amount_minor for x in bill.lines if x.kind is NoticeKind.payment)
    assert bill.refund_minor == sum(x.amount_minor for x in bill.lines if x.kind is NoticeKind.refund)
    funds = await channel.fetch_funds(day)  # type: ignore[attr-defined]
    moved = [x.amount_minor for x in funds.lines if x.reference.removesuffix("R1") in ours]
    assert moved == [1234, 1234, -500]


@pytest.mark.parametrize(
    ("what", "difference"), [("missing", -1), ("extra", 1), ("duplicate", 1), ("wrong_amount", 0), ("wrong_fee", 0)]
)
async def test_bills_with_differences(providers: Providers, till: Till, what: str, difference: int) -> None:
    channel = till.channel = providers.open(BY_KEY)
    await sell(providers, channel, till)
    day, account = clock.china_day() - timedelta(days=2), providers.credentials(BY_KEY)["mchid"]
    right = await channel.fetch_bill(day)
    await providers.fault(what, "lines", account=account)
    wrong = await channel.fetch_bill(day)
    assert len(wrong.lines) - len(right.lines) == difference
    assert wrong.lines[0].amount_minor - right.lines[0].amount_minor == (1 if what == "wrong_amount" else 0)
    assert wrong.lines[0].fee_minor - right.lines[0].fee_minor == (100 if what == "wrong_fee" else 0)


async def test_bills_that_are_not_to_be_had(providers: Providers, till: Till) -> None:
    channel = till.channel = providers.open(BY_KEY)
    await sell(providers, channel, till)
    account = providers.credentials(BY_KEY)["mchid"]
    day = clock.china_day() - timedelta(days=2)
    with pytest.raises(BillNotReady, match="the day is not over"):
        await channel.fetch_bill(clock.china_day())
    with pytest.raises(BillNotReady, match="NO_STATEMENT_EXIST"):
        await channel.fetch_bill(day - timedelta(days=40))
    await providers.fault("wrong_hash", "lines", account=account)
    with pytest.raises(BillRefused, match="another digest"):
        await channel.fetch_bill(day)
    await providers.fault("refuse", "bill", account=account, code="NO_AUTH")
    with pytest.raises(BillRefused, match="NO_AUTH"):
        await channel.fetch_bill(day)
    await providers.fault("garbage", "download", account=account)
    with pytest.raises(BillRefused, match="can't be unpacked"):
        await channel.fetch_bill(day)
