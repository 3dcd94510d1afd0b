"""``decide`` against a shop that a child could run: one wish after the other, every rule looked up anew.

The shop says which reasons there are to refuse a wish; decide may name any of them. Both keep their own books from
batch to batch, decide's as the database would keep them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from itertools import count, pairwise
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from kameng.identity import Nonce
from kameng.ledger import Account, Books
from kameng.orders.deciding import decide
from kameng.orders.judging import Asked, View
from kameng.orders.model import Decision, Known, Placed, Refused, Short, Wish
from kameng.risk import KEY_DAY, Claim, Counters
from kameng.stock import Shelf, ShelfCard
from laws.effort import effort
from laws.shop import (
    AT,
    COUNT_RULE,
    ESCROW,
    GROUPS,
    KEYS,
    ORGS,
    PLAY_ESCROW,
    PLAY_SALES,
    PRICES,
    SALES,
    SKUS,
    Buying,
    Shop,
    claims_on,
)  # fmt: skip


class Lane:
    """What the database keeps for ``decide`` from batch to batch."""

    def __init__(self, accounts: Sequence[Account], cards: Sequence[tuple[int, int]]) -> None:
        self.accounts = [msgspec.structs.replace(account) for account in accounts]
        self.cards = [ShelfCard(card, sku, date(2027, 1, 1), b"{}") for sku, card in cards]
        self.refs: dict[bytes, tuple[bytes, int]] = {}
        self.nonces: set[bytes] = set()
        self.counters: dict[tuple[bytes, int, int], tuple[int, int]] = {}
        self.keys = {key.key_id: key for key in KEYS}
        self.orgs = {org.org_id: org for org in ORGS}
        self.ids = count(10_000)
        self.sold: list[int] = []
        self.placed: list[Placed] = []

    def batch(self, asked: Sequence[Asked]) -> list[Decision]:
        """Read what placing reads (no card more), decide, write what it writes."""
        needs: dict[int, int] = {}
        for a in asked:
            if a.sku is not None and a.sku.from_stock and not a.wish.organisation.sandbox:
                needs[a.sku.sku_id] = needs.get(a.sku.sku_id, 0) + a.wish.quantity
        shelf = [card for s, n in needs.items() for card in [c for c in self.cards if c.sku_id == s][:n]]
        counters = Counters(dict(self.counters))
        view = View(
            at=AT, at_ms=int(AT.timestamp() * 1000), order_ids=iter([next(self.ids) for _ in asked]), keys=self.keys,
            organisations=self.orgs, books=Books([msgspec.structs.replace(account) for account in self.accounts]),
            shelf=Shelf(shelf), counters=counters, refs=dict(self.refs), nonces=set(self.nonces),
        )  # fmt: skip
        decisions = decide(view, asked)
        placed = [decision for decision in decisions if isinstance(decision, Placed)]
        sold = {card for decision in placed for card in decision.order.card_ids}
        self.cards = [card for card in self.cards if card.card_id not in sold]
        self.sold += [card for decision in placed for card in decision.order.card_ids]
        self.accounts = list(view.books.accounts.values())
        self.placed += placed
        for decision in placed:
            wish = decision.order.wish
            assert wish.ref_key not in self.refs, "one reference, one order"
            self.refs[wish.ref_key] = (wish.digest, decision.order.order_id)
        for nonce in view.spent:
            assert nonce.nonce_hash not in self.nonces, "a nonce is spent once"
            self.nonces.add(nonce.nonce_hash)
        for touched in counters.touched:
            self.counters[touched] = counters.taken[touched]
        assert [t.transfer_id for t in view.books.posted] == [d.order.order_id for d in placed]
        return decisions


def asked_for(buying: Buying, group: int) -> Asked:
    key = KEYS[buying.key]
    org = next(org for org in ORGS if org.org_id == key.org_id)
    sku = SKUS.get(buying.sku)
    quote = sku and PRICES.quote(sku, org_id=org.org_id, level=org.level, quantity=buying.quantity)
    total = quote.unit_price_e4 * buying.quantity if quote else 0
    claims = [
        Claim(entity.to_bytes(8, "big"), rule_id, 0, total, None, key.daily_limit_e4)
        if rule_id == KEY_DAY
        else Claim(entity.to_bytes(8, "big"), rule_id, 0, total, 5, 90)
        for entity, rule_id in claims_on(buying, key, org)
    ]
    wish = Wish(
        key, org, "127.0.0.1", buying.ref, f"{org.org_id}\n{buying.ref}".encode(),
        f"{buying.sku} {buying.quantity}".encode(), buying.sku, buying.quantity, buying.max_price,
        nonce=None if buying.nonce is None else Nonce(b"%d" % buying.nonce, 0), group=group,
    )  # fmt: skip
    return Asked(
        wish, sku, quote, buying.listed, tuple(claims), buying.over_limit, buying.may_steal, buying.nonce_spent
    )


def as_asked(groups: Sequence[Sequence[Buying]]) -> list[Asked]:
    return [
        asked_for(buying, number if len(group) > 1 else 0)
        for number, group in enumerate(groups, 1)
        for buying in group
    ]


def reason_of(decision: Decision) -> str:
    return decision.reason.code if isinstance(decision, Refused) else "short"


def accounts_of(money: dict[int, int], lines: dict[int, int]) -> list[Account]:
    house = [(SALES, "CNY"), (ESCROW, "CNY"), (PLAY_SALES, "XTS"), (PLAY_ESCROW, "XTS")]
    return [Account(number, 0, "house", currency, unbounded=True) for number, currency in house] + [
        Account(org.org_id, org.org_id, "wallet", org.currency, posted_e4=money[org.org_id],
                credit_line_e4=lines[org.org_id])
        for org in ORGS
    ]  # fmt: skip


MONEY = st.fixed_dictionaries({org.org_id: st.integers(0, 120) for org in ORGS})
LINES = st.fixed_dictionaries({org.org_id: st.sampled_from([0, 0, 15]) for org in ORGS})
CARDS = st.lists(st.sampled_from([1, 1, 2]), max_size=16).map(lambda skus: [(s, 100 + i) for i, s in enumerate(skus)])


class DecidingMachine(RuleBasedStateMachine):
    @initialize(money=MONEY, lines=LINES, cards=CARDS)
    def open(self, money: dict[int, int], lines: dict[int, int], cards: list[tuple[int, int]]) -> None:
        self.shop = Shop(money, lines, cards)
        self.lane = Lane(accounts_of(money, lines), cards)
        self.number_of: dict[int, int] = {}
        self.money_at_first = sum(money.values())

    @rule(groups=GROUPS)
    def batch(self, groups: list[list[Buying]]) -> None:
        decisions = iter(self.lane.batch(as_asked(groups)))
        for group in groups:
            self._compare(group, [next(decisions) for _ in group])

    def _compare(self, group: Sequence[Buying], decisions: Sequence[Decision]) -> None:
        expected = [self.shop.buy(group[0])] if len(group) == 1 else self.shop.buy_together(group)
        if expected and expected[-1][0] == "may be short":
            expected.pop()
            if all(isinstance(decision, Short) for decision in decisions):
                self._every_need(group, decisions)
                return
        for decision, (what, more) in zip(decisions, expected, strict=True):
            if what == "placed":
                number, cards = more
                assert isinstance(decision, Placed)
                self.number_of[decision.order.order_id] = number
                assert list(decision.order.card_ids) == cards
                assert decision.order.total_e4 == decision.order.unit_price_e4 * decision.order.wish.quantity
                assert decision.order.state == ("delivered" if decision.order.wish.sku_id < 3 else "fulfilling")
            elif what == "known":
                assert isinstance(decision, Known)
                assert self.number_of[decision.order_id] == more
            elif isinstance(decision, Refused | Short):
                # Nothing is fetched for a group that is refused anyway.
                in_vain = {"group_refused"} if len(group) > 1 and "short" in more else set()
                assert reason_of(decision) in more | in_vain
            else:
                raise AssertionError(f"{decision} instead of {more}")

    def _every_need(self, group: Sequence[Buying], decisions: Sequence[Decision]) -> None:
        for buying, decision in zip(group, decisions, strict=True):
            assert isinstance(decision, Short)
            # What needs no card comes again with the others, and asks for one of theirs.
            assert decision.sku_id == buying.sku if buying.sku < 3 else decision.sku_id < 3
            assert decision.need == sum(b.quantity for b in group if b.sku == decision.sku_id)

    @rule(what=st.sampled_from(["key 0", "key 2", "org 2001"]))
    def bar_or_admit(self, what: str) -> None:
        """From the next batch on."""
        self.shop.off ^= {what}
        off = what in self.shop.off
        number = int(what.split()[1])
        if what.startswith("key"):
            state = "revoked" if off else "active"
            self.lane.keys[3000 + number] = msgspec.structs.replace(KEYS[number], state=state)
        else:
            org = next(org for org in ORGS if org.org_id == number)
            self.lane.orgs[number] = msgspec.structs.replace(org, state="suspended" if off else "active")

    @invariant()
    def money_is_conserved_and_no_wallet_below_its_line(self) -> None:
        assert sum(account.posted_e4 for account in self.lane.accounts) == self.money_at_first
        for account in self.lane.accounts:
            if account.unbounded:
                assert account.posted_e4 == self.shop.house.get(account.account_id, 0)
            else:
                assert account.posted_e4 == self.shop.money[account.account_id]
                assert account.available_e4 >= 0

    @invariant()
    def no_card_is_sold_twice_and_none_is_lost(self) -> None:
        assert len(self.lane.sold) == len(set(self.lane.sold))
        lying = {card.card_id for card in self.lane.cards}
        assert lying == {card for cards in self.shop.shelf.values() for card in cards}

    @invariant()
    def every_order_was_charged_once(self) -> None:
        paid = sum(decision.order.total_e4 for decision in self.lane.placed)
        assert paid == sum(self.shop.house.values())
        assert len(self.lane.refs) == len(self.lane.placed) == len(self.shop.orders)

    @invariant()
    def limits_are_kept(self) -> None:
        for (entity, rule_id, _), (orders, money) in self.lane.counters.items():
            assert [orders, money] == self.shop.counted[int.from_bytes(entity, "big"), rule_id]
            if rule_id == COUNT_RULE:
                assert orders <= 5
                assert money <= 90
            else:
                assert money <= 40


TestDeciding: Callable[..., Any] = DecidingMachine.TestCase
TestDeciding.settings = effort(examples=200, steps=12)


@given(money=MONEY, lines=LINES, cards=CARDS, groups=GROUPS, cuts=st.sets(st.integers(0, 8)))
@effort(examples=300)
def test_it_does_not_matter_how_wishes_are_cut_into_batches(
    money: dict[int, int], lines: dict[int, int], cards: list[tuple[int, int]], groups: list[list[Buying]],
    cuts: set[int],
) -> None:  # fmt: skip
    whole = Lane(accounts_of(money, lines), cards)
    pieces = Lane(accounts_of(money, lines), cards)
    at_once = whole.batch(as_asked(groups))
    edges = [0, *sorted(cut for cut in cuts if cut < len(groups)), len(groups)]
    in_turn = [
        decision
        for start, end in pairwise(edges)
        for decision in pieces.batch(as_asked(groups[start:end]))
    ]
    assert [_without_ids(d, at_once) for d in at_once] == [_without_ids(d, in_turn) for d in in_turn]
    assert [msgspec.to_builtins(a) for a in whole.accounts] == [msgspec.to_builtins(a) for a in pieces.accounts]
    assert whole.sold == pieces.sold
    assert whole.counters == pieces.counters
    assert whole.nonces == pieces.nonces


def _without_ids(decision: Decision, all_of_them: Sequence[Decision]) -> tuple[Any, ...]:
    """The decision, with orders called by the place of their decision instead of their id."""
    ids = [d.order.order_id if isinstance(d, Placed) else None for d in all_of_them]
    if isinstance(decision, Placed):
        order = decision.order
        return "placed", ids.index(order.order_id), order.card_ids, order.total_e4, order.trace, order.state
    if isinstance(decision, Known):
        return "known", ids.index(decision.order_id)
    return reason_of(decision), getattr(decision, "need", None)
