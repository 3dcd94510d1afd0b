"""WeChat Pay v3: what its servers do with a merchant's calls, and what they tell.

The customer's code (付款码) says by its last two digits what the customer is like: ``01`` has to enter a password,
``02`` has not enough money, ``03`` showed an old code; everybody else has paid at once. It closes nothing that is
younger than five minutes (of its own ``pace``).
"""

from __future__ import annotations

import gzip
import hashlib
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
from aiohttp import web

from kameng.kit import clock
from kameng.sim.pay import books
from kameng.sim.pay.books import Payment, Refund
from kameng.sim.pay.faults import Fault, damage
from kameng.sim.pay.ground import Ground
from kameng.sim.pay.keys import Pair
from kameng.sim.pay.provider import Merchant, Telling
from kameng.sim.pay.short import Answering, Call
from kameng.sim.pay.wechat import bill
from kameng.sim.pay.wechat.signing_in import Opening
from kameng.sim.pay.wechat.wire import Gate, Shop, answered, refused, sealed, signed_headers

Body = Mapping[str, Any]
Act = Callable[[Shop, Body], web.Response]

SCHEDULE_S = (0, 15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600)
CLOSE_AFTER_S = 300
TRADE_TYPES = {"native": "NATIVE", "jsapi": "JSAPI", "h5": "MWEB", "codepay": "MICROPAY"}
STATES = {books.WAITING: "NOTPAY", books.PAYING: "USERPAYING", books.PAID: "SUCCESS", books.CLOSED: "CLOSED"}
REFUND_STATES = {
    books.REFUNDING: "PROCESSING", books.REFUNDED: "SUCCESS", books.REFUND_FAILED: "CLOSED", "abnormal": "ABNORMAL",
}  # fmt: skip
STATUS_OF = {
    "NO_AUTH": 403, "RULE_LIMIT": 403, "TRADE_ERROR": 403, "ACCOUNT_ERROR": 403, "NOT_ENOUGH": 403, "USERPAYING": 202,
    "OUT_TRADE_NO_USED": 403, "USER_ACCOUNT_ABNORMAL": 403, "FREQUENCY_LIMITED": 429, "SIGN_ERROR": 401,
    "ORDER_NOT_EXIST": 404, "RESOURCE_NOT_EXISTS": 404, "SYSTEM_ERROR": 500, "BANK_ERROR": 500,
}  # fmt: skip
_ORDERS = "/v3/pay/transactions"


