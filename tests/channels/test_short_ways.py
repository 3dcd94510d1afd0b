"""The simulator's short way past aiohttp: what it answers, and what it leaves to the long way, is the same."""

from __future__ import annotations

import asyncio
import json

import pytest
from providers import Providers

PATH = "/v3/pay/transactions/native"
BODY = b'{"out_trade_no":"KM1"}'


async def talk(providers: Providers, *pieces: bytes, answers: int) -> list[tuple[bytes, bytes]]:
    """What came back to these pieces, each sent by itself: status lines and bodies."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(providers.base.rpartition(":")[2]))
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0.01)
    found = []
    for _ in range(answers):
        head = await reader.readuntil(b"\r\n\r\n")
        size = next(int(x[15:]) for x in head.lower().split(b"\r\n") if x.startswith(b"content-length:"))
        found.append((head.split(b"\r\n")[0], await reader.readexactly(size)))
    writer.close()
    await writer.wait_closed()
    return found


def request(more: str = "", body: bytes = BODY, path: str = PATH) -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: x\r\n{more}Content-Length: {len(body)}\r\n\r\n".encode() + body


UNSIGNED = (b"HTTP/1.1 401 Unauthorized", {"code": "SIGN_ERROR", "message": "Authorization 格式错误"})


@pytest.mark.parametrize(
    "pieces",
    [
        [request()],
        [request()[:30], request()[30:70], request()[70:-4], request()[-4:]],
        [request("Connection: keep-alive\r\n")],
        [request(path=f"{PATH}?a=b")],
        [b"POST " + PATH.encode() + b" HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"],
    ],
    ids=["short", "in pieces", "a header it does not know", "a query", "chunked"],
)
async def test_both_ways_say_the_same(providers: Providers, pieces: list[bytes]) -> None:
    ((status, body),) = await talk(providers, *pieces, answers=1)
    assert (status, json.loads(body)) == UNSIGNED


async def test_one_after_the_other_on_one_connection_then_the_long_way(providers: Providers) -> None:
    last = b"GET /v3/certificates HTTP/1.1\r\nHost: x\r\n\r\n"
    answers = await talk(providers, request() + request() + last, answers=3)
    assert [status for status, _ in answers] == [UNSIGNED[0]] * 3


async def test_what_is_no_request_is_refused(providers: Providers) -> None:
    ((status, _),) = await talk(providers, b"POST " + b"x" * 17_000 + b" HTTP/1.1\r\n\r\n", answers=1)
    assert status == b"HTTP/1.0 400 Bad Request"
