"""Reserving what crosses lanes for the wishes of one lane, and giving back what was reserved in vain.

A place is given back once the database answers, and never twice: a limit may err on the strict side, not on the other.
What a process that ends still owes comes back when its window ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kameng import risk
from kameng.kit import clock, db, logs
from kameng.orders.model import Wish
from kameng.orders.placing import facts_of, quote_of

if TYPE_CHECKING:
    from kameng.orders.snapshot import Snapshot

log = logs.get_logger(__name__)


class Places:
    """The places that a lane's queue holds in the counters that cross lanes."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._owed: list[risk.Claim] = []

    @property
    def are_owed(self) -> bool:
        """Whether ``give_back`` has something to do."""
        return bool(self._owed)

    async def reserve(self, wishes: Sequence[Wish]) -> list[list[risk.Claim] | None]:
        """The places of each wish, before the gate; None for one that finds its limit reached.

        If the commit gets no answer the caller reserves again, so such a wish may hold its places twice.
        """
        wanted = [self._claims(wish) for wish in wishes]
        if not any(wanted):
            return list(wanted)
        try:
            refusals = await risk.reserve(self._snapshot.db, wanted)
        except db.CommitUnknown as error:
            raise ConnectionError("a reservation got no answer") from error  # no order hangs on this commit
        return [claims if refusal is None else None for claims, refusal in zip(wanted, refusals, strict=True)]

    async def give_back(self, claims: Sequence[risk.Claim] = ()) -> None:
        """Give these back, and whatever is owed; without the database it stays owed."""
        self._owed += claims
        if not self._owed:
            return
        owed, self._owed = self._owed, []
        try:
            await risk.release(self._snapshot.db, owed)
        except Exception as error:
            again = isinstance(error, db.UNANSWERED) and not isinstance(error, db.CommitUnknown)
            if again:
                self._owed = owed + self._owed
            log.warning("reserved places could not be given back", error, count=len(owed), tries_again=again)

    def _claims(self, wish: Wish) -> list[risk.Claim]:
        sku = self._snapshot.catalogue.skus.get(wish.sku_id)
        if sku is None:
            return []
        facts = facts_of(wish, sku, quote_of(self._snapshot, wish, sku), clock.now_ms() // 1000)
        return self._snapshot.policy.crossing_claims(facts)
