"""Orders that are paid through a channel, where the cards lie in other lanes or are on their way: nobody is told that
there are none while there are."""

from __future__ import annotations

import asyncio
from typing import Any

from gates import closed, somebody_waits
from kameng import orders, stock
from kameng.catalogue import Sku
from kameng.orders import Refused, ShownOrder, Terms
from laws.lives import cards
from laws.world import Gateway, Merchant, World, together

TERMS = Terms(reserve_share_percent=100, reserve_buyer_max=100, reserve_ip_max=100)


async def told(gateway: Gateway, merchant: Merchant, sku: Sku, ref: str, quantity: int = 1) -> str:
    """The order's state, or why there is none."""
    wish = await gateway.wish(merchant.caller, ref, sku, quantity)
    answer: Any = await orders.await_payment(gateway.snapshot, wish)
    assert isinstance(answer, ShownOrder | Refused)
    return answer.state if isinstance(answer, ShownOrder) else answer.reason.code


async def test_many_at_once_get_every_card_of_another_lane(world: World) -> None:
    """What one of them steals another may take: who comes short steals again while there is something."""
    buyers = [await world.merchant(lane=0) for _ in range(2)]
    await world.load(world.card, 12, lane=1)
    async with world.gateway(terms=TERMS) as gateway:
        answers = await together(*(told(gateway, buyers[n % 2], world.card, f"r-{n}") for n in range(14)))
    assert sorted(answers) == ["awaiting_payment"] * 12 + ["sold_out"] * 2
    assert await cards(world) == {"reserved": 12}
    await world.assert_clean()


async def test_cards_that_leave_while_it_waits_at_the_gate_are_fetched_back(world: World) -> None:
    """Another lane's steal stands before it in the gate: what it has read of the other shelves is over by then."""
    merchant = await world.merchant(lane=0)
    await world.load(world.card, 10, lane=0)
    async with world.gateway(terms=TERMS) as gateway:
        async with closed(world.url, 0):
            steal = asyncio.create_task(stock.steal(world.db, 1, world.card.sku_id, 5))
            await somebody_waits(world.url)
            wish = asyncio.create_task(told(gateway, merchant, world.card, "six", 6))
            await somebody_waits(world.url, 2)  # it has read, and stands behind the steal
        assert (await steal).moved == 5
        assert await wish == "awaiting_payment"
    assert await cards(world) == {"on_shelf": 4, "reserved": 6}
    await world.assert_clean()


async def test_what_all_lanes_together_lack_moves_no_card(world: World) -> None:
    merchant = await world.merchant(lane=0)
    await world.load(world.card, 3, lane=1)
    async with world.gateway(terms=TERMS) as gateway:
        assert await told(gateway, merchant, world.card, "four", 4) == "sold_out"
        assert await world.scalar("SELECT sum(on_hand)::int FROM allotment WHERE lane = 1") == 3
        assert await told(gateway, merchant, world.card, "three", 3) == "awaiting_payment"
    await world.assert_clean()
