"""One client's connection: HTTP/1.1 between the socket and the doors.

Everything but single orders and payments of orders is uvicorn's: it makes ASGI of it. These take the short way: the
parser's pieces go to the door's ``reply`` and its answer to the socket, with no messages in between, which cost more
than the order itself (docs/adr/0011). What is unusual about its form (a query, ``Expect``, HTTP/1.0, a request before
the last answer) is left to the long way, so both must say the same.

Nobody waits for ever: ``sweep`` looks at all connections of a process, for a timer each would cost every order more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Protocol

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from kameng.kit import metrics
from kameng.kit.errors import Refusal
from kameng.openapi.errors import BadRequest, BodyTooLarge, HeadTooLarge, RequestTooSlow
from kameng.openapi.intake import PLACE, Reply, refused
from kameng.openapi.paying import is_paying

HEAD_MAX = 64 * 1024
"""Bytes of a request's line and headers that are waited for."""
HEADERS_MAX = 100
IDLE_S = 75.0
"""How long a connection may say nothing."""

_PLACE = PLACE.encode()
_STATUS_LINES = {status.value: b"HTTP/1.1 %d %b" % (status.value, status.phrase.encode()) for status in HTTPStatus}


class Door(Protocol):
    """What the short way needs of an app; others get the long way for everything."""

    body_max: int
    headers: list[tuple[bytes, bytes]]

    async def reply(
        self, *, path: bytes, query: bytes, headers: list[tuple[bytes, bytes]], body: bytes, peer: str, route: str
    ) -> Reply: ...


class Neighbours(ServerState):
    """What the connections of a process share."""

    def __init__(self) -> None:
        super().__init__()
        self.leaving = False
        """Whether every answer asks its client to come again elsewhere."""


class Cycle:
    """An order between its head and its answer, in the place of uvicorn's own cycle. ``door`` None: it is refused."""

    __slots__ = ("body", "disconnected", "door", "headers", "keep_alive", "path", "response_complete")

    def __init__(self, headers: list[tuple[bytes, bytes]], path: bytes = b"", door: Door | None = None) -> None:
        self.headers = headers
        self.path = path
        self.door = door
        self.body = b""
        self.keep_alive = True
        self.disconnected = False
        self.response_complete = False

    @property
    def message_event(self) -> Cycle:
        return self

    def set(self) -> None:
        """Nobody waits for pieces: an order is looked at when it is whole."""


