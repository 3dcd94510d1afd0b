"""Everybody's orders, for the staff: over all lanes, by a part of their number, counted without counting all."""

from __future__ import annotations

import pytest

from kameng import orders
from kameng.kit import clock, ids
from kameng.orders import Asked, By, Overseen, ShownOrder
from kameng.orders import overseeing as verbs
from kameng.orders.model import Command
from laws.lives import ask, ordered
from laws.world import World, placed

CARD_E4 = 985_000


async def bought(world: World, count: int) -> list[ShownOrder]:
    """Orders of two merchants in two lanes, turn by turn; oldest first."""
    merchants = [await world.merchant(lane=lane) for lane in (0, 1)]
    await world.load(world.card, 2 * count)
    async with world.gateway() as gateway:
        answers = [await gateway.place(merchants[n % 2].caller, f"ref-{n}", world.card) for n in range(count)]
    return placed(answers)


def numbers(found: list[Overseen]) -> list[int]:
    return [one.order_id for one in found]


async def test_all_lanes_newest_first_page_by_page(world: World) -> None:
    wanted = [order.order_id for order in await bought(world, 7)][::-1]
    seen: list[int] = []
    before_id = (1 << 63) - 1
    while True:
        page = await orders.oversee(world.db, Asked(before_id=before_id), limit=3)
        seen += numbers(page.orders)
        if page.next_id is None:
            break
        before_id = page.next_id
    assert seen == wanted
    assert len(page.orders) == 1


async def test_a_narrow_look_stops_and_goes_on_without_missing_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await bought(world, 8)
    rare = made[1]
    await ask(world, rare.order_id, Command.refund, by=By.staff)
    monkeypatch.setattr(verbs, "WINDOW", 2)
    asked, seen, pages = Asked(states=("refunded",)), [], 0
    while True:
        page = await orders.oversee(world.db, asked, limit=5)
        seen += numbers(page.orders)
        pages += 1
        if page.next_id is None:
            break
        assert page.looked_to is not None
        asked = Asked(states=("refunded",), before_id=page.next_id)
    assert seen == [rare.order_id]
    assert pages > 1


async def test_filters_of_buyer_goods_amount_and_time(world: World) -> None:
    made = await bought(world, 4)
    first = made[0]

    async def found(**wanted: int) -> list[int]:
        return numbers((await orders.oversee(world.db, Asked(**wanted))).orders)  # type: ignore[arg-type]

    buyer = (await orders.oversee_these(world.db, [first.order_id]))[0].org_id
    assert await found(org_id=buyer) == [made[2].order_id, first.order_id]
    assert await found(sku_id=world.card.sku_id, from_id=made[2].order_id) == [made[3].order_id, made[2].order_id]
    assert await found(sku_id=world.phone.sku_id) == []
    assert await found(least_e4=CARD_E4 + 1) == []
    assert len(await found(least_e4=CARD_E4, most_e4=CARD_E4)) == 4


async def test_unfinished_ones_come_by_their_state_and_are_counted(world: World) -> None:
    merchant = await world.merchant(lane=1)
    async with world.gateway() as gateway:
        waits = await ordered(gateway, merchant, world.phone)
    await bought(world, 2)
    page = await orders.oversee(world.db, Asked(states=("fulfilling",)))
    assert numbers(page.orders) == [waits.order_id]
    assert await orders.count_unfinished(world.db, ["fulfilling", "held"]) == {"fulfilling": 1, "held": 0}
    before = await orders.count_unfinished(world.db, ["fulfilling"], before_id=waits.order_id)
    assert before == {"fulfilling": 0}
    await ask(world, waits.order_id, Command.deliver)
    assert await orders.count_unfinished(world.db, ["fulfilling"]) == {"fulfilling": 0}


@pytest.mark.parametrize("cut", [slice(-4, None), slice(-6, None), slice(-9, None), slice(0, 15), slice(None)])
async def test_a_part_of_the_number_finds_it(world: World, cut: slice) -> None:
    made = await bought(world, 3)
    for order in made:
        assert order.order_id in numbers(await orders.find_by_fragment(world.db, str(order.order_id)[cut]))


async def test_what_is_too_short_or_no_number_finds_nothing(world: World) -> None:
    (order, *_) = await bought(world, 1)
    for text in (str(order.order_id)[-3:], "12a456", "", "１２３４５６", "9" * 20):
        assert await orders.find_by_fragment(world.db, text) == []
    assert await orders.find_by_fragment(world.db, f"{(order.order_id + 1) % 10**6:06d}") == []


async def test_a_reference_finds_every_buyers_own(world: World) -> None:
    made = await bought(world, 2)
    owners = [one.org_id for one in await orders.oversee_these(world.db, [order.order_id for order in made])]
    assert numbers(await orders.find_by_reference(world.db, "ref-0", owners)) == [made[0].order_id]
    assert await orders.find_by_reference(world.db, "ref-9", owners) == []


async def test_tallies_count_each_order_once(world: World) -> None:
    made = await bought(world, 5)
    since = made[0].placed_at.replace(minute=0, second=0, microsecond=0)
    assert await orders.tallies(world.db, since) == []
    for _ in range(2):
        for lane in (0, 1):
            await orders.add_up(world.db, lane, now_ms=clock.now_ms())
    found = await orders.tallies(world.db, since)
    assert sum(one.orders for one in found) == 5
    assert sum(one.amount_e4 for one in found) == 5 * CARD_E4
    more = await bought(world, 1)
    await orders.add_up(world.db, ids.lane_of(more[0].order_id), now_ms=clock.now_ms())
    assert sum(one.orders for one in await orders.tallies(world.db, since)) == 6


async def test_outcomes_tell_what_came_and_how_long_it_took(world: World) -> None:
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        came, failed = [await ordered(gateway, merchant, world.phone) for _ in range(2)]
    await ask(world, came.order_id, Command.deliver)
    await ask(world, failed.order_id, Command.fail)
    found = await orders.latest_outcomes(world.db)
    assert (found.looked_at, found.delivered, found.failed) == (2, 1, 1)
    assert found.success == 0.5
    assert found.median_ms is not None
