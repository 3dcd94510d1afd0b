"""Stripe: a Checkout session for cards, a PaymentIntent confirmed at once for Alipay (an address) and WeChat (a code).

Written by hand instead of Stripe's own library: that costs a second of start-up and 25 MB in each process
(measured, 16.1), and what is needed of it is a form, a header for repeats and one HMAC. Every creation bears
``Idempotency-Key``, our own number, so the same call again is the same payment; Stripe repeats even a stored 500 for
it, which stays ``unknown`` here and is never another channel's business.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

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
    Method,
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
from kameng.channels.stripe import signing
from kameng.channels.stripe.codes import (
    CODES,
    EVENTS,
    INTENT_STATES,
    REFUND_EVENTS,
    REFUND_STATES,
    SESSION_STATES,
)  # fmt: skip
from kameng.kit import clock

API = "https://api.stripe.com"
VERSION = "2025-03-31.basil"
LASTS_S_MIN = 31 * 60
"""A session lives half an hour at least; a minute is for the way. Who must end it earlier closes it."""
LASTS_S_MAX = 23 * 3600
PAGES_MAX = 2000

_WALLETS = {Method.alipay: "alipay", Method.wechat: "wechat_pay"}


class Stripe:
    def __init__(self, account: Account, http: Http) -> None:
        given = account.credentials
        self._secret, self._hook_secret = given["secret_key"], given["webhook_secret"]
        self._api = f"{gateway_of(given, API)}/v1/"
        self._http = http

    async def begin(self, payment: Payment) -> Begun:
        is_wallet = payment.method in _WALLETS
        path = "payment_intents" if is_wallet else "checkout/sessions"
        fields = _intent(payment) if is_wallet else _session(payment)
        answer = await self._call("POST", path, fields, key=payment.payment_no)
        if (lost := beginning(answer)) is not None:
            return Begun(outcome=lost, message=answer.fault)
        said, code, message = _said(answer)
        outcome = CODES.outcome("begin", code, message)
        if outcome is not Outcome.done:
            return Begun(outcome=outcome, code=code, message=message)
        shown = _shown(said)
        return Begun(
            outcome=Outcome.accepted if shown else Outcome.unknown, shown=shown, provider_no=str(said.get("id", ""))
        )

    async def query(self, reference: Reference) -> Found:
        """By Stripe's own number; without it the same creation again tells it."""
        number = reference.provider_no
        if not number:
            return Found(outcome=Outcome.unknown, message="Stripe's number is not known")
        is_session = number.startswith("cs_")
        answer = await self._call("GET", f"{'checkout/sessions' if is_session else 'payment_intents'}/{number}")
        if (lost := asking(answer)) is not None:
            return Found(outcome=lost, message=answer.fault)
        said, code, message = _said(answer)
        outcome = CODES.outcome("query", code, message)
        if outcome is Outcome.done and said.get("id") != number:
            outcome = Outcome.unknown
        if outcome is not Outcome.done:
            return Found(outcome=outcome, code=code, message=message)
        return Found(
            outcome=outcome, state=_state(said), amount_minor=_integer(said.get("amount_total") or said.get("amount")),
            currency=str(said.get("currency", "")).upper(), provider_no=number,
            code=str(said.get("payment_status") or said.get("status") or ""),
        )  # fmt: skip

    async def close(self, reference: Reference) -> Closed:
        found = await self.query(reference)
        if found.outcome is not Outcome.done:
            return Closed(outcome=found.outcome, code=found.code, message=found.message)
        if found.state in (State.paid, State.closed):
            return Closed(outcome=Outcome.paid if found.state is State.paid else Outcome.done, code=found.code)
        number = reference.provider_no
        path = f"checkout/sessions/{number}/expire" if number.startswith("cs_") else f"payment_intents/{number}/cancel"
        answer = await self._call("POST", path, {})
        if (lost := asking(answer)) is not None:
            return Closed(outcome=lost, message=answer.fault)
        _, code, message = _said(answer)
        return Closed(outcome=CODES.outcome("close", code, message), code=code, message=message)

    async def refund(self, refund: Refund) -> Refunded:
        intent, lost = await self._intent_of(refund)
        if lost is not None:
            return lost
        fields = {
            "payment_intent": intent, "amount": str(refund.amount_minor), "metadata[refund_no]": refund.refund_no,
            "metadata[payment_no]": refund.payment_no,
        }  # fmt: skip
        answer = await self._call("POST", "refunds", fields, key=refund.refund_no)
        if (fault := asking(answer)) is not None:
            return Refunded(outcome=fault, message=answer.fault)
        said, code, message = _said(answer)
        outcome = CODES.outcome("refund", code, message)
        if outcome is Outcome.done:
            return _refunded(said)
        state = RefundState.failed if outcome is Outcome.refused_channel else RefundState.unknown
        return Refunded(outcome=outcome, state=state, code=code, message=message)

    async def refund_query(self, refund: Refund) -> Refunded:
        """Stripe finds refunds by its own numbers: ours stands among those of the payment."""
        intent, lost = await self._intent_of(refund)
        if lost is not None:
            return lost
        answer = await self._call("GET", "refunds", {"payment_intent": intent, "limit": "100"})
        if (fault := asking(answer)) is not None:
            return Refunded(outcome=fault, message=answer.fault)
        said, code, message = _said(answer)
        outcome = CODES.outcome("refund_query", code, message)
        ours = (x for x in _dicts(said.get("data")) if _metadata(x).get("refund_no") == refund.refund_no)
        found = next(ours, None)
        return _refunded(found) if found is not None else Refunded(outcome=outcome, code=code, message=message)

    async def parse_notice(self, incoming: Incoming) -> Notice:
        """Pure."""
        header, now_s = incoming.headers.get("stripe-signature", ""), clock.now_ms() // 1000
        if not signing.is_signed(header, incoming.body, self._hook_secret, now_s=now_s):
            raise BadNotice("the signature is wrong, or it is too old")
        try:
            event = json.loads(incoming.body, parse_float=str)
            told, kind, number = event["data"]["object"], str(event["type"]), str(event["id"])
        except (ValueError, KeyError, TypeError):
            raise BadNotice("it is no event") from None
        numbers, currency = _metadata(told), str(told.get("currency", "")).upper()
        payment_no, refund_no = numbers.get("payment_no", ""), numbers.get("refund_no", "")
        if kind in REFUND_EVENTS and refund_no:
            return Notice(
                kind=NoticeKind.refund, event_id=number, payment_no=payment_no, refund_no=refund_no,
                refund_state=REFUND_STATES.get(str(told.get("status")), RefundState.unknown), currency=currency,
                amount_minor=_integer(told.get("amount")), provider_no=str(told.get("id", "")),
            )  # fmt: skip
        if kind not in EVENTS or not payment_no:
            return Notice(kind=NoticeKind.other, event_id=number)
        state = State.paid if told.get("payment_status") == "paid" else EVENTS[kind]
        return Notice(
            kind=NoticeKind.payment, event_id=number, payment_no=payment_no, state=state, currency=currency,
            amount_minor=_integer(told.get("amount_total") or told.get("amount")), provider_no=str(told.get("id", "")),
            paid_at=_time(event.get("created")) if state is State.paid else None,
        )  # fmt: skip

    def acknowledge(self, *, is_taken: bool) -> Ack:
        return Ack(200) if is_taken else Ack(500)

    async def fetch_bill(self, day: date) -> Bill:
        """The balance's movements of a day of China that payments and refunds made; fees are exact here."""
        begin_s = clock.china_start_ms(day) // 1000
        if clock.now_ms() // 1000 < begin_s + 86400:
            raise BillNotReady
        lines: list[BillLine] = []
        fields = {
            "created[gte]": str(begin_s), "created[lt]": str(begin_s + 86400), "limit": "100",
            "expand[]": "data.source",
        }  # fmt: skip
        for _ in range(PAGES_MAX):
            answer = await self._call("GET", "balance_transactions", fields)
            said, code, message = _said(answer)
            moves = _dicts(said.get("data"))
            if asking(answer) is not None or CODES.outcome("bill", code, message) is not Outcome.done:
                raise BillRefused(f"{code} {message}".strip() or answer.fault)
            lines += [line for move in moves if (line := _line(move)) is not None]
            if not said.get("has_more") or not moves:
                return Bill(day=day, lines=lines[::-1])
            fields["starting_after"] = str(moves[-1]["id"])
        raise BillRefused("it has no end")

    async def _intent_of(self, refund: Refund) -> tuple[str, Refunded | None]:
        """The PaymentIntent to give back from: a session has one inside."""
        number = refund.provider_no
        if number.startswith("pi_"):
            return number, None
        if not number.startswith("cs_"):
            return "", Refunded(outcome=Outcome.refused_config, message="Stripe's number is not known")
        answer = await self._call("GET", f"checkout/sessions/{number}")
        said, code, message = _said(answer)
        intent = str(said.get("payment_intent") or "")
        if asking(answer) is None and intent:
            return intent, None
        return "", Refunded(outcome=Outcome.rate_limited, code=code, message=message or answer.fault)

    async def _call(self, method: str, path: str, fields: Mapping[str, str] | None = None, *, key: str = "") -> Answer:
        headers = {"authorization": f"Bearer {self._secret}", "stripe-version": VERSION}
        headers |= {"idempotency-key": key} if key else {}
        params, form = (fields, None) if method == "GET" else (None, fields)
        return await call(
            self._http, method, f"{self._api}{path}", params=params, form=form, headers=headers, timeout_s=25
        )


