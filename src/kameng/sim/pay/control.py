"""How tests and the demo steer it, besides the wire. All under ``/_sim``, JSON in and out.

GET    /seen                 calls that came, oldest first
GET    /payments             every payment with its refunds; ?payment_no=… one merchant's number
GET    /notices              what was told, and how it was answered
POST   /faults               a list of faults (see ``faults.py``) to play;  DELETE /faults takes back what is left
POST   /pay                  {"payment_no", "provider"?, "is_closed_too"?, "is_quiet"?, "at"?}: the customer pays
POST   /cancel               {"payment_no"}: the customer leaves
POST   /notify               {"payment_no", "refund_no"?, "what"?}: one notice now, with a flaw or without
POST   /age                  {"payment_no", "by_s"}: as if it had been begun, paid and refunded so much earlier
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime

import msgspec
from aiohttp import web

from kameng.sim.pay import books
from kameng.sim.pay.books import Payment
from kameng.sim.pay.faults import Fault
from kameng.sim.pay.ground import Ground


class Payable(msgspec.Struct, forbid_unknown_fields=True):
    """What a steering request names, and wants."""

    payment_no: str
    provider: str = ""
    refund_no: str = ""
    what: str = ""
    is_closed_too: bool = False  # pays although it is closed, which really happens
    is_quiet: bool = False  # no notice
    at: str = ""  # ISO 8601: when it was paid
    by_s: float = 0


class Control:
    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/_sim/seen", self._seen), web.get("/_sim/payments", self._payments),
            web.get("/_sim/notices", self._notices), web.post("/_sim/faults", self._add),
            web.delete("/_sim/faults", self._clear), web.post("/_sim/pay", self._with(self._pay)),
            web.post("/_sim/cancel", self._with(self._cancel)), web.post("/_sim/notify", self._with(self._notify)),
            web.post("/_sim/age", self._with(self._age)),
        ]  # fmt: skip

    def _with(
        self, act: Callable[[Payment, Payable], Awaitable[object]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            try:
                asked = msgspec.json.decode(await request.read(), type=Payable)
            except msgspec.DecodeError as fault:
                raise web.HTTPBadRequest(text=str(fault)) from None
            every = self._ground.books.every(asked.provider)
            payment = next((x for x in every if x.payment_no == asked.payment_no), None)
            if payment is None:
                raise web.HTTPNotFound(text="no such payment")
            return _json(await act(payment, asked))

        return handle

    async def _seen(self, _: web.Request) -> web.Response:
        return _json(self._ground.seen)

    async def _payments(self, request: web.Request) -> web.Response:
        wanted = request.query.get("payment_no", "")
        every = (x for x in self._ground.books.every() if wanted in ("", x.payment_no))
        return _json([{**asdict(x), **self._ground.providers[x.provider].facts(x)} for x in every])

    async def _notices(self, _: web.Request) -> web.Response:
        return _json(self._ground.notifier.log)

    async def _add(self, request: web.Request) -> web.Response:
        try:
            faults = msgspec.json.decode(await request.read(), type=list[Fault])
        except msgspec.DecodeError as fault:
            raise web.HTTPBadRequest(text=str(fault)) from None
        self._ground.faults.add(faults)
        return _json(len(faults))

    async def _clear(self, _: web.Request) -> web.Response:
        self._ground.faults.clear()
        return _json(0)

    async def _pay(self, payment: Payment, asked: Payable) -> object:
        if payment.state == books.PAID or (payment.state == books.CLOSED and not asked.is_closed_too):
            raise web.HTTPConflict(text=payment.state)
        paid = self._ground.pay(payment, is_quiet=asked.is_quiet)
        if paid and asked.at:
            payment.paid_at_ms = int(datetime.fromisoformat(asked.at).timestamp() * 1000)
        return paid

    async def _cancel(self, payment: Payment, _: Payable) -> object:
        if payment.state == books.PAYING:
            payment.state = books.WAITING
        return payment.state

    async def _notify(self, payment: Payment, asked: Payable) -> object:
        flaw = Fault(what=asked.what) if asked.what else None
        refund = payment.find_refund(asked.refund_no) if asked.refund_no else None
        return await self._ground.notifier.send(self._ground.providers[payment.provider], payment, refund, flaw=flaw)

    async def _age(self, payment: Payment, asked: Payable) -> object:
        by_ms = int(asked.by_s * 1000)
        payment.begun_at_ms -= by_ms
        payment.paid_at_ms -= by_ms if payment.paid_at_ms else 0
        for refund in payment.refunds:
            refund.asked_at_ms -= by_ms
            refund.done_at_ms -= by_ms if refund.done_at_ms else 0
        return payment.begun_at_ms


def _json(what: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(what), content_type="application/json")
