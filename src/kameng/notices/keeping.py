"""Housekeeping: logs and messages are forgotten after a while; a rotated key ring re-seals what is sealed here."""

from __future__ import annotations

from kameng.kit import crypto, lanes, resealing
from kameng.kit.db import Database
from kameng.notices import enrolling, messages, store
from kameng.notices.reading import days_ago_id

LOG_DAYS = 30
MESSAGE_DAYS = 90
CHUNK_ROWS = 1000


async def purge(db: Database, lane: int) -> int:
    """Forget a lane's delivery log after 30 days and its messages after 90; returns how many rows went."""
    log_before_id, messages_before_id = days_ago_id(lane, LOG_DAYS), days_ago_id(lane, MESSAGE_DAYS)
    total, gone = 0, CHUNK_ROWS
    while gone >= CHUNK_ROWS:
        async with db.transaction(durable=False) as connection:
            passage = await lanes.pass_gate(connection, lane)
            gone = await store.purge_log(connection, lane, before_id=log_before_id, limit=CHUNK_ROWS)
            gone += await messages.purge(connection, lane, before_id=messages_before_id, limit=CHUNK_ROWS)
            await store.purge_removed(connection, lane, before_serial=passage.serial - 100_000)
        total += gone
    return total


async def reseal(db: Database, ring: crypto.KeyRing, lane: int) -> int:
    """Seal secrets and addresses of a lane with the ring's current key; returns how many were not."""
    secrets_count = await resealing.reseal(
        db, ring, lane, store.SECRET, look=store.secrets_under_other_keys, put=store.reseal_secrets
    )
    addresses_count = await resealing.reseal(
        db, ring, lane, messages.ADDRESS, look=messages.under_other_keys, put=messages.reseal
    )
    return secrets_count + addresses_count + await enrolling.reseal(db, ring, lane)
