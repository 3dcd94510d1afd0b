"""What tests of the epay site share: the platform behind a port, a shop that hears notices, the worker's turns."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_network
from itertools import count
from typing import Any

import aiohttp
from aiohttp import web

from channels.providers import Providers
from kameng import channels, epay, ledger, payments
from kameng.channels import Account, Channel, Incoming, Method, Payment, Scene
from kameng.epay import Given, Site
from kameng.identity import Organisation
from kameng.kit import clock, switches
from kameng.kit.working import Limits, Worker
from kameng.notices import Policy, Sender
from kameng.ops import auditing
from running import BALANCE_E4, Platform

LOOPBACK = Policy(http=True, networks=(ip_network("127.0.0.0/8"),))
_numbers = count(1)


@dataclass
class Shop:
    """The other shop: what it heard, and what it answers (``says`` in turn, then success)."""

    url: str = ""
    heard: list[Incoming] = field(default_factory=list)
    says: list[tuple[int, str]] = field(default_factory=list)

    async def hear(self, request: web.Request) -> web.Response:
        self.heard.append(Incoming("GET", request.rel_url.raw_query_string, {}, await request.read()))
        status, text = self.says.pop(0) if self.says else (200, "success")
        return web.Response(status=status, text=text)


@dataclass
class Town:
    platform: Platform
    providers: Providers
    http: aiohttp.ClientSession
    calls: channels.Http
    base: str
    shop: Shop
    channel: int
    given: Given
    sender: Sender
    owner: Organisation

    @property
    def site(self) -> Site:
        parts = self.platform.gateway._parts
        assert parts is not None
        return parts.site

    def client(self, version: int, **changed: str) -> Channel:
        """Kameng's own adapter, as the shop's: v1 with the MD5 key, v2 with RSA."""
        known = {"gateway": f"{self.base}/epay", "pid": str(self.given.account.pid)}
        if version == 1:
            known |= {"key": self.given.md5_key}
        else:
            known |= {
                "private_key": self.given.shop_private_key, "platform_public_key": self.given.account.our_key,
            }  # fmt: skip
        return channels.open_channel(Account(f"epay_v{version}", known | changed), self.calls)

    def payment(self, scene: Scene = Scene.qr, **changed: Any) -> Payment:
        """12.34 yuan of the shop's customer, by WeChat."""
        now = clock.now()
        known = {
            "payment_no": f"S{next(_numbers):010d}", "method": Method.wechat, "scene": scene, "amount_minor": 1234,
            "subject": "VIP 会员", "notify_url": self.shop.url, "return_url": "https://shop.example/back",
            "expires_at": now + timedelta(minutes=30), "begun_at": now,
        }  # fmt: skip
        return Payment(**known | changed)

    async def pays(self, trade_no: str) -> None:
        """The customer pays what is shown last, at the provider; its notice is heard, and the worker works."""
        (payable,) = await self.rows("SELECT * FROM payable WHERE payable_id = $1", int(trade_no))
        attempts = await payments.find_payments(self.site.cashier, self.owner, payable["payable_id"])
        await self.providers.tell("pay", payment_no=attempts[-1].payment_no)
        await self.stands(attempts[-1].payment_id, "paid")
        await self.work()

    async def stands(self, payment_id: int, state: str) -> None:
        for _ in range(2000):
            found = await payments.find_payment(self.site.cashier, payment_id)
            if found.state == state:
                return
            await self.work()
        raise AssertionError(found)

    async def work(self, *, seconds: float = 0) -> None:
        """The worker's turns until nothing is due, so much later."""
        with clock.hold(clock.now_ms() + int(seconds * 1000)):
            db, ring = self.platform.db, self.platform.ring
            handlers = [*payments.handlers(self.site.cashier), *epay.handlers(db, ring, self.sender)]
            worker = Worker(db, handlers, lanes=[0, 1], limits=Limits())
            while await worker.work_once():
                pass

    async def rows(self, query: str, *values: Any) -> list[Any]:
        return list(await self.platform.db.pool.fetch(query, *values))

    async def wallet_e4(self) -> int:
        """What the owner's wallet has, beyond what it had at first."""
        async with self.platform.db.connection() as connection:
            wallet = await ledger.read_wallet(connection, self.owner.lane, self.owner.org_id)
        return wallet.posted_e4 - BALANCE_E4

    async def fees_e4(self) -> int:
        return int((await self.rows("SELECT sum(posted_e4)::bigint AS e4 FROM account WHERE code = 'fees'"))[0]["e4"])

    async def check(self) -> None:
        """Every law of the books holds."""
        report = await auditing.run(self.platform.db, self.platform.ring, sample_per_lane=50)
        assert [(finding.law, finding.examples) for finding in report.broken] == []


@asynccontextmanager
async def open_town(platform: Platform, providers: Providers) -> AsyncIterator[Town]:
    async def carry(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        answer = await platform.send(
            request.method, request.path, request.rel_url.raw_query_string, await request.read(), headers
        )
        left = {name: value for name, value in answer.headers.items() if name != "content-length"}
        return web.Response(status=answer.status, body=answer.body, headers=left)

    shop = Shop()
    app = web.Application()
    app.router.add_route("*", "/the-shop/notify", shop.hear)
    app.router.add_route("*", "/{rest:.*}", carry)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    shop.url = f"{base}/the-shop/notify"
    parts = platform.gateway._parts
    assert parts is not None
    parts.cashier.public_url, parts.site.policy = base, LOOPBACK
    await switches.flip(platform.db, "epay", on=True, reason="open", actor_id=7)
    owner = platform.seed.shop.organisation
    given = await epay.open_account(platform.db, platform.ring, owner, fee_ppm=6000, actor_id=7)
    credentials = providers.credentials("微信公钥模式商户")
    channel = await payments.add_channel(
        platform.db, platform.ring, protocol="wechat", name="微信", credentials=credentials,
        account_no=credentials["mchid"], actor_id=7,
    )  # fmt: skip
    await payments.switch_channel(platform.db, channel, on=True, reason="open", actor_id=7)
    async with aiohttp.ClientSession() as http, channels.Http() as calls, Sender(LOOPBACK) as sender:
        yield Town(platform, providers, http, calls, base, shop, channel, given, sender, owner)
    await runner.cleanup()


