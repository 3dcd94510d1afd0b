"""Splits: the shares make the total, and part refunds in any pieces give exactly the shares back."""

from __future__ import annotations

from fractions import Fraction
from itertools import count, pairwise

from hypothesis import given
from hypothesis import strategies as st

from kameng import orders
from kameng.orders import Split
from kameng.pricing import Quote

MARGINS = st.one_of(st.integers(0, 10**6), st.integers(-1000, 10**9), st.just(0))


@st.composite
def splits(draw: st.DrawFn) -> Split:
    margins = draw(st.lists(MARGINS, min_size=1, max_size=6))
    lowest = min(sum(margins[:n]) for n in range(len(margins) + 1))
    house_e4 = draw(st.integers(1, 10**9)) - lowest  # no level sells for nothing
    payer_id = draw(st.sampled_from([None, 5000 + len(margins)]))
    return Split(house_e4, tuple(enumerate(margins, 5001)), payer_id, "list=1")


@st.composite
def pieces(draw: st.DrawFn) -> tuple[Split, list[int]]:
    """A split, and its total in pieces."""
    split = draw(splits())
    cuts = sorted({cut % split.total_e4 for cut in draw(st.lists(st.integers(0, 10**12), max_size=12))} - {0})
    edges = [0, *cuts, split.total_e4]
    return split, [after - before for before, after in pairwise(edges)]


@given(prices=st.lists(st.integers(1, 10**9), min_size=2, max_size=7), quantity=st.integers(1, 1000))
def test_each_level_keeps_what_it_sells_above_what_it_pays(prices: list[int], quantity: int) -> None:
    *paid, price = prices
    quote = Quote(price, (), False, f"agent={price}", tuple(enumerate(paid, 5001)))
    split = orders.split_of(quote, quantity)
    assert split.total_e4 == split.paid_e4 == price * quantity
    assert split.house_e4 == prices[0] * quantity
    assert [margin for _, margin in split.margins] == [(sells - buys) * quantity for buys, sells in pairwise(prices)]
    shop = orders.split_of(quote, quantity, payer_id=5000 + len(paid))
    assert (shop.total_e4, shop.paid_e4) == (price * quantity, paid[-1] * quantity)


@given(one=pieces())
def test_all_refunds_together_are_exactly_the_split(one: tuple[Split, list[int]]) -> None:
    split, parts = one
    refunded_e4, back_e4 = 0, 0
    taken = dict.fromkeys((agent_id for agent_id, _ in orders.booked(split)), 0)
    for part_e4 in parts:
        refund = orders.refund_of(split, refunded_e4=refunded_e4, part_e4=part_e4)
        refunded_e4 += part_e4
        back_e4 += refund.paid_back_e4
        for agent_id, margin_e4 in refund.margins:
            taken[agent_id] += margin_e4
        # Never further from the fair share than the smallest unit, and never more than the share.
        for agent_id, margin_e4 in orders.booked(split):
            assert abs(taken[agent_id] - Fraction(margin_e4 * refunded_e4, split.total_e4)) < 1
            assert min(0, margin_e4) <= taken[agent_id] <= max(0, margin_e4)
        left = dict(orders.left_of(split, refunded_e4=refunded_e4))
        assert left == {agent_id: margin_e4 - taken[agent_id] for agent_id, margin_e4 in orders.booked(split)}
    assert taken == dict(orders.booked(split))
    assert (refunded_e4, back_e4) == (split.total_e4, split.paid_e4)


@given(one=pieces())
def test_what_buyer_platform_and_agents_move_is_always_nothing_in_all(one: tuple[Split, list[int]]) -> None:
    split, (part_e4, *_) = one
    refund = orders.refund_of(split, refunded_e4=0, part_e4=part_e4)
    house_e4 = refund.paid_back_e4 - sum(margin_e4 for _, margin_e4 in refund.margins)
    assert abs(house_e4 - Fraction(split.house_e4 * part_e4, split.total_e4)) < 1
    if split.payer_id is None:
        assert refund.paid_back_e4 == part_e4


@given(split=splits())
def test_legs_move_each_margin_and_back(split: Split) -> None:
    booked = orders.booked(split)
    accounts = {agent_id: agent_id + 10 for agent_id, _ in booked}
    for code, sign in ((orders.MARGIN, 1), (orders.MARGIN_BACK, -1)):
        moved = dict.fromkeys(accounts.values(), 0) | {1: 0}
        for leg in orders.legs(booked, order_id=7, income=1, sub_accounts=accounts, fresh_ids=count(100), code=code):
            assert (leg.amount_e4 > 0, leg.code, leg.subject_id) == (True, code, 7)
            moved[leg.credit_account] += leg.amount_e4
            moved[leg.debit_account] -= leg.amount_e4
        assert moved.pop(1) == -sign * sum(margin_e4 for _, margin_e4 in booked)
        assert moved == {accounts[agent_id]: sign * margin_e4 for agent_id, margin_e4 in booked}
