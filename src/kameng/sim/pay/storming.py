"""A storm of notices: of many payments at once, signed before the first goes out, over connections that stay open.

POST /_sim/storm/ready   {"provider", "count"}: so many waiting payments are paid, oldest first; their notices signed
POST /_sim/storm/go      {"connections", "per_s"?, "repeats"?, "seed"?}: they are sent, and what came of it told

Without ``per_s`` each goes out as soon as a connection is free, else at its own moment. ``repeats`` is the share of
payments that are told of twice: every second of these at once, the others some time later. A repeat is byte for byte
what it repeats. What is not acknowledged comes again by the provider's own schedule.
"""

from __future__ import annotations

import asyncio
import heapq
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar, cast
from urllib.parse import urlsplit

import msgspec
from aiohttp import web
from msgspec import Meta

from kameng.kit import clock
from kameng.sim.pay import books
from kameng.sim.pay.ground import Ground
from kameng.sim.pay.provider import Provider, Telling

ANSWER_MAX_S = 5.0
"""Who does not answer in that time did not take it."""
TURN = 100
"""Notices signed in one turn of the loop."""
_END = b"\r\n\r\n"
T = TypeVar("T")
Positive = Annotated[int, Meta(ge=1)]


class Prepare(msgspec.Struct, forbid_unknown_fields=True):
    provider: str
    count: Positive


class Go(msgspec.Struct, forbid_unknown_fields=True):
    connections: Positive
    per_s: Annotated[float, Meta(ge=0)] = 0.0
    repeats: Annotated[float, Meta(ge=0, le=1)] = 0.0
    seed: int = 1


class Weather(msgspec.Struct, kw_only=True):
    """What came of it. A latency is from when the notice was to go out to its answer; at no rate, from its sending."""

    payments: int
    notices: int  # acknowledged in the end
    given_up: int
    came_again: int  # sendings beyond the first of each notice
    answers: dict[int, int]  # by status; 0: none came
    began_ms: int
    seconds: float  # to the last answer
    latencies_ms: list[float]  # of first sendings


class Storming:
    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._provider: Provider | None = None
        self._ready: list[Telling] = []

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/_sim/storm/ready", self._prepare), web.post("/_sim/storm/go", self._go)]

    async def _prepare(self, request: web.Request) -> web.Response:
        asked = await _read(request, Prepare)
        provider = self._ground.providers.get(asked.provider)
        if provider is None:
            raise web.HTTPNotFound(text="no such provider")
        every = (x for x in self._ground.books.every(asked.provider) if x.state == books.WAITING)
        waiting = [payment for payment, _ in zip(every, range(asked.count), strict=False)]
        if len(waiting) < asked.count:
            raise web.HTTPConflict(text=f"only {len(waiting)} wait")
        self._provider, self._ready = provider, []
        for number, payment in enumerate(waiting, 1):
            self._ground.books.pay(payment)
            self._ready.append(provider.tell_payment(payment, None))
            if number % TURN == 0:
                await asyncio.sleep(0)
        return web.Response(body=msgspec.json.encode(len(self._ready)), content_type="application/json")

    async def _go(self, request: web.Request) -> web.Response:
        asked = await _read(request, Go)
        if self._provider is None or not self._ready:
            raise web.HTTPConflict(text="nothing is ready")
        ready, self._ready = self._ready, []
        waits_s = [wait_s * self._ground.notifier.pace for wait_s in self._provider.schedule_s[1:]]
        storm = Storm(ready, asked, waits_s=waits_s, is_taken=self._provider.is_taken)
        return web.Response(body=msgspec.json.encode(await storm.run()), content_type="application/json")


