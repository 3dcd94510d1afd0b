"""Lanes and their gates.

A lane is where an organisation's money, orders and jobs live, for good; lanes share nothing. Its gate is the
lane's row: every writing transaction passes it first, then reads, then writes. Under READ COMMITTED a statement
that waited for a lock sees the new row but an old view of everything else: so the lock is a statement of its own.
A lane is one serial history, deadlocks can't happen, and ids dealt here are ordered by commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from kameng.kit import clock, ids, sql
from kameng.kit.db import Connection
from kameng.kit.errors import Fault

statements = sql.load("kameng.kit")


class Passage(msgspec.Struct, frozen=True):
    """What passing the gate gives: the ids dealt, and the lane's serial number of writing transactions."""

    lane: int
    ids: list[int]
    serial: int


async def pass_gate(connection: Connection, lane: int, *, id_count: int = 0) -> Passage:
    """Lock the lane until the transaction ends. Must be its first statement."""
    row = await connection.fetchrow(statements.pass_gate, lane, ids.tick_at(clock.now_ms()), id_count)
    if row is None:
        raise Fault(f"There is no lane {lane}: run `kameng migrate`.")
    return Passage(lane, ids.deal(row["last_tick"], id_count, lane), row["serial"])


async def pass_gates(
    connection: Connection, lanes: Iterable[int], *, id_counts: Mapping[int, int] | None = None
) -> dict[int, Passage]:
    """Lock several lanes, in lane order, and deal ids. Only for what
    moves between lanes: stealing, sweeping, news of one lane for an organisation of another."""
    counts = id_counts or {}
    return {
        lane: await pass_gate(connection, lane, id_count=counts.get(lane, 0)) for lane in sorted(set(lanes))
    }


async def lane_numbers(connection: Connection) -> list[int]:
    return [row["lane"] for row in await connection.fetch(statements.lane_numbers)]


async def last_tick(connection: Connection, lane: int) -> int:
    """How far a lane has come; while it stands still nothing happened in it. The gate is not held."""
    tick: int = await connection.fetchval(statements.last_tick, lane)
    return tick


async def choose_lane(connection: Connection) -> int:
    """The lane with the fewest organisations, for a new one. The gate is not held."""
    lane: int = await connection.fetchval(statements.choose_lane)
    return lane


async def join_lane(connection: Connection, lane: int) -> None:
    """Count one more organisation that must be in that lane. The gate is not held."""
    await connection.execute(statements.join_lane, lane)


async def create_lanes(connection: Connection, count: int) -> None:
    """Make lanes 0..count-1 where they are missing. A lane is never removed."""
    await connection.execute(statements.create_lanes, count)