class WeChat:
    name, zh, look = "wechat", "微信支付", "wechat"
    schedule_s: Sequence[float] = SCHEDULE_S

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        keys = ground.keys("wechat")
        authority = keys.certified("authority", "Sim Tenpay Root CA")
        self._platform = keys.certified("platform", "Sim Tenpay sign", by=authority)
        self._shops = {shop.mchid: shop for shop in (
            self._shop("微信公钥模式商户", "1900000109", is_by_certificate=False, authority=authority),
            self._shop("微信平台证书模式商户", "1900000117", is_by_certificate=True, authority=authority),
        )}  # fmt: skip
        self._gate = Gate(self._shops)
        secret = ground.keys("wechat").text("app-secret", secrets.token_hex(16))
        self._app_secrets = {shop.appid: secret for shop in self._shops.values()}
        self._files: dict[str, bytes] = {}

    def _shop(self, name: str, mchid: str, *, is_by_certificate: bool, authority: Pair) -> Shop:
        keys = self._ground.keys("wechat")
        own = keys.certified(f"apiclient-{mchid}", f"Sim merchant {mchid}", by=authority)
        signer = self._platform if is_by_certificate else keys.pair(f"public-{mchid}")
        signer_id = self._platform.serial if is_by_certificate else f"PUB_KEY_ID_01{mchid}20260101"
        api_key = keys.text(f"api-v3-key-{mchid}", secrets.token_hex(16))
        return Shop(name, mchid, f"wx{mchid}abcdef", api_key, own, signer, signer_id, is_by_certificate)

    def merchants(self) -> Sequence[Merchant]:
        return [Merchant(self.name, shop.name, "wechat", {
            "mchid": shop.mchid, "appid": shop.appid, "serial_no": shop.own.serial, "private_key": shop.own.private_pem,
            "api_v3_key": shop.api_key, "gateway": self._ground.base,
            "app_secret": self._app_secrets[shop.appid], "open_gateway": self._ground.base,
            "public_key_id": "" if shop.is_by_certificate else shop.signer_id,
            "public_key": "" if shop.is_by_certificate else shop.signer.public_pem,
        }) for shop in self._shops.values()]  # fmt: skip

    def routes(self) -> Sequence[web.RouteDef]:
        one = f"{_ORDERS}/out-trade-no/{{no}}"
        return [
            *(web.post(f"{_ORDERS}/{kind}", self._on("begin", self._beginning(kind))) for kind in TRADE_TYPES),
            web.get(one, self._on("query", self._query)), web.post(f"{one}/close", self._on("close", self._close)),
            web.post(f"{one}/reverse", self._on("close", self._reverse)),
            web.post("/v3/refund/domestic/refunds", self._on("refund", self._refund)),
            web.get("/v3/refund/domestic/refunds/{no}", self._on("refund_query", self._refund_query)),
            web.get("/v3/bill/tradebill", self._on("bill", self._trade_bill)),
            web.get("/v3/bill/fundflowbill", self._on("bill", self._fund_bill)),
            web.get("/v3/billdownload/file", self._on("download", self._download)),
            web.get("/v3/certificates", self._on("certificates", self._certificates)),
            *Opening(self._app_secrets).routes(),
        ]  # fmt: skip

    def _on(self, call: str, act: Act) -> Callable[[web.Request], Awaitable[web.Response]]:
        """Signature first, then what was scripted, then the act."""

        async def handle(request: web.Request) -> web.Response:
            named = {**request.query, **request.match_info}
            return await self._hear(request, await request.read(), call, act, named)

        return handle

    async def _hear(
        self, request: web.Request | Call, body: bytes, call: str, act: Act, named: Mapping[str, str]
    ) -> web.Response:
        shop = self._gate.enter(request, body)
        if isinstance(shop, str):
            return refused(None, 401, "SIGN_ERROR", shop)
        try:
            asked = msgspec.json.decode(body, type=dict[str, Any]) if body else {}
        except msgspec.DecodeError:
            return refused(shop, 400, "PARAM_ERROR", "包体不是合法的 JSON")
        asked = {**asked, **named}
        number = str(asked.get("out_trade_no") or asked.get("no") or "*")
        return await self._ground.play(request, self, shop.mchid, call, lambda: act(shop, asked), payment_no=number)

    def _beginning(self, kind: str) -> Act:
        return lambda shop, asked: self._begin(shop, asked, kind)

    def short_ways(self) -> Mapping[str, Answering]:
        """Payments are begun by the thousand."""

        def way(kind: str) -> Answering:
            return lambda request, body: self._hear(request, body, "begin", self._beginning(kind), {})

        return {f"{_ORDERS}/{kind}": way(kind) for kind in TRADE_TYPES}

    def _begin(self, shop: Shop, asked: Body, kind: str) -> web.Response:
        amount = asked.get("amount") or {}
        total, number = amount.get("total"), asked.get("out_trade_no")
        if asked.get("appid") != shop.appid or asked.get("mchid") != shop.mchid:
            return refused(shop, 400, "APPID_MCHID_NOT_MATCH", "appid 与 mchid 不匹配")
        if not isinstance(total, int) or total < 1 or not isinstance(number, str) or not 6 <= len(number) <= 32:
            return refused(shop, 400, "PARAM_ERROR", "参数错误")
        if not asked.get("description") or len(str(asked["description"])) > 127:
            return refused(shop, 400, "PARAM_ERROR", "商品描述有误")
        found = self._ground.books.find(self.name, shop.mchid, number)
        if found is not None:
            refusal = _stands(shop, found, kind, total)
            return refusal or self._begun(shop, found, kind)
        made = self._ground.books.open(
            self.name, shop.mchid, number, scene=kind, amount_minor=total, subject=str(asked["description"]),
            notify_url=str(asked.get("notify_url", "")), shop=shop.name, expires_at_ms=_ends_at(asked), kind=kind,
            trade_type=TRADE_TYPES[kind], prepay_id=f"wx{secrets.token_hex(16)}",
        )  # fmt: skip
        made.payer = str((asked.get("payer") or {}).get("openid", ""))
        if kind == "codepay":
            return self._by_code(shop, made, str((asked.get("payer") or {}).get("auth_code", "")))
        return self._begun(shop, made, kind)

    def _begun(self, shop: Shop, payment: Payment, kind: str) -> web.Response:
        page = self._ground.page_of(payment)
        if kind == "codepay":
            return self._told(shop, payment)
        return answered(shop, 200, {
            "native": {"code_url": page}, "h5": {"h5_url": f"{page}?package={payment.extra['prepay_id']}"},
            "jsapi": {"prepay_id": payment.extra["prepay_id"]},
        }[kind])  # fmt: skip

    def _by_code(self, shop: Shop, payment: Payment, code: str) -> web.Response:
        if len(code) != 18 or not code.isdecimal() or not "10" <= code[:2] <= "15":
            payment.state = books.CLOSED
            return refused(shop, 400, "AUTH_CODE_ERROR", "付款码有误")
        if code.endswith(("02", "03")):
            payment.state = books.CLOSED
            what = ("NOT_ENOUGH", "余额不足") if code.endswith("02") else ("AUTH_CODE_EXPIRE", "付款码已过期")
            return refused(shop, 403 if code.endswith("02") else 400, *what)
        if code.endswith("01"):
            payment.state = books.PAYING
            return refused(shop, 202, "USERPAYING", "需要用户输入支付密码")
        self._ground.pay(payment)
        return self._told(shop, payment)

    def _told(self, shop: Shop, payment: Payment) -> web.Response:
        return answered(shop, 200, _transaction(shop, payment))

    def _query(self, shop: Shop, asked: Body) -> web.Response:
        payment = self._ground.books.find(self.name, shop.mchid, asked["no"])
        if asked.get("mchid") != shop.mchid:
            return refused(shop, 400, "PARAM_ERROR", "mchid 有误")
        return refused(shop, 404, "ORDER_NOT_EXIST", "订单不存在") if payment is None else self._told(shop, payment)

    def _close(self, shop: Shop, asked: Body) -> web.Response:
        payment = self._ground.books.find(self.name, shop.mchid, asked["no"])
        if payment is None:
            return refused(shop, 404, "ORDER_NOT_EXIST", "订单不存在")
        if payment.state == books.PAID:
            return refused(shop, 400, "ORDERPAID", "该订单已支付")
        if clock.now_ms() - payment.begun_at_ms < CLOSE_AFTER_S * 1000 * self._ground.pace:
            return refused(shop, 400, "INVALID_REQUEST", "订单生成后五分钟内不能关闭")
        self._ground.books.close(payment)
        return answered(shop, 204, None)

    def _reverse(self, shop: Shop, asked: Body) -> web.Response:
        """Gives back what was paid."""
        payment = self._ground.books.find(self.name, shop.mchid, asked["no"])
        if payment is None:
            return refused(shop, 404, "ORDER_NOT_EXIST", "订单不存在")
        if payment.state == books.PAID and payment.refunded_minor < payment.amount_minor:
            left = payment.amount_minor - payment.refunded_minor
            self._ground.books.settle(self._ground.books.refund(payment, f"R{payment.payment_no}"[:32], left))
        payment.state = books.CLOSED
        payment.extra["is_revoked"] = True
        return answered(shop, 204, None)

    def _refund(self, shop: Shop, asked: Body) -> web.Response:
        payment = self._ground.books.find(self.name, shop.mchid, str(asked.get("out_trade_no", "")))
        amount = asked.get("amount") or {}
        if payment is None or not payment.paid_at_ms:
            return refused(shop, 404, "RESOURCE_NOT_EXISTS", "订单不存在")
        number, minor = str(asked.get("out_refund_no", "")), amount.get("refund")
        if not isinstance(minor, int) or minor < 1 or not number or amount.get("total") != payment.amount_minor:
            return refused(shop, 400, "PARAM_ERROR", "退款金额有误")
        made = payment.find_refund(number)
        if made is not None and made.amount_minor != minor:
            return refused(shop, 400, "INVALID_REQUEST", "退款金额与之前请求不一致")
        if made is None:
            if payment.refunded_minor + minor > payment.amount_minor:
                return refused(shop, 400, "INVALID_REQUEST", "退款金额超过可退金额")
            url = str(asked.get("notify_url", ""))
            made = self._ground.books.refund(
                payment, number, minor, reason=str(asked.get("reason", "")), notify_url=url
            )
            said = answered(shop, 200, _refunded(payment, made))  # it is in process when it is answered
            self._ground.settle(payment, made)
            return said
        return answered(shop, 200, _refunded(payment, made))

    def _refund_query(self, shop: Shop, asked: Body) -> web.Response:
        for payment in self._ground.books.every(self.name, shop.mchid):
            if (made := payment.find_refund(asked["no"])) is not None:
                return answered(shop, 200, _refunded(payment, made))
        return refused(shop, 404, "RESOURCE_NOT_EXISTS", "退款单不存在")

    def _trade_bill(self, shop: Shop, asked: Body) -> web.Response:
        return self._bill(shop, asked, lambda lines, flaw: bill.trades(shop.appid, lines, flaw))

    def _fund_bill(self, shop: Shop, asked: Body) -> web.Response:
        return self._bill(shop, asked, bill.funds)

    def _bill(self, shop: Shop, asked: Body, make: Callable[[Sequence[bill.Line], Fault | None], str]) -> web.Response:
        day = str(asked.get("bill_date", ""))
        if day >= clock.china_time(clock.now_ms())[:10]:
            return refused(shop, 400, "STATEMENT_CREATING", "账单生成中")
        lines = self._ground.bill_of(self.name, shop.mchid, day)
        if not lines:
            return refused(shop, 400, "NO_STATEMENT_EXIST", "账单文件不存在")
        flaw = self._ground.faults.take(self.name, shop.mchid, "lines")
        text = make(lines, flaw).encode()
        token = secrets.token_urlsafe(24)
        self._files[token] = gzip.compress(text) if asked.get("tar_type") == "GZIP" else text
        digest = hashlib.sha1(text, usedforsecurity=False).hexdigest()
        if flaw is not None and flaw.what == "wrong_hash":
            digest = digest[::-1]
        url = f"{self._ground.base}/v3/billdownload/file?token={token}"
        return answered(shop, 200, {"hash_type": "SHA1", "hash_value": digest, "download_url": url})

    def _download(self, shop: Shop, asked: Body) -> web.Response:
        """Unsigned, as the true one is."""
        packed = self._files.get(str(asked.get("token", "")))
        if packed is None:
            return refused(shop, 400, "INVALID_REQUEST", "下载地址有误")
        return web.Response(body=packed, content_type="application/octet-stream")

    def _certificates(self, shop: Shop, _: Body) -> web.Response:
        certificate = self._platform.certificate
        assert certificate is not None
        return answered(shop, 200, {"data": [{
            "serial_no": self._platform.serial,
            "effective_time": certificate.not_valid_before_utc.isoformat(),
            "expire_time": certificate.not_valid_after_utc.isoformat(),
            "encrypt_certificate": sealed(shop, self._platform.certificate_pem.encode(), "certificate"),
        }]})  # fmt: skip

    def tell_payment(self, payment: Payment, flaw: Fault | None) -> Telling:
        said = _transaction(self._shops[payment.account], payment)
        what = "" if flaw is None else flaw.what
        if what == "wrong_amount":
            said["amount"] = {**said["amount"], "total": payment.amount_minor + 1}
        elif what == "wrong_currency":
            said["amount"] = {**said["amount"], "currency": "USD"}
        return self._telling(payment, payment.notify_url, "TRANSACTION.SUCCESS", "transaction", said, what)

    def tell_refund(self, payment: Payment, refund: Refund, flaw: Fault | None) -> Telling | None:
        status = REFUND_STATES[refund.state]
        said = {
            "mchid": payment.account, "transaction_id": payment.provider_no, "out_trade_no": payment.payment_no,
            "refund_id": refund.provider_refund_no, "out_refund_no": refund.refund_no, "refund_status": status,
            "success_time": _stamp(refund.done_at_ms), "user_received_account": "支付用户零钱",
            "amount": _refund_amount(payment, refund),
        }  # fmt: skip
        what = "" if flaw is None else flaw.what
        if what == "wrong_amount":
            said["amount"] = {**_refund_amount(payment, refund), "refund": refund.amount_minor + 1}
        return self._telling(payment, refund.notify_url, f"REFUND.{status}", "refund", said, what)

    def _telling(self, payment: Payment, url: str, event: str, kind: str, said: dict[str, Any], what: str) -> Telling:
        """The number of the notice is the same each time it is sent."""
        shop = self._shops[payment.account]
        if what == "wrong_account":
            said["mchid"] = "1900000999"
        number = hashlib.sha256(f"{event}{payment.number}{said.get('refund_id', '')}".encode()).hexdigest()[:32]
        body = msgspec.json.encode({
            "id": number, "create_time": _stamp(clock.now_ms()), "resource_type": "encrypt-resource",
            "event_type": event, "summary": "支付成功" if kind == "transaction" else "退款结果",
            "resource": {"original_type": kind, **sealed(shop, msgspec.json.encode(said), kind)},
        })  # fmt: skip
        headers = signed_headers(shop, body, age_s=3600 if what == "old" else 0)
        if what == "forged":
            headers["Wechatpay-Signature"] = signed_headers(self._stranger(shop), body)["Wechatpay-Signature"]
        elif what == "probe":
            headers["Wechatpay-Signature"] = f"WECHATPAY/SIGNTEST/{headers['Wechatpay-Signature'][19:]}"
        return Telling(
            url, damage(body) if what == "damaged" else body, {**headers, "Content-Type": "application/json"}
        )  # fmt: skip

    def _stranger(self, shop: Shop) -> Shop:
        return replace(shop, signer=self._ground.keys("wechat").pair("stranger"))

    def is_taken(self, status: int, body: bytes) -> bool:  # noqa: ARG002 - the status says it all
        return status in (200, 204)

    def refusal(self, call: str, fault: Fault) -> web.Response:  # noqa: ARG002 - one form for all calls
        code = fault.code or "SYSTEM_ERROR"
        return refused(None, STATUS_OF.get(code, 400), code, fault.message or code)

    def facts(self, payment: Payment) -> Mapping[str, Any]:
        return {"trade_state": _state(payment)}


