"""Cards that lie in another lane are found; sold out is said only when no lane has enough."""

from __future__ import annotations

from typing import Any

import pytest

from kameng import identity, stock
from kameng.stock.taking import CHUNK_MAX
from laws.world import World, cards_of, codes, together


async def test_cards_of_another_lane_are_found(world: World) -> None:
    await world.load(world.card, 100, lane=1)
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        answers = await together(*(gateway.place(merchant.caller, f"r{n}", world.card, 2) for n in range(60)))
    assert codes(answers) == {"placed": 50, "sold_out": 10}
    assert len(set(cards_of(answers))) == 100
    assert await world.scalar("SELECT count(*) FROM card WHERE lane = 0 AND state = 'sold'") == 100
    await world.assert_clean()


async def test_an_order_takes_what_lies_here_and_there(world: World) -> None:
    await world.load(world.card, 5, lane=1)
    assert (await stock.steal(world.db, 0, world.card.sku_id, 3)).moved == 3
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        answer = await gateway.place(merchant.caller, "a", world.card, 5)
    assert len(set(cards_of([answer]))) == 5
    await world.assert_clean()


async def test_more_than_one_steal_may_carry(world: World) -> None:
    """A steal moves so many cards at once; that is no reason to say sold out."""
    order_count = CHUNK_MAX // 100 + 7
    await world.load(world.card, order_count * 100, lane=1)
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        wishes = [await gateway.wish(merchant.caller, f"r{n}", world.card, 100) for n in range(order_count)]
        answers = await gateway.place_many(wishes)
    assert codes(answers) == {"placed": order_count}
    await world.assert_clean()


