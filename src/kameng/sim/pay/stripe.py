"""Stripe, under ``/stripe/v1/``: Checkout sessions, PaymentIntents, refunds, the balance, webhooks.

Webhooks go to endpoints, which are made as at Stripe: ``POST /stripe/v1/webhook_endpoints`` with ``url``. The secret of
every endpoint is the one that ``merchants.json`` names.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from aiohttp import web

from kameng.kit import clock
from kameng.sim.pay import books
from kameng.sim.pay.books import Payment, Refund
from kameng.sim.pay.faults import Fault, damage
from kameng.sim.pay.ground import Ground
from kameng.sim.pay.lines import spoil
from kameng.sim.pay.provider import Merchant, Telling

ACCOUNT = "acct_1SIM"
FEE = 0.034
_REFUND_STATUS = {books.REFUNDED: "succeeded", books.REFUNDING: "pending", books.REFUND_FAILED: "failed"}


class Stripe:
    name = "stripe"
    zh = "Stripe"
    look = "plain"
    schedule_s: Sequence[float] = (0, 300, 1800, 7200, 18000, 36000, 43200, 43200, 43200)

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        keys = ground.keys("stripe")
        self._key = keys.text("key", f"sk_test_{secrets.token_hex(12)}")
        self._hook = keys.text("hook", f"whsec_{secrets.token_hex(16)}")
        self._endpoint = ""

    def merchants(self) -> Sequence[Merchant]:
        given = {"secret_key": self._key, "webhook_secret": self._hook, "gateway": f"{self._ground.base}/stripe"}
        return [Merchant("stripe", ACCOUNT, "stripe", given)]

    def routes(self) -> Sequence[web.RouteDef]:
        v1, number = "/stripe/v1", "{number:[A-Za-z0-9_]+}"
        return [
            web.post(f"{v1}/webhook_endpoints", self._make_endpoint),
            web.post(f"{v1}/checkout/sessions", self._begin("cs")),
            web.post(f"{v1}/payment_intents", self._begin("pi")),
            web.get(f"{v1}/checkout/sessions/{number}", self._of("query", _object)),
            web.get(f"{v1}/payment_intents/{number}", self._of("query", _object)),
            web.post(f"{v1}/checkout/sessions/{number}/expire", self._of("close", self._close)),
            web.post(f"{v1}/payment_intents/{number}/cancel", self._of("close", self._close)),
            web.post(f"{v1}/refunds", self._refund), web.get(f"{v1}/refunds", self._refunds),
            web.get(f"{v1}/balance_transactions", self._balance),
        ]  # fmt: skip

    # what merchants send

    async def _make_endpoint(self, request: web.Request) -> web.Response:
        if not self._is_known(request):
            return _error(401, "invalid_request_error", "", "Invalid API Key provided")
        self._endpoint = str((await request.post())["url"])
        return web.json_response({"id": "we_1", "object": "webhook_endpoint", "secret": self._hook})

    def _begin(self, kind: str) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            fields, key = await _fields(request), request.headers.get("idempotency-key", "")
            if not self._is_known(request):
                return _error(401, "invalid_request_error", "", "Invalid API Key provided")

            def act() -> web.Response:
                known = next((x for x in self._every() if x.extra["key"] == key), None)
                if known is not None and known.extra["fields"] != fields:
                    return _error(400, "idempotency_error", "", "Keys for idempotent requests can only be used with …")
                payment = known or self._open(kind, fields, key)
                return web.json_response(_object(payment, page=self._ground.page_of(payment)))

            number = fields.get("metadata[payment_no]", "*")
            return await self._ground.play(request, self, ACCOUNT, "begin", act, payment_no=number)

        return handle

    def _open(self, kind: str, fields: Mapping[str, str], key: str) -> Payment:
        first = "line_items[0][price_data]"
        is_session = kind == "cs"
        end_s = int(fields.get("expires_at") or clock.now_ms() // 1000 + 86400)
        return self._ground.books.open(
            "stripe", ACCOUNT, fields["metadata[payment_no]"], scene=kind,
            amount_minor=int(fields[f"{first}[unit_amount]"] if is_session else fields["amount"]),
            currency=(fields[f"{first}[currency]"] if is_session else fields["currency"]).upper(),
            subject=fields[f"{first}[product_data][name]"] if is_session else fields.get("description", ""),
            return_url=fields.get("success_url") or fields.get("return_url", ""), shop="Stripe",
            provider_no=f"{'cs_test' if is_session else 'pi'}_{secrets.token_hex(12)}",
            expires_at_ms=end_s * 1000, key=key, fields=fields, charge=f"ch_{secrets.token_hex(8)}",
            intent=f"pi_{secrets.token_hex(12)}", kind=fields.get("payment_method_data[type]", "card"),
        )  # fmt: skip

    def _of(
        self, call: str, answer: Callable[[Payment], dict[str, Any] | web.Response]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            if not self._is_known(request):
                return _error(401, "invalid_request_error", "", "Invalid API Key provided")
            payment = next((x for x in self._every() if request.match_info["number"] == x.provider_no), None)
            if payment is None:
                return _error(404, "invalid_request_error", "resource_missing", "No such object")

            def act() -> web.Response:
                said = answer(payment)
                return said if isinstance(said, web.Response) else web.json_response(said)

            return await self._ground.play(request, self, ACCOUNT, call, act, payment_no=payment.payment_no)

        return handle

    def _close(self, payment: Payment) -> dict[str, Any] | web.Response:
        if payment.state in (books.PAID, books.CLOSED):
            code = "payment_intent_unexpected_state"
            return _error(400, "invalid_request_error", code, "Only open ones can be closed")
        self._ground.books.close(payment)
        return _object(payment)

    async def _refund(self, request: web.Request) -> web.Response:
        fields, key = await _fields(request), request.headers.get("idempotency-key", "")
        if not self._is_known(request):
            return _error(401, "invalid_request_error", "", "Invalid API Key provided")
        payment = self._of_intent(fields.get("payment_intent", ""))
        if payment is None:
            return _error(404, "invalid_request_error", "resource_missing", "No such payment_intent")

        def act() -> web.Response:
            known, amount_minor = payment.find_refund(key), int(fields["amount"])
            if payment.state != books.PAID:
                return _error(400, "invalid_request_error", "", "This PaymentIntent has no successful charge")
            if known is None and payment.refunded_minor + amount_minor > payment.amount_minor:
                code = "charge_already_refunded" if payment.refunded_minor == payment.amount_minor else ""
                return _error(400, "invalid_request_error", code, "Refund amount is greater than unrefunded amount")
            refund = known or self._ground.books.refund(payment, key, amount_minor)
            if known is None:
                refund.provider_refund_no = f"re_{secrets.token_hex(8)}"
                refund.extra["metadata"] = {"refund_no": fields.get("metadata[refund_no]", ""),
                                            "payment_no": fields.get("metadata[payment_no]", "")}  # fmt: skip
                self._ground.settle(payment, refund)
            return web.json_response(_refund_object(payment, refund))

        return await self._ground.play(request, self, ACCOUNT, "refund", act, payment_no=payment.payment_no)

    async def _refunds(self, request: web.Request) -> web.Response:
        payment = self._of_intent(request.query.get("payment_intent", ""))
        if not self._is_known(request) or payment is None:
            return _error(404, "invalid_request_error", "resource_missing", "No such payment_intent")

        def act() -> web.Response:
            return web.json_response({"object": "list", "data": [_refund_object(payment, x) for x in payment.refunds]})

        return await self._ground.play(request, self, ACCOUNT, "refund_query", act, payment_no=payment.payment_no)

    async def _balance(self, request: web.Request) -> web.Response:
        """Newest first, by pages of two: nobody forgets to turn them."""
        if not self._is_known(request):
            return _error(401, "invalid_request_error", "", "Invalid API Key provided")

        def act() -> web.Response:
            since, until = (int(request.query[f"created[{name}]"]) for name in ("gte", "lt"))
            day = clock.china_time(since * 1000)[:10]
            entries = self._ground.bill_of("stripe", ACCOUNT, day)
            moves = [_move(*entry) for entry in entries if since <= _at_ms(*entry) // 1000 < until]
            if "starting_after" not in request.query:
                moves = spoil(self._ground, "stripe", ACCOUNT, moves, amount="amount", number="id", fee="fee")
            moves.reverse()
            after = next((n for n, x in enumerate(moves, 1) if x["id"] == request.query.get("starting_after")), 0)
            page = moves[after : after + 2]
            return web.json_response({"object": "list", "data": page, "has_more": after + 2 < len(moves)})

        return await self._ground.play(request, self, ACCOUNT, "bill", act)

    # what merchants are told

    def tell_payment(self, payment: Payment, flaw: Fault | None) -> Telling:
        kind = "checkout.session.completed" if payment.scene == "cs" else "payment_intent.succeeded"
        return self._telling(payment.number, kind, _object(payment), flaw)

    def tell_refund(self, payment: Payment, refund: Refund, flaw: Fault | None) -> Telling:
        return self._telling(refund.provider_refund_no, "refund.updated", _refund_object(payment, refund), flaw)

    def _telling(self, number: str, kind: str, told: dict[str, Any], flaw: Fault | None) -> Telling:
        what = "" if flaw is None else flaw.what
        amount = "amount_total" if "amount_total" in told else "amount"
        told |= {amount: told[amount] + 1} if what == "wrong_amount" else {}
        told |= {"currency": "jpy"} if what == "wrong_currency" else {}
        event = {
            "id": f"evt_{hashlib.sha256(f'{number}{kind}'.encode()).hexdigest()[:24]}", "object": "event",
            "type": kind, "created": clock.now_ms() // 1000, "data": {"object": told},
        }  # fmt: skip
        body = json.dumps(event, indent=2).encode()
        stamp = clock.now_ms() // 1000 - (3600 if what == "old" else 0)
        secret = "whsec_false" if what == "forged" else self._hook
        made = hmac.new(secret.encode(), b"%d." % stamp + body, hashlib.sha256).hexdigest()
        headers = {"stripe-signature": f"t={stamp},v1={made},v0={'0' * 64}", "content-type": "application/json"}
        return Telling(self._endpoint, damage(body) if what == "damaged" else body, headers)

    def is_taken(self, status: int, body: bytes) -> bool:  # noqa: ARG002
        return 200 <= status < 300

    def refusal(self, call: str, fault: Fault) -> web.Response:  # noqa: ARG002
        kind = "card_error" if fault.code == "card_error" else "invalid_request_error"
        return _error(402 if kind == "card_error" else 400, kind, fault.code, fault.message or "refused")

    def facts(self, payment: Payment) -> Mapping[str, Any]:
        return {"intent": payment.extra["intent"]}

    def _is_known(self, request: web.Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {self._key}"

    def _every(self) -> Sequence[Payment]:
        return list(self._ground.books.every("stripe", ACCOUNT))

    def _of_intent(self, intent: str) -> Payment | None:
        return next((x for x in self._every() if intent in (x.provider_no, x.extra["intent"])), None)


async def _fields(request: web.Request) -> dict[str, str]:
    return {name: str(value) for name, value in (await request.post()).items()}


def _object(payment: Payment, *, page: str = "") -> dict[str, Any]:
    is_paid = payment.state == books.PAID
    common = {
        "id": payment.provider_no, "currency": payment.currency.lower(), "metadata": {"payment_no": payment.payment_no},
        "created": payment.begun_at_ms // 1000,
    }  # fmt: skip
    if payment.scene == "cs":
        status = "complete" if is_paid else "expired" if payment.state == books.CLOSED else "open"
        return {
            **common, "object": "checkout.session", "amount_total": payment.amount_minor, "status": status,
            "payment_status": "paid" if is_paid else "unpaid", "url": page or None,
            "payment_intent": payment.extra["intent"] if is_paid else None,
        }  # fmt: skip
    status = "succeeded" if is_paid else "canceled" if payment.state == books.CLOSED else "requires_action"
    action: dict[str, Any] = {"type": "alipay_handle_redirect", "alipay_handle_redirect": {"url": page}}
    if payment.extra["kind"] == "wechat_pay":
        action = {"type": "wechat_pay_display_qr_code", "wechat_pay_display_qr_code": {"data": page}}
    return {
        **common, "object": "payment_intent", "amount": payment.amount_minor, "status": status,
        "next_action": action if page else None,
    }  # fmt: skip


def _refund_object(payment: Payment, refund: Refund) -> dict[str, Any]:
    return {
        "id": refund.provider_refund_no, "object": "refund", "amount": refund.amount_minor,
        "currency": payment.currency.lower(), "status": _REFUND_STATUS.get(refund.state, "failed"),
        "metadata": refund.extra["metadata"], "payment_intent": payment.extra["intent"],
    }  # fmt: skip


def _at_ms(payment: Payment, refund: Refund | None) -> int:
    return payment.paid_at_ms if refund is None else refund.done_at_ms


def _move(payment: Payment, refund: Refund | None) -> dict[str, Any]:
    source: dict[str, Any] = {"id": payment.extra["charge"], "metadata": {"payment_no": payment.payment_no}}
    if refund is not None:
        source = {"id": refund.provider_refund_no, "metadata": refund.extra["metadata"]}
    amount = payment.amount_minor if refund is None else -refund.amount_minor
    return {
        "id": f"txn_{source['id']}", "amount": amount, "fee": round(amount * FEE) if refund is None else 0,
        "type": "charge" if refund is None else "refund", "currency": payment.currency.lower(), "source": source,
        "created": _at_ms(payment, refund) // 1000, "status": "available",
    }  # fmt: skip


def _error(status: int, kind: str, code: str, said: str) -> web.Response:
    return web.json_response({"error": {"type": kind, "code": code, "message": said}}, status=status)
