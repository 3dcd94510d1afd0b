"""Reading back: an endpoint's delivery log, and the feed of an organisation's events for whoever asks."""

from __future__ import annotations

import msgspec

from kameng.kit import clock, ids
from kameng.kit.db import Database
from kameng.kit.ids import ID_MAX
from kameng.notices import store
from kameng.notices.model import Event, LoggedAttempt
from kameng.notices.subscribing import find_endpoint, open_feed

LOG_ROWS_MAX = 50
LOG_ROWS_FILTERED_MAX = 1000


class LogPage(msgspec.Struct, frozen=True):
    """Attempts, newest first; ``next_id`` is the cursor of the next page, None on the last."""

    attempts: list[LoggedAttempt]
    next_id: int | None


class FeedPage(msgspec.Struct, frozen=True):
    """Events, oldest first; ``next_id`` is where to go on, always: at the end one asks again from there."""

    events: list[Event]
    next_id: int
    more: bool


class LogFilter(msgspec.Struct, frozen=True):
    """Which attempts are wanted; None: whichever."""

    delivered: bool | None = None
    event_id: int | None = None

    def wants(self, one: LoggedAttempt) -> bool:
        is_delivered = 200 <= one.status < 300 and not one.fault
        return self.delivered in (None, is_delivered) and self.event_id in (None, one.event_id)


async def read_log(
    db: Database, org_id: int, endpoint_id: int, *, before_id: int = ID_MAX, limit: int = 50,
    wanted: LogFilter | None = None,
) -> LogPage:  # fmt: skip
    """What was tried at an endpoint. A page ends where a row of the log does, so it may hold a few more than asked;
    with a filter it may hold fewer, since it looks through so many rows and no more."""
    await find_endpoint(db, org_id, endpoint_id)
    rows_max = LOG_ROWS_MAX if wanted is None else LOG_ROWS_FILTERED_MAX
    async with db.connection() as connection:
        rows = await store.read_log(connection, endpoint_id, before_id=before_id, limit=rows_max + 1)
    found: list[LoggedAttempt] = []
    for index, row in enumerate(rows):
        if len(found) >= limit or index == rows_max:
            return LogPage(found, rows[index - 1]["log_id"])
        columns = (row["event_ids"], row["attempts"], row["statuses"], row["took_ms"], row["faults"])
        attempts = [
            LoggedAttempt(event_id, attempt, row["at"], status, took_ms, fault)
            for event_id, attempt, status, took_ms, fault in reversed(list(zip(*columns, strict=True)))
        ]
        found += [one for one in attempts if wanted is None or wanted.wants(one)]
    return LogPage(found, None)


async def read_feed(db: Database, org_id: int, *, after_id: int | None = None, limit: int = 50) -> FeedPage:
    """What happened after an event. The first call opens the feed: from there on everything is in it.

    Ids are in the order of commits, so nothing appears behind a cursor.
    """
    since_id = await open_feed(db, org_id)
    start_id = since_id if after_id is None else max(after_id, since_id)
    async with db.connection() as connection:
        events = await store.due_events_of(
            connection, org_id, after_id=start_id, until_id=ID_MAX, limit=limit + 1
        )
    shown = events[:limit]
    return FeedPage(shown, shown[-1].event_id if shown else start_id, len(events) > limit)


async def feed_end(db: Database, org_id: int) -> int:
    """Where the feed ends now, for whoever wants only what comes."""
    await open_feed(db, org_id)
    async with db.connection() as connection:
        return await store.last_due_event(connection, ids.lane_of(org_id))


def id_at(lane: int, unix_ms: int) -> int:
    """The first id that a lane could deal at a moment."""
    return ids.id_of(max(0, ids.tick_at(unix_ms)), lane)


def days_ago_id(lane: int, days: int) -> int:
    return id_at(lane, clock.now_ms() - days * 86_400_000)
