"""A buyer's own cards, and whom he topped up lately."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kameng import orders
from kameng.kit import clock
from kameng.orders import OrderBody, ShownOrder
from laws.world import Gateway, Merchant, World

PHONES = ("13812345678", "13987654321")


async def place(gateway: Gateway, buyer: Merchant, sku_id: int, ref: str, quantity: int = 1, phone: str = "") -> int:
    body = OrderBody(ref, str(sku_id), quantity, {"phone": phone} if phone else {})
    answer = await gateway.queues.place(orders.wish_from(gateway.snapshot, buyer.caller, body))
    assert isinstance(answer, ShownOrder)
    return answer.order_id


async def test_every_card_of_every_order_is_there_masked(world: World) -> None:
    buyer, other = await world.merchant(), await world.merchant()
    await world.load(world.card, 3)
    await world.load(world.link, 1)
    async with world.gateway() as gateway:
        first = await place(gateway, buyer, world.card.sku_id, "a", 2)
        second = await place(gateway, buyer, world.link.sku_id, "b")
        await place(gateway, buyer, world.phone.sku_id, "c", phone=PHONES[0])
        await place(gateway, other, world.card.sku_id, "d")
        found = await orders.list_cards(gateway.snapshot, buyer.caller)
        assert [card.order_id for card in found.cards] == [second, first, first]
        assert found.next_id is None
        link, card, _ = found.cards
        assert (link.number[4:8], card.number[:2], card.number[4:8]) == ("****", "WY", "****")
        assert link.url == "https://redeem.example.com/****"
        assert (card.used_at, card.is_shown, card.expires_on) == (None, True, None)
        page = await orders.list_cards(gateway.snapshot, buyer.caller, limit=1)
        assert [card.order_id for card in page.cards] == [second]
        rest = await orders.list_cards(gateway.snapshot, buyer.caller, before_id=page.next_id or 0, limit=1)
        assert [card.order_id for card in rest.cards] == [first, first]
        only = await orders.list_cards(gateway.snapshot, buyer.caller, sku_ids={world.link.sku_id})
        assert [card.order_id for card in only.cards] == [second]
        with clock.hold(clock.now_ms() + 8 * 86_400_000):
            late = await orders.list_cards(gateway.snapshot, buyer.caller)
        assert {card.is_shown for card in late.cards} == {False}


async def test_only_the_owner_marks_a_card_as_used(world: World) -> None:
    buyer, other = await world.merchant(lane=0), await world.merchant(lane=0)
    await world.load(world.card, 2)
    async with world.gateway() as gateway:
        mine = await place(gateway, buyer, world.card.sku_id, "a", 2)
        first, second = (await orders.list_cards(gateway.snapshot, buyer.caller)).cards
        with pytest.raises(orders.OrderNotFound):
            await orders.mark_card(gateway.snapshot, other.caller, mine, first.card_id, used=True)
        with pytest.raises(orders.NoSuchCard):
            await orders.mark_card(gateway.snapshot, buyer.caller, mine, 4096, used=True)
        for _ in range(2):
            await orders.mark_card(gateway.snapshot, buyer.caller, mine, first.card_id, used=True)

        async def marked(used: bool) -> list[int]:
            found = await orders.list_cards(gateway.snapshot, buyer.caller, used=used)
            return [card.card_id for card in found.cards]

        assert (await marked(True), await marked(False)) == ([first.card_id], [second.card_id])
        await orders.mark_card(gateway.snapshot, buyer.caller, mine, first.card_id, used=False)
        assert await marked(True) == []


async def test_a_card_that_was_taken_back_is_not_in_the_pocket(world: World) -> None:
    buyer = await world.merchant()
    await world.load(world.card, 1)
    async with world.gateway() as gateway:
        mine = await place(gateway, buyer, world.card.sku_id, "a")
        instruction = orders.Instruction(
            order_id=mine, command=orders.Command.refund, key="staff", by=orders.By.staff, actor_id=1, reason="x"
        )
        await orders.act_on(world.db, world.ring, instruction, terms=gateway.snapshot.terms)
        assert (await orders.list_cards(gateway.snapshot, buyer.caller)).cards == []
    await world.assert_clean()


async def test_whom_he_topped_up_lately_is_masked_and_his_own(world: World) -> None:
    buyer, other = await world.merchant(lane=0), await world.merchant(lane=0)
    async with world.gateway() as gateway:
        first = await place(gateway, buyer, world.phone.sku_id, "a", phone=PHONES[0])
        await place(gateway, buyer, world.phone.sku_id, "b", phone=PHONES[1])
        third = await place(gateway, buyer, world.phone.sku_id, "c", phone=PHONES[0])
        snapshot = gateway.snapshot
        recent = await orders.recent_targets(snapshot, buyer.caller, "phone")
        assert (recent[0].order_id, recent[0].masked, len(recent)) == (third, "138****5678", 2)
        assert await orders.recent_targets(snapshot, other.caller, "phone") == []
        assert await orders.recall_target(snapshot, buyer.caller, first, "phone") == PHONES[0]
        with pytest.raises(orders.OrderNotFound):
            await orders.recall_target(snapshot, other.caller, first, "phone")
        with pytest.raises(orders.NoAccount):
            await orders.recall_target(snapshot, buyer.caller, first, "qq")
        assert await orders.same_today(snapshot, buyer.caller, world.phone.sku_id, PHONES[0]) == 2
        assert await orders.same_today(snapshot, buyer.caller, world.card.sku_id, PHONES[0]) == 0
        tomorrow_ms = clock.now_ms() + int(timedelta(days=1).total_seconds() * 1000)
        with clock.hold(tomorrow_ms):
            assert await orders.same_today(snapshot, buyer.caller, world.phone.sku_id, PHONES[0]) == 0
