"""What agents add: markup templates (加价模板), prices for one buyer, and bounds from above. Pure.

A price is rounded once, at its end: onto the grid of the template's unit, shifted by its ending. So ``.9`` with a
unit of 1 gives 8.9, 9.9, 10.9 …
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, Protocol

import msgspec

Scope = Literal["sku", "brand", "scene", "all"]
Rounding = Literal["up", "half_even", "down"]

EVERY_LEVEL = -1
PLATFORM = 0
"""The owner of bounds for all agents, and the seller of whoever has no agent above."""
UNITS_E4 = (1, 100, 1_000, 10_000)
WHOLE_E4 = 1_000_000
"""100 %, as ``percent_e4`` counts: in 1/10,000 of a percent."""


class Sellable(Protocol):
    """What templates and bounds look at of a SKU."""

    @property
    def sku_id(self) -> int: ...
    @property
    def brand(self) -> str: ...
    @property
    def scene(self) -> str: ...
    @property
    def floor_e4(self) -> int | None: ...
    @property
    def ceiling_e4(self) -> int | None: ...


class Markup(msgspec.Struct, frozen=True):
    """What is added to what the agent pays: a share of it, a fixed amount, or both."""

    fixed_e4: int = 0
    percent_e4: int = 0
    unit_e4: int = 1
    rounding: Rounding = "up"
    ending_e4: int = 0

    def price_of(self, cost_e4: int) -> int:
        """Never below what is left of the grid above zero: nothing is given away."""
        raw = cost_e4 * (WHOLE_E4 + self.percent_e4) + self.fixed_e4 * WHOLE_E4
        unit = self.unit_e4 * WHOLE_E4
        steps = _rounded(raw - self.ending_e4 * WHOLE_E4, unit, self.rounding)
        price_e4 = steps * self.unit_e4 + self.ending_e4
        return price_e4 if price_e4 > 0 else self.ending_e4 or self.unit_e4


def _rounded(amount: int, unit: int, rounding: Rounding) -> int:
    """How many units: floor division rounds down, also below zero."""
    steps, rest = divmod(amount, unit)
    if rounding == "up":
        return steps + (rest > 0)
    if rounding == "half_even":
        return steps + (2 * rest > unit or (2 * rest == unit and steps % 2))
    return steps


class Template(msgspec.Struct, frozen=True):
    """A markup and where it holds: for one agent's sales of a SKU, a brand, a scene or all, to a level or all."""

    agent_id: int
    scope: Scope
    which: str
    level: int
    markup: Markup


class Bound(msgspec.Struct, frozen=True):
    """What the agents below its owner may ask for a SKU."""

    floor_e4: int | None
    ceiling_e4: int | None


class AgentPrices:
    """Everything agents have set: part of a price book."""

    def __init__(
        self,
        named: Mapping[tuple[int, int], tuple[int, int]] | None = None,
        templates: Mapping[int, Mapping[tuple[str, str, int], Markup]] | None = None,
        bounds: Mapping[tuple[int, int], Bound] | None = None,
    ) -> None:
        self.named = named or {}  # (sku, buyer) → (seller, price)
        self.templates = templates or {}  # agent → (scope, which, level) → markup
        self.bounds = bounds or {}  # (owner, sku) → bound

    def offer(self, sku: Sellable, cost_e4: int, *, seller_id: int, org_id: int, level: int) -> tuple[str, int]:
        """The rule that speaks and the price it gives, of what the seller pays ``cost_e4`` for."""
        seller, price_e4 = self.named.get((sku.sku_id, org_id), (None, 0))
        if seller == seller_id:
            return f"named:{seller_id}", price_e4
        templates = self.templates.get(seller_id, {})
        for scope, which in _places(sku):
            for for_level in (level, EVERY_LEVEL):
                markup = templates.get((scope, which, for_level))
                if markup is not None:
                    return f"markup:{seller_id}:{scope}", markup.price_of(cost_e4)
        return f"markup:{seller_id}", cost_e4

    def bounds_on(self, sku: Sellable, owners: tuple[int, ...]) -> Iterator[tuple[int, Bound]]:
        """Of those above a seller, in the order in which they speak: the last word is the platform's."""
        for owner_id in owners:
            bound = self.bounds.get((owner_id, sku.sku_id))
            if bound is not None:
                yield owner_id, bound

    def trying(self, agent_id: int, place: tuple[str, str, int], markup: Markup | None) -> AgentPrices:
        """As they would be with one template of an agent set, or (None) taken away."""
        templates = {where: kept for where, kept in self.templates.get(agent_id, {}).items() if where != place}
        if markup is not None:
            templates[place] = markup
        return AgentPrices(self.named, {**self.templates, agent_id: templates}, self.bounds)

    def room_below(self, sku: Sellable, owners: tuple[int, ...]) -> Bound:
        """Between what the SKU and these owners leave to whoever sells below them; None: they leave it open."""
        spoken = [Bound(sku.floor_e4, sku.ceiling_e4), *(bound for _, bound in self.bounds_on(sku, owners))]
        floors = [bound.floor_e4 for bound in spoken if bound.floor_e4 is not None]
        ceilings = [bound.ceiling_e4 for bound in spoken if bound.ceiling_e4 is not None]
        return Bound(max(floors, default=None), min(ceilings, default=None))

    def may_lose(self, sku: Sellable) -> bool:
        """Whether an agent may sell below what it pays: only down to a floor that the platform has set for agents."""
        bound = self.bounds.get((PLATFORM, sku.sku_id))
        return bound is not None and bound.floor_e4 is not None


def _places(sku: Sellable) -> tuple[tuple[Scope, str], ...]:
    """Where a template may hold for a SKU; the nearest first."""
    return ("sku", str(sku.sku_id)), ("brand", sku.brand), ("scene", sku.scene), ("all", "")
