"""A channel whose create failed is tried at once, without a customer: before the next one would meet an outage."""

from __future__ import annotations

import asyncio
import contextlib

from kameng import payments
from kameng.kit import clock
from payments.bank import Bank
from payments.counter import Counter
from payments.test_routing_at_work import begin, creates, other

__all__ = ["other"]


async def test_a_first_failure_is_tested_at_once_without_a_customer(counter: Counter, other: Bank) -> None:
    cashier, merchant = counter.cashier, await counter.world.merchant()
    router = cashier.router
    other.begins = ["refused_channel", "refused_channel"]
    while len(other.begins) == 2:
        await begin(cashier, merchant)
    assert router.learner.breaker(2, clock.now_ms()) == "closed"
    router._test = lambda number: payments.probe_channel(cashier, number, actor_id=0)
    router.test_suspects()
    router.test_suspects()  # it is on its way
    assert len(router._tests) == 1
    await asyncio.gather(*router._tests)
    assert (other.begins, creates(other)) == ([], 2)
    assert router.learner.breaker(2, clock.now_ms()) == "open"
    assert {(await begin(cashier, merchant)).payment.channel_id for _ in range(10)} == {1}
    (heard,) = [note for note in router._unsent if note.what == "tested"]
    assert (heard.channel_id, heard.outcome, 0 < heard.began_ms <= heard.at_ms) == (2, "refused_channel", True)


async def test_what_cant_be_tested_waits_for_its_next_customer(counter: Counter, other: Bank) -> None:
    cashier, merchant = counter.cashier, await counter.world.merchant()
    other.begins = ["refused_channel"]
    while other.begins:
        await begin(cashier, merchant)

    async def refuse(number: int) -> None:
        raise payments.BadChannel(f"{number}: none begins without a customer", field="offers")

    cashier.router._test = refuse
    cashier.router.test_suspects()
    with contextlib.suppress(payments.BadChannel):
        await asyncio.gather(*cashier.router._tests)
    cashier.router.test_suspects()
    assert cashier.router._tests == set()
    with clock.hold(clock.now_ms() + 3_000):
        cashier.router.look()
        assert cashier.router.learner.breaker(2, clock.now_ms()) == "closed"
