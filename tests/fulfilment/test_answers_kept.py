"""Answers are re-sealed with a new key, removed when they are old, exported and erased with their person, and stay
where they are when their order is archived."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from kameng import fulfilment, identity, orders
from kameng.fulfilment import Answer, packing
from kameng.fulfilment.errors import NoSuchTask
from kameng.kit import clock, crypto, metrics
from kameng.kit.crypto import KeyMaterial
from kameng.ops import auditing, data_subject, doctor
from kameng.orders import ShownOrder
from kameng.stock import CardText
from laws.handwork import CLERK, PNG, answer, by_hand, take, task_of, work
from laws.lives import ordered
from laws.world import PHONE, Merchant, World

DAY_MS = 86_400_000


async def answered(world: World, merchant: Merchant, text: str) -> ShownOrder:
    _, phone = await by_hand(world)
    async with world.gateway() as gateway:
        order = await ordered(gateway, merchant, phone)
    await work(world)
    task = await task_of(world, order.order_id)
    await take(world, CLERK, task.task_id)
    await answer(world, CLERK, task.task_id, Answer(text, (CardText("N", "S3CRET-9"),), PNG))
    return order


async def test_a_rotated_ring_seals_them_again(world: World) -> None:
    merchant = await world.merchant(lane=0)
    order = await answered(world, merchant, "words")
    old = KeyMaterial(1, {1: b"1" * 32}, b"h" * 32)
    first = crypto.KeyRing(old)
    both = crypto.KeyRing(msgspec.structs.replace(old, current=2, keys={1: b"1" * 32, 2: b"2" * 32}))
    sealed, image = packing.seal(first, order.order_id, 0, Answer("words", image=PNG))
    await world.execute("UPDATE manual_answer SET sealed = $1, image = $2", sealed, image)
    assert await fulfilment.reseal(world.db, both, 0) == 2
    assert await fulfilment.reseal(world.db, both, 0) == 0
    only = crypto.KeyRing(msgspec.structs.replace(old, current=2, keys={2: b"2" * 32}))
    (row,) = await world.rows("SELECT sealed, image FROM manual_answer")
    assert packing.open_words(only, order.order_id, 0, row["sealed"]).text == "words"
    assert packing.open_image(only, order.order_id, 0, row["image"]) == PNG


async def test_old_ones_go_and_younger_ones_stay(world: World) -> None:
    merchant = await world.merchant(lane=0)
    await answered(world, merchant, "old")
    with clock.hold(clock.now_ms() + 190 * DAY_MS):
        young = await answered(world, merchant, "young")
        assert await fulfilment.purge_answers(world.db, 0, kept_days=180) == 1
        assert await world.rows("SELECT order_id FROM manual_answer") == [(young.order_id,)]
        assert await fulfilment.purge_answers(world.db, 0, kept_days=180) == 0
        assert await fulfilment.purge_answers(world.db, 1, kept_days=1) == 0
    await world.assert_clean()


async def test_an_archived_order_keeps_its_task_and_its_answer(world: World) -> None:
    merchant = await world.merchant(lane=0)
    order = await answered(world, merchant, "kept")
    with clock.hold(clock.now_ms() + 40 * DAY_MS):
        assert await orders.archive(world.db, 0, clock.now() - timedelta(days=35)) == 1
    await world.assert_clean()
    assert (await task_of(world, order.order_id)).state == "answered"
    done = fulfilment.TaskState.answered
    (shown,) = (await fulfilment.list_tasks(world.db, world.ring, CLERK, states=[done])).tasks
    assert shown.task.order_id == order.order_id
    goods, image = await fulfilment.reveal_to_staff(
        world.db, world.ring, order.order_id, reason="asked", actor_id=71, image_of=0
    )
    assert ([one.text for one in goods], image) == (["kept"], PNG)
    assert await orders.bring_back(world.db, 0) == 1
    report = await auditing.run(world.db, world.ring, sample_per_lane=50)
    assert [finding.law for finding in report.broken] == ["reveals_are_by_their_own"]  # there is no person 71


async def test_they_are_exported_and_erased_with_their_person(world: World) -> None:
    merchant = await world.merchant(lane=0)
    await answered(world, merchant, "已充值到您的手机")
    subject = await data_subject.subject_of(world.db, "phone", PHONE)
    found = await data_subject.export(world.db, world.ring, subject, reason="letter")
    assert [one["answers"] for one in found["orders"]] == [
        [{"part": 0, "text": "已充值到您的手机", "cards": 1, "image": "image/png"}]
    ]
    _, phone = await by_hand(world)
    async with world.gateway() as gateway:
        running = await ordered(gateway, merchant, phone)
    with pytest.raises(orders.OrdersRunning):
        await data_subject.erase(world.db, world.ring, subject, reason="letter")
    assert await world.scalar("SELECT count(*) FROM manual_answer") == 1
    await work(world)
    task = await task_of(world, running.order_id)
    await take(world, CLERK, task.task_id)
    await answer(world, CLERK, task.task_id, Answer("x"))
    assert (await data_subject.erase(world.db, world.ring, subject, reason="letter")).orders == 2
    assert await world.scalar("SELECT count(*) FROM manual_answer") == 0
    await world.assert_clean()


async def test_staff_reveals_in_a_persons_name(world: World) -> None:
    merchant = await world.merchant(lane=0)
    person_id = await identity.enrol(world.db, sign_in="clerk@example.com", name="小李")
    order = await answered(world, merchant, "words")
    goods, _ = await fulfilment.reveal_to_staff(world.db, world.ring, order.order_id, reason="来电", actor_id=person_id)
    assert goods[0].cards == (CardText("N", "S3CRET-9"),)
    assert "S3CRET" not in repr(goods)
    line = await world.rows("SELECT org_id, actor_id, data FROM audit_line WHERE act = 'order.reveal'")
    assert [tuple(row) for row in line] == [(merchant.org_id, person_id, {"reason": "来电"})]
    with pytest.raises(orders.OrderNotFound):
        await fulfilment.reveal_to_staff(world.db, world.ring, 4711 << 22, reason="x", actor_id=person_id)
    with pytest.raises(NoSuchTask):
        await fulfilment.find_task(world.db, world.ring, CLERK, 4711 << 22)
    await world.assert_clean()


async def test_the_numbers_say_what_waits_and_for_whom(world: World) -> None:
    merchant, (plain, _) = await world.merchant(lane=0), await by_hand(world)
    async with world.gateway() as gateway:
        first, _second = [await ordered(gateway, merchant, plain) for _ in range(2)]
        await ordered(gateway, merchant, world.phone)
    await work(world)
    await take(world, CLERK, (await task_of(world, first.order_id)).task_id)
    with clock.hold(clock.now_ms() + 3_600_000 * 3):
        await fulfilment.count(world.db)
    shown = metrics.render().decode()
    for line in (
        'kameng_tasks{state="open"} 1.0', 'kameng_tasks{state="taken"} 1.0', 'kameng_tasks{state="overdue"} 2.0',
        'kameng_waiting_orders{kind="fulfilment.topup"} 1.0', 'kameng_waiting_orders{kind="fulfilment.manual"} 0.0',
    ):  # fmt: skip
        assert line in shown
    async with world.db.connection() as connection:
        waits = await fulfilment.waiting(connection)
    found = doctor.waiting(waits, {"fulfilment.manual"})
    assert (found.ok, "fulfilment.topup 1." in found.what) == (False, True)
    assert doctor.waiting(waits, {"fulfilment.topup"}).ok
