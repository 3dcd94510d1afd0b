"""Payouts in any order: sent, answered, not answered, done late, told by files, decided, with crashes at any commit.

Whatever happens, once time has passed every withdrawal is paid once or back in its wallet, and whoever paid says the
same: no payee was paid of a withdrawal that went back. Runs the real verbs on PostgreSQL; the provider and the bank are
here, with books of their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar, cast

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from kameng import channels, finance, payments
from kameng.channels import Account, Http, Outcome, PaidOut, Payout, PayoutState, ProtocolSpec
from kameng.finance import Payee, Terms
from kameng.kit import clock
from kameng.kit.errors import Refusal
from kameng.kit.working import Limits, Worker
from laws.effort import effort
from laws.test_payment_laws import MINUTE_MS, Fragile
from laws.world import Merchant, World
from payments.bank import Loopback
from payments.counter import open_counter

T = TypeVar("T")
YUAN = 10_000
TERMS = Terms(adjustment_limit_e4=0, withdrawal_limit_e4=10**12, fee_per_mille=10)
MONEY_E4 = 10**9
LATE_MS = 4 * MINUTE_MS
HOWS = ["done", "processing", "lost_before", "lost_after", "late", "declined", "empty", "broken"]


@dataclass
class Provider:
    """What a provider has in its books; ``hows`` is what it does with the next calls."""

    hows: list[str] = field(default_factory=list)
    made: dict[str, str] = field(default_factory=dict)
    on_the_way: dict[str, int] = field(default_factory=dict)

    def arrive(self) -> None:
        for number, at_ms in list(self.on_the_way.items()):
            if at_ms <= clock.now_ms():
                del self.on_the_way[number]
                self.made.setdefault(number, "done")

    def call(self, number: str) -> PaidOut:
        self.arrive()
        how = self.hows.pop(0) if self.hows else "done"
        if number in self.made and how in ("done", "processing", "declined", "empty"):
            return self.said(number)
        if how in ("done", "processing", "lost_after"):
            self.made.setdefault(number, "processing" if how == "processing" else "done")
        if how == "late":  # nobody was told, and it is done some minutes later
            self.on_the_way[number] = clock.now_ms() + LATE_MS
        refusals = {"declined": Outcome.declined_user, "empty": Outcome.rate_limited, "broken": Outcome.refused_config}
        if how in refusals:
            return PaidOut(outcome=refusals[how], code=how)
        return self.said(number) if how in ("done", "processing") else PaidOut(outcome=Outcome.unknown)

    def said(self, number: str) -> PaidOut:
        state = self.made.get(number)
        if state is None:
            return PaidOut(outcome=Outcome.done, state=PayoutState.absent)
        return PaidOut(outcome=Outcome.done, state=PayoutState(state), provider_no=f"P{number}")

    def query(self, number: str) -> PaidOut:
        self.arrive()
        how = self.hows.pop(0) if self.hows else "done"
        return PaidOut(outcome=Outcome.unknown) if how.startswith("lost") else self.said(number)


class Adapter(Loopback):
    provider: ClassVar[Provider]

    def __init__(self, account: Account, http: Http) -> None:
        pass

    async def pay_out(self, payout: Payout) -> PaidOut:
        return self.provider.call(payout.payout_no)

    async def payout_query(self, payout: Payout) -> PaidOut:
        return self.provider.query(payout.payout_no)


def _open(account: Account, http: Http) -> Any:
    return Adapter(account, http)


PROTOCOL = "loopback_payouts"


class PayoutMachine(RuleBasedStateMachine):
    """Runs in a thread, its verbs on the loop of the tests, where the database is."""

    world: World
    merchant: Merchant
    fragile: Fragile
    workplace: payments.Workplace
    channel: int
    loop: asyncio.AbstractEventLoop

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        with clock.hold(self.now_ms):
            return asyncio.run_coroutine_threadsafe(work, self.loop).result(120)

    def try_it(self, work: Coroutine[Any, Any, T]) -> T | None:
        with suppress(Refusal, ConnectionError):
            return self.run(work)
        return None

    @initialize()
    def open(self) -> None:
        self.now_ms = clock.now_ms()
        self.provider = Adapter.provider = Provider()
        self.at_bank: dict[str, str] = {}
        self.ones: list[finance.Withdrawal] = []
        self.fragile.lost_in = 0
        self.before_e4 = self.run(self._wallet())

    async def _wallet(self) -> int:
        wallet = await self.world.rows(
            "SELECT posted_e4 FROM account WHERE account_id = $1 AND held_e4 = 0", self.merchant.org_id
        )
        return int(wallet[0]["posted_e4"])

    @rule(method=st.sampled_from(["bank", "alipay"]))
    def want(self, method: str) -> None:
        payee = Payee("alipay", "张", "13812345678") if method == "alipay" else Payee("bank", "张", "62220200", "招行")

        async def ask() -> finance.Withdrawal:
            one = await finance.ask_withdrawal(
                self.world.db, self.world.ring, self.merchant.caller.organisation, 100 * YUAN, payee=payee,
                client_ref=f"W-{self.now_ms}-{len(self.ones)}-{id(self)}", terms=TERMS, actor_id=5,
            )  # fmt: skip
            return await finance.approve_withdrawal(self.world.db, one.withdrawal_id, actor_id=71)

        self.ones.append(self.run(ask()))

    @rule(lost_in=st.integers(1, 4), is_after=st.booleans())
    def crash_soon(self, lost_in: int, is_after: bool) -> None:
        self.fragile.lost_in, self.fragile.is_lost_after = lost_in, is_after

    @rule(hows=st.lists(st.sampled_from(HOWS), max_size=4))
    def behave(self, hows: list[str]) -> None:
        self.provider.hows = list(hows)

    @precondition(lambda self: self.ones)
    @rule(data=st.data())
    def send(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.ones))
        sent = payments.send_withdrawal(self.fragile, one.withdrawal_id, self.channel, actor_id=71)
        self.try_it(sent)

    @rule()
    def make_batch(self) -> None:
        self.try_it(finance.make_batch(self.fragile, actor_id=71))

    @precondition(lambda self: self.ones)
    @rule(data=st.data(), said=st.sampled_from(["成功", "失败", "处理中"]))
    def tell(self, data: st.DataObject, said: str) -> None:
        """The bank says one thing of a payout, for ever."""
        one = data.draw(st.sampled_from(self.ones))
        number = f"W{one.withdrawal_id}"
        if one.method != "bank" or self.run(self._state(one)) == "approved":
            return
        if said != "处理中":
            said = self.at_bank.setdefault(number, said)
        file = f"附言,处理结果\n{number},{said}\n".encode()
        self.try_it(finance.import_bank_result(self.fragile, file, actor_id=72))

    async def _state(self, one: finance.Withdrawal) -> str:
        found = await finance.find_withdrawal(self.world.db, self.merchant.caller.organisation, one.withdrawal_id)
        return found.state.value

    @rule(minutes=st.sampled_from([0, 1, 5, 30, 300]))
    def pass_time(self, minutes: int) -> None:
        self.now_ms += minutes * MINUTE_MS

    @rule()
    def work(self) -> None:
        with suppress(ConnectionError):
            self.run(self._work())

    async def _work(self) -> None:
        kinds = (finance.PAYOUT_JOB,)
        handlers = [one for one in payments.handlers(self.workplace) if one.kind in kinds]
        worker = Worker(self.fragile, handlers, lanes=self.world.lanes, limits=Limits())
        while await worker.work_once():
            pass

    @precondition(lambda self: self.ones)
    @rule(data=st.data())
    def give_up_or_try_again(self, data: st.DataObject) -> None:
        """A person who looked at the provider first says what is true; only of what lies with him."""
        one = data.draw(st.sampled_from(self.ones))
        if one.method == "bank":
            return
        with clock.hold(self.now_ms):
            self.provider.arrive()
        number = f"W{one.withdrawal_id}"
        if number in self.provider.on_the_way or self.provider.made.get(number) == "processing":
            self.try_it(payments.retry_payout(self.fragile, one.withdrawal_id, actor_id=72))
            return
        word = {"reference": f"P{number}"} if number in self.provider.made else {"note": "it is not there"}
        self.try_it(payments.decide_payout(self.fragile, one.withdrawal_id, **word, actor_id=72))

    def teardown(self) -> None:
        self.fragile.lost_in, self.provider.hows = 0, []
        for one in self.ones:
            if self.run(self._state(one)) == "approved" and one.method == "alipay":
                self.run(payments.send_withdrawal(self.fragile, one.withdrawal_id, self.channel, actor_id=71))
        with suppress(Refusal):
            self.run(finance.make_batch(self.fragile, actor_id=71))
        for one in self.ones:
            if one.method == "bank":
                number = f"W{one.withdrawal_id}"
                said = self.at_bank.setdefault(number, "成功")
                file = f"附言,处理结果\n{number},{said}\n".encode()
                self.run(finance.import_bank_result(self.fragile, file, actor_id=72))
            else:
                self.try_it(payments.retry_payout(self.fragile, one.withdrawal_id, actor_id=72))
        for number, state in self.provider.made.items():
            if state == "processing":
                self.provider.made[number] = "done"
        for minutes in (1, 5, 20, 70, 70, 70, 70):
            self.now_ms += minutes * MINUTE_MS
            self.run(self._work())
        self.run(self._check())

    async def _check(self) -> None:
        self.provider.arrive()
        left_e4 = self.before_e4
        for one in self.ones:
            number, state = f"W{one.withdrawal_id}", await self._state(one)
            if one.method == "alipay":
                assert state == ("paid" if number in self.provider.made else "failed"), number
            else:
                assert state == {"成功": "paid", "失败": "failed"}[self.at_bank[number]], number
            left_e4 -= one.amount_e4 if state == "paid" else 0
        assert await self._wallet() == left_e4
        await self.world.assert_clean()


async def test_in_whatever_order_each_is_paid_once_or_back(world: World) -> None:
    merchant = await world.merchant(money_e4=MONEY_E4)
    spec = ProtocolSpec(PROTOCOL, "回环", "loopback", (), (("wechat", "qr"),), _open, pays_out=True)  # type: ignore[arg-type]
    protocols = cast(dict[str, ProtocolSpec], channels.PROTOCOLS)
    protocols[PROTOCOL] = spec
    Adapter.provider = Provider()
    async with open_counter(world) as counter:
        channel = await payments.add_channel(
            world.db, world.ring, protocol=PROTOCOL, name="payouts", credentials={}, actor_id=7
        )
        await payments.switch_channel(world.db, channel, on=True, reason="open", actor_id=7)
        counter.forget()
        fragile = Fragile(world.db.pool, world.url)
        counter.cashier.db = fragile
        facts = {
            "world": world, "merchant": merchant, "fragile": fragile, "workplace": counter.cashier, "channel": channel,
            "loop": asyncio.get_running_loop(),
        }  # fmt: skip
        machine = type("Here", (PayoutMachine,), facts)
        try:
            await asyncio.to_thread(run_state_machine_as_test, machine, settings=effort(examples=15, steps=25))
        finally:
            del protocols[PROTOCOL]
