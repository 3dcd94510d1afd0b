"""调价记录 as one buyer sees it: which of the logged changes moved the unit price that he pays.

The log says what was set: a list price, the price of a level, a named price. What it meant for a buyer follows from
what stood beside it then, which is found by undoing the log from the present back. Costs are nobody else's business:
they are never looked at. A buyer's level counts as it is now. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec


class Logged(msgspec.Struct, frozen=True):
    """A row of the log."""

    change_id: int
    at: datetime
    sku_id: int
    what: str  # list, floor, ceiling, level:3, named:ORG, tier:10
    before_e4: int | None
    after_e4: int | None
    before: dict[str, Any] | None = None  # of a template


class Move(msgspec.Struct, frozen=True):
    """What a change meant for a buyer's unit price at quantity 1; of a tier, the thousandths off (None: no tier)."""

    change_id: int
    at: datetime
    sku_id: int
    why: str  # list, level, named, floor, ceiling, tier:10; below agents: named, seller
    before_e4: int | None
    after_e4: int | None


class SkuPrices(msgspec.Struct):
    """What the unit price of a SKU follows from, for one buyer; ``undo`` takes it back in time."""

    list_price_e4: int
    floor_e4: int | None = None
    ceiling_e4: int | None = None
    level_e4: int | None = None
    named_e4: int | None = None

    def unit_price_e4(self) -> int:
        """As ``PriceBook.quote`` has it for a quantity of 1."""
        price_e4 = self.list_price_e4
        if self.named_e4 is not None:
            price_e4 = self.named_e4
        elif self.level_e4 is not None:
            price_e4 = self.level_e4
        if self.ceiling_e4 is not None:
            price_e4 = min(price_e4, self.ceiling_e4)
        return price_e4 if self.floor_e4 is None else max(price_e4, self.floor_e4)

    def undo(self, change: Logged) -> None:
        """As it was before the change."""
        kind = change.what.partition(":")[0]
        if kind == "list":
            assert change.before_e4 is not None, "a SKU always has a list price"
            self.list_price_e4 = change.before_e4
        elif kind in ("floor", "ceiling", "level", "named"):
            setattr(self, f"{kind}_e4", change.before_e4)


def moves_of(newest_first: Iterable[Logged], now: dict[int, SkuPrices]) -> list[Move]:
    """What these changes meant, all of a buyer's since some moment up to now. ``now`` is taken back to that moment."""
    found = []
    for change in newest_first:
        prices = now.get(change.sku_id)
        if prices is None:
            continue
        if change.what.startswith("tier:"):
            if prices.named_e4 is None:  # a named price takes no tier
                found.append(_move(change, change.what, change.before_e4, change.after_e4))
            continue
        after_e4 = prices.unit_price_e4()
        prices.undo(change)
        before_e4 = prices.unit_price_e4()
        if before_e4 != after_e4:
            found.append(_move(change, change.what.partition(":")[0], before_e4, after_e4))
    return found


def _move(change: Logged, why: str, before_e4: int | None, after_e4: int | None) -> Move:
    return Move(change.change_id, change.at, change.sku_id, why, before_e4, after_e4)
