"""Watching for staff, by the clock: what came onto the desk, what has waited there for too long, timed work that fails.

What lies on the desk is told in one notice for all that is new since the last look; each item's row moves in the same
transaction, so it is told once, and once more when it is overdue; again if it left the desk and came back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from kameng.kit import clock, lanes, timetable
from kameng.kit.db import Connection, Database
from kameng.notices.announcing import STAFF, STAFF_LANE, Notice, announce, announce_now, is_wanted
from kameng.notices.store import statements

OVERDUE = timedelta(minutes=30)
"""A dispute is to be resolved within so long; nothing on the desk may wait longer unseen."""
ROWS_MAX = 1000


async def watch_desk(db: Database, lane: int) -> int:
    """Tell staff of what is new or overdue on a lane's desk; returns how many items it was told of."""
    async with db.connection() as connection:  # a quiet desk costs two reads
        if not await _untold(connection, lane) and not await connection.fetchval(statements.has_left_desk, lane):
            return 0
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=2)
        rows = await _untold(connection, lane)
        new = [row for row in rows if row["is_new"]]
        overdue = [row for row in rows if row["is_overdue"]]
        notices = []
        if new and await is_wanted(connection, STAFF, "desk_opened"):
            notices.append(_notice("desk_opened", lane, new))
        if overdue and await is_wanted(connection, STAFF, "desk_overdue"):
            minutes = {"minutes": str(int(OVERDUE.total_seconds()) // 60)}
            notices.append(_notice("desk_overdue", lane, overdue, **minutes))
        if notices:
            await announce(connection, lane, notices, passage.ids[: len(notices)])
        await connection.execute(statements.forget_desk_told, lane)
        columns = [row["job_id"] for row in rows], [row["is_overdue"] for row in rows]
        await connection.execute(statements.put_desk_told, lane, *columns)
    return len(rows)


async def _untold(connection: Connection, lane: int) -> list[Any]:
    return list(await connection.fetch(statements.untold_desk, lane, clock.now() - OVERDUE, ROWS_MAX))


def _notice(topic: str, lane: int, rows: Sequence[Any], **more: str) -> Notice:
    kinds = Counter(row["kind"] for row in rows)
    told = ", ".join(f"{kind} × {count}" for kind, count in sorted(kinds.items()))
    about = f"{lane}:{rows[-1]['job_id']}:{len(rows)}"
    return Notice(STAFF, topic, about, {"count": str(len(rows)), "kinds": told, **more})


async def watch_work(db: Database) -> None:
    """Tell staff of timed work that ended with an error the last time."""
    for row in await timetable.rows(db):
        if row.last_error is not None:
            await announce_now(db, STAFF_LANE, Notice(STAFF, "work_failed", row.name, {"work": row.name}))
