"""Orders of before there were marks are found by whom they are for once the slow job came by; cut off, it goes on."""

from __future__ import annotations

import pytest

from kameng import catalogue, orders
from kameng.orders import ShownOrder, marking, private_store
from laws.world import PHONE, Gateway, Merchant, World


async def older(world: World, gateway: Gateway, merchant: Merchant, count: int) -> list[int]:
    """Orders as a version before marks wrote them, and where the migration put the lane."""
    placed = [await gateway.place(merchant.caller, f"r{n}", world.phone) for n in range(count)]
    await world.execute("DELETE FROM order_mark")
    ids = [order.order_id for order in placed if isinstance(order, ShownOrder)]
    await world.execute("INSERT INTO order_mark_older VALUES ($1, 0, $2)", merchant.lane, max(ids))
    return ids


async def found(world: World, merchant: Merchant) -> list[int]:
    async with world.db.connection() as connection:
        marks = catalogue.marks_of(world.ring, {"phone": PHONE})
        rows = await private_store.find_marked(
            connection, merchant.lane, merchant.org_id, list(marks), before_id=1 << 62, limit=100
        )
    return sorted(row.order_id for row in rows)


async def test_they_are_found_afterwards(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    merchant = await world.merchant()
    monkeypatch.setattr(marking, "CHUNK_ROWS", 2)
    async with world.gateway() as gateway:
        ids = await older(world, gateway, merchant, 5)
        young = await gateway.place(merchant.caller, "young", world.phone)
        assert isinstance(young, ShownOrder)
    assert await found(world, merchant) == [young.order_id]
    await world.execute("UPDATE orders SET account = NULL WHERE order_id = $1", ids[2])
    assert await orders.mark_older(world.db, world.ring, merchant.lane) == 4
    assert await found(world, merchant) == sorted({*ids, young.order_id} - {ids[2]})
    assert await world.scalar("SELECT count(*) FROM order_mark_older") == 0
    assert await orders.mark_older(world.db, world.ring, merchant.lane) == 0
    assert await orders.mark_older(world.db, world.ring, 1 - merchant.lane) == 0
    await world.assert_clean()


async def test_cut_off_it_goes_on_where_it_was(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    merchant = await world.merchant()
    monkeypatch.setattr(marking, "CHUNK_ROWS", 2)
    async with world.gateway() as gateway:
        ids = await older(world, gateway, merchant, 4)
    looked = marking._look
    seen: list[int] = []

    def cut(ring: object, rows: list[tuple[int, bytes]]) -> marking.Found:
        seen.extend(order_id for order_id, _ in rows)
        if len(seen) == 4 and ids[2] in seen:
            raise ConnectionError("the worker was stopped")
        return looked(ring, rows)  # type: ignore[arg-type]

    monkeypatch.setattr(marking, "_look", cut)
    with pytest.raises(ConnectionError):
        await orders.mark_older(world.db, world.ring, merchant.lane)
    assert await found(world, merchant) == ids[:2]
    monkeypatch.setattr(marking, "_look", looked)
    assert await orders.mark_older(world.db, world.ring, merchant.lane) == 2
    assert await found(world, merchant) == ids
