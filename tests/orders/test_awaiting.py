"""Orders that are paid through a channel: reserved and capped; paid in time, late, twice, wrong, or never."""

from __future__ import annotations

from typing import Any

import msgspec

from kameng import orders
from kameng.catalogue import Sku
from kameng.kit import clock
from kameng.orders import Acted, By, Refused, ShownOrder, State, Terms
from kameng.orders.model import Command
from laws.lives import ask, cards, code, houses, ordered, story, waits_for, wallet, work
from laws.world import MONEY_E4, Gateway, Merchant, World, together

CARD_E4, PHONE_E4 = 985_000, 996_500
TERMS = Terms(reserve_share_percent=100)
LATE_MS = 601_000


async def awaited(
    gateway: Gateway,
    merchant: Merchant,
    sku: Sku,
    ref: str = "r",
    *,
    ip: str = "",
    contact: str = "",
    quantity: int = 1,
) -> ShownOrder | Refused:
    """An order that awaits its payment; of a guest, if there is a contact."""
    caller = merchant.caller
    key = orders.key_of_guest(caller.organisation) if contact else caller.key
    wish = await gateway.wish(merchant.caller, ref, sku, quantity)
    wish = msgspec.structs.replace(wish, key=key, ip=ip or caller.ip)
    guest = orders.guest_from(contact, "secret1") if contact else None
    return await orders.await_payment(gateway.snapshot, wish, guest=guest)


async def standing(gateway: Gateway, merchant: Merchant, sku: Sku, ref: str = "r", **more: Any) -> ShownOrder:
    answer = await awaited(gateway, merchant, sku, ref, **more)
    assert isinstance(answer, ShownOrder), answer
    return answer


async def pay(world: World, order_id: int, amount_e4: int, reference: str) -> Acted | Refused:
    return await ask(world, order_id, Command.pay, reference, by=By.staff, amount_e4=amount_e4, terms=TERMS)


async def test_reserved_paid_and_delivered_once(world: World) -> None:
    merchant = await world.merchant()
    await world.load(world.card, 3, lane=1 - merchant.lane)  # stolen for it
    async with world.gateway(terms=TERMS) as gateway:
        order = await standing(gateway, merchant, world.card, quantity=2)
        assert (order.state, order.cards, order.replayed) == ("awaiting_payment", (), False)
        assert (await standing(gateway, merchant, world.card, quantity=2)).replayed
        other = await awaited(gateway, merchant, world.card, quantity=1)
        assert isinstance(other, Refused)
        assert other.reason.code == "reference_reused"
        assert await cards(world) == {"on_shelf": 1, "reserved": 2}
        assert await waits_for(world, order.order_id) == [("orders.expire", "waiting")]
        assert (await gateway.place(merchant.caller, "wallet", world.card, 2)).reason.code == "sold_out"
        await world.assert_clean()
        outcomes = await together(*(pay(world, order.order_id, 2 * CARD_E4, "alipay:1") for _ in range(5)))
        assert sum(isinstance(outcome, Acted) and not outcome.replayed for outcome in outcomes) == 1
        assert {code(outcome) for outcome in outcomes} == {"delivered"}
        shown = await orders.reveal(gateway.snapshot, merchant.caller, order.order_id)
    assert len(shown.cards) == 2
    assert await cards(world) == {"on_shelf": 1, "sold": 2}
    assert await story(world, order.order_id) == ["order.awaiting_payment", "order.paid", "order.delivered"]
    assert await waits_for(world, order.order_id) == []
    assert await houses(world) == {"clearing": -MONEY_E4 - 2 * CARD_E4, "sales": 2 * CARD_E4}
    assert await wallet(world, merchant) == MONEY_E4
    await world.assert_clean()


