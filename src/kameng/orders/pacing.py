"""How long goods take: measured by the clock from the newest orders, read by pages from memory.

No table is counted: of each lane so many of the newest orders are looked at, and of these the newest hundred of each
SKU. What is sold seldom keeps what was measured when it was sold last.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from kameng.kit import clock, lanes
from kameng.kit.db import Connection, Database
from kameng.kit.fresh import Fresh
from kameng.orders import overseeing_store as store
from kameng.orders.overseeing_store import Pace

LOOKED_AT_EACH = 5000
OF_A_SKU = 100
ORDERS_MIN = 5
"""Fewer say nothing about the next one."""


async def measure_pace(db: Database) -> None:
    waits: list[tuple[int, int, int]] = []
    async with db.connection() as connection:
        for lane in await lanes.lane_numbers(connection):
            waits += await store.newest_waits(connection, lane, LOOKED_AT_EACH)
    found = paces_of(waits)
    if found:
        async with db.transaction() as connection:
            await store.set_paces(connection, found, clock.now())


def paces_of(waits: Iterable[tuple[int, int, int]]) -> list[Pace]:
    """Pure. Of (order, SKU, ms) each: the median of the newest hundred of every SKU that has enough of them."""
    by_sku: dict[int, list[int]] = defaultdict(list)
    for _, sku_id, waited_ms in sorted(waits, reverse=True):
        if len(by_sku[sku_id]) < OF_A_SKU:
            by_sku[sku_id].append(max(waited_ms, 0))
    return [
        Pace(sku_id, sorted(some)[len(some) // 2], len(some))
        for sku_id, some in sorted(by_sku.items())
        if len(some) >= ORDERS_MIN
    ]


class Paces(Fresh):
    """What was measured, not older than half a minute."""

    AGE_MAX_S = 30.0

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        self._paces: dict[int, Pace] = {}

    async def _read(self, connection: Connection) -> None:
        self._paces = {one.sku_id: one for one in await store.every_pace(connection)}

    async def of(self, sku_id: int) -> Pace | None:
        """None where too few were sold."""
        await self.refresh()
        return self._paces.get(sku_id)
