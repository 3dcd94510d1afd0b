"""Warming up: a platform with millions of orders behind it begins with its hot pages in memory.

After a start of the database each order would wait for some pages of the disk, one after the other, for as long as it
takes until every buyer came once: with ten million orders 786 a second instead of 4,400 (docs/benchmarks.md). So before
the doors open, what the latest buyers will touch next is read, lane beside lane. A small platform does not notice it.
"""

from __future__ import annotations

import asyncio

import asyncpg

from kameng.kit import lanes, logs
from kameng.ops.store import statements

RECENT_ORDERS = 50_000
"""So many orders of a lane are looked at for their buyers."""
TIMEOUT_S = 15.0
"""Then the doors open all the same."""

log = logs.get_logger(__name__)


async def warm_up(url: str, *, timeout_s: float = TIMEOUT_S) -> int:
    """Rows touched. It never stands in the way: what takes too long or fails is left to the first orders."""
    connection = await asyncpg.connect(url)
    try:
        numbers = await lanes.lane_numbers(connection)
    finally:
        await connection.close()
    return sum(await asyncio.gather(*(_warm_lane(url, lane, timeout_s) for lane in numbers)))


async def _warm_lane(url: str, lane: int, timeout_s: float) -> int:
    connection = await asyncpg.connect(url, server_settings={"application_name": "kameng-warming"})
    try:
        touched: int = await connection.fetchval(statements.warm_lane, lane, RECENT_ORDERS, timeout=timeout_s)
    except TimeoutError:
        log.warning("lane not warm yet", lane=lane, after_s=timeout_s)
        return 0
    finally:
        await connection.close()
    return touched
