"""Payments in any order: begun, paid, told (done at once, or set down first), told again, asked about, expired, given
back, with crashes at any commit.

Whatever happens, once all is told and time has passed the books are the same: the bank keeps exactly what was bought,
every other yuan went back, and the audit is clean. Runs the real verbs on PostgreSQL against a bank on loopback.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from kameng import payments
from kameng.channels import Method, Scene
from kameng.kit import clock
from kameng.kit.db import Connection, Database
from kameng.kit.errors import Refusal
from kameng.payments import Payment, PaymentUnknown, deferring
from laws.effort import effort
from laws.lives import wallet
from laws.world import Merchant, World
from payments.counter import CARD_E4, Counter, open_counter

T = TypeVar("T")
MINUTE_MS = 60_000
RECHARGE_E4, BONUS_E4, PART_E4 = 2_000_000, 50_000, 300_000


class Fragile(Database):
    """A database that is lost at some transaction: before its COMMIT, or when that stands and nobody was told."""

    lost_in = 0
    is_lost_after = False

    @asynccontextmanager
    async def transaction(self, *, durable: bool = True) -> AsyncIterator[Connection]:
        is_last = self.lost_in == 1
        self.lost_in = max(0, self.lost_in - 1)
        async with super().transaction(durable=durable) as connection:
            yield connection
            if is_last and not self.is_lost_after:
                raise ConnectionResetError("lost before the COMMIT")
        if is_last and self.is_lost_after:
            raise ConnectionResetError("lost after the COMMIT")


@dataclass
class Bought:
    """What somebody wants to pay, and his attempts."""

    order_id: int | None
    ref: str
    wallet_e4: int
    is_guest: bool
    payments: dict[str, Payment] = field(default_factory=dict)
    refunded: bool = False


class PaymentMachine(RuleBasedStateMachine):
    """Runs in a thread, its verbs on the loop of the tests, where the database is."""

    world: World
    counter: Counter
    merchant: Merchant
    fragile: Fragile
    loop: asyncio.AbstractEventLoop

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        with clock.hold(self.now_ms):
            return asyncio.run_coroutine_threadsafe(work, self.loop).result(120)

    @initialize()
    def open(self) -> None:
        self.now_ms = clock.now_ms()
        self.counter.cashier.inbox.is_open = False
        self.things: list[Bought] = []
        self.wallet_e4 = self.run(wallet(self.world, self.merchant))
        self.houses = self.run(self.counter.houses())
        self.owed = self.counter.bank.owed_minor
        self.mismatched_e4 = 0

    @rule(what=st.sampled_from(["order", "guest", "mixed", "recharge"]))
    def want(self, what: str) -> None:
        order_id = None
        if what != "recharge":
            contact = "13800000000" if what == "guest" else ""
            order_id = self.run(self.counter.order(self.merchant, contact=contact)).order_id
        wallet_e4 = PART_E4 if what == "mixed" else 0
        self.things.append(Bought(order_id, f"rc-{self.now_ms}-{len(self.things)}", wallet_e4, what == "guest"))

    @precondition(lambda self: self.things)
    @rule(
        number=st.integers(0, 20), method=st.sampled_from([Method.wechat, Method.alipay]),
        how=st.sampled_from(["accepted", "accepted", "refused_channel", "unknown"]),
    )  # fmt: skip
    def begin(self, number: int, method: Method, how: str) -> None:
        thing = self.things[number % len(self.things)]
        self.counter.bank.begins = [how]
        with suppress(Refusal, PaymentUnknown, ConnectionError):
            self.run(self.begun(thing, method))
        self.counter.bank.begins = []
        for payment in self.run(self.attempts(thing)):
            thing.payments[payment.payment_no] = payment

    async def begun(self, thing: Bought, method: Method) -> None:
        if thing.order_id is not None:
            await self.counter.begin(self.merchant, thing.order_id, method, wallet_e4=thing.wallet_e4)
        else:
            await payments.begin_recharge(
                self.counter.cashier, self.merchant.caller.organisation, RECHARGE_E4, client_ref=thing.ref,
                method=method, scene=Scene.qr, payer=payments.Payer(),
            )  # fmt: skip

    async def attempts(self, thing: Bought) -> list[Payment]:
        payable_id = thing.order_id
        if payable_id is None:
            found = await payments.list_recharges(self.world.db, self.merchant.caller.organisation, limit=100)
            payable_id = next((one.payable_id for one in found if one.client_ref == thing.ref), None)
        try:
            organisation = self.merchant.caller.organisation
            return await payments.find_payments(self.counter.cashier, organisation, payable_id or organisation.org_id)
        except payments.NoSuchPayment:
            return []

    def begun_ones(self) -> list[tuple[Bought, Payment]]:
        kept = self.counter.bank.payments
        return [(thing, one) for thing in self.things for no, one in thing.payments.items() if no in kept]

    @precondition(lambda self: self.begun_ones())
    @rule(number=st.integers(0, 50), off=st.sampled_from([0, 0, 0, 0, 0, -1]))
    def pay(self, number: int, off: int) -> None:
        every = self.begun_ones()
        _, payment = every[number % len(every)]
        if self.counter.bank.payments[payment.payment_no].state == "waiting":
            self.counter.bank.pay(payment.payment_no, payment.amount_e4 // 100 + off)
            self.mismatched_e4 += payment.amount_e4 + off * 100 if off else 0

    @precondition(lambda self: self.begun_ones())
    @rule(number=st.integers(0, 50), event=st.sampled_from("ab"), times=st.integers(1, 3), forged=st.booleans())
    def tell(self, number: int, event: str, times: int, forged: bool) -> None:
        every = self.begun_ones()
        _, payment = every[number % len(every)]
        if self.counter.bank.payments[payment.payment_no].state != "paid":
            return
        notice = self.counter.bank.notice(
            payment.payment_no, event_id=f"{event}-{payment.payment_no}", secret="guessed" if forged else None
        )

        async def all_at_once() -> list[int]:
            heard = (self.counter.hear(notice, channel=payment.channel_id) for _ in range(times))
            return list(await asyncio.gather(*heard))

        may_fail = bool(self.fragile.lost_in) or forged
        assert set(self.run(all_at_once())) <= ({200, 500} if may_fail else {200})

    @rule(is_open=st.booleans(), forgets=st.booleans())
    def storm(self, is_open: bool, forgets: bool) -> None:
        """From now on notices are set down, or are not; by a gateway that heard the earlier ones, or by another."""
        self.counter.cashier.inbox.is_open = is_open
        if forgets:
            self.counter.cashier._taken.clear()

    @rule()
    def work_off(self) -> None:
        with suppress(ConnectionError):
            self.run(self.worked_off())

    async def worked_off(self) -> None:
        for lane in self.world.lanes:
            while await deferring.work_off(self.counter.cashier, lane):
                pass

    @precondition(lambda self: self.things)
    @rule(number=st.integers(0, 20))
    def give_back(self, number: int) -> None:
        """Staff gives all of an order's money back to where it came from."""
        thing = self.things[number % len(self.things)]
        for payment in thing.payments.values():
            try:
                self.run(
                    payments.refund_to_origin(
                        self.counter.cashier, payment.payment_id, key="all", reason="asked for", actor_id=7
                    )
                )
            except (Refusal, ConnectionError):
                continue

    @rule(transactions=st.integers(1, 6), after=st.booleans())
    def lose(self, transactions: int, after: bool) -> None:
        self.fragile.lost_in, self.fragile.is_lost_after = transactions, after

    @rule(
        minutes=st.sampled_from([0.1, 1, 6, 11, 45]), closes=st.booleans(),
        refunds=st.sampled_from(["", "lost", "refused"]),
    )  # fmt: skip
    def pass_time(self, minutes: float, closes: bool, refunds: str) -> None:
        self.counter.bank.closes = [] if closes else ["rate_limited"]
        self.counter.bank.refund_states = [refunds] if refunds else []
        self.later(minutes)
        self.counter.bank.closes, self.counter.bank.refund_states = [], []

    def later(self, minutes: float) -> None:
        self.now_ms += int(minutes * MINUTE_MS)
        with suppress(ConnectionError):
            self.run(self.counter.work())

    def teardown(self) -> None:
        if not hasattr(self, "things"):
            return
        self.fragile.lost_in = 0
        self.counter.cashier.inbox.is_open = False
        self.run(self.worked_off())
        for minutes in (1, 11, 31, 60, 60, 120):  # everybody is asked, everything is closed, every refund is done
            self.later(minutes)
        self.run(self.counter.check())
        assert self.run(self.left()) == []
        self.run(self.compare())

    async def left(self) -> list[str]:
        kinds = await self.counter.waiting()
        kinds += ["notice"] * await self.world.scalar("SELECT count(*) FROM payment_inbox")
        held = await self.world.scalar("SELECT held_e4 FROM account WHERE account_id = $1", self.merchant.org_id)
        return kinds + (["held"] if held else [])

    async def compare(self) -> None:
        """Each thing that was paid was bought once, with one of its payments; whatever else came went back."""
        wallet_e4, sales_e4 = self.wallet_e4, self.houses.get("sales", 0)
        for thing in self.things:
            exact = [
                no for no, one in thing.payments.items()
                if no in self.counter.bank.payments and self.counter.bank.payments[no].paid_minor * 100 == one.amount_e4
            ]  # fmt: skip
            net = [self.net_minor(no) * 100 for no in exact]
            if thing.order_id is None:
                assert sum(net) == (RECHARGE_E4 if exact else 0), (thing, net)
                wallet_e4 += RECHARGE_E4 + BONUS_E4 if exact else 0
                continue
            state = await self.counter.state(thing.order_id)
            if state == "delivered":
                assert sum(net) == CARD_E4 - thing.wallet_e4, (thing, net)
                wallet_e4 -= thing.wallet_e4
                sales_e4 += CARD_E4
            else:
                assert state in ("expired", "refunded"), (thing, state)
                assert sum(net) == 0, (thing, net)
                assert not exact or state == "refunded" or thing.wallet_e4, (thing, state)
        assert await wallet(self.world, self.merchant) == wallet_e4
        houses = await self.counter.houses()
        assert houses.get("sales", 0) == sales_e4
        assert houses.get("suspense", 0) - self.houses.get("suspense", 0) == self.mismatched_e4
        assert houses.get("escrow", 0) == 0

    def net_minor(self, payment_no: str) -> int:
        kept = self.counter.bank.payments[payment_no]
        return kept.paid_minor - sum(one["amount"] for one in kept.refunds.values() if one["state"] == "done")


async def test_in_whatever_order_the_books_come_out_the_same(world: World) -> None:
    merchant = await world.merchant(money_e4=10**13)
    await world.load(world.card, 5000, lane=merchant.lane)
    async with open_counter(world) as counter:
        await counter.another()
        await payments.add_bonus(world.db, from_e4=RECHARGE_E4, give_e4=BONUS_E4, actor_id=7)
        fragile = Fragile(world.db.pool, world.url)
        counter.cashier.db = fragile
        facts = {
            "world": world, "counter": counter, "merchant": merchant, "fragile": fragile,
            "loop": asyncio.get_running_loop(),
        }  # fmt: skip
        machine = type("Here", (PaymentMachine,), facts)
        await asyncio.to_thread(run_state_machine_as_test, machine, settings=effort(examples=20, steps=30))
