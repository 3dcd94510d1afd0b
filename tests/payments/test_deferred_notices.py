"""Notices of a storm: set down, acknowledged, and done once right after, by whoever is there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import repeat
from typing import Any

import pytest

from kameng import channels, payments
from kameng.kit import clock, ids, jobs, lanes, metrics
from kameng.ops import upkeep
from kameng.payments import Cashier, Fact, Payment, Told, deferring, deferring_store, listening, store
from kameng.payments.deferring_store import Due
from kameng.payments.model import RefundFact
from kameng.payments.taking import DEFERRED_JOB, DESK_TRIES
from laws.world import Merchant
from payments.counter import TERMS, Counter

LYING = "SELECT count(*) FROM payment_inbox"


async def paid_one(counter: Counter, merchant: Merchant | None = None) -> tuple[Payment, int]:
    """A payment that its customer has paid and nobody told of yet, and its order."""
    merchant = merchant or await counter.world.merchant()
    await counter.world.load(counter.world.card, 1, lane=merchant.lane)
    order = await counter.order(merchant)
    payment = (await counter.begin(merchant, order.order_id)).payment
    counter.bank.pay(payment.payment_no)
    return payment, order.order_id


async def set_down(counter: Counter, *notices: Any) -> list[int]:
    """What the bank hears while notices are set down."""
    counter.cashier.inbox.is_open = True
    answers = await asyncio.gather(*(counter.hear(one) for one in notices))
    counter.cashier.inbox.is_open = False
    return list(answers)


async def work_off(counter: Counter, **more: Any) -> int:
    return sum([await deferring.work_off(counter.cashier, lane, **more) for lane in counter.world.lanes])


async def test_it_is_acknowledged_before_its_effect_and_has_it_once(counter: Counter) -> None:
    payment, order_id = await paid_one(counter)
    notice = counter.bank.notice(payment.payment_no)
    assert await set_down(counter, notice, notice) == [200, 200]
    assert await counter.state(order_id) == "awaiting_payment"
    assert await counter.world.scalar(LYING) == 1
    assert await work_off(counter) == 1
    assert await counter.state(order_id) == "delivered"
    assert (await counter.world.scalar(LYING), await work_off(counter)) == (0, 0)
    assert await counter.world.rows("SELECT event_id, effect FROM payment_notice") == [
        (f"event-{payment.payment_no}", "booked")
    ]
    assert await counter.world.scalar("SELECT count(*) FROM payment_message") == 1
    await counter.check()


async def test_one_that_was_told_directly_meanwhile_has_no_second_effect(counter: Counter) -> None:
    payment, order_id = await paid_one(counter)
    notice = counter.bank.notice(payment.payment_no)
    assert await set_down(counter, notice) == [200]
    counter.cashier._taken.clear()  # another gateway, which knows of nothing
    assert await counter.hear(notice) == 200
    assert await counter.state(order_id) == "delivered"
    assert await work_off(counter) == 1
    assert await counter.world.scalar(LYING) == 0
    assert await counter.world.scalar("SELECT count(*) FROM payment_notice") == 1
    await counter.check()


async def test_two_who_set_the_same_down_write_one_row_and_two_who_work_it_off_do_it_once(counter: Counter) -> None:
    payment, order_id = await paid_one(counter)
    notice = counter.bank.notice(payment.payment_no)
    async with another_cashier(counter) as other:
        other.inbox.is_open = True
        ack = await payments.hear(other, counter.channel, notice, address="127.0.0.1")
        assert (ack.status, await set_down(counter, notice)) == (200, [200])
        assert await counter.world.scalar(LYING) == 1
        lane = payment_lane(payment)
        done = await asyncio.gather(deferring.work_off(other, lane), deferring.work_off(counter.cashier, lane))
    assert sorted(done) == [0, 1]
    assert await counter.state(order_id) == "delivered"
    await counter.check()


async def test_what_proves_nothing_is_never_written(counter: Counter) -> None:
    payment, _ = await paid_one(counter)
    forged = counter.bank.notice(payment.payment_no, secret="guessed")
    assert await set_down(counter, forged) == [500]
    assert await counter.world.scalar(LYING) == 0


async def test_a_refunds_notice_and_one_of_nothing_of_ours_lie_there_as_they_were_told(counter: Counter) -> None:
    payment, _ = await paid_one(counter)
    lane = payment_lane(payment)
    at = clock.now()
    told = [
        Told(
            channel_id=counter.channel, event_id="refund", said="{}",
            fact=RefundFact(
                refund_id=5, channel_id=counter.channel, state=channels.RefundState.done, amount_e4=7
            ),
        ),
        Told(channel_id=counter.channel, event_id="other", fact=None),
        Told(
            channel_id=counter.channel, event_id="payment",
            fact=Fact(
                payment_id=payment.payment_id, channel_id=counter.channel, state=channels.State.paid,
                amount_e4=payment.amount_e4, currency="CNY", paid_at=at,
            ),
        ),
    ]  # fmt: skip
    async with counter.world.db.transaction() as connection:
        await deferring_store.set_down(connection, lane, at, told)
        lying = await deferring_store.take_out(connection, lane, Due(at, 10))
    assert {one.told.event_id: one.told for one in lying} == {one.event_id: one for one in told}
    assert {one.tries for one in lying} == {0}


async def test_when_the_oldest_has_waited_too_long_all_that_wait_are_set_down(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate of their lane is held, so nothing can have its effect: one stands before it, one waits."""
    merchant = await counter.world.merchant()
    (first, first_order), (second, second_order) = [await paid_one(counter, merchant) for _ in range(2)]
    lane = merchant.lane
    inbox = counter.cashier.inbox
    async with counter.world.db.transaction() as connection:
        await lanes.pass_gate(connection, lane)
        stuck = asyncio.create_task(counter.hear(counter.bank.notice(first.payment_no)))
        await until(lambda: bool(counter.cashier._under_way))
        await until(lambda: not inbox.waiting)  # its batch has it
        waits = asyncio.create_task(counter.hear(counter.bank.notice(second.payment_no)))
        await until(lambda: inbox.waiting == 1)
        inbox.look()
        assert not inbox.is_open
        monkeypatch.setattr(deferring, "AGE_MAX_S", 0.0)
        inbox.look()
        assert inbox.is_open
        assert (await waits, stuck.done()) == (200, False)
        assert (inbox.waiting, inbox.depth) == (0, 1)
    assert await stuck == 200
    assert await counter.state(first_order) == "delivered"
    assert await counter.state(second_order) == "awaiting_payment"
    await inbox.pace()
    assert inbox.is_open  # one came and none was done
    await inbox.pace()
    assert not inbox.is_open
    assert await work_off(counter) == 1
    assert await counter.state(second_order) == "delivered"
    await counter.check()


