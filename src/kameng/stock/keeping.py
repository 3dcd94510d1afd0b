"""Housekeeping of the shelves: expired cards come off, and a rotated key ring re-seals what lies there."""

from __future__ import annotations

from kameng.kit import clock, crypto, lanes, resealing
from kameng.kit.db import Database
from kameng.stock import special_store, store
from kameng.stock.model import CARD

CHUNK_CARDS = 500


async def void_expired(db: Database, lane: int) -> int:
    """Take expired cards off the shelf and the display of a lane; returns how many."""
    total = 0
    while True:
        async with db.transaction() as connection:
            await lanes.pass_gate(connection, lane)
            today = clock.china_day()
            count = await store.void_expired(connection, lane, today, limit=CHUNK_CARDS)
            if count < CHUNK_CARDS:
                count += await special_store.void_displayed(connection, lane, today, limit=CHUNK_CARDS - count)
        total += count
        if count < CHUNK_CARDS:
            return total


async def reseal(db: Database, ring: crypto.KeyRing, lane: int) -> int:
    """Seal every card of a lane with the ring's current key; returns how many were not."""
    cards = await resealing.reseal(db, ring, lane, CARD, look=store.cards_under_other_keys, put=store.reseal)
    return cards + await resealing.reseal(
        db, ring, lane, CARD, look=special_store.reusable_under_other_keys, put=special_store.reseal_reusable
    )


BANDS = ((1, "none"), (10, "few"), (100, "some"))


def band(on_hand: int) -> str:
    """none, few (< 10), some (< 100), plenty: buyers see bands, not counts."""
    return next((name for below, name in BANDS if on_hand < below), "plenty")
