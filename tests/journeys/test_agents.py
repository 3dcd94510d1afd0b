"""Orders below agents: each level gets its margin in the order's transaction, and nobody sees another's prices."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from kameng import identity, ledger, orders, pricing
from kameng.kit import ids
from kameng.ledger import InsufficientBalance
from kameng.orders import By, Refused, ShopPaused, ShownOrder, Split, Terms
from kameng.orders.model import Command
from kameng.pricing import BelowCost, Markup, Template
from laws.lives import ask, code, houses
from laws.world import Merchant, World, codes, placed, together


async def marked_up(world: World, *amounts_e4: int, lanes: tuple[int, ...] = (0, 1, 0, 1)) -> list[Merchant]:
    """Agents under each other, each adding so much."""
    agents = await world.agents(*lanes[: len(amounts_e4)])
    for agent, amount_e4 in zip(agents, amounts_e4, strict=True):
        await pricing.set_markup(world.db, Template(agent.org_id, "all", "", -1, Markup(amount_e4)))
    return agents


async def earned(world: World, agents: list[Merchant]) -> list[dict[int, int]]:
    """What lies in each agent's sub-accounts, by lane."""
    found = []
    for agent in agents:
        rows = await world.rows(
            "SELECT lane, posted_e4 FROM account WHERE code = 'sub_account' AND org_id = $1", agent.org_id
        )
        found.append({row[0]: row[1] for row in rows})
    return found


async def balance(world: World, merchant: Merchant) -> int:
    found: int = await world.scalar("SELECT posted_e4 FROM account WHERE account_id = $1", merchant.org_id)
    return found


async def test_every_level_gets_its_margin_and_the_platform_the_rest(world: World) -> None:
    await world.load(world.card, 5)
    agents = await marked_up(world, 10_000, 333, 0, 20_001)
    buyer = await world.merchant(lane=0, parent=agents[-1])
    async with world.gateway() as gateway:
        (order,) = placed([await gateway.place(buyer.caller, "a", world.card, 3)])
    assert (order.unit_price_e4, order.total_e4) == (1_015_334, 3_046_002)
    assert order.trace == "agent=1015334"
    assert await earned(world, agents) == [{0: 30_000}, {0: 999}, {0: 0}, {0: 60_003}]
    sales = await world.scalar("SELECT posted_e4 FROM account WHERE lane = 0 AND account_id = 1")
    assert sales == 2_955_000
    assert await balance(world, buyer) == 10**10 - 3_046_002
    kept = msgspec.convert(await world.scalar("SELECT split FROM orders"), Split)
    assert kept.house_e4 == 2_955_000
    assert kept.margins == tuple(zip((a.org_id for a in agents), (30_000, 999, 0, 60_003), strict=True))
    assert kept.trace.startswith(f"list=985000 markup:{agents[0].org_id}:all=995000 markup:")
    await world.assert_clean()


async def test_an_agent_pays_what_its_parent_asks_and_earns_nothing_from_itself(world: World) -> None:
    await world.load(world.card, 5)
    agents = await marked_up(world, 10_000, 5_000)
    await ledger.recharge(world.db, agents[1].lane, agents[1].org_id, 10**8, key="r")
    async with world.gateway() as gateway:
        (order,) = placed([await gateway.place(agents[1].caller, "a", world.card)])
    assert order.total_e4 == 995_000
    assert await earned(world, agents) == [{1: 10_000}, {}]
    await world.assert_clean()


async def test_what_is_not_delivered_yet_stays_in_escrow_whole(world: World) -> None:
    agents = await marked_up(world, 10_000)
    buyer = await world.merchant(lane=0, parent=agents[0])
    async with world.gateway() as gateway:
        (order,) = placed([await gateway.place(buyer.caller, "a", world.phone)])
    assert order.state == "fulfilling"
    assert await earned(world, agents) == [{0: 0}]
    assert await world.scalar("SELECT posted_e4 FROM account WHERE lane = 0 AND account_id = 2") == order.total_e4
    assert (await world.scalar("SELECT split FROM orders"))["margins"] == [[agents[0].org_id, 10_000]]
    await world.assert_clean()


