"""The statements of orders, one thin function each. Callers hold the lane's gate when they write."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from kameng.kit import copying, crypto, money, resealing, sql
from kameng.kit.db import Connection
from kameng.orders.commands import Acted, Instruction, Known, Standing
from kameng.orders.model import ACCOUNT, NewOrder, State
from kameng.orders.splitting import read_split, seller_keeps

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
    refunded_e4: int
    confirm_until: datetime | None
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


class ShopOrder(msgspec.Struct, frozen=True):
    """An order as the agent sees it who sold it; what is its buyer's own is not here."""

    order_id: int
    org_id: int
    sku_id: int
    quantity: int
    unit_price_e4: int
    total_e4: int
    refunded_e4: int
    margin_e4: int
    state: str
    placed_at: datetime
    kept_e4: int  # of the margin, after what was refunded


async def orders_of_shop(
    connection: Connection, lane: int, org_ids: Sequence[int], agent_id: int, *, before_id: int, limit: int
) -> list[ShopOrder]:
    rows = await connection.fetch(statements.orders_of_shop, lane, org_ids, before_id, agent_id, limit)
    return [_shop_order(row) for row in rows]


async def orders_sold(
    connection: Connection, lane: int, agent_id: int, *, before_id: int, limit: int
) -> list[ShopOrder]:
    rows = await connection.fetch(statements.orders_sold, lane, agent_id, before_id, limit)
    return [_shop_order(row) for row in rows]


async def order_sold(connection: Connection, lane: int, order_id: int, agent_id: int) -> ShopOrder | None:
    row = await connection.fetchrow(statements.order_sold, lane, order_id, agent_id)
    return None if row is None else _shop_order(row)


def _shop_order(row: Any) -> ShopOrder:
    *facts, split = row
    kept_e4 = seller_keeps(read_split(split), refunded_e4=row["refunded_e4"])
    return ShopOrder(*(*facts, kept_e4))


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


async def read_standing(connection: Connection, lane: int, order_ids: Sequence[int]) -> dict[int, Standing]:
    rows = await connection.fetch(statements.read_standing, lane, order_ids)
    found = {}
    for row in rows:
        split = None if row["split"] is None else read_split(row["split"])
        facts = dict(row) | {"state": State(row["state"]), "card_ids": tuple(row["card_ids"]), "split": split}
        found[row["order_id"]] = Standing(**facts)
    return found


async def read_commands(
    connection: Connection, lane: int, wanted: Sequence[tuple[int, str]]
) -> dict[tuple[int, str], Known]:
    """Those of (order id, key) that stand."""
    rows = await connection.fetch(statements.read_commands, lane, [w[0] for w in wanted], [w[1] for w in wanted])
    return {
        (row["order_id"], row["key"]): Known(
            row["digest"], Acted(row["order_id"], State(row["state"]), row["sequence"], row["refunded_e4"])
        )
        for row in rows
    }


async def insert_commands(
    connection: Connection, lane: int, at: datetime, done: Sequence[tuple[Instruction, Acted]]
) -> None:
    await connection.execute(
        statements.insert_commands, lane, at,
        [i.order_id for i, _ in done], [i.full_key for i, _ in done], [i.digest for i, _ in done],
        [i.command.value for i, _ in done], [a.state.value for _, a in done], [a.sequence for _, a in done],
        [a.refunded_e4 for _, a in done],
    )  # fmt: skip


async def set_standing(connection: Connection, lane: int, orders: Sequence[Standing]) -> None:
    await connection.execute(
        statements.set_standing, lane,
        [o.order_id for o in orders], [o.state.value for o in orders], [o.sequence for o in orders],
        [o.refunded_e4 for o in orders], [o.cost_e4 for o in orders], [o.confirm_until for o in orders],
    )  # fmt: skip


async def set_cards(connection: Connection, lane: int, orders: Sequence[Standing]) -> None:
    pairs = [(order.order_id, card_id) for order in orders for card_id in order.card_ids]
    await connection.execute(
        statements.set_cards, lane, [o.order_id for o in orders], [p[0] for p in pairs], [p[1] for p in pairs]
    )


async def await_confirmation(connection: Connection, lane: int, until: Mapping[int, datetime]) -> None:
    """Until when the buyers of these orders may confirm."""
    await connection.execute(statements.await_confirmation, lane, list(until), list(until.values()))


async def close_payments(connection: Connection, lane: int, order_ids: Sequence[int]) -> None:
    await connection.execute(statements.close_payments, lane, order_ids)


async def set_payments(connection: Connection, lane: int, paid_by: Mapping[int, int]) -> None:
    """The payments that paid these orders, which await none any more."""
    await connection.execute(statements.set_payments, lane, list(paid_by), list(paid_by.values()))


