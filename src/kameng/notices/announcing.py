"""Announcing: what happened goes to whoever subscribed to its topic, each told once for a while.

A notice is a job row of the transaction that made it true. The worker writes a message, with a job of its own, for each
subscriber; who was told the same within the topic's time is left out, and who was sent as many messages as he may be
is told later, by a notice of his own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

import msgspec

from kameng.kit import clock, crypto, jobs, lanes
from kameng.kit.db import Connection, Database
from kameng.kit.jobs import Job, NewJob
from kameng.kit.lanes import Passage
from kameng.notices import messages, templates
from kameng.notices.errors import TooManyMessages
from kameng.notices.messages import ADDRESS, Address, NewMessage
from kameng.notices.store import statements
from kameng.notices.templates import TOPICS

ANNOUNCE_JOB = "notices.announce"
STAFF = 0
"""Whose subscriptions those of the platform's staff are."""
STAFF_LANE = 0
"""What is noted of staff, who live in no lane, lies there."""
SUBSCRIBERS_MAX = 10
"""To one topic of one organisation."""
IDS_EACH = 2 * SUBSCRIBERS_MAX + 1
LATER_S = 120
TRIES_MAX = 60
"""So often a notice waits for an address that is sent too much, then it lies on the desk."""


class Notice(msgspec.Struct, frozen=True, omit_defaults=True):
    """What happened, and to whom it matters. ``facts`` are the topic's; no secret, ever."""

    org_id: int  # ``STAFF``: the platform's staff
    topic: str
    about: str
    facts: dict[str, str]
    only: tuple[int, ...] = ()  # subscriptions that were over their limit
    tries: int = 0


async def announce(connection: Connection, lane: int, notices: Sequence[Notice], job_ids: Sequence[int]) -> None:
    """Write notices, in the transaction that makes them true. The ids are dealt by the gate."""
    new = []
    for notice in notices:
        facts = {name: templates.fact(text) for name, text in notice.facts.items()}
        templates.check(notice.topic, facts)
        new.append(_job(msgspec.structs.replace(notice, facts=facts)))
    await jobs.add(connection, lane, new, job_ids)


async def announce_now(db: Database, lane: int, notice: Notice) -> None:
    """In a transaction of its own, if anybody wants to know."""
    async with db.connection() as connection:
        if not await is_wanted(connection, notice.org_id, notice.topic):
            return
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=1)
        await announce(connection, lane, [notice], passage.ids)


async def is_wanted(connection: Connection, org_id: int, topic: str) -> bool:
    return bool(await connection.fetchval(statements.has_subscribers, org_id, topic))


async def tell_subscribers(
    connection: Connection, ring: crypto.KeyRing, passage: Passage, batch: Sequence[Job]
) -> None:
    """The messages of these notices; the caller passed the gate with ``IDS_EACH`` ids for each."""
    fresh = iter(passage.ids)
    for job in batch:
        notice = msgspec.convert(job.payload, Notice)
        late = await _tell(connection, ring, passage.lane, notice, fresh)
        if not late:
            continue
        again = msgspec.structs.replace(notice, only=tuple(late), tries=notice.tries + 1)
        if again.tries > TRIES_MAX:
            error = "its addresses were sent as many messages as they may be, for too long"
            await jobs.lay_on_desk(connection, passage.lane, next(fresh), _job(again, tries=0), error=error)
        else:
            await jobs.add(connection, passage.lane, [_job(again, late=True)], [next(fresh)])


async def _tell(
    connection: Connection, ring: crypto.KeyRing, lane: int, notice: Notice, fresh: Iterator[int]
) -> list[int]:
    """The subscriptions that were over their limit."""
    late = []
    for row in await connection.fetch(statements.subscribers, notice.org_id, notice.topic):
        subscription_id = row["subscription_id"]
        if notice.only and subscription_id not in notice.only:
            continue
        address = msgspec.json.decode(ring.open(ADDRESS, subscription_id, row["address"]), type=Address)
        new = NewMessage(
            org_id=notice.org_id, channel=row["channel"], address=address, template=notice.topic, facts=notice.facts,
            language=row["language"], about=notice.about,
        )  # fmt: skip
        if await messages.was_told(connection, ring, lane, new, within_s=TOPICS[notice.topic].repeat_s):
            continue
        try:
            await messages.tell(connection, ring, lane, (next(fresh), next(fresh)), new)
        except TooManyMessages:  # refused before anything was written
            late.append(subscription_id)
    return late


def _job(notice: Notice, *, late: bool = False, tries: int | None = None) -> NewJob:
    due_at = clock.now() + timedelta(seconds=LATER_S) if late else None
    shown = notice if tries is None else msgspec.structs.replace(notice, tries=tries)
    return NewJob(ANNOUNCE_JOB, notice.org_id, msgspec.to_builtins(shown), due_at)
