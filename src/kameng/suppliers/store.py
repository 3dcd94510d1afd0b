"""One thin function a statement, of offers and of what is measured. Callers hold a lane's gate when they write."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from kameng.kit import ids, sql
from kameng.kit.db import Connection
from kameng.suppliers.model import Day, Offer, OfferState

statements = sql.load("kameng.suppliers")

DAYS_MAX = 20_000


class Agreed(msgspec.Struct, frozen=True):
    org_id: int
    sku_id: int
    cost_e4: int
    decided_at: datetime


async def last_costs(connection: Connection, org_id: int) -> dict[int, int | None]:
    return {row["sku_id"]: row["cost_e4"] for row in await connection.fetch(statements.last_costs, org_id)}


async def agreed_costs(connection: Connection, org_id: int) -> dict[int, int]:
    rows = await connection.fetch(statements.agreed_costs, ids.lane_of(org_id), org_id)
    return {row["sku_id"]: row["cost_e4"] for row in rows}


async def worked_skus(connection: Connection, org_id: int) -> list[int]:
    return [row["sku_id"] for row in await connection.fetch(statements.worked_skus, org_id)]


async def has_sku(connection: Connection, sku_id: int) -> bool:
    return bool(await connection.fetchval(statements.has_sku, sku_id))


async def insert_offer(connection: Connection, lane: int, new: Offer) -> None:
    await connection.execute(
        statements.insert_offer, lane, new.offer_id, new.org_id, new.sku_id, new.is_new, new.brand, new.product,
        new.spec, new.cost_e4, new.was_e4, new.reason, new.offered_by, new.offered_at,
    )  # fmt: skip


async def count_open_offers(connection: Connection, org_id: int) -> int:
    return int(await connection.fetchval(statements.count_open_offers, ids.lane_of(org_id), org_id))


async def read_offer(connection: Connection, offer_id: int) -> Offer | None:
    row = await connection.fetchrow(statements.read_offer, ids.lane_of(offer_id), offer_id)
    return None if row is None else _offer(row)


async def offers_of(
    connection: Connection, org_id: int, *, before_id: int, limit: int, states: Sequence[OfferState] = ()
) -> list[Offer]:
    named = [state.value for state in states]
    rows = await connection.fetch(statements.offers_of, ids.lane_of(org_id), org_id, before_id, limit, named)
    return [_offer(row) for row in rows]


async def decided_offers(
    connection: Connection, lane: int, before: tuple[datetime, int], state: OfferState | None, limit: int
) -> list[Offer]:
    rows = await connection.fetch(statements.decided_offers, lane, *before, state, limit)
    return [_offer(row) for row in rows]


async def waiting_offers(connection: Connection, lane: int, *, after_id: int, limit: int) -> list[Offer]:
    return [_offer(row) for row in await connection.fetch(statements.waiting_offers, lane, after_id, limit)]


async def set_offer(connection: Connection, lane: int, offer: Offer) -> bool:
    """Whether nobody had answered it."""
    found = await connection.fetchval(
        statements.set_offer, lane, offer.offer_id, offer.state, offer.note, offer.sku_id, offer.decided_by,
        offer.decided_at,
    )  # fmt: skip
    return found is not None


async def accepted_offers(connection: Connection, lane: int) -> list[Agreed]:
    return [Agreed(*row) for row in await connection.fetch(statements.accepted_offers, lane)]


async def has_supplies(connection: Connection) -> bool:
    return bool(await connection.fetchval(statements.has_supplies))


async def sold_cards(connection: Connection, lane: int, from_id: int, end_id: int) -> list[Any]:
    """Rows of (organisation, SKU, cards, cost, without a known cost)."""
    return list(await connection.fetch(statements.sold_cards, lane, from_id, end_id))


async def returned_cards(connection: Connection, lane: int, from_id: int, end_id: int) -> list[Any]:
    """Rows of (organisation, SKU, paid back, replaced)."""
    return list(await connection.fetch(statements.returned_cards, lane, from_id, end_id))


async def worked_tasks(connection: Connection, lane: int, from_id: int, end_id: int, at: datetime) -> list[Any]:
    """Rows of (organisation, SKU, answered, paid back, declined, overdue, pieces, seconds)."""
    return list(await connection.fetch(statements.worked_tasks, lane, from_id, end_id, at))


async def put_day(connection: Connection, day: date, found: list[Day]) -> None:
    """In place of what was measured of it before."""
    await connection.execute(statements.forget_day, day)
    rows = [(*msgspec.structs.astuple(one)[:-1], list(one.waits_s)) for one in found]
    await connection.executemany(statements.insert_day, rows)


async def has_days(connection: Connection) -> bool:
    return bool(await connection.fetchval(statements.has_days))


async def days_of(connection: Connection, org_id: int, first: date, last: date) -> list[Day]:
    rows = await connection.fetch(statements.days_of, org_id, first, last, DAYS_MAX)
    return [Day(**{**row, "waits_s": tuple(row["waits_s"])}) for row in rows]


def _offer(row: Any) -> Offer:
    return Offer(**{**row, "state": OfferState(row["state"])})
