"""The finance desk's statements, one thin function each. Callers hold the lane's gate when they write."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from kameng.finance.model import Adjustment, Entry, State, Withdrawal
from kameng.finance.periods import Period
from kameng.identity import Organisation
from kameng.kit import resealing, sql
from kameng.kit.db import Connection, Database

statements = sql.load("kameng.finance")

CLOSE_TIMEOUT_S = 3600.0
"""A month of a lane is summed up in one pass."""


class Crossed(msgspec.Struct, frozen=True):
    """A wallet that is on the other side of its threshold than its organisation was told."""

    org_id: int
    is_low: bool
    available_e4: int
    low_at_e4: int
    wants_events: bool


async def wants_events(connection: Connection, lane: int, org_id: int) -> bool:
    return bool(await connection.fetchval(statements.wants_events, lane, org_id))


# adjustments -----------------------------------------------------------------------------------------------


async def insert_adjustment(connection: Connection, lane: int, one: Adjustment) -> None:
    await connection.execute(statements.insert_adjustment, lane, *msgspec.structs.astuple(one))


async def decide_adjustment(connection: Connection, lane: int, one: Adjustment) -> None:
    await connection.execute(
        statements.decide_adjustment, lane, one.adjustment_id, one.state, one.decided_by, one.decided_at,
        one.decision_note, one.transfer_id,
    )  # fmt: skip


async def find_adjustment(connection: Connection, lane: int, key: str) -> Adjustment | None:
    row = await connection.fetchrow(statements.find_adjustment, lane, key)
    return None if row is None else Adjustment(*row)


async def read_adjustment(connection: Connection, lane: int, adjustment_id: int) -> Adjustment | None:
    row = await connection.fetchrow(statements.read_adjustment, lane, adjustment_id)
    return None if row is None else Adjustment(*row)


async def pending_adjustments(connection: Connection, lane: int, limit: int) -> list[Adjustment]:
    return [Adjustment(*row) for row in await connection.fetch(statements.pending_adjustments, lane, limit)]


# withdrawals -----------------------------------------------------------------------------------------------


def _withdrawal(row: Sequence[Any]) -> Withdrawal:
    values = list(row)
    values[8] = State(values[8])
    return Withdrawal(*values)


async def insert_withdrawal(
    connection: Connection, lane: int, one: Withdrawal, *, digest: bytes, payee: bytes
) -> None:
    await connection.execute(
        statements.insert_withdrawal, lane, one.withdrawal_id, one.org_id, one.client_ref, digest, one.amount_e4,
        one.fee_e4, one.currency, payee, one.payee_shown, one.needs_second, one.state.value, one.requested_at,
        one.hold_id, one.fee_hold_id, one.method,
    )  # fmt: skip


async def set_withdrawal(connection: Connection, lane: int, one: Withdrawal) -> None:
    await connection.execute(
        statements.set_withdrawal, lane, one.withdrawal_id, one.state.value, one.sequence, one.checked_by,
        one.approved_by, one.closed_by, one.closed_at, one.note, one.external_ref,
    )  # fmt: skip


async def find_withdrawal(
    connection: Connection, lane: int, org_id: int, client_ref: str
) -> tuple[bytes, Withdrawal] | None:
    """With the digest of its content."""
    row = await connection.fetchrow(statements.find_withdrawal, lane, org_id, client_ref)
    return None if row is None else (row["digest"], _withdrawal(list(row)[:-1]))


async def read_withdrawal(connection: Connection, lane: int, withdrawal_id: int) -> Withdrawal | None:
    row = await connection.fetchrow(statements.read_withdrawal, lane, withdrawal_id)
    return None if row is None else _withdrawal(row)


async def list_withdrawals(
    connection: Connection, lane: int, *, org_id: int | None, state: str | None, before_id: int, limit: int
) -> list[Withdrawal]:
    rows = await connection.fetch(statements.list_withdrawals, lane, org_id, state, before_id, limit)
    return [_withdrawal(row) for row in rows]


async def is_external_ref_used(connection: Connection, lane: int, external_ref: str) -> bool:
    return bool(await connection.fetchval(statements.is_external_ref_used, lane, external_ref))


async def read_payee(connection: Connection, lane: int, withdrawal_id: int) -> tuple[int, bytes] | None:
    """(organisation, sealed)."""
    row = await connection.fetchrow(statements.read_payee, lane, withdrawal_id)
    return None if row is None else (row["org_id"], row["payee"])


async def payees_under_other_keys(
    connection: Connection, lane: int, after_id: int, key_number: int, limit: int
) -> list[tuple[int, bytes]]:
    rows = await connection.fetch(
        statements.payees_under_other_keys, lane, after_id, key_number, limit, timeout=resealing.LOOK_TIMEOUT_S
    )
    return [(row["withdrawal_id"], row["payee"]) for row in rows]


async def reseal_payees(connection: Connection, lane: int, sealed: Sequence[tuple[int, bytes, bytes]]) -> None:
    """(id, fresh, old) each; a row that changed since it was read is left alone."""
    columns = [list(column) for column in zip(*sealed, strict=True)]
    await connection.execute(statements.reseal_payees, lane, *columns)


# alerts ----------------------------------------------------------------------------------------------------


async def set_low_balance(connection: Connection, lane: int, org_id: int, low_at_e4: int | None) -> None:
    if low_at_e4 is None:
        await connection.execute(statements.remove_low_balance, lane, org_id)
    else:
        await connection.execute(statements.set_low_balance, lane, org_id, low_at_e4)


async def crossed_alerts(connection: Connection, lane: int, limit: int) -> list[Crossed]:
    return [Crossed(*row) for row in await connection.fetch(statements.crossed_alerts, lane, limit)]


async def mark_alerts(connection: Connection, lane: int, marks: Sequence[tuple[int, bool]]) -> None:
    """(organisation, is low) each."""
    await connection.execute(statements.mark_alerts, lane, *[list(column) for column in zip(*marks, strict=True)])


# statements ------------------------------------------------------------------------------------------------


async def moved(
    connection: Connection, lane: int, period: Period, *, organisation: Organisation | None, currency: str
) -> list[Entry]:
    """By code: of one wallet, or of all of a currency."""
    if organisation is None:
        rows = await connection.fetch(statements.moved_by_all, lane, currency, period.from_id, period.end_id)
    else:
        rows = await connection.fetch(
            statements.moved_by_one, lane, organisation.org_id, period.from_id, period.end_id
        )
    return [Entry(*row) for row in rows]


async def moved_by_product(
    connection: Connection, lane: int, period: Period, *, organisation: Organisation | None, currency: str
) -> list[tuple[int, Entry]]:
    """(SKU, what a code moved) each; 0: money that belongs to no order."""
    if organisation is None:
        rows = await connection.fetch(statements.products_of_all, lane, currency, period.from_id, period.end_id)
    else:
        rows = await connection.fetch(
            statements.products_of_one, lane, organisation.org_id, period.from_id, period.end_id
        )
    return [(row["sku_id"], Entry(*list(row)[1:])) for row in rows]


async def moved_by_customer(
    connection: Connection, lane: int, period: Period, org_ids: Sequence[int]
) -> dict[int, dict[str, Entry]]:
    """By organisation and code."""
    rows = await connection.fetch(statements.moved_by_customer, lane, list(org_ids), period.from_id, period.end_id)
    found: dict[int, dict[str, Entry]] = {}
    for row in rows:
        found.setdefault(row["org_id"], {})[row["code"]] = Entry(*list(row)[1:])
    return found


async def wallets_before(
    connection: Connection, lane: int, currency: str, *, before_id: int, after_id: int, limit: int
) -> list[tuple[int, str, int]]:
    """(organisation, name, what it held before that id) each, by organisation."""
    rows = await connection.fetch(statements.wallets_before, lane, currency, before_id, after_id, limit)
    return [tuple(row) for row in rows]


async def sku_names(connection: Connection, sku_ids: Sequence[int]) -> dict[int, str]:
    return dict(await connection.fetch(statements.sku_names, list(sku_ids)))


# months ----------------------------------------------------------------------------------------------------


async def first_transfer(connection: Connection, lane: int) -> int | None:
    first: int | None = await connection.fetchval(statements.first_transfer, lane)
    return first


async def closed_months(connection: Connection, lane: int) -> list[date]:
    """Newest first."""
    return [row["month"] for row in await connection.fetch(statements.closed_months, lane)]


async def month_sums(db: Database, lane: int, month: Period, at_once: int) -> AsyncIterator[list[tuple[Any, ...]]]:
    """(account, code, debits, credits, transfers) of a month that is over, in one pass, so many at once."""
    async with db.connection() as connection, connection.transaction(readonly=True):
        await connection.execute("SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0")
        cursor = await connection.cursor(
            statements.month_sums, lane, month.from_id, month.end_id, timeout=CLOSE_TIMEOUT_S
        )
        while rows := await cursor.fetch(at_once, timeout=CLOSE_TIMEOUT_S):
            yield [tuple(row) for row in rows]


async def insert_sums(connection: Connection, lane: int, month: date, sums: Sequence[tuple[Any, ...]]) -> None:
    """What is there already stays: it is the same."""
    await connection.execute(
        statements.insert_sums, lane, month, *[list(column) for column in zip(*sums, strict=True)]
    )


async def count_sums(connection: Connection, lane: int, month: date) -> int:
    return int(await connection.fetchval(statements.count_sums, lane, month))


async def insert_close(connection: Connection, lane: int, month: date, at: datetime, actor_id: int) -> bool:
    """Whether it was not closed yet."""
    return await connection.fetchval(statements.insert_close, lane, month, at, actor_id) is not None
