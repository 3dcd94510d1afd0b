"""Goods that people work: from the order to its task, to the answer or the refusal; every refusal exact."""

from __future__ import annotations

from typing import Any

import pytest

from kameng import fulfilment, orders
from kameng.fulfilment import Answer, TaskState, Worker, packing
from kameng.fulfilment.errors import NoImage
from kameng.kit import clock
from kameng.orders import By, Command, ShownOrder
from kameng.stock import CardText
from laws.handwork import (
    CLERK,
    MINUTE_MS,
    PNG,
    PRICE_E4,
    answer,
    by_hand,
    code,
    refuse,
    take,
    task_of,
    work,
    worker_of,
)  # fmt: skip
from laws.lives import ask, houses, ordered, story, waits_for, wallet
from laws.world import MONEY_E4, PHONE, Gateway, Merchant, World
from topups import texts

TEXT = "已为您充值，序列号 90017"
CARDS = (CardText("HAND0001", "S3CRET-0001"), CardText("", "S3CRET-0002"))


async def one_order(world: World, gateway: Gateway, merchant: Merchant, sku: Any) -> ShownOrder:
    order = await ordered(gateway, merchant, sku)
    assert order.state == "fulfilling"
    return order


async def test_staff_takes_answers_and_the_buyer_has_it(world: World) -> None:
    merchant, (_, phone) = await world.merchant(), await by_hand(world)
    async with world.gateway() as gateway:
        order = await one_order(world, gateway, merchant, phone)
        assert await waits_for(world, order.order_id) == [("fulfilment.manual", "waiting")]
        await work(world)
        assert await waits_for(world, order.order_id) == []
        await world.assert_clean()
        task = await task_of(world, order.order_id)
        assert (task.state, task.worker_org_id, task.part_no, task.news) == ("open", 0, 0, None)
        taken = await take(world, CLERK, task.task_id)
        assert taken.account == {"phone": PHONE}
        assert PHONE not in repr(taken)
        done = await answer(world, CLERK, task.task_id, Answer(TEXT, CARDS, PNG))
        assert (done.state, done.order_state) == ("answered", "delivered")
        assert await houses(world) == {"clearing": -MONEY_E4, "sales": PRICE_E4}
        assert await story(world, order.order_id) == ["order.fulfilling", "order.delivered"]
        shown, (goods,) = await fulfilment.reveal(gateway.snapshot, merchant.caller, order.order_id)
        assert (shown.state, shown.cards) == ("delivered", ())
        assert (goods.part_no, goods.text, goods.cards) == (0, TEXT, CARDS)
        assert (goods.media_type, goods.image_bytes) == ("image/png", len(PNG))
        image = await fulfilment.reveal_image(gateway.snapshot, merchant.caller, order.order_id, 0)
        assert image == (PNG, "image/png")
        with pytest.raises(NoImage):
            await fulfilment.reveal_image(gateway.snapshot, merchant.caller, order.order_id, 1)
    acts = await world.rows("SELECT act FROM audit_line WHERE subject_id = $1 ORDER BY audit_id", order.order_id)
    assert [row["act"] for row in acts] == [
        "task.take", "order.account.reveal", "task.answered", *["order.reveal"] * 3
    ]  # fmt: skip
    await world.assert_clean()


async def test_nothing_of_an_answer_lies_in_clear(world: World) -> None:
    merchant, (_, phone) = await world.merchant(), await by_hand(world)
    async with world.gateway() as gateway:
        order = await one_order(world, gateway, merchant, phone)
    await work(world)
    task = await task_of(world, order.order_id)
    await take(world, CLERK, task.task_id)
    await answer(world, CLERK, task.task_id, Answer("秘密的文字 hidden words", CARDS, PNG))
    for place, row in (await texts(world)).items():
        assert not [one for one in ("hidden words", "S3CRET", "HAND0001", PHONE, PNG.hex()) if one in row], place


