"""Reserving what crosses lanes, before the batch and in a transaction of its own.

Counters are raised in key order, at once for a whole batch, so of 200 parallel orders against a limit of
ten exactly ten pass, whichever lanes and gateways they come through. The commit does not wait for the disk: the
order's own commit, which follows in the same log, takes it along. A place reserved by a gateway that then died is
given back when the window ends; so is one whose reservation was cut off half-way. For a moment others may see a place
as taken that is then given back: a limit may err on the strict side, not on the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from kameng.kit.db import Database
from kameng.risk import store
from kameng.risk.model import Claim, CounterKey, Counters


async def reserve(db: Database, wishes: Sequence[list[Claim]]) -> list[Claim | None]:
    """For each wish None if all its claims were reserved, else the claim that passed its limit. One that asks for a
    review was reserved all the same.

    Nearly always everything fits, and each rule's counters are raised by one statement that commits by itself. What
    would pass a limit stays as it was, and then all of it is decided under locks: what does not fit is given back
    before anyone else can see it.
    """
    wanted = _sums(claim for claims in wishes for claim in claims)
    if not wanted:
        return [None] * len(wishes)
    raised = await _raise_within(db, wishes, wanted)
    if len(raised) == len(wanted):
        return [None] * len(wishes)
    async with db.transaction(durable=False) as connection:
        rest = {key: (0, 0) if key in raised else sums for key, sums in wanted.items()}
        standing = await store.raise_counters(connection, rest)
        before = {key: (standing[key][0] - count, standing[key][1] - e4) for key, (count, e4) in wanted.items()}
        counters = Counters(dict(before))
        refusals = []
        for claims in wishes:
            refusal = counters.refusal(claims)
            refusals.append(refusal)
            if refusal is None or refusal.outcome == "review":
                counters.take(claims)
        lower = {key: taken for key, taken in counters.taken.items() if taken != standing[key]}
        if lower:
            await store.write_counters(connection, lower)
    return refusals


async def _raise_within(
    db: Database, wishes: Sequence[list[Claim]], wanted: Mapping[CounterKey, store.Taken]
) -> set[CounterKey]:
    """The counters that were raised by all that is wanted of them, and kept within their limits."""
    claims = {claim.key: claim for of_wish in wishes for claim in of_wish}
    of_rule: dict[tuple[int, int, int | None, int | None], list[CounterKey]] = {}
    for key, claim in claims.items():
        of_rule.setdefault((key[1], key[2], claim.limit_count, claim.limit_e4), []).append(key)
    raised: set[CounterKey] = set()
    async with db.connection() as connection:
        for (rule_id, window_start, limit_count, limit_e4), keys in of_rule.items():
            entities = await store.raise_within(
                connection, rule_id, window_start, {key[0]: wanted[key] for key in keys},
                limit_count=limit_count, limit_e4=limit_e4,
            )  # fmt: skip
            raised.update((entity, rule_id, window_start) for entity in entities)
    return raised


async def release(db: Database, claims: Sequence[Claim]) -> None:
    """Give back what a refused or repeated wish had reserved."""
    if not claims:
        return
    given = {key: (-count, -e4) for key, (count, e4) in _sums(claims).items()}
    async with db.transaction(durable=False) as connection:
        await store.raise_counters(connection, given)


def _sums(claims: Iterable[Claim]) -> dict[CounterKey, tuple[int, int]]:
    sums: dict[CounterKey, tuple[int, int]] = {}
    for claim in claims:
        count, e4 = sums.get(claim.key, (0, 0))
        sums[claim.key] = (count + 1, e4 + claim.amount_e4)
    return sums
