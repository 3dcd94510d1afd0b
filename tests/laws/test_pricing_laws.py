"""Prices: within floor and ceiling, never below cost unnoticed, and explained by their own trace."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from kameng.catalogue import Sku
from kameng.pricing import PriceBook, Step, steps_of
from laws.goods import make_sku

AMOUNTS = st.integers(1, 10**9)
ORG, OTHER = 2000, 2001


@st.composite
def skus(draw: st.DrawFn) -> Sku:
    floor, ceiling = sorted(draw(st.tuples(AMOUNTS, AMOUNTS)))
    return make_sku(
        sku_id=1,
        list_price_e4=draw(AMOUNTS),
        cost_e4=draw(st.integers(0, 10**9)),
        floor_e4=draw(st.sampled_from([None, floor])),
        ceiling_e4=draw(st.sampled_from([None, ceiling])),
        below_cost_allowed=draw(st.booleans()),
    )


@st.composite
def books(draw: st.DrawFn) -> PriceBook:
    froms = draw(st.lists(st.integers(2, 50), unique=True, max_size=4))
    tiers = tuple((quantity, draw(st.integers(1, 999))) for quantity in sorted(froms))
    return PriceBook(
        1,
        {(1, level): draw(AMOUNTS) for level in draw(st.sets(st.integers(0, 3)))},
        {(1, org_id): draw(AMOUNTS) for org_id in draw(st.sets(st.sampled_from([ORG, OTHER])))},
        {1: tiers} if tiers else {},
    )


BUYING = {"level": st.integers(0, 3), "quantity": st.integers(1, 60)}


@given(sku=skus(), book=books(), **BUYING)
def test_within_floor_and_ceiling(sku: Sku, book: PriceBook, level: int, quantity: int) -> None:
    price = book.quote(sku, org_id=ORG, level=level, quantity=quantity).unit_price_e4
    assert price >= 1
    assert sku.floor_e4 is None or price >= sku.floor_e4
    assert sku.ceiling_e4 is None or price <= sku.ceiling_e4


@given(sku=skus(), book=books(), **BUYING)
def test_below_cost_is_flagged_unless_allowed(sku: Sku, book: PriceBook, level: int, quantity: int) -> None:
    quote = book.quote(sku, org_id=ORG, level=level, quantity=quantity)
    assert quote.below_cost == (quote.unit_price_e4 < sku.cost_e4 and not sku.below_cost_allowed)


@given(sku=skus(), book=books(), **BUYING)
def test_the_trace_explains_the_price(sku: Sku, book: PriceBook, level: int, quantity: int) -> None:
    quote = book.quote(sku, org_id=ORG, level=level, quantity=quantity)
    assert quote.steps[0] == Step("list", sku.list_price_e4)
    assert quote.steps[-1].unit_price_e4 == quote.unit_price_e4
    assert steps_of(quote.trace) == list(quote.steps)
    assert quote.trace.rpartition("=")[2] == str(quote.unit_price_e4)  # what the audit reads


@given(sku=skus(), book=books(), **BUYING)
def test_a_named_price_replaces_all_before_it(sku: Sku, book: PriceBook, level: int, quantity: int) -> None:
    named = book.named_prices.get((1, ORG))
    quote = book.quote(sku, org_id=ORG, level=level, quantity=quantity)
    rules = [step.rule for step in quote.steps]
    assert ("named" in rules) == (named is not None)
    if named is not None:
        low = 1 if sku.floor_e4 is None else sku.floor_e4
        high = 10**18 if sku.ceiling_e4 is None else sku.ceiling_e4
        assert quote.unit_price_e4 == min(max(named, low), high)
        assert not any(rule.startswith(("level", "tier")) for rule in rules)


@given(sku=skus(), book=books(), **BUYING)
def test_by_hand(sku: Sku, book: PriceBook, level: int, quantity: int) -> None:
    """The price once more, in exact fractions and from the rules' words alone."""
    price = Fraction(sku.list_price_e4)
    if (1, ORG) in book.named_prices:
        price = Fraction(book.named_prices[1, ORG])
    else:
        price = Fraction(book.level_prices.get((1, level), price))
        reached = [off for start, off in book.tiers.get(1, ()) if start <= quantity]
        if reached:
            price = price * (1000 - reached[-1]) / 1000
    if sku.ceiling_e4 is not None:
        price = min(price, Fraction(sku.ceiling_e4))
    if sku.floor_e4 is not None:
        price = max(price, Fraction(sku.floor_e4))
    charged = book.quote(sku, org_id=ORG, level=level, quantity=quantity).unit_price_e4
    assert 0 <= charged - price < 1


BUYERS = st.sampled_from([ORG, OTHER, 3])


@given(sku=skus(), book=books(), buys=st.lists(st.tuples(*BUYING.values(), BUYERS), max_size=20))
def test_a_quote_does_not_depend_on_who_asked_before(
    sku: Sku, book: PriceBook, buys: list[tuple[int, int, int]]
) -> None:
    fresh = [
        PriceBook(1, book.level_prices, book.named_prices, book.tiers).quote(
            sku, org_id=org_id, level=level, quantity=quantity
        )
        for level, quantity, org_id in buys
    ]
    assert fresh == [book.quote(sku, org_id=o, level=lv, quantity=q) for lv, q, o in buys]
