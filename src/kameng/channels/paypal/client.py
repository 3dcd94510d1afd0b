"""PayPal: an order is created, the payer approves it at PayPal, and money moves when we capture it.

Capturing has no call of its own in ``Channel``, so ``query`` does it: an approved order is captured once, under the
same ``PayPal-Request-Id`` each time, unless its time is over; then it is never captured, which is how it is closed.
For that, callers ask whenever a notice came (``needs_query``). An order's number is PayPal's, and stays the
``provider_no`` of the payment; captures and refunds are found in the order.

Written by hand: the official library is synchronous (it would want threads), takes a second and 25 MB (measured,
2.4.0), and what is left for us are seven calls and a token. Notices are proved by PayPal's own call for that: checking
them here would need its certificates fetched from addresses that the notice names.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from kameng.channels.amounts import decimal_of, places_of
from kameng.channels.calling import Answer, asking, beginning, call
from kameng.channels.hosts import gateway_of
from kameng.channels.http import Http
from kameng.channels.model import (
    Account,
    Ack,
    BadNotice,
    Begun,
    Bill,
    BillLine,
    BillNotReady,
    BillRefused,
    Closed,
    Found,
    Incoming,
    Notice,
    NoticeKind,
    Outcome,
    Payment,
    Reference,
    Refund,
    Refunded,
    RefundState,
    Shown,
    State,
)  # fmt: skip
from kameng.channels.paypal import reading
from kameng.channels.paypal.codes import CAPTURE_STATES, CODES, EVENTS, FORGOTTEN, REFUND_EVENTS, REFUND_STATES
from kameng.kit import clock

HOSTS = {"live": "https://api-m.paypal.com", "sandbox": "https://api-m.sandbox.paypal.com"}
FORGOTTEN_AFTER = timedelta(hours=6)
"""So long after its beginning an order that PayPal does not know any more was never approved."""
BILL_AFTER = timedelta(hours=4)
"""Transactions can be searched for after three hours."""
PAGES_MAX = 200

_PROOF = {
    "auth_algo": "paypal-auth-algo", "cert_url": "paypal-cert-url", "transmission_id": "paypal-transmission-id",
    "transmission_sig": "paypal-transmission-sig", "transmission_time": "paypal-transmission-time",
}  # fmt: skip


class PayPal:
    def __init__(self, account: Account, http: Http) -> None:
        given = account.credentials
        mode = given.get("mode") or "live"
        if mode not in HOSTS:
            raise ValueError("mode")
        self._id, self._secret, self._hook_id = given["client_id"], given["client_secret"], given["webhook_id"]
        self._api = f"{gateway_of(given, HOSTS[mode])}/"
        self._http = http
        self._token, self._token_until_ms = "", 0

    async def begin(self, payment: Payment) -> Begun:
        answer = await self._call("POST", "v2/checkout/orders", _order(payment), key=payment.payment_no)
        if (lost := beginning(answer)) is not None:
            return Begun(outcome=lost, message=answer.fault)
        said, code, message = reading.said(answer)
        outcome = CODES.outcome("begin", code, message)
        if outcome is not Outcome.done:
            return Begun(outcome=outcome, code=code, message=message)
        links = {str(link.get("rel")): str(link.get("href")) for link in reading.dicts(said.get("links"))}
        address = links.get("payer-action") or links.get("approve")
        return Begun(
            outcome=Outcome.accepted if address else Outcome.unknown, provider_no=str(said.get("id", "")),
            shown=Shown("redirect", address) if address else None,
        )  # fmt: skip

    async def query(self, reference: Reference) -> Found:
        """Asks; and captures what the payer approved in time."""
        said, lost = await self._look(reference)
        if lost is not None:
            return lost
        is_over = reference.expires_at is not None and clock.now() > reference.expires_at
        if said.get("status") == "APPROVED" and not is_over:
            path = f"v2/checkout/orders/{reference.provider_no}/capture"
            answer = await self._call("POST", path, {}, key=f"{reference.payment_no}-capture")
            if (fault := asking(answer)) is not None:
                return Found(outcome=fault, message=answer.fault)
            captured, code, message = reading.said(answer)
            outcome = CODES.outcome("capture", code, message)
            if outcome is Outcome.declined_user:
                return Found(outcome=Outcome.done, state=State.failed, code=code, message=message)
            if outcome is not Outcome.done:
                return Found(outcome=outcome, code=code, message=message)
            said = captured
        return _found(said, reference, is_over=is_over)

    async def close(self, reference: Reference) -> Closed:
        """What is not captured is not paid, and is not captured once its time is over."""
        said, lost = await self._look(reference)
        if lost is not None:
            if lost.state is State.closed:
                return Closed(outcome=Outcome.done, code=lost.code)
            return Closed(outcome=lost.outcome, code=lost.code, message=lost.message)
        is_paid = _found(said, reference, is_over=True).state in (State.paid, State.refunded)
        return Closed(outcome=Outcome.paid if is_paid else Outcome.done, code=str(said.get("status", "")))

    async def refund(self, refund: Refund) -> Refunded:
        reference = Reference(payment_no=refund.payment_no, provider_no=refund.provider_no, begun_at=refund.begun_at)
        said, lost = await self._look(reference)
        if lost is not None:
            is_ours = lost.outcome is Outcome.refused_config
            outcome = Outcome.refused_config if is_ours else Outcome.rate_limited  # nothing was asked for yet: later
            return Refunded(outcome=outcome, code=lost.code, message=lost.message)
        capture = reading.capture_of(said)
        if capture is None:
            return Refunded(outcome=Outcome.refused_channel, state=RefundState.failed, message="nothing was captured")
        places = places_of(refund.currency)
        body = {
            "amount": {"currency_code": refund.currency, "value": decimal_of(refund.amount_minor, places=places)},
            "custom_id": refund.refund_no, **({"note_to_payer": refund.reason[:255]} if refund.reason else {}),
        }  # fmt: skip
        path = f"v2/payments/captures/{capture['id']}/refund"
        answer = await self._call("POST", path, body, key=refund.refund_no)
        if (fault := asking(answer)) is not None:
            return Refunded(outcome=fault, message=answer.fault)
        told, code, message = reading.said(answer)
        outcome = CODES.outcome("refund", code, message)
        if outcome is Outcome.done:
            return _refunded(told)
        state = RefundState.failed if outcome is Outcome.refused_channel else RefundState.unknown
        return Refunded(outcome=outcome, state=state, code=code, message=message)

    async def refund_query(self, refund: Refund) -> Refunded:
        reference = Reference(payment_no=refund.payment_no, provider_no=refund.provider_no, begun_at=refund.begun_at)
        said, lost = await self._look(reference)
        if lost is not None:
            return Refunded(outcome=lost.outcome, code=lost.code, message=lost.message)
        ours = (one for one in reading.refunds_of(said) if one.get("custom_id") == refund.refund_no)
        found = next(ours, None)
        return _refunded(found) if found is not None else Refunded(outcome=Outcome.done, message="it is not there")

    async def parse_notice(self, incoming: Incoming) -> Notice:
        """Proved by PayPal itself. If it can't be asked now, the notice counts as bad: it will come again."""
        if not await self._is_genuine(incoming):
            raise BadNotice("PayPal does not confirm it")
        try:
            event = json.loads(incoming.body, parse_float=str)
            told, kind, number = event["resource"], str(event["event_type"]), str(event["id"])
        except (ValueError, KeyError, TypeError):
            raise BadNotice("it is no event") from None
        amount_minor, currency = reading.amount_of(told)
        if kind in REFUND_EVENTS and told.get("custom_id"):
            return Notice(
                kind=NoticeKind.refund, event_id=number, refund_no=str(told["custom_id"]), amount_minor=amount_minor,
                refund_state=REFUND_STATES.get(str(told.get("status")), RefundState.unknown), currency=currency,
                provider_no=str(told.get("id", "")),
            )  # fmt: skip
        units = reading.dicts(told.get("purchase_units"))
        payment_no = str(told.get("custom_id") or (units[0].get("custom_id") if units else "") or "")
        if kind not in EVENTS or not payment_no:
            return Notice(kind=NoticeKind.other, event_id=number)
        is_order = kind.startswith("CHECKOUT.")
        related = (told.get("supplementary_data") or {}).get("related_ids") or {}
        if is_order and units:
            amount_minor, currency = reading.amount_of(units[0])
        return Notice(
            kind=NoticeKind.payment, event_id=number, payment_no=payment_no, state=EVENTS[kind],
            amount_minor=amount_minor, currency=currency,
            provider_no=str((told.get("id") if is_order else related.get("order_id")) or ""),
            paid_at=reading.time(told.get("create_time")) if EVENTS[kind] is State.paid else None,
        )  # fmt: skip

    def acknowledge(self, *, is_taken: bool) -> Ack:
        return Ack(200) if is_taken else Ack(500)

    async def fetch_bill(self, day: date) -> Bill:
        """The transactions of a day of China."""
        begin = datetime(day.year, day.month, day.day, tzinfo=clock.CHINA)
        if clock.now() < begin + timedelta(days=1) + BILL_AFTER:
            raise BillNotReady
        params = {
            "start_date": begin.isoformat(), "end_date": (begin + timedelta(days=1, seconds=-1)).isoformat(),
            "fields": "transaction_info", "page_size": "500",
        }  # fmt: skip
        lines: list[BillLine] = []
        for page in range(1, PAGES_MAX + 1):
            answer = await self._call("GET", "v1/reporting/transactions", params={**params, "page": str(page)})
            said, code, message = reading.said(answer)
            if asking(answer) is not None or CODES.outcome("bill", code, message) is not Outcome.done:
                raise BillRefused(f"{code} {message}".strip() or answer.fault)
            lines += reading.bill_lines(said)
            if page >= int(said.get("total_pages") or 1):
                return Bill(day=day, lines=lines)
        raise BillRefused("it has no end")

    async def _look(self, reference: Reference) -> tuple[dict[str, Any], Found | None]:
        """The order; or what to say if there is none to see."""
        number = reference.provider_no
        if not number:
            return {}, Found(outcome=Outcome.unknown, message="PayPal's number is not known")
        answer = await self._call("GET", f"v2/checkout/orders/{number}")
        if (lost := asking(answer)) is not None:
            return {}, Found(outcome=lost, message=answer.fault)
        said, code, message = reading.said(answer)
        if code in FORGOTTEN and clock.now() > reference.begun_at + FORGOTTEN_AFTER:
            return {}, Found(outcome=Outcome.done, state=State.closed, code=code, message=message)
        outcome = CODES.outcome("query", code, message)
        if outcome is Outcome.done and said.get("id") != number:
            outcome = Outcome.unknown
        return said, None if outcome is Outcome.done else Found(outcome=outcome, code=code, message=message)

    async def _is_genuine(self, incoming: Incoming) -> bool:
        proof = {ours: incoming.headers.get(header, "") for ours, header in _PROOF.items()}
        try:
            json.loads(incoming.body)
        except ValueError:
            return False
        if not all(proof.values()):
            return False
        # the event goes back byte for byte: written anew, its checksum would differ
        asked = json.dumps({**proof, "webhook_id": self._hook_id}).encode()
        body = asked[:-1] + b',"webhook_event":' + incoming.body + b"}"
        answer = await self._call("POST", "v1/notifications/verify-webhook-signature", body)
        return answer.status == 200 and answer.json().get("verification_status") == "SUCCESS"

    async def _call(
        self, method: str, path: str, body: Mapping[str, Any] | bytes | None = None, *, key: str = "",
        params: Mapping[str, str] | None = None,
    ) -> Answer:  # fmt: skip
        if clock.now_ms() >= self._token_until_ms:
            refused = await self._sign_in()
            if refused is not None:
                return refused
        headers = {"authorization": f"Bearer {self._token}", "content-type": "application/json"}
        headers |= {"paypal-request-id": key, "prefer": "return=representation"} if key else {}
        data = json.dumps(body, ensure_ascii=False).encode() if isinstance(body, Mapping) else body
        answer = await call(
            self._http, method, f"{self._api}{path}", body=data, params=params, headers=headers, timeout_s=25
        )
        if answer.status == 401:
            self._token_until_ms = 0
        return answer

    async def _sign_in(self) -> Answer | None:
        """A token for the next calls. The answer if there is none: nothing was asked of what was meant then."""
        basic = base64.b64encode(f"{self._id}:{self._secret}".encode()).decode()
        answer = await call(
            self._http, "POST", f"{self._api}v1/oauth2/token", form={"grant_type": "client_credentials"},
            headers={"authorization": f"Basic {basic}"},
        )  # fmt: skip
        said = answer.json()
        if answer.status != 200 or not said.get("access_token"):
            if answer.status in (400, 401, 403):
                return Answer(401, answer.body)
            return Answer(0, was_sent=False, fault=answer.fault or f"no token: {answer.status}")
        self._token = str(said["access_token"])
        lasts_s = int(said.get("expires_in") or 0)
        self._token_until_ms = clock.now_ms() + max(lasts_s - 60, 0) * 1000
        return None


