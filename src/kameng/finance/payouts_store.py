"""The statements about payouts, one thin function each. Callers hold the lane's gate when they write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from importlib import resources
from typing import Any

import msgspec

from kameng.finance.payouts import Batch, Payout, PayoutState
from kameng.kit import sql
from kameng.kit.db import Connection

statements = sql.parse("payouts.sql", resources.files("kameng.finance").joinpath("payouts.sql").read_text("utf-8"))


class Approved(msgspec.Struct, frozen=True):
    """A withdrawal that waits to be paid by bank."""

    withdrawal_id: int
    requested_at: datetime


async def approved_for_bank(connection: Connection, lane: int, limit: int) -> list[Approved]:
    return [Approved(*row) for row in await connection.fetch(statements.approved_for_bank, lane, limit)]


async def insert_payout(connection: Connection, lane: int, one: Payout) -> None:
    await connection.execute(
        statements.insert_payout, lane, one.payout_id, one.org_id, one.method, one.channel_id, one.batch_id,
        one.amount_e4, one.fee_e4, one.currency, one.state.value, one.asked_by, one.asked_at,
    )  # fmt: skip


async def read_payouts(connection: Connection, lane: int, numbers: Iterable[int]) -> dict[int, Payout]:
    rows = await connection.fetch(statements.read_payouts, lane, sorted(numbers))
    return {row["payout_id"]: _payout(row) for row in rows}


async def set_payout(connection: Connection, lane: int, one: Payout) -> None:
    await connection.execute(
        statements.set_payout, lane, one.payout_id, one.state.value, one.tries, one.provider_no, one.code,
        one.unanswered_at, one.ended_by, one.ended_at,
    )  # fmt: skip


async def payouts_of_batch(connection: Connection, lane: int, batch_id: int) -> list[Payout]:
    return [_payout(row) for row in await connection.fetch(statements.payouts_of_batch, lane, batch_id)]


async def insert_batch(connection: Connection, lane: int, one: Batch) -> None:
    await connection.execute(
        statements.insert_batch, lane, one.batch_id, one.lines, one.amount_e4, one.made_by, one.made_at
    )


async def count_batch(connection: Connection, lane: int, one: Batch) -> None:
    await connection.execute(statements.count_batch, lane, one.batch_id, one.lines, one.amount_e4)


async def list_batches(connection: Connection, lane: int, limit: int) -> list[Batch]:
    return [Batch(*row) for row in await connection.fetch(statements.list_batches, lane, limit)]


def _payout(row: Sequence[Any]) -> Payout:
    values = list(row)
    values[8] = PayoutState(values[8])
    return Payout(*values)
