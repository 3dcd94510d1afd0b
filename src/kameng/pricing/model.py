"""What it costs: a pure function over the snapshot, with the trace of how the price came about.

list price → level price (等级价) → price for one named buyer (密价) → quantity tier → floor and ceiling → loss guard.
A named price was agreed with that buyer, so it replaces what stands before it and takes no tier.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from kameng.catalogue import Sku

Rule = Literal["level", "named", "tier"]
"""Prices that are set beside a SKU's own: by level, by organisation, by quantity."""


class Step(msgspec.Struct, frozen=True):
    """One rule that spoke, and the unit price after it."""

    rule: str  # "list", "level:2", "named", "tier:10", "floor", "ceiling"
    unit_price_e4: int


class Quote(msgspec.Struct, frozen=True):
    """A unit price with its trace. ``below_cost``: the loss guard stops the sale."""

    unit_price_e4: int
    steps: tuple[Step, ...]
    below_cost: bool
    trace: str
    """The steps as the order keeps them: ``list=985000 level:2=975000``."""


class PriceBook:
    """Every price rule, true to an epoch. Quotes are remembered: the book never changes."""

    def __init__(
        self,
        epoch: int,
        level_prices: dict[tuple[int, int], int],
        named_prices: dict[tuple[int, int], int],
        tiers: dict[int, tuple[tuple[int, int], ...]],
    ) -> None:
        self.epoch = epoch
        self.level_prices = level_prices  # (sku, level) → price
        self.named_prices = named_prices  # (sku, organisation) → price
        self.tiers = tiers  # sku → ((quantity from, off per mille), …) rising
        self._quotes: dict[tuple[int, int, int, int, int], Quote] = {}

    def quote(self, sku: Sku, *, org_id: int, level: int, quantity: int) -> Quote:
        named_for = org_id if (sku.sku_id, org_id) in self.named_prices else 0
        key = (sku.sku_id, sku.revision, level, named_for, quantity)
        quote = self._quotes.get(key)
        if quote is None:
            if len(self._quotes) > QUOTES_KEPT_MAX:
                self._quotes.clear()
            quote = self._quotes[key] = _quote(self, sku, org_id, level, quantity)
        return quote


QUOTES_KEPT_MAX = 100_000


def _quote(book: PriceBook, sku: Sku, org_id: int, level: int, quantity: int) -> Quote:
    steps = [Step("list", sku.list_price_e4)]
    named = book.named_prices.get((sku.sku_id, org_id))
    if named is not None:
        steps.append(Step("named", named))
    else:
        if (price := book.level_prices.get((sku.sku_id, level))) is not None:
            steps.append(Step(f"level:{level}", price))
        if (tier := _tier(book, sku.sku_id, quantity)) is not None:
            quantity_from, off = tier
            # Rounded up to 1/10,000: a rebate never gives more than it says.
            price = -(-steps[-1].unit_price_e4 * (1000 - off) // 1000)
            steps.append(Step(f"tier:{quantity_from}", price))
    if sku.ceiling_e4 is not None and steps[-1].unit_price_e4 > sku.ceiling_e4:
        steps.append(Step("ceiling", sku.ceiling_e4))
    if sku.floor_e4 is not None and steps[-1].unit_price_e4 < sku.floor_e4:
        steps.append(Step("floor", sku.floor_e4))
    unit_price_e4 = steps[-1].unit_price_e4
    return Quote(
        unit_price_e4=unit_price_e4,
        steps=tuple(steps),
        below_cost=unit_price_e4 < sku.cost_e4 and not sku.below_cost_allowed,
        trace=" ".join(f"{step.rule}={step.unit_price_e4}" for step in steps),
    )


def _tier(book: PriceBook, sku_id: int, quantity: int) -> tuple[int, int] | None:
    reached = [tier for tier in book.tiers.get(sku_id, ()) if quantity >= tier[0]]
    return reached[-1] if reached else None


def steps_of(trace: str) -> list[Step]:
    """The steps back from an order's ``trace``."""
    return [Step(rule, int(price)) for rule, _, price in (part.rpartition("=") for part in trace.split())]
