"""What every provider stands on: the books, the script of faults, the notices; and how a call is played."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

from kameng.kit import clock
from kameng.sim.pay import books
from kameng.sim.pay.books import Books, Payment, Refund
from kameng.sim.pay.faults import Faults, damage
from kameng.sim.pay.keys import KeyFolder
from kameng.sim.pay.notifying import Notifier
from kameng.sim.pay.provider import Provider
from kameng.sim.pay.short import Call

SEEN_MAX = 10_000


class Ground:
    """One per simulator. ``base`` is the address that browsers and merchants reach it by; ``shop`` whom the pay page
    names, if not the merchant."""

    def __init__(
        self, folder: Path, base: str, *, shop: str = "", pace: float = 1.0, trust: ssl.SSLContext | None = None
    ) -> None:
        self.base = base
        self.shop = shop
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.pace = pace
        self.books = Books()
        self.faults = Faults()
        self.notifier = Notifier(pace, trust)
        self.providers: dict[str, Provider] = {}
        self.seen: list[dict[str, Any]] = []
        self._later: set[asyncio.Task[None]] = set()

    def keys(self, provider: str) -> KeyFolder:
        return KeyFolder(self.folder / provider)

    def page_of(self, payment: Payment) -> str:
        """Where a person pays it."""
        return f"{self.base}/pay/{payment.number}"

    async def play(
        self, request: web.Request | Call, provider: Provider, account: str, call: str,
        act: Callable[[], web.Response | Awaitable[web.Response]], *, payment_no: str = "*",
    ) -> web.Response:  # fmt: skip
        """A call of a merchant, as it goes: ``act`` does it and answers, and the script may spoil either."""
        fault = self.faults.take(provider.name, account, call, payment_no)
        what = "" if fault is None else fault.what
        self._write_down(provider.name, account, call, payment_no, what)
        if fault is not None and what == "slow":
            await asyncio.sleep(fault.delay_s)
        if what == "outage":
            return _cut(request)
        if what in ("error", "busy"):
            return web.Response(status=500 if what == "error" else 503)
        if fault is not None and what == "refuse":
            return provider.refusal(call, fault)
        made = act()
        answer = made if isinstance(made, web.Response) else await made
        if what == "lost":
            return _cut(request)
        if what == "error_after":
            return web.Response(status=500)
        if what == "garbage":
            return web.Response(status=answer.status, body=b"<html>gateway</html>", content_type="text/html")
        if what == "damaged" and isinstance(answer.body, bytes):
            answer.body = damage(answer.body)
        return answer

    def pay(self, payment: Payment, *, is_quiet: bool = False) -> bool:
        """The customer pays; False if the money does not suffice."""
        provider = self.providers[payment.provider]
        fault = self.faults.take(payment.provider, payment.account, "pay", payment.payment_no)
        if fault is not None:
            return False
        self.books.pay(payment)
        if not is_quiet:
            self.tell(provider, payment)
        return True

    def tell(self, provider: Provider, payment: Payment, refund: Refund | None = None) -> None:
        flaw = self.faults.take(payment.provider, payment.account, "notice", payment.payment_no)
        self.notifier.start(provider, payment, refund, flaw=flaw)

    def settle(self, payment: Payment, refund: Refund) -> None:
        """A refund comes to its end, as the script has it; then it is told."""
        fault = self.faults.take(payment.provider, payment.account, "settle", payment.payment_no)
        what = "" if fault is None else fault.what
        state = {"refuse": books.REFUND_FAILED, "abnormal": "abnormal"}.get(what, books.REFUNDED)

        def end() -> None:
            self.books.settle(refund, state=state)
            self.tell(self.providers[payment.provider], payment, refund)

        if fault is not None and what == "slow":
            self._do_later(fault.delay_s, end)
        else:
            end()

    def bill_of(self, provider: str, account: str, day: str) -> list[tuple[Payment, Refund | None]]:
        """What happened on a day of China (``2026-11-23``), in the order of time: payments, and refunds that went."""
        lines: list[tuple[int, Payment, Refund | None]] = []
        for payment in self.books.every(provider, account):
            if payment.paid_at_ms:
                lines.append((payment.paid_at_ms, payment, None))
            lines += [(x.done_at_ms, payment, x) for x in payment.refunds if x.state == books.REFUNDED]
        of_day = [line for line in lines if clock.china_time(line[0])[:10] == day]
        return [(payment, refund) for _, payment, refund in sorted(of_day, key=lambda line: line[0])]

    def _do_later(self, delay_s: float, act: Callable[[], None]) -> None:
        async def wait() -> None:
            await asyncio.sleep(delay_s)
            act()

        task = asyncio.get_running_loop().create_task(wait())
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    def _write_down(self, provider: str, account: str, call: str, payment_no: str, fault: str) -> None:
        if len(self.seen) < SEEN_MAX:
            self.seen.append({
                "provider": provider, "account": account, "call": call, "payment_no": payment_no, "fault": fault,
            })  # fmt: skip


def install(ground: Ground, providers: Sequence[Provider]) -> list[web.RouteDef]:
    """The routes of all providers."""
    ground.providers = {provider.name: provider for provider in providers}
    return [route for provider in providers for route in provider.routes()]


def _cut(request: web.Request | Call) -> web.Response:
    """The line is cut in the middle of it."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
