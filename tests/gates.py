"""Standing in a lane's gate, so that a test says what happens before it opens and what after."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

_WAITING = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
  AND query LIKE '%UPDATE lane SET last_tick%'
"""


@asynccontextmanager
async def closed(url: str, lane: int) -> AsyncIterator[None]:
    """Somebody stands in the lane's gate."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT 1 FROM lane WHERE lane = $1 FOR UPDATE", lane)
            yield
    finally:
        await connection.close()


async def somebody_waits(url: str, count: int = 1) -> None:
    """Until so many transactions wait at a gate; ``TimeoutError`` if they don't come."""
    connection = await asyncpg.connect(url)
    try:
        async with asyncio.timeout(20):
            while await connection.fetchval(_WAITING) < count:
                pass
    finally:
        await connection.close()
