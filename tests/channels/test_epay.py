"""epay as a client: what only its two versions do."""

from __future__ import annotations

import hashlib
import logging
from datetime import timedelta
from typing import Any
from urllib.parse import unquote_plus, urlencode

import pytest
from aiohttp import web
from counters import EPAY_V1, EPAY_V1_PAGE, EPAY_V2, Desk
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from providers import Providers, Till

from kameng.channels import BadNotice, BillRefused, Incoming, Method, NoticeKind, Outcome, RefundState, Scene, State
from kameng.channels.epay import wire
from kameng.channels.epay.codes import CODES
from kameng.kit import clock

BOTH = pytest.mark.parametrize("counter", [EPAY_V1, EPAY_V2], ids=["v1", "v2"])


@pytest.fixture
async def v1(providers: Providers, till: Till) -> Desk:
    return await Desk.open(EPAY_V1, providers, till)


@pytest.fixture
async def v2(providers: Providers, till: Till) -> Desk:
    return await Desk.open(EPAY_V2, providers, till)


async def test_a_page_is_a_form_that_nobody_was_asked_for(providers: Providers, till: Till) -> None:
    desk = await Desk.open(EPAY_V1_PAGE, providers, till)
    payment = desk.payment(subject="一" * 60)
    begun = await desk.channel.begin(payment)
    assert begun.shown is not None
    assert (begun.outcome, begun.shown.kind) == (Outcome.accepted, "form")
    assert begun.shown.text == f"{providers.base}/epay/submit.php"
    assert sorted(begun.shown.fields) == [
        "money", "name", "notify_url", "out_trade_no", "pid", "return_url", "sign", "sign_type", "type",
    ]  # fmt: skip
    assert (begun.shown.fields["money"], begun.shown.fields["type"]) == ("12.34", "wxpay")
    assert begun.shown.fields["name"] == "一" * 42  # 127 bytes at most, and no half letter
    assert await providers.calls(payment) == []
    found = await desk.channel.query(desk.reference(payment))
    assert (found.outcome, found.state, found.code) == (Outcome.done, State.waiting, "-1")


@BOTH
async def test_what_it_has_a_name_for(counter: Any, providers: Providers, till: Till) -> None:
    desk = await Desk.open(counter, providers, till)
    qr = await desk.channel.begin(desk.payment())
    assert (qr.shown and qr.shown.kind) == "qr"
    other = await desk.channel.begin(desk.payment(method=Method.qqpay))
    assert other.outcome is Outcome.accepted
    assert (await desk.channel.begin(desk.payment(method=Method.paypal))).outcome is Outcome.refused_config
    assert (await desk.channel.begin(desk.payment(currency="USD"))).outcome is Outcome.refused_config


@BOTH
async def test_a_number_that_was_paid_is_asked_about(counter: Any, providers: Providers, till: Till) -> None:
    desk = await Desk.open(counter, providers, till)
    payment, _ = await desk.paid()
    again = await desk.channel.begin(payment)
    assert (again.outcome, again.code) == (Outcome.unknown, "-1")
    waiting, _ = await desk.begun()
    changed = await desk.channel.begin(desk.payment(payment_no=waiting.payment_no, amount_minor=1))
    assert changed.outcome is Outcome.unknown
    assert (await providers.record(waiting))["amount_minor"] == 1234


async def test_wrong_keys_are_ours_to_mend(providers: Providers, till: Till, v1: Desk) -> None:
    for changed in ({"key": "0" * 32}, {"pid": "1002"}):
        desk = await Desk.open(EPAY_V1, providers, till, **changed)
        assert (await desk.channel.begin(desk.payment())).outcome is Outcome.refused_config
        assert (await desk.channel.query(desk.reference(v1.payment()))).outcome is Outcome.refused_config
    strange = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    desk = await Desk.open(EPAY_V2, providers, till, private_key=strange.decode())
    assert (await desk.channel.begin(desk.payment())).outcome is Outcome.refused_config
    with pytest.raises(BillRefused):
        await desk.channel.fetch_bill(clock.china_day())


