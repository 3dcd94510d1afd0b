"""Bundles: shares make the price, a batch takes all parts or none, and however parts end, the money adds up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import count, pairwise
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from kameng.catalogue import FROM_STOCK, Part, Sku
from kameng.identity import ALL_SCOPES, ApiKey, Organisation
from kameng.ledger import Account, Books
from kameng.orders import Acted, By, Instruction, OrderPart, PartState, Refused, Split, Standing, State, Terms
from kameng.orders.bundling import pieces_of, worths_of
from kameng.orders.changing import decide as act
from kameng.orders.deciding import decide
from kameng.orders.drafting import View
from kameng.orders.expecting import jobs_of
from kameng.orders.judging import Asked
from kameng.orders.judging import View as PlacingView
from kameng.orders.model import Command, Decision, Placed, Short, Wish
from kameng.orders.settling import Fresh
from kameng.pricing import Quote
from kameng.risk import Counters
from kameng.stock import Shelf, ShelfCard
from laws.effort import effort
from laws.goods import make_sku

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
BUYER, SALES, ESCROW = 2000, 1, 2
STOCKED = (11, 12, 13)
"""SKUs that have a shelf; all others are worked on."""


@st.composite
def bundles(draw: st.DrawFn, kinds: tuple[str, ...] = ("secret", "link", "manual", "topup", "parcel")) -> Sku:
    sizes = draw(st.lists(st.integers(0, 5), min_size=1, max_size=6).filter(any))
    cuts = [10_000 * sum(sizes[:n]) // sum(sizes) for n in range(len(sizes) + 1)]
    parts = []
    for start, end in pairwise(cuts):
        kind = draw(st.sampled_from(kinds))
        sku_id = draw(st.sampled_from(STOCKED)) if kind in FROM_STOCK else 20
        parts.append(Part(sku_id, draw(st.integers(1, 3)), end - start, 1, kind, "", 5))
    return make_sku(sku_id=1, kind="bundle", parts=tuple(parts), list_price_e4=100, cost_e4=1, refundable=True)


@given(sku=bundles(), total_e4=st.integers(1, 10**12))
def test_what_the_parts_are_worth_is_the_price(sku: Sku, total_e4: int) -> None:
    worths = worths_of(sku, total_e4)
    assert sum(worths) == total_e4
    for part, worth_e4 in zip(sku.parts, worths, strict=True):
        assert abs(worth_e4 * 10_000 - total_e4 * part.share_e4) < 10_000
        assert part.share_e4 or not worth_e4


ORG = Organisation(BUYER, "a", "merchant", 0, "active", "CNY", None, False)
KEY = ApiKey(3000, BUYER, ALL_SCOPES, b"s", None, (), 1000, None, "active", None)


def asked_for(sku: Sku, ref: int, quantity: int, *, may_steal: bool) -> Asked:
    price_e4 = sku.list_price_e4
    wish = Wish(KEY, ORG, "127.0.0.1", f"{ref}", b"%d" % ref, b"%d" % quantity, sku.sku_id, quantity)
    return Asked(wish, sku, Quote(price_e4, (), False, f"list={price_e4}"), may_steal=may_steal)


WISHES = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3), st.booleans()), min_size=1, max_size=8)


@given(
    sold=st.lists(bundles(), min_size=2, max_size=2), wishes=WISHES, money_e4=st.integers(0, 1500),
    shelf=st.fixed_dictionaries({sku_id: st.integers(0, 12) for sku_id in STOCKED}),
)  # fmt: skip
@effort(examples=400)
def test_a_batch_takes_all_parts_of_a_bundle_or_none(
    sold: list[Sku], wishes: list[tuple[int, int, bool]], money_e4: int, shelf: dict[int, int]
) -> None:
    """Against a plain model: one wish after the other, with counts alone. Plain cards are sold beside the bundles."""
    skus = [*sold, make_sku(sku_id=11, list_price_e4=7, cost_e4=1)]
    lying = [
        ShelfCard(100 * sku_id + n, sku_id, date(2027, 1, 1), b"{}") for sku_id in STOCKED for n in range(shelf[sku_id])
    ]
    needed = Counter[int]()
    for which, quantity, _ in wishes:
        needed.update(_pieces(skus[which], quantity))
    read = [card for card in lying if card.card_id % 100 < needed[card.sku_id]]  # as placing reads, no card more
    accounts = [
        Account(SALES, 0, "house", "CNY", unbounded=True), Account(ESCROW, 0, "house", "CNY", unbounded=True),
        Account(BUYER, BUYER, "wallet", "CNY", posted_e4=money_e4),
    ]  # fmt: skip
    view = PlacingView(
        at=AT, at_ms=0, order_ids=count(10_000), keys={}, organisations={}, books=Books(accounts), shelf=Shelf(read),
        counters=Counters({}), refs={}, nonces=set(),
    )  # fmt: skip
    asked = [
        asked_for(skus[which], n, quantity, may_steal=may_steal)
        for n, (which, quantity, may_steal) in enumerate(wishes)
    ]
    left, spent_e4, taken = Counter(shelf), 0, list[int]()
    for one, decision in zip(asked, decide(view, asked), strict=True):
        sku, quantity = one.sku, one.wish.quantity
        assert sku is not None
        pieces, price_e4 = _pieces(sku, quantity), sku.list_price_e4 * quantity
        lacking = {sku_id for sku_id, need in pieces.items() if left[sku_id] < need}
        if lacking or spent_e4 + price_e4 > money_e4:
            assert _reason(decision) in _reasons(lacking, may_steal=one.may_steal, pays=spent_e4 + price_e4 <= money_e4)
            continue
        assert isinstance(decision, Placed)
        left.subtract(pieces)
        spent_e4 += price_e4
        taken += decision.order.card_ids
        assert sum(part.worth_e4 for part in decision.order.parts) == (price_e4 if sku.parts else 0)
        for part, named in zip(decision.order.parts, sku.parts, strict=True):
            from_stock = named.kind in FROM_STOCK
            assert part.state is (PartState.delivered if from_stock else PartState.waiting)
            assert [card_id // 100 for card_id in part.card_ids] == [part.sku_id] * (part.quantity if from_stock else 0)
        assert decision.order.state == ("delivered" if sku.at_once else "fulfilling")
    assert len(taken) == len(set(taken)) == sum(shelf.values()) - sum(left.values())
    assert view.books.accounts[BUYER].posted_e4 == money_e4 - spent_e4


def _pieces(sku: Sku, quantity: int) -> dict[int, int]:
    return pieces_of(sku, quantity) if sku.parts else {sku.sku_id: quantity}


def _reason(decision: Decision) -> str:
    if isinstance(decision, Short):
        return f"short {decision.sku_id}"
    assert isinstance(decision, Refused)
    return decision.reason.code


def _reasons(lacking: set[int], *, may_steal: bool, pays: bool) -> set[str]:
    goods = {f"short {sku_id}" for sku_id in lacking} if may_steal else {"sold_out"} if lacking else set()
    return goods | (set() if pays else {"insufficient_balance"})


# after it was placed ---------------------------------------------------------------------------------------

GOES: dict[State, tuple[set[str], str]] = {
    **{
        state: ({"waiting", "delivered", "failed"}, "waiting")
        for state in (State.held, State.fulfilling, State.review, State.cancelling)
    },
    **{state: ({"delivered", "refunded"}, "delivered") for state in (State.delivered, State.settled)},
    State.partly_delivered: ({"delivered", "refunded"}, "delivered"),
    State.refunded: ({"refunded"}, "refunded"),
}
"""The states that parts may have in an order's, and one that some part has."""
ACTS = [Command.doubt, Command.hold, Command.fulfil, Command.refuse, Command.cancel, Command.settle, Command.deliver,
        Command.fail]  # fmt: skip