async def test_the_answer_is_its_orders_and_its_parts_alone(world: World) -> None:
    merchant, (plain, _) = await world.merchant(lane=0), await by_hand(world)
    async with world.gateway() as gateway:
        first, second = [await one_order(world, gateway, merchant, plain) for _ in range(2)]
        await work(world)
        for order, text in ((first, "first"), (second, "second")):
            task = await task_of(world, order.order_id)
            await take(world, CLERK, task.task_id)
            await answer(world, CLERK, task.task_id, Answer(text))
        await world.execute(
            "UPDATE manual_answer SET sealed = (SELECT sealed FROM manual_answer WHERE order_id = $1)"
            " WHERE order_id = $2", first.order_id, second.order_id,
        )  # fmt: skip
        assert (await fulfilment.reveal(gateway.snapshot, merchant.caller, first.order_id))[1][0].text == "first"
        with pytest.raises(orders.CardsNotOpened):
            await fulfilment.reveal(gateway.snapshot, merchant.caller, second.order_id)


async def test_it_is_shown_for_a_week_to_its_buyer_and_never_after_a_refund(world: World) -> None:
    merchant, other, (plain, _) = await world.merchant(lane=0), await world.merchant(lane=0), await by_hand(world)
    async with world.gateway() as gateway:
        kept, refunded = [await one_order(world, gateway, merchant, plain) for _ in range(2)]
        await work(world)
        for order in (kept, refunded):
            task = await task_of(world, order.order_id)
            await take(world, CLERK, task.task_id)
            await answer(world, CLERK, task.task_id, Answer(TEXT, image=PNG))
        with pytest.raises(orders.OrderNotFound):
            await fulfilment.reveal(gateway.snapshot, other.caller, kept.order_id)
        await ask(world, refunded.order_id, Command.refund, by=By.staff)
        for doing in (fulfilment.reveal, lambda *some: fulfilment.reveal_image(*some, 0)):
            with pytest.raises(orders.SecretsNotShown):
                await doing(gateway.snapshot, merchant.caller, refunded.order_id)
            with clock.hold(clock.now_ms() + 8 * 86_400_000), pytest.raises(orders.SecretsNotShown):
                await doing(gateway.snapshot, merchant.caller, kept.order_id)
    await world.assert_clean()


async def test_a_refusal_pays_back_and_says_why(world: World) -> None:
    merchant, (_, phone) = await world.merchant(), await by_hand(world)
    async with world.gateway() as gateway:
        order = await one_order(world, gateway, merchant, phone)
    await work(world)
    task = await task_of(world, order.order_id)
    await take(world, CLERK, task.task_id)
    assert await code(refuse(world, CLERK, task.task_id, f"{PHONE} 是空号")) == "bad_reason"
    done = await refuse(world, CLERK, task.task_id, "号码无法充值")
    assert (done.state, done.order_state) == ("refused", "refunded")
    assert await wallet(world, merchant) == MONEY_E4
    data = await world.scalar("SELECT data FROM event WHERE subject_id = $1 AND kind = 'order.failed'", order.order_id)
    assert data["reason"] == "号码无法充值"
    assert await code(refuse(world, CLERK, task.task_id, "号码无法充值")) == "refused"  # the same again
    assert await code(refuse(world, CLERK, task.task_id, "别的原因")) == "answer_differs"
    assert await code(answer(world, CLERK, task.task_id, Answer(TEXT))) == "answer_differs"
    assert await wallet(world, merchant) == MONEY_E4
    await world.assert_clean()


