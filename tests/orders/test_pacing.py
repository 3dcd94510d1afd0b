"""How long goods take: the median of the newest orders of a SKU, read by pages from memory."""

from __future__ import annotations

from datetime import timedelta

from kameng import orders
from kameng.orders.pacing import OF_A_SKU, ORDERS_MIN, paces_of
from laws.world import World, placed


def test_the_median_is_of_the_newest_hundred() -> None:
    few = [(n, 1, 500) for n in range(ORDERS_MIN - 1)]
    old = [(100 + n, 2, 90_000) for n in range(50)]
    fresh = [(1000 + n, 2, 1_000 * (n % 5)) for n in range(OF_A_SKU)]
    (found,) = paces_of([*fresh, *few, *old])
    assert (found.sku_id, found.median_ms, found.orders) == (2, 2_000, 100)
    assert paces_of([]) == []


async def test_it_is_measured_from_the_order_to_its_goods_and_play_does_not_count(world: World) -> None:
    buyer = await world.merchant(lane=0)
    await world.load(world.card, 10, lane=0)
    async with world.gateway() as gateway:
        made = placed([await gateway.place(buyer.caller, f"r{n}", world.card) for n in range(6)])
        placed([await gateway.place(buyer.caller, f"p{n}", world.phone) for n in range(6)])
    assert len(made) == 6
    for n, one in enumerate(made):
        await world.db.pool.execute(
            "UPDATE orders SET placed_at = placed_at - $2::interval WHERE order_id = $1", one.order_id,
            timedelta(seconds=n),
        )  # fmt: skip
    await orders.measure_pace(world.db)
    await orders.measure_pace(world.db)
    paces = orders.Paces(world.db)
    found = await paces.of(world.card.sku_id)
    assert found is not None
    assert (found.median_ms, found.orders) == (3_000, 6)
    assert await paces.of(world.phone.sku_id) is None  # nothing of it has come yet
