"""The short way of calls that come by the thousand: read and answered by hand, for the simulator shares its processor
with what it is there to measure. Whatever is not a plain POST of such a path is aiohttp's, with its whole connection.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast

from aiohttp import web

HEAD_BYTES_MAX, BODY_BYTES_MAX = 16 * 1024, 1 << 20


@dataclass(frozen=True)
class Call:
    """What a provider looks at of a request; names of headers are in lower case."""

    method: str
    raw_path: str
    headers: Mapping[str, str]
    transport: asyncio.Transport


Answering = Callable[[Call, bytes], Awaitable[web.Response]]


async def listen(app: web.Application, host: str, port: int, ways: Mapping[str, Answering]) -> int:
    """As ``sim.control.serve``, with short ways before it; the port it got."""
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    long = runner.server
    assert long is not None
    server = await asyncio.get_running_loop().create_server(lambda: Way(ways, long), host, port, backlog=1024)
    return int(server.sockets[0].getsockname()[1])


class Way(asyncio.Protocol):
    """One connection. ``ways``: who answers, by path."""

    def __init__(self, ways: Mapping[str, Answering], server: web.Server) -> None:
        self._ways = ways
        self._server = server
        self._come = b""
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - it does not matter why
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        self._come += data
        if self._task is None:
            self._read()

    def _read(self) -> None:
        end = self._come.find(b"\r\n\r\n")
        if end < 0 and len(self._come) <= HEAD_BYTES_MAX and self._come.startswith(b"POST "):
            return
        call = self._call(self._come[:end]) if end > 0 else None
        size = "" if call is None else call.headers.get("content-length", "")
        if call is None or not size.isdecimal() or int(size) > BODY_BYTES_MAX:
            self._go_long()
            return
        until = end + 4 + int(size)
        if len(self._come) >= until:
            body, self._come = self._come[end + 4 : until], self._come[until:]
            self._task = asyncio.get_running_loop().create_task(self._answer(call, body))

    def _call(self, head: bytes) -> Call | None:
        first, *lines = head.decode("latin-1").split("\r\n")
        method, _, rest = first.partition(" ")
        path, _, version = rest.partition(" ")
        if method != "POST" or path not in self._ways or version != "HTTP/1.1":
            return None
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        is_plain = not {"transfer-encoding", "expect", "connection", "content-encoding"} & headers.keys()
        return Call(method, path, headers, self._transport) if is_plain and len(headers) == len(lines) else None

    async def _answer(self, call: Call, body: bytes) -> None:
        try:
            answer = await self._ways[call.raw_path](call, body)
        except Exception as error:
            sys.stderr.write(f"{call.raw_path}: {error!r}\n")
            answer = web.Response(status=500)
        if self._transport.is_closing():
            return
        said = answer.body if isinstance(answer.body, bytes) else b""
        head = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
        head += [f"{name}: {value}" for name, value in answer.headers.items() if name.lower() != "content-length"]
        head.append(f"Content-Length: {len(said)}\r\n\r\n")
        self._transport.write("\r\n".join(head).encode() + said)
        self._task = None
        if self._come:
            self._read()

    def _go_long(self) -> None:
        long = self._server()
        self._transport.set_protocol(long)
        long.connection_made(self._transport)
        if self._come:
            long.data_received(self._come)
