"""The statements about accounts and their marks, one thin function each. Callers hold the gate when they write."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from importlib import resources

from kameng.kit import clock, copying, ids, resealing, sql
from kameng.kit.db import Connection
from kameng.orders.model import NewOrder
from kameng.orders.store import OrderRow

statements = sql.parse("private.sql", resources.files("kameng.orders").joinpath("private.sql").read_text("utf-8"))

_MARKS = copying.Rows("order_mark", {"lane": "h", "order_id": "q"}, ["mark"])
_PASSWORDS = copying.Rows("order_password", {"lane": "h", "order_id": "q"})

SPAN_BITS = 51
"""Ids that are the same above these bits are of the same six days."""
Sealed = tuple[int, bytes]
"""An order's id and its account as it lies there."""
Mark = tuple[bytes, int]
"""A mark and the order that it finds."""


async def insert_marks(connection: Connection, lane: int, orders: Sequence[NewOrder]) -> None:
    """What finds these orders, and which of them hold a password."""
    marks = [(lane, order.order_id, mark) for order in orders for mark in order.wish.marks]
    if marks:
        await _MARKS.append(connection, marks)
    passwords = [(lane, order.order_id) for order in orders if order.wish.has_password]
    if passwords:
        await _PASSWORDS.append(connection, passwords)


async def find_marked(
    connection: Connection, lane: int, org_id: int | None, marks: Sequence[bytes], *, before_id: int, limit: int
) -> list[OrderRow]:
    """Of one organisation, or of all."""
    if org_id is None:
        rows = await connection.fetch(statements.find_marked_of_all, lane, before_id, marks, limit, _spans())
    else:
        rows = await connection.fetch(statements.find_marked, lane, org_id, before_id, marks, limit, _spans())
    return [OrderRow(*row) for row in rows]


def _spans() -> list[int]:
    """All spans there are orders of."""
    return list(range((ids.id_of(ids.tick_at(clock.now_ms()), 0) >> SPAN_BITS) + 1))


async def read_account(connection: Connection, lane: int, order_id: int) -> tuple[int, bytes | None] | None:
    """The organisation and the sealed account; None if there is no such order."""
    row = await connection.fetchrow(statements.read_account, lane, order_id)
    return None if row is None else (row[0], row[1])


async def final_with_password(
    connection: Connection, lane: int, final: Collection[str], *, after_id: int, limit: int
) -> list[Sealed]:
    rows = await connection.fetch(statements.final_with_password, lane, list(final), after_id, limit)
    return [(row[0], row[1]) for row in rows]


async def final_with_account(
    connection: Connection, lane: int, final: Collection[str], *, after_id: int, before_id: int, limit: int
) -> list[Sealed]:
    rows = await connection.fetch(
        statements.final_with_account, lane, list(final), after_id, before_id, limit, timeout=resealing.LOOK_TIMEOUT_S
    )
    return [(row[0], row[1]) for row in rows]


async def replace_accounts(
    connection: Connection, lane: int, replaced: Sequence[tuple[int, bytes | None, bytes]]
) -> list[int]:
    """(id, fresh, old) each; the ids of those that had not changed since they were read."""
    columns = [list(column) for column in zip(*replaced, strict=True)]
    return [row[0] for row in await connection.fetch(statements.replace_accounts, lane, *columns)]


async def forget_passwords(connection: Connection, lane: int, order_ids: Sequence[int]) -> None:
    await connection.execute(statements.forget_passwords, lane, order_ids)


async def forget_marks(connection: Connection, lane: int, marks: Sequence[Mark]) -> None:
    columns = [list(column) for column in zip(*marks, strict=True)]
    await connection.execute(statements.forget_marks, lane, *columns)


async def marks_of_orders(connection: Connection, lane: int, order_ids: Sequence[int]) -> list[Mark]:
    """Takes as long as the lane has marks."""
    rows = await connection.fetch(statements.marks_of_orders, lane, order_ids, timeout=resealing.LOOK_TIMEOUT_S)
    return [(row[0], row[1]) for row in rows]


async def read_older(connection: Connection, lane: int) -> tuple[int, int] | None:
    """Between which ids orders are not marked yet."""
    row = await connection.fetchrow(statements.read_older, lane)
    return None if row is None else (row[0], row[1])


async def accounts_between(
    connection: Connection, lane: int, after_id: int, until_id: int, *, limit: int
) -> list[Sealed]:
    rows = await connection.fetch(statements.accounts_between, lane, after_id, until_id, limit)
    return [(row[0], row[1]) for row in rows]


async def add_marks(
    connection: Connection, lane: int, marks: Sequence[Mark], with_password: Sequence[int]
) -> None:
    if marks:
        await connection.execute(statements.add_marks, lane, [mark for mark, _ in marks], [one for _, one in marks])
    if with_password:
        await connection.execute(statements.add_passwords, lane, with_password)


async def set_older(connection: Connection, lane: int, after_id: int | None) -> None:
    """None: there are no more."""
    if after_id is None:
        await connection.execute(statements.end_older, lane)
    else:
        await connection.execute(statements.move_older, lane, after_id)
