"""The database goes away: who may have an order is told that nobody knows, everybody else that nothing was done."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from gates import closed, somebody_waits
from journeys.wire import Cut, wire_to
from kameng import identity, risk
from kameng.kit import clock, epochs
from laws.world import World, codes, placed, together


@pytest.fixture(autouse=True)
def patience_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kameng.orders.queueing.UNKNOWN_FOR_S", 0.3)
    monkeypatch.setattr("kameng.orders.queueing.OWED_S", 0.05)


@pytest.fixture(autouse=True)
def one_hour() -> Iterator[None]:
    with clock.hold(clock.now_ms()):
        yield


async def test_lost_before_the_commit_nothing_was_done(world: World) -> None:
    await world.load(world.card, 5)
    merchant = await world.merchant(lane=0)
    async with wire_to(world.url) as wire, world.gateway(url=wire.url) as gateway:
        async with closed(world.url, 0):
            asking = asyncio.ensure_future(gateway.place(merchant.caller, "a", world.card))
            await somebody_waits(world.url)
            wire.go_away()
            answer = await asking
        wire.come_back()
        again = await gateway.place(merchant.caller, "a", world.card)
    assert codes([answer]) == {"busy": 1}
    assert codes([again]) == {"placed": 1}
    await world.assert_clean()


async def test_never_connected_nothing_was_done(world: World) -> None:
    """Single orders, rows and a group alike; and a nonce that was not spent is not thought spent."""
    await world.load(world.card, 9)
    merchant = await world.merchant(lane=0)
    nonce = identity.nonce_of(merchant.caller.key.key_id, b"n" * 16, 1_800_000_000)
    async with wire_to(world.url) as wire, world.gateway(url=wire.url) as gateway:
        wish = await gateway.wish(merchant.caller, "a", world.card, nonce=nonce)
        rows = [await gateway.wish(merchant.caller, f"r{n}", world.card) for n in range(3)]
        group = [await gateway.wish(merchant.caller, f"g{n}", world.card, group=1) for n in range(3)]
        wire.go_away()
        single, of_rows, of_group = await together(
            gateway.queues.place(wish), gateway.place_many(rows), gateway.place_many(group)
        )
        wire.come_back()
        again = await gateway.queues.place(wish)
    assert codes([single, *of_rows, *of_group]) == {"busy": 7}
    assert codes([again]) == {"placed": 1}
    assert await world.scalar("SELECT count(*) FROM orders") == 1
    await world.assert_clean()


async def test_a_nonce_that_another_spent_is_refused_after_a_lost_batch(world: World) -> None:
    """What the lost batch did not commit, it did not spend: the replay is still a replay."""
    await world.load(world.card, 5)
    merchant = await world.merchant(lane=0)
    nonce = identity.nonce_of(merchant.caller.key.key_id, b"n" * 16, 1_800_000_000)
    async with wire_to(world.url) as wire, world.gateway(url=wire.url) as gateway:
        first = await gateway.place(merchant.caller, "a", world.card, nonce=nonce)
        wish = await gateway.wish(merchant.caller, "a", world.card, nonce=nonce)
        wire.go_away()
        replaying = asyncio.ensure_future(gateway.queues.place(wish))
        await wire.turned_away.wait()
        wire.come_back()
        replayed = await replaying
    assert codes([first, replayed]) == {"placed": 1, "nonce_used": 1}


@pytest.mark.parametrize("cut", ["before", "after"])
async def test_once_the_commit_was_sent_nobody_knows(world: World, cut: Cut) -> None:
    """And that stays so when it is lost once more, without a COMMIT."""
    await world.load(world.card, 5)
    merchant = await world.merchant(lane=0)
    async with wire_to(world.url) as wire, world.gateway(url=wire.url) as gateway:
        wish = await gateway.wish(merchant.caller, "a", world.card)
        wire.cuts.append(cut)
        wire.when_cut = wire.go_away
        answer = await gateway.queues.place(wish)
        wire.come_back()
        again = await gateway.place(merchant.caller, "a", world.card)
    assert codes([answer]) == {"outcome_unknown": 1}
    assert codes([again]) == ({"placed": 1} if cut == "before" else {"replayed": 1})
    await world.assert_clean()


async def test_what_stands_is_answered_though_its_key_was_revoked_meanwhile(world: World) -> None:
    await world.load(world.card, 5)
    merchant = await world.merchant(lane=0)
    async with wire_to(world.url) as wire, world.gateway(url=wire.url) as gateway:
        wish = await gateway.wish(merchant.caller, "a", world.card)
        wire.cuts.append("after")
        wire.when_cut = wire.go_away
        asking = asyncio.ensure_future(gateway.queues.place(wish))
        await wire.turned_away.wait()
        await revoke(world, merchant.caller.key.key_id)
        wire.come_back()
        answer = await asking
    assert len(placed([answer])) == 1
    await world.assert_clean()


async def test_a_place_reserved_in_vain_comes_back_with_the_database(world: World) -> None:
    await risk.set_rule(world.db, risk.Rule(0, "one", "target", (), 3600, 1, None))
    merchant = await world.merchant(lane=0)
    async with wire_to(world.url) as wire, world.gateway(url=wire.url) as gateway:
        async with closed(world.url, 0):
            asking = asyncio.ensure_future(gateway.place(merchant.caller, "a", world.phone))
            await somebody_waits(world.url)
            assert await world.scalar("SELECT taken_count FROM counter") == 1
            wire.go_away()
            answer = await asking
        wire.come_back()
        await given_back(world)  # by a lane that has nothing else to do
        again = await gateway.place(merchant.caller, "b", world.phone)
    assert codes([answer]) == {"busy": 1}
    assert codes([again]) == {"placed": 1}
    assert await world.scalar("SELECT taken_count FROM counter") == 1
    await world.assert_clean()


async def test_a_steal_that_is_lost_keeps_no_place_and_leaves_nobody_in_doubt(world: World) -> None:
    await risk.set_rule(world.db, risk.Rule(0, "one", "ip", (), 3600, 1, None))
    await world.load(world.card, 5, lane=1)
    merchant = await world.merchant(lane=0)
    async with wire_to(world.url) as wire, world.gateway(url=wire.url) as gateway:
        async with closed(world.url, 1):  # the thief has passed his own gate
            asking = asyncio.ensure_future(gateway.place(merchant.caller, "a", world.card))
            await somebody_waits(world.url)
            wire.go_away()
            answer = await asking
        wire.come_back()
        await given_back(world)
        again = await gateway.place(merchant.caller, "b", world.card)
    assert codes([answer]) == {"busy": 1}
    assert codes([again]) == {"placed": 1}
    await world.assert_clean()


async def revoke(world: World, key_id: int) -> None:
    async with world.db.transaction() as connection:
        changed = await epochs.bump(connection, "identity")
        statement = "UPDATE api_key SET state = 'revoked', changed = $2 WHERE key_id = $1"
        await connection.execute(statement, key_id, changed)


async def given_back(world: World) -> None:
    async with asyncio.timeout(20):
        while await world.scalar("SELECT taken_count FROM counter"):
            pass