async def test_a_plain_order_keeps_no_split_and_opens_nothing(world: World) -> None:
    await world.load(world.card, 5)
    await marked_up(world, 10_000)
    buyer = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        (order,) = placed([await gateway.place(buyer.caller, "a", world.card)])
    assert order.trace == "list=985000"
    assert await world.rows("SELECT 1 FROM orders WHERE split IS NOT NULL") == []
    assert await world.rows("SELECT 1 FROM account WHERE code = 'sub_account'") == []


async def test_play_money_is_nobodys_margin(world: World) -> None:
    agents = await marked_up(world, 10_000)
    buyer = await world.merchant(lane=0, parent=agents[0])
    async with world.gateway() as gateway:
        (order,) = placed([await gateway.place(buyer.sandbox, "a", world.card)])
    assert order.total_e4 == 995_000
    assert await world.rows("SELECT 1 FROM account WHERE code = 'sub_account'") == []
    await world.assert_clean()


async def test_a_refused_or_repeated_order_earns_nobody_anything(world: World) -> None:
    await world.load(world.card, 5, lane=0)
    agents = await marked_up(world, 10_000)
    buyer = await world.merchant(lane=0, parent=agents[0], money_e4=2_000_000)
    async with world.gateway() as gateway:
        answers = await together(
            gateway.place(buyer.caller, "a", world.card), gateway.place(buyer.caller, "a", world.card),
            gateway.place(buyer.caller, "b", world.card, 4), gateway.place(buyer.caller, "c", world.half_card),
        )  # fmt: skip
        wishes = [await gateway.wish(buyer.caller, ref, sku, group=7) for ref, sku in
                  (("d", world.card), ("e", world.half_card))]  # fmt: skip
        answers += await gateway.place_many(wishes)
    assert codes(answers) == {
        "placed": 1, "replayed": 1, "insufficient_balance": 1, "sold_out": 2, "group_refused": 1
    }  # fmt: skip
    assert await earned(world, agents) == [{0: 10_000}]
    await world.assert_clean()


async def test_a_closed_agent_closes_the_shops_below_it(world: World) -> None:
    await world.load(world.card, 5)
    agents = await marked_up(world, 10_000, 5_000)
    buyer = await world.merchant(lane=0, parent=agents[1])
    async with world.gateway() as gateway:
        await identity.set_organisation(world.db, agents[0].org_id, state="suspended")
        refused = await gateway.place(buyer.caller, "a", world.card)
        await identity.set_organisation(world.db, agents[0].org_id, state="active")
        again = await gateway.place(buyer.caller, "a", world.card)
    assert codes([refused, again]) == {"shop_closed": 1, "placed": 1}


async def test_a_shop_that_would_lose_does_not_sell(world: World) -> None:
    await world.load(world.card, 5)
    agents = await marked_up(world, 10_000, -1)
    buyer = await world.merchant(lane=0, parent=agents[1])
    async with world.gateway() as gateway:
        refused = await gateway.place(buyer.caller, "a", world.card)
        assert isinstance(refused, Refused)
        assert refused.reason is BelowCost
        await pricing.set_bound(world.db, 0, world.card.sku_id, pricing.Bound(900_000, None))
        (order,) = placed([await gateway.place(buyer.caller, "a", world.card)])
    assert order.total_e4 == 994_999
    assert await earned(world, agents) == [{0: 10_000}, {0: -1}]
    await world.assert_clean()


async def self_collected(world: World, *, money_e4: int, **terms: Any) -> tuple[list[Merchant], Merchant]:
    """Two agents, of which the lower collects itself, and a customer of it."""
    agents = await marked_up(world, 10_000, 5_000)
    shop = agents[1]
    if money_e4:
        await ledger.recharge(world.db, shop.lane, shop.org_id, money_e4, key="first")
    await identity.set_terms(world.db, shop.org_id, {"self_collected": True, **terms}, reason="合同")
    return agents, await world.merchant(parent=shop, money_e4=0)


