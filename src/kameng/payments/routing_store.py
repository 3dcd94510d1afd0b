"""The statements of smart routing, one thin function each: rules, books, decisions, what processes heard."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from kameng.kit.db import Connection
from kameng.payments.store import statements
from kameng.routing import Book, Logged, Policy, Rule


class StandingRule(msgspec.Struct, frozen=True):
    """A rule that holds, with its number and its place among the others."""

    rule_id: int
    place: int
    rule: Rule
    changed_by: int
    changed_at: datetime


class Pace(msgspec.Struct, frozen=True):
    """What became of a channel's attempts."""

    begun: int = 0
    paid: int = 0
    failed: int = 0
    unknown: int = 0
    amount_e4: int = 0


class Failing(msgspec.Struct, frozen=True):
    """How creates failed: a provider's code, how often, when last."""

    state: str
    code: str
    times: int
    last_at: datetime


async def read_policy(connection: Connection) -> Policy:
    found = await connection.fetchval(statements.read_policy)
    return Policy() if found is None else msgspec.convert(found, Policy)


async def put_policy(connection: Connection, policy: Policy, *, by: int, at: datetime) -> None:
    await connection.execute(statements.put_policy, policy, by, at)


async def every_rule(connection: Connection) -> list[StandingRule]:
    rows = await connection.fetch(statements.every_rule)
    return [StandingRule(**dict(row) | {"rule": msgspec.convert(row["rule"], Rule)}) for row in rows]


async def insert_rule(connection: Connection, rule: Rule, *, by: int, at: datetime) -> int:
    number: int = await connection.fetchval(statements.insert_rule, rule, by, at)
    return number


async def set_rule(connection: Connection, rule_id: int, rule: Rule, place: int, *, by: int, at: datetime) -> bool:
    return await connection.fetchval(statements.set_rule, rule_id, rule, place, by, at) is not None


async def end_rule(connection: Connection, rule_id: int, *, by: int, at: datetime) -> bool:
    return await connection.fetchval(statements.end_rule, rule_id, by, at) is not None


async def revision_of(connection: Connection, digest: bytes, book: Book, at: datetime) -> int:
    """Of a book with that content; it is written down if it is new."""
    made: int | None = await connection.fetchval(statements.put_book, digest, book, at)
    if made is None:
        made = await connection.fetchval(statements.revision_of, digest)
    assert made is not None
    return made


async def read_book(connection: Connection, revision: int) -> Book | None:
    found = await connection.fetchval(statements.read_book, revision)
    return None if found is None else msgspec.structs.replace(msgspec.convert(found, Book), revision=revision)


async def find_decision(connection: Connection, lane: int, payment_id: int) -> Logged | None:
    row = await connection.fetchrow(statements.find_decision, lane, payment_id)
    if row is None or row["decision"] is None:
        return None
    return msgspec.structs.replace(logged_of(row["decision"]), propensity=row["propensity"])


async def undrawn_decisions(connection: Connection, lane: int, after_id: int, limit: int) -> dict[int, Logged]:
    rows = await connection.fetch(statements.undrawn_decisions, lane, after_id, limit)
    return {row["payment_id"]: logged_of(row["decision"]) for row in rows}


async def set_propensities(connection: Connection, lane: int, found: Mapping[int, float]) -> None:
    await connection.execute(statements.set_propensities, lane, list(found), list(found.values()))


def logged_of(stored: object) -> Logged:
    return msgspec.convert(stored, Logged, str_keys=True)


async def channel_pace(connection: Connection, lane: int, after_id: int) -> dict[int, Pace]:
    rows = await connection.fetch(statements.channel_pace, lane, after_id)
    return {row[0]: Pace(*tuple(row)[1:]) for row in rows}


async def channel_faults(connection: Connection, lane: int, after_id: int, channel_id: int) -> list[Failing]:
    return [Failing(*row) for row in await connection.fetch(statements.channel_faults, lane, after_id, channel_id)]


async def insert_sheet(connection: Connection, lane: int, sheet_id: int, writer: str, heard: bytes) -> None:
    await connection.execute(statements.insert_sheet, lane, sheet_id, writer, heard)


async def sheets_after(
    connection: Connection, lane: int, after_id: int, reader: str, *, limit: int
) -> list[tuple[int, bytes | None]]:
    return [tuple(row) for row in await connection.fetch(statements.sheets_after, lane, after_id, reader, limit)]


async def drop_sheets(connection: Connection, lane: int, below_id: int) -> None:
    await connection.execute(statements.drop_sheets, lane, below_id)


async def read_memory(connection: Connection, lane: int) -> tuple[bytes, int, datetime] | None:
    row = await connection.fetchrow(statements.read_memory, lane)
    return None if row is None else tuple(row)


async def put_memory(connection: Connection, lane: int, state: bytes, seen_id: int, at: datetime) -> None:
    await connection.execute(statements.put_memory, lane, state, seen_id, at)
