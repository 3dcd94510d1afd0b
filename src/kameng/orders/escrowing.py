"""担保: what rests in escrow, for the staff: orders whose buyers may still confirm, and all of it added up.

What is paid and not delivered rests there too; together it is what the ledger's account holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from kameng.kit import lanes
from kameng.kit.db import Database
from kameng.orders import overseeing_store as store
from kameng.orders.overseeing_store import Confirming, ConfirmingSum, UndeliveredSum

SUMMED_MAX = 20_000
"""So many orders of a lane are added up; beyond it the page says that there are more."""


class Escrow(msgspec.Struct, frozen=True):
    """Everything in escrow, lanes together. ``is_whole``: nothing was left out for being too much."""

    confirming: list[ConfirmingSum]
    undelivered: list[UndeliveredSum]
    is_whole: bool

    def total_e4(self, currency: str) -> int:
        waiting_e4 = sum(one.escrow_e4 for one in self.confirming if one.currency == currency)
        return waiting_e4 + sum(one.escrow_e4 for one in self.undelivered if one.currency == currency)


async def list_confirming(
    db: Database, *, sku_ids: Sequence[int] | None = None, supplier_id: int = 0, after_id: int = 0, limit: int = 50
) -> list[Confirming]:
    """Oldest first, of all lanes; those of these SKUs or with cards of that supplier, or all."""
    found: list[Confirming] = []
    async with db.connection() as connection:
        for lane in await lanes.lane_numbers(connection):
            found += await store.list_confirming(connection, lane, after_id, sku_ids, supplier_id, limit)
    return sorted(found, key=lambda one: one.order_id)[:limit]


async def sum_escrow(db: Database) -> Escrow:
    confirming: dict[tuple[str, int, int], ConfirmingSum] = {}
    undelivered: dict[tuple[str, str], UndeliveredSum] = {}
    is_whole = True
    async with db.connection() as connection:
        for lane in await lanes.lane_numbers(connection):
            sums = await store.sum_confirming(connection, lane, SUMMED_MAX)
            is_whole = is_whole and sum(one.orders for one in sums) < SUMMED_MAX
            for one in sums:
                key = one.currency, one.sku_id, one.supplier_id
                so_far = confirming.get(key)
                confirming[key] = one if so_far is None else _together(so_far, one)
            for other in await store.sum_undelivered(connection, lane):
                known = undelivered.get((other.currency, other.state))
                undelivered[other.currency, other.state] = (
                    other
                    if known is None
                    else msgspec.structs.replace(
                        known, orders=known.orders + other.orders, escrow_e4=known.escrow_e4 + other.escrow_e4
                    )
                )
    return Escrow(list(confirming.values()), list(undelivered.values()), is_whole)


def _together(one: ConfirmingSum, other: ConfirmingSum) -> ConfirmingSum:
    since: datetime = min(one.since, other.since)
    return msgspec.structs.replace(
        one, orders=one.orders + other.orders, escrow_e4=one.escrow_e4 + other.escrow_e4, since=since
    )
