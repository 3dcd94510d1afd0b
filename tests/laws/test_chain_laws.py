"""A chain of four levels on a real database against a plain model, exact to four decimals.

Sales of cards, top-ups that are delivered later, in part or never, changes of price in between, part refunds in any
pieces before and after the money is earned, sweeps, and sweeps that end between their two halves or before what arrived
was crossed off. The model keeps what was sold and given back, and adds it up anew each time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from fractions import Fraction
from itertools import accumulate, count, pairwise
from math import ceil, floor
from typing import Any, TypeVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)  # fmt: skip

from kameng import ledger, orders, pricing
from kameng.catalogue import Sku
from kameng.ledger import House, house_account
from kameng.orders import Acted, By, Terms
from kameng.orders.model import Command
from kameng.pricing import Markup, Template
from laws.effort import effort
from laws.lives import ask
from laws.world import MONEY_E4, Gateway, Merchant, World

T = TypeVar("T")
SALES, ESCROW = house_account(House.sales, "CNY"), house_account(House.escrow, "CNY")
AGENT_LANES = (0, 1, 1, 0)
_refs = count(1)


class Killed(Exception):
    """The process ended here."""


class Sale:
    """One order, in the model's words: what each level pays, and how much of it was given back."""

    def __init__(self, order_id: int, buyer: Merchant, prices: list[int], quantity: int) -> None:
        self.order_id, self.buyer = order_id, buyer
        self.total = prices[-1] * quantity
        self.house = prices[0] * quantity
        self.margins = [(sells - buys) * quantity for buys, sells in pairwise(prices)]
        self.refunded = 0
        self.state = "delivered"
        self.earned = True

    def taken(self) -> list[int]:
        """The house's share and each level's of what was refunded: every border is rounded down."""
        borders = [
            floor(Fraction(border * self.refunded, self.total)) for border in accumulate([0, self.house, *self.margins])
        ]
        return [after - before for before, after in pairwise(borders)]

    def kept(self) -> list[int]:
        """What the house and each level have of it now: nothing, as long as it is not earned."""
        if not self.earned:
            return [0] * (1 + len(self.margins))
        return [share - taken for share, taken in zip([self.house, *self.margins], self.taken(), strict=True)]


PICK = st.integers(0, 99)
PART = st.one_of(st.integers(0, 6), st.integers(0, 9_999_999))
"""What is drawn does not hang on what stands: prices outlive an example, so its repetition finds others."""


def _picked(some: list[Sale], pick: int) -> Sale | None:
    return some[pick % len(some)] if some else None


