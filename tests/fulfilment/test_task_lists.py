"""Lists of tasks: over all lanes, page by page; a supplier sees his own and no other."""

from __future__ import annotations

from typing import Any

import pytest

from kameng import catalogue, fulfilment
from kameng.fulfilment import Answer, Worker
from kameng.kit import clock
from kameng.kit.errors import Refusal
from laws.handwork import CLERK, MINUTE_MS, answer, by_hand, code, refuse, take, task_of, work, worker_of
from laws.lives import ordered
from laws.world import World

TEXT = "已为您办理"


async def test_staff_sees_all_and_a_supplier_his_own_over_all_lanes(world: World) -> None:
    first, second = [await world.merchant(kind="supplier", money_e4=0, lane=lane) for lane in (0, 1)]
    plain, phone = await by_hand(world, first)
    await catalogue.set_sku(world.db, phone.sku_id, {"worked_by": second.org_id})
    buyers = [await world.merchant(lane=lane) for lane in (0, 1)]
    async with world.gateway() as gateway:
        mine = [await ordered(gateway, buyer, plain) for buyer in buyers for _ in range(3)]
        other = await ordered(gateway, buyers[0], phone)
    await work(world)

    async def seen(worker: Worker, **more: Any) -> list[int]:
        place, found = fulfilment.START, []
        while True:
            page = await fulfilment.list_tasks(world.db, world.ring, worker, after=place, limit=2, **more)
            found += [shown.task.order_id for shown in page.tasks]
            if page.next is None:
                return found
            place = page.next

    assert sorted(await seen(worker_of(first))) == sorted(order.order_id for order in mine)
    assert await seen(worker_of(second)) == [other.order_id]
    assert await seen(CLERK) == []
    assert len(await seen(CLERK, all_=True)) == 7
    assert await seen(CLERK, of_org=second.org_id) == [other.order_id]
    task_id = (await task_of(world, other.order_id)).task_id
    (shown,) = (await fulfilment.list_tasks(world.db, world.ring, worker_of(second))).tasks
    assert shown.account == {"phone": "138****5678"}
    for doing in (
        take(world, worker_of(first), task_id), answer(world, worker_of(first), task_id, Answer(TEXT)),
        refuse(world, worker_of(first), task_id), fulfilment.give_back(world.db, worker_of(first), task_id),
        fulfilment.extend(world.db, world.ring, worker_of(first), task_id, 5, reason="x"),
        fulfilment.take(world.db, world.ring, CLERK, 4711 << 12, terms=fulfilment.Terms()),
    ):  # fmt: skip
        assert await code(doing) == "no_such_task"
    with pytest.raises(Refusal) as refused:
        await fulfilment.find_task(world.db, world.ring, worker_of(first), task_id)
    assert refused.value.code == "no_such_task"
    with clock.hold(clock.now_ms() + 121 * MINUTE_MS):
        await work(world)
        assert len(await seen(CLERK)) == 7  # overdue: on the staff's desk
