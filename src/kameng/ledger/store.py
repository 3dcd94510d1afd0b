"""The ledger's statements, one thin function each. Callers hold the lane's gate when they write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

import msgspec

from kameng.kit import copying, ids, sql
from kameng.kit.db import Connection
from kameng.ledger.model import HOUSE_ACCOUNT_MAX, Account, Books, Parcel, Transfer

statements = sql.load("kameng.ledger")

_TRANSFERS = copying.Rows(
    "transfer",
    {"lane": "h", "transfer_id": "q", "debit_account": "q", "credit_account": "q", "amount_e4": "q",
     "subject_id": "q", "debit_after_e4": "q", "credit_after_e4": "q", "at": "q"},
    ["kind", "code", "pending_id"],
)  # fmt: skip

CHINA_AHEAD_MS = 8 * 3_600_000
_FIRST_DAY = date(1970, 1, 1)


class StatementLine(msgspec.Struct, frozen=True):
    """One line of an account's statement; ``amount_e4`` is signed as the owner sees it."""

    transfer_id: int
    at: datetime
    kind: str
    code: str
    subject_id: int
    amount_e4: int
    balance_after_e4: int


async def read_accounts(connection: Connection, lane: int, account_ids: Iterable[int]) -> list[Account]:
    rows = await connection.fetch(statements.read_accounts, lane, list(account_ids))
    return [Account(*row) for row in rows]


async def read_transfers(connection: Connection, lane: int, transfer_ids: Sequence[int]) -> list[Transfer]:
    return [Transfer(*row) for row in await connection.fetch(statements.read_transfers, lane, transfer_ids)]


async def read_resolutions(connection: Connection, lane: int, hold_ids: Sequence[int]) -> dict[int, str]:
    rows = await connection.fetch(statements.read_resolutions, lane, hold_ids)
    return {row["pending_id"]: row["kind"] for row in rows}


async def write(connection: Connection, lane: int, at: datetime, books: Books) -> None:
    """Write what was posted to the books, and the balances it led to."""
    new = books.posted
    if not new:
        return
    moved = [books.accounts[number] for number in books.touched]
    stamp = copying.timestamp(at)
    await _TRANSFERS.append(
        connection,
        (
            (
                lane, t.transfer_id, t.debit_account, t.credit_account, t.amount_e4, t.subject_id, t.debit_after_e4,
                t.credit_after_e4, stamp, t.kind.encode(), t.code.encode(), copying.bigint_or_null(t.pending_id),
            )
            for t in new
        ),
    )  # fmt: skip
    await connection.execute(
        statements.move_balances, lane,
        [a.account_id for a in moved], [a.posted_e4 for a in moved], [a.held_e4 for a in moved],
    )  # fmt: skip


async def find_keys(connection: Connection, lane: int, keys: Sequence[str]) -> dict[str, int]:
    """The transfer that each outside key led to, of those that are known."""
    return dict(await connection.fetch(statements.find_transfer_keys, lane, keys))


async def insert_keys(connection: Connection, lane: int, transfer_ids: dict[str, int]) -> None:
    await connection.execute(statements.insert_transfer_keys, lane, list(transfer_ids), list(transfer_ids.values()))


async def insert_accounts(connection: Connection, lane: int, accounts: Sequence[Account]) -> None:
    await connection.execute(
        statements.insert_accounts, lane,
        [a.account_id for a in accounts], [a.org_id for a in accounts], [a.code for a in accounts],
        [a.currency for a in accounts], [a.credit_line_e4 for a in accounts], [a.unbounded for a in accounts],
    )  # fmt: skip


async def set_credit_line(connection: Connection, lane: int, account_id: int, credit_line_e4: int) -> None:
    await connection.execute(statements.set_credit_line, lane, account_id, credit_line_e4)


async def read_statement(
    connection: Connection, lane: int, account_id: int, *, before_id: int, limit: int
) -> list[StatementLine]:
    statement = statements.house_statement if account_id <= HOUSE_ACCOUNT_MAX else statements.statement
    rows = await connection.fetch(statement, lane, account_id, before_id, limit)
    return [StatementLine(*row) for row in rows]


