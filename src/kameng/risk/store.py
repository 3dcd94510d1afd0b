"""Risk's statements, one thin function each; counters are always locked in key order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from kameng.kit import sql
from kameng.kit.db import Connection
from kameng.risk.model import CounterKey, Counters, Policy, Rule

statements = sql.load("kameng.risk")

Taken = tuple[int, int]
"""(count, money in 1/10,000)."""


async def load(connection: Connection, known: Policy | None, epoch: int, now: datetime) -> Policy:
    """The policy at ``epoch``."""
    if known is not None and known.epoch >= epoch:
        return known
    rules = await connection.fetch(statements.rules)
    listings = await connection.fetch(statements.listings, now)
    return Policy(
        epoch,
        tuple(Rule(r[0], r[1], r[2], tuple(r[3]), r[4], r[5], r[6]) for r in rules),
        {(row["entity"], row["value"]): row["verdict"] for row in listings},
    )


async def set_listing(
    connection: Connection, entity: str, value: str, verdict: str, *, reason: str, until: datetime | None, changed: int
) -> None:
    await connection.execute(statements.set_listing, entity, value, verdict, reason, until, changed)


async def set_rule(connection: Connection, rule: Rule, *, enabled: bool, changed: int) -> None:
    await connection.execute(
        statements.set_rule, rule.name, rule.entity, list(rule.kinds), rule.window_s, rule.limit_count,
        rule.limit_e4, enabled, changed,
    )  # fmt: skip


async def add_rules(connection: Connection, rules: Sequence[Rule], *, changed: int) -> None:
    for rule in rules:
        await connection.execute(
            statements.add_rule, rule.name, rule.entity, list(rule.kinds), rule.window_s, rule.limit_count,
            rule.limit_e4, changed,
        )  # fmt: skip


async def raise_counters(connection: Connection, wanted: Mapping[CounterKey, Taken]) -> dict[CounterKey, Taken]:
    """Raise counters by (count, money) and return where they stand then; locked until the transaction ends."""
    keys = sorted(wanted)
    rows = await connection.fetch(
        statements.raise_counters, *_columns(keys), [wanted[key][0] for key in keys], [wanted[key][1] for key in keys]
    )
    return {(row[0], row[1], row[2]): (row[3], row[4]) for row in rows}


async def write_counters(connection: Connection, taken: Mapping[CounterKey, Taken]) -> None:
    """Put counters whose locks are held where the holder decided."""
    keys = sorted(taken)
    await connection.execute(
        statements.write_counters, *_columns(keys), [taken[key][0] for key in keys], [taken[key][1] for key in keys]
    )


async def read_lane_counters(connection: Connection, lane: int, keys: Iterable[CounterKey]) -> Counters:
    wanted = [(int.from_bytes(key[0], "big"), key[1], key[2]) for key in keys]
    rows = await connection.fetch(
        statements.read_lane_counters, lane, [w[0] for w in wanted], [w[1] for w in wanted], [w[2] for w in wanted]
    )
    return Counters({(row[0].to_bytes(8, "big"), row[1], row[2]): (row[3], row[4]) for row in rows})


async def write_lane_counters(connection: Connection, lane: int, counters: Counters) -> None:
    keys = sorted(counters.touched)
    taken = [counters.taken[key] for key in keys]
    await connection.execute(
        statements.write_lane_counters, lane,
        [int.from_bytes(key[0], "big") for key in keys], [key[1] for key in keys], [key[2] for key in keys],
        [t[0] for t in taken], [t[1] for t in taken],
    )  # fmt: skip


async def purge(connection: Connection, before_s: int) -> None:
    await connection.execute(statements.purge_counters, before_s)


async def purge_lane(connection: Connection, lane: int, before_s: int) -> None:
    await connection.execute(statements.purge_lane_counters, lane, before_s)


def _columns(keys: list[CounterKey]) -> tuple[list[bytes], list[int], list[int]]:
    return [key[0] for key in keys], [key[1] for key in keys], [key[2] for key in keys]
