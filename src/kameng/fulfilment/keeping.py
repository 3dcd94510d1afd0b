"""Housekeeping of answers: re-sealed after a rotation, removed when they are old or their person wants it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from kameng.fulfilment import packing, store
from kameng.kit import clock, crypto, ids, lanes, resealing
from kameng.kit.db import Database

CHUNK_ROWS = 200


async def reseal(db: Database, ring: crypto.KeyRing, lane: int) -> int:
    """Seal every answer of a lane with the ring's current key; returns how many were not."""
    total = 0
    async with db.connection() as connection:
        parts = await store.parts_answered(connection, lane)
    for part_no in parts:
        for images, what in ((False, packing.words_of(part_no)), (True, packing.image_of(part_no))):
            total += await resealing.reseal(
                db, ring, lane, what,
                look=partial(store.under_other_keys, part_no=part_no, images=images),
                put=partial(store.reseal, part_no=part_no, images=images),
            )  # fmt: skip
    return total


async def purge_answers(db: Database, lane: int, *, kept_days: int) -> int:
    """Remove what came by hand for orders that were placed so many days ago; returns how many."""
    before_ms = clock.now_ms() - int(timedelta(days=kept_days).total_seconds() * 1000)
    before_id = ids.id_of(ids.tick_at(before_ms), lane)
    total = 0
    while True:
        async with db.transaction() as connection:
            await lanes.pass_gate(connection, lane)
            count = await store.forget_old_answers(connection, lane, before_id, CHUNK_ROWS)
        total += count
        if count < CHUNK_ROWS:
            return total


async def erase_answers(db: Database, order_ids: Sequence[int]) -> int:
    """Remove what came by hand for these orders, in whatever lanes; returns how many."""
    total = 0
    for lane in sorted({ids.lane_of(order_id) for order_id in order_ids}):
        those = [order_id for order_id in order_ids if ids.lane_of(order_id) == lane]
        for start in range(0, len(those), CHUNK_ROWS):
            async with db.transaction() as connection:
                await lanes.pass_gate(connection, lane)
                total += len(await store.forget_answers(connection, lane, those[start : start + CHUNK_ROWS]))
    return total
