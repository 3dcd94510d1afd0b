"""The record of sign-ins, good and bad: when, from where, on which device. Shown to whoever it is about."""

from __future__ import annotations

import asyncio
import secrets

from kameng.access import contacts, store
from kameng.access.model import SignInEvent, Visit
from kameng.kit import clock, ids, places
from kameng.kit.db import Database

PAGE = 20
_LAST = (1 << 63) - 1
AGENT_CHARS_MAX = 300


async def record(db: Database, visit: Visit, *, person_id: int, method: str, outcome: str, typed: str = "") -> None:
    """One line; of what was typed only what may be shown."""
    zh, en = await whereabouts(visit.ip)
    at = clock.now()
    event_id = ids.first_at(clock.now_ms()) | secrets.randbits(ids.LANE_BITS + ids.COUNTER_BITS)
    shown = contacts.mask(typed) if typed else ""
    one = SignInEvent(event_id, person_id, at, method, outcome, shown, visit.ip, zh, en, visit.agent[:AGENT_CHARS_MAX])
    async with db.connection() as connection:
        await store.insert_event(connection, one)


async def sign_ins(db: Database, person_id: int, *, before_id: int = _LAST, limit: int = PAGE) -> list[SignInEvent]:
    """A person's, newest first; one more than asked for says that there are older ones."""
    async with db.connection() as connection:
        return await store.events_of(connection, person_id, before_id, limit + 1)


async def whereabouts(ip: str) -> tuple[str, str]:
    """In Chinese and English; empty where nobody knows. The first look-up reads lists: beside the loop."""
    place = await asyncio.to_thread(places.find, ip)
    return place.text("zh"), place.text("en")
