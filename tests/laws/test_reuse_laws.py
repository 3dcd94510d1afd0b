"""Reusable cards against a counter each: whatever is loaded, issued, stolen, sold and void in whatever order, a card is
sold no more often than it may be, and as often as that in the end."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine
from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from kameng import stock
from kameng.kit import lanes
from kameng.stock import AS_OFTEN_AS_ASKED, By, CardLine
from laws.effort import effort
from laws.world import World

T = TypeVar("T")
LANES, GOODS = st.integers(0, 1), st.integers(0, 1)
USES = st.sampled_from([1, 2, 3, 5, AS_OFTEN_AS_ASKED])


class ReuseMachine(RuleBasedStateMachine):
    """Runs in a thread, its verbs on the loop of the tests, where the database is."""

    world: World
    loop: asyncio.AbstractEventLoop

    def __init__(self) -> None:
        super().__init__()
        self.skus = [self.world.card.sku_id, self.world.link.sku_id]
        self.most: dict[str, int | None] = {}  # number → how often it may be sold
        self.sku_of: dict[str, int] = {}
        self.void: set[str] = set()
        self.sold: Counter[str] = Counter()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    @initialize()
    def empty(self) -> None:
        self.run(self.world.execute("TRUNCATE card, card_batch, card_fingerprint, allotment, reusable_card"))

    @rule(good=GOODS, count=st.integers(1, 3), uses=USES)
    def load(self, good: int, count: int, uses: int) -> None:
        first = len(self.most)
        lines = [CardLine(n, f"N{first + n:05d}", f"S{first + n:05d}", None, None) for n in range(count)]
        report = self.run(
            stock.load_cards(
                self.world.db, self.world.ring, lines, sku_id=self.skus[good], file_name="r.txt", uses=uses
            )
        )
        assert report.loaded == count
        for line in lines:
            self.most[line.number] = uses or None
            self.sku_of[line.number] = self.skus[good]

    @rule(lane=LANES, good=GOODS, count=st.integers(1, 4))
    def sell(self, lane: int, good: int, count: int) -> None:
        """A batch of as many orders: each gets one use if there is one here."""
        self.sold.update(self.run(self._sell(lane, self.skus[good], count)))

    async def _sell(self, lane: int, sku_id: int, count: int) -> list[str]:
        async with self.world.db.transaction() as connection:
            passage = await lanes.pass_gate(connection, lane, id_count=count)
            shelf = await stock.read_shelf(connection, self.world.ring, lane, {sku_id: count})
            taken = [(order_id, cards[0]) for order_id in passage.ids if (cards := shelf.take(sku_id, 1))]
            if taken:
                await stock.sell(connection, lane, [(card.card_id, order_id, sku_id) for order_id, card in taken])
        return [msgspec.json.decode(card.text)["number"] for _, card in taken]

    @rule(lane=LANES, good=GOODS, need=st.integers(1, 6), with_ring=st.booleans())
    def steal(self, lane: int, good: int, need: int, with_ring: bool) -> None:
        ring = self.world.ring if with_ring else None
        self.run(stock.steal(self.world.db, lane, self.skus[good], need, ring=ring))

    @rule()
    def restock(self) -> None:
        self.run(stock.restock(self.world.db, self.world.ring))
        assert self.run(stock.restock(self.world.db, self.world.ring)) == 0

    @rule(data=st.data())
    def void_one(self, data: st.DataObject) -> None:
        if self.most:
            number = data.draw(st.sampled_from(sorted(self.most)))
            sku_id = self.sku_of[number]
            self.run(stock.void_numbers(self.world.db, self.world.ring, sku_id, [number], By()))
            self.void.add(number)

    @invariant()
    def no_card_is_sold_more_often_than_it_may_be(self) -> None:
        for number, times in self.sold.items():
            most = self.most[number]
            assert most is None or times <= most

    @invariant()
    def counters_are_what_lies_there(self) -> None:
        rows = self.run(
            self.world.rows(
                "SELECT r.uses, r.issued, count(c.card_id) AS there FROM reusable_card r"
                " LEFT JOIN card c ON c.original_id = r.original_id GROUP BY r.lane, r.original_id"
            )
        )
        assert all(row["issued"] == row["there"] and row["issued"] <= (row["uses"] or 1 << 30) for row in rows)
        plain = sum(most == 1 for most in self.most.values())
        assert len(rows) == len(self.most) - plain

    @invariant()
    def shelves_count_the_uses_that_are_left(self) -> None:
        rows = self.run(self.world.rows("SELECT lane, sku_id, on_hand FROM allotment WHERE on_hand <> 0"))
        lying = self.run(
            self.world.rows("SELECT lane, sku_id, count(*) FROM card WHERE state = 'on_shelf' GROUP BY 1, 2")
        )
        assert sorted(map(tuple, rows)) == sorted(map(tuple, lying))

    def teardown(self) -> None:
        """Whoever still wants one gets one, until each card was sold as often as it may be."""
        for sku_id in self.skus:
            for lane in (0, 1):
                while got := self.run(self._sell(lane, sku_id, 50)):
                    self.sold.update(got)
        for number, most in self.most.items():
            if most is not None and number not in self.void:
                assert self.sold[number] == most
        self.no_card_is_sold_more_often_than_it_may_be()


async def test_every_use_is_sold_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kameng.stock.loading.CHUNK_CARDS", 2)
    monkeypatch.setattr("kameng.stock.reusing.CHUNK_USES", 3)
    monkeypatch.setattr("kameng.stock.reusing.STOCKED", 4)
    monkeypatch.setattr("kameng.stock.voiding.CHUNK_CARDS", 2)
    machine = type("Here", (ReuseMachine,), {"world": world, "loop": asyncio.get_running_loop()})
    await asyncio.to_thread(run_state_machine_as_test, machine, settings=effort(examples=30, steps=20))
