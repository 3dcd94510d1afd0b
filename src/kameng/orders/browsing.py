"""Browsing one's own orders as people do: by state, goods and time; what a day came to; what references led to.

No question looks at more than ``LOOKED_AT_MAX`` orders: an organisation with millions gets a page as quickly as one
with ten, and is told how far back the page looked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources

import msgspec

from kameng.identity import Organisation
from kameng.kit import ids, sql
from kameng.kit.db import Connection
from kameng.kit.ids import ID_MAX
from kameng.orders.finding import page_of
from kameng.orders.model import ShownOrder
from kameng.orders.snapshot import Snapshot
from kameng.orders.store import OrderRow
from kameng.orders.wishing import ref_key_of

LOOKED_AT_MAX = 20_000
HOUR_MS = 3_600_000
statements = sql.parse("browsing.sql", resources.files("kameng.orders").joinpath("browsing.sql").read_text("utf-8"))


class Filter(msgspec.Struct, frozen=True):
    """Which orders are wanted; of ids from ``from_id`` on, below ``until_id``. No states: whichever."""

    states: tuple[str, ...] = ()
    sku_id: int | None = None
    from_id: int = 0
    until_id: int = ID_MAX


class Browsed(msgspec.Struct, frozen=True):
    """A page, newest first. ``next_id``: the cursor of what comes after it, None at the end. ``looked_to``: the page
    is not full, since it stopped looking there."""

    orders: list[ShownOrder]
    next_id: int | None
    looked_to: int | None = None


class Tally(msgspec.Struct, frozen=True):
    """The orders of an hour that are in one state. ``hour_ms``: when it began."""

    hour_ms: int
    state: str
    count: int
    total_e4: int
    refunded_e4: int


class Placed(msgspec.Struct, frozen=True):
    """What a reference led to."""

    order_id: int
    state: str
    total_e4: int


async def browse(
    snapshot: Snapshot, organisation: Organisation, wanted: Filter, *, before_id: int = ID_MAX, limit: int = 50
) -> Browsed:
    """The organisation's orders that fit, below the cursor, without their cards."""
    lane, org_id = organisation.lane, organisation.org_id
    below_id = min(before_id, wanted.until_id)
    async with snapshot.db.connection() as connection:
        found = await connection.fetch(
            statements.browse_orders, lane, org_id, below_id, wanted.from_id, LOOKED_AT_MAX, list(wanted.states),
            wanted.sku_id, limit + 1,
        )  # fmt: skip
        rows = [OrderRow(*row) for row in found]
        page = await page_of(connection, snapshot, organisation, rows, limit)
        if page.next_id is not None:
            return Browsed(page.orders, page.next_id)
        looked_to: int | None = await connection.fetchval(
            statements.browsed_down_to, lane, org_id, below_id, wanted.from_id, LOOKED_AT_MAX
        )
    return Browsed(page.orders, looked_to, looked_to)


async def tally(
    connection: Connection, organisation: Organisation, *, from_id: int, until_id: int = ID_MAX
) -> tuple[list[Tally], bool]:
    """What became of the orders of a span, and whether those are all: of very many the newest alone are counted."""
    rows = await connection.fetch(
        statements.tally_orders, organisation.lane, organisation.org_id, until_id, from_id, LOOKED_AT_MAX
    )
    found = [Tally(row[0] * HOUR_MS + ids.EPOCH_MS, *row[1:]) for row in rows]
    return found, sum(one.count for one in found) < LOOKED_AT_MAX


async def find_placed(
    connection: Connection, organisation: Organisation, client_refs: Sequence[str]
) -> Mapping[str, Placed]:
    """What these references stand for, of those that stand."""
    keys = {ref_key_of(organisation.org_id, ref): ref for ref in client_refs}
    rows = await connection.fetch(statements.orders_of_refs, organisation.lane, list(keys), organisation.org_id)
    return {keys[row[0]]: Placed(*row[1:]) for row in rows}
