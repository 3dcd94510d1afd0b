"""epay as a client, version 1: MD5. Its notices can be forged by whoever has seen the key, and its questions carry the
key in clear: callers ask with ``query`` before they believe a notice, and addresses are never logged.

A refund has no number of its own here, so only the whole is given back: of that a second try is told apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from kameng.channels.amounts import decimal_of
from kameng.channels.calling import Answer, asking, beginning, call
from kameng.channels.epay import wire
from kameng.channels.epay.codes import CODES, REFUNDED_BEFORE
from kameng.channels.epay.signing import is_md5_signed, md5_sign
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


class EpayV1:
    def __init__(self, account: Account, http: Http) -> None:
        self._gateway = f"{gateway_of(account.credentials, '')}/"
        self._pid, self._key = account.credentials["pid"], account.credentials["key"]
        self._http = http

    async def begin(self, payment: Payment) -> Begun:
        """A page is a form to ``submit.php``, without asking first; a code to scan comes from ``mapi.php``."""
        if not wire.is_ours(payment):
            return Begun(outcome=Outcome.refused_config, message="epay has no such method or currency")
        fields = wire.paying_fields(self._pid, payment)
        if payment.scene in (Scene.page, Scene.wap):
            return Begun(outcome=Outcome.accepted, shown=wire.form(f"{self._gateway}submit.php", self._signed(fields)))
        fields |= {"clientip": payment.client_ip, "device": wire.DEVICES.get(payment.scene, "pc")}
        answer = await call(self._http, "POST", f"{self._gateway}mapi.php", form=self._signed(fields))
        if (lost := beginning(answer)) is not None:
            return Begun(outcome=lost, message=answer.fault)
        said = answer.json()
        code, message = wire.words_of(said)
        outcome = CODES.outcome("begin", code, message)
        shown = _shown(said) if outcome is Outcome.accepted else None
        if outcome is Outcome.accepted and shown is None:
            outcome = Outcome.unknown
        return Begun(
            outcome=outcome, shown=shown, provider_no=str(said.get("trade_no", "")), code=code, message=message
        )

    async def query(self, reference: Reference) -> Found:
        answer = await self._ask("order", out_trade_no=reference.payment_no)
        if (lost := asking(answer)) is not None:
            return Found(outcome=lost, message=answer.fault)
        said = answer.json()
        code, message = wire.words_of(said)
        outcome = CODES.outcome("query", code, message)
        return wire.found(said, code, outcome, message, payment_no=reference.payment_no)

    async def close(self, reference: Reference) -> Closed:
        """There is no such call: what was paid is found, and nothing else can be promised."""
        found = wire.settled(await self.query(reference))
        return found or Closed(outcome=Outcome.refused_channel, message="epay v1 has no closing")

    async def refund(self, refund: Refund) -> Refunded:
        if refund.amount_minor != refund.total_minor:
            return Refunded(
                outcome=Outcome.refused_channel, state=RefundState.failed, message="epay v1 gives back the whole only"
            )
        fields = {
            "pid": self._pid, "key": self._key, "out_trade_no": refund.payment_no,
            "money": decimal_of(refund.amount_minor),
        }  # fmt: skip
        answer = await call(
            self._http, "POST", f"{self._gateway}api.php", params={"act": "refund"}, form=fields, timeout_s=20
        )
        if (lost := asking(answer)) is not None:
            return Refunded(outcome=lost, message=answer.fault)
        said = answer.json()
        code, message = wire.words_of(said)
        is_before = any(words in message for words in REFUNDED_BEFORE)
        outcome = Outcome.done if is_before else CODES.outcome("refund", code, message)
        return Refunded(
            outcome=outcome, state=wire.refund_state(outcome), provider_refund_no=str(said.get("refund_no", "")),
            amount_minor=refund.amount_minor if outcome is Outcome.done else None, code=code, message=message,
        )  # fmt: skip

    async def refund_query(self, refund: Refund) -> Refunded:
        """By the order's state: of the whole, that is the answer. One still paid may be on its way."""
        answer = await self._ask("order", out_trade_no=refund.payment_no)
        if (lost := asking(answer)) is not None:
            return Refunded(outcome=lost, message=answer.fault)
        said = answer.json()
        code, message = wire.words_of(said)
        is_back = str(said.get("status")) == "2"
        return Refunded(
            outcome=CODES.outcome("refund_query", code, message), code=code, message=message,
            state=RefundState.done if is_back else RefundState.unknown,
            amount_minor=refund.amount_minor if is_back else None,
        )  # fmt: skip

    async def parse_notice(self, incoming: Incoming) -> Notice:
        """Pure: nobody is asked here. The key leaks easily, so the caller asks with ``query`` before it believes."""
        return wire.read_notice(
            incoming, self._pid, lambda fields: is_md5_signed(fields, self._key), is_young=lambda _: True
        )

    def acknowledge(self, *, is_taken: bool) -> Ack:
        return wire.acknowledgement(is_taken=is_taken)

    async def fetch_bill(self, day: date) -> Bill:
        return await wire.bill_of(day, wire.pages_of(self._orders))

    async def _orders(self, limit: str, offset: str) -> Sequence[object]:
        answer = await self._ask("orders", limit=limit, offset=offset)
        said = answer.json() if asking(answer) is None else {}
        lines = said.get("data") or []
        if str(said.get("code")) != "1" or not isinstance(lines, list):
            raise BillRefused(str(said.get("msg", answer.fault or answer.status)))
        return lines

    async def _ask(self, act: str, **more: str) -> Answer:
        params = {"act": act, "pid": self._pid, "key": self._key, **more}
        return await call(self._http, "GET", f"{self._gateway}api.php", params=params)

    def _signed(self, fields: dict[str, str]) -> dict[str, str]:
        return {**fields, "sign": md5_sign(fields, self._key), "sign_type": "MD5"}


def _shown(said: dict[str, object]) -> Shown | None:
    """Exactly one of three ways; a scheme opens an app, as an address does."""
    if text := str(said.get("qrcode") or ""):
        return Shown("qr", text)
    text = str(said.get("payurl") or said.get("urlscheme") or "")
    return Shown("redirect", text) if text else None