class ChainMachine(RuleBasedStateMachine):
    world: World
    gateway: Gateway
    loop: asyncio.AbstractEventLoop
    chain: list[Merchant]
    buyers: list[Merchant]
    sales: list[Sale]  # of all examples: the database lives on
    markups: dict[int, tuple[int, int]]
    top_price: list[int]

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    @initialize(quantities=st.lists(st.integers(1, 3), min_size=2, max_size=4))
    def start(self, quantities: list[int]) -> None:
        """Each example begins with sales: what follows needs something to work on."""
        self.mine = len(self.sales)
        for number, quantity in enumerate(quantities):
            self._sell(number % 2, quantity)
        for buyer in (0, 1):
            self._top_up(buyer)

    @rule(buyer=st.integers(0, 1), quantity=st.integers(1, 3))
    def sell(self, buyer: int, quantity: int) -> None:
        self._sell(buyer, quantity)

    @rule(buyer=st.integers(0, 1))
    def top_up(self, buyer: int) -> None:
        self._top_up(buyer)

    def _top_up(self, buyer: int) -> None:
        sale = self._order(buyer, self.world.phone, self.world.phone.list_price_e4, 1)
        sale.state, sale.earned = "fulfilling", False

    def _sell(self, buyer: int, quantity: int) -> None:
        self._order(buyer, self.world.card, self.top_price[0], quantity)

    def _order(self, buyer: int, sku: Sku, top_price: int, quantity: int) -> Sale:
        prices = [top_price]
        for agent in self.chain:
            fixed, percent = self.markups.get(agent.org_id, (0, 0))
            prices.append(ceil(prices[-1] * (1 + Fraction(percent, 1_000_000)) + fixed))
        answer = self.run(self.gateway.place(self.buyers[buyer].caller, f"r{next(_refs)}", sku, quantity))
        assert isinstance(answer, orders.ShownOrder), answer
        sale = Sale(answer.order_id, self.buyers[buyer], prices, quantity)
        assert (answer.unit_price_e4, answer.total_e4) == (prices[-1], sale.total)
        self.sales.append(sale)
        return sale

    def _those(self, *states: str) -> list[Sale]:
        return [sale for sale in self.sales[self.mine :] if sale.state in states and sale.refunded < sale.total]

    def _ask(self, sale: Sale, command: Command, amount: int | None = None, *, confirm_days: int = 0) -> None:
        terms = Terms(confirm_days=confirm_days)
        outcome = self.run(ask(self.world, sale.order_id, command, amount_e4=amount, terms=terms))
        assert isinstance(outcome, Acted), outcome
        sale.state = outcome.state.value

    @rule(pick=PICK, confirm_days=st.integers(0, 1))
    def deliver(self, pick: int, confirm_days: int) -> None:
        """Later; with ``confirm_days`` it is earned only once the buyer has confirmed."""
        sale = _picked(self._those("fulfilling"), pick)
        if sale is None:
            return
        self._ask(sale, Command.deliver, confirm_days=confirm_days)
        sale.earned = not confirm_days

    @rule(pick=PICK, part=PART, confirm_days=st.integers(0, 1))
    def deliver_partly(self, pick: int, part: int, confirm_days: int) -> None:
        sale = _picked(self._those("fulfilling"), pick)
        if sale is None:
            return
        came = 1 + part % (sale.total - 1)
        self._ask(sale, Command.deliver_partly, came, confirm_days=confirm_days)
        sale.refunded, sale.earned = sale.total - came, not confirm_days

    @rule(pick=PICK)
    def fail(self, pick: int) -> None:
        sale = _picked(self._those("fulfilling"), pick)
        if sale is None:
            return
        self._ask(sale, Command.fail)
        sale.refunded = sale.total

    @rule(pick=PICK)
    def confirm(self, pick: int) -> None:
        waiting = [sale for sale in self._those("delivered", "partly_delivered") if not sale.earned]
        sale = _picked(waiting, pick)
        if sale is None:
            return
        self.run(ask(self.world, sale.order_id, Command.settle, by=By.buyer, org_id=sale.buyer.org_id))
        sale.state, sale.earned = "settled", True

    @rule(agent=st.integers(0, 3), fixed=st.integers(0, 99_999), percent=st.integers(0, 333_333))
    def change_markup(self, agent: int, fixed: int, percent: int) -> None:
        org_id = self.chain[agent].org_id
        self.run(pricing.set_markup(self.world.db, Template(org_id, "all", "", -1, Markup(fixed, percent))))
        self.markups[org_id] = (fixed, percent)

    @rule(price=st.integers(950_000, 1_100_000))
    def change_price(self, price: int) -> None:
        self.run(pricing.set_level_prices(self.world.db, [(self.world.card.sku_id, 0, price)]))
        self.top_price[0] = price

    @rule(pick=PICK, part=PART, is_whole=st.booleans())
    def refund(self, pick: int, part: int, is_whole: bool) -> None:
        sale = _picked(self._those("delivered", "partly_delivered", "settled"), pick)
        if sale is None:
            return
        left = sale.total - sale.refunded
        amount = left if is_whole else 1 + part % left
        self._ask(sale, Command.refund, amount)
        sale.refunded += amount
        if sale.refunded == sale.total:
            assert sale.taken() == [sale.house, *sale.margins]

    @rule(lane=st.integers(0, 1))
    def sweep(self, lane: int) -> None:
        self.run(ledger.sweep(self.world.db, lane))

    @rule(lane=st.integers(0, 1), where=st.sampled_from(["kameng.ledger.sweeping._receive",
                                                         "kameng.ledger.store.delete_sweeps"]))  # fmt: skip
    def sweep_is_killed(self, lane: int, where: str) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(where, _killed)
            with suppress(Killed):  # where nothing is to be moved between lanes, it comes to its end
                self.run(ledger.sweep(self.world.db, lane))

    @rule()
    def settle_all(self) -> None:
        """Once all is swept, nothing is on its way, nothing lies in a lane, and a debt is left to an empty wallet."""
        for lane in (0, 1, 0):
            self.run(ledger.sweep(self.world.db, lane))
        assert self.run(self.world.rows("SELECT * FROM sweep")) == []
        for agent in self.chain:
            wallet, subs, _ = self._money_of(agent)
            assert all(amount <= 0 for amount in subs)
            assert wallet == 0 or not any(subs)

    def _money_of(self, agent: Merchant) -> tuple[int, list[int], int]:
        """Its wallet, what is not empty of its sub-accounts, and what is on its way."""
        wallet = self.run(self.world.scalar("SELECT posted_e4 FROM account WHERE account_id = $1", agent.org_id))
        subs = self.run(self.world.rows(
            "SELECT posted_e4 FROM account WHERE org_id = $1 AND code = 'sub_account' AND posted_e4 <> 0", agent.org_id
        ))  # fmt: skip
        flying = self.run(self.world.scalar(
            "SELECT coalesce(sum(amount_e4), 0)::bigint FROM sweep s WHERE org_id = $1 AND NOT EXISTS"
            " (SELECT FROM transfer_key k WHERE k.lane = s.to_lane AND k.key = 'sweep:' || s.sweep_id)", agent.org_id
        ))  # fmt: skip
        return wallet, [row[0] for row in subs], flying

    @invariant()
    def every_agent_has_its_margins_to_the_last_decimal(self) -> None:
        for level, agent in enumerate(self.chain):
            wallet, subs, flying = self._money_of(agent)
            assert wallet >= 0
            owed = sum(sale.kept()[level + 1] for sale in self.sales)
            assert wallet + sum(subs) + flying == owed

    @invariant()
    def buyers_and_the_platform_too(self) -> None:
        for buyer in self.buyers:
            spent = sum(sale.total - sale.refunded for sale in self.sales if sale.buyer is buyer)
            assert (
                self.run(self.world.scalar("SELECT posted_e4 FROM account WHERE account_id = $1", buyer.org_id))
                == MONEY_E4 - spent
            )
        assert self._sum_of(SALES) == sum(sale.kept()[0] for sale in self.sales)
        assert self._sum_of(ESCROW) == sum(sale.total - sale.refunded for sale in self.sales if not sale.earned)

    def _sum_of(self, account_id: int) -> int:
        total = "SELECT sum(posted_e4)::bigint FROM account WHERE account_id = $1"
        return int(self.run(self.world.scalar(total, account_id)))


async def _killed(*_: object) -> Any:
    raise Killed


async def test_a_chain_of_four_is_right_to_four_decimals(world: World) -> None:
    await world.load(world.card, 900)
    await world.execute("DELETE FROM risk_rule")  # how fast one phone is topped up is another law
    chain = await world.agents(*AGENT_LANES)
    buyers = [await world.merchant(lane=lane, parent=chain[-1]) for lane in (0, 1)]
    async with world.gateway() as gateway:
        here = {
            "world": world, "gateway": gateway, "loop": asyncio.get_running_loop(), "chain": chain, "buyers": buyers,
            "sales": [], "markups": {}, "top_price": [world.card.list_price_e4],
        }  # fmt: skip
        machine = type("Here", (ChainMachine,), here)
        await asyncio.to_thread(run_state_machine_as_test, machine, settings=effort(examples=16, steps=30))
        assert len(here["sales"]) >= 48  # type: ignore[arg-type]
    await world.assert_clean()
    for lane in (0, 1, 0):
        await ledger.sweep(world.db, lane)
    assert await world.rows("SELECT 1 FROM sweep") == []
    await world.assert_clean()
