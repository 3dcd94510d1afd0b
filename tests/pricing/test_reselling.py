"""Who buys from an agent sees what moved his own price, whoever above moved what, and nothing of theirs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_price_changes import tell, work

from kameng import identity, pricing
from kameng.pricing import Bound, Buyer, Logged, Markup, PriceBook, Template, telling
from kameng.pricing.markups import AgentPrices
from kameng.pricing.reselling import Market, Sold, moves_below
from laws.goods import make_sku
from laws.world import Merchant, World, change_price

AT = datetime(2031, 1, 1, tzinfo=UTC)
PLUS_TEN = Markup(percent_e4=100_000)
CARD_E4 = 985_000


async def family(world: World) -> tuple[Merchant, Merchant, Merchant]:
    """An agent that adds 10 %, one below it that adds 1 yuan, and its buyer."""
    top, low = await world.agents(0, 1)
    buyer = await world.merchant(parent=low, level=3)
    await pricing.set_markup(world.db, Template(top.org_id, "all", "", -1, PLUS_TEN))
    await pricing.set_markup(world.db, Template(low.org_id, "all", "", -1, Markup(10_000)))
    return top, low, buyer


async def feed(
    world: World, buyer: Merchant, *above: Merchant, limit: int = 50, before_id: int = 1 << 62
) -> telling.Page:
    chain = tuple((agent.org_id, 0) for agent in above)
    organisation = buyer.caller.organisation
    who = Buyer(organisation.org_id, organisation.level, chain)
    return await pricing.list_moves_below(world.db, who, before_id=before_id, limit=limit)


def shown(page: telling.Page) -> list[tuple[str, int | None, int | None]]:
    return [(move.why, move.before_e4, move.after_e4) for move in page.moves]


def resold(price_e4: int) -> int:
    return price_e4 * 11 // 10 + 10_000


async def test_he_sees_his_own_price_and_no_cost_of_those_above(world: World) -> None:
    top, low, buyer = await family(world)
    card = world.card.sku_id
    before = len((await feed(world, buyer, top, low)).moves)
    assert before == 8  # two templates for all, four SKUs
    await change_price(world, world.card, 1_000_000)
    await pricing.set_level_prices(world.db, [(card, 0, 900_000), (card, 3, 100)])  # his own level is his agent's
    await pricing.set_named_price(world.db, card, buyer.org_id, 950_000, seller_id=low.org_id)
    await pricing.set_named_price(world.db, card, top.org_id, 800_000)  # moves what nobody below pays now
    await pricing.remove_price(world.db, "named", card, buyer.org_id)
    await pricing.set_bound(world.db, top.org_id, card, Bound(1_000_000, None))
    await pricing.set_markup(world.db, Template(top.org_id, "sku", str(card), -1, Markup(percent_e4=300_000)))
    page = await feed(world, buyer, top, low)
    assert shown(page)[:-before] == [
        ("seller", 1_000_000, 1_050_000), ("seller", resold(800_000), 1_000_000),
        ("named", 950_000, resold(800_000)), ("named", resold(900_000), 950_000),
        ("seller", resold(1_000_000), resold(900_000)), ("seller", resold(CARD_E4), resold(1_000_000)),
    ]  # fmt: skip
    assert {move.why for move in page.moves} == {"seller", "named"}
    own = await feed(world, low, top)
    assert shown(own)[0] == ("seller", 880_000, 1_040_000)


async def test_pages_follow_each_other(world: World) -> None:
    top, low, buyer = await family(world)
    for n in range(5):
        await change_price(world, world.card, 1_000_000 + n)
    whole = (await feed(world, buyer, top, low)).moves
    first = await feed(world, buyer, top, low, limit=3)
    assert first.next_id is not None
    rest = await feed(world, buyer, top, low, before_id=first.next_id)
    assert first.moves + rest.moves == whole
    assert rest.next_id is None


async def test_listeners_are_told_chunk_by_chunk(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "CHUNK_LISTENERS", 2)
    top, low, buyer = await family(world)
    others = [await world.merchant(parent=low, lane=buyer.lane) for _ in range(4)]
    deaf = await world.merchant(parent=low, lane=buyer.lane)
    for merchant in (buyer, *others):
        await identity.set_organisation(world.db, merchant.org_id, wants_events=True)
    await pricing.set_named_price(world.db, world.card.sku_id, others[0].org_id, 1_000_000, seller_id=low.org_id)
    await tell(world)
    await work(world)
    assert await world.scalar("SELECT count(*) FROM event WHERE kind = 'price.changed'") == 0  # nothing of the past
    await change_price(world, world.card, 1_000_000)
    assert await tell(world) == 0
    assert await world.scalar("SELECT count(*) FROM job") == 1
    assert await world.scalar("SELECT count(*) FROM event WHERE kind = 'price.changed'") == 0
    await work(world)
    rows = await world.rows("SELECT org_id, data FROM event WHERE kind = 'price.changed' ORDER BY org_id")
    said = {str(world.card.sku_id): {"before": "109.3500", "after": "111.0000"}}
    told = sorted(one.org_id for one in (buyer, others[1], others[2], others[3]))
    assert [(row["org_id"], row["data"]["skus"]) for row in rows] == [(org_id, said) for org_id in told]
    assert deaf.org_id not in told
    assert str(top.org_id) not in str(rows)
    assert await world.scalar("SELECT count(*) FROM job") == 0
    await work(world)
    await tell(world)
    assert await world.scalar("SELECT count(*) FROM event WHERE kind = 'price.changed'") == 4
    await world.assert_clean()


PRICE = st.none() | st.integers(1, 9)
KINDS = (
    "list", "floor", "ceiling", "level:2", "named:10", "named:20", "named:30", "floor:0", "ceiling:0", "floor:10",
    "ceiling:10", "markup:10:all::-1", "markup:20:sku:1:-1", "markup:20:brand:a:b:3",
)  # fmt: skip
CHAIN = ((10, 2), (20, 0))


class _Prices:
    """Prices as they stand, set one by one."""

    def __init__(self, list_price_e4: int) -> None:
        self.sku = make_sku(sku_id=1, list_price_e4=list_price_e4, cost_e4=1, brand="a:b")
        self.levels: dict[tuple[int, int], int] = {}
        self.named: dict[tuple[int, int], tuple[int, int]] = {}
        self.templates: dict[int, dict[tuple[str, str, int], Markup]] = {}
        self.bounds: dict[tuple[int, int], Bound] = {}

    def price_e4(self) -> int:
        top = {key: price for key, (seller, price) in self.named.items() if seller == 0}
        below = {key: value for key, value in self.named.items() if value[0]}
        agents = AgentPrices(below, self.templates, self.bounds)
        book = PriceBook(1, self.levels, top, {}, agents)
        return book.quote(self.sku, org_id=30, level=3, quantity=1, chain=CHAIN).unit_price_e4

    def set(self, what: str, value: int | None) -> tuple[Any, Any]:
        """Put it in place; what the log has of it: the price, and the template, from before."""
        kind, _, who = what.partition(":")
        if kind == "markup":
            agent_id, scope, rest = who.split(":", 2)
            which, _, level = rest.rpartition(":")
            place = (scope, which, int(level))
            templates = self.templates.setdefault(int(agent_id), {})
            old = templates.pop(place, None)
            if value is not None:
                templates[place] = Markup(value)
            return None, None if old is None else msgspec.to_builtins(old)
        if kind in ("list", "floor", "ceiling") and not who:
            field = "list_price_e4" if kind == "list" else f"{kind}_e4"
            before = getattr(self.sku, field)
            self.sku = msgspec.structs.replace(self.sku, revision=self.sku.revision + 1, **{field: value})
            return before, None
        if kind in ("floor", "ceiling"):
            bound = self.bounds.pop((int(who), 1), Bound(None, None))
            new = msgspec.structs.replace(bound, **{f"{kind}_e4": value})
            if new != Bound(None, None):
                self.bounds[int(who), 1] = new
            return getattr(bound, f"{kind}_e4"), None
        if kind == "level":
            old_e4 = self.levels.pop((1, 2), None)
            if value is not None:
                self.levels[1, 2] = value
            return old_e4, None
        seller = {10: 0, 20: 10, 30: 20}[int(who)]
        named = self.named.pop((1, int(who)), None)
        if value is not None:
            self.named[1, int(who)] = (seller, value)
        return None if named is None else named[1], None


@given(st.lists(st.tuples(st.sampled_from(KINDS), PRICE), max_size=14), st.integers(1, 9))
def test_moves_are_what_the_price_book_says_before_and_after(
    steps: list[tuple[str, int | None]], list_price_e4: int
) -> None:
    prices, log, wanted = _Prices(list_price_e4), [], []
    for number, (what, value) in enumerate(steps):
        if what == "list" and value is None:
            continue
        before_e4 = prices.price_e4()
        old_e4, before = prices.set(what, value)
        sku_id = 0 if what.startswith("markup:") and ":sku:" not in what else 1
        log.append(Logged(number, AT, sku_id, what, old_e4, value, before))
        if prices.price_e4() != before_e4:
            wanted.append((number, before_e4, prices.price_e4()))
    sku = prices.sku
    sold = Sold(1, sku.brand, sku.scene, sku.list_price_e4, sku.floor_e4, sku.ceiling_e4)
    market = Market({1: sold}, prices.levels, prices.named, prices.templates, prices.bounds)
    buyer = Buyer(30, 3, CHAIN)
    assert all(buyer.is_concerned(what) for what in KINDS)
    found, rest = moves_below(reversed(log), market, buyer)
    assert [(move.change_id, move.before_e4, move.after_e4) for move in reversed(found)] == wanted
    assert rest is None


def test_what_concerns_others_does_not_concern_him() -> None:
    buyer = Buyer(30, 3, CHAIN)
    others = ("cost", "level:3", "named:31", "floor:20", "ceiling:30", "markup:30:all::-1", "tier:10")
    assert not any(buyer.is_concerned(what) for what in others)