async def _read(request: web.Request, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(await request.read(), type=kind)
    except msgspec.DecodeError as fault:
        raise web.HTTPBadRequest(text=str(fault)) from None


class Sending:
    """A notice on its way; ``due_s`` 0: as soon as a connection is free."""

    __slots__ = ("attempt", "due_s", "request", "sent_s")

    def __init__(self, request: bytes, due_s: float) -> None:
        self.request = request
        self.due_s = due_s
        self.sent_s = 0.0
        self.attempt = 1


class Storm:
    """One storm, over connections that all wait for the same door."""

    def __init__(
        self, ready: Sequence[Telling], asked: Go, *, waits_s: Sequence[float],
        is_taken: Callable[[int, bytes], bool],
    ) -> None:  # fmt: skip
        self._asked = asked
        self._payments = len(ready)
        self._waits_s = waits_s
        self.is_taken = is_taken
        self._loop = asyncio.get_running_loop()
        url = urlsplit(ready[0].url)
        self.door = url.hostname or "127.0.0.1", url.port or 80
        self._requests = [_rendered(one) for one in ready]
        self._due: list[tuple[float, int, Sending]] = []  # a heap: what is not due yet
        self._waiting: deque[Sending] = deque()  # due, and no connection was free
        self._free: list[Line] = []
        self._reopening: set[asyncio.Task[None]] = set()
        self._left = 0
        self._over = asyncio.Event()
        self._answers: Counter[int] = Counter()
        self._latencies_ms: list[float] = []
        self._taken = self._given_up = self._again = 0
        self._last_s = 0.0

    async def run(self) -> Weather:
        lines = [Line(self) for _ in range(self._asked.connections)]
        await asyncio.gather(*(self._loop.create_connection(lambda line=line: line, *self.door) for line in lines))  # type: ignore[misc]
        began_ms, began_s = clock.now_ms(), time.monotonic()
        order = sequence(self._payments, repeats=self._asked.repeats, seed=self._asked.seed)
        self._left = len(order)
        per_s = self._asked.per_s
        sendings = [
            Sending(self._requests[index], began_s + slot / per_s if per_s else 0.0) for slot, index in enumerate(order)
        ]
        if per_s:
            self._due = [(one.due_s, slot, one) for slot, one in enumerate(sendings)]
        else:
            self._waiting.extend(sendings)
        self._free.extend(lines)
        keeping = self._loop.create_task(self._keep_time(lines))
        self._send_what_is_due()
        await self._over.wait()
        keeping.cancel()
        for line in lines:
            line.close()
        return Weather(
            payments=self._payments, notices=self._taken, given_up=self._given_up, came_again=self._again,
            answers=dict(self._answers), began_ms=began_ms, seconds=round(self._last_s - began_s, 3),
            latencies_ms=self._latencies_ms,
        )  # fmt: skip

    async def _keep_time(self, lines: Sequence[Line]) -> None:
        """What has become due goes out; who waits in vain is cut off."""
        while True:
            await asyncio.sleep(0.002)
            self._send_what_is_due()
            late_s = time.monotonic() - ANSWER_MAX_S
            for line in lines:
                if line.sending is not None and line.sending.sent_s < late_s:
                    line.close()

    def _send_what_is_due(self) -> None:
        now_s = time.monotonic()
        while self._due and self._due[0][0] <= now_s:
            self._waiting.append(heapq.heappop(self._due)[2])
        while self._free and self._waiting:
            self._free.pop().send(self._waiting.popleft())

    def free(self, line: Line) -> None:
        if self._waiting:
            line.send(self._waiting.popleft())
        else:
            self._free.append(line)

    def answered(self, sending: Sending, status: int, body: bytes) -> None:
        """0: no answer came."""
        now_s = time.monotonic()
        self._answers[status] += 1
        self._last_s = now_s
        if sending.attempt == 1:
            self._latencies_ms.append(round((now_s - (sending.due_s or sending.sent_s)) * 1000, 2))
        if self.is_taken(status, body):
            self._taken += 1
        elif sending.attempt <= len(self._waits_s):
            sending.due_s = now_s + self._waits_s[sending.attempt - 1]
            sending.attempt += 1
            self._again += 1
            heapq.heappush(self._due, (sending.due_s, id(sending), sending))
            return
        else:
            self._given_up += 1
        self._left -= 1
        if not self._left:
            self._over.set()

    def lost(self, line: Line) -> None:
        """Its connection is gone: another takes its place."""
        if line in self._free:
            self._free.remove(line)
        if self._left:
            task = self._loop.create_task(self._reopen(line))
            self._reopening.add(task)
            task.add_done_callback(self._reopening.discard)

    async def _reopen(self, line: Line) -> None:
        while self._left:
            try:
                await self._loop.create_connection(lambda: line, *self.door)
            except OSError:
                await asyncio.sleep(0.1)
            else:
                self.free(line)
                return


class Line(asyncio.Protocol):
    """A connection that stays; one notice in flight."""

    def __init__(self, storm: Storm) -> None:
        self._storm = storm
        self._transport: asyncio.Transport | None = None
        self._said = b""
        self.sending: Sending | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._said = b""

    def send(self, sending: Sending) -> None:
        assert self._transport is not None
        self.sending = sending
        sending.sent_s = time.monotonic()
        self._transport.write(sending.request)

    def data_received(self, data: bytes) -> None:
        self._said += data
        end = self._said.find(_END)
        if end < 0:
            return
        head, body = self._said[:end].lower(), self._said[end + 4 :]
        if len(body) < _length(head):
            return
        sending, self.sending, self._said = self.sending, None, b""
        if sending is not None:
            self._storm.answered(sending, int(head[9:12]), body)
        if b"\r\nconnection: close" in head:
            self.close()
        else:
            self._storm.free(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - whatever it was
        sending, self.sending, self._transport = self.sending, None, None
        if sending is not None:
            self._storm.answered(sending, 0, b"")
        self._storm.lost(self)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


def _length(head: bytes) -> int:
    _, _, rest = head.partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0] or 0)


def _rendered(telling: Telling) -> bytes:
    url = urlsplit(telling.url)
    path = f"{url.path}?{url.query}" if url.query else url.path
    head = "".join(f"{name}: {value}\r\n" for name, value in telling.headers.items())
    return (
        f"{telling.method} {path} HTTP/1.1\r\nHost: {url.netloc}\r\n{head}Content-Length: {len(telling.body)}\r\n\r\n"
    ).encode() + telling.body


def sequence(payments: int, *, repeats: float, seed: int) -> list[int]:
    """Which payment each notice tells of, in the order they go out."""
    draw = random.Random(seed)
    moments = [(float(index), index) for index in range(payments)]
    for number, index in enumerate(sorted(draw.sample(range(payments), round(payments * repeats)))):
        moments.append((index + 0.5 if number % 2 == 0 else draw.uniform(index + 0.5, payments), index))
    return [index for _, index in sorted(moments)]