async def moved_by_day(
    connection: Connection, lane: int, account_id: int, *, from_id: int, end_id: int, codes: Sequence[str]
) -> dict[date, int]:
    """What transfers of these codes left in an account, by the day of China in which they were dealt their ids."""
    rows = await connection.fetch(
        statements.moved_by_day, lane, account_id, from_id, end_id, ids.EPOCH_MS + CHINA_AHEAD_MS, codes
    )
    return {_FIRST_DAY + timedelta(days=row["day"]): row["amount_e4"] for row in rows}


class Posted(msgspec.Struct, frozen=True):
    """A transfer with what stands on both its sides, each balance as it was after it."""

    transfer_id: int
    at: datetime
    kind: str
    code: str
    subject_id: int
    amount_e4: int
    debit_account: int
    debit_code: str
    credit_account: int
    credit_code: str
    debit_after_e4: int
    credit_after_e4: int


async def find_posting(connection: Connection, lane: int, account_id: int, transfer_id: int) -> list[Posted]:
    """Of the account's own: the transfer, the hold that it resolves, and what resolved it; none of anybody else's."""
    rows = await connection.fetch(statements.find_posting, lane, account_id, transfer_id)
    found = [Posted(*row) for row in rows]
    return found if any(one.transfer_id == transfer_id for one in found) else []


async def read_sub_accounts(
    connection: Connection, lane: int, org_ids: Iterable[int], *, currency: str = "CNY"
) -> list[Account]:
    rows = await connection.fetch(statements.read_sub_accounts, lane, list(org_ids), currency)
    return [Account(*row) for row in rows]


async def unsettled_sub_accounts(
    connection: Connection, lane: int, *, after_id: int, limit: int
) -> list[Account]:
    rows = await connection.fetch(statements.unsettled_sub_accounts, lane, after_id, limit)
    return [Account(*row) for row in rows]


async def unsettled_of(connection: Connection, org_id: int) -> list[tuple[int, int]]:
    """(lane, amount) of everything that an agent has not got yet, or owes."""
    return [(row[0], row[1]) for row in await connection.fetch(statements.unsettled_of, org_id)]


async def read_due_accounts(
    connection: Connection, lane: int, peers: Iterable[int], code: str
) -> dict[tuple[int, str], Account]:
    """By the other lane and the currency."""
    rows = await connection.fetch(statements.read_due_accounts, lane, list(peers), code)
    return {(peer, currency): Account(account_id, org_id, code, currency, *rest)
            for peer, account_id, org_id, code, currency, *rest in rows}  # fmt: skip


async def read_channel_accounts(
    connection: Connection, lane: int, channel_ids: Sequence[int]
) -> dict[tuple[int, str], Account]:
    """By channel and code."""
    rows = await connection.fetch(statements.read_channel_accounts, lane, list(channel_ids))
    return {(channel_id, code): Account(account_id, org_id, code, *rest)
            for channel_id, account_id, org_id, code, *rest in rows}  # fmt: skip


async def insert_channel_accounts(
    connection: Connection, lane: int, accounts: dict[tuple[int, str], Account]
) -> None:
    await connection.execute(
        statements.insert_channel_accounts, lane, [a.account_id for a in accounts.values()],
        [a.code for a in accounts.values()], [a.currency for a in accounts.values()],
        [channel_id for channel_id, _ in accounts],
    )  # fmt: skip


async def insert_due_accounts(
    connection: Connection, lane: int, code: str, accounts: dict[tuple[int, str], Account]
) -> None:
    await connection.execute(
        statements.insert_due_accounts, lane, code, [a.account_id for a in accounts.values()],
        [currency for _, currency in accounts], [peer for peer, _ in accounts],
    )  # fmt: skip


async def insert_sweeps(connection: Connection, lane: int, at: datetime, parcels: Sequence[Parcel]) -> None:
    await connection.execute(
        statements.insert_sweeps, lane, at,
        [p.sweep_id for p in parcels], [p.to_lane for p in parcels], [p.to_account for p in parcels],
        [p.currency for p in parcels], [p.amount_e4 for p in parcels], [p.org_id for p in parcels],
    )  # fmt: skip


async def read_sweeps(connection: Connection, lane: int, *, limit: int) -> list[Parcel]:
    """What left this lane and was not seen to arrive."""
    return [Parcel(lane, *row) for row in await connection.fetch(statements.read_sweeps, lane, limit)]


async def delete_sweeps(connection: Connection, lane: int, sweep_ids: Sequence[int]) -> None:
    await connection.execute(statements.delete_sweeps, lane, sweep_ids)
