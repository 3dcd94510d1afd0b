"""Parts of bundles that people work: a task for each, and the order moves with their ends."""

from __future__ import annotations

from typing import Any

from kameng import fulfilment, orders
from kameng.catalogue import Sku
from kameng.fulfilment import Answer, Task
from kameng.kit import ids
from kameng.orders import By, Command, ShownOrder
from laws.bundles import PRICE_E4, bundle_of, part
from laws.handwork import CLERK, answer, by_hand, code, refuse, take, work
from laws.lives import ask, houses, ordered, story, waits_for, wallet
from laws.lives import code as outcome_of
from laws.world import MONEY_E4, PHONE, Gateway, Merchant, World


async def tasks_of(world: World, order: ShownOrder) -> list[Task]:
    """By their parts."""
    async with world.db.connection() as connection:
        found = await fulfilment.tasks_of(connection, ids.lane_of(order.order_id), [order.order_id])
    return sorted(found, key=lambda task: task.part_no)


async def three_parts(world: World) -> Sku:
    """A card (50 %), something for a phone number (30 %), something that asks for nothing (20 %): the last two by
    hand."""
    plain, phone = await by_hand(world)
    await world.load(world.card, 5)
    return await bundle_of(world, part(world.card, 1, 5000), part(phone, 2, 3000), part(plain, 1, 2000), confirm_days=0)


async def opened(world: World, gateway: Gateway, merchant: Merchant, bundle: Sku) -> tuple[ShownOrder, list[Task]]:
    order = await ordered(gateway, merchant, bundle)
    assert order.state == "fulfilling"
    await work(world)
    return order, await tasks_of(world, order)


async def test_each_part_has_its_task_and_its_answer(world: World) -> None:
    merchant, bundle = await world.merchant(), await three_parts(world)
    async with world.gateway() as gateway:
        order, tasks = await opened(world, gateway, merchant, bundle)
        assert await waits_for(world, order.order_id) == []
        assert [(task.part_no, task.sku_id, task.quantity, task.state) for task in tasks] == [
            (2, bundle.parts[1].sku_id, 2, "open"), (3, bundle.parts[2].sku_id, 1, "open")
        ]  # fmt: skip
        await world.assert_clean()
        first, second = [await take(world, CLERK, task.task_id) for task in tasks]
        assert (first.account, second.account) == ({"phone": PHONE}, None)
        done = await answer(world, CLERK, tasks[1].task_id, Answer("三号"))
        assert (done.state, done.order_state) == ("answered", "fulfilling")
        again = await answer(world, CLERK, tasks[1].task_id, Answer("三号"))
        assert again.state == "answered"
        assert await code(answer(world, CLERK, tasks[1].task_id, Answer("别的"))) == "answer_differs"
        shown, goods = await fulfilment.reveal(gateway.snapshot, merchant.caller, order.order_id)
        assert [one.state for one in shown.parts] == ["delivered", "waiting", "delivered"]
        assert ([len(one.cards) for one in shown.parts], [(one.part_no, one.text) for one in goods]) == (
            [1, 0, 0], [(3, "三号")]
        )  # fmt: skip
        await world.assert_clean()
        await answer(world, CLERK, tasks[0].task_id, Answer("二号"))
        _, goods = await fulfilment.reveal(gateway.snapshot, merchant.caller, order.order_id)
        assert [(one.part_no, one.text) for one in goods] == [(2, "二号"), (3, "三号")]
    assert await story(world, order.order_id) == [
        "order.fulfilling", "order.part_delivered", "order.part_delivered", "order.delivered"
    ]  # fmt: skip
    assert await houses(world) == {"clearing": -MONEY_E4, "sales": PRICE_E4}
    await world.assert_clean()


async def test_a_refused_part_is_paid_back_and_what_came_is_kept(world: World) -> None:
    merchant, bundle = await world.merchant(), await three_parts(world)
    async with world.gateway() as gateway:
        order, tasks = await opened(world, gateway, merchant, bundle)
        for task in tasks:
            await take(world, CLERK, task.task_id)
        assert (await refuse(world, CLERK, tasks[0].task_id)).order_state == "fulfilling"
        await world.assert_clean()
        assert (await answer(world, CLERK, tasks[1].task_id, Answer("三号"))).order_state == "settled"
        shown, goods = await fulfilment.reveal(gateway.snapshot, merchant.caller, order.order_id)
    assert [one.state for one in shown.parts] == ["delivered", "refunded", "delivered"]
    assert [one.part_no for one in goods] == [3]
    assert await wallet(world, merchant) == MONEY_E4 - PRICE_E4 + 450_000
    assert outcome_of(await ask(world, order.order_id, Command.refund, by=By.staff, part_no=3)) == "settled"
    async with world.gateway() as gateway:
        _, goods = await fulfilment.reveal(gateway.snapshot, merchant.caller, order.order_id)
    assert goods == []
    await world.assert_clean()


