"""What it costs: a pure function over the snapshot, with the trace of how the price came about.

list price → level price (等级价) → price for one named buyer (密价) → quantity tier → floor and ceiling → loss guard.
A named price was agreed with that buyer, so it replaces what stands before it and takes no tier. A card that the buyer
chose has its surcharge on top of all that.

Below agents this is what the topmost of them pays. Each adds its own → bounds from above → the SKU's floor and
ceiling; that is what the next one pays, as it would for an order of its own. The buyer is shown the last price only:
what his seller pays is none of his business.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from kameng.catalogue import Sku
from kameng.pricing.markups import PLATFORM, AgentPrices, Markup, Sellable

Rule = Literal["level", "named", "tier"]
"""Prices that are set beside a SKU's own: by level, by organisation, by quantity."""


class Step(msgspec.Struct, frozen=True):
    """One rule that spoke, and the unit price after it."""

    # "list", "level:2", "named", "tier:10", "floor", "ceiling", "pick:CARD"; of agents "markup:AGENT:brand", …
    rule: str
    unit_price_e4: int


class Quote(msgspec.Struct, frozen=True):
    """A unit price with its trace. ``below_cost``: the loss guard stops the sale, the platform's or an agent's."""

    unit_price_e4: int
    steps: tuple[Step, ...]
    below_cost: bool
    trace: str
    """The steps as the order keeps them and its buyer sees them: ``list=985000 level:2=975000``."""
    agents: tuple[tuple[int, int], ...] = ()
    """(agent, what it pays for a piece) each, from the top; the last of them sells to the buyer."""

    @property
    def whole_trace(self) -> str:
        """All steps, those of the agents above too."""
        return _text(self.steps)


def with_pick(quote: Quote, card_id: int, fee_e4: int) -> Quote:
    """The price of one card that its buyer chose, with its surcharge. It is the platform's: every agent passes it on
    as it is, and neither floor nor ceiling is about it."""
    step = Step(f"pick:{card_id}", quote.unit_price_e4 + fee_e4)
    return Quote(
        unit_price_e4=step.unit_price_e4,
        steps=(*quote.steps, step),
        below_cost=quote.below_cost,
        trace=f"{quote.trace} {_text([step])}",
        agents=tuple((agent_id, price_e4 + fee_e4) for agent_id, price_e4 in quote.agents),
    )


class PriceBook:
    """Every price rule, true to an epoch. Quotes are remembered: the book never changes."""

    def __init__(
        self,
        epoch: int,
        level_prices: dict[tuple[int, int], int],
        named_prices: dict[tuple[int, int], int],
        tiers: dict[int, tuple[tuple[int, int], ...]],
        agents: AgentPrices | None = None,
    ) -> None:
        self.epoch = epoch
        self.level_prices = level_prices  # (sku, level) → price
        self.named_prices = named_prices  # (sku, organisation) → price
        self.tiers = tiers  # sku → ((quantity from, off per mille), …) rising
        self.agents = AgentPrices() if agents is None else agents
        self._quotes: dict[tuple[object, ...], Quote] = {}

    def quote(
        self, sku: Sku, *, org_id: int, level: int, quantity: int, chain: tuple[tuple[int, int], ...] = ()
    ) -> Quote:
        """``chain``: the agents above the buyer as (id, level), from the top."""
        if chain:
            return self._quote_of_agent(sku, org_id, level, quantity, chain)
        named_for = org_id if (sku.sku_id, org_id) in self.named_prices else 0
        key = (sku.sku_id, sku.revision, level, named_for, quantity)
        quote = self._quotes.get(key)
        if quote is None:
            if len(self._quotes) > QUOTES_KEPT_MAX:
                self._quotes.clear()
            quote = self._quotes[key] = _quote(self, sku, org_id, level, quantity)
        return quote

    def trying(self, agent_id: int, place: tuple[str, str, int], markup: Markup | None) -> PriceBook:
        """This book as it would be with one template of an agent set, or (None) taken away: for a look before."""
        tried = self.agents.trying(agent_id, place, markup)
        return PriceBook(self.epoch, self.level_prices, self.named_prices, self.tiers, tried)

    def _quote_of_agent(
        self, sku: Sku, org_id: int, level: int, quantity: int, chain: tuple[tuple[int, int], ...]
    ) -> Quote:
        named_for = org_id if (sku.sku_id, org_id) in self.agents.named else 0
        key = (sku.sku_id, sku.revision, level, named_for, quantity, chain)
        quote = self._quotes.get(key)
        if quote is None:
            seller_id, seller_level = chain[-1]
            paid = self.quote(sku, org_id=seller_id, level=seller_level, quantity=quantity, chain=chain[:-1])
            if len(self._quotes) > QUOTES_KEPT_MAX:
                self._quotes.clear()
            quote = self._quotes[key] = _marked_up(self.agents, sku, paid, chain, org_id=org_id, level=level)
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
    _keep_within(steps, sku.floor_e4, sku.ceiling_e4)
    unit_price_e4 = steps[-1].unit_price_e4
    return Quote(
        unit_price_e4=unit_price_e4,
        steps=tuple(steps),
        below_cost=unit_price_e4 < sku.cost_e4 and not sku.below_cost_allowed,
        trace=_text(steps),
    )