def _order(payment: Payment) -> dict[str, Any]:
    amount = decimal_of(payment.amount_minor, places=places_of(payment.currency))
    back = payment.return_url or payment.notify_url
    context = {
        "return_url": back, "cancel_url": back, "user_action": "PAY_NOW", "shipping_preference": "NO_SHIPPING",
    }  # fmt: skip
    return {
        "intent": "CAPTURE", "payment_source": {"paypal": {"experience_context": context}},
        "purchase_units": [{
            "custom_id": payment.payment_no, "invoice_id": payment.payment_no, "description": payment.subject[:127],
            "amount": {"currency_code": payment.currency, "value": amount},
        }],
    }  # fmt: skip


def _found(said: Mapping[str, Any], reference: Reference, *, is_over: bool) -> Found:
    capture = reading.capture_of(said)
    if capture is None:
        is_gone = is_over or said.get("status") == "VOIDED"
        state = State.closed if is_gone else State.waiting
        return Found(
            outcome=Outcome.done, state=state, provider_no=reference.provider_no, code=str(said.get("status", ""))
        )
    amount_minor, currency = reading.amount_of(capture)
    state = CAPTURE_STATES.get(str(capture.get("status")), State.unknown)
    return Found(
        outcome=Outcome.done, state=state, amount_minor=amount_minor, currency=currency,
        provider_no=reference.provider_no, code=str(capture.get("status", "")),
        paid_at=reading.time(capture.get("create_time")) if state in (State.paid, State.refunded) else None,
        payer=str((said.get("payer") or {}).get("payer_id", "")),
    )  # fmt: skip


def _refunded(said: Mapping[str, Any]) -> Refunded:
    amount_minor, _ = reading.amount_of(said)
    return Refunded(
        outcome=Outcome.done, state=REFUND_STATES.get(str(said.get("status")), RefundState.unknown),
        amount_minor=amount_minor, provider_refund_no=str(said.get("id", "")), code=str(said.get("status", "")),
    )  # fmt: skip
