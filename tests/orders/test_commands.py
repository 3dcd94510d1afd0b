"""Commands to orders that stand: each once for its key, along the table, the money where the state says."""

from __future__ import annotations

import asyncio

import pytest

from kameng import catalogue, orders
from kameng.kit import clock
from kameng.orders import Acted, By, Refused, State, Terms
from kameng.orders.model import Command
from laws.lives import ask, cards, code, houses, ordered, story, waits_for, wallet, work
from laws.world import MONEY_E4, World

PHONE_E4 = 996_500
CARD_E4 = 985_000
DAY_MS = 86_400_000


async def test_what_was_delivered_is_the_houses_and_once(world: World) -> None:
    merchant = await world.merchant()
    async with world.gateway() as gateway:
        order = await ordered(gateway, merchant, world.phone)
    assert await houses(world) == {"clearing": -MONEY_E4, "escrow": PHONE_E4}
    first = await ask(world, order.order_id, Command.deliver, "answer 1")
    assert first == Acted(order.order_id, State.delivered, 2, 0)
    again = await ask(world, order.order_id, Command.deliver, "answer 1")
    assert again == Acted(order.order_id, State.delivered, 2, 0, replayed=True)
    assert code(await ask(world, order.order_id, Command.deliver, "answer 2")) == "state_forbids"
    assert await houses(world) == {"clearing": -MONEY_E4, "sales": PHONE_E4}
    assert await story(world, order.order_id) == ["order.fulfilling", "order.delivered"]
    assert await waits_for(world, order.order_id) == []
    data = await world.scalar("SELECT data FROM event WHERE subject_id = $1 AND sequence = 2", order.order_id)
    assert data == {
        "state": "delivered", "quantity": 1, "total": "99.6500", "refunded": "0.0000", "currency": "CNY"
    }  # fmt: skip
    await world.assert_clean()


async def test_what_failed_is_paid_back_at_once(world: World) -> None:
    merchant = await world.merchant()
    async with world.gateway() as gateway:
        order = await ordered(gateway, merchant, world.phone)
    outcome = await ask(world, order.order_id, Command.fail, reason="wrong number")
    assert outcome == Acted(order.order_id, State.refunded, 3, PHONE_E4)
    assert await wallet(world, merchant) == MONEY_E4
    assert await houses(world) == {"clearing": -MONEY_E4}
    assert await story(world, order.order_id) == ["order.fulfilling", "order.failed", "order.refunded"]
    assert code(await ask(world, order.order_id, Command.refund)) == "state_forbids"
    await world.assert_clean()


async def test_a_wallet_that_takes_nothing_is_tried_again_by_a_job(world: World) -> None:
    merchant = await world.merchant()
    async with world.gateway() as gateway:
        order = await ordered(gateway, merchant, world.phone)
    await world.execute("UPDATE account SET closed = true WHERE account_id = $1", merchant.org_id)
    assert code(await ask(world, order.order_id, Command.fail)) == "failed"
    assert await waits_for(world, order.order_id) == [("orders.refund", "waiting")]
    await world.assert_clean()
    await work(world)
    assert await waits_for(world, order.order_id) == [("orders.refund", "dead")]
    await world.execute("UPDATE account SET closed = false WHERE account_id = $1", merchant.org_id)
    await world.execute("UPDATE job SET state = 'waiting', due_at = now() - interval '1 s'")
    await work(world)
    assert await waits_for(world, order.order_id) == []
    assert await wallet(world, merchant) == MONEY_E4
    await world.assert_clean()


