"""A chain of four levels on a real database against a plain model, exact to four decimals.

Sales, changes of price in between, part refunds in any pieces, sweeps, and sweeps that end between their two halves or
before what arrived was crossed off. The model keeps what was sold and given back, and adds it up anew each time.
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
    precondition,
    rule,
    run_state_machine_as_test,
)  # fmt: skip

from kameng import ledger, orders, pricing
from kameng.kit import clock, lanes
from kameng.ledger import Books, House, NewTransfer, Result, house_account
from kameng.pricing import Markup, Template
from laws.effort import effort
from laws.world import MONEY_E4, Gateway, Merchant, World

T = TypeVar("T")
SALES = house_account(House.sales, "CNY")
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

    def taken(self) -> list[int]:
        """The house's share and each level's of what was refunded: every border is rounded down."""
        borders = [
            floor(Fraction(border * self.refunded, self.total)) for border in accumulate([0, self.house, *self.margins])
        ]
        return [after - before for before, after in pairwise(borders)]


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

    @rule(buyer=st.integers(0, 1), quantity=st.integers(1, 3))
    def sell(self, buyer: int, quantity: int) -> None:
        self._sell(buyer, quantity)

    def _sell(self, buyer: int, quantity: int) -> None:
        prices = [self.top_price[0]]
        for agent in self.chain:
            fixed, percent = self.markups.get(agent.org_id, (0, 0))
            prices.append(ceil(prices[-1] * (1 + Fraction(percent, 1_000_000)) + fixed))
        answer = self.run(self.gateway.place(self.buyers[buyer].caller, f"r{next(_refs)}", self.world.card, quantity))
        assert isinstance(answer, orders.ShownOrder), answer
        sale = Sale(answer.order_id, self.buyers[buyer], prices, quantity)
        assert (answer.unit_price_e4, answer.total_e4) == (prices[-1], sale.total)
        self.sales.append(sale)

    @rule(agent=st.integers(0, 3), fixed=st.integers(0, 99_999), percent=st.integers(0, 333_333))
    def change_markup(self, agent: int, fixed: int, percent: int) -> None:
        org_id = self.chain[agent].org_id
        self.run(pricing.set_markup(self.world.db, Template(org_id, "all", "", -1, Markup(fixed, percent))))
        self.markups[org_id] = (fixed, percent)

    @rule(price=st.integers(950_000, 1_100_000))
    def change_price(self, price: int) -> None:
        self.run(pricing.set_level_prices(self.world.db, [(self.world.card.sku_id, 0, price)]))
        self.top_price[0] = price

    @precondition(lambda self: any(sale.refunded < sale.total for sale in self.sales[self.mine :]))
    @rule(data=st.data())
    def refund(self, data: st.DataObject) -> None:
        sale = data.draw(st.sampled_from([one for one in self.sales[self.mine :] if one.refunded < one.total]))
        left = sale.total - sale.refunded
        part = data.draw(st.one_of(st.just(left), st.integers(1, min(left, 7)), st.integers(1, left)))
        self.run(self._refund(sale, part))
        sale.refunded += part
        if sale.refunded == sale.total:
            assert sale.taken() == [sale.house, *sale.margins]

    async def _refund(self, sale: Sale, part: int) -> None:
        """As an order's refund does it: all legs in one transaction, from the split that the order keeps."""
        lane, buyer_id = sale.buyer.lane, sale.buyer.org_id
        kept = await self.world.scalar("SELECT split FROM orders WHERE order_id = $1", sale.order_id)
        refund = orders.refund_of(orders.read_split(kept), refunded_e4=sale.refunded, part_e4=part)
        async with self.world.db.transaction() as connection:
            await lanes.pass_gate(connection, lane)
            agent_ids = [agent_id for agent_id, _ in refund.margins]
            subs, ids = await ledger.open_sub_accounts(connection, lane, agent_ids, leg_count=1 + len(agent_ids))
            fresh = iter(ids)
            books = Books([*await ledger.read_accounts(connection, lane, [SALES, buyer_id]), *subs])
            back = NewTransfer(next(fresh), SALES, buyer_id, refund.paid_back_e4, "refund", sale.order_id)
            for leg in [back, *orders.legs(
                refund.margins, order_id=sale.order_id, income=SALES, fresh_ids=fresh, code=orders.MARGIN_BACK,
                sub_accounts={account.org_id: account.account_id for account in subs},
            )]:  # fmt: skip
                assert books.post(leg) is Result.created
            await ledger.write(connection, lane, clock.now(), books)

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
            owed = sum(sale.margins[level] - sale.taken()[level + 1] for sale in self.sales)
            assert wallet + sum(subs) + flying == owed

    @invariant()
    def buyers_and_the_platform_too(self) -> None:
        for buyer in self.buyers:
            spent = sum(sale.total - sale.refunded for sale in self.sales if sale.buyer is buyer)
            assert (
                self.run(self.world.scalar("SELECT posted_e4 FROM account WHERE account_id = $1", buyer.org_id))
                == MONEY_E4 - spent
            )
        kept = self.run(self.world.scalar("SELECT sum(posted_e4)::bigint FROM account WHERE account_id = $1", SALES))
        assert kept == sum(sale.house - sale.taken()[0] for sale in self.sales)


async def _killed(*_: object) -> Any:
    raise Killed


async def test_a_chain_of_four_is_right_to_four_decimals(world: World) -> None:
    await world.load(world.card, 900)
    chain = await world.agents(*AGENT_LANES)
    buyers = [await world.merchant(lane=lane, parent=chain[-1]) for lane in (0, 1)]
    async with world.gateway() as gateway:
        here = {
            "world": world, "gateway": gateway, "loop": asyncio.get_running_loop(), "chain": chain, "buyers": buyers,
            "sales": [], "markups": {}, "top_price": [world.card.list_price_e4],
        }  # fmt: skip
        machine = type("Here", (ChainMachine,), here)
        await asyncio.to_thread(run_state_machine_as_test, machine, settings=effort(examples=12, steps=25))
        assert len(here["sales"]) >= 24  # type: ignore[arg-type]
    await world.assert_clean()
    for lane in (0, 1, 0):
        await ledger.sweep(world.db, lane)
    assert await world.rows("SELECT 1 FROM sweep") == []
    await world.assert_clean()
