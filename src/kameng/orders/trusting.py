"""Trusting a lane's batches to be new: that no reference of theirs stands and no nonce was spent.

Nearly always that is so, and the look at both before is saved: the indexes that hold them refuse what was there when it
is written, and whoever is refused has his reference looked up after all. A batch that was not new is rolled back and
decided again with a look first, and the lane looks first for a while.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kameng.kit import db
from kameng.orders.asking import Entry
from kameng.orders.model import Answer, Short
from kameng.orders.placing import Repeated, place_batch

if TYPE_CHECKING:
    from kameng.orders.snapshot import Snapshot

WARY_S = 10.0
"""How long a lane looks first, after a batch that was not new."""


class Trust:
    """One lane's, in this process."""

    def __init__(self, snapshot: Snapshot, lane: int) -> None:
        self._snapshot = snapshot
        self._lane = lane
        self._wary_until_s = 0.0

    async def place(self, entries: Sequence[Entry]) -> list[Answer | Short]:
        """``place_batch``, with what it raises."""
        # Who was in a batch before may stand by it, and has spent his nonce.
        is_first_time = not any(entry.nonce_spent or entry.unsure for entry in entries)
        if is_first_time and time.monotonic() >= self._wary_until_s:
            try:
                return await place_batch(self._snapshot, self._lane, entries, is_new=True)
            except (Repeated, db.DUPLICATE):
                self._wary_until_s = time.monotonic() + WARY_S
        return await place_batch(self._snapshot, self._lane, entries)