async def test_parts_go_back_and_never_more_than_was_paid(world: World) -> None:
    merchant = await world.merchant()
    await world.load(world.card, 2)
    async with world.gateway() as gateway:
        order = await ordered(gateway, merchant, world.card, 2)
    total_e4 = 2 * CARD_E4

    async def part(key: str, amount_e4: int | None) -> Acted | Refused:
        return await ask(world, order.order_id, Command.refund, key, by=By.staff, amount_e4=amount_e4)

    assert await part("a", 700_001) == Acted(order.order_id, State.delivered, 2, 700_001)
    assert await part("a", 700_001) == Acted(order.order_id, State.delivered, 2, 700_001, replayed=True)
    assert code(await part("a", 700_002)) == "command_reused"
    assert code(await part("b", total_e4 - 700_000)) == "refund_too_large"
    assert code(await part("b", 0)) == "refund_too_large"
    assert await cards(world) == {"sold": 2}
    assert await houses(world) == {"clearing": -MONEY_E4, "sales": total_e4 - 700_001}
    assert await part("c", None) == Acted(order.order_id, State.refunded, 3, total_e4)
    assert await cards(world) == {"quarantined": 2}
    assert await wallet(world, merchant) == MONEY_E4
    assert await story(world, order.order_id) == ["order.delivered", "order.refunded_in_part", "order.refunded"]
    async with world.gateway() as gateway:
        shown = await orders.find(gateway.snapshot, merchant.caller, [order.order_id])
        assert shown[0].refunded_e4 == total_e4
        with pytest.raises(orders.SecretsNotShown):
            await orders.reveal(gateway.snapshot, merchant.caller, order.order_id)
    await world.assert_clean()


async def test_the_same_key_at_once_pays_back_once(world: World) -> None:
    merchant = await world.merchant()
    await world.load(world.card, 1)
    async with world.gateway() as gateway:
        order = await ordered(gateway, merchant, world.card)
    outcomes = await asyncio.gather(
        *(ask(world, order.order_id, Command.refund, "one", by=By.staff, amount_e4=10) for _ in range(5)),
        *(ask(world, order.order_id, Command.refund, f"k{n}", by=By.staff, amount_e4=CARD_E4 - 20) for n in range(3)),
    )
    fresh = [outcome for outcome in outcomes if isinstance(outcome, Acted) and not outcome.replayed]
    assert len(fresh) == 2
    assert sorted(code(outcome) for outcome in outcomes) == ["delivered"] * 6 + ["refund_too_large"] * 2
    assert await wallet(world, merchant) == MONEY_E4 - 10
    await world.assert_clean()


async def test_a_buyer_gives_back_only_what_may_be_given_back(world: World) -> None:
    merchant, other = await world.merchant(), await world.merchant()
    await world.load(world.card, 2)
    async with world.gateway() as gateway:
        firm = await ordered(gateway, merchant, world.card)
        await catalogue.set_sku(world.db, world.card.sku_id, {"refundable": True})
        soft = await ordered(gateway, merchant, world.card)
    buyer = {"by": By.buyer, "org_id": merchant.org_id}
    assert code(await ask(world, firm.order_id, Command.refund, **buyer)) == "not_refundable"  # as it was bought
    stranger = {"by": By.buyer, "org_id": other.org_id}
    assert code(await ask(world, soft.order_id, Command.refund, **stranger)) == "order_not_found"
    assert code(await ask(world, soft.order_id, Command.refund, **buyer)) == "refunded"
    assert await wallet(world, merchant) == MONEY_E4 - CARD_E4
    await world.assert_clean()


async def test_the_remainder_of_what_came_in_part_goes_back(world: World) -> None:
    merchant = await world.merchant()
    async with world.gateway() as gateway:
        order = await ordered(gateway, merchant, world.phone, 2)
        late = await ordered(gateway, merchant, world.phone, 2)
    assert code(await ask(world, order.order_id, Command.deliver_partly, amount_e4=2 * PHONE_E4)) == "refund_too_large"
    outcome = await ask(world, order.order_id, Command.deliver_partly, amount_e4=PHONE_E4)
    assert outcome == Acted(order.order_id, State.settled, 3, PHONE_E4)
    assert await story(world, order.order_id) == ["order.fulfilling", "order.partly_delivered", "order.settled"]
    assert await houses(world) == {"clearing": -MONEY_E4, "sales": PHONE_E4, "escrow": 2 * PHONE_E4}
    terms = Terms(confirm_days=3)
    assert code(await ask(world, late.order_id, Command.deliver_partly, amount_e4=1, terms=terms)) == "partly_delivered"
    assert await houses(world) == {"clearing": -MONEY_E4, "sales": PHONE_E4, "escrow": 1}
    await world.assert_clean()
    buyer = {"by": By.buyer, "org_id": merchant.org_id}
    assert code(await ask(world, late.order_id, Command.settle, **buyer)) == "settled"
    assert await houses(world) == {"clearing": -MONEY_E4, "sales": PHONE_E4 + 1}
    await world.assert_clean()


