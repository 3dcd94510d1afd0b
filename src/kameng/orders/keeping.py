"""Housekeeping of orders: a rotated key ring re-seals the accounts they keep."""

from __future__ import annotations

from kameng.kit import crypto, lanes
from kameng.kit.db import Database
from kameng.orders import store
from kameng.orders.model import ACCOUNT

CHUNK_ORDERS = 500


async def reseal(db: Database, ring: crypto.KeyRing, lane: int) -> int:
    """Seal every account of a lane with the ring's current key; returns how many were not."""
    total, after_id = 0, 0
    while True:
        async with db.transaction() as connection:  # looking may take long: not under the gate
            old = await store.accounts_under_other_keys(connection, lane, after_id, ring.current, limit=CHUNK_ORDERS)
        if not old:
            return total
        sealed = [(order_id, ring.seal(ACCOUNT, order_id, ring.open(ACCOUNT, order_id, x)), x) for order_id, x in old]
        async with db.transaction() as connection:
            await lanes.pass_gate(connection, lane)
            await store.reseal_accounts(connection, lane, sealed)
        total += len(sealed)
        after_id = old[-1][0]
