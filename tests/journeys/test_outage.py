"""An outage of WeChat in the middle of a flash sale, while orders go on: two gateways, two WeChat accounts and Alipay
at the simulated providers, notices over HTTP. Time is moved on where only waiting would follow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from channels.providers import Providers
from channels.providers import running as simulator
from kameng import identity, openapi, orders, payments
from kameng.channels import Method, Scene
from kameng.kit import clock, settings
from kameng.openapi.app import Parts
from kameng.ops import auditing
from kameng.orders import OrderBody, ShownOrder
from kameng.payments import Payment
from running import Platform, platform, seeded

__all__ = ["platform", "seeded"]

FIRST, SECOND, ALIPAY = 1, 2, 3
MERCHANTS = (("微信公钥模式商户", "mchid"), ("微信平台证书模式商户", "mchid"), ("支付宝公钥模式商户", "seller_id"))


@dataclass
class Sale:
    """Customers who order, pay and wait, at the gateways in turn."""

    platform: Platform
    providers: Providers
    gateways: list[Parts]
    accounts: dict[int, str]
    sold: int = 0
    unanswered: int = 0
    through: list[int] = field(default_factory=list)
    """Which channel each was paid through."""

    async def buy(self, method: Method = Method.wechat) -> None:
        self.sold += 1
        parts = self.gateways[self.sold % len(self.gateways)]
        key = await parts.snapshot.directory.key(self.platform.key.key_id)
        assert key is not None
        caller = identity.Caller(key, self.platform.seed.shop.organisation, "127.0.0.1")
        body = OrderBody(f"sale-{self.sold}", str(self.platform.goods.deep.sku_id), 1, {}, None)
        order = await orders.await_payment(parts.snapshot, orders.wish_from(parts.snapshot, caller, body))
        assert isinstance(order, ShownOrder), order
        payment = await self._begin(parts, order.order_id, method)
        self.through.append(payment.channel_id)
        await self.providers.tell("pay", payment_no=payment.payment_no)
        for _ in range(1500):
            if await self._is_delivered(order.order_id):
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"{order.order_id} through channel {payment.channel_id} was not delivered")

    async def _begin(self, parts: Parts, order_id: int, method: Method) -> Payment:
        """Who gets no answer asks again."""
        organisation = self.platform.seed.shop.organisation
        for _ in range(3):
            try:
                begun = await payments.begin_order(
                    parts.cashier, organisation, order_id, method=method, scene=Scene.qr, payer=payments.Payer()
                )
            except payments.PaymentUnknown:
                self.unanswered += 1
            else:
                return begun.payment
        raise AssertionError("nobody took it")

    async def _is_delivered(self, order_id: int) -> bool:
        state = await self.platform.db.pool.fetchval("SELECT state FROM orders WHERE order_id = $1", order_id)
        return bool(state == "delivered")

    async def creates(self, channel_id: int) -> int:
        """That its provider saw."""
        seen = await self.providers.ask("seen")
        return sum(one["call"] == "begin" and one["account"] == self.accounts[channel_id] for one in seen)

    async def share(self) -> None:
        """What the gateways' rounds do each second."""
        for parts in (*self.gateways, *self.gateways):
            await parts.cashier.router.share(parts.db)

    def breakers(self, channel_id: int) -> set[str]:
        return {parts.cashier.router.learner.breaker(channel_id, clock.now_ms()) for parts in self.gateways}


@asynccontextmanager
async def opened(platform: Platform, folder: Path) -> AsyncIterator[Sale]:
    async with simulator(folder) as providers, notices_door(platform) as url:
        protocols = {one["name"]: one["protocol"] for one in providers._merchants}
        accounts = {}
        for name, account in MERCHANTS:
            credentials = providers.credentials(name)
            number = await payments.add_channel(
                platform.db, platform.ring, protocol=protocols[name], name=name, credentials=credentials,
                account_no=credentials[account], fee_ppm=6000, actor_id=7,
            )  # fmt: skip
            await payments.switch_channel(platform.db, number, on=True, reason="sale", actor_id=7)
            accounts[number] = credentials.get("mchid") or credentials["app_id"]
        environment = {"KAMENG_DATABASE_URL": platform.url, "KAMENG_DATA_DIR": str(platform.seed.data_dir)}
        second = openapi.Gateway(settings.load(environment))
        await second.start()
        gateways = [one._parts for one in (platform.gateway, second) if one._parts is not None]
        for parts in gateways:
            parts.cashier.public_url = url
            parts.cashier.channels._read_at_s = float("-inf")
        try:
            yield Sale(platform, providers, gateways, accounts)
        finally:
            await second.stop()


@asynccontextmanager
async def notices_door(platform: Platform) -> AsyncIterator[str]:
    """Where the first gateway listens to providers."""

    async def hear(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items() if name.lower() != "host"}
        answer = await platform.send(request.method, request.path, request.query_string, await request.read(), headers)
        return web.Response(status=answer.status, body=answer.body, content_type="text/plain")

    app = web.Application()
    app.router.add_route("*", payments.NOTICES + "{number}", hear)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_wechat_fails_in_a_flash_sale_and_orders_go_on(platform: Platform, tmp_path: Path) -> None:
    async with opened(platform, tmp_path) as sale:
        for _ in range(12):
            await sale.buy()
        assert set(sale.through) == {FIRST, SECOND}
        await sale.providers.fault("outage", "begin", provider="wechat", account=sale.accounts[FIRST], times=0)
        before = await sale.creates(FIRST)
        for _ in range(8):
            await asyncio.gather(*(sale.buy() for _ in range(3)))  # a buyer has three unpaid ones at most
        await sale.buy(Method.alipay)
        await sale.share()
        assert sale.breakers(FIRST) == {"open"}
        tried = await sale.creates(FIRST)
        assert set(sale.through[-25:]) == {SECOND, ALIPAY}
        for _ in range(12):
            await sale.buy()
        assert set(sale.through[-12:]) == {SECOND}
        assert await sale.creates(FIRST) == tried  # nobody is sent there any more
        assert sale.unanswered >= 1
        assert tried - before - sale.unanswered in (0, 1, 2)  # on nobody's behalf after a first failure, one a gateway
        await _back_again(sale)
        rows = await platform.db.pool.fetch("SELECT payment_id FROM payment WHERE decision IS NOT NULL")
        assert all([(await payments.find_decision(platform.db, row["payment_id"])).is_replayed for row in rows])
        report = await auditing.run(platform.db, platform.ring, sample_per_lane=50)
        assert [(finding.law, finding.examples) for finding in report.broken] == []
        assert await platform.db.pool.fetchval("SELECT count(*) FROM orders WHERE state = 'delivered'") == sale.sold


async def _back_again(sale: Sale) -> None:
    """While it lasts only probes go there, a few; when it ends two of them bring the channel back."""
    at_ms = clock.now_ms()
    tried, step_s = await sale.creates(FIRST), 31
    for turn in range(70):
        if turn == 12:
            async with sale.providers.http.delete(f"{sale.providers.base}/_sim/faults") as answer:
                assert answer.status == 200
            assert await sale.creates(FIRST) - tried <= 2
        with clock.hold(at_ms + (step_s + 3 * turn) * 1000):
            await sale.buy()
            await payments.revive(sale.platform.db, place=sale.gateways[0].cashier)  # as the timetable does
            await sale.share()
            if sale.breakers(FIRST) == {"closed"}:
                return
    raise AssertionError(f"it did not come back: {sale.through[-70:]}")
