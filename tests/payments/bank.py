"""A provider on loopback, with a protocol of its own that an adapter here speaks: what it is told to do, it does.

It keeps its own books of payments and refunds, so a test can ask at the end what it still owes the platform.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from typing import Any, cast

import msgspec
from aiohttp import web

from kameng import channels
from kameng.channels import (
    Account,
    Ack,
    BadNotice,
    Begun,
    Bill,
    BillNotReady,
    Closed,
    Field,
    Found,
    Incoming,
    Method,
    Notice,
    Outcome,
    ProtocolSpec,
    Reference,
    Refunded,
    RefundState,
    Scene,
    Shown,
    State,
    calling,
)

PROTOCOL = "loopback"
_events = count(1)


@dataclass
class Kept:
    """A payment as the provider has it."""

    amount_minor: int
    state: str = "waiting"
    paid_minor: int = 0
    refunds: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass
class Bank:
    """What it answers can be set: ``begins`` in turn (then accepted), ``closes``, ``refund_state``, ``is_silent``."""

    base: str = ""
    secret: str = "s3cret"
    payments: dict[str, Kept] = field(default_factory=dict)
    begins: list[str] = field(default_factory=list)
    closes: list[str] = field(default_factory=list)
    refund_states: list[str] = field(default_factory=list)
    is_silent: bool = False
    calls: list[tuple[str, str]] = field(default_factory=list)

    def pay(self, payment_no: str, amount_minor: int | None = None) -> None:
        """A customer pays; nobody is told by that."""
        kept = self.payments[payment_no]
        assert kept.state == "waiting", kept.state
        kept.paid_minor = kept.amount_minor if amount_minor is None else amount_minor
        kept.state = "paid"

    def notice(self, payment_no: str, *, event_id: str = "", secret: str | None = None, **facts: Any) -> Incoming:
        """What it tells of a payment, signed."""
        kept = self.payments.get(payment_no)
        told = {
            "kind": "payment", "event_id": event_id or f"event-{payment_no}", "payment_no": payment_no,
            "state": "paid", "amount_minor": kept.paid_minor if kept else 1, "currency": "CNY", "account_no": "M-1",
            "provider_no": f"P{payment_no}",
        } | facts  # fmt: skip
        body = msgspec.json.encode(told)
        sign = hmac.new((secret or self.secret).encode(), body, hashlib.sha256).hexdigest()
        return Incoming("POST", "", {"x-sign": sign}, body)

    def refund_notice(self, refund_no: str, state: str) -> Incoming:
        return self.notice(
            "", kind="refund", refund_no=refund_no, refund_state=state, event_id=f"{refund_no}-{state}",
            state="unknown", amount_minor=None,
        )  # fmt: skip

    @property
    def owed_minor(self) -> int:
        """What it took for us and did not give back."""
        back = sum(
            one["amount"] for kept in self.payments.values() for one in kept.refunds.values() if one["state"] == "done"
        )
        return sum(kept.paid_minor for kept in self.payments.values()) - back

    async def answer(self, request: web.Request) -> web.Response:
        call = request.match_info["call"]
        asked = msgspec.json.decode(await request.read())
        number = asked["payment_no"]
        self.calls.append((call, asked.get("refund_no") or number))
        if self.is_silent:
            return web.Response(status=500)
        answer = getattr(self, f"_{call}")(asked, self.payments.get(number))
        return web.json_response(answer)

    def _begin(self, asked: Mapping[str, Any], _: Kept | None) -> dict[str, Any]:
        how = self.begins.pop(0) if self.begins else "accepted"
        if how in ("accepted", "unknown", "paid"):
            self.payments[asked["payment_no"]] = Kept(asked["amount_minor"])
        if how == "paid":
            self.pay(asked["payment_no"])
        return {"outcome": how}

    def _query(self, asked: Mapping[str, Any], kept: Kept | None) -> dict[str, Any]:
        if kept is None:
            return {"outcome": "done", "state": "waiting"}
        return {"outcome": "done", "state": kept.state, "amount_minor": kept.paid_minor if kept.paid_minor else None}

    def _close(self, asked: Mapping[str, Any], kept: Kept | None) -> dict[str, Any]:
        how = self.closes.pop(0) if self.closes else "done"
        if kept is not None and kept.state == "paid":
            return {"outcome": "paid"}
        if how == "done":
            self.payments.setdefault(asked["payment_no"], Kept(0)).state = "closed"
        return {"outcome": how}

    def _refund(self, asked: Mapping[str, Any], kept: Kept | None) -> dict[str, Any]:
        assert kept is not None
        one = kept.refunds.get(asked["refund_no"])
        if one is None or one["state"] == "refused":
            state = self.refund_states.pop(0) if self.refund_states else "done"
            spent = sum(other["amount"] for other in kept.refunds.values())
            if one is None:
                assert spent + asked["amount_minor"] <= kept.paid_minor, "more than was paid"
            one = kept.refunds[asked["refund_no"]] = {"state": state, "amount": asked["amount_minor"]}
            if state == "lost":  # done, and the answer never came
                one["state"] = "done"
                return {"outcome": "unknown"}
        if one["state"] == "refused":
            return {"outcome": "refused_channel"}
        return {"outcome": "done", "state": one["state"], "amount_minor": one["amount"]}

    def _refund_query(self, asked: Mapping[str, Any], kept: Kept | None) -> dict[str, Any]:
        assert kept is not None
        one = kept.refunds[asked["refund_no"]]
        if one["state"] == "processing" and self.refund_states:
            one["state"] = self.refund_states.pop(0)
        return {"outcome": "done", "state": one["state"], "amount_minor": one["amount"]}


class Loopback:
    """The adapter of that protocol."""

    def __init__(self, account: Account, http: channels.Http) -> None:
        self._base = account.credentials["base"]
        self._secret = account.credentials["secret"].encode()
        self._http = http

    async def _ask(self, call: str, what: Any) -> dict[str, Any]:
        answer = await calling.call(self._http, "POST", f"{self._base}/{call}", body=msgspec.json.encode(what))
        if answer.status != 200:
            return {"outcome": "unknown"}
        return cast(dict[str, Any], msgspec.json.decode(answer.body))

    async def begin(self, payment: channels.Payment) -> Begun:
        outcome = Outcome((await self._ask("begin", payment))["outcome"])
        shown = Shown("qr", f"loop://{payment.payment_no}") if outcome is Outcome.accepted else None
        return Begun(outcome=outcome, shown=shown)

    async def query(self, reference: Reference) -> Found:
        said = await self._ask("query", reference)
        return Found(
            outcome=Outcome(said["outcome"]), state=State(said.get("state", "unknown")),
            amount_minor=said.get("amount_minor"), currency="CNY", account_no="M-1",
            provider_no=f"P{reference.payment_no}",
        )  # fmt: skip

    async def close(self, reference: Reference) -> Closed:
        return Closed(outcome=Outcome((await self._ask("close", reference))["outcome"]))

    async def refund(self, refund: channels.Refund) -> Refunded:
        return self._refunded(await self._ask("refund", refund))

    async def refund_query(self, refund: channels.Refund) -> Refunded:
        return self._refunded(await self._ask("refund_query", refund))

    @staticmethod
    def _refunded(said: dict[str, Any]) -> Refunded:
        return Refunded(
            outcome=Outcome(said["outcome"]), state=RefundState(said.get("state", "unknown")),
            amount_minor=said.get("amount_minor"),
        )  # fmt: skip

    async def parse_notice(self, incoming: Incoming) -> Notice:
        sign = hmac.new(self._secret, incoming.body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(sign, incoming.headers.get("x-sign", "")):
            raise BadNotice("the signature is not this channel's")
        return msgspec.json.decode(incoming.body, type=Notice)

    def acknowledge(self, *, is_taken: bool) -> Ack:
        return Ack(200, b"success") if is_taken else Ack(500, b"fail")

    async def fetch_bill(self, day: date) -> Bill:
        raise BillNotReady


SPEC = ProtocolSpec(
    PROTOCOL, "回环", "Loopback", (Field("base", "地址", "Address"), Field("secret", "密钥", "Secret", is_secret=True)),
    ((Method.wechat, Scene.qr), (Method.alipay, Scene.qr), (Method.alipay, Scene.code)), Loopback,
)  # fmt: skip
cast(dict[str, ProtocolSpec], channels.PROTOCOLS)[PROTOCOL] = SPEC


@asynccontextmanager
async def open_bank() -> AsyncIterator[Bank]:
    bank = Bank()
    app = web.Application()
    app.router.add_post("/{call}", bank.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    bank.base = f"http://{host}:{port}"
    try:
        yield bank
    finally:
        await runner.cleanup()