async def test_a_shop_that_collects_itself_pays_its_own_cost(world: World) -> None:
    await world.load(world.card, 5)
    agents, customer = await self_collected(world, money_e4=2_000_000)
    assert customer.lane == agents[1].lane
    async with world.gateway() as gateway:
        answers = [await gateway.place(customer.caller, ref, world.card) for ref in "abc"]
        own = await gateway.place(agents[1].caller, "own", world.card)
    first, second = placed(answers)
    assert (first.total_e4, second.unit_price_e4) == (1_000_000, 1_000_000)
    assert isinstance(answers[2], Refused)
    assert (answers[2].reason, answers[2].detail) == (ShopPaused, "")
    assert isinstance(own, Refused)
    assert own.reason is InsufficientBalance
    assert await balance(world, agents[1]) == 2_000_000 - 2 * 995_000
    assert await balance(world, customer) == 0
    assert await earned(world, agents) == [{agents[1].lane: 20_000}, {agents[1].lane: 0}]
    await world.assert_clean()


async def test_a_shop_that_collects_itself_gets_its_part_of_a_refund(world: World) -> None:
    """Of every piece its own margin stays out of our books; the smallest may be nothing but that."""
    agents, customer = await self_collected(world, money_e4=4_000_000)
    shop, lane = agents[1], agents[1].lane
    async with world.gateway() as gateway:
        late, partly, confirmed = placed([await gateway.place(customer.caller, ref, world.phone) for ref in "abc"])
    total_e4, paid_e4 = 996_500 + 15_000, 996_500 + 10_000
    assert {order.total_e4 for order in (late, partly, confirmed)} == {total_e4}
    spent_e4 = 3 * paid_e4
    assert await balance(world, shop) == 4_000_000 - spent_e4

    assert code(await ask(world, late.order_id, Command.deliver)) == "delivered"
    assert await earned(world, agents) == [{lane: 10_000}, {lane: 0}]
    back_e4 = 0
    for part_e4 in (1, 1, 499_999, total_e4 - 500_001):
        refunded_e4 = await world.scalar("SELECT refunded_e4 FROM orders WHERE order_id = $1", late.order_id)
        await ask(world, late.order_id, Command.refund, amount_e4=part_e4)
        back_e4 = paid_e4 * (refunded_e4 + part_e4) // total_e4
        assert await balance(world, shop) == 4_000_000 - spent_e4 + back_e4
        await world.assert_clean()
    assert back_e4 == paid_e4
    assert await earned(world, agents) == [{lane: 0}, {lane: 0}]
    assert await world.rows("SELECT 1 FROM transfer WHERE code = 'refund' AND amount_e4 = 0") == []

    outcome = await ask(world, partly.order_id, Command.deliver_partly, amount_e4=1)
    assert code(outcome) == "settled"
    await world.assert_clean()
    days = Terms(confirm_days=7)
    assert code(await ask(world, confirmed.order_id, Command.deliver, terms=days)) == "delivered"
    await ask(world, confirmed.order_id, Command.refund, amount_e4=total_e4 // 2)
    assert await houses_escrow(world) == paid_e4 - paid_e4 * (total_e4 // 2) // total_e4
    await ask(world, confirmed.order_id, Command.settle, by=By.staff)
    assert await houses_escrow(world) == 0
    assert await balance(world, customer) == 0
    await world.assert_clean()


async def houses_escrow(world: World) -> int:
    return (await houses(world)).get("escrow", 0)


async def test_a_payment_through_a_channel_below_agents_earns_each_its_margin(world: World) -> None:
    """The platform has the money: it is split also below a shop that else collects itself."""
    await world.load(world.card, 9)
    agents, customer = await self_collected(world, money_e4=0)
    async with world.gateway(terms=Terms(reserve_share_percent=100)) as gateway:
        card, phone = [
            await orders.await_payment(gateway.snapshot, await gateway.wish(customer.caller, ref, sku))
            for ref, sku in (("a", world.card), ("b", world.phone))
        ]
    assert isinstance(card, ShownOrder)
    assert isinstance(phone, ShownOrder)
    lane = agents[1].lane
    assert await earned(world, agents) == [{lane: 0}, {lane: 0}]
    for number, order in enumerate((card, phone)):
        await ask(world, order.order_id, Command.pay, f"alipay:{number}", amount_e4=order.total_e4, by=By.staff)
    assert await earned(world, agents) == [{lane: 10_000}, {lane: 5_000}]
    assert await houses_escrow(world) == phone.total_e4
    assert code(await ask(world, phone.order_id, Command.fail)) == "refunded"
    assert code(await ask(world, card.order_id, Command.refund)) == "refunded"
    assert await earned(world, agents) == [{lane: 0}, {lane: 0}]
    assert await balance(world, customer) == card.total_e4 + phone.total_e4
    await world.assert_clean()


async def test_margins_of_what_may_be_confirmed_wait_for_it(world: World) -> None:
    await world.load(world.card, 5)
    agents = await marked_up(world, 10_000, 333)
    buyer = await world.merchant(lane=0, parent=agents[1])
    async with world.gateway(terms=Terms(confirm_days=1)) as gateway:
        (order,) = placed([await gateway.place(buyer.caller, "a", world.card)])
    assert await earned(world, agents) == [{0: 0}, {0: 0}]
    await world.assert_clean()
    await ask(world, order.order_id, Command.settle, by=By.buyer, org_id=buyer.org_id)
    assert await earned(world, agents) == [{0: 10_000}, {0: 333}]
    await world.assert_clean()


@pytest.mark.parametrize(
    ("terms", "said", "sold"),
    [({"minimum_balance_e4": 1_500_000}, "available 2010000.0000, of which 150.0000 must stay", 2),
     ({"day_budget_e4": 2_000_000}, "the budget of the day is 200.0000", 2),
     ({"month_budget_e4": 1_000_000}, "the budget of the month is 100.0000", 1)],
)  # fmt: skip
async def test_limits_stop_the_shop_its_owner_is_told_and_its_customer_is_not(
    world: World, terms: dict[str, int], said: str, sold: int
) -> None:
    await world.load(world.card, 9)
    agents, customer = await self_collected(world, money_e4=4_000_000, **terms)
    async with world.gateway() as gateway:
        answers = [await gateway.place(customer.caller, ref, world.card) for ref in "abcd"]
        own = await gateway.place(agents[1].caller, "own", world.card)
    assert codes(answers) == {"placed": sold, "shop_paused": 4 - sold}
    assert [answer.detail for answer in answers if isinstance(answer, Refused)] == [""] * (4 - sold)
    assert isinstance(own, Refused)
    assert own.reason is InsufficientBalance
    assert own.detail == said.replace("2010000.0000", "201.0000")
    assert own.detail_zh
    await world.assert_clean()


async def test_an_order_follows_a_move_and_what_stands_keeps_its_split(world: World) -> None:
    await world.load(world.card, 5)
    agents = await marked_up(world, 10_000, 5_000)
    buyer = await world.merchant(lane=0, parent=agents[1])
    async with world.gateway() as gateway:
        first = await gateway.place(buyer.caller, "a", world.card)
        async with world.db.transaction() as connection:
            await identity.move(connection, buyer.org_id, agents[0].org_id, reason="合同")
        second = await gateway.place(buyer.caller, "b", world.card)
        replay = await gateway.place(buyer.caller, "a", world.card)
    assert [order.total_e4 for order in placed([first, second, replay])] == [1_000_000, 995_000, 1_000_000]
    assert isinstance(replay, ShownOrder)
    assert replay.replayed
    assert await earned(world, agents) == [{0: 20_000}, {0: 5_000}]
    assert ids.lane_of(buyer.org_id) == 0
    await world.assert_clean()