async def test_the_same_answer_again_is_the_same_and_another_is_refused(world: World) -> None:
    merchant, (plain, _) = await world.merchant(), await by_hand(world)
    async with world.gateway() as gateway:
        order = await one_order(world, gateway, merchant, plain)
    await work(world)
    task_id = (await task_of(world, order.order_id)).task_id
    assert await code(answer(world, CLERK, task_id, Answer(TEXT))) == "task_not_taken"
    await take(world, CLERK, task_id)
    second = Worker(0, 72)
    assert await code(take(world, second, task_id)) == "task_taken"
    assert await code(answer(world, second, task_id, Answer(TEXT))) == "task_taken"
    first = await answer(world, CLERK, task_id, Answer(TEXT))
    again = await answer(world, CLERK, task_id, Answer(TEXT))
    assert (again.state, again.ended_at, again.order_state) == ("answered", first.ended_at, "delivered")
    assert await code(answer(world, CLERK, task_id, Answer(TEXT + "!"))) == "answer_differs"
    assert await code(answer(world, second, task_id, Answer(TEXT))) == "task_taken"
    assert await code(take(world, CLERK, task_id)) == "task_ended"
    assert await story(world, order.order_id) == ["order.fulfilling", "order.delivered"]
    assert await world.scalar("SELECT count(*) FROM manual_answer") == 1
    await world.assert_clean()


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (Answer(), "text"),
        (Answer(" \n"), "text"),
        (Answer("x" * 4001), "text"),
        (Answer("bell \x07"), "text"),
        (Answer(cards=(CardText("1", ""),)), "cards"),
        (Answer(cards=(CardText("1", "x" * 501),)), "cards"),
        (Answer(cards=(CardText("", "x"),) * 1001), "cards"),
        (Answer(image=b"GIF89a" + b"0" * 50), "image"),
        (Answer(image=b"<svg onload=x>"), "image"),
        (Answer(image=PNG + b"0" * (1 << 20)), "image"),
    ],
)
async def test_an_answer_that_cannot_be(world: World, content: Answer, field: str) -> None:
    with pytest.raises(fulfilment.BadAnswer) as refused:
        await answer(world, CLERK, 1 << 22, content)
    assert (refused.value.field, bool(refused.value.detail_zh)) == (field, True)


def test_an_image_is_what_it_begins_with() -> None:
    assert packing.media_type_of(b"\xff\xd8\xff\xe0JFIF") == "image/jpeg"
    assert packing.media_type_of(b"RIFF\x10\x00\x00\x00WEBPVP8 ") == "image/webp"
    assert packing.media_type_of(b"RIFF\x10\x00\x00\x00WAVEfmt ") == ""
    assert packing.media_type_of(PNG) == "image/png"


async def test_what_is_taken_too_long_is_open_again(world: World) -> None:
    merchant, (plain, _) = await world.merchant(), await by_hand(world)
    async with world.gateway() as gateway:
        order = await one_order(world, gateway, merchant, plain)
    await work(world)
    task_id = (await task_of(world, order.order_id)).task_id
    await take(world, CLERK, task_id)
    with clock.hold(clock.now_ms() + 31 * MINUTE_MS):
        assert await code(answer(world, CLERK, task_id, Answer(TEXT))) == "task_not_taken"
        await work(world)
        found = await task_of(world, order.order_id)
        assert (found.state, found.taker_org_id, found.is_begun, found.is_overdue) == ("open", None, True, False)
        assert await code(take(world, Worker(0, 72), task_id)) == "taken"
        assert await code(answer(world, CLERK, task_id, Answer(TEXT))) == "task_taken"
        assert await code(answer(world, Worker(0, 72), task_id, Answer(TEXT))) == "answered"
    await world.assert_clean()


async def test_given_back_and_worked_by_another(world: World) -> None:
    merchant, (plain, _) = await world.merchant(), await by_hand(world)
    async with world.gateway() as gateway:
        order = await one_order(world, gateway, merchant, plain)
    await work(world)
    task_id = (await task_of(world, order.order_id)).task_id
    await take(world, CLERK, task_id)
    assert await code(fulfilment.give_back(world.db, Worker(0, 72), task_id)) == "task_taken"
    assert await code(fulfilment.give_back(world.db, CLERK, task_id)) == "open"
    assert await code(fulfilment.give_back(world.db, CLERK, task_id)) == "task_not_taken"
    assert await code(take(world, Worker(0, 72), task_id)) == "taken"
    await world.assert_clean()


