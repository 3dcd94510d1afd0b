"""Notices go out by the provider's own schedule until the merchant acknowledges one."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass

import aiohttp

from kameng.kit import clock
from kameng.sim.pay.books import Payment, Refund
from kameng.sim.pay.faults import Fault
from kameng.sim.pay.provider import Provider, Telling

TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Sent:
    """One sending, and what came of it; status 0: nobody answered."""

    provider: str
    kind: str  # payment, refund
    payment_no: str
    refund_no: str
    attempt: int
    flaw: str
    status: int
    is_taken: bool
    at_ms: int


class Notifier:
    """``pace`` shortens every waiting time: 1 is the provider's own, 0.001 a thousandth of it."""

    def __init__(self, pace: float, trust: ssl.SSLContext | None) -> None:
        self.pace = pace
        self.log: list[Sent] = []
        self._trust = trust
        self._under_way: set[asyncio.Task[None]] = set()

    def start(self, provider: Provider, payment: Payment, refund: Refund | None = None, *, flaw: Fault | None) -> None:
        """Begin to tell. Each sending is made anew, as providers do it: stamp and signature are fresh."""
        if flaw is not None and flaw.what == "lost":
            return
        task = asyncio.get_running_loop().create_task(self._tell(provider, payment, refund, flaw))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _tell(self, provider: Provider, payment: Payment, refund: Refund | None, flaw: Fault | None) -> None:
        """A flawed notice is sent once, and the right ones follow by the schedule only if it was not taken."""
        if flaw is not None and flaw.what == "late":
            await asyncio.sleep(flaw.delay_s)
        wrong = flaw if flaw is not None and flaw.what not in ("late", "duplicate") else None
        times = 2 if flaw is not None and flaw.what == "duplicate" else 1
        for attempt, wait_s in enumerate(provider.schedule_s, 1):
            await asyncio.sleep(wait_s * self.pace)
            taken = [await self.send(provider, payment, refund, attempt=attempt, flaw=wrong) for _ in range(times)]
            if all(taken):
                return
            wrong, times = None, 1

    async def send(
        self, provider: Provider, payment: Payment, refund: Refund | None, *, attempt: int = 1, flaw: Fault | None
    ) -> bool:
        """One sending; whether it is over with that."""
        telling: Telling | None
        if refund is None:
            telling = provider.tell_payment(payment, flaw)
        else:
            telling = provider.tell_refund(payment, refund, flaw)
        if telling is None or not telling.url:
            return True
        status, body = await self._post(telling)
        taken = provider.is_taken(status, body)
        self.log.append(Sent(
            provider.name, "payment" if refund is None else "refund", payment.payment_no,
            "" if refund is None else refund.refund_no, attempt, "" if flaw is None else flaw.what, status, taken,
            clock.now_ms(),
        ))  # fmt: skip
        return taken

    async def _post(self, telling: Telling) -> tuple[int, bytes]:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        connector = aiohttp.TCPConnector(ssl=self._trust if self._trust is not None else True)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, connector=connector) as session,
                session.request(
                    telling.method, telling.url, data=telling.body, headers=dict(telling.headers), allow_redirects=False
                ) as answer,
            ):
                return answer.status, await answer.content.read(4096)
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return 0, b""
