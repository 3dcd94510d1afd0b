"""What agents add, along chains of any depth: in exact fractions, within bounds, explained, and hidden from buyers."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any, get_args

from hypothesis import given
from hypothesis import strategies as st

from kameng.pricing import EVERY_LEVEL, PLATFORM, AgentPrices, Bound, Markup, PriceBook, Step, steps_of
from kameng.pricing.markups import UNITS_E4, Rounding
from laws.goods import make_sku

SKU = make_sku(sku_id=1, list_price_e4=985_000, cost_e4=1)
AGENTS = (7001, 7002, 7003, 7004)
BUYER = 8000
AMOUNTS = st.integers(1, 10**9)


@st.composite
def markups(draw: st.DrawFn) -> Markup:
    unit_e4 = draw(st.sampled_from(UNITS_E4))
    return Markup(
        fixed_e4=draw(st.integers(-(10**6), 10**6)),
        percent_e4=draw(st.integers(-999_999, 2_000_000)),
        unit_e4=unit_e4,
        rounding=draw(st.sampled_from(get_args(Rounding))),
        ending_e4=draw(st.integers(0, unit_e4 - 1)),
    )


@st.composite
def bounds(draw: st.DrawFn) -> Bound:
    floor, ceiling = sorted(draw(st.tuples(AMOUNTS, AMOUNTS)))
    return Bound(*draw(st.sampled_from([(floor, ceiling), (floor, None), (None, ceiling)])))


@st.composite
def agent_prices(draw: st.DrawFn) -> AgentPrices:
    scopes = st.sampled_from([("sku", "1"), ("brand", SKU.brand), ("scene", SKU.scene), ("all", ""), ("brand", "x")])
    places = st.tuples(scopes, st.sampled_from([EVERY_LEVEL, 0, 1])).map(lambda one: (*one[0], one[1]))
    templates = draw(
        st.dictionaries(st.sampled_from(AGENTS), st.dictionaries(places, markups(), max_size=4), max_size=4)
    )
    sellers = st.tuples(st.sampled_from(AGENTS), AMOUNTS)
    named = draw(st.dictionaries(st.tuples(st.just(1), st.sampled_from((*AGENTS, BUYER))), sellers, max_size=3))
    owners = st.tuples(st.sampled_from((PLATFORM, *AGENTS)), st.just(1))
    return AgentPrices(named, templates, draw(st.dictionaries(owners, bounds(), max_size=3)))


CHAINS = st.integers(1, 4).flatmap(
    lambda depth: st.tuples(*[st.tuples(st.just(agent_id), st.integers(0, 1)) for agent_id in AGENTS[:depth]])
)
BUYING: dict[str, Any] = {"agents": agent_prices(), "chain": CHAINS, "level": st.integers(0, 2)}


def book_of(agents: AgentPrices) -> PriceBook:
    return PriceBook(1, {(1, 1): 950_000}, {}, {}, agents)


@given(markup=markups(), cost_e4=AMOUNTS)
def test_a_price_lies_on_its_grid_next_to_the_exact_one(markup: Markup, cost_e4: int) -> None:
    exact = cost_e4 * (1 + Fraction(markup.percent_e4, 1_000_000)) + markup.fixed_e4
    price_e4 = markup.price_of(cost_e4)
    assert price_e4 > 0
    assert (price_e4 - markup.ending_e4) % markup.unit_e4 == 0
    if price_e4 - markup.unit_e4 <= 0 and exact <= price_e4:
        return  # the first of the grid above zero
    off = price_e4 - exact
    if markup.rounding == "up":
        assert 0 <= off < markup.unit_e4
    elif markup.rounding == "down":
        assert -markup.unit_e4 < off <= 0
    else:
        assert abs(off) <= Fraction(markup.unit_e4, 2)
        steps = (price_e4 - markup.ending_e4) // markup.unit_e4
        assert abs(off) < Fraction(markup.unit_e4, 2) or steps % 2 == 0


@given(markup=markups(), costs=st.tuples(AMOUNTS, AMOUNTS))
def test_what_costs_more_is_never_cheaper(markup: Markup, costs: tuple[int, int]) -> None:
    low, high = sorted(costs)
    assert markup.price_of(low) <= markup.price_of(high)


@given(**BUYING, lists=st.tuples(AMOUNTS, AMOUNTS))
def test_through_a_whole_chain_too(
    agents: AgentPrices, chain: tuple[tuple[int, int], ...], level: int, lists: tuple[int, int]
) -> None:
    book = PriceBook(1, {}, {}, {}, agents)
    low, high = (
        book.quote(
            make_sku(sku_id=1, revision=n, list_price_e4=price), org_id=BUYER, level=level, quantity=1, chain=chain
        ).unit_price_e4
        for n, price in enumerate(sorted(lists))
    )
    assert low <= high


@given(**BUYING)
def test_every_agent_pays_what_an_order_of_its_own_would_cost(
    agents: AgentPrices, chain: tuple[tuple[int, int], ...], level: int
) -> None:
    book = book_of(agents)
    quote = book.quote(SKU, org_id=BUYER, level=level, quantity=1, chain=chain)
    assert quote.agents == tuple(
        (agent_id, book.quote(SKU, org_id=agent_id, level=at, quantity=1, chain=chain[:depth]).unit_price_e4)
        for depth, (agent_id, at) in enumerate(chain)
    )


@given(**BUYING)
def test_the_whole_trace_explains_it_and_the_buyer_sees_its_end_only(
    agents: AgentPrices, chain: tuple[tuple[int, int], ...], level: int
) -> None:
    quote = book_of(agents).quote(SKU, org_id=BUYER, level=level, quantity=1, chain=chain)
    assert steps_of(quote.whole_trace) == list(quote.steps)
    assert quote.steps[0] == Step("list", 985_000)
    assert quote.steps[-1].unit_price_e4 == quote.unit_price_e4
    spoke = [rule.split(":")[1] for rule, _ in map(_parts, quote.steps) if rule.startswith(("markup:", "named:"))]
    assert spoke == [str(agent_id) for agent_id, _ in chain]
    (shown,) = steps_of(quote.trace)
    assert shown.rule in ("agent", "named")
    assert shown.unit_price_e4 == quote.unit_price_e4


def _parts(step: Step) -> tuple[str, int]:
    return step.rule, step.unit_price_e4


@given(**BUYING)
def test_bounds_from_above_are_kept_the_highest_has_the_last_word(
    agents: AgentPrices, chain: tuple[tuple[int, int], ...], level: int
) -> None:
    price_e4 = book_of(agents).quote(SKU, org_id=BUYER, level=level, quantity=1, chain=chain).unit_price_e4
    bound = agents.bounds.get((PLATFORM, 1))
    if bound is not None:
        assert bound.floor_e4 is None or price_e4 >= bound.floor_e4
        assert bound.ceiling_e4 is None or price_e4 <= bound.ceiling_e4
    own = agents.bounds.get((chain[-1][0], 1))
    if own is not None:  # binds those below it, not itself
        fewer = {key: value for key, value in agents.bounds.items() if key != (chain[-1][0], 1)}
        without = AgentPrices(agents.named, agents.templates, fewer)
        assert price_e4 == (
            book_of(without).quote(SKU, org_id=BUYER, level=level, quantity=1, chain=chain).unit_price_e4
        )


@given(**BUYING)
def test_nobody_sells_below_what_he_pays_unless_the_platform_set_a_floor(
    agents: AgentPrices, chain: tuple[tuple[int, int], ...], level: int
) -> None:
    quote = book_of(agents).quote(SKU, org_id=BUYER, level=level, quantity=1, chain=chain)
    prices = [price_e4 for _, price_e4 in quote.agents] + [quote.unit_price_e4]
    loses = any(after < before for before, after in pairwise(prices))
    bound = agents.bounds.get((PLATFORM, 1))
    may = bound is not None and bound.floor_e4 is not None
    assert quote.below_cost == (loses and not may)


@given(**BUYING, quantity=st.integers(1, 60))
def test_a_chain_without_templates_asks_what_the_platform_asks(
    agents: AgentPrices, chain: tuple[tuple[int, int], ...], level: int, quantity: int
) -> None:
    book = PriceBook(1, {(1, 1): 950_000}, {}, {1: ((10, 50),)})
    top_id, top_level = chain[0]
    below = book.quote(SKU, org_id=BUYER, level=level, quantity=quantity, chain=chain)
    assert below.unit_price_e4 == book.quote(SKU, org_id=top_id, level=top_level, quantity=quantity).unit_price_e4
