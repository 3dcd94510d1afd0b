"""The order's life against a plain model: late, double and contradicting commands in any order, the same books.

Runs the real verbs on PostgreSQL; after every run the audit is clean.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from itertools import count
from typing import Any, TypeVar

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from kameng import orders
from kameng.kit import clock
from kameng.orders import By, Refused, Terms
from kameng.orders.model import Answer, Command
from laws.effort import effort
from laws.lifebook import DAY_MS, MINUTE_MS, Lifebook
from laws.lives import ask, cards, code, houses, wallet, work
from laws.world import Gateway, Merchant, World

T = TypeVar("T")
TERMS = Terms(confirm_days=1, reserve_buyer_max=1000, reserve_ip_max=1000, reserve_share_percent=100)
ACTS = ["deliver", "fail", "doubt", "hold", "fulfil", "refuse", "cancel", "refund", "refund", "settle"]
_numbers = count(1)


class LifeMachine(RuleBasedStateMachine):
    """Runs in a thread, its verbs on the loop of the tests, where the database is."""

    world: World
    gateway: Gateway
    merchant: Merchant
    loop: asyncio.AbstractEventLoop
    start_ms: int

    def run(self, work_: Coroutine[Any, Any, T]) -> T:
        with clock.hold(self.model.now_ms):
            return asyncio.run_coroutine_threadsafe(work_, self.loop).result(60)

    @initialize()
    def begin(self) -> None:
        self.model = Lifebook({}, {}, self.start_ms)
        self.run(self.world.load(self.world.card, 2, lane=self.merchant.lane))
        self.model.money, self.model.cards = self.run(self.seen())
        self.ids: list[int] = []
        self.prefix = next(_numbers)

    async def seen(self) -> tuple[dict[str, int], dict[str, int]]:
        money = await houses(self.world) | {"wallet": await wallet(self.world, self.merchant)}
        return money, await cards(self.world)

    async def place_one(self, *, is_card: bool, waits: bool, is_guest: bool) -> Answer:
        sku = self.world.card if is_card else self.world.phone
        wish = await self.gateway.wish(self.merchant.caller, f"{self.prefix}-{next(_numbers)}", sku)
        if not waits:
            return await self.gateway.queues.place(wish)
        if is_guest:
            key = orders.key_of_guest(self.merchant.caller.organisation)
            wish = msgspec.structs.replace(wish, key=key)
        guest = orders.guest_from("138", "secret1") if is_guest else None
        return await orders.await_payment(self.gateway.snapshot, wish, guest=guest)

    @rule(is_card=st.booleans(), waits=st.booleans(), is_guest=st.booleans())
    def place(self, is_card: bool, waits: bool, is_guest: bool) -> None:
        total = (self.world.card if is_card else self.world.phone).list_price_e4
        answer = self.run(self.place_one(is_card=is_card, waits=waits, is_guest=is_guest))
        expected = (
            self.model.wait(is_card=is_card, is_guest=is_guest, total=total)
            if waits
            else self.model.place(is_card=is_card, total=total)
        )
        assert (answer.reason.code if isinstance(answer, Refused) else answer.state) == expected
        if not isinstance(answer, Refused):
            self.ids.append(answer.order_id)

    @precondition(lambda self: self.ids)
    @rule(
        number=st.integers(0, 50), act=st.sampled_from(ACTS), key=st.sampled_from("ab"),
        amount=st.sampled_from([None, None, 1, 400_000, 985_000, 996_500, 0]),
    )  # fmt: skip
    def command(self, number: int, act: str, key: str, amount: int | None) -> None:
        number %= len(self.ids)
        amount = amount if act == "refund" else None
        order_id, command = self.ids[number], Command(act)
        outcome = self.run(ask(self.world, order_id, command, key, by=By.staff, amount_e4=amount, terms=TERMS))
        assert code(outcome) == self.model.ask(number, act, key, amount)

    @precondition(lambda self: self.ids)
    @rule(number=st.integers(0, 50), reference=st.integers(1, 6), off=st.sampled_from([0, 0, 0, 0, -1, 1]))
    def pay(self, number: int, reference: int, off: int) -> None:
        number %= len(self.ids)
        key = f"alipay:{self.prefix}-{reference}"
        amount = self.model.orders[number].total + off
        outcome = self.run(
            ask(self.world, self.ids[number], Command.pay, key, by=By.staff, amount_e4=amount, terms=TERMS)
        )
        assert code(outcome) == self.model.ask(number, "pay", key, amount)

    @rule(ms=st.sampled_from([6 * MINUTE_MS, 6 * MINUTE_MS, DAY_MS + 1]))
    def pass_time(self, ms: int) -> None:
        self.model.pass_time(ms)
        self.run(work(self.world, TERMS))

    @invariant()
    def the_books_are_the_models(self) -> None:
        if hasattr(self, "ids"):
            money, lying = self.run(self.seen())
            assert money == {name: e4 for name, e4 in self.model.money.items() if e4 or name == "wallet"}
            assert lying == {state: n for state, n in self.model.cards.items() if n}

    def teardown(self) -> None:
        if hasattr(self, "ids"):
            self.run(self.world.assert_clean())
            self.pass_time(2 * DAY_MS)  # nothing is left to come due in the next run
            rows = self.run(self.world.rows("SELECT order_id, state FROM orders WHERE order_id = ANY ($1)", self.ids))
            states = {row["order_id"]: row["state"] for row in rows}
            assert [states[order_id] for order_id in self.ids] == [order.state for order in self.model.orders]


async def test_an_orders_life_is_what_a_plain_model_says(world: World) -> None:
    merchant = await world.merchant(money_e4=10**13)
    await world.execute("DELETE FROM risk_rule")  # how fast one phone is topped up is another law
    async with world.gateway(terms=TERMS) as gateway:
        facts = {
            "world": world, "gateway": gateway, "merchant": merchant, "loop": asyncio.get_running_loop(),
            "start_ms": clock.now_ms() - 60 * DAY_MS,
        }  # fmt: skip
        machine = type("Here", (LifeMachine,), facts)
        await asyncio.to_thread(run_state_machine_as_test, machine, settings=effort(examples=25, steps=30))
