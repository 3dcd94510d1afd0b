"""Audit lines: who did what to what. Append-only; the database refuses to change them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from kameng.kit import lanes
from kameng.kit.db import Connection, Database
from kameng.kit.lanes import statements


class Line(msgspec.Struct, frozen=True):
    audit_id: int
    org_id: int
    actor_id: int
    act: str  # "order.reveal"
    subject_id: int
    data: dict[str, Any] | None = None


async def note(connection: Connection, lane: int, at: datetime, lines: Sequence[Line]) -> None:
    """Write audit lines of one lane. Takes no gate: the caller holds it."""
    await connection.execute(
        statements.insert_audit_lines, lane, at,
        [x.audit_id for x in lines], [x.org_id for x in lines], [x.actor_id for x in lines],
        [x.act for x in lines], [x.subject_id for x in lines], [x.data for x in lines],
    )  # fmt: skip


class Kept(msgspec.Struct, frozen=True):
    """An audit line as it stands."""

    audit_id: int
    at: datetime
    org_id: int
    actor_id: int
    act: str
    subject_id: int
    data: dict[str, Any] | None


class Asked(msgspec.Struct, frozen=True):
    """Which lines are wanted; None: whichever. ``act`` is a whole one or what it begins with: ``wallet``."""

    org_id: int | None = None
    actor_id: int | None = None
    act: str | None = None
    subject_id: int | None = None
    from_id: int = 0


async def read(db: Database, asked: Asked, *, before_id: int, limit: int) -> list[Kept]:
    """Lines of every lane, newest first, below the id of the last one seen: ids sort by time across lanes."""
    found: list[Kept] = []
    async with db.connection() as connection:
        for lane in await lanes.lane_numbers(connection):
            rows = await connection.fetch(
                statements.audit_lines, lane, before_id, asked.from_id, asked.org_id, asked.actor_id, asked.act,
                asked.subject_id, limit,
            )  # fmt: skip
            found += [Kept(*row) for row in rows]
    return sorted(found, key=lambda line: -line.audit_id)[:limit]


async def about(connection: Connection, lane: int, subject_id: int, *, limit: int = 200) -> list[Kept]:
    """What was done to one subject in its lane, newest first."""
    rows = await connection.fetch(statements.audit_lines_of_subject, lane, subject_id, limit)
    return [Kept(*row) for row in rows]


async def latest(connection: Connection, lane: int, subject_id: int, act: str) -> dict[str, Any] | None:
    """What the latest line of this act on the subject says; None if there is none."""
    found: dict[str, Any] | None = await connection.fetchval(statements.latest_audit_data, lane, subject_id, act)
    return found
