"""Chosen cards (自选): one buyer gets the card that he chose, at its price, and the second is told that it is taken."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from kameng import catalogue, orders, pricing, stock
from kameng.kit import clock
from kameng.orders import Answer, By, Refused, ShownOrder, Terms
from kameng.orders.model import Command
from kameng.pricing import Markup, Template
from laws.lives import ask, cards, wallet
from laws.world import MONEY_E4, Gateway, Merchant, World, cards_of, codes, placed, together

UNIT_E4, FEE_E4, OWN_FEE_E4 = 985_000, 50_000, 200_000
FILE = """卡号,卡密,靓号,加价
13800001111,SECRET-1,尾号 1111,20
13800002222,SECRET-2,,
"""
TERMS = Terms(reserve_share_percent=100)


async def on_display(world: World) -> dict[str, int]:
    """Two cards to choose from and one that nobody chooses; the ids of the two by their labels."""
    await catalogue.set_sku(world.db, world.card.sku_id, {"pickable": True, "pick_fee_e4": FEE_E4})
    for text, count in ((FILE, 2), ("SECRET-3\n", 1)):
        report = await stock.load_file(
            world.db, world.ring, text.encode(), sku_id=world.card.sku_id, file_name="pick.csv"
        )
        assert (report.loaded, report.refused) == (count, ())
    listed = await stock.list_displayed(world.db, world.card.sku_id, after_id=0, limit=9)
    assert [card.label for card in listed] == ["尾号 1111", "13800002222"]
    return {card.label: card.card_id for card in listed}


async def choose(gateway: Gateway, merchant: Merchant, ref: str, card_id: int, **more: Any) -> Answer:
    return await gateway.queues.place(await wish(gateway, merchant, ref, card_id, **more))


async def wish(
    gateway: Gateway, merchant: Merchant, ref: str, card_id: int, *, sandbox: bool = False, **more: Any
) -> orders.Wish:
    caller = merchant.sandbox if sandbox else merchant.caller
    await gateway.snapshot.directory.key(caller.key.key_id)
    sku = more.pop("sku", None) or 0
    sku_id = sku or next(one.sku_id for one in gateway.snapshot.catalogue.skus.values() if one.pickable)
    body = orders.OrderBody(ref, str(sku_id), card=str(card_id), **more)
    return orders.wish_from(gateway.snapshot, caller, body)


@pytest.mark.parametrize("lane", [0, 1])
async def test_the_one_that_was_chosen_at_its_price(world: World, lane: int) -> None:
    """Also where it lies in another lane."""
    ids = await on_display(world)
    merchant = await world.merchant(lane=lane)
    async with world.gateway() as gateway:
        first = await choose(gateway, merchant, "a", ids["尾号 1111"])
        second = await choose(gateway, merchant, "b", ids["13800002222"])
        assert codes([await choose(gateway, merchant, "c", ids["13800002222"])]) == {"card_taken": 1}
        again = await choose(gateway, merchant, "a", ids["尾号 1111"])
        other = await choose(gateway, merchant, "a", ids["13800002222"])
        none = await gateway.place(merchant.caller, "a", world.card)
    assert isinstance(first, ShownOrder)
    assert isinstance(second, ShownOrder)
    assert [msgspec.json.decode(text)["secret"] for text in cards_of([first, second])] == ["SECRET-1", "SECRET-2"]
    assert (first.unit_price_e4, second.unit_price_e4) == (UNIT_E4 + OWN_FEE_E4, UNIT_E4 + FEE_E4)
    assert first.trace == f"list={UNIT_E4} pick:{ids['尾号 1111']}={UNIT_E4 + OWN_FEE_E4}"
    assert codes([again, other, none]) == {"replayed": 1, "reference_reused": 2}
    assert cards_of([again]) == cards_of([first])
    assert await wallet(world, merchant) == MONEY_E4 - 2 * UNIT_E4 - OWN_FEE_E4 - FEE_E4
    assert await stock.list_displayed(world.db, world.card.sku_id, after_id=0, limit=9) == []
    await world.assert_clean()


async def test_50_at_once_want_the_same_one(world: World) -> None:
    ids = await on_display(world)
    merchants = [await world.merchant(lane=lane) for lane in (0, 1)]
    async with world.gateway() as one, world.gateway() as two:
        answers = await together(
            *(choose((one, two)[n % 2], merchants[n // 2 % 2], f"r{n}", ids["尾号 1111"]) for n in range(50))
        )
    assert codes(answers) == {"placed": 1, "card_taken": 49}
    assert await cards(world) == {"on_display": 1, "on_shelf": 1, "sold": 1}
    assert sum([MONEY_E4 - await wallet(world, merchant) for merchant in merchants]) == UNIT_E4 + OWN_FEE_E4
    await world.assert_clean()


async def test_who_chooses_nothing_gets_none_of_them(world: World) -> None:
    await on_display(world)
    merchant = await world.merchant()
    async with world.gateway() as gateway:
        answers = [await gateway.place(merchant.caller, f"r{n}", world.card) for n in range(2)]
        # What is proven sold out may be chosen all the same.
        ids = [card.card_id for card in await stock.list_displayed(world.db, world.card.sku_id, after_id=0, limit=9)]
        assert codes([await choose(gateway, merchant, "chosen", ids[0])]) == {"placed": 1}
    assert codes(answers) == {"placed": 1, "sold_out": 1}
    assert [msgspec.json.decode(text)["secret"] for text in cards_of(answers)] == ["SECRET-3"]
    await world.assert_clean()


async def test_only_what_is_on_display_may_be_chosen(world: World) -> None:
    ids = await on_display(world)
    plain = await world.scalar("SELECT card_id FROM card WHERE label IS NULL")
    merchant = await world.merchant()
    chosen = ids["13800002222"]
    async with world.gateway() as gateway:
        before = await world.rows("SELECT card_id, state, order_id FROM card ORDER BY card_id")
        for card_id, more, code, field in (
            (plain, {}, "bad_order", "card"),
            (4711, {}, "bad_order", "card"),
            (chosen, {"sku": world.half_card.sku_id}, "bad_order", "card"),
            (chosen, {"max_price": "103.4999"}, "price_changed", "max_price"),
        ):
            answer = await choose(gateway, merchant, "a", card_id, **more)
            assert isinstance(answer, Refused), (card_id, more)
            assert (answer.reason.code, answer.field) == (code, field)
        for card, quantity, field in (("x", 1, "card"), ("-1", 1, "card"), (str(chosen), 2, "quantity")):
            body = orders.OrderBody("a", str(world.card.sku_id), quantity, card=card)
            with pytest.raises(orders.BadOrder) as refused:
                orders.wish_from(gateway.snapshot, merchant.caller, body)
            assert refused.value.field == field
        poor = await world.merchant(money_e4=UNIT_E4 + FEE_E4 - 1)
        assert codes([await choose(gateway, poor, "a", chosen)]) == {"insufficient_balance": 1}
        after = await world.rows("SELECT card_id, state, order_id FROM card ORDER BY card_id")
        assert after == before
        answer = await choose(gateway, merchant, "a", chosen, max_price="103.5000")
        await catalogue.set_sku(world.db, world.card.sku_id, {"pickable": False})
        await gateway.place(merchant.caller, "phone", world.phone)  # a batch that reads the epochs
        body = orders.OrderBody("a", str(world.card.sku_id), card=str(chosen), max_price="103.5000")
        again = await gateway.queues.place(orders.wish_from(gateway.snapshot, merchant.caller, body))
        body = orders.OrderBody("b", str(world.card.sku_id), card=str(ids["尾号 1111"]))
        closed = await gateway.queues.place(orders.wish_from(gateway.snapshot, merchant.caller, body))
    assert codes([answer, again, closed]) == {"placed": 1, "replayed": 1, "bad_order": 1}
    await world.assert_clean()


async def test_rows_of_one_request_choose_each_for_itself(world: World) -> None:
    ids = await on_display(world)
    merchant = await world.merchant()
    one, two = ids.values()
    async with world.gateway() as gateway:
        wishes = [await wish(gateway, merchant, f"r{n}", card_id) for n, card_id in enumerate((one, one, two))]
        group = [msgspec.structs.replace(each, group=1) for each in wishes]
        assert codes(await gateway.place_many(group)) == {"group_refused": 2, "card_taken": 1}
        assert await cards(world) == {"on_display": 2, "on_shelf": 1}
        assert codes(await gateway.place_many(wishes)) == {"placed": 2, "card_taken": 1}
    await world.assert_clean()


async def test_the_surcharge_is_the_platforms_whoever_sells(world: World) -> None:
    ids = await on_display(world)
    (agent,) = await world.agents(1)
    await pricing.set_markup(world.db, Template(agent.org_id, "all", "", -1, Markup(10_000)))
    buyer = await world.merchant(lane=0, parent=agent)
    async with world.gateway() as gateway:
        (order,) = placed([await choose(gateway, buyer, "a", ids["尾号 1111"])])
    assert order.total_e4 == UNIT_E4 + 10_000 + OWN_FEE_E4
    split = await world.scalar("SELECT split FROM orders")
    assert (split["house_e4"], split["margins"]) == (UNIT_E4 + OWN_FEE_E4, [[agent.org_id, 10_000]])
    await world.assert_clean()


async def test_a_sandbox_pays_for_choosing_and_takes_nothing(world: World) -> None:
    ids = await on_display(world)
    merchant = await world.merchant()
    async with world.gateway() as gateway:
        answers = [await choose(gateway, merchant, ref, ids["尾号 1111"], sandbox=True) for ref in ("a", "b")]
    assert [order.total_e4 for order in placed(answers)] == [UNIT_E4 + OWN_FEE_E4] * 2
    assert await cards(world) == {"on_display": 2, "on_shelf": 1}
    await world.assert_clean()


# Paid through a channel.


async def awaited(gateway: Gateway, merchant: Merchant, ref: str, card_id: int) -> Answer:
    return await orders.await_payment(gateway.snapshot, await wish(gateway, merchant, ref, card_id))


async def pay(world: World, order: ShownOrder, reference: str) -> Any:
    return await ask(world, order.order_id, Command.pay, reference, by=By.staff, amount_e4=order.total_e4, terms=TERMS)


async def test_reserved_for_one_and_delivered_when_paid(world: World) -> None:
    ids = await on_display(world)
    merchants = [await world.merchant(lane=lane) for lane in (0, 1)]
    chosen = ids["尾号 1111"]
    async with world.gateway(terms=TERMS) as gateway:
        order = await awaited(gateway, merchants[0], "a", chosen)
        assert isinstance(order, ShownOrder)
        assert order.total_e4 == UNIT_E4 + OWN_FEE_E4
        assert codes([await awaited(gateway, merchants[0], "a", chosen)]) == {"replayed": 1}
        others = [await awaited(gateway, merchants[1], "b", chosen), await choose(gateway, merchants[1], "c", chosen)]
        assert codes(others) == {"card_taken": 2}
        assert await cards(world) == {"on_display": 1, "on_shelf": 1, "reserved": 1}
        await world.assert_clean()
        assert not isinstance(await pay(world, order, "alipay:1"), Refused)
        shown = await orders.reveal(gateway.snapshot, merchants[0].caller, order.order_id)
    assert [msgspec.json.decode(text)["secret"] for text in cards_of([shown])] == ["SECRET-1"]
    await world.assert_clean()


@pytest.mark.parametrize("is_taken", [False, True])
async def test_money_that_comes_late_buys_that_card_or_goes_back(world: World, is_taken: bool) -> None:
    ids = await on_display(world)
    merchant = await world.merchant(lane=0)
    chosen = ids["尾号 1111"]
    async with world.gateway(terms=TERMS) as gateway:
        order = await awaited(gateway, merchant, "a", chosen)
        assert isinstance(order, ShownOrder)
        with clock.hold(clock.now_ms() + 700_000):
            await ask(world, order.order_id, Command.expire)
        assert await cards(world) == {"on_display": 2, "on_shelf": 1}
        if is_taken:
            assert codes([await choose(gateway, merchant, "quick", chosen)]) == {"placed": 1}
        before_e4 = await wallet(world, merchant)
        acted = await pay(world, order, "alipay:1")
        assert not isinstance(acted, Refused)
    assert acted.state == ("expired" if is_taken else "delivered")
    assert await wallet(world, merchant) == before_e4 + (order.total_e4 if is_taken else 0)
    assert await cards(world) == {"on_display": 1, "on_shelf": 1, "sold": 1}
    await world.assert_clean()


async def test_what_expires_on_display_comes_off(world: World) -> None:
    await on_display(world)
    await world.execute("UPDATE card SET expires_on = '2020-01-01'")
    assert await stock.list_displayed(world.db, world.card.sku_id, after_id=0, limit=9) == []
    assert sum([await stock.void_expired(world.db, lane) for lane in (0, 1)]) == 3
    assert await cards(world) == {"void": 3}
    await world.assert_clean()


async def test_one_that_does_not_open_is_not_sold(world: World) -> None:
    ids = await on_display(world)
    chosen = ids["尾号 1111"]
    flip = "sealed = set_byte(sealed, 30, 255 - get_byte(sealed, 30))"
    await world.execute(f"UPDATE card SET {flip} WHERE card_id = $1", chosen)
    merchant = await world.merchant()
    async with world.gateway() as gateway:
        assert codes([await choose(gateway, merchant, "a", chosen)]) == {"card_taken": 1}
    assert await cards(world) == {"on_display": 1, "on_shelf": 1, "quarantined": 1}
