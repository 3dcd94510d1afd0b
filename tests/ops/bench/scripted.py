"""A raw HTTP server that answers as a test says: each request is counted, each answer is scripted."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from kameng.ops.bench.load import Target
from kameng.ops.bench.shots import Key, OrderMix, OrderSource, Sku

KEYS = [Key(f"ak_{number}", f"ks_{number}") for number in range(1, 8)]
SKUS = [Sku(code="100001"), Sku(code="100002")]


class Request(NamedTuple):
    head: str
    body: bytes
    connection: int

    @property
    def reference(self) -> str:
        return json.loads(self.body)["client_ref"]

    @property
    def nonce(self) -> str:
        match = re.search("nonce=([^,]+)", self.head)
        assert match is not None
        return match[1]


Pieces = list[bytes] | None
"""To send, each in a segment of its own; None cuts the connection."""
Script = Callable[[Request], Pieces | Awaitable[Pieces]]
SILENCE: Pieces = []
"""Neither answers nor cuts."""


def answer(status: int, body: dict[str, Any] | bytes = b"{}", *headers: str) -> list[bytes]:
    raw = body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode()
    lines = [f"HTTP/1.1 {status} X", f"content-length: {len(raw)}", *headers]
    return ["\r\n".join([*lines, "", ""]).encode() + raw]


class Scripted:
    """The server. It can be closed and opened again on the same port."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[Request] = []
        self.peers: list[str] = []
        self.open: set[asyncio.StreamWriter] = set()
        self.port = 0
        self._server: asyncio.Server | None = None

    @property
    def target(self) -> Target:
        return Target(port=self.port)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self.open):
            writer.transport.abort()
        await asyncio.sleep(0.02)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open.add(writer)
        self.peers.append(writer.get_extra_info("peername")[0])
        number = len(self.peers)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                size = re.search(r"content-length: (\d+)", head)
                assert size is not None
                request = Request(head, await reader.readexactly(int(size[1])), number)
                self.requests.append(request)
                pieces = self.script(request)
                if isinstance(pieces, Awaitable):
                    pieces = await pieces
                if pieces is None:
                    break
                if pieces is SILENCE:
                    await reader.read()
                    break
                for piece in pieces:
                    writer.write(piece)
                    if len(pieces) > 1:
                        await asyncio.sleep(0.002)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open.discard(writer)
            writer.transport.abort()


Serve = Callable[[Script], Awaitable[Scripted]]


def orders(target: Target, count: int | None, **more: Any) -> OrderSource:
    mix = OrderMix(keys=KEYS, skus=SKUS, prefix="t-", references=count, **more)
    return OrderSource(mix, target.authority)


def references(count: int) -> list[str]:
    return sorted(f"t-{number:09d}" for number in range(count))
