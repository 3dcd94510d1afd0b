"""Bundles placed: all parts or none, in the transaction of the money; from several lanes, by several gateways, below
agents."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from kameng import catalogue, orders, pricing
from kameng.catalogue import Sku
from kameng.kit import clock
from kameng.orders import Answer, OrderBody, Refused, ShownOrder
from kameng.orders.model import Command
from kameng.pricing import Markup, Template
from laws.bundles import PRICE_E4, bundle_of, by_hand, gift, part
from laws.lives import ask, cards, code, houses, story, waits_for, wallet
from laws.world import MONEY_E4, PHONE, Gateway, Merchant, World, cards_of, codes, together


async def part_rows(world: World, order_id: int) -> list[tuple[Any, ...]]:
    """(state, pieces, worth, number of cards) each."""
    rows = await world.rows(
        "SELECT state, quantity, worth_e4, cardinality(card_ids) FROM order_part WHERE order_id = $1 ORDER BY part_no",
        order_id,
    )
    return [tuple(row) for row in rows]


async def place(gateway: Gateway, merchant: Merchant, sku: Sku, ref: str = "a", quantity: int = 1) -> Answer:
    return await gateway.place(merchant.caller, ref, sku, quantity)


async def ordered(gateway: Gateway, merchant: Merchant, sku: Sku, ref: str = "a", quantity: int = 1) -> ShownOrder:
    answer = await place(gateway, merchant, sku, ref, quantity)
    assert isinstance(answer, ShownOrder), answer
    return answer


def secrets(shown: ShownOrder) -> list[list[bytes | None]]:
    return [[card.text for card in one.cards] for one in shown.parts]


async def test_a_bundle_from_stock_comes_whole_in_its_answer(world: World) -> None:
    for sku in (world.card, world.half_card, world.link):
        await world.load(sku, 10)
    bundle = await bundle_of(world, part(world.card, 1, 3333), part(world.half_card, 2, 6667), gift(world.link))
    merchant = await world.merchant()
    async with world.gateway() as gateway:
        shown = await ordered(gateway, merchant, bundle, quantity=2)
        again = await ordered(gateway, merchant, bundle, quantity=2)
        revealed = await orders.reveal(gateway.snapshot, merchant.caller, shown.order_id)
        (found,) = await orders.find(gateway.snapshot, merchant.caller, [shown.order_id])
    assert (shown.state, shown.total_e4, shown.sku_id) == ("delivered", 2 * PRICE_E4, bundle.sku_id)
    assert [(one.part_no, one.sku_id, one.quantity, one.worth_e4, one.state) for one in shown.parts] == [
        (1, world.card.sku_id, 2, 999_900, "delivered"), (2, world.half_card.sku_id, 4, 2_000_100, "delivered"),
        (3, world.link.sku_id, 2, 0, "delivered"),
    ]  # fmt: skip
    assert [len(one.cards) for one in shown.parts] == [2, 4, 2]
    assert [card.text for card in shown.cards] == [text for texts in secrets(shown) for text in texts]
    assert len({card.text for card in shown.cards} - {None}) == 8
    assert (again.replayed, secrets(again), secrets(revealed)) == (True, secrets(shown), secrets(shown))
    assert [(one.state, one.cards) for one in found.parts] == [("delivered", ())] * 3
    sold = await world.rows("SELECT sku_id, count(*) FROM card WHERE state = 'sold' GROUP BY sku_id ORDER BY sku_id")
    assert [tuple(row) for row in sold] == [
        (world.card.sku_id, 2), (world.half_card.sku_id, 4), (world.link.sku_id, 2)
    ]  # fmt: skip
    assert await waits_for(world, shown.order_id) == []
    assert await houses(world) == {"clearing": -MONEY_E4, "sales": 2 * PRICE_E4}
    assert await world.scalar("SELECT cost_e4 FROM orders") == 2 * (950_000 + 2 * 470_000 + 250_000)
    data = await world.scalar("SELECT data FROM event WHERE subject_id = $1", shown.order_id)
    assert [(one["part_no"], one["state"], one["worth"]) for one in data["parts"]] == [
        (1, "delivered", "99.9900"), (2, "delivered", "200.0100"), (3, "delivered", "0.0000")
    ]  # fmt: skip
    await world.assert_clean()


async def test_what_comes_from_stock_is_handed_over_and_the_rest_is_waited_for(world: World) -> None:
    service, _ = await by_hand(world)
    await world.load(world.card, 3)
    bundle = await bundle_of(world, part(service, 1, 2000), part(world.card, 1, 5000), part(world.phone, 1, 3000))
    merchant = await world.merchant()
    async with world.gateway() as gateway:
        shown = await ordered(gateway, merchant, bundle)
        revealed = await orders.reveal(gateway.snapshot, merchant.caller, shown.order_id)
    assert (shown.state, len(shown.cards)) == ("fulfilling", 1)
    assert secrets(shown) == secrets(revealed) == [[], [shown.cards[0].text], []]
    assert await part_rows(world, shown.order_id) == [
        ("waiting", 1, 300_000, 0), ("delivered", 1, 750_000, 1), ("waiting", 1, 450_000, 0)
    ]  # fmt: skip
    jobs = await world.rows("SELECT kind, payload FROM job WHERE subject_id = $1 ORDER BY kind", shown.order_id)
    assert [tuple(job) for job in jobs] == [
        ("fulfilment.manual", {"part_no": 1}), ("fulfilment.topup", {"part_no": 3})
    ]  # fmt: skip
    assert await houses(world) == {"clearing": -MONEY_E4, "escrow": PRICE_E4}
    await world.assert_clean()


async def test_one_part_sold_out_and_nothing_is_taken(world: World) -> None:
    await world.load(world.card, 5)
    await world.load(world.half_card, 1)
    bundle = await bundle_of(world, part(world.card), part(world.half_card), gift(world.half_card))
    merchant = await world.merchant()
    before = await cards(world)
    async with world.gateway() as gateway:
        refused = [await place(gateway, merchant, bundle, ref) for ref in "ab"]
        assert codes(refused) == {"sold_out": 2}
        assert [answer.field for answer in refused if isinstance(answer, Refused)] == ["sku"] * 2
        assert (await cards(world), await wallet(world, merchant)) == (before, MONEY_E4)
        assert await world.scalar("SELECT count(*) FROM order_part") == 0
        await world.load(world.half_card, 1)
        assert codes([await place(gateway, merchant, bundle, "b")]) == {"placed": 1}
    await world.assert_clean()


async def test_every_part_is_stolen_from_where_it_lies(world: World) -> None:
    await world.load(world.card, 4, lane=1)
    await world.load(world.half_card, 4, lane=1)
    await world.load(world.link, 4, lane=0)
    bundle = await bundle_of(world, part(world.link), part(world.card), part(world.half_card))
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        answers = await together(*(place(gateway, merchant, bundle, f"r{n}") for n in range(6)))
        skus = enumerate((bundle, world.phone))
        group = [await gateway.wish(merchant.caller, f"g{n}", sku, group=1) for n, sku in skus]
        answers += await gateway.place_many(group)
    assert codes(answers) == {"placed": 4, "sold_out": 3, "group_refused": 1}
    assert await cards(world) == {"sold": 12}
    await world.assert_clean()


async def test_a_group_gets_the_cards_of_its_bundles_or_nothing(world: World) -> None:
    await world.load(world.card, 3, lane=1)
    await world.load(world.half_card, 2, lane=1)
    bundle = await bundle_of(world, part(world.card), part(world.half_card))
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:

        async def group(number: int, *skus: Sku) -> dict[str, int]:
            wishes = [
                await gateway.wish(merchant.caller, f"{number}-{n}", sku, group=number) for n, sku in enumerate(skus)
            ]
            return codes(await gateway.place_many(wishes))

        assert await group(1, bundle, world.phone, world.card) == {"placed": 3}
        assert await group(2, bundle, world.phone, world.card) == {"sold_out": 1, "group_refused": 2}
        assert await group(3, bundle, world.phone) == {"placed": 2}
    assert await cards(world) == {"sold": 5}
    await world.assert_clean()


async def test_fifty_buyers_at_two_gateways_share_what_there_is(world: World) -> None:
    for sku, count in ((world.card, 25), (world.half_card, 20), (world.link, 15)):
        await world.load(sku, count, lane=0)
    bundle = await bundle_of(world, part(world.card, 2), part(world.half_card), gift(world.link))
    merchants = [await world.merchant(lane=0) for _ in range(5)]
    async with world.gateway() as one, world.gateway() as two:
        answers = await together(
            *(place((one, two)[n % 2], merchants[n % 5], bundle, f"r{n}") for n in range(50)),
        )
    assert codes(answers) == {"placed": 12, "sold_out": 38}
    texts = cards_of(answers)
    assert len(texts) == len(set(texts)) == 12 * 4
    assert await cards(world) == {"sold": 48, "on_shelf": 12}
    await world.assert_clean()


async def test_an_order_pays_what_its_parts_cost_now(world: World) -> None:
    await world.load(world.card, 5)
    await world.load(world.link, 5)
    bundle = await bundle_of(world, part(world.card), part(world.link), discount_percent_e4=30_000)
    merchant, named = await world.merchant(), await world.merchant()
    async with world.gateway() as gateway:
        first = await ordered(gateway, merchant, bundle)
        await catalogue.set_sku(world.db, world.link.sku_id, {"list_price_e4": 290_000})
        second = await ordered(gateway, merchant, bundle, "b")
        await pricing.set_named_price(world.db, bundle.sku_id, named.org_id, 1_200_001)
        third = await ordered(gateway, named, bundle)
        await catalogue.set_sku(world.db, world.card.sku_id, {"cost_e4": 990_000})
        refused = await place(gateway, merchant, bundle, "c")
        await catalogue.set_sku(world.db, world.link.sku_id, {"state": "paused"})
        gone = await place(gateway, merchant, bundle, "d")
    assert [shown.total_e4 for shown in (first, second, third)] == [1_227_100, 1_236_800, 1_200_001]
    assert [sum(one.worth_e4 for one in shown.parts) for shown in (first, second, third)] == [
        1_227_100, 1_236_800, 1_200_001
    ]  # fmt: skip
    assert third.parts[0].worth_e4 == 1_200_001 * bundle.parts[0].share_e4 // 10_000
    assert codes([refused, gone]) == {"below_cost": 1, "not_on_sale": 1}
    revisions = await world.rows("SELECT sku_revision FROM orders ORDER BY order_id")
    assert [row[0] for row in revisions] == [bundle.revision, bundle.revision + 1, bundle.revision + 1]
    await world.assert_clean()


async def test_four_levels_of_agents_keep_their_part_of_what_came(world: World) -> None:
    """What failed goes back out of every level's margin, rounded at its borders; all together to the last unit."""
    service, _ = await by_hand(world)
    await world.load(world.card, 3)
    bundle = await bundle_of(world, part(world.card, 1, 6667), part(service, 1, 3333))
    agents = await world.agents(0, 1, 0, 1)
    for agent, amount_e4 in zip(agents, (10_000, 333, 77, 20_001), strict=True):
        await pricing.set_markup(world.db, Template(agent.org_id, "all", "", -1, Markup(amount_e4)))
    buyer = await world.merchant(lane=0, parent=agents[-1])
    async with world.gateway() as gateway:
        shown = await ordered(gateway, buyer, bundle)
    total_e4 = PRICE_E4 + 10_000 + 333 + 77 + 20_001
    came_e4 = total_e4 * 6667 // 10_000
    assert [one.worth_e4 for one in shown.parts] == [came_e4, total_e4 - came_e4]
    assert (await houses(world))["escrow"] == total_e4
    outcome = await ask(world, shown.order_id, Command.fail_part, part_no=2, reason="no time")
    assert code(outcome) == "settled"
    rows = await world.rows("SELECT org_id, posted_e4 FROM account WHERE code = 'sub_account'")
    earned = {row[0]: row[1] for row in rows}
    borders = [PRICE_E4, PRICE_E4 + 10_000, PRICE_E4 + 10_333, PRICE_E4 + 10_410, total_e4]
    back = [border * (total_e4 - came_e4) // total_e4 for border in borders]
    left = [border - gone for border, gone in zip(borders, back, strict=True)]
    assert [earned[agent.org_id] for agent in agents] == [after - before for before, after in pairwise(left)]
    assert await houses(world) == {"clearing": -MONEY_E4, "sales": left[0]}
    assert left[0] + sum(earned.values()) == came_e4
    assert await wallet(world, buyer) == MONEY_E4 - came_e4
    assert await story(world, shown.order_id) == [
        "order.fulfilling", "order.part_failed", "order.partly_delivered", "order.settled"
    ]  # fmt: skip
    await world.assert_clean()


async def test_a_sandbox_plays_its_parts(world: World) -> None:
    service, _ = await by_hand(world)
    whole = await bundle_of(world, part(world.card, 2), gift(world.link))
    mixed = await bundle_of(world, part(world.card), part(service))
    merchant = await world.merchant()
    async with world.gateway() as gateway:
        shown = await gateway.place(merchant.sandbox, "a", whole)
        again = await gateway.place(merchant.sandbox, "a", whole)
        later = await gateway.place(merchant.sandbox, "b", mixed)
    assert isinstance(shown, ShownOrder)
    assert isinstance(again, ShownOrder)
    assert isinstance(later, ShownOrder)
    assert [len(one.cards) for one in shown.parts] == [2, 1]
    assert all(b"SANDBOX" in (card.text or b"") for card in shown.cards)
    assert (secrets(again), len({card.text for card in shown.cards})) == (secrets(shown), 3)
    assert (later.state, [len(one.cards) for one in later.parts]) == ("fulfilling", [1, 0])
    assert await world.scalar("SELECT count(*) FROM card") == 0
    await world.assert_clean()


async def test_the_account_is_that_of_all_parts_and_a_top_up_counts_as_one(world: World) -> None:
    """Thirty top-ups of a number an hour: a bundle is one of them."""
    bundle = await bundle_of(world, part(world.phone))
    merchant = await world.merchant()
    async with world.gateway() as gateway:
        answers = await together(*(place(gateway, merchant, bundle, f"b{n}") for n in range(20)))
        answers += await together(*(place(gateway, merchant, world.phone, f"p{n}") for n in range(20)))
        with pytest.raises(orders.BadAccount) as refused:
            orders.wish_from(gateway.snapshot, merchant.caller, OrderBody("x", str(bundle.sku_id)))
        assert refused.value.field == "account.phone"
        found = await orders.find_by_target(gateway.snapshot, merchant.caller, PHONE, limit=100)
    assert codes(answers) == {"placed": 30, "velocity_exceeded": 10}
    assert Counter(len(one.parts) for one in found.orders) == {1: 20, 0: 10}


async def test_an_older_revision_says_what_was_bought(world: World) -> None:
    """Parts are those of the order's revision, whatever the bundle is made of since."""
    service, _ = await by_hand(world)
    await world.load(world.card, 2)
    bundle = await bundle_of(world, part(world.card, 1, 5000), part(service, 1, 5000))
    merchant = await world.merchant()
    async with world.gateway() as gateway:
        shown = await ordered(gateway, merchant, bundle)
        await catalogue.set_parts(world.db, bundle.sku_id, [part(world.link)])
        (found,) = await orders.find(gateway.snapshot, merchant.caller, [shown.order_id])
        assert [one.sku_id for one in found.parts] == [world.card.sku_id, service.sku_id]
        assert code(await ask(world, shown.order_id, Command.deliver_part, part_no=2)) == "delivered"
        listed = await orders.list_orders(gateway.snapshot, merchant.caller)
    assert [[one.state for one in order.parts] for order in listed.orders] == [["delivered", "delivered"]]
    await world.assert_clean()


async def test_archived_bundles_are_whole(world: World) -> None:
    await world.load(world.card, 2)
    bundle = await bundle_of(world, part(world.card), gift(world.card))
    merchant = await world.merchant()
    async with world.gateway() as gateway:
        shown = await ordered(gateway, merchant, bundle)
        with clock.hold(clock.now_ms() + 99 * 86_400_000):
            assert await orders.archive(world.db, merchant.lane, clock.now() - timedelta(days=40)) == 1
        (found,) = await orders.find(gateway.snapshot, merchant.caller, [shown.order_id])
        assert [one.state for one in found.parts] == ["delivered"] * 2
        await world.assert_clean()
        assert code(await ask(world, shown.order_id, Command.refund)) == "refunded"
    assert [row[0] for row in await part_rows(world, shown.order_id)] == ["refunded"] * 2
    await world.assert_clean()