async def test_money_waits_until_the_buyer_confirms(world: World) -> None:
    merchant = await world.merchant()
    await world.load(world.card, 3)
    await catalogue.set_sku(world.db, world.card.sku_id, {"confirm_days": 7})
    async with world.gateway() as gateway:
        first, second, third = [await ordered(gateway, merchant, world.card) for _ in range(3)]
        plain = await ordered(gateway, merchant, world.phone)
    assert code(await ask(world, plain.order_id, Command.deliver)) == "delivered"
    assert await houses(world) == {"clearing": -MONEY_E4, "escrow": 3 * CARD_E4, "sales": PHONE_E4}
    assert await waits_for(world, first.order_id) == [("orders.settle", "waiting")]
    await world.assert_clean()
    buyer = {"by": By.buyer, "org_id": merchant.org_id}
    assert code(await ask(world, first.order_id, Command.settle, **buyer)) == "settled"
    assert code(await ask(world, second.order_id, Command.refund, by=By.staff)) == "refunded"
    assert await houses(world) == {"clearing": -MONEY_E4, "escrow": CARD_E4, "sales": PHONE_E4 + CARD_E4}
    assert await work(world) == 0
    now_ms = clock.now_ms()
    with clock.hold(now_ms + 7 * DAY_MS + 1000):
        assert await work(world) == 1
    assert await story(world, third.order_id) == ["order.delivered", "order.settled"]
    assert await houses(world) == {"clearing": -MONEY_E4, "sales": PHONE_E4 + 2 * CARD_E4}
    await world.assert_clean()


async def test_held_and_let_go_or_refused(world: World) -> None:
    merchant = await world.merchant()
    async with world.gateway() as gateway:
        kept, let, begun = [await ordered(gateway, merchant, world.phone) for _ in range(3)]
    for order in (kept, let):
        assert code(await ask(world, order.order_id, Command.hold, by=By.staff)) == "held"
        assert await waits_for(world, order.order_id) == [("orders.decide", "waiting")]
    await work(world)
    assert await waits_for(world, kept.order_id) == [("orders.decide", "dead")]
    await world.assert_clean()
    assert code(await ask(world, let.order_id, Command.fulfil, by=By.staff)) == "fulfilling"
    assert await waits_for(world, let.order_id) == [("fulfilment.topup", "waiting")]
    assert code(await ask(world, kept.order_id, Command.refuse, by=By.staff)) == "refunded"
    await world.execute(
        "UPDATE job SET state = 'sending', lease_token = 1, lease_until = now() WHERE subject_id = $1", begun.order_id
    )
    assert code(await ask(world, begun.order_id, Command.hold, by=By.staff)) == "state_forbids"
    assert await wallet(world, merchant) == MONEY_E4 - 2 * PHONE_E4
    await world.assert_clean()


async def test_unknown_waits_for_a_person(world: World) -> None:
    merchant = await world.merchant()
    async with world.gateway() as gateway:
        done, again, gone = [await ordered(gateway, merchant, world.phone) for _ in range(3)]
    for order in (done, again, gone):
        assert code(await ask(world, order.order_id, Command.doubt)) == "review"
    await work(world)
    assert await waits_for(world, done.order_id) == [("orders.verify", "dead")]
    await world.assert_clean()
    assert code(await ask(world, done.order_id, Command.refund, by=By.staff)) == "state_forbids"
    assert code(await ask(world, done.order_id, Command.deliver, by=By.staff)) == "delivered"
    assert code(await ask(world, again.order_id, Command.fulfil, by=By.staff)) == "fulfilling"
    assert code(await ask(world, gone.order_id, Command.fail, by=By.staff)) == "refunded"
    assert await waits_for(world, again.order_id) == [("fulfilment.topup", "waiting")]
    await world.assert_clean()


