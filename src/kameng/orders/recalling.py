"""What a buyer topped up lately: to do it again without typing, and to be warned before he does it twice.

What he sees is masked. An account is opened only to be put into an order of his own that he places next.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from kameng import catalogue
from kameng.identity import Caller
from kameng.kit import clock, crypto, ids
from kameng.kit.ids import ID_MAX
from kameng.orders import store
from kameng.orders.errors import NoAccount, OrderNotFound
from kameng.orders.searching import find_by_target
from kameng.orders.showing import open_account
from kameng.orders.snapshot import Snapshot

LOOKED_AT = 60
"""His newest orders, of whatever kind."""


class RecentTarget(msgspec.Struct, frozen=True):
    """Whom he topped up: an order that says it, and what may be seen of it."""

    order_id: int
    masked: str
    placed_at: datetime


async def recent_targets(snapshot: Snapshot, caller: Caller, field: str, *, limit: int = 5) -> list[RecentTarget]:
    """The latest different values of one field of his orders' accounts, masked."""
    organisation = caller.organisation
    async with snapshot.db.connection() as connection:
        rows = await store.list_orders(
            connection, organisation.lane, organisation.org_id, before_id=ID_MAX, limit=LOOKED_AT, state=None
        )
    found: dict[str, RecentTarget] = {}
    for row in rows:
        if row.account is None or len(found) >= limit:
            continue
        try:
            account = open_account(snapshot.ring, row.order_id, row.account)
        except crypto.Unsealable:
            continue
        if field in account and account[field] not in found:
            masked = catalogue.masked(account)[field]
            found[account[field]] = RecentTarget(row.order_id, masked, row.placed_at)
    return list(found.values())


async def recall_target(snapshot: Snapshot, caller: Caller, order_id: int, field: str) -> str:
    """The field's value in clear, for the next order of the same buyer; never to be shown."""
    organisation = caller.organisation
    async with snapshot.db.connection() as connection:
        rows = await store.read_orders(connection, organisation.lane, [order_id], [organisation.org_id])
    if order_id not in rows or ids.lane_of(order_id) != organisation.lane:
        raise OrderNotFound
    sealed = rows[order_id].account
    account = {} if sealed is None else open_account(snapshot.ring, order_id, sealed)
    if field not in account:
        raise NoAccount
    return account[field]


async def same_today(snapshot: Snapshot, caller: Caller, sku_id: int, target: str) -> int:
    """How many orders of this SKU he placed today for the same number."""
    today = clock.china_day()
    page = await find_by_target(snapshot, caller, target, limit=20)
    return sum(
        1 for order in page.orders if order.sku_id == sku_id and order.placed_at.astimezone(clock.CHINA).date() == today
    )
