"""Housekeeping of orders: a rotated key ring re-seals the accounts they keep."""

from __future__ import annotations

from kameng.kit import crypto, resealing
from kameng.kit.db import Database
from kameng.orders import store
from kameng.orders.model import ACCOUNT


async def reseal(db: Database, ring: crypto.KeyRing, lane: int) -> int:
    """Seal every account of a lane with the ring's current key; returns how many were not."""
    return await resealing.reseal(
        db, ring, lane, ACCOUNT, look=store.accounts_under_other_keys, put=store.reseal_accounts
    )
