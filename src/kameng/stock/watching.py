"""低库存预警: the platform, and whoever supplied the cards, are told once when a SKU falls below its threshold.

Looked at by the clock, over the counts of all shelves together; never by an order. Each who is told has a row of his
own that moves in the transaction of his event: told once until the SKU rose above its threshold again.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from kameng import notices
from kameng.kit import audit, clock, events, lanes
from kameng.kit.db import Connection, Database
from kameng.kit.lanes import Passage
from kameng.stock import store
from kameng.stock.errors import BadStockThreshold

LOW_AT_MAX = 10_000_000


class Watched(msgspec.Struct, frozen=True):
    """Somebody who is to be told of a SKU's stock, where he lives, and what he was told last."""

    lane: int
    org_id: int  # 0: the platform
    sku_id: int
    on_hand: int
    low_at: int
    was_low: bool
    wants_events: bool

    @property
    def is_low(self) -> bool:
        return self.on_hand < self.low_at


async def set_low_stock(db: Database, sku_id: int, low_at: int | None, *, actor_id: int = 0) -> bool:
    """Below how many cards a SKU is low; None: it is never. False if there is no such SKU."""
    if low_at is not None and not 0 < low_at <= LOW_AT_MAX:
        raise BadStockThreshold(f"1 to {LOW_AT_MAX}", field="low_at", detail_zh=f"应为 1 至 {LOW_AT_MAX}")
    async with db.connection() as connection:
        numbers = await lanes.lane_numbers(connection)
    for lane in numbers if low_at is None else ():
        async with db.transaction() as connection:
            await lanes.pass_gate(connection, lane)
            await store.forget_stock_alerts(connection, lane, sku_id)
    async with db.transaction() as connection:
        lane = numbers[0]  # goods have no lane: the first keeps what is noted of them
        passage = await lanes.pass_gate(connection, lane, id_count=1)
        if not await store.set_low_stock(connection, sku_id, low_at):
            return False
        line = audit.Line(passage.ids[0], 0, actor_id, "sku.low_at", sku_id, {"low_at": low_at})
        await audit.note(connection, lane, clock.now(), [line])
    return True


async def watch_stock(db: Database) -> int:
    """Tell whoever has to be told; returns how many were told that a SKU is low."""
    async with db.connection() as connection:
        watched = await _watched(connection)
    told = 0
    for lane in sorted({one.lane for one in watched if one.is_low != one.was_low}):
        async with db.transaction() as connection:
            passage = await lanes.pass_gate(connection, lane, id_count=2 * len(watched))
            told += await _tell(connection, passage, [one for one in await _watched(connection) if one.lane == lane])
    return told


async def _watched(connection: Connection) -> list[Watched]:
    first = (await lanes.lane_numbers(connection))[0]
    return [Watched(*row) for row in await store.watched_stock(connection, first)]


async def _tell(connection: Connection, passage: Passage, watched: Sequence[Watched]) -> int:
    """One event each for those who did not know yet; whoever came after the look is told by the next one."""
    half = len(passage.ids) // 2
    crossed = [one for one in watched if one.is_low != one.was_low][:half]
    if not crossed:
        return 0
    low = [one for one in crossed if one.is_low]
    numbers = await events.next_sequences(connection, passage.lane, list({one.sku_id for one in low}))
    new = []
    for event_id, one in zip(passage.ids, low, strict=False):
        sequence = numbers[one.sku_id]
        numbers[one.sku_id] = sequence + 1
        data = {"sku": str(one.sku_id), "on_hand": one.on_hand, "low_at": one.low_at}
        new.append(
            events.NewEvent(event_id, one.org_id, one.sku_id, sequence, "stock.low", data=data, due=one.wants_events)
        )
    await events.emit(connection, passage.lane, clock.now(), new)
    if low:
        told = [_notice(one) for one in low]
        await notices.announce(connection, passage.lane, told, passage.ids[half : half + len(told)])
    await store.mark_stock_alerts(
        connection, passage.lane, [(one.org_id, one.sku_id, one.is_low) for one in crossed]
    )
    return len(low)


def _notice(one: Watched) -> notices.Notice:
    """To the supplier's people, or to the platform's staff."""
    facts = {"sku": str(one.sku_id), "on_hand": str(one.on_hand), "line": str(one.low_at)}
    return notices.Notice(one.org_id or notices.STAFF, "stock_low", str(one.sku_id), facts)
