"""Orders that risk lets in and a person lets go on: paid, held, their goods untouched; released, refused, sold out."""

from __future__ import annotations

import pytest
from test_awaiting import TERMS, pay, standing

from kameng import orders, risk
from kameng.orders import Acted, By, ShownOrder, State
from kameng.orders.model import Command
from kameng.risk import Rule
from laws.lives import ask, cards, code, houses, story, waits_for, wallet, work
from laws.world import MONEY_E4, Merchant, World, codes, placed

CARD_E4, PHONE_E4 = 985_000, 996_500


async def review(world: World, merchant: Merchant) -> None:
    await risk.set_listing(world.db, "organisation", str(merchant.org_id), "review", reason="new here")


async def decide(world: World, order_id: int, command: Command) -> str:
    return code(await ask(world, order_id, command, by=By.staff, actor_id=7))


async def test_it_is_paid_and_held_and_its_card_stays_on_the_shelf(world: World) -> None:
    merchant = await world.merchant()
    await world.load(world.card, 2, lane=1 - merchant.lane)  # stolen to see that there is one
    await review(world, merchant)
    async with world.gateway() as gateway:
        order = await gateway.place(merchant.caller, "a", world.card)
        assert isinstance(order, ShownOrder)
        assert (order.state, order.cards, order.total_e4) == ("held", (), CARD_E4)
        assert await cards(world) == {"on_shelf": 2}
        assert await wallet(world, merchant) == MONEY_E4 - CARD_E4
        assert await houses(world) == {"clearing": -MONEY_E4, "escrow": CARD_E4}
        again = await gateway.place(merchant.caller, "a", world.card)
        assert isinstance(again, ShownOrder)
        assert (again.order_id, again.state, again.replayed) == (order.order_id, "held", True)
        await work(world)
        assert await waits_for(world, order.order_id) == [("orders.decide", "dead")]  # on the desk
        await world.assert_clean()
        assert await decide(world, order.order_id, Command.fulfil) == "delivered"
        shown = await orders.reveal(gateway.snapshot, merchant.caller, order.order_id)
    assert len(shown.cards) == 1
    assert await cards(world) == {"on_shelf": 1, "sold": 1}
    assert await houses(world) == {"clearing": -MONEY_E4, "sales": CARD_E4}
    assert await story(world, order.order_id) == ["order.held", "order.delivered"]
    assert await waits_for(world, order.order_id) == []
    await world.assert_clean()


async def test_what_is_refused_is_paid_back(world: World) -> None:
    merchant = await world.merchant()
    await review(world, merchant)
    async with world.gateway() as gateway:
        (order,) = placed([await gateway.place(merchant.caller, "a", world.phone)])
    assert order.state == "held"
    await work(world)
    assert await decide(world, order.order_id, Command.refuse) == "refunded"
    assert await wallet(world, merchant) == MONEY_E4
    assert await story(world, order.order_id) == ["order.held", "order.refused", "order.refunded"]
    assert await waits_for(world, order.order_id) == []
    await world.assert_clean()


async def test_a_released_top_up_goes_to_whoever_fulfils(world: World) -> None:
    merchant = await world.merchant()
    await review(world, merchant)
    async with world.gateway() as gateway:
        (order,) = placed([await gateway.place(merchant.caller, "a", world.phone)])
    assert await decide(world, order.order_id, Command.fulfil) == "fulfilling"
    assert await waits_for(world, order.order_id) == [("fulfilment.topup", "waiting")]
    await world.assert_clean()


async def test_sold_out_at_the_release_leaves_it_held(world: World) -> None:
    merchant, other = await world.merchant(), await world.merchant()
    await world.load(world.card, 1)
    await review(world, merchant)
    async with world.gateway() as gateway:
        (order,) = placed([await gateway.place(merchant.caller, "a", world.card)])
        assert codes([await gateway.place(other.caller, "b", world.card)]) == {"placed": 1}
        assert await decide(world, order.order_id, Command.fulfil) == "sold_out"
        assert await story(world, order.order_id) == ["order.held"]
        assert await wallet(world, merchant) == MONEY_E4 - CARD_E4
        await world.assert_clean()
        assert await decide(world, order.order_id, Command.refuse) == "refunded"
        # What is sold out now is not taken money for.
        assert codes([await gateway.place(merchant.caller, "c", world.card)]) == {"sold_out": 1}
    assert await wallet(world, merchant) == MONEY_E4
    await world.assert_clean()


async def test_a_held_order_needs_its_money(world: World) -> None:
    poor = await world.merchant(money_e4=0)
    await review(world, poor)
    async with world.gateway() as gateway:
        assert codes([await gateway.place(poor.caller, "a", world.phone)]) == {"insufficient_balance": 1}
    assert await world.scalar("SELECT count(*) FROM orders") == 0


