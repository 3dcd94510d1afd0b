"""Reserving what crosses lanes for the wishes of one lane, and giving back what was reserved in vain.

A place is given back once the database answers, and never twice: a limit may err on the strict side, not on the other.
What a process that ends still owes comes back when its window ends.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from kameng import risk
from kameng.kit import clock, db, logs
from kameng.orders.asking import facts_of, quote_of
from kameng.orders.model import Wish

if TYPE_CHECKING:
    from kameng.orders.snapshot import Snapshot

log = logs.get_logger(__name__)


ANSWER_S = 1.0
"""How long the counters may take. Orders without limits wait in the same batch, so it is not longer."""
AWAY_S = 5.0
"""How long they are then left in peace."""


class LimitsAway(Exception):
    """The counters that cross lanes can't be asked now, and nothing was reserved; the database itself may be well."""


class Places:
    """The places that a lane's queue holds in the counters that cross lanes."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._owed: list[risk.Claim] = []
        self._away_until_s = 0.0

    @property
    def are_owed(self) -> bool:
        """Whether ``give_back`` has something to do."""
        return bool(self._owed)

    async def reserve(self, wishes: Sequence[Wish]) -> list[list[risk.Claim] | None]:
        """The places of each wish, before the gate; None for one that finds its limit reached.

        If the commit gets no answer the caller reserves again, so such a wish may hold its places twice.
        ``LimitsAway`` if the counters do not answer: then only ``is_limited`` wishes have to wait.
        """
        wanted = [self._claims(wish) for wish in wishes]
        if not any(wanted):
            return list(wanted)
        if time.monotonic() < self._away_until_s:
            raise LimitsAway
        try:
            async with asyncio.timeout(ANSWER_S) as patience:
                refusals = await risk.reserve(self._snapshot.db, wanted)
        except TimeoutError:
            if not patience.expired():
                raise
            self._away_until_s = time.monotonic() + AWAY_S
            log.error("the limits that cross lanes do not answer: orders under them are refused", seconds=AWAY_S)
            raise LimitsAway from None
        except db.CommitUnknown as error:
            raise ConnectionError("a reservation got no answer") from error  # no order hangs on this commit
        return [_held(claims, refusal) for claims, refusal in zip(wanted, refusals, strict=True)]

    def is_limited(self, wish: Wish) -> bool:
        """Whether the wish can't be decided without the counters."""
        return bool(self._claims(wish))

    async def give_back(self, claims: Sequence[risk.Claim] = ()) -> None:
        """Give these back, and whatever is owed; without the database, and while the counters do not answer, it stays
        owed."""
        self._owed += claims
        if not self._owed or time.monotonic() < self._away_until_s:
            return
        owed, self._owed = self._owed, []
        try:
            async with asyncio.timeout(ANSWER_S) as patience:
                await risk.release(self._snapshot.db, owed)
        except Exception as error:
            is_late = patience.expired()  # it may have been done nevertheless
            self._away_until_s = time.monotonic() + AWAY_S if is_late else self._away_until_s
            again = isinstance(error, db.UNANSWERED) and not isinstance(error, db.CommitUnknown) and not is_late
            if again:
                self._owed = owed + self._owed
            log.warning("reserved places could not be given back", error, count=len(owed), tries_again=again)

    def _claims(self, wish: Wish) -> list[risk.Claim]:
        sku = self._snapshot.catalogue.skus.get(wish.sku_id)
        policy = self._snapshot.policy
        if sku is None or not (policy.may_cross(sku.kind) or sku.parts):
            return []
        facts = facts_of(wish, sku, quote_of(self._snapshot, wish, sku), clock.now_ms() // 1000)
        return policy.crossing_claims(facts)


def _held(claims: list[risk.Claim], passed: risk.Claim | None) -> list[risk.Claim] | None:
    """The places of a wish; the one that asks for a review says so."""
    if passed is None:
        return claims
    if passed.outcome != "review":
        return None
    return [msgspec.structs.replace(one, passed=one.key == passed.key) for one in claims]