async def test_what_was_stolen_may_be_taken_by_somebody_quicker(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of another lane's cards came, a second gateway sold them all at once: the other half is still there."""
    await world.load(world.card, 100, lane=1)
    slow, quick = await world.merchant(lane=0), await world.merchant(lane=0)
    async with world.gateway() as one, world.gateway() as two:
        wishes = [await two.wish(quick.caller, f"quick-{n}", world.card) for n in range(50)]
        steal = stock.steal

        async def steal_and_lose(*arguments: Any, **more: Any) -> stock.Stolen:
            stolen = await steal(*arguments, **more)
            if wishes:
                assert codes(await two.place_many(wishes)) == {"placed": stolen.moved}
                wishes.clear()
            return stolen

        monkeypatch.setattr(stock, "steal", steal_and_lose)
        answer = await one.place(slow.caller, "slow", world.card)
    assert codes([answer]) == {"placed": 1}
    await world.assert_clean()


async def test_who_needs_more_than_there_is_moves_nothing(world: World) -> None:
    await world.load(world.card, 3, lane=1)
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        answers = [await gateway.place(merchant.caller, f"r{n}", world.card, n) for n in (4, 3)]
        assert codes(answers) == {"sold_out": 1, "placed": 1}
        await world.load(world.half_card, 3, lane=1)
        assert codes([await gateway.place(merchant.caller, "x", world.half_card, 4)]) == {"sold_out": 1}
    lying = await world.rows("SELECT lane, on_hand FROM allotment WHERE on_hand > 0")
    assert [tuple(row) for row in lying] == [(1, 3)]
    await world.assert_clean()


async def test_a_group_steals_for_all_of_its_rows(world: World) -> None:
    await world.load(world.card, 10, lane=1)
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        group = [await gateway.wish(merchant.caller, f"a{n}", world.card, 2, group=1) for n in range(5)]
        first = await gateway.place_many(group)
        group = [await gateway.wish(merchant.caller, f"b{n}", world.card, group=2) for n in range(2)]
        second = await gateway.place_many(group)
    assert codes(first) == {"placed": 5}
    assert codes(second) == {"sold_out": 2}
    await world.assert_clean()


async def test_after_sold_out_new_cards_are_sold(world: World) -> None:
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        before = [await gateway.place(merchant.caller, f"r{n}", world.card) for n in range(3)]
        await world.load(world.card, 5)
        await gateway.place(merchant.caller, "phone", world.phone)  # a batch that reads the epochs
        after = [await gateway.place(merchant.caller, f"r{n}", world.card) for n in range(3)]
    assert codes(before) == {"sold_out": 3}
    assert codes(after) == {"placed": 3}
    await world.assert_clean()


async def test_a_reference_that_has_an_order_gets_it_after_sell_out(world: World) -> None:
    await world.load(world.card, 2)
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        first = [await gateway.place(merchant.caller, f"r{n}", world.card) for n in range(4)]
        again = await together(*(gateway.place(merchant.caller, f"r{n % 4}", world.card) for n in range(40)))
        other = await gateway.place(merchant.caller, "r0", world.card, 2)
    assert codes(first) == {"placed": 2, "sold_out": 2}
    assert codes(again) == {"replayed": 20, "sold_out": 20}
    assert set(cards_of(again)) == set(cards_of(first))
    assert codes([other]) == {"reference_reused": 1}
    await world.assert_clean()


async def test_a_refusal_from_memory_spends_its_nonce(world: World) -> None:
    """Who overheard it can't buy with it once there are cards, through this gateway or another."""
    merchant = await world.merchant(lane=0)
    nonce = identity.nonce_of(merchant.caller.key.key_id, b"n" * 16, 1_800_000_000)
    async with world.gateway() as one, world.gateway() as two:
        first = await one.place(merchant.caller, "first", world.card)
        refused = await one.place(merchant.caller, "a", world.card, nonce=nonce)
        replayed = await one.place(merchant.caller, "a", world.card, nonce=nonce)
        await world.load(world.card, 5)
        later = [await gateway.place(merchant.caller, "a", world.card, nonce=nonce) for gateway in (one, two)]
        anew = await one.place(merchant.caller, "a", world.card)
    assert codes([first, refused]) == {"sold_out": 2}
    assert codes([replayed, *later]) == {"nonce_used": 3}
    assert codes([anew]) == {"placed": 1}
    await world.assert_clean()


async def test_a_nonce_in_many_wishes_for_what_is_sold_out_is_refused_once_as_such(world: World) -> None:
    merchant = await world.merchant(lane=0)
    nonce = identity.nonce_of(merchant.caller.key.key_id, b"n" * 16, 1_800_000_000)
    async with world.gateway() as gateway:
        await gateway.place(merchant.caller, "first", world.card)
        answers = await together(
            *(gateway.place(merchant.caller, f"r{n}", world.card, nonce=nonce) for n in range(10))
        )
    assert codes(answers) == {"sold_out": 1, "nonce_used": 9}
    assert await world.scalar("SELECT count(*) FROM nonce") == 1


async def test_a_refusal_from_memory_is_by_the_directories_of_now(world: World) -> None:
    """What would be refused for another reason in a batch is refused for that one; new cards are seen at once."""
    merchant, suspended = await world.merchant(lane=0), await world.merchant(lane=0)
    async with world.gateway() as gateway:
        wishes = [
            await gateway.wish(merchant.caller, "first", world.card),
            await gateway.wish(suspended.caller, "suspended", world.card),
            await gateway.wish(merchant.caller, "many", world.card, 1_000_000),
            await gateway.wish(merchant.caller, "dear", world.card, max_price="1"),
        ]
        first = await gateway.queues.place(wishes[0])
        await identity.set_organisation(world.db, suspended.org_id, state="suspended")
        answers = [await gateway.queues.place(wish) for wish in wishes[1:]]
        await world.load(world.card, 1)
        last = await gateway.place(merchant.caller, "last", world.card)
    assert codes([first]) == {"sold_out": 1}
    assert [list(codes([answer])) for answer in answers] == [
        ["organisation_suspended"], ["bad_quantity"], ["price_changed"],
    ]  # fmt: skip
    assert codes([last]) == {"placed": 1}


async def test_a_sandbox_is_served_of_what_is_sold_out(world: World) -> None:
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        out = await gateway.place(merchant.caller, "a", world.card)
        played = await gateway.place(merchant.sandbox, "a", world.card)
    assert codes([out, played]) == {"sold_out": 1, "placed": 1}


async def test_two_lanes_that_steal_from_each_other_lose_no_card(world: World) -> None:
    await world.load(world.card, 400)
    moved = await together(*(stock.steal(world.db, n % 2, world.card.sku_id, 1 + n % 7) for n in range(60)))
    assert sum(stolen.moved for stolen in moved) > 0
    assert await world.scalar("SELECT count(*) FROM card WHERE state = 'on_shelf'") == 400
    await world.assert_clean()


async def test_expired_cards_are_neither_sold_nor_stolen(world: World) -> None:
    await world.load(world.card, 10, lane=1)
    await world.execute("UPDATE card SET expires_on = '2020-01-01' WHERE card_id % 2 = 0")
    expired = await world.scalar("SELECT count(*) FROM card WHERE expires_on < 'infinity'")
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        answers = await together(*(gateway.place(merchant.caller, f"r{n}", world.card) for n in range(12)))
    assert codes(answers) == {"placed": 10 - expired, "sold_out": 2 + expired}
    for lane in (0, 1):
        await stock.void_expired(world.db, lane)
    assert await world.scalar("SELECT count(*) FROM card WHERE state = 'void'") == expired
    await world.assert_clean()
