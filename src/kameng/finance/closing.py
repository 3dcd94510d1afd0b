"""月结: what every account had at the end of a month, by code, kept for ever.

A month is closed once it is over. Passing each lane's gate then lifts its ids into the present, so that no transfer
can be dealt an id of the past month: nothing posts into it any more, whatever somebody's clock says. What is summed
up after that can't change, so it is read outside the gate, written in chunks, and begun again where it was cut off.
There is no way back; a correction is a transfer of the open month.
"""

from __future__ import annotations

from datetime import date

import msgspec

from kameng.finance import periods, store
from kameng.finance.errors import MonthNotOver, MonthOutOfTurn
from kameng.finance.model import check_person
from kameng.finance.periods import Period
from kameng.kit import audit, clock, ids, lanes
from kameng.kit.db import Connection, Database

CHUNK_SUMS = 500


class Closed(msgspec.Struct, frozen=True):
    """What a lane's month came to; ``is_new`` unless it was closed before."""

    lane: int
    sum_count: int
    is_new: bool


async def close_month(db: Database, month: Period, *, actor_id: int) -> list[Closed]:
    """Close a month in every lane; where it is closed already nothing changes."""
    check_person(actor_id)
    if clock.now_ms() < month.end_ms + periods.SETTLED_MS:
        raise MonthNotOver(field="month")
    async with db.connection() as connection:
        numbers = await lanes.lane_numbers(connection)
        for lane in numbers:
            await _check_turn(connection, lane, month)
    return [await _close(db, lane, month, actor_id) for lane in numbers]


async def closed_months(db: Database) -> list[tuple[date, int]]:
    """(month, how many lanes closed it), newest first."""
    counts: dict[date, int] = {}
    async with db.connection() as connection:
        for lane in await lanes.lane_numbers(connection):
            for month in await store.closed_months(connection, lane):
                counts[month] = counts.get(month, 0) + 1
    return sorted(counts.items(), reverse=True)


async def _check_turn(connection: Connection, lane: int, month: Period) -> None:
    """Months are closed one after the other: what a sum opens with is what the one before closed with."""
    first_id = await store.first_transfer(connection, lane)
    if first_id is None or first_id >= month.from_id:
        return
    closed = [day for day in await store.closed_months(connection, lane) if day < month.first]
    first = periods.month_at(clock.china_day_at(ids.ms_of(first_id)))
    due = periods.month_after(periods.month_at(closed[0])) if closed else first
    if due.first < month.first:
        raise MonthOutOfTurn(f"{due.first:%Y-%m}", field="month", detail_zh=f"{due.first:%Y-%m}")


async def _close(db: Database, lane: int, month: Period, actor_id: int) -> Closed:
    async with db.transaction() as connection:
        await lanes.pass_gate(connection, lane)  # from here on the month is over in this lane
        if month.first in await store.closed_months(connection, lane):
            return Closed(lane, await store.count_sums(connection, lane, month.first), is_new=False)
    async for sums in store.month_sums(db, lane, month, CHUNK_SUMS):
        async with db.transaction() as connection:
            await lanes.pass_gate(connection, lane)
            await store.insert_sums(connection, lane, month.first, sums)
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=1)
        at = clock.now()
        is_new = await store.insert_close(connection, lane, month.first, at, actor_id)
        count = await store.count_sums(connection, lane, month.first)
        if is_new:
            data = {"month": f"{month.first:%Y-%m}", "sums": count}
            line = audit.Line(passage.ids[0], 0, actor_id, "month.close", lane, data)
            await audit.note(connection, lane, at, [line])
    return Closed(lane, count, is_new)
