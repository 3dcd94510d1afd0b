"""The statements of opening attempts, one thin function each. Callers hold the lane's gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from importlib import resources

from kameng.kit import sql
from kameng.kit.db import Connection
from kameng.payments.model import Payable, Payment
from kameng.routing import Logged

statements = sql.parse(
    "starting.sql", resources.files("kameng.payments").joinpath("starting.sql").read_text("utf-8")
)


async def open_payments(
    connection: Connection, lane: int, at: datetime, day: date, new: Sequence[Payable], some: Sequence[Payment],
    decisions: Mapping[int, Logged],
) -> None:  # fmt: skip
    """Attempts with the choices that led to them, and what of it is to be paid from now on, its attempts counted."""
    await connection.execute(
        statements.open_payments, lane, at, day, [p.payable_id for p in new], [p.kind.value for p in new],
        [p.org_id for p in new], [p.amount_e4 for p in new], [p.currency for p in new], [p.wallet_e4 for p in new],
        [p.hold_id for p in new], [p.bonus_e4 for p in new], [p.client_ref for p in new], [p.attempts for p in new],
        [p.expires_at for p in new], [p.fee_e4 for p in new],
        [p.payment_id for p in some], [p.payable_id for p in some], [p.org_id for p in some],
        [p.channel_id for p in some], [p.attempt for p in some], [p.method.value for p in some],
        [p.scene.value for p in some], [p.amount_e4 for p in some], [p.currency for p in some],
        [p.fee_e4 for p in some], [decisions.get(p.payment_id) for p in some], [p.expires_at for p in some],
    )  # fmt: skip


async def count_attempts(connection: Connection, lane: int, payable_ids: Sequence[int]) -> None:
    await connection.execute(statements.count_attempts, lane, payable_ids)


async def set_begun(connection: Connection, lane: int, some: Sequence[Payment]) -> set[int]:
    """Those that were still only created."""
    rows = await connection.fetch(
        statements.set_begun, lane, [p.payment_id for p in some], [p.state.value for p in some],
        [p.shown for p in some], [p.code for p in some], [p.provider_no for p in some], [p.closed_at for p in some],
    )  # fmt: skip
    return {row["payment_id"] for row in rows}