def _stands(shop: Shop, found: Payment, kind: str, total: int) -> web.Response | None:
    """What WeChat says to a number that it knows: nothing, if it may be begun as it was."""
    if found.state == books.PAID and kind != "codepay":
        return refused(shop, 400, "ORDERPAID", "该订单已支付")
    if found.state == books.CLOSED:
        return refused(shop, 400, "ORDER_CLOSED", "订单已关闭")
    if found.amount_minor != total or found.extra["kind"] != kind:
        return refused(shop, 403, "OUT_TRADE_NO_USED", "商户订单号重复")
    return refused(shop, 202, "USERPAYING", "需要用户输入支付密码") if found.state == books.PAYING else None


def _state(payment: Payment) -> str:
    if payment.extra.get("is_revoked"):
        return "REVOKED"
    return "REFUND" if payment.refunds and payment.state == books.PAID else STATES[payment.state]


def _transaction(shop: Shop, payment: Payment) -> dict[str, Any]:
    """As a query and a notice tell it; a coupon of one fen makes the customer's part smaller."""
    said: dict[str, Any] = {
        "appid": shop.appid, "mchid": shop.mchid, "out_trade_no": payment.payment_no, "trade_state": _state(payment),
        "trade_state_desc": _state(payment), "trade_type": payment.extra["trade_type"], "attach": "",
        "amount": {"total": payment.amount_minor, "currency": payment.currency},
    }  # fmt: skip
    if payment.paid_at_ms:
        said |= {
            "transaction_id": payment.provider_no, "bank_type": "OTHERS", "payer": {"openid": payment.payer},
            "success_time": _stamp(payment.paid_at_ms),
        }  # fmt: skip
        said["amount"] |= {"payer_total": max(payment.amount_minor - 1, 0), "payer_currency": payment.currency}
    return said


def _refunded(payment: Payment, refund: Refund) -> dict[str, Any]:
    return {
        "refund_id": refund.provider_refund_no, "out_refund_no": refund.refund_no, "channel": "ORIGINAL",
        "transaction_id": payment.provider_no, "out_trade_no": payment.payment_no,
        "user_received_account": "支付用户零钱", "create_time": _stamp(refund.asked_at_ms),
        "status": REFUND_STATES[refund.state], "funds_account": "AVAILABLE",
        "amount": _refund_amount(payment, refund),
    }  # fmt: skip


def _refund_amount(payment: Payment, refund: Refund) -> dict[str, Any]:
    return {
        "total": payment.amount_minor, "refund": refund.amount_minor, "payer_total": payment.amount_minor,
        "payer_refund": refund.amount_minor, "currency": payment.currency,
    }  # fmt: skip


def _ends_at(asked: Body) -> int:
    text = str(asked.get("time_expire", ""))
    return int(datetime.fromisoformat(text).timestamp() * 1000) if text else 0


def _stamp(at_ms: int) -> str:
    return f"{clock.china_time(at_ms)[:19].replace(' ', 'T')}+08:00"
