"""Webhooks under load: a receiver in a process of its own that only notes when each message came.

Latency is from the event's id, which its lane's gate dealt in the transaction that committed it, to the receipt, in
whole milliseconds of one machine's clock.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
import urllib.request
from types import TracebackType
from typing import TYPE_CHECKING, Self

import aiohttp
import msgspec

from kameng import notices
from kameng.kit import clock, crypto, db, events, ids, lanes
from kameng.kit.db import Database
from kameng.kit.errors import Fault
from kameng.kit.events import NewEvent

if TYPE_CHECKING:
    from kameng.ops.bench.stage import Stage

ENDPOINTS = 2_000
"""A fifth of the merchants: every order of theirs is due to them, as in every other workload."""
EVENTS = 10_000
RAW_CONNECTIONS = 32
DRAIN_TIMEOUT_S = 120.0
POLICY = notices.Policy.of("on", ["127.0.0.0/8"])


class Deliveries(msgspec.Struct, frozen=True):
    count: int
    seconds: float
    latencies_ms: list[int]

    def lines(self, what: str, raw_per_s: float) -> list[str]:
        """For the report."""
        if not self.count:
            return [f"webhooks {what}: none"]
        in_order, per_s = sorted(self.latencies_ms), self.count / self.seconds
        p50, p99 = in_order[len(in_order) // 2], in_order[len(in_order) * 99 // 100]
        return [
            f"webhooks {what}: {per_s:.0f}/s, {per_s / raw_per_s:.0%} of the raw loop;"
            f" commit to receipt p50 {p50} ms, p99 {p99} ms"
        ]


class Receiver:
    """``kameng.sim.receiver`` for the block."""

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "kameng.sim.receiver"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        self.url = f"http://127.0.0.1:{line.strip().removeprefix('port=')}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.communicate(timeout=10)

    def stamps(self) -> list[tuple[int, int]]:
        """(event, when it came) each, in Unix milliseconds."""
        with urllib.request.urlopen(f"{self.url}/_sim/stamps") as answer:  # noqa: S310 - our own
            return [(event_id, at_ms) for event_id, at_ms in json.load(answer)]


async def measure_raw(receiver: Receiver, *, seconds: float) -> float:
    """The same client in a bare loop: what the machine allows."""
    until_s, count = time.monotonic() + seconds, 0
    connector = aiohttp.TCPConnector(limit=RAW_CONNECTIONS)

    async def post(session: aiohttp.ClientSession) -> None:
        nonlocal count
        while time.monotonic() < until_s:
            async with session.post(f"{receiver.url}/quiet", data=b"{}", headers={"webhook-id": "raw_0"}) as answer:
                await answer.read()
            count += 1

    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(post(session) for _ in range(RAW_CONNECTIONS)))
    return count / seconds


async def subscribe(stage: Stage, receiver: Receiver) -> list[int]:
    """Webhooks for the first merchants; their ids."""
    ring = crypto.KeyRing(crypto.KeyFile(stage.folder / "keyring.json").load())
    database = await db.open_database(stage.url)
    try:
        rows = await database.pool.fetch(
            "SELECT org_id FROM organisation WHERE sandbox_of IS NULL AND kind = 'merchant' ORDER BY org_id LIMIT $1",
            ENDPOINTS,
        )
        for row in rows:
            await notices.create_endpoint(
                database, ring, row["org_id"], url=f"{receiver.url}/quiet", policy=POLICY, name="bench"
            )
    finally:
        await database.close()
    await asyncio.sleep(2)  # the worker meets them
    return [row["org_id"] for row in rows]


async def drain(stage: Stage, receiver: Receiver, org_ids: list[int]) -> Deliveries:
    """Events put into the outbox at once, and how fast they go out."""
    database = await db.open_database(stage.url)
    try:
        began_ms, wanted = clock.now_ms(), set(await _happen(database, org_ids))
    finally:
        await database.close()
    until_s = time.monotonic() + DRAIN_TIMEOUT_S
    while time.monotonic() < until_s:
        came = [(event_id, at_ms) for event_id, at_ms in receiver.stamps() if event_id in wanted]
        if len({event_id for event_id, _ in came}) == len(wanted):
            return _deliveries(came, (max(at_ms for _, at_ms in came) - began_ms) / 1000)
        await asyncio.sleep(0.5)
    raise Fault(f"{len(wanted)} events were due, and not all were delivered in {DRAIN_TIMEOUT_S:.0f} s.")


async def _happen(database: Database, org_ids: list[int]) -> list[int]:
    """Due events, the same number for each organisation, every lane in one transaction."""
    by_lane: dict[int, list[int]] = {}
    for org_id in org_ids:
        by_lane.setdefault(ids.lane_of(org_id), []).append(org_id)
    made: list[int] = []
    for lane, some in by_lane.items():
        count = EVENTS // len(org_ids) * len(some)
        async with database.transaction() as connection:
            passage = await lanes.pass_gate(connection, lane, id_count=count)
            new = [
                NewEvent(event_id, some[index % len(some)], event_id, 1, "bench.happened", due=True)
                for index, event_id in enumerate(passage.ids)
            ]
            await events.emit(connection, lane, clock.now(), new)
        made += passage.ids
    return made


def beside(receiver: Receiver, *, seconds: float) -> Deliveries:
    """What came in the last full seconds of a load that has just ended."""
    stamps = receiver.stamps()
    last_ms = max((at_ms for _, at_ms in stamps), default=0)
    came = [(event_id, at_ms) for event_id, at_ms in stamps if at_ms > last_ms - seconds * 1000 and event_id]
    return _deliveries(came, seconds)


def _deliveries(came: list[tuple[int, int]], seconds: float) -> Deliveries:
    return Deliveries(len(came), seconds, [at_ms - ids.ms_of(event_id) for event_id, at_ms in came])
