"""The limits a bench is compared with, measured in the same run on the same machine.

`measure_echo`: an ASGI app that answers like the order door and does nothing, under the same server with the
same settings, loaded by the same generator with signed requests. `measure_copy`: rows by COPY into
PostgreSQL, with nothing to decide. What a workload reaches is told as a share of these.
"""

from __future__ import annotations

import contextlib
import io
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import asyncpg
import msgspec
import uvicorn

from kameng.kit.errors import Fault
from kameng.ops import gateway, processes
from kameng.ops.bench import runner
from kameng.ops.bench.load import Target
from kameng.ops.bench.shots import Key, OrderMix, Sku
from kameng.ops.bench.tally import Tally

_ANSWER = msgspec.json.encode(
    {
        "id": "1234567890123456789",
        "client_ref": "echo-1234567",
        "sku": "100123",
        "quantity": 1,
        "unit_price": "98.5000",
        "total": "98.5000",
        "currency": "CNY",
        "state": "delivered",
        "sequence": 1,
        "placed_at": "2026-01-01T00:00:00.000Z",
        "replayed": False,
        "cards": [
            {
                "number": "KM1234567890123456",
                "secret": "ABCD-EFGH-JKLM-NPQR-STUV",
                "expires_on": "2028-12-31",
                "redeem": "https://example.com/redeem?code=ABCD-EFGH-JKLM-NPQR-STUV",
            }
        ],
    }
)
_HEAD: dict[str, Any] = {
    "type": "http.response.start",
    "status": 201,
    "headers": [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(_ANSWER)),
        (b"x-request-id", b"0123456789abcdef0123456789abcdef"),
        (b"ratelimit", b'"key";r=999;t=1'),
    ],
}
_BODY: dict[str, Any] = {"type": "http.response.body", "body": _ANSWER}


async def app(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Reads the request and answers as an accepted order would be answered."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    while (await receive()).get("more_body"):
        pass
    await send(_HEAD)
    await send(_BODY)


@contextlib.contextmanager
def serving() -> Iterator[Target]:
    """The echo app in a process of its own, under the gateway's own server."""
    target = Target(port=processes.free_port())
    child = subprocess.Popen([sys.executable, "-m", __name__, str(target.port)])
    try:
        _await_listener(target, child)
        yield target
    finally:
        child.terminate()
        child.wait(10)


def _await_listener(target: Target, child: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while child.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection((target.host, target.port), 1):
            return
        time.sleep(0.05)
    raise Fault(f"The echo server did not start; its words are above (status {child.poll()}).")


def measure_echo(
    *,
    connections: int,
    seconds: float,
    warmup_s: float = 1.0,
    keys: list[Key] | None = None,
) -> Tally:
    """How many signed requests of this size server, client and kernel alone can pass here."""
    if keys is None:
        keys = [Key(f"ak_{number}", f"ks_{number:040d}") for number in range(10**17, 10**17 + 10_000)]
    skus = [Sku(code=str(code)) for code in range(100_001, 100_177)]
    mix = OrderMix(keys=keys, skus=skus, prefix="echo-")
    with serving() as target:
        plan = runner.Plan(
            target=target, mix=mix, connections=connections, seconds=seconds, warmup_s=warmup_s
        )
        return runner.start(plan).tally()


class Copied(msgspec.Struct, frozen=True, kw_only=True):
    rows: int
    seconds: float
    row_bytes: int

    @property
    def rows_per_s(self) -> float:
        return self.rows / self.seconds


_SCRATCH = "kameng_bench_copy"
_ROW = b"\t%d\t%d\t%d\t985000\t2026-01-01 00:00:00+00\t%b\t%b\n" % (
    2**40, 2**50, 2**60, b"bench-reference-0123456789abcdef", b"s" * 100,
)  # fmt: skip


async def measure_copy(dsn: str, *, seconds: float, chunk_rows: int = 5000) -> Copied:
    """One connection copies into a table of its own (8 columns, about 200 bytes, a primary key), a commit a
    chunk."""
    db = await asyncpg.connect(dsn)
    try:
        await db.execute(f"DROP TABLE IF EXISTS {_SCRATCH}")
        await db.execute(
            f"CREATE TABLE {_SCRATCH} (id bigint PRIMARY KEY, a bigint, b bigint, c bigint, amount_e4 bigint,"
            " at timestamptz, reference text, sealed text)"
        )
        rows, started = 0, time.perf_counter()
        while (elapsed_s := time.perf_counter() - started) < seconds:
            await db.copy_to_table(_SCRATCH, source=io.BytesIO(_chunk(rows, chunk_rows)))
            rows += chunk_rows
        return Copied(rows=rows, seconds=elapsed_s, row_bytes=len(_ROW))
    finally:
        await db.execute(f"DROP TABLE IF EXISTS {_SCRATCH}")
        await db.close()


def _chunk(first: int, count: int) -> bytes:
    return b"".join([b"%d%b" % (number, _ROW) for number in range(first, first + count)])


def main() -> None:
    config = uvicorn.Config(app, **gateway.server_options())
    server = gateway.Server(config, request_timeout_s=10)
    server.run([socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=processes.BACKLOG)])


if __name__ == "__main__":
    main()