async def test_a_supplier_is_told_warned_and_left_behind(world: World) -> None:
    """His clock: the promise of the SKU. Overdue, the staff may take it even out of his hands."""
    supplier = await world.merchant(kind="supplier", money_e4=0, lane=1)
    await world.execute("UPDATE organisation SET wants_events = true WHERE org_id = $1", supplier.org_id)
    merchant, (plain, _) = await world.merchant(lane=0), await by_hand(world, supplier, minutes=20)
    him, start_ms = worker_of(supplier), clock.now_ms()
    with clock.hold(start_ms):
        async with world.gateway() as gateway:
            order = await one_order(world, gateway, merchant, plain)
        await work(world)
    task_id = (await task_of(world, order.order_id)).task_id
    told = "SELECT kind, due, data FROM event WHERE subject_id = $1 AND lane = 1 ORDER BY sequence"
    (opened,) = await world.rows(told, task_id)
    assert (opened["kind"], opened["due"]) == ("task.opened", True)
    assert opened["data"] == {
        "task": str(task_id), "order": str(order.order_id), "part": 0, "sku": str(plain.sku_id), "quantity": 1,
        "state": "open", "due_at": clock.rfc3339((await task_of(world, order.order_id)).due_at),
    }  # fmt: skip
    with clock.hold(start_ms + 10 * MINUTE_MS):
        assert await code(take(world, CLERK, task_id)) == "task_with_supplier"
        assert await code(take(world, him, task_id)) == "taken"
        await work(world)
    with clock.hold(start_ms + 15 * MINUTE_MS):
        await work(world)
        await work(world)
    with clock.hold(start_ms + 20 * MINUTE_MS):
        for _ in range(3):
            await work(world)
        kinds = [row["kind"] for row in await world.rows(told, task_id)]
        assert kinds == ["task.opened", "task.due_soon", "task.overdue"]
        assert await story(world, order.order_id) == ["order.fulfilling", "order.overdue"]
        await world.assert_clean()
        assert await code(take(world, CLERK, task_id)) == "taken"
        assert await code(answer(world, him, task_id, Answer(TEXT))) == "task_taken"
        assert await code(answer(world, CLERK, task_id, Answer(TEXT))) == "answered"
        await work(world)
    assert [row["kind"] for row in await world.rows(told, task_id)][3:] == ["task.taken_over"]
    assert await story(world, order.order_id) == ["order.fulfilling", "order.overdue", "order.delivered"]
    await world.assert_clean()


async def test_the_clock_is_extended_once_and_in_time(world: World) -> None:
    merchant, (plain, _) = await world.merchant(), await by_hand(world)
    async with world.gateway() as gateway:
        first, late = [await one_order(world, gateway, merchant, plain) for _ in range(2)]
    await work(world)
    before, other = await task_of(world, first.order_id), await task_of(world, late.order_id)

    def more(task_id: int, minutes: int = 60, reason: str = "等待上游") -> Any:
        return code(fulfilment.extend(world.db, world.ring, CLERK, task_id, minutes, reason=reason))

    assert await more(before.task_id, reason=" ") == "bad_reason"
    assert await more(before.task_id, minutes=0) == "bad_answer"
    assert await more(before.task_id) == "open"
    assert ((await task_of(world, first.order_id)).due_at - before.due_at).total_seconds() == 3600
    assert await more(before.task_id) == "task_clock_fixed"
    with clock.hold(clock.now_ms() + 121 * MINUTE_MS):
        assert await more(other.task_id) == "task_clock_fixed"
        await work(world)
        assert [(await task_of(world, o.order_id)).is_overdue for o in (first, late)] == [False, True]
    await world.assert_clean()