async def test_an_old_stamp_is_refused_there_and_here(v2: Desk) -> None:
    payment, _ = await v2.paid()
    with clock.hold(clock.now_ms() - 301_000):
        assert (await v2.channel.query(v2.reference(payment))).outcome is Outcome.refused_config
    assert await v2.providers.tell("notify", payment_no=payment.payment_no) is True
    heard = v2.till.incoming[-1]
    assert (await v2.channel.parse_notice(heard)).state is State.paid
    with clock.hold(clock.now_ms() + 302_000), pytest.raises(BadNotice):
        await v2.channel.parse_notice(heard)


async def test_money_comes_as_php_prints_it(v1: Desk, v2: Desk) -> None:
    for desk, amount_minor, text in ((v1, 100, "money=1&"), (v2, 1050, "money=10.5&")):
        payment = desk.payment(amount_minor=amount_minor)
        await desk.channel.begin(payment)
        await desk.pay(payment)
        desk.till.channel = desk.channel
        assert await desk.providers.tell("notify", payment_no=payment.payment_no) is True
        assert text in desk.till.incoming[-1].query
        assert desk.till.taken[-1].amount_minor == amount_minor


async def test_notices_of_other_states_are_no_payments(v1: Desk) -> None:
    payment, _ = await v1.paid()
    assert await v1.providers.tell("notify", payment_no=payment.payment_no) is True
    fields = dict(pair.split("=", 1) for pair in v1.till.incoming[-1].query.split("&"))
    key = v1.providers.credentials("1001")["key"]
    told = {name: unquote_plus(value) for name, value in fields.items()} | {"trade_status": "TRADE_CLOSED"}
    text = "&".join(f"{k}={told[k]}" for k in sorted(told) if k not in ("sign", "sign_type"))
    told["sign"] = hashlib.md5(f"{text}{key}".encode()).hexdigest()
    notice = await v1.channel.parse_notice(Incoming("GET", urlencode(told), {}, b""))
    assert (notice.kind, notice.state) == (NoticeKind.other, State.unknown)
    form = Incoming("POST", "", {}, urlencode(told).encode())
    assert await v1.channel.parse_notice(form) == notice


async def test_only_the_whole_is_given_back_by_version_1(v1: Desk) -> None:
    payment, _ = await v1.paid()
    part = await v1.channel.refund(await v1.refund(payment, 1000))
    assert (part.outcome, part.state) == (Outcome.refused_channel, RefundState.failed)
    assert (await v1.providers.record(payment))["refunds"] == []
    before = await v1.channel.refund_query(await v1.refund(payment))
    assert (before.outcome, before.state) == (Outcome.done, RefundState.unknown)
    whole = await v1.channel.refund(await v1.refund(payment))
    assert (whole.outcome, whole.state, whole.amount_minor) == (Outcome.done, RefundState.done, 1234)
    assert (await v1.channel.query(v1.reference(payment))).state is State.refunded


@BOTH
async def test_a_refund_that_the_bank_refuses_is_not_sure(counter: Any, providers: Providers, till: Till) -> None:
    desk = await Desk.open(counter, providers, till)
    payment, _ = await desk.paid()
    await providers.fault("refuse", "settle", payment)
    refunded = await desk.channel.refund(await desk.refund(payment))
    assert (refunded.outcome, refunded.state) == (Outcome.unknown, RefundState.unknown)
    await providers.fault("refuse", "refund", payment, code="-1", message="商户余额不足，请先充值")
    assert (await desk.channel.refund(await desk.refund(payment))).outcome is Outcome.rate_limited


async def test_closing(v1: Desk, v2: Desk) -> None:
    payment, _ = await v1.begun()
    assert (await v1.channel.close(v1.reference(payment))).outcome is Outcome.refused_channel
    assert (await v1.providers.record(payment))["state"] == "waiting"
    await v1.pay(payment)
    assert (await v1.channel.close(v1.reference(payment))).outcome is Outcome.paid
    closed, _ = await v2.begun()
    assert (await v2.channel.close(v2.reference(closed))).outcome is Outcome.done
    assert (await v2.providers.record(closed))["state"] == "closed"
    old, _ = await v2.begun()
    await v2.providers.fault("refuse", "close", old, code="-5", message="接口方法不存在")
    assert (await v2.channel.close(v2.reference(old))).outcome is Outcome.refused_channel
    await v2.pay(old)
    assert (await v2.channel.close(v2.reference(old))).outcome is Outcome.paid


