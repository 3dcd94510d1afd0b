"""The load generator: a closed loop over many keep-alive connections, one request in flight on each.

It never loses count: what was sent ends as a decision (2xx, 4xx), as busy (503: signed anew and sent again
after a pause), or as unanswered (cut, silent or another 5xx: repeated if the `Retries` say so, else listed).
It speaks plain TCP and belongs in a process of its own: see `runner`.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import resource
import socket
import time
from array import array
from collections import Counter
from collections.abc import Callable
from time import perf_counter

import msgspec

from kameng.kit.errors import Fault
from kameng.ops.bench.line import Idler, Line
from kameng.ops.bench.shots import TAGS, Shot, nonces
from kameng.ops.bench.tally import Second, Tally

OPENING_MAX = 500
"""Connections being opened at once: more would overflow the server's backlog."""
PER_ADDRESS_MAX = 10_000
"""Connections from one source address. Linux has 28,000 ports for each, but past the first half it looks for
a free one so long that 19,000 connections took 14 s to open instead of 3."""
_SPARE_FILES = 64
_IP_BIND_ADDRESS_NO_PORT = 24

Answered = Callable[[Shot, int, bytes], Shot | None]
_Counters = tuple[int, int, int, int, int]  # accepted, refused, busy, faults, cuts


class TooFewFiles(Fault):
    """The limit of open files is too low for that many connections."""


class NobodyListens(Fault):
    """The connections could not be opened."""


class Target(msgspec.Struct, frozen=True):
    port: int
    host: str = "127.0.0.1"

    @property
    def authority(self) -> str:
        return f"{self.host}:{self.port}"


class Retries(msgspec.Struct, frozen=True, kw_only=True):
    """How often one shot comes again; None: for ever."""

    busy_max: int | None = None
    busy_wait_max_s: float = 0.25
    """A 503 is heeded for min(Retry-After, this), and up to a quarter longer so that the crowd spreads."""
    busy_codes: tuple[str, ...] = ()
    """Problem codes that mean the same as a 503: nothing decided, come again."""
    cut_max: int | None = 0
    cut_wait_s: float = 0.02
    """Before a lost connection is opened again; grows up to 50 times this while nobody listens."""
    answer_max_s: float = 30.0
    """Silence after which a connection is cut from our side."""


async def run(
    target: Target,
    source: Callable[[], Shot | None],
    *,
    connections: int,
    seconds: float | None = None,
    warmup_s: float = 0.0,
    idle: int = 0,
    think_s: float = 0.0,
    drain_s: float = 10.0,
    retries: Retries | None = None,
    on_answer: Answered | None = None,
    extra: dict[str, int] | None = None,
    on_open: Callable[[], None] | None = None,
    on_window: Callable[[], None] | None = None,
    stop: asyncio.Event | None = None,
) -> Tally:
    """Sends what ``source`` gives until it gives None, ``seconds`` are over or ``stop`` is set, then waits
    for the answers to what is in flight.

    ``on_answer`` sees each decision and may name the shot to send next; ``extra`` is a bag of its counters.
    ``idle`` connections are held beside the others; ``think_s`` is the mean pause after a decision.
    """
    raise_file_limit(connections + idle + _SPARE_FILES)
    load = Load(target, source, retries=retries or Retries(), think_s=think_s, over=stop or asyncio.Event())
    load.answered = on_answer
    load.extra = {} if extra is None else extra
    keeping = asyncio.create_task(load.keep_house())
    try:
        await load.open_all(connections, idle)
        if on_open is not None:
            on_open()
        for line in load.lines:
            line.go()
        if warmup_s:
            await load.until_over(warmup_s)
        load.begin()
        if on_window is not None:
            on_window()
        await load.until_over(seconds)
        load.end()
        await load.drain(drain_s)
    finally:
        keeping.cancel()
        await load.close()
    return load.tally()


