"""Answers that are signed as they should be, and are nonsense: each call ends with an outcome, and none with money."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from providers import a_payment, reference_of, refund_of

from kameng.channels import Account, Channel, Http, Method, Outcome, RefundState, Scene, State, keys, open_channel
from kameng.channels.wechat import signing
from kameng.kit import clock

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PRIVATE = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
PUBLIC = KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
).decode()  # fmt: skip
ODD: tuple[Any, ...] = (
    None, [], 7, "text", {}, {"code": 7}, {"code": ["x"]}, {"code_url": 7, "qr_code": {}},
    {"trade_state": "SUCCESS", "amount": 7}, {"trade_state": ["SUCCESS"], "amount": {"total": "1234"}},
    {"out_trade_no": "ANOTHER", "trade_state": "SUCCESS", "trade_status": "TRADE_SUCCESS", "total_amount": "12.34"},
    {"out_refund_no": "ANOTHER", "status": "SUCCESS"}, {"status": {}, "amount": {"refund": -1}},
    {"total_amount": "NaN", "trade_status": 9}, {"hash_value": 3, "download_url": "http://stranger.example/"},
    {"bill_download_url": "https://alipay.com.evil.example/"}, {"payer": [1], "success_time": 5},
)  # fmt: skip


def by_wechat(request: web.Request, said: Any) -> web.Response:
    body = json.dumps(said).encode()
    stamp = str(clock.now_ms() // 1000)
    head = {
        "Wechatpay-Timestamp": stamp, "Wechatpay-Nonce": "n", "Wechatpay-Serial": "PUB_KEY_ID_1",
        "Wechatpay-Signature": keys.rsa_sha256(KEY, signing.answer_text(stamp, "n", body)),
    }  # fmt: skip
    return web.Response(body=body, headers=head)


def by_alipay(request: web.Request, said: Any, method: str) -> web.Response:
    node = json.dumps({**said, "code": "10000"} if isinstance(said, dict) and "code" not in said else said)
    signature = keys.rsa_sha256(KEY, node.encode())
    return web.Response(text=f'{{"{method.replace(".", "_")}_response":{node},"sign":"{signature}"}}')


@asynccontextmanager
async def answering(protocol: str, said: Any) -> AsyncIterator[Channel]:
    async def answer(request: web.Request) -> web.Response:
        if protocol == "wechat":
            return by_wechat(request, said)
        return by_alipay(request, said, str((await request.post())["method"]))

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    given = {
        "wechat": {"mchid": "1", "appid": "wx1", "serial_no": "1", "api_v3_key": "0123" * 8, "public_key": PUBLIC,
                   "public_key_id": "PUB_KEY_ID_1"},
        "alipay": {"app_id": "1", "alipay_public_key": PUBLIC},
    }[protocol] | {"private_key": PRIVATE, "gateway": base}  # fmt: skip
    async with Http() as http:
        yield open_channel(Account(protocol, given), http)
    await runner.cleanup()


@pytest.mark.parametrize("said", ODD, ids=repr)
@pytest.mark.parametrize("protocol", ["wechat", "alipay"])
async def test_nonsense_moves_nothing(protocol: str, said: Any) -> None:
    async with answering(protocol, said) as channel:
        for scene in (Scene.qr, Scene.code):
            payment = a_payment(Method(protocol), scene, auth_code="130061098828009406")
            begun = await channel.begin(payment)
            assert (begun.outcome, begun.shown) == (Outcome.unknown, None)
            found = await channel.query(reference_of(payment))
            assert found.state in (State.unknown, State.waiting)
            assert found.outcome is Outcome.unknown or found.amount_minor is None
        refund = refund_of(payment)
        for refunded in (await channel.refund(refund), await channel.refund_query(refund)):
            assert refunded.state in (RefundState.unknown, RefundState.processing)
            assert refunded.outcome in (Outcome.unknown, Outcome.rate_limited)