def _session(payment: Payment) -> dict[str, str]:
    left_s = int((payment.expires_at - payment.begun_at).total_seconds())
    ends_s = int(payment.begun_at.timestamp()) + min(max(left_s, LASTS_S_MIN), LASTS_S_MAX)
    return {
        "mode": "payment", "client_reference_id": payment.payment_no, "expires_at": str(ends_s),
        "line_items[0][quantity]": "1", "line_items[0][price_data][currency]": payment.currency.lower(),
        "line_items[0][price_data][unit_amount]": str(payment.amount_minor),
        "line_items[0][price_data][product_data][name]": payment.subject,
        "metadata[payment_no]": payment.payment_no, "payment_intent_data[metadata][payment_no]": payment.payment_no,
        "success_url": payment.return_url or payment.notify_url, "cancel_url": payment.return_url or payment.notify_url,
    }  # fmt: skip


def _intent(payment: Payment) -> dict[str, str]:
    kind = _WALLETS[payment.method]
    fields = {
        "amount": str(payment.amount_minor), "currency": payment.currency.lower(), "confirm": "true",
        "payment_method_types[]": kind, "payment_method_data[type]": kind, "description": payment.subject,
        "metadata[payment_no]": payment.payment_no,
    }  # fmt: skip
    if payment.method is Method.wechat:
        return fields | {"payment_method_options[wechat_pay][client]": "web"}
    return fields | {"return_url": payment.return_url or payment.notify_url}