async def test_a_sandbox_is_not_looked_at(world: World) -> None:
    merchant = await world.merchant()
    await review(world, merchant)
    await risk.set_listing(world.db, "ip", "127.0.0.1", "review", reason="all of them")
    async with world.gateway() as gateway:
        (order,) = placed([await gateway.place(merchant.sandbox, "a", world.card)])
        (real,) = placed([await gateway.place(merchant.caller, "a", world.phone)])
    assert (order.state, real.state) == ("delivered", "held")


@pytest.mark.parametrize("entity", ["organisation", "target", "ip"])
async def test_what_is_beyond_a_limit_is_looked_at(world: World, entity: str) -> None:
    merchant = await world.merchant()
    await risk.set_rule(world.db, Rule(0, "soft", entity, ("topup",), 86_400, 2, None, "review"))
    await risk.set_rule(world.db, Rule(0, "hard", "organisation", ("topup",), 86_400, 4, None))
    async with world.gateway() as gateway:
        wishes = [await gateway.wish(merchant.caller, f"r{n}", world.phone) for n in range(3)]
        answers = [await gateway.queues.place(wish) for wish in wishes]
        many = [await gateway.wish(merchant.caller, f"m{n}", world.phone, group=9) for n in range(1)]
        answers += await gateway.place_many(many)
        last = await gateway.place(merchant.caller, "z", world.phone)
    assert [answer.state for answer in placed(answers)] == ["fulfilling", "fulfilling", "held", "held"]
    assert codes([last]) == {"velocity_exceeded": 1}
    await world.assert_clean()


async def test_a_refusal_outweighs_a_review_and_a_review_a_permission(world: World) -> None:
    merchant, free = await world.merchant(), await world.merchant()
    await review(world, merchant)
    await risk.set_listing(world.db, "organisation", str(free.org_id), "allow", reason="a friend")
    await risk.set_listing(world.db, "ip", "127.0.0.1", "review", reason="a new address")
    async with world.gateway() as gateway:
        (held,) = placed([await gateway.place(free.caller, "a", world.phone)])
        await risk.set_listing(world.db, "ip", "127.0.0.1", "refuse", reason="a bad address")
        assert codes([await gateway.place(merchant.caller, "a", world.phone)]) == {"risk_refused": 1}
    assert held.state == "held"


async def test_a_guest_under_review_pays_and_is_held(world: World) -> None:
    shop = await world.merchant()
    await world.load(world.card, 2)
    await review(world, shop)
    async with world.gateway(terms=TERMS) as gateway:
        order = await standing(gateway, shop, world.card, contact="13800000000")
        assert (order.state, await cards(world)) == ("awaiting_payment", {"on_shelf": 1, "reserved": 1})
        assert code(await pay(world, order.order_id, CARD_E4, "alipay:1")) == "held"
        assert await cards(world) == {"on_shelf": 2}
        assert await houses(world) == {"clearing": -MONEY_E4 - CARD_E4, "escrow": CARD_E4}
        await world.assert_clean()
        assert await decide(world, order.order_id, Command.fulfil) == "delivered"
        found = await orders.find_as_guest(world.db, world.ring, order.order_id, "secret1")
        assert (found.state, len(found.cards)) == ("delivered", 1)
        other = await standing(gateway, shop, world.card, "s", contact="13800000000")
        await pay(world, other.order_id, CARD_E4, "alipay:2")
        assert await decide(world, other.order_id, Command.refuse) == "refunded"
    assert await story(world, other.order_id) == [
        "order.awaiting_payment", "order.paid", "order.held", "order.refused", "order.refunded"
    ]  # fmt: skip
    assert await houses(world) == {"clearing": -MONEY_E4 - 2 * CARD_E4, "sales": CARD_E4, "suspense": CARD_E4}
    await work(world)
    await world.assert_clean()


async def test_below_an_agent_its_margin_waits_for_the_release(world: World) -> None:
    (agent,) = await world.agents(0)
    buyer = await world.merchant(lane=0, parent=agent)
    await world.load(world.card, 1)
    await review(world, buyer)
    async with world.gateway() as gateway:
        (order,) = placed([await gateway.place(buyer.caller, "a", world.card)])
    assert await world.scalar("SELECT count(*) FROM transfer WHERE code = 'margin'") == 0
    await world.assert_clean()
    outcome = await ask(world, order.order_id, Command.fulfil, by=By.staff)
    assert isinstance(outcome, Acted)
    assert outcome.state is State.delivered
    await world.assert_clean()