def raise_file_limit(needed: int) -> None:
    """Raises this process's limit of open files if it has to."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= needed:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, max(needed, hard)))
    except (ValueError, OSError):
        raise TooFewFiles(
            f"{needed} open files are needed and {hard} are allowed: raise the hard limit (LimitNOFILE=, "
            "/etc/security/limits.conf), or spread the connections over several processes"
        ) from None


class Load:
    """The state of one run, shared by its lines."""

    def __init__(
        self,
        target: Target,
        source: Callable[[], Shot | None],
        *,
        retries: Retries,
        think_s: float,
        over: asyncio.Event,
    ) -> None:
        self.source, self.retries, self.think_s = source, retries, think_s
        self.answered: Answered | None = None
        self.extra: dict[str, int] = {}
        self.loop = asyncio.get_running_loop()
        self.nonce = nonces()
        self.stamp = str(int(time.time()))
        self.busy_codes = frozenset(code.encode() for code in retries.busy_codes)
        self.stopping = False
        self.lines: list[Line] = []
        self.counts = [[0] * 1000 for _ in TAGS]
        self.accepted, self.refused, self.busy, self.settled = (array("f") for _ in range(4))
        self.faults = self.cuts = self.stray = self.idle_lost = 0
        self.codes: Counter[bytes] = Counter()
        self._unanswered: list[str] = []
        self._undecided: list[str] = []
        self._target = target
        self._idlers: list[Idler] = []
        self._resting = 0
        self._reconnects = 0
        self._dry = asyncio.Event()
        self._over = over
        self._opening = asyncio.Semaphore(OPENING_MAX)
        self._tasks: set[asyncio.Task[None]] = set()
        self._window = _Window()
        self._drawing: asyncio.Task[None] | None = None

    # What lines call.

    def give_up(self, shot: Shot) -> None:
        """Lists the reference: a shot ever cut may have done its work, one that was only busy has not."""
        (self._unanswered if shot.cuts else self._undecided).append(shot.reference)

    def rest(self, line: Line) -> None:
        if line.shot is not None and line.shot.attempts:
            self.give_up(line.shot)
        line.shot = None
        if not line.resting:
            line.resting = True
            self._resting += 1
            if self._resting == len(self.lines):
                self._dry.set()
                self._over.set()

    def reopen(self, line: Line | Idler) -> None:
        task = self.loop.create_task(self._reopen(line))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reopen(self, line: Line | Idler) -> None:
        wait_s = self.retries.cut_wait_s
        while not self.stopping:
            try:
                await self._open(line)
            except OSError:
                await asyncio.sleep(wait_s * random.uniform(1, 1.25))
                wait_s = min(wait_s * 2, self.retries.cut_wait_s * 50)
            else:
                self._reconnects += 1
                break
        line.go()

    # What `run` calls, in this order.

    async def keep_house(self) -> None:
        """Keeps the time in signatures fresh and cuts lines that wait in vain."""
        while True:
            self.stamp = str(int(time.time()))
            late = perf_counter() - self.retries.answer_max_s
            for line in self.lines:
                if line.flying and line.sent_at < late:
                    line.cut()
            await asyncio.sleep(0.5)

    async def open_all(self, connections: int, idle: int) -> None:
        total = connections + idle
        many = total > PER_ADDRESS_MAX
        addresses = [f"127.0.0.{1 + n // PER_ADDRESS_MAX}" if many else None for n in range(total)]
        self.lines.extend(Line(self, address) for address in addresses[:connections])
        self._idlers.extend(Idler(self, address) for address in addresses[connections:])
        try:
            await asyncio.gather(*map(self._open, self._idlers), *map(self._open, self.lines))
        except OSError as error:
            raise NobodyListens(f"{self._target.authority}: {error}") from error

    async def _open(self, line: Line | Idler) -> None:
        async with self._opening:
            if line.address is None:
                await self.loop.create_connection(lambda: line, self._target.host, self._target.port)
                return
            sock = socket.socket()
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
            sock.bind((line.address, 0))
            try:
                await self.loop.sock_connect(sock, (self._target.host, self._target.port))
            except BaseException:
                sock.close()
                raise
            await self.loop.create_connection(lambda: line, sock=sock)

    async def until_over(self, seconds: float | None) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._over.wait(), seconds)

    def begin(self) -> None:
        """The measured window starts: forgets what the warm-up measured, keeps what it counted."""
        for latencies in (self.accepted, self.refused, self.busy, self.settled):
            del latencies[:]
        self._window.begin(self._counters(), self.extra)
        self._drawing = self.loop.create_task(self._draw())

    async def _draw(self) -> None:
        for second in range(1, 1 << 30):
            await asyncio.sleep(self._window.started + second - perf_counter())
            self._window.point(self._counters(), self.extra)

    def _counters(self) -> _Counters:
        return len(self.accepted), len(self.refused), len(self.busy), self.faults, self.cuts

    def end(self) -> None:
        """The measured window ends, and with it the sending."""
        self.stopping = True
        if self._drawing is not None:
            self._drawing.cancel()
        self._window.end(self._counters(), self.extra)

    async def drain(self, drain_s: float) -> None:
        """Waits for the answers to what is in flight; then cuts what is still silent."""
        for line in self.lines:
            line.hurry()
        for patience_s in (drain_s, 2.0):
            if self._dry.is_set() or not self.lines:
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._dry.wait(), patience_s)
            for line in self.lines:
                if line.flying:
                    line.cut()

    async def close(self) -> None:
        self.stopping = True
        for task in self._tasks:
            task.cancel()
        everyone: list[Line | Idler] = [*self.lines, *self._idlers]
        for line in everyone:
            line.cut()
        await asyncio.sleep(0.01)  # so that each transport says good-bye inside this loop

    def tally(self) -> Tally:
        window, opening, closing = self._window, self._window.first, self._window.last
        return Tally(
            connections=len(self.lines),
            idle=len(self._idlers),
            seconds=window.ended - window.started,
            accepted=closing[0] - opening[0],
            refused=closing[1] - opening[1],
            busy=closing[2] - opening[2],
            faults=closing[3] - opening[3],
            cuts=closing[4] - opening[4],
            cpu_user_s=window.cpu_user_s,
            cpu_system_s=window.cpu_system_s,
            extra=window.extra,
            series=window.series,
            total={
                tag: {status: count for status, count in enumerate(counts) if count}
                for tag, counts in zip(TAGS, self.counts, strict=True)
                if any(counts)
            },
            total_extra=dict(self.extra),
            codes={code.decode(errors="replace"): count for code, count in self.codes.items()},
            unanswered=self._unanswered,
            undecided=self._undecided,
            reconnects=self._reconnects,
            stray=self.stray,
            idle_lost=self.idle_lost,
            accepted_s=self.accepted.tobytes(),
            refused_s=self.refused.tobytes(),
            busy_s=self.busy.tobytes(),
            settled_s=self.settled.tobytes(),
        )


class _Window:
    """The measured window: counters at its start, each second, and its end."""

    def __init__(self) -> None:
        self.started = self.ended = perf_counter()
        self.first = self.last = self._before = (0, 0, 0, 0, 0)
        self.cpu_user_s = self.cpu_system_s = 0.0
        self.extra: dict[str, int] = {}
        self.series: list[Second] = []
        self._cpu = resource.getrusage(resource.RUSAGE_SELF)
        self._extra_first: dict[str, int] = {}
        self._extra_before: dict[str, int] = {}

    def begin(self, counters: _Counters, extra: dict[str, int]) -> None:
        self.started = perf_counter()
        self.first = self._before = counters
        self._extra_first = self._extra_before = dict(extra)
        self._cpu = resource.getrusage(resource.RUSAGE_SELF)

    def point(self, counters: _Counters, extra: dict[str, int]) -> None:
        steps = [now - before for now, before in zip(counters, self._before, strict=True)]
        grown = {name: count - self._extra_before.get(name, 0) for name, count in extra.items()}
        at_s = round(perf_counter() - self.started, 3)
        self.series.append(Second(at_s, steps[0], steps[1], steps[2], steps[3], steps[4], grown))
        self._before, self._extra_before = counters, dict(extra)

    def end(self, counters: _Counters, extra: dict[str, int]) -> None:
        self.point(counters, extra)
        self.ended = perf_counter()
        self.last = counters
        self.extra = {name: count - self._extra_first.get(name, 0) for name, count in extra.items()}
        now = resource.getrusage(resource.RUSAGE_SELF)  # in microseconds, where os.times has hundredths
        self.cpu_user_s, self.cpu_system_s = now.ru_utime - self._cpu.ru_utime, now.ru_stime - self._cpu.ru_stime