async def test_the_customers_code(v2: Desk) -> None:
    payment = v2.payment(scene=Scene.code, auth_code="130061098828009406")
    begun = await v2.channel.begin(payment)
    assert (begun.outcome, begun.shown) == (Outcome.accepted, None)
    assert (await v2.channel.query(v2.reference(payment))).state is State.paid


async def test_the_bill_turns_its_pages(v1: Desk) -> None:
    for _ in range(51):
        payment, _ = await v1.paid()
    day = clock.china_day()
    bill = await v1.channel.fetch_bill(day)
    assert len(bill.lines) >= 51
    assert bill.lines[-1].payment_no == payment.payment_no
    await v1.providers.fault("missing", "lines", account="1001")
    await v1.providers.fault("wrong_amount", "lines", account="1001")
    spoilt = await v1.channel.fetch_bill(day)
    assert payment.payment_no not in {line.payment_no for line in spoilt.lines}
    assert spoilt.lines[-1].amount_minor == 1235
    assert (await v1.channel.fetch_bill(day - timedelta(days=3))).lines == []


async def test_a_list_of_orders_without_an_end_is_no_bill() -> None:
    """Half a bill would make differences of the payments that it lacks."""
    day = clock.china_day()
    order = {"addtime": f"{day} 12:00:00", "endtime": f"{day} 12:00:01", "money": "1.00", "status": "1"}

    async def ask(limit: str, offset: str) -> list[object]:
        return [order | {"out_trade_no": f"K{int(offset) + n}"} for n in range(int(limit))]

    with pytest.raises(BillRefused, match="more than 100000 orders"):
        await wire.bill_of(day, wire.pages_of(ask))


async def test_the_key_stands_in_no_log(v1: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    payment, _ = await v1.begun()
    await v1.providers.fault("outage", "query", payment, times=2)
    found = await v1.channel.query(v1.reference(payment))
    key = v1.providers.credentials("1001")["key"]
    assert key not in caplog.text + found.message + repr(v1.channel)


def test_codes() -> None:
    assert CODES.outcome("begin", "-1", "单笔最大限额为100元") is Outcome.refused_channel
    assert CODES.outcome("begin", "-3", "MD5签名校验失败") is Outcome.refused_config
    assert CODES.outcome("query", "-1", "查询太频繁") is Outcome.unknown
    assert CODES.outcome("refund", "-1", "退款失败：timeout") is Outcome.unknown
    assert CODES.outcome("begin", "999", "") is Outcome.unknown


def test_what_is_in_no_table_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        CODES.outcome("query", "-77", "秘密")
    lines = [line for line in caplog.records if getattr(line, "fields", {}).get("code") == "-77"]
    assert [line.getMessage() for line in lines] == ["a provider's code is in no table"]
    assert "秘密" not in caplog.text


@pytest.mark.parametrize("address", ["http://pay.example.com", "ftp://pay.example.com", "pay.example.com", "https://"])
def test_keys_go_over_https_alone(address: str, providers: Providers) -> None:
    with pytest.raises(ValueError, match=r"^gateway$"):
        providers.open("1001", gateway=address)


async def test_an_answer_about_another_order_is_none(v1: Desk) -> None:
    """Whatever stands between may give back an older answer."""

    async def answer(_: web.Request) -> web.Response:
        told = {"code": 1, "out_trade_no": "another", "status": 1, "money": "12.34", "pid": 1001}
        return web.json_response(told)

    app = web.Application()
    app.router.add_get("/api.php", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    channel = v1.providers.open("1001", gateway=f"http://127.0.0.1:{runner.addresses[0][1]}")
    found = await channel.query(v1.reference(v1.payment()))
    assert (found.outcome, found.state) == (Outcome.unknown, State.unknown)
    await runner.cleanup()