async def claim_references(connection: Connection, wanted: Mapping[str, int]) -> dict[str, int]:
    """The order that each payment belongs to, for ever; those that nobody knew belong to the one named here."""
    references = sorted(wanted)
    found = dict(await connection.fetch(statements.claim_references, references, [wanted[name] for name in references]))
    known = [name for name in references if name not in found]
    return found | dict(await connection.fetch(statements.read_references, known)) if known else found


async def open_returns(connection: Connection, lane: int, order_id: int, kind: str) -> int:
    """How much of an order's money waits to be returned to its guest."""
    rows = await connection.fetch(statements.open_returns, lane, order_id, kind)
    return sum(money.parse_e4(row["payload"]["amount"]) for row in rows)


async def claim_return(
    connection: Connection, reference: str, order_id: int, amount_e4: int
) -> tuple[int, int] | None:
    """Tie a reference to what is returned of an order; (order, amount) if it stood before."""
    if amount_e4 and await connection.fetchval(statements.claim_return, reference, order_id, amount_e4) is not None:
        return None
    row = await connection.fetchrow(statements.read_return, reference)
    return None if row is None else (row["order_id"], row["amount_e4"])


class Unpaid(msgspec.Struct, frozen=True):
    """How many orders await payment."""

    of_ip: int
    of_buyer: int


class NewPayment(msgspec.Struct, frozen=True):
    """What is known of a payment that is awaited."""

    order_id: int
    expires_at: datetime
    ip_key: bytes
    buyer_key: bytes
    contact: bytes | None
    password_hash: str | None
    language: str
    needs_review: bool
    chosen_card: int | None = None


class Guesses(msgspec.Struct, frozen=True):
    password_hash: str
    failures: int
    asked_at: datetime | None


async def count_unpaid(
    connection: Connection, lane: int, *, ip_keys: Collection[bytes], buyer_keys: Collection[bytes]
) -> dict[bytes, int]:
    """How many orders await payment from each of these addresses, and of each of these buyers."""
    return dict(await connection.fetch(statements.count_unpaid, lane, list(ip_keys), list(buyer_keys)))


async def insert_payments(connection: Connection, lane: int, payments: Sequence[NewPayment]) -> None:
    columns = [list(column) for column in zip(*map(msgspec.structs.astuple, payments), strict=True)]
    await connection.execute(statements.insert_payments, lane, *columns)


async def read_guesses(connection: Connection, lane: int, order_id: int) -> Guesses | None:
    row = await connection.fetchrow(statements.read_guesses, lane, order_id)
    return None if row is None else Guesses(*row)


async def count_guess(connection: Connection, lane: int, order_id: int, at: datetime) -> None:
    await connection.execute(statements.count_guess, lane, order_id, at)


async def forget_guesses(connection: Connection, lane: int, order_id: int) -> None:
    await connection.execute(statements.forget_guesses, lane, order_id)


async def read_contacts(
    connection: Connection, lane: int, order_ids: Sequence[int]
) -> dict[int, tuple[int, bytes, str]]:
    """(organisation, sealed contact, language) of the guests among these orders."""
    rows = await connection.fetch(statements.read_contacts, lane, order_ids)
    return {row["order_id"]: (row["org_id"], row["contact"], row["language"]) for row in rows}


async def contacts_under_other_keys(
    connection: Connection, lane: int, after_id: int, key_number: int, limit: int
) -> list[tuple[int, bytes]]:
    rows = await connection.fetch(
        statements.contacts_under_other_keys, lane, after_id, key_number, limit, timeout=resealing.LOOK_TIMEOUT_S
    )
    return [(row["order_id"], row["contact"]) for row in rows]


async def reseal_contacts(
    connection: Connection, lane: int, sealed: Sequence[tuple[int, bytes, bytes]]
) -> None:
    """(id, fresh, old) each; a row that changed since it was read is left alone."""
    columns = [list(column) for column in zip(*sealed, strict=True)]
    await connection.execute(statements.reseal_contacts, lane, *columns)


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


async def card_marks(
    connection: Connection, lane: int, org_id: int, card_ids: Sequence[int]
) -> dict[int, datetime]:
    """Those of the cards that are marked as used, and since when."""
    return dict(await connection.fetch(statements.card_marks, lane, org_id, list(card_ids)))


async def mark_card(connection: Connection, lane: int, org_id: int, card_id: int, used_at: datetime | None) -> None:
    if used_at is None:
        await connection.execute(statements.unmark_card, lane, org_id, card_id)
    else:
        await connection.execute(statements.mark_card, lane, org_id, card_id, used_at)
