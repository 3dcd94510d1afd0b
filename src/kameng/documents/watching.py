"""By the clock: whose documents are about to end is told, 30, 7 and 1 days before and once when it is over; and what
was never handed in whole goes."""

from __future__ import annotations

from datetime import timedelta

from kameng import notices
from kameng.documents import store
from kameng.documents.model import KINDS_ZH, REMIND_DAYS, due_reminder
from kameng.documents.store import Expiring
from kameng.kit import blobs, clock, lanes
from kameng.kit.db import Database

CHUNK = 100
UNFINISHED_LASTS = timedelta(hours=1)


async def watch(db: Database, lane: int) -> int:
    """Tell whose documents of a lane are about to end; returns how many reminders were written."""
    await _remove_unfinished(db, lane)
    until = clock.china_day() + timedelta(days=max(REMIND_DAYS))
    async with db.connection() as connection:  # a lane where nothing ends costs one read
        if not _due(await store.expiring_documents(connection, lane, until, CHUNK)):
            return 0
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=2 * CHUNK)
        due = _due(await store.expiring_documents(connection, lane, until, CHUNK))
        told = [notice for one, days in due for notice in _notices(one, days)]
        if told:
            await notices.announce(connection, lane, told, passage.ids[: len(told)])
            await store.mark_reminded(connection, lane, [(one.document_id, days) for one, days in due])
    return len(due)


async def _remove_unfinished(db: Database, lane: int) -> None:
    async with db.transaction() as connection:
        await lanes.pass_gate(connection, lane)
        gone = await store.remove_unfinished(connection, lane, clock.now() - UNFINISHED_LASTS, CHUNK)
        if gone:
            await blobs.wipe(connection, lane, gone)


def _due(found: list[Expiring]) -> list[tuple[Expiring, int]]:
    """Those of which their owner is to be told now, and how many days before the end it is called."""
    today, due = clock.china_day(), []
    for one in found:
        days = due_reminder((one.valid_until - today).days, one.reminded_days)
        if days is not None:
            due.append((one, days))
    return due


def _notices(one: Expiring, days: int) -> list[notices.Notice]:
    """To its owner and to the platform's staff."""
    facts = {
        "org": str(one.org_id), "kind": one.kind.replace("_", " "), "kind_zh": KINDS_ZH[one.kind], "number": one.number,
        "until": one.valid_until.isoformat(),
    }  # fmt: skip
    about = f"{one.document_id}:{days}"
    return [notices.Notice(org_id, "document_expiring", about, facts) for org_id in (one.org_id, notices.STAFF)]
