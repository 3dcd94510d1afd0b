"""A connection, byte by byte: heads without end, requests in a row, unusual forms, and who is let go when."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from itertools import count
from typing import Any

import msgspec
import pytest

from kameng.openapi.connection import HEAD_MAX, HEADERS_MAX
from kameng.openapi.intake import BULK, PLACE
from running import Answer, Served, signed_headers

WITHIN_S = 10
"""A request is ended after one second here; a busy machine is late."""

_refs = (f"line-{n}" for n in count(1))


class Line:
    """One connection: bytes out, answers in."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, *, has_body: bool = True) -> Answer:
        """The next answer, whole; ``IncompleteReadError`` if the connection ends before it does."""
        async with asyncio.timeout(WITHIN_S):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            body = await self.reader.readexactly(int(headers.get("content-length", 0))) if has_body else b""
        assert head[0].startswith("HTTP/1.1 ")
        return Answer(int(head[0].split()[1]), headers, body)

    async def rest(self) -> bytes:
        """What else comes until the server ends the connection."""
        async with asyncio.timeout(WITHIN_S):
            with suppress(ConnectionResetError):
                return await self.reader.read()
        return b""


@pytest.fixture
async def connect(served: Served) -> AsyncIterator[Callable[[], Awaitable[Line]]]:
    lines = []

    async def make() -> Line:
        lines.append(Line(*await asyncio.open_connection("127.0.0.1", served.port)))
        return lines[-1]

    yield make
    for line in lines:
        line.writer.close()
        with suppress(OSError):
            await line.writer.wait_closed()


Connect = Callable[[], Awaitable[Line]]


def order(served: Served, ref: str) -> bytes:
    return msgspec.json.encode({"client_ref": ref, "sku": str(served.seed.goods.deep.sku_id)})


def request(
    served: Served, method: str, path: str, body: bytes = b"", *, query: str = "", version: str = "1.1",
    more: tuple[str, ...] = (), is_signed: bool = True, is_chunked: bool = False,
) -> bytes:  # fmt: skip
    """A good request as bytes."""
    lines = [f"{method} {path}{query and '?'}{query} HTTP/{version}", "Host: kameng.test", *more]
    if is_signed:
        signed = signed_headers(served.key, method, path, query, body)
        lines += [f"{name.title()}: {value}" for name, value in signed.items()]
    if is_chunked:
        pieces = [body[:7], body[7:8], body[8:]]
        body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (*pieces, b""))
        lines.append("Transfer-Encoding: chunked")
    elif body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


async def placed(served: Served, ref: str) -> int:
    return len((await served.get("/api/v1/orders", f"client_ref={ref}")).json["orders"])


async def refused(line: Line, status: int, code: str) -> dict[str, Any]:
    """The problem that the connection ends with; nothing comes after it."""
    answer = await line.answer()
    assert (answer.status, answer.code) == (status, code)
    assert answer.headers["connection"] == "close"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert await line.rest() == b""
    problem: dict[str, Any] = json.loads(answer.body)
    return problem


