"""A shop that a child could run: the plain model of ``decide``. One wish after the other, every rule looked up anew."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any

import msgspec
from hypothesis import strategies as st

from kameng.catalogue import Sku
from kameng.identity import ALL_SCOPES, ApiKey, Organisation
from kameng.pricing import PriceBook
from kameng.risk import KEY_DAY
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