def _shown(said: Mapping[str, Any]) -> Shown | None:
    if said.get("url"):
        return Shown("redirect", str(said["url"]))
    action = said.get("next_action") or {}
    if code := (action.get("wechat_pay_display_qr_code") or {}).get("data"):
        return Shown("qr", str(code))
    led = action.get("alipay_handle_redirect") or action.get("redirect_to_url") or {}
    return Shown("redirect", str(led["url"])) if led.get("url") else None


def _state(said: Mapping[str, Any]) -> State:
    if said.get("object") == "checkout.session":
        is_paid = said.get("payment_status") == "paid"
        return State.paid if is_paid else SESSION_STATES.get(str(said.get("status")), State.unknown)
    return INTENT_STATES.get(str(said.get("status")), State.unknown)


def _said(answer: Answer) -> tuple[dict[str, Any], str, str]:
    """The object, and ``ok`` or the error: its code if a table may know it, else its type, else the status."""
    said = answer.json()
    if answer.status == 200 and said:
        return said, "ok", ""
    fault = said.get("error") if isinstance(said.get("error"), dict) else {}
    assert isinstance(fault, dict)
    message = str(fault.get("message", ""))
    if answer.status in (401, 403, 404, 409):
        return {}, str(answer.status), message
    code, kind = str(fault.get("code", "")), str(fault.get("type", ""))
    return {}, code if kind == "invalid_request_error" and code in _CODES_KNOWN else kind, message


_CODES_KNOWN = frozenset({
    "payment_intent_unexpected_state", "charge_already_refunded", "insufficient_funds", "balance_insufficient",
    "amount_too_small", "amount_too_large",
})  # fmt: skip


def _refunded(said: Mapping[str, Any]) -> Refunded:
    return Refunded(
        outcome=Outcome.done, state=REFUND_STATES.get(str(said.get("status")), RefundState.unknown),
        amount_minor=_integer(said.get("amount")), provider_refund_no=str(said.get("id", "")),
        code=str(said.get("status", "")), message=str(said.get("failure_reason") or ""),
    )  # fmt: skip


_MOVES = {"charge": "payment", "payment": "payment", "refund": "refund", "payment_refund": "refund"}


def _line(move: Mapping[str, Any]) -> BillLine | None:
    """Movements that are no payment's (payouts, Stripe's own fees) are left out."""
    kind, source, at = _MOVES.get(str(move.get("type"))), move.get("source"), _time(move.get("created"))
    amount, numbers = _integer(move.get("amount")), _metadata(source if isinstance(source, dict) else {})
    if kind is None or amount is None or at is None:
        return None
    return BillLine(
        kind=NoticeKind(kind), payment_no=numbers.get("payment_no", ""), refund_no=numbers.get("refund_no", ""),
        provider_no=str(source.get("id", "")) if isinstance(source, dict) else str(source or ""),
        amount_minor=abs(amount), fee_minor=_integer(move.get("fee")) or 0,
        currency=str(move.get("currency", "")).upper(), at=at, state=str(move.get("status", "")),
    )  # fmt: skip


def _metadata(said: Mapping[str, Any]) -> dict[str, str]:
    found = said.get("metadata")
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}


def _dicts(found: object) -> list[dict[str, Any]]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _integer(value: object) -> int | None:
    text = str(value)
    return int(text) if text.removeprefix("-").isdecimal() and len(text) < 16 else None


def _time(value: object) -> datetime | None:
    stamp = _integer(value)
    return None if stamp is None else datetime.fromtimestamp(0, UTC) + timedelta(seconds=stamp)
