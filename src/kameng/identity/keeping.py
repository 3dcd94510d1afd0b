"""Housekeeping of keys: a rotated key ring re-seals their secrets."""

from __future__ import annotations

from kameng.identity import store
from kameng.kit import crypto, resealing
from kameng.kit.db import Database


async def reseal(db: Database, ring: crypto.KeyRing, lane: int) -> int:
    """Seal every key's secret of a lane with the ring's current key; returns how many were not."""
    return await resealing.reseal(
        db, ring, lane, store.KEY_SECRET, look=store.secrets_under_other_keys, put=store.reseal_secrets
    )