async def test_a_part_that_ended_otherwise_closes_its_task(world: World) -> None:
    merchant, bundle = await world.merchant(), await three_parts(world)
    async with world.gateway() as gateway:
        order, tasks = await opened(world, gateway, merchant, bundle)
    await take(world, CLERK, tasks[0].task_id)
    assert outcome_of(await ask(world, order.order_id, Command.deliver_part, by=By.staff, part_no=2)) == "fulfilling"
    assert await code(answer(world, CLERK, tasks[0].task_id, Answer("二号"))) == "state_forbids"
    page = await fulfilment.list_tasks(world.db, world.ring, CLERK)
    assert [one.task.part_no for one in page.tasks] == [3]
    await work(world)
    assert [task.state for task in await tasks_of(world, order)] == ["closed", "open"]
    await world.assert_clean()


async def test_a_bundle_is_stopped_part_by_part(world: World) -> None:
    merchant, bundle = await world.merchant(), await three_parts(world)
    buyer: dict[str, Any] = {"by": By.buyer, "org_id": merchant.org_id}
    async with world.gateway() as gateway:
        idle, _ = await opened(world, gateway, merchant, bundle)
        begun, tasks = await opened(world, gateway, merchant, bundle)
    await take(world, CLERK, tasks[0].task_id)
    for order in (idle, begun):
        assert outcome_of(await ask(world, order.order_id, Command.cancel, **buyer)) == "cancelling"
    assert await waits_for(world, begun.order_id) == [("fulfilment.manual_withdraw", "waiting")] * 2
    await world.assert_clean()
    await work(world)
    assert (await story(world, idle.order_id))[-2:] == ["order.partly_delivered", "order.settled"]
    assert [(task.state, task.is_stop_asked) for task in await tasks_of(world, begun)] == [
        ("taken", True), ("closed", False)
    ]  # fmt: skip
    await world.assert_clean()
    assert (await refuse(world, CLERK, tasks[0].task_id)).order_state == "settled"
    assert await wallet(world, merchant) == MONEY_E4 - PRICE_E4
    await world.assert_clean()


async def test_nobody_tops_up_yet_and_that_part_rests_with_its_job(world: World) -> None:
    plain, _ = await by_hand(world)
    merchant = await world.merchant()
    bundle = await bundle_of(world, part(plain), part(world.phone))
    async with world.gateway() as gateway:
        order, (task,) = await opened(world, gateway, merchant, bundle)
    assert await waits_for(world, order.order_id) == [("fulfilment.topup", "waiting")]
    async with world.db.connection() as connection:
        assert (await fulfilment.waiting(connection))["fulfilment.topup"] == 1
    await take(world, CLERK, task.task_id)
    assert (await answer(world, CLERK, task.task_id, Answer("好了"))).order_state == "fulfilling"
    await world.assert_clean()
    assert outcome_of(await ask(world, order.order_id, Command.deliver_part, part_no=2)) == "delivered"
    await world.assert_clean()


async def test_a_sandbox_plays_what_people_would_bring(world: World) -> None:
    bundle = await three_parts(world)
    merchant = await world.merchant()
    async with world.gateway() as gateway:
        placed = await gateway.place(merchant.sandbox, "a", bundle)
        assert isinstance(placed, ShownOrder)
        assert await waits_for(world, placed.order_id) == [("fulfilment.rehearse", "waiting")]
        await world.execute("UPDATE job SET due_at = now() - interval '1 s'")
        await work(world)
        shown, goods = await fulfilment.reveal(gateway.snapshot, merchant.sandbox, placed.order_id)
        found = await orders.find(gateway.snapshot, merchant.sandbox, [placed.order_id])
    assert ([one.state for one in shown.parts], [one.part_no for one in goods]) == (["delivered"] * 3, [2, 3])
    assert found[0].state == "delivered"
    await world.assert_clean()
