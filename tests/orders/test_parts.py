"""The parts of a bundle after it was placed: each comes or fails by itself, and the last one decides."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from kameng import orders
from kameng.catalogue import Sku
from kameng.kit import clock
from kameng.orders import Acted, By, Refused, ShownOrder, State, Terms
from kameng.orders.model import Command
from laws.bundles import PRICE_E4, bundle_of, by_hand, gift, part
from laws.lives import ask, cards, code, houses, ordered, story, waits_for, wallet, work
from laws.world import MONEY_E4, Gateway, Merchant, World

TERMS = Terms(reserve_share_percent=100)


async def states(world: World, order_id: int) -> list[str]:
    rows = await world.rows("SELECT state FROM order_part WHERE order_id = $1 ORDER BY part_no", order_id)
    return [row["state"] for row in rows]


async def mixed(world: World, **changes: Any) -> Sku:
    """Something by hand (20 %), two cards (50 %), a top-up (30 %), and a link as a gift."""
    service, _ = await by_hand(world)
    for sku in (world.card, world.link):
        await world.load(sku, 8)
    return await bundle_of(
        world, part(service, 1, 2000), part(world.card, 2, 5000), part(world.phone, 1, 3000), gift(world.link),
        **changes,
    )  # fmt: skip


async def end_part(world: World, order_id: int, part_no: int, *, came: bool = True, **more: Any) -> Acted | Refused:
    command = Command.deliver_part if came else Command.fail_part
    return await ask(world, order_id, command, more.pop("key", ""), part_no=part_no, **more)


async def test_the_last_part_that_comes_delivers_the_order(world: World) -> None:
    merchant, bundle = await world.merchant(), await mixed(world)
    async with world.gateway() as gateway:
        order = await ordered(gateway, merchant, bundle)
    first = await end_part(world, order.order_id, 3, key="answer")
    assert first == Acted(order.order_id, State.fulfilling, 2, 0)
    assert await states(world, order.order_id) == ["waiting", "delivered", "delivered", "delivered"]
    assert await waits_for(world, order.order_id) == [("fulfilment.manual", "waiting")]
    assert await end_part(world, order.order_id, 3, key="answer") == Acted(
        order.order_id, State.fulfilling, 2, 0, replayed=True
    )
    assert code(await end_part(world, order.order_id, 1, key="answer")) == "command_reused"
    assert code(await end_part(world, order.order_id, 3)) == "part_forbids"
    assert code(await end_part(world, order.order_id, 3, came=False)) == "part_forbids"
    for number in (0, 5):
        assert code(await end_part(world, order.order_id, number)) == "no_such_part"
    await world.assert_clean()
    assert await end_part(world, order.order_id, 1) == Acted(order.order_id, State.delivered, 4, 0)
    assert await waits_for(world, order.order_id) == []
    assert await houses(world) == {"clearing": -MONEY_E4, "sales": PRICE_E4}
    assert await story(world, order.order_id) == [
        "order.fulfilling", "order.part_delivered", "order.part_delivered", "order.delivered"
    ]  # fmt: skip
    told = await world.scalar("SELECT data FROM event WHERE subject_id = $1 AND sequence = 2", order.order_id)
    assert (told["part_no"], [one["state"] for one in told["parts"]]) == (
        3, ["waiting", "delivered", "delivered", "delivered"]
    )  # fmt: skip
    await world.assert_clean()


async def test_two_parts_of_a_kind_have_a_job_each(world: World) -> None:
    service, _ = await by_hand(world)
    merchant = await world.merchant()
    bundle = await bundle_of(world, part(service), part(service, 2))
    async with world.gateway() as gateway:
        order = await ordered(gateway, merchant, bundle)
    await end_part(world, order.order_id, 1)
    jobs = await world.rows("SELECT kind, payload FROM job WHERE subject_id = $1", order.order_id)
    assert [tuple(job) for job in jobs] == [("fulfilment.manual", {"part_no": 2})]
    await world.assert_clean()


async def test_what_a_failed_part_is_worth_goes_back_with_the_last(world: World) -> None:
    merchant, bundle = await world.merchant(), await mixed(world)
    async with world.gateway() as gateway:
        order = await ordered(gateway, merchant, bundle)
        assert code(await end_part(world, order.order_id, 1, came=False, reason="no time")) == "fulfilling"
        assert (await states(world, order.order_id))[0] == "failed"
        assert await wallet(world, merchant) == MONEY_E4 - PRICE_E4
        await world.assert_clean()
        outcome = await end_part(world, order.order_id, 3)
        assert outcome == Acted(order.order_id, State.settled, 5, 300_000)
        shown = await orders.reveal(gateway.snapshot, merchant.caller, order.order_id)
    assert [(one.state, len(one.cards)) for one in shown.parts] == [
        ("refunded", 0), ("delivered", 2), ("delivered", 0), ("delivered", 1)
    ]  # fmt: skip
    assert await wallet(world, merchant) == MONEY_E4 - PRICE_E4 + 300_000
    assert await houses(world) == {"clearing": -MONEY_E4, "sales": PRICE_E4 - 300_000}
    assert (await story(world, order.order_id))[-3:] == [
        "order.part_delivered", "order.partly_delivered", "order.settled"
    ]  # fmt: skip
    await world.assert_clean()


async def test_a_bundle_of_which_nothing_came_is_paid_back_whole(world: World) -> None:
    service, _ = await by_hand(world)
    merchant = await world.merchant()
    bundle = await bundle_of(world, part(service, 1, 7000), part(world.phone, 1, 3000))
    async with world.gateway() as gateway:
        order = await ordered(gateway, merchant, bundle)
    await end_part(world, order.order_id, 2, came=False)
    assert await end_part(world, order.order_id, 1, came=False) == Acted(order.order_id, State.refunded, 5, PRICE_E4)
    assert await states(world, order.order_id) == ["refunded", "refunded"]
    assert await wallet(world, merchant) == MONEY_E4
    assert (await story(world, order.order_id))[-2:] == ["order.failed", "order.refunded"]
    await world.assert_clean()


async def test_gifts_alone_are_no_delivery_and_a_gift_that_fails_costs_nothing(world: World) -> None:
    service, _ = await by_hand(world)
    await world.load(world.link, 4)
    merchant = await world.merchant()
    given = await bundle_of(world, part(service), gift(world.link))
    owed = await bundle_of(world, part(world.link), gift(service))
    async with world.gateway() as gateway:
        only_gift = await ordered(gateway, merchant, given)
        no_gift = await ordered(gateway, merchant, owed)
    assert code(await end_part(world, only_gift.order_id, 1, came=False)) == "refunded"
    assert await states(world, only_gift.order_id) == ["refunded", "refunded"]
    assert await cards(world) == {"sold": 1, "quarantined": 1, "on_shelf": 2}
    assert await end_part(world, no_gift.order_id, 2, came=False) == Acted(no_gift.order_id, State.settled, 4, 0)
    assert await states(world, no_gift.order_id) == ["delivered", "refunded"]
    assert await wallet(world, merchant) == MONEY_E4 - PRICE_E4
    await world.assert_clean()


@pytest.mark.parametrize(
    ("command", "state", "back_e4"), [(Command.deliver, "delivered", 0), (Command.fail, "settled", 750_000)]
)
async def test_the_whole_order_ends_with_what_is_still_waited_for(
    world: World, command: Command, state: str, back_e4: int
) -> None:
    merchant, bundle = await world.merchant(), await mixed(world)
    async with world.gateway() as gateway:
        order = await ordered(gateway, merchant, bundle)
    assert code(await ask(world, order.order_id, Command.deliver_partly, amount_e4=1)) == "state_forbids"
    outcome = await ask(world, order.order_id, command, by=By.staff)
    assert (code(outcome), await wallet(world, merchant)) == (state, MONEY_E4 - PRICE_E4 + back_e4)
    assert code(await ask(world, order.order_id, command, by=By.staff)) == "state_forbids"
    assert await waits_for(world, order.order_id) == []
    await world.assert_clean()


async def test_held_let_go_or_refused(world: World) -> None:
    merchant = await world.merchant()
    bundle = await mixed(world)
    async with world.gateway() as gateway:
        let, kept = [await ordered(gateway, merchant, bundle) for _ in range(2)]
        for order in (let, kept):
            assert code(await ask(world, order.order_id, Command.hold, by=By.staff)) == "held"
            assert await waits_for(world, order.order_id) == [("orders.decide", "waiting")]
            assert code(await end_part(world, order.order_id, 1)) == "state_forbids"
        await world.assert_clean()
        revealed = await orders.reveal(gateway.snapshot, merchant.caller, kept.order_id)
        assert len(revealed.cards) == 3
    assert code(await ask(world, let.order_id, Command.fulfil, by=By.staff)) == "fulfilling"
    assert await waits_for(world, let.order_id) == [("fulfilment.manual", "waiting"), ("fulfilment.topup", "waiting")]
    assert code(await ask(world, kept.order_id, Command.refuse, by=By.staff)) == "settled"
    assert await states(world, kept.order_id) == ["refunded", "delivered", "refunded", "delivered"]
    assert await wallet(world, merchant) == MONEY_E4 - 2 * PRICE_E4 + 750_000
    await world.assert_clean()


async def test_unknown_waits_for_a_person_and_other_parts_go_on(world: World) -> None:
    merchant, bundle = await world.merchant(), await mixed(world)
    async with world.gateway() as gateway:
        order = await ordered(gateway, merchant, bundle)
    assert code(await ask(world, order.order_id, Command.doubt)) == "review"
    assert await waits_for(world, order.order_id) == [("orders.verify", "waiting")]
    assert code(await end_part(world, order.order_id, 1)) == "review"
    await world.assert_clean()
    assert code(await ask(world, order.order_id, Command.fulfil, by=By.staff)) == "fulfilling"
    assert await waits_for(world, order.order_id) == [("fulfilment.topup", "waiting")]
    await ask(world, order.order_id, Command.doubt)
    assert code(await end_part(world, order.order_id, 3, came=False)) == "settled"
    await world.assert_clean()


async def test_other_cards_are_of_the_parts_own_goods(world: World) -> None:
    for sku in (world.card, world.half_card):
        await world.load(sku, 3)
    merchant = await world.merchant()
    bundle = await bundle_of(world, part(world.card, 2), part(world.half_card))
    async with world.gateway() as gateway:
        order = await ordered(gateway, merchant, bundle)
        old = await world.scalar("SELECT card_ids FROM orders")
        bad = (old[1], old[2])
        outcome = await ask(world, order.order_id, Command.swap, by=By.staff, card_ids=bad)
        assert code(outcome) == "delivered"
        shown = await orders.reveal(gateway.snapshot, merchant.caller, order.order_id)
    now = await world.scalar("SELECT card_ids FROM orders")
    assert [now[n] == old[n] for n in range(3)] == [True, False, False]
    assert [len(one.cards) for one in shown.parts] == [2, 1]
    assert await world.scalar("SELECT cost_e4 FROM orders") == 3 * 950_000 + 2 * 470_000
    assert await cards(world) == {"sold": 3, "quarantined": 2, "on_shelf": 1}
    await world.assert_clean()
    assert code(await ask(world, order.order_id, Command.swap, by=By.staff, card_ids=(now[0],))) == "sold_out"
    await world.assert_clean()


async def test_one_part_goes_back_after_it_came(world: World) -> None:
    for sku in (world.card, world.link):
        await world.load(sku, 4)
    merchant = await world.merchant()
    bundle = await bundle_of(world, part(world.card, 2, 8000), part(world.link, 1, 2000), gift(world.link))
    async with world.gateway() as gateway:
        order = await ordered(gateway, merchant, bundle)

        async def refund(part_no: int, **more: Any) -> Acted | Refused:
            return await ask(world, order.order_id, Command.refund, by=By.staff, part_no=part_no, **more)

        assert code(await refund(3)) == code(await refund(2, amount_e4=1)) == "refund_too_large"
        assert await refund(2, key="once") == Acted(order.order_id, State.delivered, 2, 300_000)
        assert await refund(2, key="once") == Acted(order.order_id, State.delivered, 2, 300_000, replayed=True)
        assert code(await refund(2)) == "part_forbids"
        shown = await orders.reveal(gateway.snapshot, merchant.caller, order.order_id)
        gone = (await world.scalar("SELECT card_ids FROM orders"))[2]
        assert code(await ask(world, order.order_id, Command.swap, by=By.staff, card_ids=(gone,))) == "no_such_card"
    assert [(one.state, len(one.cards)) for one in shown.parts] == [("delivered", 2), ("refunded", 0), ("delivered", 1)]
    assert await houses(world) == {"clearing": -MONEY_E4, "sales": PRICE_E4 - 300_000}
    await world.assert_clean()
    assert await refund(1) == Acted(order.order_id, State.refunded, 3, PRICE_E4)
    assert await states(world, order.order_id) == ["refunded"] * 3
    assert await cards(world) == {"quarantined": 4, "on_shelf": 4}
    assert await wallet(world, merchant) == MONEY_E4
    await world.assert_clean()


async def await_it(gateway: Gateway, merchant: Merchant, sku: Sku, ref: str = "a", **more: Any) -> ShownOrder:
    wish = await gateway.wish(merchant.caller, ref, sku)
    if "guest" in more:
        wish = msgspec.structs.replace(wish, key=orders.key_of_guest(merchant.caller.organisation))
    answer = await orders.await_payment(gateway.snapshot, wish, **more)
    assert isinstance(answer, ShownOrder), answer
    return answer


async def pay(world: World, order: ShownOrder, reference: str) -> Acted | Refused:
    return await ask(
        world, order.order_id, Command.pay, f"alipay:{reference}", by=By.staff, amount_e4=order.total_e4, terms=TERMS
    )


async def test_paid_through_a_channel_its_cards_are_reserved_part_by_part(world: World) -> None:
    await world.load(world.card, 4, lane=1)
    await world.load(world.link, 2, lane=1)
    merchant = await world.merchant(lane=0)
    whole = await bundle_of(world, part(world.card, 2), gift(world.link))
    later = await bundle_of(world, part(world.card, 2), part(world.phone))
    async with world.gateway(terms=TERMS) as gateway:
        first = await await_it(gateway, merchant, whole)
        again = await await_it(gateway, merchant, whole)
        second = await await_it(gateway, merchant, later, "b")
        none_left = await orders.await_payment(gateway.snapshot, await gateway.wish(merchant.caller, "c", whole))
    assert (again.replayed, [one.state for one in again.parts]) == (True, ["waiting", "waiting"])
    assert (first.cards, await cards(world)) == ((), {"reserved": 5, "on_shelf": 1})
    assert isinstance(none_left, Refused)
    assert none_left.reason is orders.SoldOut
    await world.assert_clean()
    assert code(await pay(world, first, "1")) == "delivered"
    assert code(await pay(world, second, "2")) == "fulfilling"
    assert (await states(world, first.order_id), await states(world, second.order_id)) == (
        ["delivered", "delivered"], ["delivered", "waiting"]
    )  # fmt: skip
    assert await waits_for(world, second.order_id) == [("fulfilment.topup", "waiting")]
    assert await cards(world) == {"sold": 5, "on_shelf": 1}
    await world.assert_clean()


async def test_what_was_not_paid_goes_back_to_every_shelf_and_late_money_finds_it_again(world: World) -> None:
    await world.load(world.card, 3, lane=0)
    await world.load(world.link, 2, lane=1)
    merchant = await world.merchant(lane=0)
    bundle = await bundle_of(world, part(world.card), part(world.link))
    async with world.gateway(terms=TERMS) as gateway:
        late, gone = [await await_it(gateway, merchant, bundle, ref) for ref in "ab"]
        assert await cards(world) == {"reserved": 4, "on_shelf": 1}
        assert code(await ask(world, gone.order_id, Command.cancel, by=By.buyer, org_id=merchant.org_id)) == "cancelled"
        with clock.hold(clock.now_ms() + 11 * 60_000):
            await work(world, TERMS)
            assert await cards(world) == {"on_shelf": 5}
            assert await states(world, late.order_id) == await states(world, gone.order_id) == ["waiting", "waiting"]
            await world.gather(world.link, 1)
            await world.assert_clean()
            other = await await_it(gateway, merchant, bundle, "c")
            await world.gather(world.link, 1)  # it must be stolen back once more
            assert code(await pay(world, late, "1")) == "delivered"
            assert code(await pay(world, other, "2")) == "delivered"
            assert await cards(world) == {"sold": 4, "on_shelf": 1}
    await world.assert_clean()


async def test_late_money_that_finds_a_part_missing_goes_back(world: World) -> None:
    await world.load(world.card, 2, lane=0)
    await world.load(world.link, 1, lane=0)
    merchant = await world.merchant(lane=0)
    bundle = await bundle_of(world, part(world.card), part(world.link))
    async with world.gateway(terms=TERMS) as gateway:
        late = await await_it(gateway, merchant, bundle)
        with clock.hold(clock.now_ms() + 11 * 60_000):
            await work(world, TERMS)
            await ordered(gateway, merchant, world.link)
            assert code(await pay(world, late, "1")) == "expired"
    assert await story(world, late.order_id) == ["order.awaiting_payment", "order.expired", "order.payment_returned"]
    assert await cards(world) == {"sold": 1, "on_shelf": 2}
    await world.assert_clean()


async def test_a_guest_sees_his_parts_and_what_fails_of_them_is_returned_by_a_person(world: World) -> None:
    await world.load(world.card, 2)
    merchant = await world.merchant()
    bundle = await bundle_of(world, part(world.card, 1, 6000), part(world.phone, 1, 4000))
    async with world.gateway(terms=TERMS) as gateway:
        order = await await_it(gateway, merchant, bundle, guest=orders.guest_from("13900001111", "secret1"))
        await pay(world, order, "1")
        found = await orders.find_as_guest(world.db, world.ring, order.order_id, "secret1")
        assert [(one.state, len(one.cards)) for one in found.parts] == [("delivered", 1), ("waiting", 0)]
    assert code(await end_part(world, order.order_id, 2, came=False)) == "settled"
    waits = sorted(await waits_for(world, order.order_id))
    assert waits == [("guests.tell", "waiting"), ("orders.return_payment", "waiting")]
    assert (await houses(world))["suspense"] == 600_000
    await world.assert_clean()


async def test_money_waits_for_the_buyer_after_the_last_part(world: World) -> None:
    merchant, bundle = await world.merchant(), await mixed(world, confirm_days=7)
    async with world.gateway() as gateway:
        order = await ordered(gateway, merchant, bundle)
        assert code(await end_part(world, order.order_id, 1)) == "fulfilling"
        assert code(await end_part(world, order.order_id, 3, came=False)) == "partly_delivered"
        assert await houses(world) == {"clearing": -MONEY_E4, "escrow": PRICE_E4 - 450_000}
        assert await waits_for(world, order.order_id) == [("orders.settle", "waiting")]
        await world.assert_clean()
        buyer = {"by": By.buyer, "org_id": merchant.org_id}
        assert code(await ask(world, order.order_id, Command.settle, **buyer)) == "settled"
    assert await houses(world) == {"clearing": -MONEY_E4, "sales": PRICE_E4 - 450_000}
    await world.assert_clean()


async def test_a_plain_order_has_no_parts(world: World) -> None:
    merchant = await world.merchant()
    async with world.gateway() as gateway:
        order = await ordered(gateway, merchant, world.phone)
    for command in (Command.deliver_part, Command.fail_part):
        assert code(await ask(world, order.order_id, command, part_no=1)) == "no_such_part"
    assert await world.scalar("SELECT count(*) FROM order_part") == 0
    assert order.parts == ()
    await world.assert_clean()
