"""低库存预警: the platform and the supplier are told once, and again after the shelves were full."""

from __future__ import annotations

import pytest

from kameng import identity, stock
from kameng.stock import BadStockThreshold
from laws.world import World

LOW = """SELECT org_id, subject_id, due, (data ->> 'on_hand')::int AS n FROM event WHERE kind = 'stock.low'
ORDER BY event_id"""


async def sell(world: World, count: int) -> None:
    merchant = await world.merchant()
    async with world.gateway() as gateway:
        await gateway.place(merchant.caller, "r", world.card, count)


async def test_it_is_told_once_until_there_is_enough_again(world: World) -> None:
    await world.load(world.card, 10)
    assert await stock.set_low_stock(world.db, world.card.sku_id, 5)
    assert await stock.watch_stock(world.db) == 0
    await sell(world, 5)
    assert await stock.watch_stock(world.db) == 0  # five is not below five
    await sell(world, 1)
    assert [await stock.watch_stock(world.db) for _ in range(3)] == [1, 0, 0]
    await sell(world, 1)
    assert await stock.watch_stock(world.db) == 0
    await world.load(world.card, 5)
    assert await stock.watch_stock(world.db) == 0
    await sell(world, 6)
    assert await stock.watch_stock(world.db) == 1
    assert [tuple(row) for row in await world.rows(LOW)] == [
        (0, world.card.sku_id, False, 4), (0, world.card.sku_id, False, 2)
    ]  # fmt: skip
    await world.assert_clean()


async def test_whoever_supplied_the_cards_is_told_too(world: World) -> None:
    await world.load(world.card, 3)
    supplier = await world.merchant(lane=1)
    await identity.set_organisation(world.db, supplier.org_id, wants_events=True)
    await world.execute("UPDATE card_batch SET supplier_org_id = $1", supplier.org_id)
    await stock.set_low_stock(world.db, world.card.sku_id, 100)
    assert await stock.watch_stock(world.db) == 2
    assert sorted(tuple(row) for row in await world.rows(LOW)) == [
        (0, world.card.sku_id, False, 3), (supplier.org_id, world.card.sku_id, True, 3)
    ]  # fmt: skip
    await world.assert_clean()


async def test_without_a_threshold_nothing_is_low(world: World) -> None:
    await stock.set_low_stock(world.db, world.card.sku_id, 5)
    assert await stock.watch_stock(world.db) == 1
    await stock.set_low_stock(world.db, world.card.sku_id, None)
    assert await stock.watch_stock(world.db) == 0
    await stock.set_low_stock(world.db, world.card.sku_id, 5)
    assert await stock.watch_stock(world.db) == 1
    assert not await stock.set_low_stock(world.db, 4711, 5)
    for wrong in (0, -1, 10**8):
        with pytest.raises(BadStockThreshold):
            await stock.set_low_stock(world.db, world.card.sku_id, wrong)