async def test_a_full_inbox_takes_no_more_and_providers_hear_that_they_are_to_come_again(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first, _), (second, second_order) = await paid_one(counter), await paid_one(counter)
    inbox = counter.cashier.inbox
    assert await set_down(counter, counter.bank.notice(first.payment_no)) == [200]
    monkeypatch.setattr(deferring, "DEPTH_MAX", 1)
    monkeypatch.setattr(listening, "WAITING_MAX", 0)
    inbox.is_open = True
    inbox.look()
    assert not inbox.is_open
    assert await counter.hear(counter.bank.notice(second.payment_no)) == 500
    assert await counter.world.scalar(LYING) == 1
    assert await work_off(counter) == 1
    await inbox.pace()
    assert inbox.depth == 0
    monkeypatch.undo()
    assert await counter.hear(counter.bank.notice(second.payment_no)) == 200
    assert await counter.state(second_order) == "delivered"
    await counter.check()


async def test_whoever_starts_works_off_what_lies_there(counter: Counter) -> None:
    payment, order_id = await paid_one(counter)
    assert await set_down(counter, counter.bank.notice(payment.payment_no)) == [200]
    later, later_order = await paid_one(counter)
    async with another_cashier(counter) as other:
        other.inbox.start()
        await delivered(counter, order_id)
        other.inbox.is_open = True
        other.inbox._paced_at_s = float("inf")
        ack = await payments.hear(other, counter.channel, counter.bank.notice(later.payment_no), address="127.0.0.1")
        assert ack.status == 200
        await delivered(counter, later_order)
    await counter.check()


