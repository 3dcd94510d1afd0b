"""epay's other side: shops' requests read and verified, answers and notices that shops' own code takes.

A shop's side is played by the client adapters, which the simulated epay has judged, and by signatures made here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st
from providers import a_payment, refund_of

from kameng.channels import (
    Account,
    Http,
    Incoming,
    Method,
    Outcome,
    Reference,
    RefundState,
    Scene,
    Shown,
    State,
    open_channel,
)
from kameng.channels.epay import serving
from kameng.channels.epay.serving import Asked, Order, Refusal, Shop, Wished
from kameng.kit import clock

KEY = "k" * 32


def pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def public_pem(key: rsa.RSAPrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


@pytest.fixture(scope="module")
def shops_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def platform() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def shop(shops_key: rsa.RSAPrivateKey) -> Shop:
    return Shop("7001", KEY, public_pem(shops_key))


def signed(fields: Mapping[str, str]) -> dict[str, str]:
    """As a shop in PHP does it."""
    text = "&".join(f"{k}={v}" for k, v in sorted(fields.items()) if v.strip() and k not in ("sign", "sign_type"))
    return {**fields, "sign": hashlib.md5((text + KEY).encode()).hexdigest(), "sign_type": "MD5"}


WISH = {
    "pid": "7001", "type": "alipay", "out_trade_no": "S-1.2_3|4", "notify_url": "https://shop.example/n?a=1",
    "return_url": "https://shop.example/r", "name": "VIP 会员", "money": "1", "param": "x&y=z", "clientip": "1.2.3.4",
    "sitename": "不认识的字段",
}  # fmt: skip


def test_a_wish_is_read_as_it_was_signed(shop: Shop) -> None:
    read = serving.read_payment(signed(WISH), shop, version=1, is_page=False)
    assert read == Wished(
        version=1, pid="7001", out_trade_no="S-1.2_3|4", type="alipay", name="VIP 会员", money_minor=100,
        notify_url="https://shop.example/n?a=1", return_url="https://shop.example/r", param="x&y=z",
        client_ip="1.2.3.4",
    )  # fmt: skip
    assert serving.pid_of(WISH) == "7001"


@pytest.mark.parametrize(
    ("changed", "code", "said"),
    [
        ({"money": "0"}, -1, "金额不合法"), ({"money": "1.005"}, -1, "金额不合法"),
        ({"money": "1e3"}, -1, "金额不合法"),
        ({"money": "-1"}, -1, "金额不合法"), ({"money": ""}, -1, "金额(money)不能为空"),
        ({"name": " "}, -1, "商品名称(name)不能为空"), ({"type": ""}, -1, "支付方式(type)不能为空"),
        ({"clientip": ""}, -1, "用户IP地址(clientip)不能为空"),
        ({"notify_url": ""}, -1, "通知地址(notify_url)不能为空"),
        ({"out_trade_no": "a b"}, -1, "订单号(out_trade_no)格式不正确"),
        ({"out_trade_no": "'; drop"}, -1, "订单号(out_trade_no)格式不正确"),
        ({"notify_url": "javascript:x"}, -1, "通知地址(notify_url)格式不正确"),
        ({"return_url": 'https://x/"><script>'}, -1, "回调地址(return_url)格式不正确"),
        ({"method": "scan", "type": ""}, -1, "付款码支付时授权码(auth_code)不能为空"),
    ],
)  # fmt: skip
def test_a_wish_that_is_none(shop: Shop, changed: dict[str, str], code: int, said: str) -> None:
    with pytest.raises(Refusal) as refused:
        serving.read_payment(signed({**WISH, **changed}), shop, version=1, is_page=False)
    assert (refused.value.code, refused.value.message) == (code, said)
    assert json.loads(serving.refused(refused.value)) == {"code": code, "msg": said}


@pytest.mark.parametrize("version", [1, 2])
def test_what_is_not_the_shops_is_refused(shop: Shop, version: int) -> None:
    stamp = {"timestamp": str(clock.now_ms() // 1000)}
    good = signed({**WISH, **stamp})
    serving.read_payment(good, shop, version=version, is_page=False)
    wrong = [
        {**good, "money": "2"}, {**good, "extra": "1"}, {**good, "sign": ""}, {**good, "sign_type": "RSA"},
        {**good, "sign_type": "SM3"}, {k: v for k, v in good.items() if k != "sign"},
    ]  # fmt: skip
    for fields in wrong:
        with pytest.raises(Refusal) as refused:
            serving.read_payment(fields, shop, version=version, is_page=False)
        assert refused.value.code == -3
    only_rsa = msgspec.structs.replace(shop, is_rsa_only=True)
    with pytest.raises(Refusal, match="该商户只能使用RSA签名类型"):
        serving.read_payment(good, only_rsa, version=version, is_page=False)


def test_version_2_wants_a_fresh_stamp(shop: Shop) -> None:
    for stamp in ("", "0", str(clock.now_ms() // 1000 - 301), "x", "9" * 30):
        with pytest.raises(Refusal, match="时间戳字段不正确"):
            serving.read_payment(signed({**WISH, "timestamp": stamp}), shop, version=2, is_page=False)


def test_questions_of_version_1_show_the_key(shop: Shop) -> None:
    asked = serving.read_act({"pid": "7001", "key": KEY, "out_trade_no": "A1"}, shop, "order")
    assert asked == Asked(version=1, pid="7001", what="order", out_trade_no="A1")
    page = serving.read_act({"pid": "7001", "key": KEY, "limit": "999", "offset": "50"}, shop, "orders")
    assert (page.limit, page.offset) == (50, 50)
    for fields, act, code in (
        ({"key": "wrong", "out_trade_no": "A1"}, "order", -3), ({"out_trade_no": "A1"}, "order", -3),
        ({"key": KEY}, "order", -4), ({"key": KEY}, "drop", -5),
        ({"key": KEY, "out_trade_no": "A1", "money": "0"}, "refund", -1),
    ):  # fmt: skip
        with pytest.raises(Refusal) as refused:
            serving.read_act(fields, shop, act)
        assert refused.value.code == code
    with pytest.raises(Refusal, match="RSA"):
        serving.read_act({"key": KEY, "trade_no": "1"}, msgspec.structs.replace(shop, is_rsa_only=True), "order")


class Gateway:
    """What a door will do with it: keeps the orders, and answers with what ``serving`` makes."""

    def __init__(self, shop: Shop, platform: rsa.RSAPrivateKey) -> None:
        self.shop = shop
        self.platform = platform
        self.orders: dict[str, Order] = {}
        self.refunds: dict[str, int] = {}

    async def handle(self, request: web.Request) -> web.Response:
        fields = {**request.query, **{k: str(v) for k, v in (await request.post()).items()}}
        try:
            assert serving.pid_of(fields) == self.shop.pid
            body = self.answer(request.path, fields)
        except Refusal as refusal:
            body = serving.refused(refusal)
        return web.Response(body=body, content_type="application/json")

    def answer(self, path: str, fields: Mapping[str, str]) -> bytes:
        version = 2 if path.startswith("/api/") else 1
        if path in ("/mapi.php", "/api/pay/create"):
            wished = serving.read_payment(fields, self.shop, version=version, is_page=False)
            order = self._open(wished)
            page = Shown("qr", f"https://pay.example/{order.trade_no}")
            return serving.begun(version, order.trade_no, page, platform=self.platform)
        name = path.rpartition("/")[2]
        is_act = name == "api.php"
        asked = (
            serving.read_act(fields, self.shop, fields["act"]) if is_act
            else serving.read_call(fields, self.shop, name)
        )  # fmt: skip
        return self._told(asked)

    def _open(self, wished: Wished) -> Order:
        return self.orders.setdefault(wished.out_trade_no, Order(
            pid=wished.pid, trade_no=f"2026{len(self.orders):015d}", out_trade_no=wished.out_trade_no,
            type=wished.type, name=wished.name, money_minor=wished.money_minor, status=0, added_at=clock.now(),
        ))  # fmt: skip

    def _told(self, asked: Asked) -> bytes:
        if asked.what == "orders":
            page = list(self.orders.values())[::-1][asked.offset : asked.offset + asked.limit]
            return serving.orders_told(page)
        if asked.what == "refundquery":
            money_minor = self.refunds[asked.out_refund_no]
            order = next(iter(self.orders.values()))
            return serving.refund_told(
                2, order, refund_no="R1", out_refund_no=asked.out_refund_no, money_minor=money_minor, status=1,
                platform=self.platform,
            )  # fmt: skip
        order = self.orders.get(asked.out_trade_no)
        if order is None:
            raise Refusal(-1, "订单号不存在")
        if asked.what == "refund":
            self.refunds[asked.out_refund_no] = asked.money_minor
            self.change(order, status=2, refunded_minor=asked.money_minor)
            return serving.refund_told(
                asked.version, order, refund_no="R1", out_refund_no=asked.out_refund_no,
                money_minor=asked.money_minor, platform=self.platform,
            )  # fmt: skip
        if asked.what == "close":
            return serving.closed_told(order, platform=self.platform)
        return serving.order_told(asked.version, order, platform=self.platform)

    def change(self, order: Order, **changed: Any) -> Order:
        self.orders[order.out_trade_no] = msgspec.structs.replace(order, **changed)
        return self.orders[order.out_trade_no]


@pytest.mark.parametrize("version", [1, 2])
async def test_a_client_of_epay_is_served(
    version: int, shop: Shop, shops_key: rsa.RSAPrivateKey, platform: rsa.RSAPrivateKey
) -> None:
    gateway, app = Gateway(shop, platform), web.Application()
    app.router.add_route("*", "/{path:.*}", gateway.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    given = {"gateway": f"http://127.0.0.1:{runner.addresses[0][1]}", "pid": "7001", "key": KEY}
    given |= {"private_key": pem(shops_key), "platform_public_key": public_pem(platform)}
    async with Http() as http:
        channel = open_channel(Account(f"epay_v{version}", given), http)
        payment = a_payment(Method.alipay, Scene.qr, amount_minor=1050, notify_url="https://shop.example/n")
        reference = Reference(payment_no=payment.payment_no, begun_at=payment.begun_at)
        unknown = await channel.query(reference)
        assert (unknown.outcome, unknown.state) == (Outcome.done, State.waiting)
        begun = await channel.begin(payment)
        assert begun.shown == Shown("qr", f"https://pay.example/{begun.provider_no}")
        assert (await channel.query(reference)).state is State.waiting
        paid_at = datetime(2026, 11, 23, 4, 5, 6, tzinfo=UTC)
        order = gateway.change(gateway.orders[payment.payment_no], status=1, ended_at=paid_at, buyer="买家")
        found = await channel.query(reference)
        assert (found.state, found.amount_minor, found.paid_at, found.payer) == (State.paid, 1050, paid_at, "买家")
        url = serving.notice(order, "https://shop.example/n?a=b", version=version, shop=shop, platform=platform)
        query = urlsplit(url).query.removeprefix("a=b&")
        assert dict(parse_qsl(query))["money"] == "10.5"
        notice = await channel.parse_notice(Incoming("GET", query, {}, b""))
        assert (notice.state, notice.amount_minor, notice.provider_no) == (State.paid, 1050, order.trade_no)
        if version == 1:
            bill = await channel.fetch_bill(paid_at.date())
            assert [(line.payment_no, line.amount_minor) for line in bill.lines] == [(payment.payment_no, 1050)]
        refund = refund_of(payment, 1050)
        assert (await channel.refund(refund)).state is RefundState.done
        assert (await channel.refund_query(refund)).state is RefundState.done
        assert (await channel.query(reference)).state is State.refunded
    await runner.cleanup()


def test_what_is_told_of_an_account_has_no_key(shop: Shop) -> None:
    told = serving.account_told(shop, money_minor=12345, orders=9, orders_today=2, orders_lastday=3)
    assert json.loads(told) == {
        "code": 1, "pid": "7001", "active": 1, "money": "123.45", "orders": 9, "orders_today": 2, "orders_lastday": 3,
    }  # fmt: skip
    assert KEY not in repr(shop)


@pytest.mark.parametrize(
    ("status", "body", "is_heard"),
    [(200, b"success", True), (200, b"\xef\xbb\xbfSuccess\n", True), (200, b"ok", False), (500, b"success", False)],
)
def test_what_a_shop_says_when_it_heard(status: int, body: bytes, is_heard: bool) -> None:
    assert serving.is_heard(status, body) is is_heard


@given(st.dictionaries(st.sampled_from([*WISH, "sign", "sign_type", "timestamp", "key"]), st.text(max_size=20)))
def test_whatever_a_shop_sends_is_refused_and_no_crash(fields: dict[str, str]) -> None:
    shop = Shop("7001", KEY, "no key at all")
    for version in (1, 2):
        with pytest.raises(Refusal):
            serving.read_payment(fields, shop, version=version, is_page=True)
    for name in serving.CALLS:
        with pytest.raises(Refusal):
            serving.read_call(fields, shop, name)
