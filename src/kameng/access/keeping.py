"""Housekeeping: what nobody needs any more of sign-ins, and what is left of somebody who asks to be forgotten."""

from __future__ import annotations

from datetime import timedelta

from kameng.access import store
from kameng.kit import clock, ids
from kameng.kit.db import Database

TRIES_KEPT = timedelta(days=2)
INVITATIONS_KEPT = timedelta(days=30)


async def purge(db: Database, *, kept_days: int) -> int:
    """Sessions and codes that ran out, tries of days ago, sign-ins older than ``kept_days``."""
    now = clock.now()
    first_kept_ms = clock.now_ms() - kept_days * 86_400_000
    async with db.connection() as connection:
        return await store.purge(
            connection, now=now, tries_before=now - TRIES_KEPT, events_before_id=ids.first_at(first_kept_ms)
        )


async def purge_invitations(db: Database, lane: int) -> int:
    """Invitations that ran out a month ago."""
    async with db.connection() as connection:
        return await store.purge_invitations(connection, lane, clock.now() - INVITATIONS_KEPT)


async def forget_person(db: Database, person_id: int) -> None:
    """He is signed out everywhere, nothing is left that he could sign in with, nor where he signed in from."""
    async with db.connection() as connection:
        await store.forget_person(connection, person_id)
