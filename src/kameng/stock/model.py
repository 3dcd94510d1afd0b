"""Cards and the shelf: pure.

A card's clear text is JSON, so that it goes into an answer as it is: ``{"number": …, "secret": …}``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import date

import msgspec

CARD = b"card"
"""What a card is sealed as, with its card id."""

NEVER = date.max
"""``expires_on`` of a card without a date; PostgreSQL's ``infinity``."""


class CardText(msgspec.Struct, frozen=True):
    """What the buyer pays for. ``number`` is empty for cards that are a code only."""

    number: str
    secret: str


class ShelfCard(msgspec.Struct, frozen=True, gc=False):
    """A card that can be sold now, already opened; ``text`` is the JSON of its ``CardText``."""

    card_id: int
    sku_id: int
    expires_on: date
    text: bytes


class Shelf:
    """The sellable cards that a batch read, by SKU, earliest expiry first."""

    def __init__(self, cards: Iterable[ShelfCard]) -> None:
        self._cards: dict[int, deque[ShelfCard]] = {}
        for card in cards:
            self._cards.setdefault(card.sku_id, deque()).append(card)
        self.taken: list[ShelfCard] = []

    def has(self, sku_id: int, count: int) -> bool:
        """Whether ``take`` would find so many."""
        return len(self._cards.get(sku_id, ())) >= count

    def take(self, sku_id: int, count: int) -> list[ShelfCard] | None:
        """``count`` cards, earliest expiry first, or None and nothing taken."""
        waiting = self._cards.get(sku_id)
        if waiting is None or len(waiting) < count:
            return None
        cards = [waiting.popleft() for _ in range(count)]
        self.taken += cards
        return cards

    def put_back(self, cards: list[ShelfCard]) -> None:
        """Undo the last ``take`` (or takes), so that the order of expiry holds again."""
        assert self.taken[len(self.taken) - len(cards) :] == cards, "only the last takes can be undone"
        del self.taken[len(self.taken) - len(cards) :]
        for card in reversed(cards):
            self._cards[card.sku_id].appendleft(card)
