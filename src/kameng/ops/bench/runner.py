"""The load generator in a process of its own, so that the bench can watch it and does not disturb it.

`start` gives the plan to the child on stdin. The child says ``o`` on stdout when its connections are open,
``w`` when the measured window begins, and gives its tally last. SIGTERM ends a run early, with its tally.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import BinaryIO

import msgspec
import uvloop

from kameng.kit.errors import Fault
from kameng.ops.bench import load
from kameng.ops.bench.load import Retries, Target
from kameng.ops.bench.shots import Mix, Shot, source_of
from kameng.ops.bench.tally import Tally
from kameng.ops.processes import standard_output


class LoadFailed(Fault):
    """The load generator ended without a tally."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """All a child needs to know; see `load.run`. Without a mix it only holds ``idle`` connections."""

    target: Target
    mix: Mix | None
    connections: int
    idle: int = 0
    seconds: float | None = None
    warmup_s: float = 0.0
    think_s: float = 0.0
    drain_s: float = 10.0
    retries: Retries = Retries()
    answers_path: str | None = None
    """Where to write each decision as a line: status, reference, order id (``-`` if none), tab-separated."""


class Running:
    """A child at work. Call `tally` once, at the end."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        assert child.stdout is not None
        self._child = child
        self._pipe = child.stdout
        self._seen = b""

    @property
    def pid(self) -> int:
        return self._child.pid

    def await_open(self) -> None:
        self._await(b"o")

    def await_window(self) -> None:
        self._await(b"w")

    def _await(self, mark: bytes) -> None:
        while mark not in self._seen:
            byte = self._pipe.read(1)
            if not byte:
                self._pipe.close()
                raise LoadFailed(f"it ended with status {self._child.wait()}; its last words are above")
            self._seen += byte

    def stop(self) -> None:
        self._child.terminate()

    def tally(self) -> Tally:
        self._await(b"w")
        with self._pipe as pipe:
            raw = pipe.read()
        status = self._child.wait()
        if status:
            raise LoadFailed(f"it ended with status {status}; its last words are above")
        return msgspec.msgpack.decode(raw, type=Tally)


def start(plan: Plan) -> Running:
    child = subprocess.Popen(
        [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdin is not None
    with child.stdin as pipe:
        pipe.write(msgspec.msgpack.encode(plan))
    return Running(child)


async def _run(plan: Plan, out: BinaryIO) -> Tally:
    def say(mark: bytes) -> None:
        out.write(mark)
        out.flush()

    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    source = None if plan.mix is None else source_of(plan.mix, plan.target.authority)
    on_answer = None if source is None else source.answered
    log = None
    if plan.answers_path is not None:
        log = open(plan.answers_path, "wb", buffering=1 << 16)  # noqa: SIM115, ASYNC230 - a line now and then
        on_answer = _logged(log, on_answer)
    gc.freeze()
    gc.disable()  # shots hold no cycles, and a pause of ours would be measured as the gateway's
    try:
        return await load.run(
            plan.target,
            source if source is not None else lambda: None,
            connections=plan.connections,
            seconds=plan.seconds,
            warmup_s=plan.warmup_s,
            idle=plan.idle,
            think_s=plan.think_s,
            drain_s=plan.drain_s,
            retries=plan.retries,
            on_answer=on_answer,
            extra=None if source is None else source.extra,
            on_open=lambda: say(b"o"),
            on_window=lambda: say(b"w"),
            stop=stop,
        )
    finally:
        if log is not None:
            log.close()


def _logged(log: BinaryIO, then: load.Answered | None) -> Callable[[Shot, int, bytes], Shot | None]:
    def answered(shot: Shot, status: int, body: bytes) -> Shot | None:
        at = body.find(b'"id":"') + 6
        order_id = body[at : body.find(b'"', at)] if status < 300 and at > 5 else b"-"
        log.write(b"%d\t%b\t%b\n" % (status, shot.reference.encode(), order_id))
        return None if then is None else then(shot, status, body)

    return answered


def main() -> None:
    plan = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Plan)
    out = standard_output()
    try:
        tally = uvloop.run(_run(plan, out))
    except Fault as fault:
        sys.exit(f"load generator: {fault.__class__.__doc__} {fault}")
    out.write(msgspec.msgpack.encode(tally))
    out.flush()


if __name__ == "__main__":
    main()
