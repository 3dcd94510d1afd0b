"""The statements about the parts of bundles, one thin function each. Callers hold the gate when they write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import resources

from kameng.catalogue import Catalogue
from kameng.kit import copying, sql
from kameng.kit.db import Connection
from kameng.orders.model import NewOrder, OrderPart, PartState
from kameng.orders.store import OrderRow

statements = sql.parse("parts.sql", resources.files("kameng.orders").joinpath("parts.sql").read_text("utf-8"))

_PARTS = copying.Rows(
    "order_part",
    {"lane": "h", "order_id": "q", "part_no": "h", "sku_id": "q", "sku_revision": "i", "quantity": "i",
     "worth_e4": "q"},
    ["kind", "state", "card_ids"],
)  # fmt: skip


async def insert_parts(connection: Connection, lane: int, orders: Sequence[NewOrder]) -> None:
    """The parts of bundles that are placed."""
    await _PARTS.append(
        connection,
        (
            (
                lane, order.order_id, part.part_no, part.sku_id, part.sku_revision, part.quantity, part.worth_e4,
                part.kind.encode(), part.state.encode(), copying.bigint_array(part.card_ids),
            )
            for order in orders
            for part in order.parts
        ),
    )  # fmt: skip


async def read_parts(connection: Connection, lane: int, order_ids: Sequence[int]) -> dict[int, tuple[OrderPart, ...]]:
    """By order; those that are no bundles are not among them."""
    found: dict[int, list[OrderPart]] = {}
    for row in await connection.fetch(statements.read_parts, lane, order_ids):
        facts = dict(row) | {"state": PartState(row["state"]), "card_ids": tuple(row["card_ids"])}
        found.setdefault(facts.pop("order_id"), []).append(OrderPart(**facts))
    return {order_id: tuple(parts) for order_id, parts in found.items()}


async def parts_of(
    connection: Connection, lane: int, rows: Iterable[OrderRow], goods: Catalogue
) -> dict[int, tuple[OrderPart, ...]]:
    """The same of orders that were read, and nothing asked if none of them is of a bundle: a bundle with parts stays
    one."""
    bundles = [row.order_id for row in rows if (sku := goods.skus.get(row.sku_id)) is not None and sku.parts]
    return await read_parts(connection, lane, bundles) if bundles else {}


async def set_parts(connection: Connection, lane: int, changed: Sequence[tuple[int, OrderPart]]) -> None:
    """(order, part) each, as it is now."""
    cards = [(order_id, part.part_no, card_id) for order_id, part in changed for card_id in part.card_ids]
    await connection.execute(
        statements.set_parts, lane,
        [order_id for order_id, _ in changed], [part.part_no for _, part in changed],
        [part.state.value for _, part in changed],
        [c[0] for c in cards], [c[1] for c in cards], [c[2] for c in cards],
    )  # fmt: skip
