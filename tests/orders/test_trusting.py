"""Batches that are taken to be new: what was there before is found all the same, and nothing of it is done twice."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from kameng import identity
from kameng.kit import clock
from kameng.kit.db import Connection
from kameng.orders import Answer, store
from laws.world import World, codes, placed

Looks = list[list[bytes]]


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Looks:
    """The references that were looked up, batch by batch."""
    asked: Looks = []
    read_refs = store.read_refs

    async def noted(connection: Connection, lane: int, ref_keys: Sequence[bytes]) -> dict[bytes, tuple[bytes, int]]:
        asked.append(list(ref_keys))
        return await read_refs(connection, lane, ref_keys)

    monkeypatch.setattr(store, "read_refs", noted)
    return asked


async def test_what_is_new_is_not_looked_up_and_a_repeat_costs_one_look_at_all(world: World, looks: Looks) -> None:
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        first = await gateway.place(merchant.caller, "a", world.phone)
        assert looks == []
        again = await gateway.place(merchant.caller, "a", world.phone)
        assert [len(keys) for keys in looks] == [1]
        await gateway.place(merchant.caller, "b", world.phone)  # the lane is wary for a while
        assert [len(keys) for keys in looks] == [1, 1]
    assert codes([first, again]) == {"placed": 1, "replayed": 1}
    assert placed([first])[0].order_id == placed([again])[0].order_id
    await world.assert_clean()


async def test_trust_comes_back(world: World, looks: Looks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kameng.orders.trusting.WARY_S", 0.0)
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        for ref in ("a", "a", "b"):
            await gateway.place(merchant.caller, ref, world.phone)
    assert [len(keys) for keys in looks] == [1]  # for the repeat


async def test_a_repeat_that_would_be_refused_now_gets_its_order(world: World, looks: Looks) -> None:
    """Its buyer has nothing left, so no row of it would ever meet the index."""
    merchant = await world.merchant(lane=0, money_e4=world.phone.list_price_e4)
    async with world.gateway() as gateway:
        first = await gateway.place(merchant.caller, "a", world.phone)
        again = await gateway.place(merchant.caller, "a", world.phone)
        other = await gateway.place(merchant.caller, "b", world.phone)
    assert codes([first, again, other]) == {"placed": 1, "replayed": 1, "insufficient_balance": 1}
    assert len(looks) == 3  # a look at the refused repeat, the repeat again, and the next batch of a wary lane


async def test_a_refused_wish_that_is_new_is_looked_up_once(world: World, looks: Looks) -> None:
    merchant = await world.merchant(lane=0, money_e4=0)
    async with world.gateway() as gateway:
        answers = [await gateway.place(merchant.caller, ref, world.phone) for ref in "ab"]
    assert codes(answers) == {"insufficient_balance": 2}
    assert [len(keys) for keys in looks] == [1, 1]


async def test_new_orders_beside_a_repeat_and_a_replay_are_placed_once(world: World) -> None:
    merchant = await world.merchant(lane=0)
    key_id, now_s = merchant.caller.key.key_id, clock.now_ms() // 1000
    nonces = [identity.nonce_of(key_id, b"nonce-of-%d" % n, now_s) for n in (1, 2)]
    async with world.gateway() as gateway:
        wish = await gateway.wish(merchant.caller, "a", world.phone, nonce=nonces[0])
        before = await gateway.queues.place(wish)
        wishes = [
            await gateway.wish(merchant.caller, "b", world.phone),
            await gateway.wish(merchant.caller, "a", world.phone, nonce=nonces[1]),
            await gateway.wish(merchant.caller, "c", world.phone, nonce=nonces[0]),
            await gateway.wish(merchant.caller, "b", world.phone),
        ]
        answers = await gateway.place_many(wishes)
    assert [_said(answer) for answer in answers] == ["placed", "replayed", "nonce_used", "replayed"]
    assert placed([before])[0].order_id == placed(answers)[1].order_id
    assert placed(answers)[0].order_id == placed(answers)[2].order_id
    assert await world.scalar("SELECT count(*) FROM orders") == 2
    await world.assert_clean()


async def test_whoever_was_in_a_batch_before_is_looked_up(world: World, looks: Looks) -> None:
    """Its nonce may be spent by itself: cards that another lane has are fetched, and it enters a second batch."""
    merchant = await world.merchant(lane=0)
    await world.load(world.card, 1, lane=1)
    async with world.gateway() as gateway:
        answer = await gateway.place(merchant.caller, "a", world.card)
    assert codes([answer]) == {"placed": 1}
    assert [len(keys) for keys in looks] == [1, 1]  # as it came short, and when it came again


def _said(answer: Answer) -> str:
    return next(iter(codes([answer])))
