"""Alipay: every call, by key and by certificates, every fault of the wire, every notice, bills."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode

import aiohttp
import pytest
from providers import Providers, Till, a_payment, reference_of, refund_of, sold, until

from kameng.channels import (
    Account,
    BadNotice,
    BillNotReady,
    BillRefused,
    Channel,
    Incoming,
    Method,
    NoticeKind,
    Outcome,
    Payment,
    RefundState,
    Scene,
    State,
    open_channel,
)
from kameng.kit import clock

BY_KEY, BY_CERTIFICATE, BY_OLD_CERTIFICATE = "支付宝公钥模式商户", "支付宝证书模式商户", "支付宝旧证书商户"
CODE = "280619880982800900"


@pytest.fixture(params=[BY_KEY, BY_CERTIFICATE, BY_OLD_CERTIFICATE])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def channel(providers: Providers, name: str, till: Till) -> Channel:
    till.channel = providers.open(name)
    return till.channel


def alipay(till: Till, scene: Scene = Scene.qr, **changed: Any) -> Payment:
    return a_payment(Method.alipay, scene, notify_url=till.url, **changed)


async def test_from_the_code_to_the_money(providers: Providers, channel: Channel, till: Till) -> None:
    payment = alipay(till)
    begun = await channel.begin(payment)
    assert begun.outcome is Outcome.accepted
    assert begun.shown is not None
    assert begun.shown.kind == "qr"
    unseen = await channel.query(reference_of(payment))
    assert (unseen.outcome, unseen.state, unseen.code) == (Outcome.done, State.waiting, "ACQ.TRADE_NOT_EXIST")
    async with providers.http.get(begun.shown.text) as page:
        assert page.status == 200
    seen = await channel.query(reference_of(payment))
    assert (seen.state, seen.amount_minor, seen.code) == (State.waiting, 1234, "WAIT_BUYER_PAY")
    await providers.tell("pay", payment_no=payment.payment_no)
    (notice,) = await till.heard()
    record = await providers.record(payment)
    assert (notice.kind, notice.payment_no, notice.state) == (NoticeKind.payment, payment.payment_no, State.paid)
    assert (notice.amount_minor, notice.currency) == (1234, "CNY")
    assert notice.provider_no == record["provider_no"]
    found = await channel.query(reference_of(payment))
    assert (found.outcome, found.state, found.amount_minor, found.currency) == (Outcome.done, State.paid, 1234, "CNY")
    assert found.paid_at == notice.paid_at
    assert found.paid_at is not None
    assert int(found.paid_at.timestamp()) == record["paid_at_ms"] // 1000, "as the clock in Beijing showed it"


@pytest.mark.parametrize(("scene", "product"), [(Scene.page, "FAST_INSTANT_TRADE_PAY"), (Scene.wap, "QUICK_WAP_WAY")])
async def test_the_browser_posts_what_is_signed(
    providers: Providers, channel: Channel, till: Till, scene: Scene, product: str
) -> None:
    payment = alipay(till, scene, return_url="https://shop.example/back")
    begun = await channel.begin(payment)
    assert begun.shown is not None
    assert begun.shown.kind == "form"
    assert await providers.calls(payment) == [], "nothing was called"
    assert f'"product_code":"{product}"' in begun.shown.fields["biz_content"]
    async with aiohttp.ClientSession() as browser:
        async with browser.post(begun.shown.text, data=dict(begun.shown.fields)) as page:
            assert "确认付款" in await page.text()
            address = page.url
        async with browser.post(address, data={"press": "pay"}) as page:
            assert "支付成功" in await page.text()
        async with browser.get(f"{address}/back", allow_redirects=False) as back:
            assert back.headers["location"] == "https://shop.example/back"
        changed = dict(begun.shown.fields) | {"notify_url": "https://evil.example/"}
        async with browser.post(begun.shown.text, data=changed) as page:
            assert "isv.invalid-signature" in await page.text()
    assert [x.state for x in await till.heard()] == [State.paid]


@pytest.mark.parametrize(
    ("auth_code", "outcome", "state"),
    [(CODE, Outcome.paid, State.paid), ("280619880982800901", Outcome.accepted, State.waiting),
     ("280619880982800904", Outcome.unknown, State.waiting),
     ("280619880982800902", Outcome.declined_user, State.closed), ("9", Outcome.declined_user, State.closed)],
)  # fmt: skip
async def test_the_customers_code(channel: Channel, till: Till, auth_code: str, outcome: Outcome, state: State) -> None:
    """``…04``: an answer of success is no payment yet."""
    payment = alipay(till, Scene.code, auth_code=auth_code)
    assert (await channel.begin(payment)).outcome is outcome
    assert (await channel.query(reference_of(payment))).state is state


async def test_a_code_that_waits_is_cancelled_unless_paid(providers: Providers, channel: Channel, till: Till) -> None:
    slow = alipay(till, Scene.code, auth_code="280619880982800901")
    await channel.begin(slow)
    assert (await channel.close(reference_of(slow))).outcome is Outcome.done
    assert (await channel.query(reference_of(slow))).state is State.closed
    paid = alipay(till, Scene.code, auth_code=CODE)
    await channel.begin(paid)
    assert (await channel.close(reference_of(paid))).outcome is Outcome.paid
    assert (await providers.record(paid))["refunds"] == [], "what was paid is not taken back"
    await channel.refund(refund_of(paid, 34))
    assert (await channel.close(reference_of(paid))).outcome is Outcome.paid
    assert [x["amount_minor"] for x in (await providers.record(paid))["refunds"]] == [34], "nor what is left of it"


async def test_closing(providers: Providers, channel: Channel, till: Till) -> None:
    payment = alipay(till)
    begun = await channel.begin(payment)
    assert begun.shown is not None
    unseen = await channel.close(reference_of(payment))
    assert unseen.outcome is Outcome.rate_limited, "its code can still be scanned"
    over = await channel.close(reference_of(payment, age=timedelta(hours=2)))
    assert over.outcome is Outcome.done
    async with providers.http.get(begun.shown.text):
        pass
    assert (await channel.close(reference_of(payment))).outcome is Outcome.done
    assert (await channel.query(reference_of(payment))).state is State.closed
    assert (await channel.begin(payment)).outcome is Outcome.refused_channel
    paid = await buy(providers, channel, till)
    assert (await channel.close(reference_of(paid))).outcome is Outcome.unknown, "a query tells"


async def buy(providers: Providers, channel: Channel, till: Till) -> Payment:
    return await sold(providers, channel, till, Method.alipay)


async def test_refunds(providers: Providers, channel: Channel, till: Till) -> None:
    payment = await buy(providers, channel, till)
    part = refund_of(payment, 234, reason="退一部分")
    first = await channel.refund(part)
    assert (first.outcome, first.state, first.amount_minor) == (Outcome.done, RefundState.done, 234)
    again = await channel.refund(part)
    assert (again.outcome, again.state) == (Outcome.done, RefundState.processing), "no money moved this time"
    queried = await channel.refund_query(part)
    assert (queried.state, queried.amount_minor) == (RefundState.done, 234)
    (notice,) = await till.heard()
    assert (notice.kind, notice.refund_no, notice.refund_state) == (NoticeKind.refund, part.refund_no, RefundState.done)
    assert notice.amount_minor is None, "Alipay tells the sum of all refunds"
    assert (await channel.query(reference_of(payment))).state is State.paid
    too_much = await channel.refund(refund_of(payment, 1234, "2"))
    assert (too_much.outcome, too_much.state) == (Outcome.refused_channel, RefundState.failed)
    rest = refund_of(payment, 1000, "3")
    assert (await channel.refund(rest)).state is RefundState.done
    assert (await channel.query(reference_of(payment))).state is State.refunded
    assert [x["amount_minor"] for x in (await providers.record(payment))["refunds"]] == [234, 1000]
    unheard = await channel.refund_query(refund_of(payment, 10, "4"))
    assert (unheard.outcome, unheard.state) == (Outcome.rate_limited, RefundState.unknown)


async def test_a_refund_that_moves_no_money(providers: Providers, channel: Channel, till: Till) -> None:
    payment = await buy(providers, channel, till)
    await providers.fault("refuse", "settle", payment)
    refund = refund_of(payment)
    first = await channel.refund(refund)
    assert (first.outcome, first.state) == (Outcome.done, RefundState.processing)
    assert (await channel.refund_query(refund)).outcome is Outcome.rate_limited


@pytest.mark.parametrize("what", ["outage", "error", "busy", "error_after", "lost", "garbage", "damaged"])
async def test_beginning_with_an_answer_that_tells_nothing(
    providers: Providers, channel: Channel, till: Till, what: str
) -> None:
    payment = alipay(till)
    await providers.fault(what, "begin", payment)
    begun = await channel.begin(payment)
    assert (begun.outcome, begun.shown) == (Outcome.unknown, None)
    assert (await channel.begin(payment)).outcome is Outcome.accepted, "the same number again"
    assert len(await providers.ask("payments", f"?payment_no={payment.payment_no}")) == 1


@pytest.mark.parametrize("what", ["error_after", "lost", "garbage", "damaged"])
async def test_a_refund_that_may_have_been_done(providers: Providers, channel: Channel, till: Till, what: str) -> None:
    payment = await buy(providers, channel, till)
    await providers.fault(what, "refund", payment)
    refund = refund_of(payment)
    first = await channel.refund(refund)
    assert (first.outcome, first.state) == (Outcome.unknown, RefundState.unknown)
    assert (await channel.refund_query(refund)).state is RefundState.done
    assert len((await providers.record(payment))["refunds"]) == 1


async def test_nobody_there(providers: Providers, till: Till, name: str) -> None:
    channel = providers.open(name, gateway="http://127.0.0.1:9/gateway.do")
    payment = alipay(till)
    assert (await channel.begin(payment)).outcome is Outcome.refused_channel
    assert (await channel.query(reference_of(payment))).outcome is Outcome.rate_limited
    assert (await channel.refund(refund_of(payment))).outcome is Outcome.rate_limited


@pytest.mark.parametrize(
    ("code", "outcome"),
    [("20000", Outcome.unknown), ("20001", Outcome.refused_config), ("40001", Outcome.refused_config),
     ("40002", Outcome.refused_config), ("40003", Outcome.refused_config), ("40005", Outcome.rate_limited),
     ("40006", Outcome.refused_config), ("10003", Outcome.accepted), ("ACQ.SYSTEM_ERROR", Outcome.unknown),
     ("AQC.SYSTEM_ERROR", Outcome.unknown), ("isp.unknow-error", Outcome.unknown),
     ("ACQ.TRADE_HAS_SUCCESS", Outcome.unknown), ("AQC.TRADE_HAS_CLOSE", Outcome.refused_channel),
     ("ACQ.SELLER_BEEN_BLOCKED", Outcome.refused_channel), ("ACQ.BUYER_BALANCE_NOT_ENOUGH", Outcome.declined_user),
     ("ACQ.NEVER_HEARD_OF", Outcome.unknown), ("10000", Outcome.unknown)],
)  # fmt: skip
async def test_codes_of_beginning(providers: Providers, till: Till, code: str, outcome: Outcome) -> None:
    """``10000`` without a signature is nobody's word."""
    channel, payment = providers.open(BY_KEY), alipay(till)
    await providers.fault("refuse", "begin", payment, code=code)
    begun = await channel.begin(payment)
    assert (begun.outcome, begun.shown) == (outcome, None)


