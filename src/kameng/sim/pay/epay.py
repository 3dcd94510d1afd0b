"""An epay (易支付) installation: version 1 for one merchant, version 2 for another, under ``/epay/``."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote_plus

from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from kameng.kit import clock
from kameng.sim.pay import books
from kameng.sim.pay.books import Payment, Refund
from kameng.sim.pay.faults import Fault, damage
from kameng.sim.pay.ground import Ground
from kameng.sim.pay.lines import spoil
from kameng.sim.pay.provider import Merchant, Telling

V1, V2 = "1001", "1002"


class Epay:
    name = "epay"
    zh = "易支付"
    look = "plain"
    schedule_s: Sequence[float] = (0, 60, 180, 1200, 3600, 7200)

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        keys = ground.keys("epay")
        self._md5 = {pid: keys.text(f"md5-{pid}", secrets.token_hex(16)) for pid in (V1, V2)}
        self._shop, self._platform = keys.pair("merchant"), keys.pair("platform")
        self._stranger = keys.pair("stranger")

    def merchants(self) -> Sequence[Merchant]:
        gateway = f"{self._ground.base}/epay/"
        v1 = {"gateway": gateway, "pid": V1, "key": self._md5[V1]}
        v2 = {
            "gateway": gateway, "pid": V2, "private_key": self._shop.private_pem,
            "platform_public_key": _bare(self._platform.public),
        }  # fmt: skip
        return [Merchant("epay", V1, "epay_v1", v1), Merchant("epay", V2, "epay_v2", v2)]

    def routes(self) -> Sequence[web.RouteDef]:
        routes = [web.post("/epay/mapi.php", self._create), web.post("/epay/api/pay/create", self._create)]
        for path in ("/epay/submit.php", "/epay/api/pay/submit"):
            routes += [web.get(path, self._submit), web.post(path, self._submit)]
        routes += [web.get("/epay/api.php", self._act), web.post("/epay/api.php", self._act)]
        calls = {"query": "query", "close": "close", "refund": "refund", "refundquery": "refund_query"}
        routes += [web.post(f"/epay/api/pay/{path}", self._call(name)) for path, name in calls.items()]
        return [*routes, web.post("/epay/api/merchant/orders", self._call("bill"))]

    # what merchants send

    async def _submit(self, request: web.Request) -> web.Response:
        """A browser comes: the order is made, and its page is next."""
        fields = {**request.query, **{k: str(v) for k, v in (await request.post()).items()}}
        if said := self._fault_of(fields, is_v2=request.path.startswith("/epay/api/")):
            return web.Response(text=said)

        def act() -> web.Response:
            payment, _ = self._open(fields)
            return web.Response(status=302, headers={"location": self._ground.page_of(payment)})

        return await self._ground.play(request, self, fields["pid"], "begin", act, payment_no=fields["out_trade_no"])

    async def _create(self, request: web.Request) -> web.Response:
        fields = {k: str(v) for k, v in (await request.post()).items()}
        is_v2 = request.path.startswith("/epay/api/")
        if said := self._fault_of(fields, is_v2=is_v2):
            return _json({"code": -3, "msg": said})
        needed = ("type", "clientip", "name", "money", "notify_url", "out_trade_no")
        if lacking := [name for name in needed if not fields.get(name)]:
            return _json({"code": -1, "msg": f"({lacking[0]})不能为空"})

        def act() -> web.Response:
            payment, is_same = self._open(fields)
            if payment.state == books.PAID:
                return _json({"code": -1, "msg": f"该订单({payment.payment_no})已完成支付，请勿重复发起支付"})
            if not is_same:
                return _json(
                    {"code": -1, "msg": f"该订单({payment.payment_no})支付参数有变化，请更换订单号重新发起支付"}
                )
            if fields.get("method") == "scan":
                self._ground.pay(payment)
            return self._shown(fields, payment, is_v2=is_v2)

        return await self._ground.play(request, self, fields["pid"], "begin", act, payment_no=fields["out_trade_no"])

    def _shown(self, fields: Mapping[str, str], payment: Payment, *, is_v2: bool) -> web.Response:
        page, is_mobile = self._ground.page_of(payment), fields.get("device") == "mobile"
        if not is_v2:
            return _json({"code": 1, "trade_no": payment.provider_no, "payurl" if is_mobile else "qrcode": page})
        kind = {"scan": "scan", "jsapi": "jsapi"}.get(fields.get("method", ""), "jump" if is_mobile else "qrcode")
        return self._signed({"code": 0, "trade_no": payment.provider_no, "pay_type": kind, "pay_info": page})

    async def _act(self, request: web.Request) -> web.Response:
        """Version 1's questions: the key comes in clear."""
        fields = {**request.query, **{k: str(v) for k, v in (await request.post()).items()}}
        pid, act = fields.get("pid", ""), fields.get("act", "")
        if self._md5.get(pid) != fields.get("key"):
            return _json({"code": -3, "msg": "商户密钥错误"})
        calls = {"order": "query", "refund": "refund", "orders": "bill"}
        if act not in calls:
            return _json({"code": -5, "msg": "No Act!"})
        answer = {"query": self._query, "refund": self._refund, "bill": self._orders}[calls[act]]
        return await self._ground.play(
            request, self, pid, calls[act], lambda: _json(answer(fields, 1)),
            payment_no=fields.get("out_trade_no", "*"),
        )  # fmt: skip

    def _call(self, name: str) -> Any:
        answers = {
            "query": self._query, "close": self._close, "refund": self._refund, "refund_query": self._refund_query,
            "bill": self._orders,
        }  # fmt: skip

        async def handle(request: web.Request) -> web.Response:
            fields = {k: str(v) for k, v in (await request.post()).items()}
            if said := self._fault_of(fields, is_v2=True):
                return _json({"code": -3, "msg": said})

            def act() -> web.Response:
                said = answers[name](fields, 0)
                return self._signed(said) if said["code"] == 0 else _json(said)

            return await self._ground.play(
                request, self, fields["pid"], name, act, payment_no=fields.get("out_trade_no", "*")
            )

        return handle

    def _query(self, fields: Mapping[str, str], good: int) -> dict[str, Any]:
        payment = self._ground.books.find("epay", fields["pid"], fields.get("out_trade_no", ""))
        if payment is None:
            return {"code": -1, "msg": "订单号不存在"}
        return {"code": good, "msg": "succ", **_order(payment)}

    def _close(self, fields: Mapping[str, str], _: int) -> dict[str, Any]:
        payment = self._ground.books.find("epay", fields["pid"], fields.get("out_trade_no", ""))
        if payment is None:
            return {"code": -1, "msg": "订单号不存在"}
        if payment.state == books.PAID:
            return {"code": -1, "msg": "订单已支付"}
        self._ground.books.close(payment)
        return {"code": 0, "msg": "succ"}

    def _refund(self, fields: Mapping[str, str], _: int) -> dict[str, Any]:
        payment = self._ground.books.find("epay", fields["pid"], fields.get("out_trade_no", ""))
        if payment is None:
            return {"code": -1, "msg": "当前订单不存在！"}
        if payment.state != books.PAID:
            return {"code": -1, "msg": "该订单状态不支持退款！"}
        number, amount_minor = fields.get("out_refund_no") or secrets.token_hex(8), _minor(fields["money"])
        known = payment.find_refund(number)
        if known is None and payment.refunded_minor >= payment.amount_minor:
            return {"code": -1, "msg": "该订单已全额退款！"}
        if known is None and payment.refunded_minor + amount_minor > payment.amount_minor:
            return {"code": -1, "msg": "退款金额不能超过该订单剩余可退款金额！"}
        refund = known or self._ground.books.refund(payment, number, amount_minor)
        if known is None:
            self._ground.settle(payment, refund)
        if refund.state == books.REFUND_FAILED:
            return {"code": -1, "msg": "退款失败：交易对手余额不足"}
        return {"code": 0, "msg": "退款成功！", **_refunded(payment, refund)}

    def _refund_query(self, fields: Mapping[str, str], _: int) -> dict[str, Any]:
        for payment in self._ground.books.every("epay", fields["pid"]):
            refund = payment.find_refund(fields.get("out_refund_no", ""))
            if refund is not None:
                return {"code": 0, **_refunded(payment, refund), "status": int(refund.state == books.REFUNDED)}
        return {"code": -1, "msg": "退款记录不存在"}

    def _orders(self, fields: Mapping[str, str], good: int) -> dict[str, Any]:
        made = sorted(self._ground.books.every("epay", fields["pid"]), key=lambda x: x.begun_at_ms, reverse=True)
        lines = [{**_order(x), "amount": x.amount_minor} for x in made]
        if fields.get("offset") == "0":
            lines = spoil(self._ground, "epay", fields["pid"], lines, amount="amount", number="out_trade_no")
        first = int(fields.get("offset", 0))
        page = lines[first : first + min(int(fields.get("limit", 10)), 50)]
        data = [{**x, "money": f"{x['amount'] / 100:.2f}"} for x in page]
        return {"code": good, "msg": "查询订单记录成功！", "count": len(data), "data": data}

    def _open(self, fields: Mapping[str, str]) -> tuple[Payment, bool]:
        """The payment, and whether it is what it was if it was there."""
        known = self._ground.books.find("epay", fields["pid"], fields["out_trade_no"])
        content = [fields.get(name, "") for name in ("money", "name", "notify_url", "return_url", "param")]
        if known is not None:
            return known, known.extra["content"] == content
        made = self._ground.books.open(
            "epay", fields["pid"], fields["out_trade_no"], scene=fields.get("device", "pc"),
            amount_minor=_minor(fields["money"]), subject=fields["name"], notify_url=fields["notify_url"],
            return_url=fields.get("return_url", ""), shop=f"商户 {fields['pid']}", content=content,
            kind=fields.get("type", ""), param=fields.get("param", ""),
        )  # fmt: skip
        return made, True

    def _fault_of(self, fields: Mapping[str, str], *, is_v2: bool) -> str:
        pid = fields.get("pid", "")
        if pid not in self._md5:
            return "商户不存在！"
        if is_v2 and abs(clock.now_ms() / 1000 - float(fields.get("timestamp") or 0)) > 300:
            return "时间戳字段不正确，请检查服务器时间"
        if fields.get("sign_type") == "RSA":
            try:
                given = base64.b64decode(fields.get("sign", ""))
                self._shop.public.verify(given, _plain(fields).encode(), padding.PKCS1v15(), hashes.SHA256())
            except (InvalidSignature, ValueError):
                return "RSA签名校验失败"
            return ""
        return "" if _md5(fields, self._md5[pid]) == fields.get("sign") else "MD5签名校验失败"

    def _signed(self, facts: dict[str, Any]) -> web.Response:
        stamped = {**facts, "timestamp": str(clock.now_ms() // 1000), "sign_type": "RSA"}
        return _json({**stamped, "sign": _rsa(stamped, self._platform.key)})

    # what merchants are told

    def tell_payment(self, payment: Payment, flaw: Fault | None) -> Telling:
        what = "" if flaw is None else flaw.what
        minor = payment.amount_minor + (1 if what == "wrong_amount" else 0)
        fields: dict[str, Any] = {
            "pid": "1999" if what == "wrong_account" else payment.account, "trade_no": payment.provider_no,
            "out_trade_no": payment.payment_no, "type": payment.extra["kind"], "name": payment.subject,
            "money": f"{Decimal(minor) / 100:f}".removesuffix(".00"), "trade_status": "TRADE_SUCCESS",
            "param": payment.extra["param"], "unheard_of": "x",
        }  # fmt: skip
        if payment.account == V2:
            late_s = 3600 if what == "old" else 0
            fields |= {"timestamp": str(clock.now_ms() // 1000 - late_s), "buyer": payment.payer}
            key = self._stranger.key if what == "forged" else self._platform.key
            fields |= {"sign": _rsa(fields, key), "sign_type": "RSA"}
        else:
            fields |= {"sign": _md5(fields, "f" * 32 if what == "forged" else self._md5[V1]), "sign_type": "MD5"}
        if what == "damaged":
            fields["money"] = damage(fields["money"].encode()).decode()
        query = "&".join(f"{name}={quote_plus(str(value))}" for name, value in fields.items() if value)
        return Telling(f"{payment.notify_url}{'&' if '?' in payment.notify_url else '?'}{query}", method="GET")

    def tell_refund(self, payment: Payment, refund: Refund, flaw: Fault | None) -> None:  # noqa: ARG002
        """epay tells of no refund."""
        return

    def is_taken(self, status: int, body: bytes) -> bool:
        return status == 200 and b"success" in body.lower()

    def refusal(self, call: str, fault: Fault) -> web.Response:  # noqa: ARG002
        return _json({"code": int(fault.code or -1), "msg": fault.message or "系统异常无法完成付款"})

    def facts(self, payment: Payment) -> Mapping[str, Any]:
        return {"type": payment.extra["kind"]}


def _plain(fields: Mapping[str, Any]) -> str:
    kept = [(k, v) for k, v in fields.items() if k not in ("sign", "sign_type") and not isinstance(v, list | dict)]
    shown = ((k, f"{v:.14g}" if isinstance(v, float) else str("" if v is None else v)) for k, v in sorted(kept))
    return "&".join(f"{k}={text}" for k, text in shown if text.strip())


def _md5(fields: Mapping[str, Any], key: str) -> str:
    return hashlib.md5((_plain(fields) + key).encode(), usedforsecurity=False).hexdigest()


def _rsa(fields: Mapping[str, Any], key: rsa.RSAPrivateKey) -> str:
    return base64.b64encode(key.sign(_plain(fields).encode(), padding.PKCS1v15(), hashes.SHA256())).decode()


def _bare(key: rsa.RSAPublicKey) -> str:
    """As epay's pages show it: one line of base64."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


def _order(payment: Payment) -> dict[str, Any]:
    status = 0 if payment.state != books.PAID else 2 if payment.refunded_minor else 1
    facts = {
        "trade_no": payment.provider_no, "out_trade_no": payment.payment_no, "type": payment.extra["kind"],
        "pid": int(payment.account), "addtime": _time(payment.begun_at_ms), "endtime": _time(payment.paid_at_ms),
        "name": payment.subject, "money": f"{payment.amount_minor / 100:.2f}", "buyer": payment.payer, "status": status,
    }  # fmt: skip
    if payment.account == V2 and payment.refunded_minor:
        facts["refundmoney"] = f"{payment.refunded_minor / 100:.2f}"
    return facts


def _refunded(payment: Payment, refund: Refund) -> dict[str, Any]:
    return {
        "refund_no": refund.provider_refund_no, "out_refund_no": refund.refund_no, "trade_no": payment.provider_no,
        "uid": int(payment.account), "money": f"{refund.amount_minor / 100:.2f}",
        "reducemoney": refund.amount_minor / 100,
    }  # fmt: skip


def _time(at_ms: int) -> str | None:
    return datetime.fromtimestamp(at_ms / 1000, clock.CHINA).strftime("%Y-%m-%d %H:%M:%S") if at_ms else None


def _minor(money: str) -> int:
    return int(Decimal(money) * 100)


def _json(facts: Mapping[str, Any]) -> web.Response:
    return web.json_response(facts, content_type="text/html")
