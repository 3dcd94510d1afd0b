"""The HTTP client of providers' calls: HTTP/1.1 over connections that are kept for the next call.

It does what a call to a provider needs and no more: certificates are verified, redirects are not followed, no cookie is
kept, answers come as they are (``accept-encoding: identity``). ADR 0020 says why it is ours.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Any, cast
from urllib.parse import quote, urlsplit

import aiohappyeyeballs
import httptools
import msgspec

CALLS_MAX = 200
"""Of one client at once; a call waits for its turn."""
CONNECT_TIMEOUT_S = 4.0
IDLE_S = 15.0
"""How long a connection is kept for the next call: shorter than providers keep it, for one that they close just then
leaves a call without an answer."""
NAMES_S = 10.0
"""How long the addresses of a name are believed."""
HEAD_BYTES_MAX = 64 * 1024
SECOND_ADDRESS_AFTER_S = 0.25

_PLAIN = re.compile(r"[!-~]+")
_SAFE = "%/:=&?~+!$,;'@()*[]"

AddressInfo = tuple[Any, Any, int, str, tuple[Any, ...]]
SocketFactory = Callable[[AddressInfo], socket.socket]


class NotSent(Exception):
    """The request surely never left: nobody was reached, or somebody who could not prove his name."""


class NoAnswer(Exception):
    """The request may have come through."""


class Heard(msgspec.Struct, frozen=True):
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes


class Origin(msgspec.Struct, frozen=True):
    host: str
    port: int
    is_tls: bool
    authority: str  # as the Host header has it


class Http:
    """``socket_factory``: the last look at an address before it is connected to. ``trust``: whose certificates are
    good, if not those that the system trusts."""

    def __init__(
        self, *, calls_max: int = CALLS_MAX, socket_factory: SocketFactory | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> None:  # fmt: skip
        self._turns = asyncio.Semaphore(calls_max)
        self._socket_factory = socket_factory
        self._trust = trust
        self._idle: dict[Origin, list[Line]] = {}
        self._lines: set[Line] = set()
        self._names: dict[Origin, tuple[float, list[AddressInfo]]] = {}

    async def __aenter__(self) -> Http:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, *, timeout_s: float, bytes_max: int
    ) -> Heard:
        """One request and its answer. ``NotSent``, ``NoAnswer``; ``TimeoutError`` after ``timeout_s``, all included;
        ``ValueError`` for what is no address or no header."""
        origin, target = _parted(url)
        request = _request(method, origin, target, headers, body)
        async with asyncio.timeout(timeout_s), self._turns:
            line = self._kept(origin)
            if line is not None:
                try:
                    return await self._ask(line, request, bytes_max)
                except NoAnswer:
                    if method != "GET" or line.has_heard:
                        raise
            # Asking again is safe for GET alone: a provider may have closed the kept connection just before.
            return await self._ask(await self._connect(origin), request, bytes_max)

    async def _ask(self, line: Line, request: bytes, bytes_max: int) -> Heard:
        try:
            return await line.ask(request, bytes_max)
        finally:
            self._keep(line)

    def _kept(self, origin: Origin) -> Line | None:
        idle = self._idle.get(origin)
        while idle:
            line = idle.pop()
            if line.timer is not None:
                line.timer.cancel()
            if line.is_free:
                return line
        return None

    def _keep(self, line: Line) -> None:
        if not line.is_free:
            line.cut()
            return
        self._idle.setdefault(line.origin, []).append(line)
        line.timer = asyncio.get_running_loop().call_later(IDLE_S, self._let_go, line)

    def _let_go(self, line: Line) -> None:
        self._idle[line.origin].remove(line)
        line.cut()

    async def _connect(self, origin: Origin) -> Line:
        loop = asyncio.get_running_loop()
        line = Line(origin, self._lines)
        try:
            addresses = await self._addresses(origin)
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                sock = await aiohappyeyeballs.start_connection(
                    addresses, happy_eyeballs_delay=SECOND_ADDRESS_AFTER_S, interleave=1, loop=loop,
                    socket_factory=self._socket_factory,
                )  # fmt: skip
                try:
                    await loop.create_connection(
                        lambda: line, sock=sock, ssl=self._trust or trusted() if origin.is_tls else None,
                        server_hostname=origin.host if origin.is_tls else None,
                    )  # fmt: skip
                except BaseException:
                    sock.close()
                    raise
        except OSError as error:  # certificates that are not good and the time-out among them
            raise NotSent(type(error).__name__) from error
        return line

    async def _addresses(self, origin: Origin) -> list[AddressInfo]:
        loop = asyncio.get_running_loop()
        until, found = self._names.get(origin, (0.0, []))
        if loop.time() >= until:
            found = cast("list[AddressInfo]", await loop.getaddrinfo(
                origin.host, origin.port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
            ))  # fmt: skip
            self._names[origin] = loop.time() + NAMES_S, found
        return found

    async def close(self) -> None:
        """Calls under way end without an answer."""
        for line in list(self._lines):
            line.cut()
        await asyncio.sleep(0)


class Line(asyncio.Protocol):
    """One connection, one call at a time."""

    def __init__(self, origin: Origin, lines: set[Line]) -> None:
        self.origin = origin
        self.timer: asyncio.TimerHandle | None = None
        self.has_heard = False
        """Whether anything came back to the last call."""
        self._lines = lines
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[Heard] | None = None
        self._is_good = True
        self._begin(0)

    def _begin(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._head_size = self._body_size = self._status = 0
        self._is_in_body = False
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []

    @property
    def is_free(self) -> bool:
        return self._is_good and self._transport is not None and self._answer is None

    def ask(self, request: bytes, bytes_max: int) -> asyncio.Future[Heard]:
        self._answer = asyncio.get_running_loop().create_future()
        self.has_heard = False
        self._begin(bytes_max)
        if self._transport is None:  # lost between connecting and now
            self._end("ServerDisconnected")
        else:
            self._transport.write(request)
        return self._answer

    def cut(self) -> None:
        self._is_good = False
        if self._transport is not None:
            self._transport.abort()

    # what the loop tells ----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._lines.add(self)

    def data_received(self, data: bytes) -> None:
        self.has_heard = True
        if self._answer is None:  # nobody asked
            self.cut()
            return
        if not self._is_in_body:
            self._head_size += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._end(type(error).__name__)
            return
        if not self._is_in_body and self._head_size > HEAD_BYTES_MAX:
            self._end("the head is too long")

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._lines.discard(self)
        if exc is None and self._is_in_body and not {"content-length", "transfer-encoding"} & self._headers.keys():
            self._say()
        self._end("ServerDisconnected" if exc is None else type(exc).__name__)

    # what the parser tells --------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self._answer is None:  # one more than was asked for
            self._is_good = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._is_in_body:  # what follows the body was not what was signed
            self._headers[name.decode("utf-8", "surrogateescape").lower()] = value.decode("utf-8", "surrogateescape")

    def on_headers_complete(self) -> None:
        self._status = self._parser.get_status_code()
        self._is_in_body = self._status >= 200

    def on_body(self, piece: bytes) -> None:
        self._body_size += len(piece)
        if self._body_size > self._bytes_max:
            self._end("the answer is too long")
        else:
            self._body.append(piece)

    def on_message_complete(self) -> None:
        if self._status < 200:  # the answer follows
            self._begin(self._bytes_max)
            return
        self._is_good = self._is_good and self._parser.should_keep_alive()
        self._say()

    def _say(self) -> None:
        if self._headers.get("content-encoding", "identity") not in ("", "identity"):
            self._end("packed, and nobody asked for it")
            return
        answer, self._answer = self._answer, None
        if answer is None or answer.done():
            self._is_good = False
        else:
            answer.set_result(Heard(self._status, self._headers, b"".join(self._body)))

    def _end(self, reason: str) -> None:
        """There is no answer, or no more of one; the connection is good for nothing."""
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_exception(NoAnswer(reason))
        self.cut()


@cache
def trusted() -> ssl.SSLContext:
    """What the system trusts. 40 ms the first time: whoever serves customers asks for it before they come."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


@lru_cache(maxsize=256)
def _origin(scheme: str, netloc: str) -> Origin:
    parts = urlsplit(f"{scheme}://{netloc}")
    if scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise ValueError("no address")
    host = parts.hostname if parts.hostname.isascii() else parts.hostname.encode("idna").decode()
    shown = f"[{host}]" if ":" in host else host
    usual = 443 if scheme == "https" else 80
    port = usual if parts.port is None else parts.port
    return Origin(host, port, scheme == "https", shown if port == usual else f"{shown}:{port}")


def _parted(url: str) -> tuple[Origin, str]:
    """Whom to ask, and the request's target: as it stands if it can be sent so, for some of them are signed."""
    parts = urlsplit(url)
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    if not _PLAIN.fullmatch(target):
        target = quote(target, safe=_SAFE)
    return _origin(parts.scheme, parts.netloc), target


def _request(method: str, origin: Origin, target: str, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", f"host: {origin.authority}", "accept-encoding: identity"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body or method != "GET":
        lines.append(f"content-length: {len(body)}")
    head = "\r\n".join(lines)
    if not head.count("\r") == head.count("\n") == len(lines) - 1:
        raise ValueError("no header")
    return b"%b\r\n\r\n%b" % (head.encode(), body)
