"""A lane whose gate is held: its queue fills, who comes then is told that it is busy, everybody inside is decided.

The tests hold the gate themselves, so what happens before and after it opens is exact.
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from itertools import count, groupby

from gates import closed, somebody_waits
from kameng import identity
from kameng.kit import clock
from kameng.orders import Answer, Wish
from laws.world import Gateway, Merchant, World, codes, together

TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname"
_numbers = count(1)


def small_gateway(world: World) -> AbstractAsyncContextManager[Gateway]:
    """Four wishes are a batch, and no more may wait: a batch is never decided within the target time."""
    return world.gateway(batch_max=4, target_s=0.000_001)


async def trace(world: World) -> dict[str, int]:
    """The rows of every table."""
    names = [row["relname"] for row in await world.rows(TABLES)]
    return {name: await world.scalar(f"SELECT count(*) FROM {name}") for name in names}


async def top_up(world: World, gateway: Gateway, merchant: Merchant, ref: str) -> Wish:
    """For a phone of its own: some are allowed a number and an hour."""
    number = next(_numbers)
    nonce = identity.nonce_of(merchant.caller.key.key_id, b"nonce-%010d" % number, clock.now_ms() // 1000)
    return await gateway.wish(merchant.caller, ref, world.phone, nonce=nonce, phone=f"138{number:08d}")


async def top_ups(world: World, gateway: Gateway, merchant: Merchant, kind: str, size: int) -> list[Wish]:
    return [await top_up(world, gateway, merchant, f"{kind}-{n}") for n in range(size)]


async def let_in(gateway: Gateway, wishes: list[Wish]) -> list[asyncio.Future[Answer]]:
    """They stand in the queue when this returns, or were refused."""
    asking = [asyncio.ensure_future(gateway.queues.place(wish)) for wish in wishes]
    await asyncio.sleep(0)
    return asking


async def test_a_full_queue_is_busy_and_a_refused_wish_leaves_no_trace(world: World) -> None:
    merchant = await world.merchant(lane=0)
    async with small_gateway(world) as gateway:
        wishes = await top_ups(world, gateway, merchant, "in", 5)
        late = await top_up(world, gateway, merchant, "late")
        before = await trace(world)
        async with closed(world.url, 0):
            asking = await let_in(gateway, wishes[:1])  # the batch in hand
            await somebody_waits(world.url)
            asking += await let_in(gateway, wishes[1:])  # all that fits into the next one
            refused = await gateway.queues.place(late)  # answered, though the gate is closed
            assert not any(one.done() for one in asking)
        answers = await together(*asking)
        after = await trace(world)
        again = await gateway.queues.place(await top_up(world, gateway, merchant, "late"))
    assert codes([refused]) == {"busy": 1}
    assert codes(answers) == {"placed": 5}
    assert codes([again]) == {"placed": 1}
    written = {table: rows - before[table] for table, rows in after.items() if rows != before[table]}
    drawers = {table: written.pop(table) for table in list(written) if table.startswith("nonce_")}
    assert sum(drawers.values()) == 5
    assert written == {"orders": 5, "order_ref": 5, "transfer": 5, "event": 5, "job": 5, "counter": 10, "order_mark": 5}
    refs = await world.rows("SELECT client_ref FROM orders ORDER BY order_id")
    assert [row["client_ref"] for row in refs] == ["in-0", "in-1", "in-2", "in-3", "in-4", "late"]
    await world.assert_clean()


async def test_rows_that_wait_leave_half_of_the_room_to_single_orders(world: World) -> None:
    merchant = await world.merchant(lane=0)
    async with small_gateway(world) as gateway:
        rows = await top_ups(world, gateway, merchant, "row", 12)
        wishes = await top_ups(world, gateway, merchant, "in", 3)
        async with closed(world.url, 0):
            bulk = asyncio.ensure_future(gateway.place_many(rows))
            await somebody_waits(world.url)
            asking = await let_in(gateway, wishes)
            assert [one.done() for one in asking] == [False, False, True]
        answers = await together(*asking)
        assert codes(await bulk) == {"placed": 12}
    assert codes(answers) == {"placed": 2, "busy": 1}
    await world.assert_clean()


async def test_sold_out_wishes_are_let_in_though_the_line_of_the_others_is_full(world: World) -> None:
    merchant = await world.merchant(lane=0)
    async with small_gateway(world) as gateway:
        first = await gateway.place(merchant.caller, "first", world.card)  # now it is known
        wishes = await top_ups(world, gateway, merchant, "in", 6)
        out = [await gateway.wish(merchant.caller, f"out{n}", world.card) for n in range(9)]
        async with closed(world.url, 0):
            asking = await let_in(gateway, wishes[:1])
            await somebody_waits(world.url)
            asking += await let_in(gateway, wishes[1:])
            asking_out = await let_in(gateway, out)
            assert [one.done() for one in asking] == [False] * 5 + [True]
            assert not any(one.done() for one in asking_out)
        assert codes(await together(*asking)) == {"placed": 5, "busy": 1}
        assert codes([first, *await together(*asking_out)]) == {"sold_out": 10}
    await world.assert_clean()


async def test_a_queue_that_stops_lets_nobody_in(world: World) -> None:
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        wishes = await top_ups(world, gateway, merchant, "in", 2)
        async with closed(world.url, 0):
            asking = await let_in(gateway, wishes[:1])
            await somebody_waits(world.url)
            gateway.queues[0].stop()
            assert codes([await gateway.queues.place(wishes[1])]) == {"busy": 1}
            assert codes(await gateway.place_many(wishes)) == {"busy": 2}
        assert codes(await together(*asking)) == {"placed": 1}
    assert await world.scalar("SELECT count(*) FROM orders") == 1


async def test_single_orders_are_decided_between_the_chunks_of_5000_rows(world: World) -> None:
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        rows = await top_ups(world, gateway, merchant, "row", 5000)
        singles = await top_ups(world, gateway, merchant, "single", 600)
        async with closed(world.url, 0):
            bulk = asyncio.ensure_future(gateway.place_many(rows))
            await somebody_waits(world.url)  # with a batch of rows only, since nobody else was there
            asking = await let_in(gateway, singles)
        assert codes(await together(*asking)) == {"placed": 600}
        assert not bulk.done()
        assert codes(await bulk) == {"placed": 5000}
    stood = await world.rows("SELECT client_ref, placed_at FROM orders ORDER BY order_id")
    kinds = [row["client_ref"].split("-")[0] for row in stood]
    runs = [(kind, len(list(run))) for kind, run in groupby(kinds)]
    assert runs == [
        ("row", 512 + 256), ("single", 256), ("row", 256), ("single", 256), ("row", 256), ("single", 88),
        ("row", 5000 - 512 - 3 * 256),
    ]  # fmt: skip
    batches = [len(list(batch)) for _, batch in groupby(row["placed_at"] for row in stood)]
    assert batches == [512, 512, 512, 256 + 88, *[512] * 7, 136]
    await world.assert_clean()