def price_below(
    prices: AgentPrices, sku: Sellable, top_e4: int, chain: tuple[tuple[int, int], ...], *, org_id: int, level: int
) -> int:
    """What a buyer below agents pays for a piece of what the topmost of them gets for ``top_e4``."""
    quote = Quote(top_e4, (), False, "")
    for length, (buyer_id, buyer_level) in enumerate((*chain[1:], (org_id, level)), 1):
        quote = _marked_up(prices, sku, quote, chain[:length], org_id=buyer_id, level=buyer_level)
    return quote.unit_price_e4


def _marked_up(
    prices: AgentPrices, sku: Sellable, paid: Quote, chain: tuple[tuple[int, int], ...], *, org_id: int, level: int
) -> Quote:
    """What the last of the chain asks of a buyer, who is himself an agent or not."""
    *above, (seller_id, _) = chain
    rule, price_e4 = prices.offer(sku, paid.unit_price_e4, seller_id=seller_id, org_id=org_id, level=level)
    steps = [Step(rule, price_e4)]
    owners = (*(agent_id for agent_id, _ in reversed(above)), PLATFORM)
    for owner_id, bound in prices.bounds_on(sku, owners):
        _keep_within(steps, bound.floor_e4, bound.ceiling_e4, f":{owner_id}")
    _keep_within(steps, sku.floor_e4, sku.ceiling_e4)
    unit_price_e4 = steps[-1].unit_price_e4
    loses = unit_price_e4 < paid.unit_price_e4 and not prices.may_lose(sku)
    return Quote(
        unit_price_e4=unit_price_e4,
        steps=(*paid.steps, *steps),
        below_cost=paid.below_cost or loses,
        trace=f"{'named' if rule.startswith('named') else 'agent'}={unit_price_e4}",
        agents=(*paid.agents, (seller_id, paid.unit_price_e4)),
    )


def _keep_within(steps: list[Step], floor_e4: int | None, ceiling_e4: int | None, owner: str = "") -> None:
    """Where both speak against each other, the floor does last."""
    if ceiling_e4 is not None and steps[-1].unit_price_e4 > ceiling_e4:
        steps.append(Step(f"ceiling{owner}", ceiling_e4))
    if floor_e4 is not None and steps[-1].unit_price_e4 < floor_e4:
        steps.append(Step(f"floor{owner}", floor_e4))


def _text(steps: Iterable[Step]) -> str:
    return " ".join(f"{step.rule}={step.unit_price_e4}" for step in steps)


def _tier(book: PriceBook, sku_id: int, quantity: int) -> tuple[int, int] | None:
    reached = [tier for tier in book.tiers.get(sku_id, ()) if quantity >= tier[0]]
    return reached[-1] if reached else None


def steps_of(trace: str) -> list[Step]:
    """The steps back from an order's ``trace``."""
    return [Step(rule, int(price)) for rule, _, price in (part.rpartition("=") for part in trace.split())]
