"""The shelf against a plain model: earliest expiry first, no card twice, undoing leaves no trace."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from kameng.stock import Shelf, ShelfCard
from laws.effort import effort

SKUS = (1, 2)


@st.composite
def stocks(draw: st.DrawFn) -> list[ShelfCard]:
    """Cards as a batch reads them: by SKU, earliest expiry first."""
    days = draw(st.lists(st.tuples(st.sampled_from(SKUS), st.integers(0, 4)), max_size=14))
    cards = [
        ShelfCard(number, sku_id, date(2027, 1, 1) + timedelta(days=day), b"%d" % number)
        for number, (sku_id, day) in enumerate(days, 1)
    ]
    return sorted(cards, key=lambda card: (card.sku_id, card.expires_on, card.card_id))


class ShelfMachine(RuleBasedStateMachine):
    @initialize(cards=stocks())
    def fill(self, cards: list[ShelfCard]) -> None:
        self.all = cards
        self.lying = {sku_id: [card for card in cards if card.sku_id == sku_id] for sku_id in (*SKUS, 3)}
        self.takes: list[list[ShelfCard]] = []
        self.shelf = Shelf(cards)

    @rule(sku_id=st.sampled_from((*SKUS, 3)), count=st.integers(1, 5))
    def take(self, sku_id: int, count: int) -> None:
        lying = self.lying[sku_id]
        expected = lying[:count] if len(lying) >= count else None
        assert self.shelf.take(sku_id, count) == expected
        if expected is not None:
            del lying[:count]
            self.takes.append(expected)

    @rule(how_many=st.integers(1, 3))
    def undo(self, how_many: int) -> None:
        undone = self.takes[-how_many:]
        del self.takes[-how_many:]
        cards = [card for cards in undone for card in cards]
        self.shelf.put_back(cards)
        for card in reversed(cards):
            self.lying[card.sku_id].insert(0, card)

    @invariant()
    def no_card_is_taken_twice(self) -> None:
        ids = [card.card_id for card in self.shelf.taken]
        assert len(ids) == len(set(ids))
        assert self.shelf.taken == [card for cards in self.takes for card in cards]

    @invariant()
    def what_lies_is_in_order_of_expiry(self) -> None:
        for cards in self.lying.values():
            assert cards == sorted(cards, key=lambda card: (card.expires_on, card.card_id))


TestShelf = ShelfMachine.TestCase
TestShelf.settings = effort(examples=80, steps=30)


@given(cards=stocks())
def test_emptying_a_shelf_takes_every_card_once_in_order(cards: list[ShelfCard]) -> None:
    shelf = Shelf(cards)
    taken = []
    for sku_id in SKUS:
        while (found := shelf.take(sku_id, 1)) is not None:
            taken += found
    assert taken == cards
    assert all(shelf.take(sku_id, 1) is None for sku_id in SKUS)
