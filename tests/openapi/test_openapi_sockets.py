"""Byte by byte against the real server: slow, half-sent, oversized and broken requests write nothing."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from html import unescape

import msgspec
import pytest

from gates import closed, somebody_waits
from kameng import identity
from kameng.openapi.intake import BULK, PLACE
from running import Served, signed_headers

SLOW_S = 1.5
"""The latest that a request is ended; the server was told one second."""

class Wire:
    """One connection, read and written as bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def status(self, *, within_s: float) -> int:
        """Of the answer's first line; 0 if the server closed without one."""
        try:
            line = await asyncio.wait_for(self.reader.readline(), within_s)
        except ConnectionResetError:
            return 0
        return int(line.split()[1]) if line else 0


Connect = Callable[[], Awaitable[Wire]]


@pytest.fixture
async def connect(served: Served) -> AsyncIterator[Connect]:
    """Opens connections to the server, and closes them all."""
    wires = []

    async def make() -> Wire:
        wires.append(Wire(*await asyncio.open_connection("127.0.0.1", served.port)))
        return wires[-1]

    yield make
    for wire in wires:
        wire.writer.close()
        with suppress(OSError):
            await wire.writer.wait_closed()


def order_request(served: Served, ref: str, *, path: str = PLACE, length: int | None = None) -> tuple[bytes, bytes]:
    """The head and the body of a good order."""
    row = {"client_ref": ref, "sku": str(served.seed.goods.card.sku_id)}
    body = msgspec.json.encode({"orders": [row]} if path == BULK else row)
    lines = [f"POST {path} HTTP/1.1", "Host: kameng.test", f"Content-Length: {len(body) if length is None else length}"]
    lines += [f"{name}: {value}" for name, value in signed_headers(served.key, "POST", path, "", body).items()]
    return "\r\n".join([*lines, "", ""]).encode(), body


async def placed(served: Served, ref: str) -> list[str]:
    return [order["client_ref"] for order in (await served.get("/api/v1/orders", f"client_ref={ref}")).json["orders"]]


async def test_the_request_is_good_when_it_is_whole(served: Served, connect: Connect) -> None:
    wire = await connect()
    head, body = order_request(served, "whole")
    await wire.send(head)
    for byte in body:  # as slow as it may be
        await wire.send(bytes([byte]))
    assert await wire.status(within_s=5) == 201
    assert await placed(served, "whole") == ["whole"]


@pytest.mark.parametrize("path", [PLACE, BULK, "/api/v1/quotes"])
@pytest.mark.parametrize("sent", ["head", "half", "all but one byte"])
async def test_a_request_that_stops_coming_is_ended(served: Served, connect: Connect, path: str, sent: str) -> None:
    ref = f"slow-{sent}-{len(path)}".replace(" ", "-")
    wire = await connect()
    head, body = order_request(served, ref, path=path)
    started = time.monotonic()
    await wire.send(head + {"head": b"", "half": body[: len(body) // 2], "all but one byte": body[:-1]}[sent])
    assert await wire.status(within_s=10) == 408
    assert 0.4 <= time.monotonic() - started < SLOW_S + 3  # a busy machine is late too
    assert await placed(served, ref) == []


async def test_half_a_request_and_then_nobody(served: Served, connect: Connect) -> None:
    for path in (PLACE, BULK):
        ref = f"gone-{len(path)}"
        wire = await connect()
        head, body = order_request(served, ref, path=path)
        await wire.send(head + body[:-3])
        wire.writer.close()
        await asyncio.sleep(0.2)
        assert await placed(served, ref) == []


async def test_an_order_that_was_let_in_stands_though_its_sender_went(served: Served, connect: Connect) -> None:
    """Who hangs up before the answer finds the order by its reference.

    Let in is what waits for its lane. Before that a server may drop a request whose connection ends, and does: only
    whoever holds the gate knows on which side of it the sender went.
    """
    wire = await connect()
    head, body = order_request(served, "hung-up")
    async with closed(served.url, served.seed.shop.organisation.lane):
        await wire.send(head + body)
        await somebody_waits(served.url)
        wire.writer.close()
        await wire.writer.wait_closed()
        assert await placed(served, "hung-up") == []
    again = await served.post(PLACE, {"client_ref": "hung-up", "sku": str(served.seed.goods.card.sku_id)})
    assert (again.status, again.json["replayed"]) == (200, True)


async def test_a_whole_request_whose_sender_went_at_once_is_one_order_or_none(served: Served, connect: Connect) -> None:
    for n in range(5):
        wire = await connect()
        head, body = order_request(served, f"gone-{n}")
        await wire.send(head + body)
        wire.writer.close()
        again = await served.post(PLACE, {"client_ref": f"gone-{n}", "sku": str(served.seed.goods.card.sku_id)})
        assert (again.status, again.json["replayed"]) in ((200, True), (201, False))
        assert await placed(served, f"gone-{n}") == [f"gone-{n}"]


@pytest.mark.parametrize(("path", "size"), [(PLACE, 4 * 1024 * 1024), ("/api/v1/quotes", 256 * 1024)])
async def test_too_much_is_refused_as_soon_as_it_is(served: Served, connect: Connect, path: str, size: int) -> None:
    wire = await connect()
    head, _ = order_request(served, "huge", path=path, length=1 << 30)
    await wire.send(head)
    sent = 0
    try:
        while sent <= size:
            await wire.send(b" " * 65536)
            sent += 65536
    except ConnectionError:
        pass
    assert await wire.status(within_s=5) == 413
    assert await placed(served, "huge") == []


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),  # TLS to a port that speaks none
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /api/v1/orders HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/v1/orders HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n123456",
        b"POST /api/v1/orders HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"x%d: y\r\n" % n for n in range(500)) + b"\r\n",
    ],
    ids=["tls", "version", "negative length", "two lengths", "bad chunk", "long path", "many headers"],
)
async def test_what_is_no_http_is_refused(served: Served, connect: Connect, request_bytes: bytes) -> None:
    wire = await connect()
    await wire.send(request_bytes)
    status = await wire.status(within_s=10)
    assert status == 0 or 400 <= status < 500
    assert (await served.get("/healthz", signed=False)).status == 200


async def test_many_idle_connections_keep_nobody_out(served: Served, connect: Connect) -> None:
    idle = [await connect() for _ in range(200)]
    for wire in idle[::2]:
        await wire.send(b"POST /api/v1/orders HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n")
    assert (await served.get("/api/v1/balance")).status == 200


async def test_the_start_pages_sample_places_an_order(served: Served) -> None:
    """The commands on the page, run as they stand there."""
    page = (await served.get("/developers", signed=False)).body.decode()
    sample = unescape(page.partition('<pre id="sample"')[2].partition("<code>")[2].partition("</code>")[0])
    key = served.seed.shop.sandbox_key
    names = {"KAMENG_KEY": identity.format_key_id(key.key_id, sandbox=True), "KAMENG_SECRET": key.secret}
    done = await asyncio.to_thread(
        subprocess.run, ["bash", "-ec", sample.replace("curl ", "curl -s ")], env={**os.environ, **names},
        capture_output=True, timeout=20, check=True,
    )  # fmt: skip
    answer = msgspec.json.decode(done.stdout)
    assert (answer["client_ref"], answer["state"], answer["currency"]) == ("A-1001", "delivered", "XTS")
