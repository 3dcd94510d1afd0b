"""``decide`` against a shop that a child could run: one wish after the other, every rule looked up anew.

The shop says which reasons there are to refuse a wish; decide may name any of them. Both keep their own books from
batch to batch, decide's as the database would keep them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from itertools import count, pairwise
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from kameng.catalogue import Sku
from kameng.identity import ALL_SCOPES, ApiKey, Nonce, Organisation
from kameng.ledger import Account, Books
from kameng.orders.deciding import Asked, View, decide
from kameng.orders.model import Decision, Known, Placed, Refused, Short, Wish
from kameng.pricing import PriceBook
from kameng.risk import KEY_DAY, Claim, Counters
from kameng.stock import Shelf, ShelfCard
from laws.goods import make_sku

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
ORGS = [
    Organisation(2000, "a", "merchant", 0, "active", "CNY", None, False),
    Organisation(2001, "b", "merchant", 1, "active", "CNY", None, False),
    Organisation(2002, "a 沙箱", "merchant", 0, "active", "XTS", 2000, False),
]
KEYS = [
    ApiKey(3000, 2000, ALL_SCOPES, b"s", None, (), 1000, None, "active", None),
    ApiKey(3001, 2000, ALL_SCOPES, b"s", None, (), 1000, 40, "active", None),
    ApiKey(3002, 2001, ALL_SCOPES, b"s", None, (), 1000, None, "active", None),
    ApiKey(3003, 2002, ALL_SCOPES, b"s", None, (), 1000, None, "active", None),
]
SKUS = {
    1: make_sku(sku_id=1, list_price_e4=10, cost_e4=5),
    2: make_sku(sku_id=2, list_price_e4=7, cost_e4=5, quantity_min=2, quantity_max=6, quantity_step=2),
    3: make_sku(sku_id=3, list_price_e4=3, cost_e4=1, kind="topup"),
    4: make_sku(sku_id=4, list_price_e4=4, cost_e4=5, kind="topup"),  # below cost
    5: make_sku(sku_id=5, list_price_e4=4, cost_e4=1, state="paused"),
}
PRICES = PriceBook(1, {(1, 1): 9}, {(3, 2001): 2}, {2: ((4, 100),)})
SALES, ESCROW, PLAY_SALES, PLAY_ESCROW = 1, 2, 501, 502
COUNT_RULE, MONEY_RULE = 7, 8


class Buying(msgspec.Struct, frozen=True):
    """A wish in a test's words."""

    key: int
    ref: str
    sku: int
    quantity: int
    max_price: int | None = None
    nonce: int | None = None
    nonce_spent: bool = False
    listed: str | None = None
    over_limit: bool = False
    may_steal: bool = False


BUYING = st.builds(
    Buying,
    key=st.sampled_from([0, 0, 0, 1, 2, 2, 3]),
    ref=st.sampled_from("abcdefghij"),
    sku=st.sampled_from([1, 1, 1, 2, 2, 3, 3, 4, 5, 6]),
    quantity=st.sampled_from([1, 1, 2, 2, 3, 4, 7]),
    max_price=st.sampled_from([None, None, None, None, 8, 9, 10]),
    nonce=st.one_of(st.none(), st.integers(1, 12)),
    nonce_spent=st.sampled_from([False, False, False, True]),
    listed=st.sampled_from([None] * 8 + ["refuse", "allow"]),
    over_limit=st.sampled_from([False] * 9 + [True]),
    may_steal=st.booleans(),
)
GROUPS = st.lists(st.one_of(BUYING.map(lambda b: [b]), st.lists(BUYING, min_size=2, max_size=4)), max_size=8)
"""A batch: single wishes and groups of them."""