async def test_a_refund_without_money_is_tried_later(providers: Providers, till: Till) -> None:
    channel = till.channel = providers.open(BY_KEY)
    payment = await buy(providers, channel, till)
    await providers.fault("refuse", "refund", payment, code="ACQ.SELLER_BALANCE_NOT_ENOUGH")
    assert (await channel.refund(refund_of(payment))).outcome is Outcome.rate_limited
    assert (await channel.refund(refund_of(payment))).outcome is Outcome.done


async def test_a_number_that_stands_with_another_amount(channel: Channel, till: Till) -> None:
    payment = alipay(till)
    await channel.begin(payment)
    assert (await channel.begin(alipay(till, payment_no=payment.payment_no, amount_minor=1))).outcome is Outcome.unknown


async def test_keys_that_are_not_ours(providers: Providers, till: Till) -> None:
    theirs = providers.credentials(BY_CERTIFICATE)
    begun = await providers.open(BY_KEY, private_key=theirs["private_key"]).begin(alipay(till))
    assert (begun.outcome, begun.code) == (Outcome.refused_config, "isv.invalid-signature")
    deaf = providers.open(BY_CERTIFICATE, root_certificate=theirs["app_certificate"])
    assert (await deaf.begin(alipay(till))).outcome is Outcome.refused_config, "its roots are not what Alipay gave"


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [(BY_KEY, "private_key", "no key"), (BY_KEY, "alipay_public_key", ""), (BY_KEY, "gateway", "http://pay.example"),
     (BY_KEY, "app_id", ""), (BY_CERTIFICATE, "alipay_certificate", ""), (BY_CERTIFICATE, "root_certificate", "none"),
     (BY_CERTIFICATE, "app_certificate", "none")],
)  # fmt: skip
def test_credentials_that_can_not_be(providers: Providers, name: str, field: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"^{field}$"):
        providers.open(name, **{field: value})


