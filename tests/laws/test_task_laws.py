"""Tasks and their orders, commanded in any order: late, double and contradicting acts end in the same books.

Runs the real verbs on PostgreSQL against a plain model of one order after the other; after every run the audit is
clean, and nobody but the worker who answered had his words shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from kameng import catalogue, fulfilment
from kameng.catalogue import Sku
from kameng.fulfilment import Answer, Worker
from kameng.kit import clock
from kameng.orders import By
from kameng.orders.model import Command
from laws.effort import effort
from laws.handwork import MINUTE_MS, PRICE_E4, answer, by_hand, refuse, take, task_of, work, worker_of
from laws.handwork import code as task_code
from laws.lives import ask, code, houses, ordered, wallet
from laws.world import Gateway, Merchant, World

T = TypeVar("T")
CLERKS = (Worker(0, 71), Worker(0, 72))
TAKE_MS, DUE_MS = 30 * MINUTE_MS, 120 * MINUTE_MS
ACTS = ["deliver", "fail", "doubt", "hold", "fulfil", "refuse", "cancel", "refund"]


@dataclass
class PlainTask:
    """One order and its task as a child would keep them."""

    due_ms: int
    order: str = "fulfilling"
    state: str = "none"  # the job that opens it has not run
    holder: int = -1
    until_ms: int = 0
    begun: bool = False
    overdue: bool = False
    said: str = ""
    sayer: int = -1

    def turn(self, now_ms: int) -> None:
        """What the worker and the clock do."""
        if self.order == "fulfilling" and self.state in ("none", "closed"):
            self.state, self.due_ms = "open", now_ms + DUE_MS
            self.holder, self.begun, self.overdue = -1, False, False
        if self.order == "cancelling" and not self.begun:
            self.order = "refunded"
            self.state = "closed" if self.state in ("open", "taken") else self.state
        if self.state in ("open", "taken"):
            if self.order not in ("fulfilling", "cancelling", "review", "held"):
                self.state, self.holder = "closed", -1
                return
            if self.state == "taken" and self.until_ms <= now_ms:
                self.state, self.holder = "open", -1
            if self.due_ms <= now_ms and self.order in ("fulfilling", "cancelling"):
                self.overdue = True

    def holds(self, who: int, now_ms: int) -> str:
        if self.state not in ("open", "taken"):
            return "task_ended"
        if self.order not in ("fulfilling", "cancelling", "review"):
            return "state_forbids"
        if not (self.state == "taken" and now_ms < self.until_ms):
            return "task_not_taken"
        return "" if self.holder == who else "task_taken"

    def take(self, who: int, now_ms: int, *, suppliers: bool) -> str:
        """``who``: 0 and 1 are clerks, 2 is the supplier."""
        if who == 2 and not suppliers:
            return "no_such_task"
        if who < 2 and suppliers and not self.overdue:
            return "task_with_supplier"
        reason = self.holds(who, now_ms)
        takes_over = who < 2 and self.overdue and self.holder == 2
        if (reason == "task_taken" and not takes_over) or reason in ("task_ended", "state_forbids"):
            return reason
        if reason:
            self.state, self.holder, self.until_ms, self.begun = "taken", who, now_ms + TAKE_MS, True
        return "taken"

    def end(self, who: int, now_ms: int, said: str, *, suppliers: bool) -> str:
        if who == 2 and not suppliers:
            return "no_such_task"
        if self.state in ("answered", "refused"):
            if self.sayer != who:
                return "task_taken"
            return self.state if said == self.said else "answer_differs"
        reason = self.holds(who, now_ms)
        if reason:
            return reason
        self.said, self.sayer, self.state = said, who, "refused" if said.startswith("-") else "answered"
        self.order = "refunded" if self.state == "refused" else "delivered"
        return self.state

    def give_back(self, who: int, now_ms: int, *, suppliers: bool) -> str:
        if who == 2 and not suppliers:
            return "no_such_task"
        reason = self.holds(who, now_ms)
        if not reason and self.order == "cancelling":
            return "state_forbids"
        if not reason:
            self.state, self.holder, self.begun = "open", -1, False
        return reason or "open"

    def command(self, act: str) -> str:
        ways = {
            "deliver": ("delivered", {"fulfilling", "review", "cancelling", "held"}),
            "fail": ("refunded", {"fulfilling", "review", "cancelling"}),
            "doubt": ("review", {"fulfilling"}),
            "hold": ("held", {"fulfilling"}),
            "fulfil": ("fulfilling", {"held", "review"}),
            "refuse": ("refunded", {"held"}),
            "cancel": ("cancelling", {"fulfilling"}),
            "refund": ("refunded", {"delivered"}),
        }
        after, before = ways[act]
        if self.order not in before:
            return "state_forbids"
        self.order = after
        return after


class TaskMachine(RuleBasedStateMachine):
    """Runs in a thread, its verbs on the loop of the tests, where the database is."""

    world: World
    gateway: Gateway
    merchant: Merchant
    supplier: Merchant
    skus: tuple[Sku, Sku]
    loop: asyncio.AbstractEventLoop
    start_ms: int

    def run(self, work_: Coroutine[Any, Any, T]) -> T:
        with clock.hold(self.now_ms):
            return asyncio.run_coroutine_threadsafe(work_, self.loop).result(60)

    @initialize()
    def begin(self) -> None:
        self.now_ms = self.start_ms
        self.ids: list[int] = []
        self.tasks: list[tuple[PlainTask, bool]] = []
        self.before = self.run(self.money())

    async def money(self) -> dict[str, int]:
        held = await houses(self.world)
        return {name: held.get(name, 0) for name in ("escrow", "sales")} | {
            "wallet": await wallet(self.world, self.merchant)
        }

    @rule(suppliers=st.booleans())
    def place(self, suppliers: bool) -> None:
        order = self.run(ordered(self.gateway, self.merchant, self.skus[suppliers]))
        self.ids.append(order.order_id)
        self.tasks.append((PlainTask(self.now_ms + DUE_MS), suppliers))

    @rule(ms=st.sampled_from([0, 20 * MINUTE_MS, 31 * MINUTE_MS, 121 * MINUTE_MS]))
    def pass_time(self, ms: int) -> None:
        self.now_ms += ms
        self.run(work(self.world))
        for task, _ in self.tasks:
            task.turn(self.now_ms)

    def chosen(self, number: int) -> tuple[int, PlainTask, bool]:
        number %= len(self.ids)
        return self.ids[number], *self.tasks[number]

    def worker(self, who: int) -> Worker:
        return worker_of(self.supplier) if who == 2 else CLERKS[who]

    @precondition(lambda self: self.ids)
    @rule(number=st.integers(0, 9), act=st.sampled_from(ACTS))
    def command(self, number: int, act: str) -> None:
        order_id, task, _ = self.chosen(number)
        outcome = self.run(ask(self.world, order_id, Command(act), by=By.staff))
        assert code(outcome) == task.command(act)

    @precondition(lambda self: self.ids)
    @rule(
        number=st.integers(0, 9), who=st.integers(0, 2),
        act=st.sampled_from(["take", "take", "give back", "one", "one", "two", "-no", "-never"]),
    )  # fmt: skip
    def act(self, number: int, who: int, act: str) -> None:
        order_id, task, suppliers = self.chosen(number)
        if task.state == "none":
            return
        task_id, worker = self.run(task_of(self.world, order_id)).task_id, self.worker(who)
        if act == "take":
            expected = task.take(who, self.now_ms, suppliers=suppliers)
            doing: Any = take(self.world, worker, task_id)
        elif act == "give back":
            expected = task.give_back(who, self.now_ms, suppliers=suppliers)
            doing = fulfilment.give_back(self.world.db, worker, task_id)
        else:
            expected = task.end(who, self.now_ms, act, suppliers=suppliers)
            doing = (
                refuse(self.world, worker, task_id, act)
                if act.startswith("-")
                else answer(self.world, worker, task_id, Answer(act))
            )
        assert self.run(task_code(doing)) == expected

    @invariant()
    def the_books_are_the_models(self) -> None:
        if not getattr(self, "ids", None):
            return
        states = [task.order for task, _ in self.tasks]
        delivered, refunded = states.count("delivered"), states.count("refunded")
        expected = {
            "escrow": self.before["escrow"] + (len(states) - delivered - refunded) * PRICE_E4,
            "sales": self.before["sales"] + delivered * PRICE_E4,
            "wallet": self.before["wallet"] - (len(states) - refunded) * PRICE_E4,
        }
        assert self.run(self.money()) == expected

    def teardown(self) -> None:
        if not hasattr(self, "ids"):
            return
        self.pass_time(0)
        self.run(self.world.assert_clean())
        for order_id, (task, _) in zip(self.ids, self.tasks, strict=True):
            found = self.run(task_of(self.world, order_id)) if task.state != "none" else None
            if found is not None:
                assert (found.state, found.order_state) == (task.state, task.order)
        answers = self.run(self.world.rows("SELECT order_id FROM manual_answer WHERE order_id = ANY ($1)", self.ids))
        expected = [i for i, (task, _) in zip(self.ids, self.tasks, strict=True) if task.state == "answered"]
        assert sorted(row["order_id"] for row in answers) == expected
        for order_id, (task, _) in zip(self.ids, self.tasks, strict=True):  # nothing is left for the next run
            if task.order not in ("delivered", "refunded"):
                self.run(ask(self.world, order_id, Command.deliver, by=By.staff))
        self.run(work(self.world))


async def test_tasks_and_orders_are_what_a_plain_model_says(world: World) -> None:
    merchant = await world.merchant(money_e4=10**13)
    supplier = await world.merchant(kind="supplier", money_e4=0)
    plain, phone = await by_hand(world)
    phone = await catalogue.set_sku(world.db, phone.sku_id, {"worked_by": supplier.org_id, "form": ""})
    async with world.gateway() as gateway:
        facts = {
            "world": world, "gateway": gateway, "merchant": merchant, "supplier": supplier, "skus": (plain, phone),
            "loop": asyncio.get_running_loop(), "start_ms": clock.now_ms() - 60 * 24 * 60 * MINUTE_MS,
        }  # fmt: skip
        machine = type("Here", (TaskMachine,), facts)
        await asyncio.to_thread(run_state_machine_as_test, machine, settings=effort(examples=25, steps=30))
