"""Payments through the real adapters, against the simulated providers: their own signatures, notices, refunds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from channels.providers import Providers, on_their_own
from kameng import payments
from kameng.channels import Incoming, Method
from kameng.payments import Payment
from payments.counter import CARD_E4, Counter

ACCOUNTS = [("微信公钥模式商户", Method.wechat, "mchid"), ("微信平台证书模式商户", Method.wechat, "mchid")]


@pytest.fixture(scope="module")
async def providers() -> AsyncIterator[Providers]:
    async with on_their_own() as started:
        yield started


@asynccontextmanager
async def door(counter: Counter) -> AsyncIterator[None]:
    """Where the providers' notices come in."""

    async def hear(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        incoming = Incoming(request.method, request.query_string, headers, await request.read())
        number = int(request.match_info["number"])
        ack = await payments.hear(counter.cashier, number, incoming, address="127.0.0.1")
        return web.Response(status=ack.status, body=ack.body, content_type=ack.content_type)

    app = web.Application()
    app.router.add_route("*", payments.NOTICES + "{number}", hear)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    counter.cashier.public_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield
    finally:
        await runner.cleanup()


async def channel_at(counter: Counter, providers: Providers, name: str, account: str) -> int:
    """Only this one is open."""
    await payments.switch_channel(counter.world.db, counter.channel, on=False, reason="closed", actor_id=7)
    protocol = next(x["protocol"] for x in providers._merchants if x["name"] == name)
    credentials = providers.credentials(name)
    number = await payments.add_channel(
        counter.world.db, counter.world.ring, protocol=protocol, name=name, credentials=credentials,
        account_no=credentials[account], fee_ppm=6000, actor_id=7,
    )  # fmt: skip
    await payments.switch_channel(counter.world.db, number, on=True, reason="open", actor_id=7)
    counter.forget()
    return number


async def stands(counter: Counter, payment: Payment, state: str) -> None:
    async def is_so() -> bool:
        return (await counter.payment(payment)).state == state

    for _ in range(2000):
        if await is_so():
            return
        await counter.work()
    raise AssertionError(await counter.payment(payment))


@pytest.mark.parametrize(("name", "method", "account"), ACCOUNTS)
async def test_from_the_code_to_the_goods_and_back(
    counter: Counter, providers: Providers, name: str, method: Method, account: str
) -> None:
    merchant = await counter.world.merchant()
    await counter.world.load(counter.world.card, 5)
    await channel_at(counter, providers, name, account)
    async with door(counter):
        order = await counter.order(merchant, contact="guest@example.com")
        payment = (await counter.begin(merchant, order.order_id, method)).payment
        assert payment.shown is not None
        await providers.tell("pay", payment_no=payment.payment_no)
        await stands(counter, payment, "paid")
        assert await counter.state(order.order_id) == "delivered"
        await payments.refund_to_origin(counter.cashier, payment.payment_id, key="rf", reason="asked for", actor_id=7)
        await stands(counter, payment, "refunded")
        record = (await providers.ask("payments", f"?payment_no={payment.payment_no}"))[0]
        assert [one["amount_minor"] for one in record["refunds"]] == [CARD_E4 // 100]
        _, heard, (refund,) = await payments.history(counter.cashier, payment.payment_id)
        assert [one.effect for one in heard][:1] == ["booked"]
        assert refund.state == "done"
    await counter.world.assert_clean()


@pytest.mark.parametrize("flaw", ["forged", "wrong_amount", "wrong_currency", "wrong_account"])
async def test_what_a_notice_says_wrong_delivers_nothing(counter: Counter, providers: Providers, flaw: str) -> None:
    merchant = await counter.world.merchant()
    await counter.world.load(counter.world.card, 5)
    await channel_at(counter, providers, *ACCOUNTS[0][::2])
    async with door(counter):
        order = await counter.order(merchant)
        payment = (await counter.begin(merchant, order.order_id)).payment
        script = [{"what": flaw, "call": "notice", "payment_no": payment.payment_no}]
        async with providers.http.post(f"{providers.base}/_sim/faults", json=script) as answer:
            assert answer.status == 200
        await providers.tell("pay", payment_no=payment.payment_no)
        wanted = "SELECT count(*) FROM payment_notice WHERE lane = $1 AND effect = 'booked'"
        if flaw in ("forged", "wrong_account"):  # proves nothing; told again, and well then
            await stands(counter, payment, "paid")
            assert await counter.world.scalar(wanted, merchant.lane) == 1
        else:
            for _ in range(200):
                if await counter.world.scalar("SELECT count(*) FROM payment_notice"):
                    break
                await counter.work()
            assert await counter.world.scalar(wanted, merchant.lane) == 0
            assert await counter.state(order.order_id) == "awaiting_payment"

    await counter.world.assert_clean()
