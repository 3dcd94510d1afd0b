"""Reserving what crosses lanes, before the batch and in a transaction of its own.

Counters are locked in key order and moved at once for a whole batch, so of 200 parallel orders against a limit of
ten exactly ten pass, whichever lanes and gateways they come through. The commit does not wait for the disk: the
order's own commit, which follows in the same log, takes it along. A place reserved by a gateway that then died is
given back when the window ends.
"""

from __future__ import annotations

from collections.abc import Sequence

from kameng.kit import clock, epochs
from kameng.kit.db import Database
from kameng.risk import store
from kameng.risk.model import Claim, Counters, Rule


async def reserve(db: Database, wishes: Sequence[list[Claim]]) -> list[Claim | None]:
    """For each wish None if all its claims were reserved, else the claim that passed its limit."""
    keys = {claim.key for claims in wishes for claim in claims}
    if not keys:
        return [None] * len(wishes)
    async with db.transaction(durable=False) as connection:
        counters = await store.lock_counters(connection, keys)
        refusals = []
        for claims in wishes:
            refusal = counters.refusal(claims)
            refusals.append(refusal)
            if refusal is None:
                counters.take(claims)
        await store.write_counters(connection, counters)
    return refusals


async def release(db: Database, claims: Sequence[Claim]) -> None:
    """Give back what a refused or repeated wish had reserved."""
    if not claims:
        return
    async with db.transaction(durable=False) as connection:
        counters: Counters = await store.lock_counters(connection, {claim.key for claim in claims})
        for claim in claims:
            count, money_e4 = counters.taken.get(claim.key, (0, 0))
            counters.taken[claim.key] = (max(count - 1, 0), max(money_e4 - claim.amount_e4, 0))
            counters.touched.add(claim.key)
        await store.write_counters(connection, counters)


async def set_rule(db: Database, rule: Rule, *, enabled: bool = True) -> None:
    """Put a velocity rule in place; its ``rule_id`` is given by the database."""
    async with db.transaction() as connection:
        changed = await epochs.bump(connection, "risk")
        await store.set_rule(connection, rule, enabled=enabled, changed=changed)


async def set_listing(db: Database, entity: str, value: str, verdict: str, *, reason: str) -> None:
    """Refuse or always allow an IP or network, an organisation, or a target (its keyed hash in hex)."""
    async with db.transaction() as connection:
        changed = await epochs.bump(connection, "risk")
        await store.set_listing(connection, entity, value, verdict, reason=reason, until=None, changed=changed)


async def purge(db: Database) -> None:
    """Forget counters of windows that ended; windows are a day at most."""
    async with db.transaction() as connection:
        await store.purge(connection, clock.now_ms() // 1000 - 2 * 86_400)