async def test_who_waits_for_an_answer_goes_first_but_starves_nobody(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deferring, "GIVE_WAY_S", 0.0)
    monkeypatch.setattr(deferring, "BATCH_MAX", 1)
    merchant = await counter.world.merchant()
    some = [await paid_one(counter, merchant) for _ in range(3)]
    assert await set_down(counter, *(counter.bank.notice(one.payment_no) for one, _ in some)) == [200] * 3
    counter.cashier.inbox.hearing = 10**6
    counter.cashier.inbox.start()
    for _, order_id in some:
        await delivered(counter, order_id)
    counter.cashier.inbox.hearing = 0
    assert await counter.hear(counter.bank.notice(some[0][0].payment_no)) == 200
    assert counter.cashier.inbox.hearing == 0
    await counter.check()


async def test_the_worker_does_what_is_left_and_tells_how_much_lies_there(counter: Counter) -> None:
    payment, order_id = await paid_one(counter)
    assert await set_down(counter, counter.bank.notice(payment.payment_no)) == [200]
    (entry,) = [one for one in upkeep.paying_entries(counter.cashier) if one.name == "payments.tidy_inbox"]
    now_ms = clock.now_ms()
    with clock.hold(now_ms + 10_000):
        await entry.work(counter.world.db)  # its gateway may live
    assert await counter.state(order_id) == "awaiting_payment"
    assert value_of("kameng_deferred_notices") == 1
    assert 10 <= value_of("kameng_deferred_age_seconds") < 40
    with clock.hold(now_ms + 60_000):
        await entry.work(counter.world.db)
    assert await counter.state(order_id) == "delivered"
    assert (value_of("kameng_deferred_notices"), value_of("kameng_deferred_age_seconds")) == (0, 0)
    await counter.check()


async def test_what_breaks_holds_nobody_up_and_lies_on_the_desk_until_it_is_done(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = [await paid_one(counter) for _ in range(4)]
    bad, bad_order = some[1]
    read_due = store.read_due

    async def breaks(connection: Any, lane: int, payment_ids: Any) -> Any:
        if bad.payment_id in payment_ids:
            raise RuntimeError("a defect")
        return await read_due(connection, lane, payment_ids)

    monkeypatch.setattr(store, "read_due", breaks)
    assert await set_down(counter, *(counter.bank.notice(one.payment_no) for one, _ in some)) == [200] * 4
    now_ms = clock.now_ms()
    with clock.hold(now_ms):
        while await work_off(counter):
            pass
    assert [await counter.state(order_id) for _, order_id in some] == [
        "delivered", "awaiting_payment", "delivered", "delivered",
    ]  # fmt: skip
    for tries, minutes in enumerate((0.2, 0.6, 2, 5), 2):
        with clock.hold(now_ms + int(minutes * 60_000)):
            assert await work_off(counter) == 1
            assert await work_off(counter) == 0
        assert await counter.world.scalar("SELECT tries FROM payment_inbox") == tries
    assert tries == DESK_TRIES
    assert await counter.desk() == [DEFERRED_JOB]
    async with counter.world.db.connection() as connection:
        (item,) = [one for one in await jobs.desk(connection, payment_lane(bad)) if one.kind == DEFERRED_JOB]
    assert (item.subject_id, item.payload) == (
        bad.payment_id, {"channel": counter.channel, "event": f"event-{bad.payment_no}"},
    )  # fmt: skip
    monkeypatch.undo()
    with clock.hold(now_ms + 20 * 60_000):
        assert await work_off(counter) == 1
    assert await counter.state(bad_order) == "delivered"
    assert await counter.desk() == []
    await counter.check()


@asynccontextmanager
async def another_cashier(counter: Counter) -> AsyncIterator[Cashier]:
    """Of another gateway."""
    made = Cashier(counter.world.db, counter.world.ring, public_url="https://kameng.test", terms=TERMS)
    try:
        yield made
    finally:
        await made.close()


def payment_lane(payment: Payment) -> int:
    return ids.lane_of(payment.payment_id)


def value_of(name: str) -> float:
    value = metrics.registry.get_sample_value(name)
    assert value is not None
    return value


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        for _ in repeat(None):
            if is_so():
                return
            await asyncio.sleep(0)


async def delivered(counter: Counter, order_id: int) -> None:
    async with asyncio.timeout(60):
        for _ in repeat(None):
            if await counter.state(order_id) == "delivered":
                return
            await asyncio.sleep(0.01)
