"""What a template would make of an agent's prices, before it is saved: the same function that prices orders. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from kameng.catalogue import Sku
from kameng.pricing.markups import PLATFORM, Bound
from kameng.pricing.model import PriceBook, Quote


class Preview(msgspec.Struct, frozen=True):
    """One SKU at an agent's, for one of his buyers."""

    sku: Sku
    paid_e4: int  # what a piece costs the agent
    now_e4: int  # what he asks as things stand
    price_e4: int  # and what he would ask
    rule: str  # whose word it would be: a template for a "sku", "brand", "scene" or "all"; "named"; "": nobody's
    room: Bound  # what those above him leave
    is_moved: bool  # whether a floor or ceiling has the last word
    loses: bool  # whether it would not be sold: somebody would get less than he pays

    @property
    def margin_e4(self) -> int:
        return self.price_e4 - self.paid_e4

    @property
    def margin_share(self) -> float:
        """Of the price."""
        return self.margin_e4 / self.price_e4


def preview(
    book: PriceBook, tried: PriceBook, skus: Iterable[Sku], *, org_id: int, level: int,
    chain: tuple[tuple[int, int], ...],
) -> list[Preview]:  # fmt: skip
    """What one piece of each would cost a buyer of the last in the chain by the book that is ``tried``."""
    return [_preview(book, tried, sku, org_id, level, chain) for sku in skus]


def _preview(
    book: PriceBook, tried: PriceBook, sku: Sku, org_id: int, level: int, chain: tuple[tuple[int, int], ...]
) -> Preview:
    now, then = (one.quote(sku, org_id=org_id, level=level, quantity=1, chain=chain) for one in (book, tried))
    _, paid_e4 = then.agents[-1]
    owners = (*(agent_id for agent_id, _ in reversed(chain[:-1])), PLATFORM)
    return Preview(
        sku, paid_e4, now.unit_price_e4, then.unit_price_e4, _rule(then, chain[-1][0]),
        book.agents.room_below(sku, owners), then.steps[-1].rule.startswith(("floor", "ceiling")), then.below_cost,
    )  # fmt: skip


def _rule(quote: Quote, agent_id: int) -> str:
    """Of the seller's own step: ``markup:AGENT:brand`` is brand."""
    for step in reversed(quote.steps):
        if step.rule == f"named:{agent_id}":
            return "named"
        if step.rule.startswith(f"markup:{agent_id}"):
            return step.rule.partition(":")[2].partition(":")[2]
    raise AssertionError("a seller has a step of his own")