async def test_what_nobody_has_begun_is_stopped_at_once(world: World) -> None:
    supplier = await world.merchant(kind="supplier", money_e4=0, lane=0)
    merchant, (plain, _) = await world.merchant(lane=0), await by_hand(world, supplier)
    him, buyer = worker_of(supplier), {"by": By.buyer, "org_id": merchant.org_id}
    async with world.gateway() as gateway:
        untouched, unopened, stopped, came = [await one_order(world, gateway, merchant, plain) for _ in range(4)]
    await ask(world, unopened.order_id, Command.cancel, "buyer", **buyer)  # before anybody could see it
    await work(world)
    assert [t.state for t in [await task_of(world, o.order_id) for o in (untouched, stopped, came)]] == ["open"] * 3
    for order in (stopped, came):
        await take(world, him, (await task_of(world, order.order_id)).task_id)
    for order in (untouched, stopped, came):
        await ask(world, order.order_id, Command.cancel, "buyer", **buyer)
    await work(world)
    states = dict(map(tuple, await world.rows("SELECT order_id, state FROM orders")))
    assert [states[o.order_id] for o in (untouched, unopened, stopped, came)] == [
        "refunded", "refunded", "cancelling", "cancelling"
    ]  # fmt: skip
    assert (await task_of(world, untouched.order_id)).state == "closed"
    await world.assert_clean()
    task_id = (await task_of(world, stopped.order_id)).task_id
    assert (await task_of(world, stopped.order_id)).is_stop_asked
    assert await story(world, task_id) == ["task.opened", "task.stop_asked"]
    assert await code(fulfilment.give_back(world.db, him, task_id)) == "state_forbids"
    assert await code(refuse(world, him, task_id, "已停止")) == "refused"
    assert await code(answer(world, him, (await task_of(world, came.order_id)).task_id, Answer(TEXT))) == "answered"
    assert await wallet(world, merchant) == MONEY_E4 - PRICE_E4
    await work(world)
    await world.assert_clean()


async def test_an_order_that_went_another_way_takes_no_answer(world: World) -> None:
    merchant, (plain, _) = await world.merchant(), await by_hand(world)
    async with world.gateway() as gateway:
        delivered, failed, held, doubted = [await one_order(world, gateway, merchant, plain) for _ in range(4)]
    await work(world)
    found = {o.order_id: (await task_of(world, o.order_id)).task_id for o in (delivered, failed, held, doubted)}
    for task_id in found.values():
        await take(world, CLERK, task_id)
    for order, command in ((delivered, "deliver"), (failed, "fail"), (held, "hold"), (doubted, "doubt")):
        await ask(world, order.order_id, Command(command), by=By.staff)
    for order in (delivered, failed, held):
        assert await code(answer(world, CLERK, found[order.order_id], Answer(TEXT))) == "state_forbids"
    await work(world)
    states = [(await task_of(world, o.order_id)).state for o in (delivered, failed, held)]
    assert states == ["closed", "closed", "taken"]
    assert await code(answer(world, CLERK, found[failed.order_id], Answer(TEXT))) == "task_ended"
    # Held and let go: it goes on as it was. Of unknown outcome: its worker knows it.
    await ask(world, held.order_id, Command.fulfil, by=By.staff)
    await work(world)
    assert await code(answer(world, CLERK, found[held.order_id], Answer(TEXT))) == "answered"
    assert await code(answer(world, CLERK, found[doubted.order_id], Answer(TEXT))) == "answered"
    assert await world.scalar("SELECT count(*) FROM manual_answer") == 2
    await world.assert_clean()


async def test_a_task_is_reopened_with_its_order(world: World) -> None:
    merchant, (plain, _) = await world.merchant(), await by_hand(world)
    async with world.gateway() as gateway:
        order = await one_order(world, gateway, merchant, plain)
    await work(world)
    await world.execute("UPDATE manual_task SET state = 'closed', ended_at = now()")
    await ask(world, order.order_id, Command.doubt, by=By.staff)
    await ask(world, order.order_id, Command.fulfil, by=By.staff)
    await work(world)
    found = await task_of(world, order.order_id)
    assert (found.state, found.ended_at) == (TaskState.open, None)
    await world.assert_clean()
