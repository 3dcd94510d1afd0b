"""One connection of the load generator: HTTP/1.1 by hand, at most one shot in hand.

A shot in hand is in flight, or paused (a 503, a cut, a moment of thought). Only answers with a Content-Length
are read; anything else is stray and cuts the connection. What answers add up to is the business of `load`.
"""

from __future__ import annotations

import asyncio
import random
import re
from time import perf_counter
from typing import TYPE_CHECKING, cast

from kameng.ops.bench.shots import Shot

if TYPE_CHECKING:
    from kameng.ops.bench.load import Load

_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_RETRY_AFTER = re.compile(rb"\r\nretry-after(-ms)?: *(\d+(?:\.\d+)?)", re.IGNORECASE)
_CODE = re.compile(rb'"code":\s*"([^"]*)"')


class Line(asyncio.Protocol):
    """A connection that comes back when it is lost."""

    __slots__ = (
        "address", "flying", "load", "missing", "open", "parts", "resting", "sent_at", "shot", "timer",
        "transport", "waiting",
    )  # fmt: skip

    def __init__(self, load: Load, address: str | None) -> None:
        self.load = load
        self.address = address  # to come from; None: as the system likes
        self.transport: asyncio.Transport | None = None
        self.open = False
        self.shot: Shot | None = None
        self.flying = False
        self.sent_at = 0.0
        self.resting = False  # nothing left to do
        self.waiting = False  # for the transport to finish closing
        self.timer: asyncio.TimerHandle | None = None
        self.parts: list[bytes] = []
        self.missing = 0

    def go(self) -> None:
        """Sends what is in hand, or else the next shot; rests when there is none."""
        self.timer = None
        load = self.load
        if load.stopping:
            load.rest(self)
            return
        if self.shot is None:
            self.shot = load.source()
        if self.shot is None:
            load.rest(self)
        elif self.open:
            self._send(self.shot)
        elif self.transport is None:
            load.reopen(self)
        else:
            self.waiting = True

    def _send(self, shot: Shot) -> None:
        load = self.load
        assert self.transport is not None
        self.flying = True
        shot.attempts += 1
        request = shot.signer.request(shot.route, shot.body, load.stamp, load.nonce())
        self.sent_at = perf_counter()
        if shot.attempts == 1:
            shot.first_at = self.sent_at
        self.transport.write(request)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.open = True
        self.parts.clear()

    def data_received(self, data: bytes) -> None:
        now = perf_counter()
        if self.parts:
            self.parts.append(data)
            self.missing -= len(data)
            if self.missing > 0:
                return
            data = b"".join(self.parts)
            self.parts.clear()
        end = data.find(_END)
        try:
            missing = 1 if end < 0 else end + 4 + _body_size(data, end) - len(data)
            if missing > 0:
                self.parts.append(data)
                self.missing = missing
                return
            status = int(data[9:12])
        except ValueError:
            missing = -1
        if missing < 0 or not self.flying:
            self.load.stray += 1
            self.cut()
            return
        self._answer(status, data, end, now)

    def _answer(self, status: int, data: bytes, end: int, now: float) -> None:
        load, shot = self.load, self.shot
        assert shot is not None
        self.flying = False
        load.counts[shot.tag][status] += 1
        if data.find(b"onnection: close", 0, end) > 0:
            self.close()
        if status < 300:
            load.accepted.append(now - self.sent_at)
        else:
            code = _code(data, end)
            load.codes[code] += 1
            if status == 503 or code in load.busy_codes:
                load.busy.append(now - self.sent_at)
                self._come_again(shot, data, end)
                return
            if status >= 500:
                load.faults += 1
                self._no_answer(shot)
                return
            load.refused.append(now - self.sent_at)
        if shot.attempts > 1:
            load.settled.append(now - shot.first_at)
        self.shot = None if load.answered is None else load.answered(shot, status, data[end + 4 :])
        if load.think_s:
            self._pause(random.expovariate(1 / load.think_s))
        else:
            self.go()

    def _come_again(self, shot: Shot, data: bytes, end: int) -> None:
        """Nothing was done: pauses, then the same reference under a fresh nonce."""
        retries = self.load.retries
        if retries.busy_max is not None and shot.attempts > retries.busy_max:
            self.load.give_up(shot)
            self.shot = None
        wait_s = min(_retry_after_s(data, end), retries.busy_wait_max_s)
        self._pause(wait_s * random.uniform(1, 1.25))

    def _no_answer(self, shot: Shot) -> None:
        """The shot may have done its work or not: it is repeated, or listed."""
        retries = self.load.retries
        shot.cuts += 1
        if retries.cut_max is not None and shot.cuts > retries.cut_max:
            self.load.give_up(shot)
            self.shot = None
        self._pause(retries.cut_wait_s)

    def _pause(self, seconds: float) -> None:
        if self.load.stopping:
            self.go()
        else:
            self.timer = self.load.loop.call_later(seconds, self.go)

    def hurry(self) -> None:
        """Ends a pause: the run is stopping."""
        if self.timer is not None:
            self.timer.cancel()
            self.go()

    def close(self) -> None:
        self.open = False
        if self.transport is not None:
            self.transport.close()

    def cut(self) -> None:
        self.open = False
        if self.transport is not None:
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why it went is not told apart
        self.transport = None
        self.open = False
        if self.flying:
            assert self.shot is not None
            self.flying = False
            self.load.cuts += 1
            self._no_answer(self.shot)
        elif self.waiting:
            self.waiting = False
            self.go()


class Idler(asyncio.Protocol):
    """A connection that is only held; it comes back when the server drops it."""

    __slots__ = ("address", "load", "transport")

    def __init__(self, load: Load, address: str | None) -> None:
        self.load = load
        self.address = address
        self.transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def go(self) -> None:
        """Holds still."""

    def cut(self) -> None:
        if self.transport is not None:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why it went is not told apart
        self.transport = None
        if not self.load.stopping:
            self.load.idle_lost += 1
            self.load.reopen(self)


def _body_size(data: bytes, end: int) -> int:
    at = data.find(b"ontent-length: ", 0, end)  # as the server writes it; other spellings cost a little more
    if at > 0:
        return int(data[at + 15 : data.find(b"\r", at)])
    match = _LENGTH.search(data, 0, end)
    if match is None:
        raise ValueError("an answer without Content-Length")
    return int(match[1])


def _retry_after_s(data: bytes, end: int) -> float:
    """The shortest that the head allows (some servers also say milliseconds); no head, no limit."""
    waits = [float(wait) / (1000 if ms else 1) for ms, wait in _RETRY_AFTER.findall(data, 0, end)]
    return min(waits, default=float("inf"))


def _code(data: bytes, end: int) -> bytes:
    match = _CODE.search(data, end)
    return match[1] if match else b"no code"
