"""What the platform's staff sees of everybody's webhooks: endpoints in trouble, and what was tried of one subject."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from kameng.kit import ids, lanes
from kameng.kit.db import Connection, Database
from kameng.notices import store
from kameng.notices.model import Endpoint

ID_MAX = (1 << 63) - 1
LOG_ROWS_EACH = 500


class Tried(msgspec.Struct, frozen=True):
    """One attempt to tell an event."""

    endpoint_id: int
    event_id: int
    attempt: int
    at: datetime
    status: int
    took_ms: int
    fault: str


async def attempts_of(connection: Connection, org_id: int, event_ids: Sequence[int]) -> list[Tried]:
    """What was tried of these events of an organisation, oldest first."""
    if not event_ids:
        return []
    rows = await connection.fetch(
        store.statements.attempts_of_events, ids.lane_of(org_id), org_id, list(event_ids), min(event_ids),
        LOG_ROWS_EACH,
    )  # fmt: skip
    wanted = set(event_ids)
    return [
        Tried(row["endpoint_id"], event_id, attempt, row["at"], status, took_ms, fault)
        for row in rows
        for event_id, attempt, status, took_ms, fault in zip(
            row["event_ids"], row["attempts"], row["statuses"], row["took_ms"], row["faults"], strict=True
        )
        if event_id in wanted
    ]


async def endpoints_in_trouble(db: Database, *, limit: int = 100) -> list[Endpoint]:
    """Disabled ones, and those whose last message failed."""
    found: list[Endpoint] = []
    async with db.connection() as connection:
        for lane in await lanes.lane_numbers(connection):
            rows = await connection.fetch(store.statements.endpoints_in_trouble, lane, limit)
            found += [Endpoint(*row) for row in rows]
    return sorted(found, key=lambda one: (one.failing_since is None, one.endpoint_id))[:limit]


async def every_endpoint(db: Database, *, before_id: int = ID_MAX, limit: int = 50) -> list[Endpoint]:
    """Of all lanes, newest first."""
    found: list[Endpoint] = []
    async with db.connection() as connection:
        for lane in await lanes.lane_numbers(connection):
            rows = await connection.fetch(store.statements.endpoints_of_lane, lane, before_id, limit)
            found += [Endpoint(*row) for row in rows]
    return sorted(found, key=lambda one: -one.endpoint_id)[:limit]
