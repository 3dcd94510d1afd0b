"""PayPal, under ``/paypal/``: a token, Orders v2, captures, refunds, webhooks and the call that proves them, a search.

A person who presses "pay" approves; money moves when the merchant captures. Webhooks go where
``POST /paypal/v1/notifications/webhooks`` with ``url`` says, as at PayPal.
"""

from __future__ import annotations

import base64
import json
import secrets
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from kameng.kit import clock
from kameng.sim.pay import books
from kameng.sim.pay.books import Payment, Refund
from kameng.sim.pay.faults import Fault, damage
from kameng.sim.pay.ground import Ground
from kameng.sim.pay.lines import spoil
from kameng.sim.pay.provider import Merchant, Telling

ACCOUNT = "SIMPAYPAL"
FEE = 0.044
_REFUND_STATUS = {books.REFUNDED: "COMPLETED", books.REFUNDING: "PENDING", books.REFUND_FAILED: "FAILED"}
_ALGO = "SHA256withRSA"


class PayPal:
    name = "paypal"
    zh = "PayPal"
    look = "plain"
    schedule_s: Sequence[float] = (0, 60, 300, 900, 3600, *([10800.0] * 20))

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        keys = ground.keys("paypal")
        self._id = keys.text("id", f"A{secrets.token_hex(16)}")
        self._secret = keys.text("secret", f"E{secrets.token_hex(16)}")
        self._hook_id = keys.text("hook", f"WH-{secrets.token_hex(6)}")
        self._own, self._stranger = keys.pair("own"), keys.pair("stranger")
        self._endpoint = ""
        self._tokens: set[str] = set()

    def merchants(self) -> Sequence[Merchant]:
        given = {
            "client_id": self._id, "client_secret": self._secret, "webhook_id": self._hook_id,
            "gateway": f"{self._ground.base}/paypal",
        }  # fmt: skip
        return [Merchant("paypal", ACCOUNT, "paypal", given)]

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.post("/paypal/v1/oauth2/token", self._token),
            web.post("/paypal/v1/notifications/webhooks", self._make_endpoint),
            web.post("/paypal/v1/notifications/verify-webhook-signature", self._verify),
            web.post("/paypal/v2/checkout/orders", self._begin),
            web.get("/paypal/v2/checkout/orders/{number}", self._of("query", self._show)),
            web.post("/paypal/v2/checkout/orders/{number}/capture", self._of("capture", self._capture)),
            web.post("/paypal/v2/payments/captures/{number}/refund", self._refund),
            web.get("/paypal/v1/reporting/transactions", self._search),
        ]  # fmt: skip

    # what merchants send

    async def _token(self, request: web.Request) -> web.Response:
        basic = base64.b64encode(f"{self._id}:{self._secret}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {basic}":
            said = {"error": "invalid_client", "error_description": "Client Authentication failed"}
            return web.json_response(said, status=401)
        token = secrets.token_hex(16)
        self._tokens.add(token)
        return web.json_response({"access_token": token, "token_type": "Bearer", "expires_in": 32400})

    async def _make_endpoint(self, request: web.Request) -> web.Response:
        if not self._is_known(request):
            return _error(401, "AUTHENTICATION_FAILURE")
        self._endpoint = (await request.json())["url"]
        return web.json_response({"id": self._hook_id, "url": self._endpoint}, status=201)

    async def _verify(self, request: web.Request) -> web.Response:
        """By the bytes of the event as they stand in the request."""
        if not self._is_known(request):
            return _error(401, "AUTHENTICATION_FAILURE")
        raw = await request.read()
        asked = json.loads(raw)

        def act() -> web.Response:
            event = raw.split(b'"webhook_event":', 1)[1][:-1].strip()
            signed = _signed_text(asked["transmission_id"], asked["transmission_time"], asked["webhook_id"], event)
            sent_at = datetime.fromisoformat(asked["transmission_time"]).timestamp()
            try:
                given = base64.b64decode(asked["transmission_sig"])
                self._own.public.verify(given, signed, padding.PKCS1v15(), hashes.SHA256())
                is_good = asked["auth_algo"] == _ALGO and abs(clock.now_ms() / 1000 - sent_at) < 300
            except (InvalidSignature, ValueError):
                is_good = False
            return web.json_response({"verification_status": "SUCCESS" if is_good else "FAILURE"})

        return await self._ground.play(request, self, ACCOUNT, "verify", act)

    async def _begin(self, request: web.Request) -> web.Response:
        asked, key = await request.json(), request.headers.get("paypal-request-id", "")
        if not self._is_known(request):
            return _error(401, "AUTHENTICATION_FAILURE")
        unit = asked["purchase_units"][0]

        def act() -> web.Response:
            known = self._ground.books.find("paypal", ACCOUNT, unit["custom_id"])
            if known is not None and known.extra["key"] != key:
                return _error(422, "UNPROCESSABLE_ENTITY", "DUPLICATE_INVOICE_ID")
            payment = known or self._open(asked, key)
            return web.json_response(self._order(payment), status=200 if known else 201)

        return await self._ground.play(request, self, ACCOUNT, "begin", act, payment_no=unit["custom_id"])

    def _open(self, asked: Mapping[str, Any], key: str) -> Payment:
        unit, context = asked["purchase_units"][0], asked["payment_source"]["paypal"]["experience_context"]
        return self._ground.books.open(
            "paypal", ACCOUNT, unit["custom_id"], scene="page", amount_minor=_minor(unit["amount"]),
            currency=unit["amount"]["currency_code"], subject=unit["description"], return_url=context["return_url"],
            shop="PayPal", lasts_ms=6 * 3600 * 1000, provider_no=secrets.token_hex(8).upper(), key=key,
            capture=secrets.token_hex(8).upper(), captured_at_ms=0,
        )  # fmt: skip

    def _of(
        self, call: str, answer: Callable[[Payment], web.Response]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            if not self._is_known(request):
                return _error(401, "AUTHENTICATION_FAILURE")
            payment = self._ground.books.find_by_provider_no("paypal", ACCOUNT, request.match_info["number"])
            if payment is None or (payment.state == books.CLOSED and not payment.extra["captured_at_ms"]):
                return _error(404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID")
            return await self._ground.play(
                request, self, ACCOUNT, call, lambda: answer(payment), payment_no=payment.payment_no
            )

        return handle

    def _show(self, payment: Payment) -> web.Response:
        return web.json_response(self._order(payment))

    def _capture(self, payment: Payment) -> web.Response:
        if payment.state != books.PAID:
            return _error(422, "UNPROCESSABLE_ENTITY", "ORDER_NOT_APPROVED")
        if not payment.extra["captured_at_ms"]:
            payment.extra["captured_at_ms"] = clock.now_ms()
            self._ground.tell(self, payment)
        return web.json_response(self._order(payment), status=201)

    async def _refund(self, request: web.Request) -> web.Response:
        asked, key = await request.json(), request.headers.get("paypal-request-id", "")
        if not self._is_known(request):
            return _error(401, "AUTHENTICATION_FAILURE")
        captures = (x for x in self._ground.books.every("paypal") if x.extra["captured_at_ms"])
        payment = next((x for x in captures if x.extra["capture"] == request.match_info["number"]), None)
        if payment is None:
            return _error(404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID")

        def act() -> web.Response:
            known, amount_minor = payment.find_refund(key), _minor(asked["amount"])
            if known is None and payment.refunded_minor + amount_minor > payment.amount_minor:
                is_all = payment.refunded_minor == payment.amount_minor
                issue = "CAPTURE_FULLY_REFUNDED" if is_all else "REFUND_AMOUNT_EXCEEDED"
                return _error(422, "UNPROCESSABLE_ENTITY", issue)
            refund = known or self._ground.books.refund(payment, key, amount_minor)
            if known is None:
                refund.extra["custom_id"] = asked["custom_id"]
                self._ground.settle(payment, refund)
            return web.json_response(_refund_object(payment, refund), status=201)

        return await self._ground.play(request, self, ACCOUNT, "refund", act, payment_no=payment.payment_no)

    async def _search(self, request: web.Request) -> web.Response:
        if not self._is_known(request):
            return _error(401, "AUTHENTICATION_FAILURE")

        def act() -> web.Response:
            day = request.query["start_date"][:10]
            entries = [x for x in self._ground.bill_of("paypal", ACCOUNT, day) if x[0].extra["captured_at_ms"]]
            lines = spoil(
                self._ground, "paypal", ACCOUNT, [_transaction(*x) for x in entries], amount="amount", number="id",
                fee="fee",
            )  # fmt: skip
            found = [{"transaction_info": _shown(line)} for line in lines]
            return web.json_response({"transaction_details": found, "page": 1, "total_pages": 1})

        return await self._ground.play(request, self, ACCOUNT, "bill", act)

    def _order(self, payment: Payment) -> dict[str, Any]:
        page, at_ms = self._ground.page_of(payment), payment.extra["captured_at_ms"]
        unit: dict[str, Any] = {
            "custom_id": payment.payment_no, "invoice_id": payment.payment_no, "amount": _amount(payment),
        }  # fmt: skip
        if at_ms:
            refunds = [_refund_object(payment, x) for x in payment.refunds]
            unit["payments"] = {"captures": [_capture_object(payment)], "refunds": refunds}
        status = "COMPLETED" if at_ms else "APPROVED" if payment.state == books.PAID else "PAYER_ACTION_REQUIRED"
        return {
            "id": payment.provider_no, "intent": "CAPTURE", "status": status, "purchase_units": [unit],
            "payer": {"payer_id": "QYR5Z8XDVJNXQ"} if payment.state == books.PAID else {},
            "links": [{"href": page, "rel": "payer-action", "method": "GET"}],
        }  # fmt: skip

    # what merchants are told

    def tell_payment(self, payment: Payment, flaw: Fault | None) -> Telling:
        if payment.extra["captured_at_ms"]:
            told = _capture_object(payment)
            told["supplementary_data"] = {"related_ids": {"order_id": payment.provider_no}}
            return self._telling(f"{payment.number}C", "PAYMENT.CAPTURE.COMPLETED", told, flaw)
        return self._telling(f"{payment.number}A", "CHECKOUT.ORDER.APPROVED", self._order(payment), flaw)

    def tell_refund(self, payment: Payment, refund: Refund, flaw: Fault | None) -> Telling:
        told = _refund_object(payment, refund)
        return self._telling(f"{payment.number}{refund.refund_no}", "PAYMENT.CAPTURE.REFUNDED", told, flaw)

    def _telling(self, number: str, kind: str, told: dict[str, Any], flaw: Fault | None) -> Telling:
        what = "" if flaw is None else flaw.what
        if what in ("wrong_amount", "wrong_currency") and "amount" in told:
            wrong = {"value": "0.02"} if what == "wrong_amount" else {"currency_code": "AUD"}
            told["amount"] = {**told["amount"], **wrong}
        event = {"id": f"WH-{number}", "event_type": kind, "create_time": _time(clock.now_ms()), "resource": told}
        body = json.dumps(event).encode()
        sent_at, number = _time(clock.now_ms() - (3_600_000 if what == "old" else 0)), secrets.token_hex(8)
        key = self._stranger.key if what == "forged" else self._own.key
        made = key.sign(_signed_text(number, sent_at, self._hook_id, body), padding.PKCS1v15(), hashes.SHA256())
        headers = {
            "content-type": "application/json", "paypal-transmission-id": number, "paypal-transmission-time": sent_at,
            "paypal-transmission-sig": base64.b64encode(made).decode(), "paypal-auth-algo": _ALGO,
            "paypal-cert-url": f"{self._ground.base}/paypal/cert",
        }  # fmt: skip
        return Telling(self._endpoint, damage(body) if what == "damaged" else body, headers)

    def is_taken(self, status: int, body: bytes) -> bool:  # noqa: ARG002
        return 200 <= status < 300

    def refusal(self, call: str, fault: Fault) -> web.Response:  # noqa: ARG002
        return _error(422, "UNPROCESSABLE_ENTITY", fault.code or "PAYEE_ACCOUNT_RESTRICTED")

    def facts(self, payment: Payment) -> Mapping[str, Any]:
        return {"is_captured": bool(payment.extra["captured_at_ms"])}

    def _is_known(self, request: web.Request) -> bool:
        return request.headers.get("authorization", "").removeprefix("Bearer ") in self._tokens


def _signed_text(number: str, at: str, hook_id: str, body: bytes) -> bytes:
    return f"{number}|{at}|{hook_id}|{zlib.crc32(body)}".encode()


def _amount(payment: Payment, minor: int | None = None) -> dict[str, str]:
    value = payment.amount_minor if minor is None else minor
    text = str(value) if payment.currency == "JPY" else f"{value / 100:.2f}"
    return {"currency_code": payment.currency, "value": text}


def _minor(amount: Mapping[str, str]) -> int:
    return round(float(amount["value"]) * (1 if amount["currency_code"] == "JPY" else 100))


def _capture_object(payment: Payment) -> dict[str, Any]:
    back = payment.refunded_minor
    status = "COMPLETED" if not back else "REFUNDED" if back == payment.amount_minor else "PARTIALLY_REFUNDED"
    return {
        "id": payment.extra["capture"], "status": status, "amount": _amount(payment), "custom_id": payment.payment_no,
        "invoice_id": payment.payment_no, "create_time": _time(payment.extra["captured_at_ms"]),
    }  # fmt: skip


def _refund_object(payment: Payment, refund: Refund) -> dict[str, Any]:
    return {
        "id": refund.provider_refund_no, "amount": _amount(payment, refund.amount_minor),
        "status": _REFUND_STATUS.get(refund.state, "FAILED"), "custom_id": refund.extra["custom_id"],
        "invoice_id": payment.payment_no,
    }  # fmt: skip


def _transaction(payment: Payment, refund: Refund | None) -> dict[str, Any]:
    if refund is None:
        return {
            "id": payment.extra["capture"], "code": "T0006", "amount": payment.amount_minor, "payment": payment,
            "fee": round(payment.amount_minor * FEE), "custom": payment.payment_no, "at_ms": payment.paid_at_ms,
        }  # fmt: skip
    return {
        "id": refund.provider_refund_no, "code": "T1107", "amount": refund.amount_minor, "fee": 0, "payment": payment,
        "custom": refund.refund_no, "at_ms": refund.done_at_ms,
    }  # fmt: skip


def _shown(line: Mapping[str, Any]) -> dict[str, Any]:
    payment, sign = line["payment"], "-" if line["code"] == "T1107" else ""
    amount, fee = _amount(payment, line["amount"]), _amount(payment, line["fee"])
    return {
        "transaction_id": line["id"], "transaction_event_code": line["code"], "custom_field": line["custom"],
        "transaction_initiation_date": _time(line["at_ms"]), "invoice_id": payment.payment_no,
        "transaction_amount": {**amount, "value": sign + amount["value"]}, "transaction_status": "S",
        "fee_amount": {**fee, "value": f"-{fee['value']}"},
    }  # fmt: skip


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _error(status: int, name: str, issue: str = "") -> web.Response:
    details = [{"issue": issue}] if issue else []
    return web.json_response({"name": name, "message": name.lower(), "details": details}, status=status)
