"""The statements of orders, one thin function each. Callers hold the lane's gate when they write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from kameng.kit import crypto, sql
from kameng.kit.db import Connection
from kameng.orders.model import ACCOUNT, NewOrder

statements = sql.load("kameng.orders")

RefKey = tuple[int, bytes]
"""(organisation, hash of the reference)."""


class OrderRow(msgspec.Struct, frozen=True):
    order_id: int
    org_id: int
    sku_id: int
    sku_revision: int
    quantity: int
    unit_price_e4: int
    total_e4: int
    state: str
    sequence: int
    client_ref: str
    trace: str
    card_ids: list[int]
    placed_at: datetime


async def read_refs(connection: Connection, lane: int, keys: Iterable[RefKey]) -> dict[RefKey, tuple[bytes, int]]:
    """(digest, order id) by reference."""
    wanted = list(keys)
    rows = await connection.fetch(statements.read_refs, lane, [k[0] for k in wanted], [k[1] for k in wanted])
    return {(row[0], row[1]): (row[2], row[3]) for row in rows}


async def insert_orders(
    connection: Connection, ring: crypto.KeyRing, lane: int, at: datetime, orders: Sequence[NewOrder]
) -> None:
    wishes = [order.wish for order in orders]
    await connection.execute(
        statements.insert_orders, lane, at,
        [o.order_id for o in orders], [w.organisation.org_id for w in wishes], [w.key.key_id for w in wishes],
        [w.sku_id for w in wishes], [o.sku_revision for o in orders], [w.quantity for w in wishes],
        [o.unit_price_e4 for o in orders], [o.total_e4 for o in orders], [o.cost_e4 for o in orders],
        [o.state for o in orders], [w.client_ref for w in wishes],
        [None if o.wish.account is None else ring.seal(ACCOUNT, o.order_id, o.wish.account) for o in orders],
        [o.trace for o in orders], [f"{{{','.join(map(str, o.card_ids))}}}" for o in orders],
        [w.ref_hash for w in wishes], [w.digest for w in wishes],
    )  # fmt: skip


async def read_orders(
    connection: Connection, lane: int, order_ids: Sequence[int], org_ids: Sequence[int]
) -> dict[int, OrderRow]:
    rows = await connection.fetch(statements.read_orders, lane, order_ids, org_ids)
    return {row["order_id"]: OrderRow(*row) for row in rows}


async def list_orders(
    connection: Connection, lane: int, org_id: int, *, before_id: int, limit: int, state: str | None
) -> list[OrderRow]:
    rows = await connection.fetch(statements.list_orders, lane, org_id, before_id, limit, state)
    return [OrderRow(*row) for row in rows]
