"""Risk's statements, one thin function each; counters are always locked in key order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from kameng.kit import logs, sql
from kameng.kit.db import Connection
from kameng.risk.model import CounterKey, Counters, Entry, Listing, Policy, Rule, Share, network_of

statements = sql.load("kameng.risk")
log = logs.get_logger(__name__)

LOOK_TIMEOUT_S = 3600.0
"""For a statement that may have to look at every counter of a lane."""

Taken = tuple[int, int]
"""(count, money in 1/10,000)."""


async def load(connection: Connection, known: Policy | None, epoch: int, now: datetime) -> Policy:
    """The policy at ``epoch``. What ended by ``now`` is left out; what ends later ends by itself."""
    if known is not None and known.epoch >= epoch:
        return known
    rules = await connection.fetch(statements.rules)
    listings = await connection.fetch(statements.listings, now)
    shares = await connection.fetch(statements.shares, int(now.timestamp()))
    return Policy(
        epoch,
        tuple(_rule(row) for row in rules),
        {(row["entity"], row["value"]): _listing(row) for row in listings},
        tuple(Share(*row) for row in shares),
    )


async def every_rule(connection: Connection) -> list[tuple[Rule, bool]]:
    """By name, each with whether it is in force."""
    return [(_rule(row), row["enabled"]) for row in await connection.fetch(statements.every_rule)]


async def every_listing(connection: Connection) -> list[Entry]:
    return [Entry(*row) for row in await connection.fetch(statements.every_listing)]


def _rule(row: Any) -> Rule:
    return Rule(row[0], row[1], row[2], tuple(row[3]), row[4], row[5], row[6], row[7])


def _listing(row: Any) -> Listing:
    if row["entity"] == "ip" and network_of(row["value"]) is None:
        log.error("a risk listing is neither an address nor a network: it names nobody", value=row["value"])
    until = row["until"]
    return Listing(row["verdict"], None if until is None else int(until.timestamp()))


async def set_listing(
    connection: Connection, entity: str, value: str, verdict: str, *, reason: str, until: datetime | None, changed: int
) -> None:
    await connection.execute(statements.set_listing, entity, value, verdict, reason, until, changed)


async def remove_listing(connection: Connection, entity: str, value: str) -> str | None:
    """What its verdict was; None if it was not listed."""
    verdict: str | None = await connection.fetchval(statements.remove_listing, entity, value)
    return verdict


async def set_rule(connection: Connection, rule: Rule, *, enabled: bool, changed: int) -> int:
    """Its number."""
    rule_id: int = await connection.fetchval(
        statements.set_rule, rule.name, rule.entity, list(rule.kinds), rule.window_s, rule.limit_count,
        rule.limit_e4, enabled, changed, rule.outcome,
    )  # fmt: skip
    return rule_id


async def switch_rule(connection: Connection, name: str, *, enabled: bool, changed: int) -> int | None:
    """Its number; None if there is no such rule."""
    rule_id: int | None = await connection.fetchval(statements.switch_rule, name, enabled, changed)
    return rule_id


async def add_rules(connection: Connection, rules: Sequence[Rule], *, changed: int) -> None:
    for rule in rules:
        await connection.execute(
            statements.add_rule, rule.name, rule.entity, list(rule.kinds), rule.window_s, rule.limit_count,
            rule.limit_e4, changed, rule.outcome,
        )  # fmt: skip


async def add_share(connection: Connection, sku_id: int, starts_s: int, ends_s: int, buyer_max: int) -> None:
    await connection.execute(statements.add_share, sku_id, starts_s, ends_s, buyer_max)


async def raise_counters(connection: Connection, wanted: Mapping[CounterKey, Taken]) -> dict[CounterKey, Taken]:
    """Raise counters by (count, money) and return where they stand then; locked until the transaction ends."""
    keys = sorted(wanted)
    rows = await connection.fetch(
        statements.raise_counters, *_columns(keys), [wanted[key][0] for key in keys], [wanted[key][1] for key in keys]
    )
    return {(row[0], row[1], row[2]): (row[3], row[4]) for row in rows}


async def raise_within(
    connection: Connection, rule_id: int, window_start: int, wanted: Mapping[bytes, Taken], *,
    limit_count: int | None, limit_e4: int | None,
) -> list[bytes]:  # fmt: skip
    """Raise counters of one rule by (count, money), each only if it stays within the limits; those that were raised.
    A transaction of its own, which does not wait for the disk."""
    rows = await connection.fetch(
        statements.raise_within, rule_id, window_start, limit_count, limit_e4, list(wanted),
        [count for count, _ in wanted.values()], [e4 for _, e4 in wanted.values()],
    )  # fmt: skip
    return [row[0] for row in rows]


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


async def purge(connection: Connection, before_s: int, *, limit: int) -> int:
    """Returns how many counters went."""
    count: int = await connection.fetchval(statements.purge_counters, before_s, limit)
    return count


async def ended_windows(connection: Connection, lane: int, before_s: int, *, limit: int) -> list[tuple[int, int, int]]:
    """(entity, rule, start) each."""
    rows = await connection.fetch(statements.ended_windows, lane, before_s, limit, timeout=LOOK_TIMEOUT_S)
    return [(row[0], row[1], row[2]) for row in rows]


async def forget_windows(connection: Connection, lane: int, windows: Sequence[tuple[int, int, int]]) -> None:
    await connection.execute(statements.forget_windows, lane, *(list(column) for column in zip(*windows, strict=True)))


def _columns(keys: list[CounterKey]) -> tuple[list[bytes], list[int], list[int]]:
    return [key[0] for key in keys], [key[1] for key in keys], [key[2] for key in keys]
