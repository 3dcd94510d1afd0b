"""Events: what happened to a subject, in the subject's own sequence, written in the transaction that did it.

The event row is the outbox: ``due`` rows are owed to the organisation's webhooks. ``NewEvent`` carries no
clear secrets, ever: receivers read those with their own key.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from kameng.kit import copying
from kameng.kit.db import Connection
from kameng.kit.lanes import statements

_ROWS = copying.Rows(
    "event",
    {"lane": "h", "subject_id": "q", "sequence": "i", "event_id": "q", "org_id": "q", "actor_id": "q", "at": "q",
     "due": "?"},
    ["kind", "data"],
)  # fmt: skip


class NewEvent(msgspec.Struct, frozen=True, gc=False):
    event_id: int
    org_id: int
    subject_id: int
    sequence: int
    kind: str  # "order.delivered"
    actor_id: int = 0
    data: dict[str, Any] | None = None
    due: bool = False


class Event(msgspec.Struct, frozen=True):
    """One line of a subject's timeline."""

    sequence: int
    event_id: int
    kind: str
    actor_id: int
    at: datetime
    data: dict[str, Any] | None


class RecentEvent(msgspec.Struct, frozen=True):
    """That something happened, for hints."""

    event_id: int
    org_id: int
    subject_id: int
    kind: str


async def emit(connection: Connection, lane: int, at: datetime, events: Sequence[NewEvent]) -> None:
    """Write events of one lane. Takes no gate: the caller holds it."""
    stamp = copying.timestamp(at)
    await _ROWS.append(
        connection,
        (
            (
                lane, e.subject_id, e.sequence, e.event_id, e.org_id, e.actor_id, stamp, e.due, e.kind.encode(),
                None if e.data is None else b"\x01" + msgspec.json.encode(e.data),
            )
            for e in events
        ),
    )  # fmt: skip


async def next_sequences(connection: Connection, lane: int, subject_ids: Sequence[int]) -> dict[int, int]:
    """The next number of each subject that keeps none in a row of its own; the caller holds the gate."""
    rows = await connection.fetch(statements.next_event_sequences, lane, list(subject_ids))
    return {row["subject_id"]: row["sequence"] for row in rows}


async def timeline(connection: Connection, lane: int, subject_id: int) -> list[Event]:
    """Everything that happened to one subject, oldest first."""
    rows = await connection.fetch(statements.events_of_subject, lane, subject_id)
    return [Event(*row.values()) for row in rows]


async def recent(connection: Connection, lane: int, *, after_id: int, limit: int) -> list[RecentEvent]:
    """What happened in a lane beyond an event of some moments ago, everybody's, oldest first."""
    rows = await connection.fetch(statements.recent_events, lane, after_id, limit)
    return [RecentEvent(*row.values()) for row in rows]
