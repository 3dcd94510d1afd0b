"""Live numbers: orders a second, how long batches take, the lanes' queues, how the database is."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get

from kameng import orders
from kameng.kit import clock, health, metrics
from kameng.web.answering import page
from kameng.web.parts import AnyRequest, Door, door_of

SPAN_MS = 10_000


class Now(msgspec.Struct, frozen=True):
    """What a poll tells. ``buckets``: how many batches of this gateway ended within so many seconds, since its start;
    two polls tell what happened between them."""

    at_ms: int
    per_second: float
    lanes: dict[str, float]
    queues: dict[str, int]
    buckets: list[tuple[float, int]]
    health: health.Health
    cache_hit: float


async def look(door: Door) -> Now:
    now_ms = clock.now_ms()
    placed = await orders.placed_since(door.db, now_ms - SPAN_MS)
    rates = {str(lane): count * 1000 / SPAN_MS for lane, count in placed.items()}
    server = await health.look(door.db)
    return Now(now_ms, sum(rates.values()), rates, _queues(), _buckets(), server, server.cache_hit)


def _queues() -> dict[str, int]:
    """Wishes that wait in this gateway, by lane."""
    (family,) = metrics.lane_queue.collect()
    return {sample.labels["lane"]: int(sample.value) for sample in family.samples}


def _buckets() -> list[tuple[float, int]]:
    (family,) = metrics.batch_seconds.collect()
    return [(float(sample.labels["le"]) if sample.labels["le"] != "+Inf" else 60.0, int(sample.value))
            for sample in family.samples if sample.name.endswith("_bucket")]  # fmt: skip


def quantile(buckets: list[tuple[float, int]], part: float) -> float | None:
    """In seconds: the bound of the bucket that so many of the batches are within."""
    total = buckets[-1][1] if buckets else 0
    return next((bound for bound, count in buckets if total and count >= part * total), None)


@get("/console/live", opt={"face": "platform", "act": "system"})
async def show(request: AnyRequest) -> Response[Any]:
    now = await look(door_of(request))
    return page(request, "console/live.html", now=now, p50=quantile(now.buckets, 0.5), p99=quantile(now.buckets, 0.99))


@get("/console/live/now", opt={"face": "platform", "act": "system"})
async def poll(request: AnyRequest) -> Response[bytes]:
    """For the page's script; the same numbers."""
    now = await look(door_of(request))
    return Response(msgspec.json.encode(now), media_type="application/json", headers={"cache-control": "no-store"})
