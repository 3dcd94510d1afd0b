"""Prices, keys and organisations that change while orders stream: each order is decided by one state of things."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from kameng import catalogue, identity, pricing, risk
from kameng.identity import Scope
from kameng.kit import clock
from laws.world import World, change_price, codes, placed, together


async def test_every_order_has_a_price_of_before_or_after(world: World) -> None:
    """List price and level price change in turns: (985000, 970000) → (990000, 980000) → …"""
    await world.load(world.card, 3000)
    merchants = [await world.merchant(lane=lane, level=level) for lane in (0, 1) for level in (0, 1)]
    listed, levelled = [985_000], [985_000]

    async def change() -> None:
        for step in range(1, 16):
            await asyncio.sleep(0.02)
            if step % 2:
                listed.append(985_000 + step)
                await change_price(world, world.card, listed[-1])
            else:
                levelled.append(970_000 + step)
                await pricing.set_level_prices(world.db, [(world.card.sku_id, 1, levelled[-1])])

    async def stream(number: int) -> list[identity.Organisation]:
        merchant, answers = merchants[number % 4], []
        for n in range(40):
            answers.append(await (one, two)[n % 2].place(merchant.caller, f"r{number}-{n}", world.card))
        return answers

    async with world.gateway(batch_max=16) as one, world.gateway(batch_max=16) as two:
        _, *streams = await together(change(), *(stream(number) for number in range(16)))
        last = [
            await gateway.place(merchant.caller, f"last-{name}", world.card)
            for merchant in merchants[:2]
            for name, gateway in (("one", one), ("two", two))
        ]
    orders = [order for answers in streams for order in placed(answers)]
    assert len(orders) == 640
    for order in orders:
        steps = pricing.steps_of(order.trace)
        assert steps[0].unit_price_e4 in listed
        assert order.unit_price_e4 in (levelled if len(steps) > 1 else listed)
    assert [order.unit_price_e4 for order in placed(last)] == [listed[-1], listed[-1], levelled[-1], levelled[-1]]
    await _prices_never_go_back(world)
    await world.assert_clean()


async def _prices_never_go_back(world: World) -> None:
    """In one lane orders are one serial history: prices rise in this test, so they rise along the ids."""
    for lane in (0, 1):
        rows = await world.rows("SELECT trace FROM orders WHERE lane = $1 ORDER BY order_id", lane)
        lists = [pricing.steps_of(row["trace"])[0].unit_price_e4 for row in rows]
        assert lists == sorted(lists)
        levels = [s[1].unit_price_e4 for row in rows if len(s := pricing.steps_of(row["trace"])) > 1]
        assert levels == sorted(levels)


async def test_the_first_order_after_a_change_has_the_new_price(world: World) -> None:
    """No polling: the batch's own read tells."""
    await world.load(world.card, 200)
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        for step in range(1, 30):
            await change_price(world, world.card, 985_000 + step)
            answer = await gateway.place(merchant.caller, f"r{step}", world.card)
            assert placed([answer])[0].unit_price_e4 == 985_000 + step


async def test_max_price_refuses_and_leaves_no_trace(world: World) -> None:
    await world.load(world.card, 5)
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        wish = await gateway.wish(merchant.caller, "a", world.card, max_price="98.5000")
        await change_price(world, world.card, 985_001)
        refused = await gateway.queues.place(wish)
        assert await world.scalar("SELECT count(*) FROM orders") == 0
        await change_price(world, world.card, 985_000)
        accepted = await gateway.queues.place(wish)
    assert codes([refused]) == {"price_changed": 1}
    assert codes([accepted]) == {"placed": 1}
    await world.assert_clean()


async def test_a_repeat_gets_its_order_whatever_changed_since(world: World) -> None:
    await world.load(world.card, 5)
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        first = await gateway.place(merchant.caller, "a", world.card, max_price="98.5000")
        await change_price(world, world.card, 9_999_999)
        paused = msgspec.structs.replace(world.card, state="paused", list_price_e4=9_999_999)
        await catalogue.change_sku(world.db, paused)
        again = await gateway.place(merchant.caller, "a", world.card, max_price="98.5000")
        other = await gateway.place(merchant.caller, "b", world.card)
    assert codes([again]) == {"replayed": 1}
    assert placed([again])[0].cards == placed([first])[0].cards
    assert placed([again])[0].unit_price_e4 == 985_000
    assert codes([other]) == {"not_on_sale": 1}
    await world.assert_clean()


async def test_a_revoked_key_and_a_suspended_organisation_are_refused_from_the_next_batch(world: World) -> None:
    await world.load(world.card, 50)
    merchant, other = await world.merchant(lane=0), await world.merchant(lane=0)
    second_key = await world.key(merchant)
    async with world.gateway() as one, world.gateway() as two:
        wishes = [
            await gateway.wish(buyer.caller, f"x{n}", world.card)
            for n, gateway in enumerate((one, two))
            for buyer in (merchant, other)
        ]
        second = [await g.wish(second_key, f"y{i}", world.card) for i, g in enumerate((one, two))]
        await identity.revoke_key(world.db, merchant.caller.key.key_id)
        await identity.set_organisation(world.db, other.org_id, state="suspended")
        answers = [await g.queues.place(w) for g, w in zip((one, one, two, two), wishes, strict=True)]
        others = [await g.queues.place(w) for g, w in zip((one, two), second, strict=True)]
        await identity.set_organisation(world.db, other.org_id, state="active")
        again = [await one.queues.place(wishes[1])]
    assert codes(answers) == {"key_revoked": 2, "organisation_suspended": 2}
    assert codes(others) == {"placed": 2}
    assert codes(again) == {"placed": 1}
    await world.assert_clean()


