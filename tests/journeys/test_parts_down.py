"""A part is down, and what does not need it goes on: browsing, ordering, looking up orders."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from kameng import identity, orders, risk
from laws.world import Gateway, Merchant, World, codes, together

TABLES_OF_RISK = "counter, lane_counter, risk_rule, risk_listing"


@asynccontextmanager
async def locked(url: str, tables: str) -> AsyncIterator[None]:
    """Nobody else gets at these tables."""
    connection = await asyncpg.connect(url)
    await connection.execute("BEGIN")
    await connection.execute(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE")
    yield
    await connection.execute("ROLLBACK")
    await connection.close()


async def goes_on(world: World, gateway: Gateway, merchant: Merchant, ref: str) -> None:
    """Order, look it up, see its timeline; and the goods and prices of the snapshot."""
    answer = await gateway.place(merchant.caller, ref, world.card)
    assert codes([answer]) == {"placed": 1}
    (found,) = (await orders.list_orders(gateway.snapshot, merchant.caller, limit=1)).orders
    assert found.client_ref == ref
    assert (await orders.find_by_ref(gateway.snapshot, merchant.caller, ref)).order_id == found.order_id
    events = await orders.timeline(gateway.snapshot, merchant.caller, found.order_id)
    assert [event.kind for event in events] == ["order.delivered"]
    assert gateway.snapshot.catalogue.skus[world.card.sku_id] == world.card


@pytest.fixture
def answer_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kameng.orders.reserving.ANSWER_S", 0.2)
    monkeypatch.setattr("kameng.orders.reserving.AWAY_S", 0.5)


async def test_what_no_limit_is_on_needs_no_table_of_risk(world: World) -> None:
    await world.load(world.card, 5)
    merchant = await world.merchant()
    async with world.gateway() as gateway, locked(world.url, TABLES_OF_RISK):
        await goes_on(world, gateway, merchant, "a")
    await world.assert_clean()


@pytest.mark.usefixtures("answer_soon")
async def test_limits_that_do_not_answer_hold_up_only_those_under_them(world: World) -> None:
    """Fails closed: what a limit would have to allow is not done; its sender is told to come again."""
    await risk.set_rule(world.db, risk.Rule(0, "one number", "target", ("topup",), 3600, 1, None))
    await world.load(world.card, 30)
    merchant = await world.merchant(lane=0)
    before = await world.scalar("SELECT count(*) FROM orders")
    async with world.gateway() as gateway:
        async with locked(world.url, "counter"):
            rows = [await gateway.wish(merchant.caller, f"r{n}", world.card) for n in range(5)]
            group = [await gateway.wish(merchant.caller, f"g{n}", world.card, group=1) for n in range(3)]
            group.append(await gateway.wish(merchant.caller, "g3", world.phone, group=1))
            limited, of_rows, of_group = await together(
                gateway.place(merchant.caller, "t", world.phone), gateway.place_many(rows), gateway.place_many(group)
            )
            assert codes([limited]) == {"busy": 1}
            assert codes(of_rows) == {"placed": 5}
            assert codes(of_group) == {"busy": 4}
            await goes_on(world, gateway, merchant, "a")
        assert await world.scalar("SELECT count(*) FROM orders") == before + 6
        await asyncio.sleep(0.6)
        first = await gateway.place(merchant.caller, "t", world.phone)
        second = await gateway.place(merchant.caller, "u", world.phone)
    assert codes([first]) == {"placed": 1}
    assert codes([second]) == {"velocity_exceeded": 1}  # the limit is whole: nothing was taken in vain
    await world.assert_clean()


async def test_events_that_nobody_delivers_hold_up_nobody(world: World) -> None:
    """No worker runs at all: events and jobs are owed, and orders go on."""
    await world.load(world.card, 5)
    merchant = await world.merchant()
    org_id = merchant.caller.organisation.org_id
    wanting = await identity.set_organisation(world.db, org_id, wants_events=True)
    merchant = dataclasses.replace(merchant, caller=await world.caller(merchant.member.key, wanting))
    async with world.gateway() as gateway:
        await goes_on(world, gateway, merchant, "a")
        topup = await gateway.place(merchant.caller, "b", world.phone)
        assert codes([topup]) == {"placed": 1}
    assert await world.scalar("SELECT count(*) FROM event WHERE due AND org_id = $1", org_id) == 2
    assert await world.scalar("SELECT count(*) FROM job WHERE kind = 'fulfilment.topup' AND state = 'waiting'") == 1
    await world.assert_clean()
