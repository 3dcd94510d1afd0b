"""Archiving: old orders and their events are moved out of the way of today's, and can be brought back.

Only where they lie changes. An archived order is found, listed, repeated and audited like any other, and its reference
stays where it was, for references are never moved. Each chunk is one transaction of its lane, under the gate: whoever
reads meanwhile finds an order here or there, never both.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from kameng.kit import clock, ids, lanes
from kameng.kit.db import Database
from kameng.kit.errors import Fault
from kameng.orders import store
from kameng.orders.model import FINAL

CHUNK_ORDERS = 200
"""Moved at once: some milliseconds of a gate."""
AGE_MIN = timedelta(days=31)
"""Younger ones are still looked up, refunded and disputed."""


async def archive(db: Database, lane: int, before: datetime) -> int:
    """Move the final orders of a lane that were placed before then; returns how many. Those that a job or an event
    that is owed waits for stay, and so does what follows from them: a later run takes them along."""
    if clock.now() - before < AGE_MIN:
        raise Fault(f"Only orders older than {AGE_MIN.days} days are archived.\n只能归档 {AGE_MIN.days} 天以前的订单。")
    before_id = ids.id_of(ids.tick_at(int(before.timestamp() * 1000)), 0)
    count, after_id = 0, 0
    while True:
        async with db.transaction() as connection:
            await lanes.pass_gate(connection, lane)
            order_ids = await store.orders_to_archive(
                connection, lane, after_id, before_id, sorted(FINAL), limit=CHUNK_ORDERS
            )
            await store.archive(connection, lane, order_ids)
        count += len(order_ids)
        if len(order_ids) < CHUNK_ORDERS:
            return count
        after_id = order_ids[-1]


async def bring_back(db: Database, lane: int) -> int:
    """Move every archived order of a lane back; returns how many."""
    count = 0
    while True:
        async with db.transaction() as connection:
            await lanes.pass_gate(connection, lane)
            order_ids = await store.archived_ids(connection, lane, limit=CHUNK_ORDERS)
            await store.bring_back(connection, lane, order_ids)
        count += len(order_ids)
        if len(order_ids) < CHUNK_ORDERS:
            return count