async def test_what_is_on_its_way_is_asked_back(world: World) -> None:
    merchant = await world.merchant()
    async with world.gateway() as gateway:
        stopped, came = [await ordered(gateway, merchant, world.phone) for _ in range(2)]
    buyer = {"by": By.buyer, "org_id": merchant.org_id}
    for order in (stopped, came):
        assert code(await ask(world, order.order_id, Command.cancel, "once", **buyer)) == "cancelling"
        assert await waits_for(world, order.order_id) == [("fulfilment.topup_withdraw", "waiting")]
    assert code(await ask(world, stopped.order_id, Command.fail)) == "refunded"
    assert code(await ask(world, came.order_id, Command.deliver)) == "delivered"
    assert await houses(world) == {"clearing": -MONEY_E4, "sales": PHONE_E4}
    await world.assert_clean()


async def test_other_cards_for_some_that_did_not_work(world: World) -> None:
    merchant = await world.merchant(lane=0)
    await world.load(world.card, 4, lane=1)
    async with world.gateway() as gateway:
        order = await ordered(gateway, merchant, world.card, 3)
        (row,) = await world.rows("SELECT card_ids, cost_e4 FROM orders WHERE order_id = $1", order.order_id)
        bad = row["card_ids"][1]
        await world.gather(world.card, 1)  # the one that is left must be stolen back

        async def swap(*card_ids: int) -> Acted | Refused:
            return await ask(world, order.order_id, Command.swap, f"{card_ids}", by=By.staff, card_ids=card_ids)

        assert code(await swap(4711)) == code(await swap()) == code(await swap(bad, bad)) == "no_such_card"
        assert code(await swap(bad)) == "delivered"
        assert await swap(bad) == Acted(order.order_id, State.delivered, 2, 0, replayed=True)
        (after,) = await world.rows("SELECT card_ids, cost_e4 FROM orders WHERE order_id = $1", order.order_id)
        assert [after["card_ids"][n] == row["card_ids"][n] for n in range(3)] == [True, False, True]
        assert after["cost_e4"] == row["cost_e4"] // 3 * 4
        assert await cards(world) == {"sold": 3, "quarantined": 1}
        assert code(await swap(after["card_ids"][0])) == "sold_out"
        shown = await orders.reveal(gateway.snapshot, merchant.caller, order.order_id)
        assert len({card.text for card in shown.cards} - {card.text for card in order.cards}) == 1
        assert code(await ask(world, order.order_id, Command.redeliver, by=By.staff)) == "delivered"
        with clock.hold(clock.now_ms() + 8 * DAY_MS):
            assert code(await ask(world, order.order_id, Command.redeliver, by=By.staff)) == "secrets_not_shown"
    assert await story(world, order.order_id) == ["order.delivered", "order.replaced", "order.redelivered"]
    acts = [row["act"] for row in await world.rows("SELECT act FROM audit_line WHERE act LIKE 'order.%' ORDER BY 1")]
    assert acts == ["order.redeliver", "order.reveal", "order.swap"]
    await world.assert_clean()


@pytest.mark.parametrize(
    ("key", "reason", "field"),
    [("", "why", "key"), ("k" * 161, "why", "key"), ("a\nb", "why", "key"), ("k", " ", "reason"),
     ("k", "\n", "reason")],
)  # fmt: skip
async def test_a_command_says_what_and_why(world: World, key: str, reason: str, field: str) -> None:
    instruction = orders.Instruction(order_id=4096, command=Command.refund, key=key, by=By.staff, reason=reason)
    with pytest.raises(orders.BadCommand) as refused:
        await orders.act_on(world.db, world.ring, instruction)
    assert refused.value.field == field


async def test_many_commands_of_a_lane_in_one_transaction(world: World) -> None:
    merchant = await world.merchant()
    async with world.gateway() as gateway:
        placed = [await ordered(gateway, merchant, world.phone) for _ in range(20)]
    before = await world.scalar("SELECT serial FROM lane WHERE lane = $1", merchant.lane)
    outcomes = await orders.act(
        world.db, world.ring,
        [
            orders.Instruction(order_id=order.order_id, command=command, key="k")
            for order in placed
            for command in (Command.doubt, Command.fail)
        ],
    )  # fmt: skip
    assert [code(outcome) for outcome in outcomes] == ["review", "refunded"] * 20
    assert await world.scalar("SELECT serial FROM lane WHERE lane = $1", merchant.lane) == before + 1
    assert await wallet(world, merchant) == MONEY_E4
    await world.assert_clean()