async def test_many_of_a_lane_in_one_transaction(world: World) -> None:
    """Each sees what the others before it took: its reference, its share of the shelf, what its buyer left unpaid."""
    merchant = await world.merchant()
    await world.load(world.card, 2)
    async with world.gateway(terms=msgspec.structs.replace(TERMS, reserve_buyer_max=2)) as gateway:
        refs = [("a", 1), ("a", 1), ("a", 2), ("b", 2), ("c", 1), ("d", 1)]
        wishes = [await gateway.wish(merchant.caller, ref, world.card, quantity) for ref, quantity in refs]
        answers = await orders.await_payments(gateway.snapshot, wishes)
    first, again = answers[:2]
    assert isinstance(first, ShownOrder)
    assert isinstance(again, ShownOrder)
    assert (first.replayed, again.replayed, again.order_id) == (False, True, first.order_id)
    assert [one.reason.code if isinstance(one, Refused) else one.state for one in answers] == [
        "awaiting_payment", "awaiting_payment", "reference_reused", "sold_out", "awaiting_payment", "too_many_unpaid",
    ]  # fmt: skip
    assert await cards(world) == {"reserved": 2}
    await world.assert_clean()


async def test_never_paid(world: World) -> None:
    merchant = await world.merchant()
    await world.load(world.card, 2)
    async with world.gateway(terms=TERMS) as gateway:
        left = await standing(gateway, merchant, world.card, "left")
        gone = await standing(gateway, merchant, world.card, "gone")
        buyer = {"by": By.buyer, "org_id": merchant.org_id}
        assert code(await ask(world, gone.order_id, Command.cancel, **buyer)) == "cancelled"
        assert await cards(world) == {"on_shelf": 1, "reserved": 1}
        assert await work(world) == 0
        assert code(await ask(world, left.order_id, Command.expire)) == "state_forbids"
        await world.assert_clean()
        with clock.hold(clock.now_ms() + LATE_MS):
            assert await work(world) == 1
        assert await cards(world) == {"on_shelf": 2}
        assert await story(world, left.order_id) == ["order.awaiting_payment", "order.expired"]
        assert len((await gateway.place(merchant.caller, "both", world.card, 2)).cards) == 2
    await world.assert_clean()


async def test_money_that_comes_late_finds_goods_or_goes_back(world: World) -> None:
    merchant = await world.merchant()
    await world.load(world.card, 2)
    async with world.gateway(terms=TERMS) as gateway:
        lucky = await standing(gateway, merchant, world.card, "lucky")
        late = await standing(gateway, merchant, world.card, "late")
        phone = await standing(gateway, merchant, world.phone, "phone")
        with clock.hold(clock.now_ms() + LATE_MS):
            assert await work(world) == 3
        assert code(await pay(world, lucky.order_id, CARD_E4, "alipay:1")) == "delivered"
        await ordered(gateway, merchant, world.card)
        assert code(await pay(world, late.order_id, CARD_E4, "alipay:2")) == "expired"
        assert code(await pay(world, phone.order_id, PHONE_E4, "alipay:3")) == "fulfilling"
    assert await wallet(world, merchant) == MONEY_E4  # bought one, got one back
    assert await story(world, late.order_id) == ["order.awaiting_payment", "order.expired", "order.payment_returned"]
    assert await houses(world) == {
        "clearing": -MONEY_E4 - 2 * CARD_E4 - PHONE_E4, "sales": 2 * CARD_E4, "escrow": PHONE_E4
    }  # fmt: skip
    await world.assert_clean()


