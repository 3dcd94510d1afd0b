"""How well suppliers deliver, added up by day: looked at by the clock, never by an order, and read by their pages.

A day is that of the order, in China. Today and yesterday are measured anew each time, and one of the older days in
turn, since goods may be paid back later; beyond four weeks a day stands.
"""

from __future__ import annotations

from datetime import date, timedelta

import msgspec

from kameng.kit import clock, ids, lanes
from kameng.kit.db import Database
from kameng.suppliers import store
from kameng.suppliers.model import Day
from kameng.suppliers.store import Agreed

OPEN_DAYS = 28
TURN_MINUTES = 10


async def measure(db: Database) -> int:
    """Measure what may have changed; returns how many days were looked at."""
    async with db.connection() as connection:
        if not await store.has_supplies(connection):
            return 0
        is_first = not await store.has_days(connection)
    today = clock.china_day()
    turn = clock.now_ms() // (TURN_MINUTES * 60_000) % (OPEN_DAYS - 2) + 2
    for back in range(OPEN_DAYS) if is_first else (0, 1, turn):
        await measure_day(db, today - timedelta(days=back))
    return OPEN_DAYS if is_first else 3


async def measure_day(db: Database, day: date) -> None:
    """All suppliers' goods that were ordered on a day."""
    from_id = ids.first_at(clock.china_start_ms(day))
    end_id = ids.first_at(clock.china_start_ms(day + timedelta(days=1)))
    found: dict[tuple[int, int], Day] = {}
    async with db.connection() as connection:
        numbers = await lanes.lane_numbers(connection)
        agreed = [one for lane in numbers for one in await store.accepted_offers(connection, lane)]
        for lane in numbers:
            for org_id, sku_id, cards, cost_e4, uncosted in await store.sold_cards(connection, lane, from_id, end_id):
                _add(found, Day(org_id, sku_id, day, delivered=cards, owed_e4=cost_e4, uncosted=uncosted))
            for org_id, sku_id, refunded, replaced in await store.returned_cards(connection, lane, from_id, end_id):
                _add(found, Day(org_id, sku_id, day, refunded + replaced, refunded, replaced))
            for row in await store.worked_tasks(connection, lane, from_id, end_id, clock.now()):
                _add(found, _of_tasks(day, row, agreed))
    async with db.transaction() as connection:
        await lanes.pass_gate(connection, numbers[0])  # what suppliers do in all lanes has none: the first keeps it
        await store.put_day(connection, day, list(found.values()))


async def days_of(db: Database, org_id: int, first: date, last: date) -> list[Day]:
    """What was measured of a supplier, newest first."""
    async with db.connection() as connection:
        return await store.days_of(connection, org_id, first, last)


def _of_tasks(day: date, row: tuple[int, int, int, int, int, int, int, list[int]], agreed: list[Agreed]) -> Day:
    org_id, sku_id, answered, refunded, declined, overdue, pieces, waits_s = row
    end_ms = clock.china_start_ms(day + timedelta(days=1))
    costs = [
        one.cost_e4 for one in agreed
        if (one.org_id, one.sku_id) == (org_id, sku_id) and one.decided_at.timestamp() * 1000 < end_ms
    ]  # fmt: skip
    owed_e4, uncosted = (costs[-1] * pieces, 0) if costs else (0, pieces)
    return Day(org_id, sku_id, day, answered, refunded, 0, declined, overdue, owed_e4, uncosted, tuple(sorted(waits_s)))


def _add(found: dict[tuple[int, int], Day], new: Day) -> None:
    old = found.get((new.org_id, new.sku_id))
    if old is not None:
        summed = {name: getattr(old, name) + getattr(new, name) for name in Day.__struct_fields__[3:]}
        new = msgspec.structs.replace(new, **{**summed, "waits_s": tuple(sorted(summed["waits_s"]))})
    found[new.org_id, new.sku_id] = new
