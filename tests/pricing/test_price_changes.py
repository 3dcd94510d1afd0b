"""调价记录: each buyer sees what moved his own price, and is told once for each publication."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from kameng import catalogue, identity, pricing
from kameng.kit.working import Worker
from kameng.pricing import Logged, PriceBook, SkuPrices, moves_of
from laws.goods import make_sku
from laws.world import Merchant, World, change_price

AT = datetime(2031, 1, 1, tzinfo=UTC)


async def feed(world: World, merchant: Merchant, *, limit: int = 50, before_id: int = 1 << 62) -> pricing.telling.Page:
    organisation = merchant.caller.organisation
    return await pricing.list_moves(
        world.db, org_id=organisation.org_id, level=organisation.level, before_id=before_id, limit=limit
    )


def shown(page: pricing.telling.Page) -> list[tuple[str, int | None, int | None]]:
    return [(move.why, move.before_e4, move.after_e4) for move in page.moves]


async def _set_prices(world: World, named: Merchant) -> None:
    sku_id = world.card.sku_id
    await change_price(world, world.card, 990_000)
    await pricing.set_level_prices(world.db, [(sku_id, 2, 970_000), (sku_id, 3, 960_000)])
    await pricing.set_named_price(world.db, sku_id, named.org_id, 955_000)
    await change_price(world, world.card, 1_000_000)  # only for who has no other price
    await catalogue.set_sku(world.db, sku_id, {"cost_e4": 900_000})  # nobody's business
    await catalogue.set_sku(world.db, sku_id, {"floor_e4": 965_000})
    await pricing.remove_price(world.db, "level", sku_id, 2)
    await pricing.set_tier(world.db, sku_id, 10, 50)


async def test_a_buyer_sees_what_moved_his_own_price(world: World) -> None:
    plain, second, named = [await world.merchant(level=level) for level in (0, 2, 2)]
    await _set_prices(world, named)
    assert shown(await feed(world, plain)) == [
        ("tier:10", None, 50), ("list", 990_000, 1_000_000), ("list", 985_000, 990_000)
    ]  # fmt: skip
    assert shown(await feed(world, second)) == [
        ("tier:10", None, 50), ("level", 970_000, 1_000_000), ("level", 990_000, 970_000), ("list", 985_000, 990_000)
    ]  # fmt: skip
    assert shown(await feed(world, named)) == [
        ("floor", 955_000, 965_000), ("named", 970_000, 955_000), ("level", 990_000, 970_000),
        ("list", 985_000, 990_000),
    ]  # fmt: skip


async def test_pages_follow_each_other(world: World) -> None:
    second, named = [await world.merchant(level=2) for _ in range(2)]
    await _set_prices(world, named)
    whole = (await feed(world, second)).moves
    first = await feed(world, second, limit=3)
    rest = await feed(world, second, limit=3, before_id=first.next_id or 0)
    assert first.moves + rest.moves == whole
    assert rest.next_id is None


async def tell(world: World) -> int:
    return sum([await pricing.tell_price_changes(world.db, lane) for lane in world.lanes])


async def test_who_listens_is_told_once_for_each_publication(world: World) -> None:
    plain, named, deaf = [await world.merchant(level=2) for _ in range(3)]
    for merchant in (plain, named):
        await identity.set_organisation(world.db, merchant.org_id, wants_events=True)
    await _set_prices(world, deaf)
    assert await tell(world) == 0  # a lane that never looked is told nothing of the past
    await pricing.set_named_price(world.db, world.card.sku_id, named.org_id, 980_000)
    await change_price(world, world.half_card, 500_000)
    await change_price(world, world.half_card, 510_000)
    assert await tell(world) == 2
    assert await tell(world) == 0
    await catalogue.set_sku(world.db, world.card.sku_id, {"cost_e4": 800_000})
    assert await tell(world) == 0
    rows = await world.rows("SELECT org_id, due, data FROM event WHERE kind = 'price.changed' ORDER BY org_id")
    half = {str(world.half_card.sku_id): {"before": "49.0000", "after": "51.0000"}}
    card = {str(world.card.sku_id): {"before": "100.0000", "after": "98.0000"}}
    assert [(row["org_id"], row["due"], row["data"]["skus"]) for row in rows] == [
        (plain.org_id, True, half), (named.org_id, True, half | card)
    ]  # fmt: skip
    await pricing.remove_price(world.db, "named", world.card.sku_id, named.org_id)
    assert await tell(world) == 1
    agent = (await world.agents(0))[0]
    await world.db.pool.execute("UPDATE organisation SET parent_id = $1 WHERE org_id = $2", agent.org_id, named.org_id)
    await pricing.set_named_price(world.db, world.card.sku_id, named.org_id, 970_000)
    assert await tell(world) == 0  # what his agent asks did not move
    assert await work(world) == 1
    assert await world.scalar("SELECT count(*) FROM event WHERE kind = 'price.changed'") == 3
    await world.assert_clean()


async def work(world: World) -> int:
    """The worker's turns, of pricing."""
    worker = Worker(world.db, pricing.handlers(world.db), lanes=world.lanes)
    done = 0
    while turn := await worker.work_once():
        done += turn
    return done


PRICE = st.none() | st.integers(1, 9)
KINDS = ("list", "floor", "ceiling", "level:1", "named:5")


@given(st.lists(st.tuples(st.sampled_from(KINDS), PRICE), max_size=12), st.integers(1, 9))
def test_moves_are_what_the_price_book_says_before_and_after(
    steps: list[tuple[str, int | None]], list_price_e4: int
) -> None:
    sku = make_sku(sku_id=1, list_price_e4=list_price_e4, cost_e4=1)
    level: dict[tuple[int, int], int] = {}
    named: dict[tuple[int, int], int] = {}
    log, wanted = [], []

    def price() -> int:
        return PriceBook(1, level, named, {}).quote(sku, org_id=5, level=1, quantity=1).unit_price_e4

    for number, (what, value) in enumerate(steps):
        before_e4 = price()
        if what in ("list", "floor", "ceiling"):
            if what == "list" and value is None:
                continue
            field = "list_price_e4" if what == "list" else f"{what}_e4"
            old = getattr(sku, field)
            sku = msgspec.structs.replace(sku, revision=sku.revision + 1, **{field: value})
        else:
            place = level if what == "level:1" else named
            key = (1, 1) if what == "level:1" else (1, 5)
            old = place.pop(key, None)
            if value is not None:
                place[key] = value
        log.append(Logged(number, AT, 1, what, old, value))
        if price() != before_e4:
            wanted.append((number, before_e4, price()))
    now = SkuPrices(sku.list_price_e4, sku.floor_e4, sku.ceiling_e4, level.get((1, 1)), named.get((1, 5)))
    found = moves_of(reversed(log), {1: now})
    assert [(move.change_id, move.before_e4, move.after_e4) for move in reversed(found)] == wanted
