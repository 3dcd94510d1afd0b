"""The statements of the inbox, one thin function each. Only ``set_down`` does without the lane's gate: it deals no id,
reads nothing and changes no row that a batch decides by (ADR 0021)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from importlib import resources
from typing import Any

import msgspec

from kameng.kit import sql
from kameng.kit.db import Connection
from kameng.payments.model import Fact, RefundFact, Told

statements = sql.parse(
    "deferring.sql", resources.files("kameng.payments").joinpath("deferring.sql").read_text("utf-8")
)
_FACTS = {"payment": Fact, "refund": RefundFact}


class Due(msgspec.Struct, frozen=True):
    """What is to be taken out of the inbox: due since a moment, so many at most."""

    before: datetime
    count_max: int


class Lying(msgspec.Struct, frozen=True):
    """What lay in the inbox, and how often it was tried in vain."""

    told: Told
    tries: int


def kind_of(told: Told) -> str:
    """Of what it tells, as tables say it."""
    fact = told.fact
    return "other" if fact is None else "payment" if isinstance(fact, Fact) else "refund"


def facts_of(told: Told) -> dict[str, Any]:
    """What was proved, in JSON's words."""
    return {} if told.fact is None else msgspec.to_builtins(told.fact)


async def set_down(connection: Connection, lane: int, at: datetime, some: Sequence[Told]) -> None:
    await connection.execute(
        statements.set_down, lane, at, [one.channel_id for one in some], [one.event_id for one in some],
        [kind_of(one) for one in some], [facts_of(one) for one in some], [one.said or None for one in some],
    )  # fmt: skip


async def has_due(connection: Connection, lane: int, before: datetime) -> bool:
    found: bool = await connection.fetchval(statements.has_due, lane, before)
    return found


async def take_out(connection: Connection, lane: int, due: Due) -> list[Lying]:
    rows = await connection.fetch(statements.take_out, lane, due.before, due.count_max)
    return [_lying(row) for row in rows]


async def put_off(
    connection: Connection, lane: int, before: datetime, at: datetime, *, first_s: int, most_s: int
) -> Lying | None:
    """The first that is due, as it lies there now: due again twice as long after each try."""
    row = await connection.fetchrow(statements.put_off, lane, before, at, first_s, most_s)
    return None if row is None else _lying(row)


async def measure(connection: Connection, lane: int) -> tuple[int, datetime | None]:
    """(how many, since when the oldest)."""
    row = await connection.fetchrow(statements.measure_inbox, lane)
    assert row is not None
    return row["depth"], row["oldest_at"]


def _lying(row: Any) -> Lying:
    kind = _FACTS.get(row["kind"])
    fact = None if kind is None else msgspec.convert(row["facts"], kind)
    told = Told(channel_id=row["channel_id"], fact=fact, event_id=row["event_id"], said=row["said"] or "")
    return Lying(told, row["tries"])