async def test_money_of_another_amount_or_once_more_or_for_another(world: World) -> None:
    merchant = await world.merchant()
    await world.load(world.card, 2)
    async with world.gateway(terms=TERMS) as gateway:
        order = await standing(gateway, merchant, world.card, "a")
        other = await standing(gateway, merchant, world.card, "b")
        bought = await ordered(gateway, merchant, world.phone)
    assert code(await pay(world, order.order_id, CARD_E4 - 1, "alipay:1")) == "awaiting_payment"
    assert await waits_for(world, order.order_id) == [("orders.expire", "waiting"), ("orders.mismatch", "waiting")]
    assert code(await pay(world, order.order_id, CARD_E4, "alipay:1")) == "command_reused"
    assert code(await pay(world, other.order_id, CARD_E4 - 1, "alipay:1")) == "payment_reused"
    assert code(await pay(world, bought.order_id, PHONE_E4, "alipay:9")) == "payment_not_awaited"
    assert code(await pay(world, order.order_id, 0, "alipay:9")) == "bad_amount"
    assert code(await pay(world, order.order_id, CARD_E4, "alipay:2")) == "delivered"
    assert code(await pay(world, order.order_id, CARD_E4, "alipay:3")) == "delivered"  # twice: to the wallet
    assert await wallet(world, merchant) == MONEY_E4 - PHONE_E4 + CARD_E4
    assert (await houses(world))["suspense"] == CARD_E4 - 1
    await work(world)
    assert await waits_for(world, order.order_id) == [("orders.mismatch", "dead")]
    await world.assert_clean()


async def test_nobody_empties_a_shelf_unpaid(world: World) -> None:
    merchant, other = await world.merchant(lane=0), await world.merchant(lane=1)
    await world.load(world.card, 20)
    terms = Terms(reserve_buyer_max=2, reserve_ip_max=3, reserve_share_percent=25)

    def reason(answer: ShownOrder | Refused) -> str:
        return answer.state if isinstance(answer, ShownOrder) else answer.reason.code

    async with world.gateway(terms=terms) as gateway:

        async def guest(ref: str, contact: str, ip: str, who: Merchant = merchant, quantity: int = 1) -> str:
            return reason(await awaited(gateway, who, world.card, ref, ip=ip, contact=contact, quantity=quantity))

        assert await guest("1", "138", "10.0.0.1") == "awaiting_payment"
        assert await guest("2", " 138 ", "10.0.0.2") == "awaiting_payment"
        assert await guest("3", "138", "10.0.0.3") == "too_many_unpaid"
        at_once = await together(*(guest(f"4-{n}", f"139-{n}", "10.0.0.4") for n in range(5)))
        assert sorted(at_once) == ["awaiting_payment"] * 3 + ["too_many_unpaid"] * 2
        assert await guest("5", "137", "10.0.0.5", other) == "too_many_unpaid"  # 5 of 20 wait, in whatever lane
        assert await cards(world) == {"on_shelf": 15, "reserved": 5}
        await world.assert_clean()
        with clock.hold(clock.now_ms() + LATE_MS):
            await work(world)
        assert await guest("6", "138", "10.0.0.1", other, 5) == "awaiting_payment"
        assert await guest("7", "136", "10.0.0.6", quantity=16) == "sold_out"
    await world.assert_clean()


async def test_a_guests_money_waits_for_a_person(world: World) -> None:
    shop = await world.merchant()
    async with world.gateway(terms=TERMS) as gateway:
        failed = await standing(gateway, shop, world.phone, "a", contact="138")
        twice = await standing(gateway, shop, world.phone, "b", contact="138")
    assert code(await pay(world, failed.order_id, PHONE_E4, "wechat:1")) == "fulfilling"
    assert code(await ask(world, failed.order_id, Command.fail)) == "refunded"
    assert code(await pay(world, twice.order_id, PHONE_E4, "wechat:2")) == "fulfilling"
    assert code(await pay(world, twice.order_id, PHONE_E4, "wechat:3")) == "fulfilling"
    await work(world)
    assert await waits_for(world, failed.order_id) == [("orders.return_payment", "dead")]
    assert ("orders.return_payment", "dead") in await waits_for(world, twice.order_id)
    assert await houses(world) == {
        "clearing": -MONEY_E4 - 3 * PHONE_E4, "suspense": 2 * PHONE_E4, "escrow": PHONE_E4
    }  # fmt: skip
    assert await wallet(world, shop) == MONEY_E4
    assert failed.state == State.awaiting_payment
    await world.assert_clean()