def test_an_account_shows_nothing(providers: Providers) -> None:
    given = providers.credentials(BY_KEY)
    account = Account("alipay", given)
    assert given["private_key"] not in repr(account) + repr(open_channel(account, providers.client))


@pytest.mark.parametrize(
    ("what", "reason"),
    [("forged", "the signature is wrong"), ("damaged", "the signature is wrong"),
     ("wrong_account", "another merchant's")],
)  # fmt: skip
async def test_notices_that_prove_nothing(
    providers: Providers, channel: Channel, till: Till, what: str, reason: str
) -> None:
    payment = await buy(providers, channel, till)
    assert await providers.tell("notify", payment_no=payment.payment_no, what=what) is False
    assert till.taken == []
    (bad,) = till.refused
    assert isinstance(bad, BadNotice)
    assert str(bad) == reason


async def test_every_field_of_a_notice_is_signed_and_the_empty_ones_too(
    providers: Providers, channel: Channel, till: Till
) -> None:
    await buy(providers, channel, till)
    heard = till.incoming[0]
    fields = dict(parse_qsl(heard.body.decode(), keep_blank_values=True))
    assert fields["passback_params"] == ""
    for name in fields.keys() - {"sign", "sign_type"}:
        without = {key: value for key, value in fields.items() if key != name}
        for changed in (without, fields | {name: f"{fields[name]}1"}):
            with pytest.raises(BadNotice):
                await channel.parse_notice(Incoming("POST", "", heard.headers, urlencode(changed).encode()))
    twice = heard.body + b"&total_amount=0.01"
    with pytest.raises(BadNotice, match="it can't be read"):
        await channel.parse_notice(Incoming("POST", "", heard.headers, twice))