class PartsMachine(RuleBasedStateMachine):
    @initialize(
        sku=bundles(("manual", "topup", "secret")), total_e4=st.integers(10, 10**7), days=st.sampled_from([0, 0, 2]),
        margins=st.lists(st.integers(-3, 1000), max_size=4),
    )  # fmt: skip
    def place(self, sku: Sku, total_e4: int, days: int, margins: list[int]) -> None:
        self.sku = msgspec.structs.replace(sku, confirm_days=days, quantity_max=1)
        split = None
        total_e4 += sum(margins) if sum(margins) > 0 else 0
        if margins:
            agents = tuple(enumerate(margins, 5000))
            split = Split(total_e4 - sum(margins), agents, None, "list=1")
        numbers, parts = count(900), []
        for n, (named, worth_e4) in enumerate(zip(sku.parts, worths_of(sku, total_e4), strict=True), 1):
            from_stock = named.kind in FROM_STOCK
            cards = tuple(next(numbers) for _ in range(named.quantity)) if from_stock else ()
            state = PartState.delivered if from_stock else PartState.waiting
            parts.append(OrderPart(n, named.sku_id, 1, named.kind, named.quantity, worth_e4, state, cards))
        self.is_live = any(part.state is PartState.waiting for part in parts)
        if not self.is_live:  # it was delivered at once: another law
            return
        order = Standing(
            7, BUYER, 1, 1, 1, total_e4, 1, State.fulfilling, 1, 0, tuple(c for p in parts for c in p.card_ids), None,
            AT, "CNY", False, False, False, None, False, split,
            parts=tuple(parts),
        )  # fmt: skip
        agents_at = {agent_id: agent_id + 100 for agent_id, _ in (split.margins if split else ())}
        self.total_e4 = total_e4
        accounts = [
            Account(SALES, 0, "house", "CNY", unbounded=True),
            Account(ESCROW, 0, "house", "CNY", unbounded=True, posted_e4=total_e4),
            Account(BUYER, BUYER, "wallet", "CNY"),
            *(Account(n, agent_id, "sub_account", "CNY", unbounded=True) for agent_id, n in agents_at.items()),
        ]
        self.view = View(
            at=AT, fresh=Fresh(count(10_000), count(20_000), agents_at), orders={7: order}, skus={(1, 1): self.sku},
            known={}, references={}, books=Books(accounts), shelf=Shelf([]), terms=Terms(), drafts=[],
        )  # fmt: skip
        self.keys = count(1)

    @property
    def order(self) -> Standing:
        return self.view.orders[7]

    def ask(self, command: Command, **more: Any) -> Acted | Refused:
        before = msgspec.structs.replace(self.order)
        instruction = Instruction(
            order_id=7, command=command, key=str(next(self.keys)), by=By.staff, reason="x", **more
        )
        (outcome,) = act(self.view, [instruction])
        assert not isinstance(outcome, Short)
        if isinstance(outcome, Refused):
            assert self.order == before
        else:
            assert self.order.sequence > before.sequence
        return outcome

    @rule(number=st.integers(1, 6), came=st.booleans())
    def end_part(self, number: int, came: bool) -> None:
        if not self.is_live:
            return
        before = self.order
        outcome = self.ask(Command.deliver_part if came else Command.fail_part, part_no=number)
        named = next((part for part in before.parts if part.part_no == number), None)
        if named is None:
            assert isinstance(outcome, Refused)
            return
        may = named.state is PartState.waiting and before.state in (State.fulfilling, State.review, State.cancelling)
        assert isinstance(outcome, Acted) == may

    @rule(command=st.sampled_from(ACTS))
    def command(self, command: Command) -> None:
        if self.is_live:
            self.ask(command)

    @rule(number=st.integers(1, 6))
    def refund_part(self, number: int) -> None:
        if self.is_live:
            self.ask(Command.refund, part_no=number)

    @rule(amount_e4=st.one_of(st.none(), st.integers(1, 1000)))
    def refund(self, amount_e4: int | None) -> None:
        if self.is_live:
            self.ask(Command.refund, amount_e4=amount_e4)

    @rule(hours=st.integers(1, 60))
    def pass_time(self, hours: int) -> None:
        if self.is_live:
            self.view.at += timedelta(hours=hours)

    @invariant()
    def parts_go_with_their_order(self) -> None:
        if not getattr(self, "is_live", False):
            return
        allowed, needed = GOES[self.order.state]
        states = {part.state.value for part in self.order.parts}
        assert states <= allowed
        assert needed in states
        assert self.order.card_ids == tuple(c for part in self.order.parts for c in part.card_ids)
        assert sum(part.worth_e4 for part in self.order.parts) == self.order.total_e4
        back_e4 = sum(part.worth_e4 for part in self.order.parts if part.state is PartState.refunded)
        assert back_e4 <= self.order.refunded_e4

    @invariant()
    def what_is_waited_for_has_its_job(self) -> None:
        if not getattr(self, "is_live", False):
            return
        jobs = [(job.kind, job.payload) for job in jobs_of(self.order, "bundle", AT)]
        tail = {State.fulfilling: "", State.cancelling: "_withdraw"}.get(self.order.state)
        if tail is not None:
            waiting = [part for part in self.order.parts if part.state is PartState.waiting]
            assert jobs == [(f"fulfilment.{part.kind}{tail}", {"part_no": part.part_no}) for part in waiting]
        else:
            rests = self.order.state not in (State.held, State.review) and self.order.confirm_until is None
            assert len(jobs) == int(not rests)

    @invariant()
    def the_books_add_up_to_the_last_unit(self) -> None:
        if not getattr(self, "is_live", False):
            return
        order, books = self.order, self.view.books
        posted = {account_id: account.posted_e4 for account_id, account in books.accounts.items()}
        assert sum(posted.values()) == self.total_e4
        assert posted[BUYER] == order.refunded_e4
        rest_e4 = order.total_e4 - order.refunded_e4
        assert posted[ESCROW] == (rest_e4 if order.in_escrow else 0)
        margins_e4 = sum(e4 for account_id, e4 in posted.items() if account_id >= 5000)
        assert posted[SALES] + margins_e4 == (0 if order.in_escrow else rest_e4)
        assert (order.state is State.refunded) == (rest_e4 == 0)


TestParts: Callable[..., Any] = PartsMachine.TestCase
TestParts.settings = effort(examples=300, steps=15)
