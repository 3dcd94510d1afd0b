"""The statements of the epay site, one thin function each. Callers hold the lane's gate when they write trades."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from kameng.epay.model import Account, Day, Trade
from kameng.kit import sql
from kameng.kit.db import Connection

statements = sql.load("kameng.epay")


# accounts --------------------------------------------------------------------------------------------------


async def find_account(connection: Connection, pid: int) -> tuple[Account, bytes] | None:
    """With its sealed secrets."""
    row = await connection.fetchrow(statements.find_account, pid)
    if row is None:
        return None
    facts = dict(row)
    sealed: bytes = facts.pop("secrets")
    return _account(facts), sealed


async def account_of(connection: Connection, org_id: int) -> Account | None:
    row = await connection.fetchrow(statements.account_of, org_id)
    return None if row is None else _account(row)


async def list_accounts(connection: Connection, *, after_pid: int, limit: int) -> list[Account]:
    return [_account(row) for row in await connection.fetch(statements.list_accounts, after_pid, limit)]


def _account(row: Any) -> Account:
    return Account(**dict(row) | {"hosts": tuple(row["hosts"])})


async def insert_account(connection: Connection, org_id: int, *, fee_ppm: int, at: datetime) -> int | None:
    """Its number; None if the organisation has one."""
    number: int | None = await connection.fetchval(statements.insert_account, org_id, fee_ppm, at)
    return number


async def set_secrets(
    connection: Connection, pid: int, sealed: bytes, *, shop_key: str, our_key: str, at: datetime
) -> None:
    await connection.execute(statements.set_secrets, pid, sealed, shop_key, our_key, at)


async def set_account(connection: Connection, one: Account, at: datetime) -> None:
    await connection.execute(
        statements.set_account, one.pid, one.fee_ppm, list(one.hosts), one.is_on, one.is_rsa_only, one.has_refunds, at
    )


async def set_bar(connection: Connection, pid: int, reason: str, at: datetime) -> None:
    await connection.execute(statements.set_bar, pid, reason, at)


async def every_secret(connection: Connection) -> list[tuple[int, bytes]]:
    return [tuple(row) for row in await connection.fetch(statements.every_secret)]


async def reseal_secrets(connection: Connection, pid: int, fresh: bytes, old: bytes) -> None:
    await connection.execute(statements.reseal_secrets, pid, fresh, old)


# trades ----------------------------------------------------------------------------------------------------


async def find_trade(connection: Connection, lane: int, pid: int, out_trade_no: str) -> Trade | None:
    row = await connection.fetchrow(statements.find_trade, lane, pid, out_trade_no)
    return None if row is None else Trade(**row)


async def read_trades(connection: Connection, lane: int, trade_ids: Sequence[int]) -> dict[int, Trade]:
    rows = await connection.fetch(statements.read_trades, lane, list(trade_ids))
    return {row["trade_id"]: Trade(**row) for row in rows}


async def list_trades(
    connection: Connection, lane: int, pid: int, *, before_id: int, limit: int, offset: int = 0,
    is_paid: bool | None = None,
) -> list[Trade]:  # fmt: skip
    rows = await connection.fetch(statements.list_trades, lane, pid, before_id, limit, offset, is_paid)
    return [Trade(**row) for row in rows]


async def insert_trade(connection: Connection, lane: int, one: Trade) -> None:
    await connection.execute(
        statements.insert_trade, lane, one.trade_id, one.pid, one.org_id, one.out_trade_no, one.version, one.type,
        one.name, one.amount_e4, one.fee_e4, one.notify_url, one.return_url, one.param, one.made_at, one.expires_at,
    )  # fmt: skip


async def close_trade(connection: Connection, lane: int, trade_id: int, at: datetime) -> None:
    await connection.execute(statements.close_trade, lane, trade_id, at)


async def mark_paid(connection: Connection, lane: int, trade_ids: Sequence[int], at: datetime) -> None:
    await connection.execute(statements.mark_paid, lane, at, list(trade_ids))


async def set_told(connection: Connection, lane: int, told: Mapping[int, tuple[str, str]]) -> None:
    """(told, fault) of each."""
    await connection.execute(
        statements.set_told, lane, list(told), [one[0] for one in told.values()], [one[1] for one in told.values()]
    )


# days ------------------------------------------------------------------------------------------------------


async def add_to_days(
    connection: Connection, lane: int, day: date, sums: Mapping[int, tuple[int, int, int]]
) -> None:
    """(begun, paid, paid_e4) of each account."""
    columns = [list(column) for column in zip(*sums.values(), strict=True)]
    await connection.execute(statements.add_to_days, lane, day, list(sums), *columns)


async def read_days(connection: Connection, lane: int, pid: int, since: date) -> list[Day]:
    return [Day(*row) for row in await connection.fetch(statements.read_days, lane, pid, since)]


async def read_day(connection: Connection, lane: int, pids: Sequence[int], day: date) -> dict[int, Day]:
    rows = await connection.fetch(statements.read_day, lane, list(pids), day)
    return {row["pid"]: Day(row["day"], row["begun"], row["paid"], row["paid_e4"]) for row in rows}


async def count_begun(connection: Connection, lane: int, pid: int) -> int:
    count: int = await connection.fetchval(statements.count_begun, lane, pid)
    return count
