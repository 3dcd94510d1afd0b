"""A plain model of the stock: a dict of every card that ever came, and nothing derived from it.

Knows no database, no seals and no counts. Card ids are the database's; it learns them, to break ties of expiry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import msgspec

from kameng.stock import NEVER, CardText

CHUNK_CARDS = 2
"""A load goes to one lane after the other, so many cards to each."""

FIRST_LINE = 2
"""Line 1 of a file is its header."""


class Line(NamedTuple):
    number: str
    secret: str
    expires_on: date | None


@dataclass
class PlainCard:
    number: str
    secret: str
    sku_id: int
    lane: int
    expires_on: date
    state: str = "on_shelf"
    order_id: int | None = None
    damaged: bool = False
    card_id: int = 0

    @property
    def text(self) -> bytes:
        url = self.secret if self.secret.startswith("https://") else ""
        return msgspec.json.encode(CardText(self.number, self.secret, url))


class PlainStock:
    def __init__(self, brands: dict[int, str]) -> None:
        self.brands = brands
        self.cards: dict[tuple[str, str], PlainCard] = {}
        self.known_ids: set[int] = set()

    def name(self, card_id: int, text: CardText) -> None:
        """A card that was loaded got its id."""
        card = self.cards[text.number, text.secret]
        assert card.card_id == 0, "one card, two ids"
        card.card_id = card_id
        self.known_ids.add(card_id)

    def load(self, sku_id: int, lines: Sequence[Line], today: date) -> tuple[int, list[tuple[int, str]]]:
        """How many came on the shelves, and the lines that did not, with their reasons."""
        good: dict[str, tuple[int, Line]] = {}
        refused: list[tuple[int, str]] = []
        for at, line in enumerate(lines, FIRST_LINE):
            if line.expires_on is not None and line.expires_on < today:
                refused.append((at, "expired"))
                continue
            _, first = good.setdefault(line.number or line.secret, (at, line))
            if first is not line:
                refused.append((at, "duplicate" if first.secret == line.secret else "duplicate_number"))
        for n, (at, line) in enumerate(good.values()):
            reason = self._known(sku_id, line)
            if reason:
                refused.append((at, reason))
            else:
                lane = n // CHUNK_CARDS % 2
                card = PlainCard(line.number, line.secret, sku_id, lane, line.expires_on or NEVER)
                self.cards[line.number, line.secret] = card
        return len(lines) - len(refused), sorted(refused)

    def _known(self, sku_id: int, line: Line) -> str:
        if (line.number, line.secret) in self.cards:
            return "loaded_before"
        brand = self.brands[sku_id]
        same = any(line.number == card.number and brand == self.brands[card.sku_id] for card in self.cards.values())
        return "number_loaded_before" if line.number and same else ""

    def lying(self, lane: int, sku_id: int, since: date = date.min) -> list[PlainCard]:
        """On a lane's shelf and good on that day, earliest expiry first."""
        found = [
            card
            for card in self.cards.values()
            if (card.lane, card.sku_id, card.state) == (lane, sku_id, "on_shelf") and card.expires_on >= since
        ]
        return sorted(found, key=lambda card: (card.expires_on, card.card_id))

    def sell(
        self, lane: int, wishes: Sequence[tuple[int, int]], order_ids: Sequence[int], today: date
    ) -> list[list[bytes] | None]:
        """What each wish gets. Of the cards that all need together, damaged ones are found and put aside."""
        shelf: dict[int, list[PlainCard]] = {}
        for sku_id in {sku_id for sku_id, _ in wishes}:
            need = sum(quantity for other, quantity in wishes if other == sku_id)
            looked_at = self.lying(lane, sku_id, today)[:need]
            for card in looked_at:
                card.state = "quarantined" if card.damaged else card.state
            shelf[sku_id] = [card for card in looked_at if not card.damaged]
        answers: list[list[bytes] | None] = []
        for (sku_id, quantity), order_id in zip(wishes, order_ids, strict=True):
            cards, rest = shelf[sku_id][:quantity], shelf[sku_id][quantity:]
            if len(cards) < quantity:
                answers.append(None)
                continue
            shelf[sku_id] = rest
            for card in cards:
                card.state, card.order_id = "sold", order_id
            answers.append([card.text for card in cards])
        return answers

    def steal(self, lane: int, sku_id: int, need: int, least: int, today: date) -> tuple[int, bool]:
        """How many came from the other lane, and whether any lie anywhere. Expired ones count, and stay."""
        own, theirs = self.lying(lane, sku_id), self.lying(1 - lane, sku_id)
        moved: list[PlainCard] = []
        if len(own) + len(theirs) >= least:
            moved = self.lying(1 - lane, sku_id, today)[: max(need, len(theirs) // 2)]
        for card in moved:
            card.lane = lane
        return len(moved), bool(own or theirs)

    def void_expired(self, lane: int, today: date) -> int:
        gone = [
            card
            for card in self.cards.values()
            if card.lane == lane and card.state == "on_shelf" and card.expires_on < today
        ]
        for card in gone:
            card.state = "void"
        return len(gone)
