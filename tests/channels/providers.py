"""The simulated providers as a process, steered; and a till of ours that hears their notices."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from kameng.channels import (
    Account,
    Channel,
    Http,
    Incoming,
    Method,
    Notice,
    Payment,
    Reference,
    Refund,
    Scene,
    open_channel,
)
from kameng.kit import clock

_numbers = count(int(time.time()) % 10**8)


class Providers:
    """The simulator that runs."""

    def __init__(self, port: int, folder: Path, http: aiohttp.ClientSession, client: Http) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self.http = http
        self.client = client
        self._merchants = json.loads((folder / "merchants.json").read_text())

    def credentials(self, name: str) -> dict[str, str]:
        """Of the merchant that is called so."""
        found: dict[str, str] = next(x["credentials"] for x in self._merchants if x["name"] == name)
        return dict(found)

    def open(self, name: str, **changed: str) -> Channel:
        protocol = next(x["protocol"] for x in self._merchants if x["name"] == name)
        return open_channel(Account(protocol, self.credentials(name) | changed), self.client)

    async def tell(self, verb: str, /, **asked: Any) -> Any:
        async with self.http.post(f"{self.base}/_sim/{verb}", json=asked) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def ask(self, what: str, query: str = "") -> Any:
        async with self.http.get(f"{self.base}/_sim/{what}{query}") as answer:
            return await answer.json()

    async def fault(self, what: str, call: str, payment: Payment | str = "*", **more: Any) -> None:
        """One call goes wrong."""
        number = payment if isinstance(payment, str) else payment.payment_no
        script = [{"what": what, "call": call, "payment_no": number, **more}]
        async with self.http.post(f"{self.base}/_sim/faults", json=script) as answer:
            assert answer.status == 200, await answer.text()

    async def record(self, payment: Payment) -> Any:
        """What the provider's books say of a payment."""
        (found,) = await self.ask("payments", f"?payment_no={payment.payment_no}")
        return found

    async def calls(self, payment: Payment) -> list[str]:
        return [x["call"] for x in await self.ask("seen") if x["payment_no"] == payment.payment_no]


class Till:
    """Hears notices and answers as its channel says; ``taken`` is what they proved."""

    def __init__(self) -> None:
        self.channel: Channel | None = None
        self.incoming: list[Incoming] = []
        self.taken: list[Notice] = []
        self.refused: list[Exception] = []
        self.is_shut = False
        self.url = ""

    async def hear(self, request: web.Request) -> web.Response:
        heard = Incoming(
            request.method, request.rel_url.raw_query_string, {name.lower(): x for name, x in request.headers.items()},
            await request.read(),
        )  # fmt: skip
        self.incoming.append(heard)
        assert self.channel is not None
        is_taken = False
        try:
            if not self.is_shut:
                self.taken.append(await self.channel.parse_notice(heard))
                is_taken = True
        except Exception as refused:
            self.refused.append(refused)
        ack = self.channel.acknowledge(is_taken=is_taken)
        return web.Response(status=ack.status, body=ack.body, content_type=ack.content_type)

    async def heard(self, number: int = 1) -> list[Notice]:
        """Once so many notices were taken."""
        await until(lambda: len(self.taken) >= number)
        return self.taken


async def until(is_so: Any, *, timeout_s: float = 20) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline_s, "it did not come about"
        await asyncio.sleep(0.01)


@asynccontextmanager
async def running(folder: Path, *arguments: str) -> AsyncIterator[Providers]:
    """``kameng.sim.pay`` for the block, its waiting times a thousandth of the true ones."""
    command = [sys.executable, "-m", "kameng.sim.pay", "--data", str(folder), "--pace", "0.001", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220 - it starts at once
    assert process.stdout is not None
    try:
        line = await asyncio.to_thread(process.stdout.readline)
        async with aiohttp.ClientSession() as http, Http() as client:
            yield Providers(int(line.strip().removeprefix("port=")), folder, http, client)
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(process.wait, 5)
        process.kill()
        process.stdout.close()
        process.wait()


@asynccontextmanager
async def on_their_own() -> AsyncIterator[Providers]:
    """``running`` in a folder that goes with it."""
    folder = Path(tempfile.mkdtemp(prefix="kameng-providers-"))
    try:
        async with running(folder) as started:
            yield started
    finally:
        shutil.rmtree(folder)


@asynccontextmanager
async def listening() -> AsyncIterator[Till]:
    till = Till()
    app = web.Application()
    app.router.add_route("*", "/notice", till.hear)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    till.url = f"http://127.0.0.1:{runner.addresses[0][1]}/notice"
    yield till
    await runner.cleanup()


def a_payment(method: Method, scene: Scene = Scene.qr, **changed: Any) -> Payment:
    """12.34 yuan, begun now, open for half an hour."""
    now = clock.now()
    known: Mapping[str, Any] = {
        "payment_no": f"KM{next(_numbers):014d}", "method": method, "scene": scene, "amount_minor": 1234,
        "subject": "京东E卡 100元", "notify_url": "", "expires_at": now + timedelta(minutes=30), "begun_at": now,
    }  # fmt: skip
    return Payment(**(dict(known) | changed))


async def sold(providers: Providers, channel: Channel, till: Till, method: Method) -> Payment:
    """A payment by code that was paid and heard of; the till begins anew."""
    payment = a_payment(method, notify_url=till.url)
    await channel.begin(payment)
    await providers.tell("pay", payment_no=payment.payment_no)
    await till.heard()
    till.taken.clear()
    return payment


def reference_of(payment: Payment, *, age: timedelta = timedelta(minutes=6)) -> Reference:
    return Reference(
        payment_no=payment.payment_no, begun_at=payment.begun_at - age, amount_minor=payment.amount_minor,
        scene=payment.scene,
    )  # fmt: skip


def refund_of(payment: Payment, amount_minor: int = 1234, number: str = "1", **more: Any) -> Refund:
    return Refund(
        refund_no=f"{payment.payment_no}R{number}", payment_no=payment.payment_no, amount_minor=amount_minor,
        total_minor=payment.amount_minor, begun_at=payment.begun_at, asked_at=clock.now(), **more,
    )  # fmt: skip
