"""The statements of orders, one thin function each. Callers hold the lane's gate when they write."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from kameng.kit import copying, crypto, resealing, sql
from kameng.kit.db import Connection
from kameng.orders.model import ACCOUNT, NewOrder

statements = sql.load("kameng.orders")

_ORDERS = copying.Rows(
    "orders",
    {"lane": "h", "order_id": "q", "org_id": "q", "key_id": "q", "sku_id": "q", "sku_revision": "i", "quantity": "i",
     "unit_price_e4": "q", "total_e4": "q", "cost_e4": "q", "placed_at": "q"},
    ["state", "client_ref", "account", "trace", "card_ids", "split"],
)  # fmt: skip
_REFS = copying.Rows("order_ref", {"lane": "h", "order_id": "q"}, ["ref_key", "digest"])


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
    account: bytes | None = None  # sealed


async def read_refs(
    connection: Connection, lane: int, ref_keys: Sequence[bytes]
) -> dict[bytes, tuple[bytes, int]]:
    """(digest, order id) by the hash of the reference."""
    rows = await connection.fetch(statements.read_refs, lane, ref_keys)
    return {row[0]: (row[1], row[2]) for row in rows}


async def insert_orders(
    connection: Connection, ring: crypto.KeyRing, lane: int, at: datetime, orders: Sequence[NewOrder]
) -> None:
    """The orders of one batch with their references for ever."""
    stamp = copying.timestamp(at)
    await _ORDERS.append(connection, (_order_row(ring, lane, stamp, order) for order in orders))
    await _REFS.append(
        connection, ((lane, order.order_id, order.wish.ref_key, order.wish.digest) for order in orders)
    )


def _order_row(ring: crypto.KeyRing, lane: int, stamp: int, order: NewOrder) -> tuple[object, ...]:
    wish = order.wish
    account = None if wish.account is None else ring.seal(ACCOUNT, order.order_id, wish.account)
    return (
        lane, order.order_id, wish.organisation.org_id, wish.key.key_id, wish.sku_id, order.sku_revision,
        wish.quantity, order.unit_price_e4, order.total_e4, order.cost_e4, stamp, order.state.encode(),
        wish.client_ref.encode(), account, order.trace.encode(), copying.bigint_array(order.card_ids),
        None if order.split is None else b"\x01" + msgspec.json.encode(order.split),
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


async def accounts_under_other_keys(
    connection: Connection, lane: int, after_id: int, key_number: int, limit: int
) -> list[tuple[int, bytes]]:
    rows = await connection.fetch(
        statements.accounts_under_other_keys, lane, after_id, key_number, limit, timeout=resealing.LOOK_TIMEOUT_S
    )
    return [(row["order_id"], row["account"]) for row in rows]


async def reseal_accounts(
    connection: Connection, lane: int, sealed: Sequence[tuple[int, bytes, bytes]]
) -> None:
    """(id, fresh, old) each; a row that changed since it was read is left alone."""
    columns = [list(column) for column in zip(*sealed, strict=True)]
    await connection.execute(statements.reseal_accounts, lane, *columns)


async def orders_to_archive(
    connection: Connection, lane: int, after_id: int, before_id: int, states: Sequence[str], *, limit: int
) -> list[int]:
    rows = await connection.fetch(statements.orders_to_archive, lane, after_id, before_id, states, limit)
    return [row["order_id"] for row in rows]


async def archive(connection: Connection, lane: int, order_ids: Sequence[int]) -> None:
    await connection.execute(statements.archive_orders, lane, order_ids)
    await connection.execute(statements.archive_events, lane, order_ids)


async def archived_ids(connection: Connection, lane: int, *, limit: int) -> list[int]:
    return [row["order_id"] for row in await connection.fetch(statements.archived_ids, lane, limit)]


async def bring_back(connection: Connection, lane: int, order_ids: Sequence[int]) -> None:
    await connection.execute(statements.bring_back_orders, lane, order_ids)
    await connection.execute(statements.bring_back_events, lane, order_ids)
