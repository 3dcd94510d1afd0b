"""Archiving: an old order is found, listed, repeated and audited as before, and comes back as it was."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import timedelta

import pytest

from kameng import orders, pricing
from kameng.kit import clock
from kameng.kit.errors import Fault
from kameng.orders.model import Command
from kameng.pricing import Markup, Template
from laws.lives import ask, cards, code, ordered, story, wallet
from laws.world import MONEY_E4, Gateway, Merchant, World, codes, together

YEAR = timedelta(days=365)


def a_year_later() -> AbstractContextManager[None]:
    return clock.hold(clock.now_ms() + round(YEAR.total_seconds() * 1000))


async def sizes(world: World) -> tuple[int, int, int, int]:
    """Orders and events of today; archived ones."""
    tables = ("ONLY orders", "ONLY event", "archived_orders", "archived_event")
    counts = [await world.scalar(f"SELECT count(*) FROM {table}") for table in tables]
    return counts[0], counts[1], counts[2], counts[3]


async def test_old_orders_lie_apart_and_nobody_notices(world: World) -> None:
    await world.load(world.card, 10)
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        old = [await gateway.place(merchant.caller, f"old-{n}", world.card) for n in range(3)]
        old.append(await gateway.place(merchant.caller, "waiting", world.phone))
        assert codes(old) == {"placed": 4}
        with a_year_later():
            await archive_among_new_orders(world, gateway, merchant)
    await world.assert_clean()


async def archive_among_new_orders(world: World, gateway: Gateway, merchant: Merchant) -> None:
    half_a_year_ago = clock.now() - YEAR / 2
    assert codes([await gateway.place(merchant.caller, "fresh", world.card)]) == {"placed": 1}
    listed = await orders.list_orders(gateway.snapshot, merchant.caller)
    before, after = (5, 5, 0, 0), (2, 2, 3, 3)
    assert await sizes(world) == before
    assert await together(*(orders.archive(world.db, lane, half_a_year_ago) for lane in world.lanes)) == [3, 0]
    assert await sizes(world) == after
    await world.assert_clean()

    assert await orders.list_orders(gateway.snapshot, merchant.caller) == listed
    found = await orders.find_by_ref(gateway.snapshot, merchant.caller, "old-1")
    assert found.client_ref == "old-1"
    timeline = await orders.timeline(gateway.snapshot, merchant.caller, found.order_id)
    assert [event.kind for event in timeline] == ["order.delivered"]
    again = await gateway.place(merchant.caller, "old-1", world.card)
    other = await gateway.place(merchant.caller, "old-1", world.phone)
    assert codes([again, other]) == {"replayed": 1, "reference_reused": 1}
    assert isinstance(again, orders.ShownOrder)
    assert again.order_id == found.order_id
    assert await sizes(world) == after

    # An order that is changed after all is changed where it lies, and comes back as it is then.
    await world.execute("UPDATE orders SET trace = '改' || trace WHERE order_id = $1", found.order_id)
    assert await sizes(world) == after
    await world.execute("UPDATE orders SET trace = substr(trace, 2) WHERE order_id = $1", found.order_id)
    assert await together(*(orders.bring_back(world.db, lane) for lane in world.lanes)) == [3, 0]
    assert await sizes(world) == before
    assert await orders.list_orders(gateway.snapshot, merchant.caller) == listed


async def test_what_something_waits_for_stays(world: World) -> None:
    await world.load(world.card, 10)
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        owed, free = [await gateway.place(merchant.caller, ref, world.card) for ref in ("owed", "free")]
    assert isinstance(owed, orders.ShownOrder)
    assert isinstance(free, orders.ShownOrder)
    due = "UPDATE event SET due = $2 WHERE subject_id = $1"
    await world.execute(due, owed.order_id, True)
    with a_year_later():
        assert await orders.archive(world.db, 0, clock.now() - YEAR / 2) == 1
        assert await world.scalar("SELECT min(order_id) FROM archived_orders") == free.order_id
        await world.execute(due, owed.order_id, False)
        assert await orders.archive(world.db, 0, clock.now() - YEAR / 2) == 1
    await world.assert_clean()


async def test_many_are_moved_in_chunks_and_young_ones_never(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kameng.orders.archiving.CHUNK_ORDERS", 4)
    await world.load(world.card, 20)
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        rows = [await gateway.wish(merchant.caller, f"r{n}", world.card) for n in range(10)]
        assert codes(await gateway.place_many(rows)) == {"placed": 10}
    with a_year_later():
        assert await orders.archive(world.db, 0, clock.now() - YEAR / 2) == 10
        with pytest.raises(Fault, match="older than 31 days"):
            await orders.archive(world.db, 0, clock.now() - timedelta(days=30))
        assert await orders.bring_back(world.db, 0) == 10
    assert await orders.archive(world.db, 0, clock.now() - timedelta(days=32)) == 0
    await world.assert_clean()


async def test_an_archived_order_takes_commands_where_it_lies(world: World) -> None:
    await world.load(world.card, 10)
    agents = await world.agents(1)
    await pricing.set_markup(world.db, Template(agents[0].org_id, "all", "", -1, Markup(10_000)))
    merchant = await world.merchant(lane=0, parent=agents[0])
    async with world.gateway() as gateway:
        order = await ordered(gateway, merchant, world.card)
    with a_year_later():
        assert await orders.archive(world.db, 0, clock.now() - YEAR / 2) == 1
        assert code(await ask(world, order.order_id, Command.redeliver)) == "secrets_not_shown"
        assert code(await ask(world, order.order_id, Command.deliver)) == "state_forbids"
        assert code(await ask(world, order.order_id, Command.refund, "part", amount_e4=497_500)) == "delivered"
        await world.assert_clean()
        assert await sizes(world) == (0, 1, 1, 1)
        rest = await ask(world, order.order_id, Command.refund, "rest")
        assert rest == orders.Acted(order.order_id, orders.State.refunded, 3, order.total_e4)
        again = await ask(world, order.order_id, Command.refund, "part", amount_e4=497_500)
        assert isinstance(again, orders.Acted)
        assert (again.sequence, again.refunded_e4, again.replayed) == (2, 497_500, True)
        assert await sizes(world) == (0, 2, 1, 1)
        assert await wallet(world, merchant) == MONEY_E4
        assert await cards(world) == {"on_shelf": 9, "quarantined": 1}
        assert await story(world, order.order_id) == ["order.delivered", "order.refunded_in_part", "order.refunded"]
        await world.assert_clean()
        assert await orders.bring_back(world.db, 0) == 1
        assert await sizes(world) == (1, 3, 0, 0)
        assert await orders.archive(world.db, 0, clock.now() - YEAR / 2) == 1
        assert await sizes(world) == (0, 0, 1, 3)
        await world.assert_clean()
