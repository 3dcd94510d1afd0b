"""Gateways for USDT: epusdt, the line that is kept (gmpay) and BEpusdt, each under its own name and with its own ways.

Their programs are in Go: numbers of a message are floats there, and are signed as Go prints them, which differs.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from aiohttp import web

from kameng.kit import clock
from kameng.sim.pay import books
from kameng.sim.pay.books import Payment, Refund
from kameng.sim.pay.faults import Fault, damage
from kameng.sim.pay.ground import Ground
from kameng.sim.pay.provider import Merchant, Telling

RATE = 7
ADDRESS = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
PID = "1000"
_STATUS = {books.WAITING: 1, books.PAYING: 1, books.PAID: 2, books.CLOSED: 3}


class Usdt:
    look = "plain"

    def __init__(self, ground: Ground, name: str) -> None:
        self._ground = ground
        self.name = name
        self.zh = f"USDT（{name}）"
        self._is_v = name == "bepusdt"
        self.schedule_s: Sequence[float] = (
            (0, *(60.0 * 2**n for n in range(1, 11))) if self._is_v else (0, 15, 45, 120, 300)
        )  # fmt: skip
        self._token = ground.keys(name).text("token", secrets.token_hex(16))

    def merchants(self) -> Sequence[Merchant]:
        given = {"gateway": f"{self._ground.base}/{self.name}", "dialect": self.name, "token": self._token}
        given |= {"pid": PID} if self.name == "gmpay" else {}
        return [Merchant(self.name, self.name, "usdt", given)]

    def routes(self) -> Sequence[web.RouteDef]:
        api = "payments/gmpay/v1/order" if self.name == "gmpay" else "api/v1/order"
        routes = [
            web.post(f"/{self.name}/{api}/create-transaction", self._create),
            web.get(f"/{self.name}/pay/check-status/{{trade_id}}", self._status),
        ]  # fmt: skip
        return [*routes, web.post(f"/{self.name}/{api}/cancel-transaction", self._cancel)] if self._is_v else routes

    async def _create(self, request: web.Request) -> web.Response:
        fields = json.loads(await request.read())
        if (refused := self._refused(fields)) is not None:
            return refused
        more = ("currency", "token", "network") if self.name == "gmpay" else ("redirect_url",)
        wanted = ("order_id", "amount", "notify_url", *more)
        if lacking := [name for name in wanted if not fields.get(name)]:
            return self._no(10009, f"参数 {lacking[0]} 不存在")

        def act() -> web.Response:
            known = self._ground.books.find(self.name, self.name, fields["order_id"])
            if known is not None and not (self._is_v and known.state == books.WAITING):
                return self._no(10002, "支付交易已存在，请勿重复创建")
            payment = known or self._open(fields)
            return self._yes({
                "trade_id": payment.provider_no, "order_id": payment.payment_no, "amount": fields["amount"],
                "actual_amount": payment.extra["coins"], "token": ADDRESS, "payment_url": self._ground.page_of(payment),
                "expiration_time": (payment.expires_at_ms - clock.now_ms()) // 1000,
            })  # fmt: skip

        return await self._ground.play(request, self, self.name, "begin", act, payment_no=fields["order_id"])

    def _open(self, fields: Mapping[str, Any]) -> Payment:
        minor = int(Decimal(str(fields["amount"])) * 100)
        return self._ground.books.open(
            self.name, self.name, fields["order_id"], scene="page", amount_minor=minor, notify_url=fields["notify_url"],
            subject=str(fields.get("name") or fields["order_id"]), return_url=fields.get("redirect_url", ""),
            shop=self.zh, lasts_ms=int(fields.get("timeout") or 600) * 1000,
            coins=round(minor / 100 / RATE, 4), provider_no=secrets.token_hex(9),
        )  # fmt: skip

    async def _status(self, request: web.Request) -> web.Response:
        number = request.match_info["trade_id"]
        payment = self._ground.books.find_by_provider_no(self.name, self.name, number)

        def act() -> web.Response:
            if payment is None:
                return self._no(10008, "订单不存在")
            facts = {"trade_id": number, "status": payment.extra.get("status") or _STATUS[payment.state]}
            return web.json_response({**facts, "return_url": ""}) if self._is_v else self._yes(facts)

        payment_no = "*" if payment is None else payment.payment_no
        return await self._ground.play(request, self, self.name, "query", act, payment_no=payment_no)

    async def _cancel(self, request: web.Request) -> web.Response:
        fields = json.loads(await request.read())
        if (refused := self._refused(fields)) is not None:
            return refused
        payment = self._ground.books.find_by_provider_no(self.name, self.name, fields["trade_id"])

        def act() -> web.Response:
            if payment is None or payment.state != books.WAITING:
                return self._no(400, f"当前订单({fields['trade_id']})状态不允许取消")
            self._ground.books.close(payment)
            payment.extra["status"] = 4
            return self._yes({"trade_id": payment.provider_no})

        payment_no = "*" if payment is None else payment.payment_no
        return await self._ground.play(request, self, self.name, "close", act, payment_no=payment_no)

    def tell_payment(self, payment: Payment, flaw: Fault | None) -> Telling:
        what = "" if flaw is None else flaw.what
        minor = payment.amount_minor + (1 if what == "wrong_amount" else 0)
        fields: dict[str, Any] = {
            "trade_id": payment.provider_no, "order_id": payment.payment_no, "amount": minor / 100,
            "actual_amount": payment.extra["coins"], "token": ADDRESS,
            "block_transaction_id": hashlib.sha256(payment.number.encode()).hexdigest(), "status": 2,
        }  # fmt: skip
        if self.name == "gmpay":
            fields |= {"pid": "1999" if what == "wrong_account" else PID, "receive_address": ADDRESS}
        token = "0" * 32 if what == "forged" else self._token
        fields["signature"] = self._sign(fields, token)
        if what == "damaged":
            fields["amount"] = float(damage(str(fields["amount"]).encode()))
        body = json.dumps(fields).encode()
        return Telling(payment.notify_url, body, {"content-type": "application/json"})

    def tell_refund(self, payment: Payment, refund: Refund, flaw: Fault | None) -> None:  # noqa: ARG002
        """There is none."""
        return

    def is_taken(self, status: int, body: bytes) -> bool:
        return status == 200 and body == b"ok"

    def refusal(self, call: str, fault: Fault) -> web.Response:  # noqa: ARG002
        return self._no(int(fault.code or 10003), fault.message or "无可用钱包地址，无法发起支付")

    def facts(self, payment: Payment) -> Mapping[str, Any]:
        return {"coins": payment.extra["coins"]}

    def _refused(self, fields: Mapping[str, Any]) -> web.Response | None:
        if self.name == "gmpay" and str(fields.get("pid")) != PID:
            return self._no(401, "签名认证错误")
        if self._sign(fields, self._token) == fields.get("signature"):
            return None
        return web.json_response({"error": "签名错误"}, status=400) if self._is_v else self._no(401, "签名认证错误")

    def _sign(self, fields: Mapping[str, Any], token: str) -> str:
        shown = {k: self._go(v) for k, v in fields.items() if k != "signature"}
        text = "&".join(f"{k}={shown[k]}" for k in sorted(shown) if shown[k] != "")
        return hashlib.md5((text + token).encode(), usedforsecurity=False).hexdigest()

    def _go(self, value: Any) -> str:
        """A JSON value as the gateway's program has it in hand."""
        if isinstance(value, int | float):
            exact = Decimal(repr(float(value)))
            if self._is_v and abs(exact) >= 1_000_000:
                mantissa, _, power = f"{exact.normalize():E}".partition("E")
                return f"{mantissa}e+{int(power):02d}"
            return f"{exact:f}".rstrip("0").rstrip(".") if "." in f"{exact:f}" else f"{exact:f}"
        return "" if value is None else str(value)

    def _yes(self, facts: Mapping[str, Any]) -> web.Response:
        return web.json_response({"status_code": 200, "message": "success", "data": facts, "request_id": ""})

    def _no(self, code: int, said: str) -> web.Response:
        shown = 400 if self._is_v else code
        return web.json_response({"status_code": shown, "message": said, "data": None, "request_id": ""})


def makers() -> Sequence[Callable[[Ground], Usdt]]:
    return [lambda ground, name=name: Usdt(ground, name) for name in ("epusdt", "gmpay", "bepusdt")]  # type: ignore[misc]
