"""What is read before the doors open."""

from __future__ import annotations

from pathlib import Path

import asyncpg

from kameng.kit import crypto, db
from kameng.ops import founding, history, seeding, warming

MATERIAL = crypto.KeyMaterial(1, {1: b"k" * 32}, b"h" * 32)


async def test_the_last_row_of_every_late_buyer_is_read(database_url: str, tmp_path: Path) -> None:
    """His wallet, and his last order, reference and payment."""
    ring = crypto.KeyRing(MATERIAL)
    opened = await db.open_database(database_url)
    try:
        await founding.open_platform(opened, lane_count=2)
        await seeding.seed_catalogue(opened)
        await seeding.seed_merchants(opened, ring, 6, tmp_path / "keys.json")
        assert await warming.warm_up(database_url) == 0  # nobody bought anything
        await history.seed_orders(opened, ring, 200, keys=MATERIAL)
        async with opened.connection() as connection:
            assert await connection.fetchval("SELECT count(DISTINCT org_id) FROM orders") == 6
    finally:
        await opened.close()
    assert await warming.warm_up(database_url) == 4 * 6


async def test_what_takes_too_long_is_left(database_url: str) -> None:
    """Somebody holds the table: the doors open all the same."""
    opened = await db.open_database(database_url)
    await founding.open_platform(opened, lane_count=2)
    await opened.close()
    holder = await asyncpg.connect(database_url)
    try:
        await holder.execute("BEGIN; LOCK TABLE orders")
        assert await warming.warm_up(database_url, timeout_s=0.2) == 0
    finally:
        await holder.close()
