"""epay as a client, version 2: RSA both ways, a stamp of at most five minutes, refunds with a number of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date

from kameng.channels import keys
from kameng.channels.amounts import decimal_of, minor_of
from kameng.channels.calling import Answer, asking, beginning, call
from kameng.channels.epay import wire
from kameng.channels.epay.codes import CODES
from kameng.channels.epay.signing import is_rsa_signed, rsa_sign
from kameng.channels.hosts import gateway_of
from kameng.channels.http import Http
from kameng.channels.model import (
    Account,
    Ack,
    Begun,
    Bill,
    BillRefused,
    Closed,
    Found,
    Incoming,
    Notice,
    Outcome,
    Payment,
    Reference,
    Refund,
    Refunded,
    RefundState,
    Scene,
    Shown,
)  # fmt: skip
from kameng.kit import clock

STAMP_S_MAX = 300

_METHODS: Mapping[Scene, str] = {Scene.qr: "web", Scene.jsapi: "jsapi", Scene.code: "scan"}
_SHOWN_AS: Mapping[str, str] = {
    "jump": "redirect", "qrcode": "qr", "urlscheme": "redirect", "jsapi": "jsapi", "scan": ""
}  # fmt: skip
"""Nothing is shown when a code was scanned. Pages in HTML (``html``) are not shown: they would run in our own origin.
``app`` and the rest are for apps."""


class EpayV2:
    def __init__(self, account: Account, http: Http) -> None:
        self._gateway = f"{gateway_of(account.credentials, '')}/"
        self._pid = account.credentials["pid"]
        self._ours = keys.private_key(account.credentials, "private_key")
        self._theirs = keys.public_key(account.credentials, "platform_public_key")
        self._http = http

    async def begin(self, payment: Payment) -> Begun:
        if not wire.is_ours(payment):
            return Begun(outcome=Outcome.refused_config, message="epay has no such method or currency")
        fields = wire.paying_fields(self._pid, payment)
        if payment.scene in (Scene.page, Scene.wap):
            return Begun(
                outcome=Outcome.accepted, shown=wire.form(f"{self._gateway}api/pay/submit", self._signed(fields))
            )
        fields |= {
            "clientip": payment.client_ip, "method": _METHODS[payment.scene],
            "device": wire.DEVICES.get(payment.scene, "pc"),
        }  # fmt: skip
        fields |= {"auth_code": payment.auth_code} if payment.auth_code else {}
        fields |= {"sub_openid": payment.payer_id} if payment.payer_id else {}
        answer = await call(self._http, "POST", f"{self._gateway}api/pay/create", form=self._signed(fields))
        if (lost := beginning(answer)) is not None:
            return Begun(outcome=lost, message=answer.fault)
        said = _parse(answer)
        code, message = wire.words_of(said)
        outcome = CODES.outcome("begin", code, message)
        number = str(said.get("trade_no", ""))
        if outcome is not Outcome.accepted:
            return Begun(outcome=outcome, provider_no=number, code=code, message=message)
        kind = _SHOWN_AS.get(str(said.get("pay_type", "")))
        if not self._is_genuine(said) or kind is None:
            return Begun(outcome=Outcome.unknown, provider_no=number, code=code, message="the answer is not usable")
        shown = Shown(kind, str(said.get("pay_info", ""))) if kind else None
        return Begun(outcome=outcome, shown=shown, provider_no=number, code=code, message=message)

    async def query(self, reference: Reference) -> Found:
        said, outcome = await self._ask("pay/query", "query", out_trade_no=reference.payment_no)
        code, message = wire.words_of(said)
        return wire.found(said, code, outcome, message, payment_no=reference.payment_no)

    async def close(self, reference: Reference) -> Closed:
        """Newer installations can; others say so, and then nothing can be promised."""
        found = wire.settled(await self.query(reference))
        if found is not None:
            return found
        said, outcome = await self._ask("pay/close", "close", out_trade_no=reference.payment_no)
        code, message = wire.words_of(said)
        return Closed(outcome=outcome, code=code, message=message)

    async def refund(self, refund: Refund) -> Refunded:
        said, outcome = await self._ask(
            "pay/refund", "refund", out_trade_no=refund.payment_no, out_refund_no=refund.refund_no,
            money=decimal_of(refund.amount_minor),
        )  # fmt: skip
        return _refunded(said, outcome, wire.refund_state(outcome))

    async def refund_query(self, refund: Refund) -> Refunded:
        """A record is written after the money went: one that is not there proves nothing."""
        said, outcome = await self._ask("pay/refundquery", "refund_query", out_refund_no=refund.refund_no)
        states = {"1": RefundState.done, "0": RefundState.processing}
        return _refunded(said, outcome, states.get(str(said.get("status", "")), RefundState.unknown))

    async def parse_notice(self, incoming: Incoming) -> Notice:
        """Pure."""
        return wire.read_notice(
            incoming, self._pid, lambda fields: is_rsa_signed(fields, self._theirs), is_young=is_young
        )

    def acknowledge(self, *, is_taken: bool) -> Ack:
        return wire.acknowledgement(is_taken=is_taken)

    async def fetch_bill(self, day: date) -> Bill:
        return await wire.bill_of(day, wire.pages_of(self._orders))

    async def _orders(self, limit: str, offset: str) -> Sequence[object]:
        said, outcome = await self._ask("merchant/orders", "bill", limit=limit, offset=offset)
        lines = said.get("data") or []
        if outcome is not Outcome.done or not isinstance(lines, list):
            raise BillRefused(str(said.get("msg", outcome)))
        return lines

    async def _ask(self, path: str, name: str, **fields: str) -> tuple[dict[str, object], Outcome]:
        """What was said, and what became of it. An answer of success is believed only if it is signed."""
        answer = await call(
            self._http, "POST", f"{self._gateway}api/{path}", form=self._signed({"pid": self._pid, **fields}),
            timeout_s=20 if name == "refund" else 10,
        )  # fmt: skip
        if (lost := asking(answer)) is not None:
            return {"msg": answer.fault}, lost
        said = _parse(answer)
        code = str(said.get("code", ""))
        if not code.startswith("-") and not self._is_genuine(said):  # refusals are not signed
            return {"msg": "the answer's signature is wrong"}, Outcome.unknown
        return said, CODES.outcome(name, code, str(said.get("msg", "")))

    def _is_genuine(self, said: Mapping[str, object]) -> bool:
        return is_rsa_signed(said, self._theirs) and is_young(str(said.get("timestamp", "")))

    def _signed(self, fields: dict[str, str]) -> dict[str, str]:
        stamped = {**fields, "timestamp": str(clock.now_ms() // 1000)}
        return {**stamped, "sign": rsa_sign(stamped, self._ours), "sign_type": "RSA"}


def _parse(answer: Answer) -> dict[str, object]:
    """With numbers as PHP has them when it signs: ``10.0`` in its JSON is ``10`` there, of at most 14 digits."""
    try:
        said = json.loads(answer.body, parse_int=str, parse_float=lambda text: f"{float(text):.14g}")
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def is_young(stamp: str) -> bool:
    """Within five minutes, before or after."""
    return stamp.isdecimal() and len(stamp) < 12 and abs(clock.now_ms() // 1000 - int(stamp)) <= STAMP_S_MAX


def _refunded(said: Mapping[str, object], outcome: Outcome, state: RefundState) -> Refunded:
    amount_minor = minor_of(str(said.get("money", ""))) if outcome is Outcome.done else None
    return Refunded(
        outcome=outcome, state=state, amount_minor=amount_minor, provider_refund_no=str(said.get("refund_no", "")),
        code=str(said.get("code", "")), message=str(said.get("msg", "")),
    )  # fmt: skip
