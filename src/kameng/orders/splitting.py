"""Splitting the money of an order among the platform and the agents above its buyer. Pure.

The shares are what each level's price leaves above what it pays, so they add up to the total by themselves. A refund
is split by cumulative remainders: whatever the parts, in whatever order, what came back of a share lies within it, and
when all came back it is exactly the share.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any

import msgspec

from kameng.ledger import NewTransfer
from kameng.pricing import Quote

MARGIN = "margin"
MARGIN_BACK = "margin_back"
"""The codes of its transfers: to an agent's sub-account, and back at a refund."""


class Split(msgspec.Struct, frozen=True):
    """Who gets which part of an order's total; kept with the order, as its seller's price book was then."""

    house_e4: int  # what the topmost agent pays
    margins: tuple[tuple[int, int], ...]  # (agent, what it keeps) from the top; below zero where it sells at a loss
    payer_id: int | None  # 自收款: the last agent, whose wallet pays; its own margin it has from its customer
    trace: str  # of all levels; the order's own trace is its buyer's

    @property
    def total_e4(self) -> int:
        return self.house_e4 + sum(margin_e4 for _, margin_e4 in self.margins)

    @property
    def paid_e4(self) -> int:
        """What goes through our books: all of it, unless the last agent collects itself."""
        return self.total_e4 - (0 if self.payer_id is None else self.margins[-1][1])


class Refund(msgspec.Struct, frozen=True):
    """What one refund moves: back to whoever paid, and out of the agents' sub-accounts."""

    paid_back_e4: int
    margins: tuple[tuple[int, int], ...]


def split_of(quote: Quote, quantity: int, *, payer_id: int | None = None) -> Split:
    """The split of so many pieces at the price of an agent."""
    prices = [*(price_e4 for _, price_e4 in quote.agents), quote.unit_price_e4]
    margins = tuple(
        (agent_id, (sells - buys) * quantity)
        for (agent_id, _), (buys, sells) in zip(quote.agents, pairwise(prices), strict=True)
    )
    return Split(prices[0] * quantity, margins, payer_id, quote.whole_trace)


def read_split(kept: Any) -> Split:
    """The split back from an order's row."""
    return msgspec.convert(kept, Split)


def booked(split: Split) -> tuple[tuple[int, int], ...]:
    """The margins that go through our books: not that of an agent that collects itself."""
    return split.margins if split.payer_id is None else split.margins[:-1]


def refund_of(split: Split, *, refunded_e4: int, part_e4: int) -> Refund:
    """One more part of the total back, after ``refunded_e4`` of it went back before."""
    assert 0 < part_e4 <= split.total_e4 - refunded_e4, "more than is left"
    shares = _shares(split, refunded_e4, refunded_e4 + part_e4)
    taken = tuple(zip((agent_id for agent_id, _ in split.margins), shares[1:], strict=True))
    if split.payer_id is None:
        return Refund(part_e4, taken)
    return Refund(part_e4 - shares[-1], taken[:-1])


def rest_of(split: Split, *, refunded_e4: int) -> int:
    """What whoever paid did not get back, when so much of the total went back."""
    shares = _shares(split, refunded_e4, split.total_e4)
    return sum(shares if split.payer_id is None else shares[:-1])


def left_of(split: Split, *, refunded_e4: int) -> tuple[tuple[int, int], ...]:
    """The margins that are booked when an order is delivered of which a part was refunded before."""
    kept = _shares(split, refunded_e4, split.total_e4)[1:]
    margins = tuple(zip((agent_id for agent_id, _ in split.margins), kept, strict=True))
    return margins if split.payer_id is None else margins[:-1]


def seller_keeps(split: Split, *, refunded_e4: int) -> int:
    """What is left of the margin of whoever sold it, one who collects itself too."""
    return _shares(split, refunded_e4, split.total_e4)[-1]


def _shares(split: Split, start_e4: int, end_e4: int) -> list[int]:
    """What of each share, the house's first, lies between two points of the way from nothing to the total.

    Each border between two shares moves with the refunded part of the total, rounded down; so all shares together are
    always the part itself.
    """
    total_e4 = split.total_e4
    borders = [0, *accumulate([split.house_e4, *(margin_e4 for _, margin_e4 in split.margins)])]
    moved = [border * end_e4 // total_e4 - border * start_e4 // total_e4 for border in borders]
    return [after - before for before, after in pairwise(moved)]


def legs(
    margins: Sequence[tuple[int, int]], *, order_id: int, income: int, sub_accounts: Mapping[int, int],
    fresh_ids: Iterator[int], code: str = MARGIN,
) -> list[NewTransfer]:  # fmt: skip
    """The transfers between an income account and sub-accounts. ``MARGIN_BACK`` goes the other way."""
    back = code == MARGIN_BACK
    return [
        NewTransfer(next(fresh_ids), sub_accounts[agent_id], income, abs(margin_e4), code, order_id)
        if (margin_e4 < 0) != back
        else NewTransfer(next(fresh_ids), income, sub_accounts[agent_id], abs(margin_e4), code, order_id)
        for agent_id, margin_e4 in margins
        if margin_e4
    ]