# heads -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", [f"POST {PLACE} HTTP/1.1\r\nX: ", "GET /", "GET / HTTP/1.1\r\n"])
@pytest.mark.parametrize("piece_count", [1, 9])
async def test_a_head_without_end_is_refused(served: Served, connect: Connect, start: str, piece_count: int) -> None:
    line = await connect()
    more = b"y: z\r\n" * HEAD_MAX if start.endswith("\n") else b"a" * HEAD_MAX
    head = (start.encode() + more)[: HEAD_MAX + 1]  # no more, or a reset could overtake the answer
    size = -(-len(head) // piece_count)
    for n in range(piece_count):
        await line.send(head[n * size : (n + 1) * size])
    problem = await refused(line, 431, "head_too_large")
    assert (problem["detail"], problem["detail_zh"]) == (f"at most {HEAD_MAX} bytes", f"最多 {HEAD_MAX} 字节")
    assert (await served.get("/healthz", signed=False)).status == 200


async def test_too_many_headers_are_refused(served: Served, connect: Connect) -> None:
    ref = next(_refs)
    for path in (PLACE, BULK, "/api/v1/quotes"):
        line = await connect()
        own = request(served, "POST", path, order(served, ref)).count(b"\r\n") - 2  # Host, Authorization, length
        more = tuple(f"X-{n}: y" for n in range(HEADERS_MAX - own + 1))
        await line.send(request(served, "POST", path, order(served, ref), more=more))
        problem = await refused(line, 431, "head_too_large")
        assert problem["detail"] == f"at most {HEADERS_MAX} headers"
    assert await placed(served, ref) == 0
    line = await connect()
    await line.send(request(served, "POST", PLACE, order(served, ref), more=more[1:]))
    assert (await line.answer()).status == 201


async def test_a_head_that_stops_in_the_middle_is_ended(served: Served, connect: Connect) -> None:
    ref = next(_refs)
    whole = request(served, "POST", PLACE, order(served, ref))
    head = whole.partition(b"\r\n\r\n")[0]
    for sent in (whole[:2], whole[:30], head[:-40], head + b"\r\n"):
        line = await connect()
        await line.send(sent)
        await refused(line, 408, "request_too_slow")
    line = await connect()  # after an order too
    await line.send(request(served, "POST", PLACE, order(served, f"{ref}-first")) + head[:-40])
    assert (await line.answer()).status == 201
    await refused(line, 408, "request_too_slow")
    assert await placed(served, ref) == 0


async def test_who_says_nothing_is_left_alone(served: Served, connect: Connect) -> None:
    fresh, used = await connect(), await connect()
    await used.send(request(served, "GET", "/healthz", is_signed=False))
    assert (await used.answer()).status == 200
    slow = await connect()
    await slow.send(b"GET /healthz")
    await refused(slow, 408, "request_too_slow")  # so the time of a request has gone by
    for line in (fresh, used):
        await line.send(request(served, "POST", PLACE, order(served, next(_refs))))
        assert (await line.answer()).status == 201


# requests in a row -----------------------------------------------------------------------------------------


async def test_orders_in_a_row_are_answered_on_one_connection(served: Served, connect: Connect) -> None:
    line = await connect()
    for ref in [next(_refs) for _ in range(30)]:
        await line.send(request(served, "POST", PLACE, order(served, ref)))
        answer = await line.answer()
        assert (answer.status, answer.json["client_ref"]) == (201, ref)
        assert "connection" not in answer.headers
    await line.send(request(served, "POST", PLACE, order(served, ref), more=("Connection: close",)))
    answer = await line.answer()
    assert (answer.status, answer.json["replayed"], answer.headers["connection"]) == (200, True, "close")
    assert await line.rest() == b""


async def test_requests_sent_at_once_are_answered_in_order(served: Served, connect: Connect) -> None:
    first, second, third = (next(_refs) for _ in range(3))
    line = await connect()
    await line.send(
        request(served, "POST", PLACE, order(served, first))
        + request(served, "POST", PLACE, order(served, second))
        + request(served, "GET", "/healthz", is_signed=False)
        + request(served, "POST", PLACE, order(served, third))
        + request(served, "GET", "/api/v1/balance")
    )
    answers = [await line.answer() for _ in range(5)]
    assert [answer.status for answer in answers] == [201, 201, 200, 201, 200]
    assert [answers[n].json["client_ref"] for n in (0, 1, 3)] == [first, second, third]
    assert answers[2].json == {"status": "ok"}
    assert "available" in answers[4].json


async def test_a_refused_order_does_not_hold_up_the_next(served: Served, connect: Connect) -> None:
    ref = next(_refs)
    line = await connect()
    await line.send(
        request(served, "POST", PLACE, b"{}")
        + request(served, "POST", PLACE, order(served, ref), is_signed=False)
        + request(served, "POST", PLACE, order(served, ref))
    )
    assert [(await line.answer()).status for _ in range(3)] == [400, 401, 201]


async def test_many_requests_in_one_piece_are_no_long_head(served: Served, connect: Connect) -> None:
    """What counts is the head that is not whole, not all that came with its beginning."""
    one = request(served, "GET", "/healthz", is_signed=False, more=("X: " + "y" * 900,))
    many = 2 * HEAD_MAX // len(one)
    ref = next(_refs)
    last = request(served, "POST", PLACE, order(served, ref))
    line = await connect()
    await line.send(one * many + last[:40])
    for _ in range(many):
        assert (await line.answer()).status == 200
    await line.send(last[40:])
    assert (await line.answer()).status == 201


# unusual forms ---------------------------------------------------------------------------------------------


async def test_who_expects_100_continue_gets_it(served: Served, connect: Connect) -> None:
    for path, body, status in (
        (PLACE, order(served, next(_refs)), 201),
        (BULK, b'{"orders":[%b]}' % order(served, next(_refs)), 200),
    ):
        line = await connect()
        head, _, _ = request(served, "POST", path, body, more=("Expect: 100-continue",)).partition(b"\r\n\r\n")
        await line.send(head + b"\r\n\r\n")
        assert (await line.answer()).status == 100
        await line.send(body)
        assert (await line.answer()).status == status


async def test_an_order_in_chunks_is_the_same_order(served: Served, connect: Connect) -> None:
    ref = next(_refs)
    line = await connect()
    for status in (201, 200):
        await line.send(request(served, "POST", PLACE, order(served, ref), is_chunked=True))
        answer = await line.answer()
        assert (answer.status, answer.json["client_ref"]) == (status, ref)
    # The signature covers the body however it comes.
    await line.send(request(served, "POST", PLACE, order(served, f"{ref}-b"), is_chunked=True).replace(b"-b", b"-c"))
    assert (await line.answer()).code == "signature_wrong"
    assert [await placed(served, ref + end) for end in ("", "-b", "-c")] == [1, 0, 0]


async def test_http_1_0_is_answered_and_closed(served: Served, connect: Connect) -> None:
    ref = next(_refs)
    for status in (201, 200):
        line = await connect()
        await line.send(request(served, "POST", PLACE, order(served, ref), version="1.0"))
        answer = await line.answer()
        assert (answer.status, answer.json["client_ref"]) == (status, ref)
        assert await line.rest() == b""


async def test_a_query_on_the_path_of_orders_is_signed_too(served: Served, connect: Connect) -> None:
    ref = next(_refs)
    good = request(served, "POST", PLACE, order(served, ref), query="from=test")
    line = await connect()
    for changed in (good.replace(b"?from=test", b""), good.replace(b"from=test", b"from=best")):
        await line.send(changed)
        assert (await line.answer()).code == "signature_wrong"
    assert await placed(served, ref) == 0
    await line.send(good)
    assert (await line.answer()).status == 201
    assert await placed(served, ref) == 1


async def test_answers_to_head_have_no_body(served: Served, connect: Connect) -> None:
    line = await connect()
    for path, is_signed, status in (("/healthz", False, 200), ("/api/v1/balance", True, 200), (PLACE, False, 401)):
        await line.send(
            request(served, "HEAD", path, is_signed=is_signed) + request(served, "GET", "/healthz", is_signed=False)
        )
        assert (await line.answer(has_body=False)).status == status
        assert (await line.answer()).json == {"status": "ok"}


@pytest.mark.parametrize(
    ("body", "is_signed", "status", "code"),
    [
        (b'{"method":"wechat"}', True, 404, "order_not_found"),
        (b'{"method":"cash"}', True, 400, "bad_request"),
        (b"{", True, 400, "bad_request"),
        (b'{"method":"wechat"}', False, 401, "signature_missing"),
    ],
)
async def test_a_payment_hears_the_same_by_the_short_way_by_asgi_and_by_the_framework(
    served: Served, connect: Connect, body: bytes, is_signed: bool, status: int, code: str
) -> None:
    told = []
    for path, query in (("/4711/payments", ""), ("/4711/payments", "a=1"), ("/471%31/payments", "")):
        line = await connect()
        await line.send(request(served, "POST", f"{PLACE}{path}", body, query=query, is_signed=is_signed))
        answer = await line.answer()
        assert (answer.status, answer.code) == (status, code)
        problem = {name: value for name, value in answer.json.items() if name != "request_id"}
        told.append((problem, {n: v for n, v in answer.headers.items() if n not in ("ratelimit", "content-length")}))
    assert told[0] == told[1] == told[2]


# after a refusal -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [PLACE, BULK, "/api/v1/quotes", f"{PLACE}/4711/payments"])
async def test_a_connection_ends_after_413_and_says_nothing_more(served: Served, connect: Connect, path: str) -> None:
    """Whether the rest of the body still comes or not."""
    ref, size = next(_refs), 5 * 1024 * 1024
    head = request(served, "POST", path, order(served, ref)).partition(b"\r\n\r\n")[0].rsplit(b"\r\n", 1)[0]
    for length in (size, 1 << 30):
        line = await connect()
        with suppress(ConnectionError):
            await line.send(head + b"\r\nContent-Length: %d\r\n\r\n" % length + b" " * size)
        answer = await line.answer()
        assert (answer.status, answer.code) == (413, "body_too_large")
        if length > size or path == PLACE:
            assert await line.rest() == b""
    assert await placed(served, ref) == 0