class Shop:
    """The plain model."""

    def __init__(self, money: dict[int, int], lines: dict[int, int], cards: Sequence[tuple[int, int]]) -> None:
        self.money = dict(money)
        self.lines = lines
        self.shelf = {sku: [card for s, card in cards if s == sku] for sku in SKUS}
        self.orders: dict[tuple[int, str], tuple[Any, int]] = {}
        self.nonces: set[int] = set()
        self.counted: dict[tuple[int, int], list[int]] = {}
        self.house: dict[int, int] = {}
        self.numbers = count(1)
        self.off: set[str] = set()  # "key 0", "org 2000"

    def buy(self, buying: Buying) -> tuple[str, Any]:
        """("placed", number, cards), ("known", number) or ("refused", every reason)."""
        key = KEYS[buying.key]
        org = next(org for org in ORGS if org.org_id == key.org_id)
        spent_before = buying.nonce in self.nonces
        if buying.nonce is not None:
            self.nonces.add(buying.nonce)
        barred = set()
        if buying.nonce is not None and spent_before and not buying.nonce_spent:
            barred.add("nonce_used")
        barred |= {"key_revoked"} if f"key {buying.key}" in self.off else set()
        barred |= {"organisation_suspended"} if f"org {org.org_id}" in self.off else set()
        if barred:
            return "refused", barred
        if (org.org_id, buying.ref) in self.orders:
            content, number = self.orders[org.org_id, buying.ref]
            same = content == (buying.sku, buying.quantity)
            return ("known", number) if same else ("refused", {"reference_reused"})
        reasons = self._reasons(buying, key, org)
        if reasons:
            return "refused", reasons
        return "placed", self._place(buying, key, org)

    def _reasons(self, buying: Buying, key: ApiKey, org: Organisation) -> set[str]:
        sku = SKUS.get(buying.sku)
        if sku is None or sku.state != "on_sale":
            return {"not_on_sale"}
        reasons = set()
        allowed = range(sku.quantity_min, sku.quantity_max + 1, sku.quantity_step)
        price = self.price(buying, org)
        total = price * buying.quantity
        reasons |= set() if buying.quantity in allowed else {"bad_quantity"}
        reasons |= {"below_cost"} if price < sku.cost_e4 else set()
        reasons |= {"price_changed"} if buying.max_price is not None and price > buying.max_price else set()
        reasons |= {"risk_refused"} if buying.listed == "refuse" else set()
        reasons |= {"velocity_exceeded"} if buying.over_limit else set()
        orders, money = self.counted.get((org.org_id, COUNT_RULE), [0, 0])
        if buying.listed != "allow" and (orders + 1 > 5 or money + total > 90):
            reasons.add("velocity_exceeded")
        spent_today = self.counted.get((key.key_id, KEY_DAY), [0, 0])[1]
        if key.daily_limit_e4 is not None and spent_today + total > key.daily_limit_e4:
            reasons.add("daily_limit_exceeded")
        if self.comes_from_shelf(sku, org) and len(self.shelf[sku.sku_id]) < buying.quantity:
            reasons.add("short" if buying.may_steal else "sold_out")
        if self.money[org.org_id] + self.lines[org.org_id] < total:
            reasons.add("insufficient_balance")
        return reasons

    def _place(self, buying: Buying, key: ApiKey, org: Organisation) -> tuple[int, list[int]]:
        sku = SKUS[buying.sku]
        total = self.price(buying, org) * buying.quantity
        cards = []
        if self.comes_from_shelf(sku, org):
            cards = self.shelf[sku.sku_id][: buying.quantity]
            del self.shelf[sku.sku_id][: buying.quantity]
        self.money[org.org_id] -= total
        income = (SALES if sku.kind == "secret" else ESCROW) + (500 if org.sandbox else 0)
        self.house[income] = self.house.get(income, 0) + total
        for counter in claims_on(buying, key, org):
            taken = self.counted.setdefault(counter, [0, 0])
            taken[0] += 1
            taken[1] += total
        number = next(self.numbers)
        self.orders[org.org_id, buying.ref] = ((buying.sku, buying.quantity), number)
        return number, cards

    def buy_together(self, group: Sequence[Buying]) -> list[tuple[str, Any]]:
        """All or none; an order that stood before stands."""
        before = copy.deepcopy(self)
        found = [self.buy(buying) for buying in group]
        if all(what != "refused" for what, _ in found):
            return found
        nonces = self.nonces
        self.__dict__.update(before.__dict__)
        self.nonces = nonces
        stood = {number for _, number in self.orders.values()}
        all_short = all(what != "refused" or reasons & {"short"} for what, reasons in found)
        return [
            (what, more)
            if what == "refused" or (what == "known" and more in stood)
            else ("refused", {"group_refused"})
            for what, more in found
        ] + ([("may be short", None)] if all_short else [])

    def price(self, buying: Buying, org: Organisation) -> int:
        return PRICES.quote(
            SKUS[buying.sku], org_id=org.org_id, level=org.level, quantity=buying.quantity
        ).unit_price_e4

    def comes_from_shelf(self, sku: Sku, org: Organisation) -> bool:
        return sku.kind == "secret" and not org.sandbox


def claims_on(buying: Buying, key: ApiKey, org: Organisation) -> list[tuple[int, int]]:
    counters = [] if buying.listed == "allow" else [(org.org_id, COUNT_RULE)]
    return counters + ([(key.key_id, KEY_DAY)] if key.daily_limit_e4 is not None else [])


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
            assert wish.ref_hash not in self.refs, "one reference, one order"
            self.refs[wish.ref_hash] = (wish.digest, decision.order.order_id)
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
            assert decision.need == sum(b.quantity for b in group if b.sku == buying.sku)

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
TestDeciding.settings = settings(max_examples=200, stateful_step_count=12, deadline=None)


@given(money=MONEY, lines=LINES, cards=CARDS, groups=GROUPS, cuts=st.sets(st.integers(0, 8)))
@settings(max_examples=300)
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
