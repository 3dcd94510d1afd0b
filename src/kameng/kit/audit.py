"""Audit lines: who did what to what. Append-only; the database refuses to change them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from kameng.kit.db import Connection
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


async def latest(connection: Connection, lane: int, subject_id: int, act: str) -> dict[str, Any] | None:
    """What the latest line of this act on the subject says; None if there is none."""
    found: dict[str, Any] | None = await connection.fetchval(statements.latest_audit_data, lane, subject_id, act)
    return found