class Connection(HttpToolsProtocol):
    """Made by the server for each client."""

    server_state: Neighbours
    cycle: RequestResponseCycle | Cycle  # type: ignore[assignment]

    def __init__(
        self, config: Config, server_state: Neighbours, app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:  # fmt: skip
        super().__init__(config, server_state, app_state, _loop)
        self._peer = "127.0.0.1"
        self._since = self.loop.time()
        self._arriving = False  # between a request's first byte and its last
        self._in_head = False
        self._head_size = 0
        self._ended_one = False  # a request in this piece: how much of it is the next one's head, nobody says

    # what the server tells --------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self.client:
            self._peer = self.client[0]

    def data_received(self, data: bytes) -> None:
        self._ended_one = False
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # what it asked for before it changed protocols is answered, the rest is nothing we speak
        except httptools.HttpParserError:
            self._turn_away(BadRequest("this is no HTTP/1.1", detail_zh="请求不是有效的 HTTP/1.1"))
        if self._in_head and not self._ended_one:
            self._head_size += len(data)
            if self._head_size > HEAD_MAX:
                self._turn_away(HeadTooLarge(f"at most {HEAD_MAX} bytes", detail_zh=f"最多 {HEAD_MAX} 字节"))

    def shutdown(self) -> None:
        """The process ends: who is served or in the middle of a request is waited for."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False
        elif not self._arriving:
            self.transport.close()

    # what the parser tells --------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._arriving = self._in_head = True
        self._head_size = 0
        self._since = self.loop.time()

    def on_headers_complete(self) -> None:
        self._in_head = False
        if len(self.headers) > HEADERS_MAX:
            self._turn_away(HeadTooLarge(f"at most {HEADERS_MAX} headers", detail_zh=f"最多 {HEADERS_MAX} 个"))
            self.cycle = Cycle([])  # takes what else is on the way
            self.cycle.response_complete = True
            return
        door = self._door_of(self.url)
        if door is not None and self._is_plain_post():
            self.cycle = Cycle(self.headers, self.url, door)
            return
        super().on_headers_complete()
        if self.server_state.leaving:
            self.cycle.keep_alive = False

    def _is_plain_post(self) -> bool:
        parser = self.parser
        return (
            parser.get_method() == b"POST"
            and parser.get_http_version() == "1.1"
            and parser.should_keep_alive()
            and not parser.should_upgrade()
            and not self.expect_100_continue
            and (self.cycle is None or self.cycle.response_complete)
        )

    def _door_of(self, path: bytes) -> Door | None:
        """Which door takes requests for a path from the parser, without ASGI; ``path`` with its query."""
        if path == _PLACE:
            return self._door()
        return getattr(self.app, "paying", None) if is_paying(path) else None

    def _door(self) -> Door | None:
        return getattr(self.app, "intake", None)

    def on_body(self, body: bytes) -> None:
        cycle = self.cycle
        if not isinstance(cycle, Cycle):
            super().on_body(body)
        elif not cycle.response_complete:
            cycle.body = cycle.body + body if cycle.body else body
            door = cycle.door
            if door is not None and len(cycle.body) > door.body_max:
                self._write(cycle, self._refused(BodyTooLarge.above(door.body_max)), stays=False)

    def on_message_complete(self) -> None:
        self._arriving = False
        self._ended_one = True
        cycle = self.cycle
        if not isinstance(cycle, Cycle):
            super().on_message_complete()
        elif cycle.response_complete:
            self.transport.close()  # it was refused before it was whole
        else:
            task = self.loop.create_task(self._answer(cycle))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    # answers ----------------------------------------------------------------------------------------------

    async def _answer(self, cycle: Cycle) -> None:
        assert cycle.door is not None
        reply = await cycle.door.reply(
            path=cycle.path, query=b"", headers=cycle.headers, body=cycle.body, peer=self._peer,
            route=cycle.path.decode("latin-1"),
        )  # fmt: skip
        if cycle.disconnected:
            return
        stays = cycle.keep_alive and not self.server_state.leaving
        self._write(cycle, reply, stays=stays)
        if not stays:
            self.transport.close()
        self.on_response_complete()

    def _write(self, cycle: Cycle, reply: Reply, *, stays: bool) -> None:
        cycle.response_complete = True
        lines = [_STATUS_LINES[reply.status]]
        lines += [b"%b: %b" % header for header in (*self.server_state.default_headers, *reply.headers)]
        lines.append(b"content-length: %d" % len(reply.body))
        if not stays:
            lines.append(b"connection: close")
        lines += (b"", reply.body)
        self.transport.write(b"\r\n".join(lines))

    def on_response_complete(self) -> None:
        """The next request, if it came before this answer was out."""
        self._since = self.loop.time()
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())

    def _turn_away(self, refusal: Refusal) -> None:
        """Answer what can't become a request, and close; an answer that is owed to another goes unsaid."""
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:
            self._write(Cycle([]), self._refused(refusal), stays=False)
        self.transport.close()

    def _refused(self, refusal: Refusal) -> Reply:
        reply, door = refused(refusal), self._door()
        metrics.http_requests.labels("none", str(reply.status)).inc()
        return reply if door is None else reply._replace(headers=reply.headers + door.headers)

    # time -------------------------------------------------------------------------------------------------

    def look_at_the_clock(self, now_s: float, timeout_s: float) -> None:
        """End a request that does not arrive, and a connection that says nothing."""
        waited_s = now_s - self._since
        owes = self.cycle is not None and not self.cycle.response_complete
        if self._arriving and waited_s > timeout_s:
            if not owes and not self._in_head:
                self.transport.close()  # it was refused before it was whole, and is still coming
                return
            if isinstance(self.cycle, Cycle) and owes and not self._in_head:
                self.cycle.response_complete = True
            elif owes:
                return  # the long way has a clock of its own
            self._turn_away(RequestTooSlow())
        elif waited_s > IDLE_S and not owes:
            self.transport.close()


async def sweep(neighbours: Neighbours, timeout_s: float) -> None:
    """Look at all connections, four times in the time that a request may take."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(timeout_s / 4)
        connections: Iterable[Any] = list(neighbours.connections)
        for connection in connections:
            connection.look_at_the_clock(loop.time(), timeout_s)
