"""A gateway for USDT of one's own, in three dialects: ``epusdt``, ``gmpay`` (the line that is kept) and ``bepusdt``.

What the customer owes is stated in yuan and paid in coins; the gateway tells payments apart by odd amounts, and no
money can be given back through it: that is a person's work. Notices are signed with MD5 and a token that other shops
of the same gateway may know, so callers ask before they believe; the question knows the state alone, by the gateway's
number, no amount. Dealing in coins is forbidden to businesses in mainland China: this is for abroad, and off unless
somebody sets it up.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec

from kameng.channels.amounts import decimal_of, minor_of
from kameng.channels.calling import Answer, asking, beginning, call
from kameng.channels.hosts import gateway_of
from kameng.channels.http import Http
from kameng.channels.model import (
    Account,
    Ack,
    BadNotice,
    Begun,
    Bill,
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
from kameng.channels.usdt import signing
from kameng.channels.usdt.codes import CODES, STATES
from kameng.kit import clock


class Dialect(msgspec.Struct, frozen=True):
    """Where a relative of epusdt differs: the path, how Go prints its numbers, and what a creation says besides."""

    path: str
    verb: str
    closes: bool = False
    takes_timeout: bool = False
    network_fields: bool = False  # currency, token and network instead of ``trade_type``
    names_merchant: bool = False


DIALECTS: Mapping[str, Dialect] = {
    "epusdt": Dialect("api/v1/order/", "f"),
    "bepusdt": Dialect("api/v1/order/", "v", closes=True, takes_timeout=True),
    "gmpay": Dialect("payments/gmpay/v1/order/", "f", network_fields=True, names_merchant=True),
}
TIMEOUT_S_MIN = 120

_JSON = {"content-type": "application/json"}


class Usdt:
    def __init__(self, account: Account, http: Http) -> None:
        given = account.credentials
        if given["dialect"] not in DIALECTS:
            raise ValueError("dialect")
        self._gateway = f"{gateway_of(given, '')}/"
        self._dialect = DIALECTS[given["dialect"]]
        self._token, self._pid = given["token"], given.get("pid", "")
        if self._dialect.names_merchant and not self._pid:
            raise ValueError("pid")
        self._trade_type = given.get("trade_type") or "usdt.trc20"
        self._http = http

    async def begin(self, payment: Payment) -> Begun:
        if payment.currency != "CNY":
            return Begun(outcome=Outcome.refused_config, message="the gateway counts in yuan")
        answer = await self._post("create-transaction", self._creation(payment))
        if (lost := beginning(answer)) is not None:
            return Begun(outcome=lost, message=answer.fault)
        code, message, data = _said(answer)
        outcome = CODES.outcome("begin", code, message)
        address = str(data.get("payment_url", ""))
        shown = Shown("redirect", address, _facts(data)) if address else None
        if outcome is Outcome.accepted and shown is None:
            outcome = Outcome.unknown
        return Begun(
            outcome=outcome, shown=shown, provider_no=str(data.get("trade_id", "")), code=code, message=message
        )

    async def query(self, reference: Reference) -> Found:
        """By the gateway's own number; without it nothing can be asked, and the same creation again tells it."""
        if not reference.provider_no:
            return Found(outcome=Outcome.unknown, message="the gateway's number is not known")
        answer = await call(self._http, "GET", f"{self._gateway}pay/check-status/{reference.provider_no}")
        if (lost := asking(answer)) is not None:
            return Found(outcome=lost, message=answer.fault)
        code, message, data = _said(answer)
        outcome = CODES.outcome("query", code, message)
        if outcome is not Outcome.done or str(data.get("trade_id")) != reference.provider_no:
            return Found(outcome=Outcome.unknown, code=code, message=message)
        return Found(
            outcome=outcome, state=STATES.get(str(data.get("status")), State.unknown), currency="CNY",
            provider_no=reference.provider_no, code=str(data.get("status", "")),
        )  # fmt: skip

    async def close(self, reference: Reference) -> Closed:
        """BEpusdt can; with the others the window ends by itself."""
        found = await self.query(reference)
        if found.outcome is not Outcome.done:
            return Closed(outcome=found.outcome, code=found.code, message=found.message)
        if found.state in (State.paid, State.closed):
            return Closed(outcome=Outcome.paid if found.state is State.paid else Outcome.done, code=found.code)
        if not self._dialect.closes:
            return Closed(outcome=Outcome.rate_limited, message="it ends by itself")
        answer = await self._post("cancel-transaction", {"trade_id": reference.provider_no})
        if (lost := asking(answer)) is not None:
            return Closed(outcome=lost, message=answer.fault)
        code, message, _ = _said(answer)
        return Closed(outcome=CODES.outcome("close", code, message), code=code, message=message)

    async def refund(self, refund: Refund) -> Refunded:
        """Never: coins that left a wallet of one's own are sent by a person."""
        said = f"the gateway can't give back {refund.payment_no}"
        return Refunded(outcome=Outcome.refused_channel, state=RefundState.failed, message=said)

    async def refund_query(self, refund: Refund) -> Refunded:
        return await self.refund(refund)

    async def parse_notice(self, incoming: Incoming) -> Notice:
        """Pure. Of a payment that waits, BEpusdt tells every minute: that is ``other``."""
        try:
            fields = json.loads(incoming.body)
        except ValueError:
            raise BadNotice("it is no JSON") from None
        if not isinstance(fields, dict) or not signing.is_signed(fields, self._token, verb=self._dialect.verb):
            raise BadNotice("the signature is wrong")
        if self._dialect.names_merchant and str(fields.get("pid")) != self._pid:
            raise BadNotice("another merchant's")
        status, number = str(fields.get("status", "")), str(fields.get("trade_id", ""))
        state, amount_minor = STATES.get(status, State.unknown), minor_of(fields.get("amount"))
        if state is State.paid and amount_minor is None:
            raise BadNotice("its amount is none")
        is_news = state in (State.paid, State.closed)
        return Notice(
            kind=NoticeKind.payment if is_news else NoticeKind.other, event_id=f"{number}:{status}",
            payment_no=str(fields.get("order_id", "")), provider_no=number, state=state, amount_minor=amount_minor,
            currency="CNY", account_no=self._pid,
        )  # fmt: skip

    def acknowledge(self, *, is_taken: bool) -> Ack:
        return Ack(200, b"ok") if is_taken else Ack(500, b"fail")

    async def fetch_bill(self, day: date) -> Bill:
        raise BillRefused(f"the gateway makes no bill of {day}: the chain is one")

    def _creation(self, payment: Payment) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "order_id": payment.payment_no, "amount": _number(payment.amount_minor), "notify_url": payment.notify_url,
            "redirect_url": payment.return_url or payment.notify_url,
        }  # fmt: skip
        if self._dialect.network_fields:
            coin, _, network = self._trade_type.partition(".")
            fields |= {"currency": "cny", "token": coin, "network": _NETWORKS.get(network, network)}
            fields |= {"pid": self._pid, "name": payment.subject}
        else:
            fields |= {"trade_type": self._trade_type}
        if self._dialect.takes_timeout:
            left_s = int((payment.expires_at - clock.now()).total_seconds())
            fields |= {"timeout": max(left_s, TIMEOUT_S_MIN)}
        return fields

    async def _post(self, path: str, fields: dict[str, Any]) -> Answer:
        signature = signing.signature(fields, self._token, verb=self._dialect.verb)
        body = json.dumps({**fields, "signature": signature}, ensure_ascii=False).encode()
        return await call(self._http, "POST", f"{self._gateway}{self._dialect.path}{path}", body=body, headers=_JSON)


_NETWORKS = {"trc20": "tron", "erc20": "ethereum", "bep20": "bsc", "polygon": "polygon", "solana": "solana"}


def _number(amount_minor: int) -> int | float:
    """The shortest number; Go reads a float of it either way."""
    return amount_minor // 100 if amount_minor % 100 == 0 else float(decimal_of(amount_minor))


def _said(answer: Answer) -> tuple[str, str, dict[str, Any]]:
    """Code, message, facts. BEpusdt answers a question about a state with the bare facts."""
    said = answer.json()
    if "status_code" not in said and "trade_id" in said:
        return "200", "", said
    data = said.get("data")
    code = str(said.get("status_code") or (answer.status if answer.status >= 400 else ""))
    return code, str(said.get("message") or said.get("error") or ""), data if isinstance(data, dict) else {}


def _facts(data: Mapping[str, Any]) -> dict[str, str]:
    """For who pays without the gateway's page: whereto, and exactly how much."""
    names = {"token": "address", "receive_address": "address", "actual_amount": "amount"}
    return {ours: str(data[theirs]) for theirs, ours in names.items() if data.get(theirs)}
