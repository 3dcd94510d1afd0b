"""The shelf and the stock against plain models: no card twice, none lost, earliest expiry first, undoing leaves
no trace.

The shelf is what a batch holds in memory; the stock is what lies in PostgreSQL, worked by the real verbs.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine
from datetime import date, timedelta
from typing import Any, TypeVar

import msgspec
import pytest
from asyncpg import CheckViolationError
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from kameng import stock
from kameng.kit import clock, lanes
from kameng.kit.errors import Fault
from kameng.stock import CARD, CardText, LoadReport, Shelf, ShelfCard
from laws.effort import effort
from laws.stockroom import CHUNK_CARDS, Line, PlainStock
from laws.world import World

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


# The stock in the database.

MIDNIGHT_MS = 1_924_963_200_000  # between 2030-12-31 and 2031-01-01 in China; in UTC it is 16 o'clock
DAY_MS = 86_400_000
T = TypeVar("T")
LANES, GOODS = st.integers(0, 1), st.integers(0, 2)
LINES = st.lists(
    st.tuples(st.integers(1, 6), st.integers(1, 2), st.sampled_from([None, -1, 0, 0, 1, 2])), min_size=1, max_size=9
)
"""Number, secret, last day from today on: few of each, so that they meet again."""


class StockMachine(RuleBasedStateMachine):
    """Runs in a thread, its verbs on the loop of the tests, where the database is."""

    world: World
    loop: asyncio.AbstractEventLoop

    def __init__(self) -> None:
        super().__init__()
        self.skus = [self.world.card, self.world.half_card, self.world.link]  # two of one brand, one of another
        self.now_ms = MIDNIGHT_MS - 1
        self.model = PlainStock({sku.sku_id: sku.brand for sku in self.skus})
        self.delivered: list[bytes] = []

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        with clock.hold(self.now_ms):
            return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    @property
    def today(self) -> date:
        return date(1970, 1, 1) + timedelta(milliseconds=self.now_ms + 8 * DAY_MS // 24)

    @initialize()
    def empty(self) -> None:
        self.run(self.world.execute("TRUNCATE card, card_batch, card_fingerprint, allotment, reusable_card"))

    @rule(good=GOODS, drawn=LINES, numbered=st.booleans())
    def load(self, good: int, drawn: list[tuple[int, int, int | None]], numbered: bool) -> None:
        """A file of a supplier, with what it repeats of itself and of everything that ever came."""
        before = "https://r.example.com/" if self.skus[good].kind == "link" else ""
        lines = [
            Line(f"N{number:05d}" if numbered else "", f"{before}S{secret if numbered else number:05d}",
                 None if day is None else self.today + timedelta(days=day))
            for number, secret, day in drawn
        ]  # fmt: skip
        sku_id = self.skus[good].sku_id
        report = self.run(self._load(sku_id, lines, numbered=numbered))
        loaded, refused = self.model.load(sku_id, lines, self.today)
        assert (report.loaded, [(line.line, line.reason) for line in report.refused]) == (loaded, refused)
        for row in self.run(self.world.rows("SELECT card_id, sealed FROM card")):
            if row["card_id"] not in self.model.known_ids:
                text = self.world.ring.open(CARD, row["card_id"], row["sealed"])
                self.model.name(row["card_id"], msgspec.json.decode(text, type=CardText))

    async def _load(self, sku_id: int, lines: list[Line], *, numbered: bool) -> LoadReport:
        header = "卡号,卡密,有效期" if numbered else "卡密,有效期"
        rows = [[line.number] * numbered + [line.secret, str(line.expires_on or "")] for line in lines]
        data = "\n".join([header, *map(",".join, rows)]).encode()
        return await stock.load_file(self.world.db, self.world.ring, data, sku_id=sku_id, file_name="made.csv")

    @rule(lane=LANES, wishes=st.lists(st.tuples(GOODS, st.integers(1, 4)), min_size=1, max_size=4))
    def sell(self, lane: int, wishes: list[tuple[int, int]]) -> None:
        """A batch: what all wishes need is read at once; a wish gets all its cards or none."""
        named = [(self.skus[good].sku_id, quantity) for good, quantity in wishes]
        order_ids, answers = self.run(self._sell(lane, named))
        assert answers == self.model.sell(lane, named, order_ids, self.today)
        self.delivered += [text for answer in answers if answer is not None for text in answer]

    async def _sell(self, lane: int, wishes: list[tuple[int, int]]) -> tuple[list[int], list[list[bytes] | None]]:
        needs: Counter[int] = Counter()
        for sku_id, quantity in wishes:
            needs[sku_id] += quantity
        async with self.world.db.transaction() as connection:
            passage = await lanes.pass_gate(connection, lane, id_count=len(wishes))
            shelf = await stock.read_shelf(connection, self.world.ring, lane, needs)
            taken = [shelf.take(*wish) for wish in wishes]
            sold = [
                (card.card_id, order_id, card.sku_id)
                for order_id, cards in zip(passage.ids, taken, strict=True)
                for card in cards or []
            ]
            await stock.sell(connection, lane, sold)
        return passage.ids, [None if cards is None else [card.text for card in cards] for cards in taken]

    @rule(data=st.data())
    def sell_what_is_gone(self, data: st.DataObject) -> None:
        """A defect, as of code that held no gate: it is refused whole, by the shelf's count where that is zero."""
        gone = [card for card in self.model.cards.values() if card.state != "on_shelf"]
        if gone:
            card = data.draw(st.sampled_from(gone))
            with pytest.raises((Fault, CheckViolationError), match=r"1 cards were taken|allotment_on_hand_check"):
                self.run(self._sell_again(card.lane, [(card.card_id, 1, card.sku_id)]))

    async def _sell_again(self, lane: int, sold: list[tuple[int, int, int]]) -> None:
        async with self.world.db.transaction() as connection:
            await lanes.pass_gate(connection, lane)
            await stock.sell(connection, lane, sold)

    @rule(lane=LANES, good=GOODS, need=st.integers(1, 6), least=st.integers(1, 3))
    def steal(self, lane: int, good: int, need: int, least: int) -> None:
        sku_id = self.skus[good].sku_id
        stolen = self.run(stock.steal(self.world.db, lane, sku_id, need, least=least))
        assert (stolen.moved, stolen.any_left) == self.model.steal(lane, sku_id, need, least, self.today)

    @rule(data=st.data())
    def damage(self, data: st.DataObject) -> None:
        """A bit of a card on a shelf is lost; nobody knows until it is to be sold."""
        whole = [card for card in self.model.cards.values() if card.state == "on_shelf" and not card.damaged]
        if whole:
            card = data.draw(st.sampled_from(whole))
            flip = "sealed = set_byte(sealed, length(sealed) - 1, get_byte(sealed, length(sealed) - 1) # 1)"
            self.run(self.world.execute(f"UPDATE card SET {flip} WHERE card_id = $1", card.card_id))
            card.damaged = True

    @rule(lane=LANES)
    def void_expired(self, lane: int) -> None:
        assert self.run(stock.void_expired(self.world.db, lane)) == self.model.void_expired(lane, self.today)

    @rule(later_ms=st.sampled_from([1, DAY_MS - 1, DAY_MS]))
    def time_goes_by(self, later_ms: int) -> None:
        self.now_ms += later_ms

    @invariant()
    def every_card_lies_where_the_model_says(self) -> None:
        """Read anew each time: no card is lost, doubled, or in two lanes or states."""
        rows = self.run(self.world.rows("SELECT card_id, lane, sku_id, state, order_id, expires_on FROM card"))
        assert sorted(map(tuple, rows)) == sorted(
            (card.card_id, card.lane, card.sku_id, card.state, card.order_id, card.expires_on)
            for card in self.model.cards.values()
        )

    @invariant()
    def shelves_count_what_lies_on_them(self) -> None:
        rows = self.run(self.world.rows("SELECT lane, sku_id, on_hand FROM allotment WHERE on_hand <> 0"))
        on_shelf = [card for card in self.model.cards.values() if card.state == "on_shelf"]
        assert {(row["lane"], row["sku_id"]): row["on_hand"] for row in rows} == Counter(
            (card.lane, card.sku_id) for card in on_shelf
        )

    @invariant()
    def every_card_is_known_for_ever(self) -> None:
        ids = self.run(self.world.rows("SELECT card_id FROM card_fingerprint"))
        assert sorted(row["card_id"] for row in ids) == sorted(card.card_id for card in self.model.cards.values())
        batches = self.run(self.world.scalar("SELECT coalesce(sum(loaded), 0)::int FROM card_batch"))
        assert batches == len(self.model.cards)

    @invariant()
    def nothing_is_delivered_twice(self) -> None:
        assert len(set(self.delivered)) == len(self.delivered)
        sold = [card for card in self.model.cards.values() if card.state == "sold"]
        assert len(sold) == len(self.delivered)


async def test_the_stock_is_what_a_plain_model_says(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks are of two cards, so that small files reach both lanes and housekeeping takes several turns."""
    monkeypatch.setattr("kameng.stock.loading.CHUNK_CARDS", CHUNK_CARDS)
    monkeypatch.setattr("kameng.stock.keeping.CHUNK_CARDS", CHUNK_CARDS)
    machine = type("Here", (StockMachine,), {"world": world, "loop": asyncio.get_running_loop()})
    await asyncio.to_thread(run_state_machine_as_test, machine, settings=effort(examples=60, steps=30))