async def test_a_notice_of_another_amount_says_so(providers: Providers, channel: Channel, till: Till) -> None:
    payment = await buy(providers, channel, till)
    await providers.tell("notify", payment_no=payment.payment_no, what="wrong_amount")
    assert [x.amount_minor for x in till.taken] == [1235]


async def test_a_notice_that_stays_without_an_answer_comes_again(
    providers: Providers, channel: Channel, till: Till
) -> None:
    till.is_shut = True
    payment = alipay(till)
    await channel.begin(payment)
    await providers.tell("pay", payment_no=payment.payment_no)
    await until(lambda: len(till.incoming) >= 3)
    till.is_shut = False
    (notice,) = await till.heard()
    assert {parse_qs(x.body.decode())["notify_id"][0] for x in till.incoming} == {notice.event_id}


async def sell(providers: Providers, channel: Channel, till: Till) -> list[Payment]:
    """Two payments of the day before yesterday, the second given back in part."""
    payments = [await buy(providers, channel, till) for _ in range(2)]
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
    assert [x.amount_minor for x in funds.lines if x.reference in ours] == [1234, 1234, -500]


@pytest.mark.parametrize(
    ("what", "difference"), [("missing", -1), ("extra", 1), ("duplicate", 1), ("wrong_amount", 0), ("wrong_fee", 0)]
)
async def test_bills_with_differences(providers: Providers, till: Till, what: str, difference: int) -> None:
    channel = till.channel = providers.open(BY_KEY)
    await sell(providers, channel, till)
    day, account = clock.china_day() - timedelta(days=2), providers.credentials(BY_KEY)["app_id"]
    right = await channel.fetch_bill(day)
    await providers.fault(what, "lines", account=account)
    wrong = await channel.fetch_bill(day)
    assert len(wrong.lines) - len(right.lines) == difference
    assert wrong.lines[0].amount_minor - right.lines[0].amount_minor == (1 if what == "wrong_amount" else 0)
    assert wrong.lines[0].fee_minor - right.lines[0].fee_minor == (100 if what == "wrong_fee" else 0)


async def test_bills_that_are_not_to_be_had(providers: Providers, till: Till) -> None:
    channel = till.channel = providers.open(BY_KEY)
    await sell(providers, channel, till)
    account, day = providers.credentials(BY_KEY)["app_id"], clock.china_day() - timedelta(days=2)
    with pytest.raises(BillNotReady, match="the day is not over"):
        await channel.fetch_bill(clock.china_day())
    with pytest.raises(BillNotReady, match="bill_not_exist"):
        await channel.fetch_bill(day - timedelta(days=40))
    await providers.fault("refuse", "bill", account=account, code="40006")
    with pytest.raises(BillRefused, match="refused"):
        await channel.fetch_bill(day)
    await providers.fault("garbage", "download", provider="alipay")
    with pytest.raises(BillRefused, match="can't be unpacked"):
        await channel.fetch_bill(day)
