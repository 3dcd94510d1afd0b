"""Housekeeping of counters: those of windows that ended are forgotten, in chunks, so that no gate is held for long."""

from __future__ import annotations

from kameng.kit import clock, lanes
from kameng.kit.db import Database
from kameng.risk import store
from kameng.risk.model import DAY_S

KEPT_S = 2 * DAY_S
"""Windows are a day at most, but for the months of budgets, which the statement keeps a month more."""
CHUNK_ROWS = 1000


async def purge(db: Database) -> None:
    """Forget the counters of windows that ended, of every lane and of what crosses them."""
    before_s = clock.now_ms() // 1000 - KEPT_S
    while True:
        async with db.transaction() as connection:
            count = await store.purge(connection, before_s, limit=CHUNK_ROWS)
        if count < CHUNK_ROWS:
            break
    async with db.connection() as connection:
        numbers = await lanes.lane_numbers(connection)
    for lane in numbers:
        await _purge_lane(db, lane, before_s)


async def _purge_lane(db: Database, lane: int, before_s: int) -> None:
    """Looking through a lane may take long, so it is done outside the gate; nobody counts in an ended window."""
    while True:
        async with db.transaction() as connection:
            await connection.execute("SET LOCAL statement_timeout = 0")
            ended = await store.ended_windows(connection, lane, before_s, limit=CHUNK_ROWS)
        if ended:
            async with db.transaction() as connection:
                await lanes.pass_gate(connection, lane)
                await store.forget_windows(connection, lane, ended)
        if len(ended) < CHUNK_ROWS:
            return
