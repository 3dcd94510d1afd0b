"""Cards and the shelf: pure.

A card's clear text is JSON, so that it goes into an answer as it is: ``{"number": …, "secret": …}``, and for a redeem
link ``"url"``, the secret once more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from datetime import date

import msgspec

CARD = b"card"
"""What a card is sealed as, with its card id."""

NEVER = date.max
"""``expires_on`` of a card without a date; PostgreSQL's ``infinity``."""


AS_OFTEN_AS_ASKED = 0
"""The ``uses`` of a reusable card without a limit."""


class CardText(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the buyer pays for. ``number`` is empty for cards that are a code only, ``url`` for what is no link."""

    number: str
    secret: str
    url: str = ""


class Goods(msgspec.Struct, frozen=True):
    """What cards are loaded for, as far as a load has to know."""

    is_link: bool = False
    pickable: bool = False
    brand_id: int = 0


def text_of(goods: Goods, number: str, secret: str) -> bytes:
    """The clear text of a card."""
    return msgspec.json.encode(CardText(number, secret, secret if goods.is_link else ""))


def known_as(text: bytes) -> bytes:
    """What of a clear text the fingerprint is made of: the same whatever the card was loaded for."""
    card = msgspec.json.decode(text, type=CardText)
    return msgspec.json.encode(CardText(card.number, card.secret)) if card.url else text


class ShelfCard(msgspec.Struct, frozen=True, gc=False):
    """A card that can be sold now, already opened; ``text`` is the JSON of its ``CardText``."""

    card_id: int
    sku_id: int
    expires_on: date
    text: bytes


class Shelf:
    """The sellable cards that a batch read, by SKU, earliest expiry first; and those on display that were chosen."""

    def __init__(self, cards: Iterable[ShelfCard], displayed: Mapping[int, ShelfCard] | None = None) -> None:
        self._displayed = dict(displayed or {})
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

    def has_displayed(self, card_id: int) -> bool:
        """Whether ``take_displayed`` would find it."""
        card = self._displayed.get(card_id)
        return card is not None and card not in self.taken

    def take_displayed(self, card_id: int) -> ShelfCard | None:
        """The one card that its buyer chose, or None if somebody has it."""
        if not self.has_displayed(card_id):
            return None
        card = self._displayed[card_id]
        self.taken.append(card)
        return card

    def put_back(self, cards: list[ShelfCard]) -> None:
        """Undo the last ``take`` (or takes), so that the order of expiry holds again."""
        assert self.taken[len(self.taken) - len(cards) :] == cards, "only the last takes can be undone"
        del self.taken[len(self.taken) - len(cards) :]
        for card in reversed(cards):
            if card.card_id not in self._displayed:
                self._cards[card.sku_id].appendleft(card)
