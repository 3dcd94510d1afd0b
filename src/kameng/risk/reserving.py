"""Reserving what crosses lanes, before the batch and in a transaction of its own.

Counters are raised in key order, at once for a whole batch, so of 200 parallel orders against a limit of
ten exactly ten pass, whichever lanes and gateways they come through. The commit does not wait for the disk: the
order's own commit, which follows in the same log, takes it along. A place reserved by a gateway that then died is
given back when the window ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kameng.kit.db import Database
from kameng.risk import store
from kameng.risk.model import Claim, CounterKey, Counters


async def reserve(db: Database, wishes: Sequence[list[Claim]]) -> list[Claim | None]:
    """For each wish None if all its claims were reserved, else the claim that passed its limit. One that asks for a
    review was reserved all the same.

    Everything wanted is taken at once, which locks the counters; what does not fit is given back before anyone
    else can see it.
    """
    wanted = _sums(claim for claims in wishes for claim in claims)
    if not wanted:
        return [None] * len(wishes)
    async with db.transaction(durable=False) as connection:
        raised = await store.raise_counters(connection, wanted)
        before = {key: (raised[key][0] - count, raised[key][1] - e4) for key, (count, e4) in wanted.items()}
        counters = Counters(dict(before))
        refusals = []
        for claims in wishes:
            refusal = counters.refusal(claims)
            refusals.append(refusal)
            if refusal is None or refusal.outcome == "review":
                counters.take(claims)
        lower = {key: taken for key, taken in counters.taken.items() if taken != raised[key]}
        if lower:
            await store.write_counters(connection, lower)
    return refusals


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
