"""Notices that come in crowds: repeats cost one effect and one batch, and a backlog is answered so that they return."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from kameng.payments import cashier, listening
from kameng.payments.model import Told
from payments.counter import Counter


class Watched:
    """What the counter's batches of notices were given. The first breaks if it ``fails``, once ``awaited`` came."""

    def __init__(self, counter: Counter, *, awaited: int = 1, fails: bool = False) -> None:
        self.told: list[Told] = []
        self.came = asyncio.Event()
        self._awaited = awaited
        self._fails = fails
        self._take_once = counter.cashier.take_once
        counter.cashier.take_once = self.take_once  # type: ignore[method-assign]
        self._run = counter.cashier.notices._run
        counter.cashier.notices._run = self.run

    async def run(self, lane: int, batch: Sequence[Told]) -> Any:
        if self._fails:
            await self.came.wait()
            self._fails = False
            raise RuntimeError("the disk is full")
        self.told += batch
        return await self._run(lane, batch)

    async def take_once(self, lane: int, told: Told) -> str:
        self._awaited -= 1
        if self._awaited == 0:
            self.came.set()
        return await self._take_once(lane, told)


async def begun(counter: Counter) -> tuple[str, int]:
    """A payment that its customer has paid: its number, and its order."""
    merchant = await counter.world.merchant()
    await counter.world.load(counter.world.card, 1)
    order = await counter.order(merchant)
    payment = (await counter.begin(merchant, order.order_id)).payment
    counter.bank.pay(payment.payment_no)
    return payment.payment_no, order.order_id


async def test_repeats_beside_and_after_the_first_are_one_thing_told(counter: Counter) -> None:
    number, order_id = await begun(counter)
    watched = Watched(counter)
    notice = counter.bank.notice(number)
    assert await asyncio.gather(*(counter.hear(notice) for _ in range(20))) == [200] * 20
    assert await counter.hear(notice) == 200
    assert await counter.state(order_id) == "delivered"
    assert len(watched.told) == 1
    assert await counter.hear(counter.bank.notice(number, event_id="another")) == 200
    assert [told.event_id for told in watched.told] == [f"event-{number}", "another"]
    await counter.check()


async def test_a_repeat_fails_with_the_first_and_is_taken_when_it_comes_again(counter: Counter) -> None:
    number, order_id = await begun(counter)
    watched = Watched(counter, awaited=2, fails=True)
    notice = counter.bank.notice(number)
    assert await asyncio.gather(counter.hear(notice), counter.hear(notice)) == [500, 500]
    assert await counter.state(order_id) == "awaiting_payment"
    assert await counter.hear(notice) == 200
    assert await counter.state(order_id) == "delivered"
    assert len(watched.told) == 1
    await counter.check()


async def test_one_whose_first_teller_left_is_taken_all_the_same(counter: Counter) -> None:
    number, order_id = await begun(counter)
    watched = Watched(counter)
    first = asyncio.ensure_future(counter.hear(counter.bank.notice(number)))
    await watched.came.wait()
    first.cancel()
    assert await counter.hear(counter.bank.notice(number)) == 200
    assert await counter.state(order_id) == "delivered"
    assert len(watched.told) == 1


async def test_what_is_remembered_is_bounded_and_the_inbox_knows_the_rest(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cashier, "TAKEN_MAX", 1)
    watched = Watched(counter)
    numbers = [(await begun(counter))[0] for _ in range(2)]
    for number in [*numbers, numbers[0]]:
        assert await counter.hear(counter.bank.notice(number)) == 200
    assert len(watched.told) == 3
    assert await counter.world.scalar("SELECT count(*) FROM payment_notice") == 2
    await counter.check()


async def test_beyond_what_can_be_done_in_time_a_provider_is_told_to_come_again(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, order_id = await begun(counter)
    monkeypatch.setattr(listening, "WAITING_MAX", 0)
    assert await counter.hear(counter.bank.notice(number)) == 500
    assert await counter.state(order_id) == "awaiting_payment"
    monkeypatch.undo()
    assert await counter.hear(counter.bank.notice(number)) == 200
    assert await counter.state(order_id) == "delivered"