async def test_a_rotated_key_works_on_for_its_overlap(world: World) -> None:
    await world.load(world.card, 5)
    merchant = await world.merchant(lane=0)
    now = clock.now_ms()
    async with world.gateway() as gateway:
        with clock.hold(now):
            await identity.rotate_key(world.db, world.ring, merchant.caller.key.key_id, overlap=timedelta(hours=1))
        with clock.hold(now + 3_599_999):
            before = await gateway.place(merchant.caller, "a", world.card)
        with clock.hold(now + 3_600_000):
            after = await gateway.place(merchant.caller, "b", world.card)
    assert codes([before]) == {"placed": 1}
    assert codes([after]) == {"key_revoked": 1}


async def test_a_new_rule_and_a_new_listing_hold_from_the_next_batch(world: World) -> None:
    merchant, other = await world.merchant(lane=0), await world.merchant(lane=0)
    async with world.gateway() as gateway:
        wishes = [await gateway.wish(merchant.caller, f"r{n}", world.phone) for n in range(3)]
        assert codes([await gateway.queues.place(wishes[0])]) == {"placed": 1}
        await risk.set_listing(world.db, "organisation", str(merchant.org_id), "refuse", reason="fraud")
        assert codes([await gateway.queues.place(wishes[1])]) == {"risk_refused": 1}
        await risk.set_rule(world.db, risk.Rule(0, "none at all", "organisation", (), 60, 0, None))
        assert codes([await gateway.place(other.caller, "a", world.phone)]) == {"velocity_exceeded": 1}
    await world.assert_clean()


async def test_below_cost_is_not_sold(world: World) -> None:
    await world.load(world.card, 5)
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        await pricing.set_named_price(world.db, world.card.sku_id, merchant.org_id, 949_999)
        refused = await gateway.place(merchant.caller, "a", world.card)
        await pricing.set_named_price(world.db, world.card.sku_id, merchant.org_id, 950_000)
        accepted = await gateway.place(merchant.caller, "a", world.card)
    assert codes([refused]) == {"below_cost": 1}
    assert placed([accepted])[0].trace == "list=985000 named=950000"
    await world.assert_clean()


@pytest.mark.parametrize("first_reads", [True, False])
async def test_who_may_not_read_cards_gets_none_beside_one_who_may(world: World, first_reads: bool) -> None:
    """Two keys of one merchant repeat one reference in the same batch."""
    await world.load(world.card, 5)
    merchant = await world.merchant(lane=0)
    blind = await world.key(merchant, scopes=[Scope.orders_place])
    async with world.gateway() as gateway:
        await gateway.place(merchant.caller, "a", world.card)
        wishes = [await gateway.wish(c, "a", world.card) for c in (merchant.caller, blind)]
        if not first_reads:
            wishes.reverse()
        for answer, wish in zip(await gateway.place_many(wishes), wishes, strict=True):
            secrets = [msgspec.json.decode(card.text or b"{}").get("secret") for card in placed([answer])[0].cards]
            assert any(secrets) == (wish.key.key_id == merchant.caller.key.key_id)
    assert await world.scalar("SELECT count(*) FROM audit_line WHERE act = 'order.reveal'") == 1
    reader = await world.scalar("SELECT actor_id FROM audit_line WHERE act = 'order.reveal'")
    assert reader == merchant.caller.key.key_id
    await world.assert_clean()


async def test_goods_and_prices_are_of_one_moment(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The floor rises, then the level price falls below it, between two reads of a refresh: never 96."""
    await world.load(world.card, 5, lane=1)
    await pricing.set_level_prices(world.db, [(world.card.sku_id, 1, 980_000)])
    merchant = await world.merchant(lane=1, level=1)  # lane 0 keeps what is noted of goods, and the batch holds its own
    async with world.gateway() as gateway:
        load, changes = catalogue.load, [1]

        async def load_and_change(*arguments: Any) -> catalogue.Catalogue:
            found = await load(*arguments)
            if changes:
                changes.clear()
                await catalogue.change_sku(world.db, msgspec.structs.replace(world.card, floor_e4=975_000))
                await pricing.set_level_prices(world.db, [(world.card.sku_id, 1, 960_000)])
            return found

        wish = await gateway.wish(merchant.caller, "a", world.card)
        monkeypatch.setattr(catalogue, "load", load_and_change)
        # So that there is something to catch up with, of both kinds.
        await change_price(world, world.half_card, 499_999)
        await pricing.set_level_prices(world.db, [(world.half_card.sku_id, 1, 488_888)])
        answer = await gateway.queues.place(wish)
    assert not changes
    assert placed([answer])[0].unit_price_e4 in (980_000, 975_000)
