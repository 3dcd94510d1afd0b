"""Finding and revealing: one's own orders only, cards only for who may read them, every look at them written down."""

from __future__ import annotations

import msgspec
import pytest

from kameng import identity, orders
from kameng.identity import Scope
from kameng.kit import clock
from kameng.orders import OrderNotFound, SecretsNotShown, ShownOrder
from laws.world import Gateway, World, codes, placed

WEEK_MS = 7 * 86_400_000


async def one(gateway: Gateway, world: World, ref: str = "a", *, quantity: int = 2, **more: object) -> ShownOrder:
    merchant = more.pop("merchant")
    answer = await gateway.place(merchant, ref, world.card, quantity, **more)  # type: ignore[arg-type]
    assert codes([answer]) == {"placed": 1}
    return placed([answer])[0]


async def test_by_id_and_by_reference_without_cards(world: World) -> None:
    await world.load(world.card, 10)
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        order = await one(gateway, world, merchant=merchant.caller)
        found = await orders.find(gateway.snapshot, merchant.caller, [order.order_id, 1, order.order_id + 1])
        by_ref = await orders.find_by_ref(gateway.snapshot, merchant.caller, "a")
        with pytest.raises(OrderNotFound):
            await orders.find_by_ref(gateway.snapshot, merchant.caller, "b")
    assert found == [by_ref] == [msgspec.structs.replace(order, cards=())]


async def test_another_organisation_finds_nothing_of_it(world: World) -> None:
    await world.load(world.card, 10)
    merchant, same_lane, other_lane = [await world.merchant(lane=lane) for lane in (0, 0, 1)]
    async with world.gateway() as gateway:
        order = await one(gateway, world, merchant=merchant.caller)
        snapshot = gateway.snapshot
        for caller in (same_lane.caller, other_lane.caller, merchant.sandbox, same_lane.sandbox):
            assert await orders.find(snapshot, caller, [order.order_id]) == []
            assert (await orders.list_orders(snapshot, caller)).orders == []
            for asking in (
                orders.find_by_ref(snapshot, caller, "a"),
                orders.reveal(snapshot, caller, order.order_id),
                orders.timeline(snapshot, caller, order.order_id),
            ):
                with pytest.raises(OrderNotFound):
                    await asking
        # The same reference is theirs to use.
        answer = await gateway.place(same_lane.caller, "a", world.card)
    assert codes([answer]) == {"placed": 1}
    assert placed([answer])[0].order_id != order.order_id
    assert await world.scalar("SELECT count(*) FROM audit_line WHERE act = 'order.reveal'") == 0


async def test_a_list_is_paged_from_new_to_old_and_misses_nothing(world: World) -> None:
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        answers = [await gateway.place(merchant.caller, f"r{n}", world.phone) for n in range(11)]
        placed_ids = [order.order_id for order in placed(answers)]
        seen, cursor = [], orders.ID_MAX
        while True:
            page = await orders.list_orders(gateway.snapshot, merchant.caller, before_id=cursor, limit=4)
            seen += [order.order_id for order in page.orders]
            if page.next_id is None:
                break
            cursor = page.next_id
            await gateway.place(merchant.caller, f"meanwhile{len(seen)}", world.phone)  # comes before the cursor
        exactly = await orders.list_orders(gateway.snapshot, merchant.caller, limit=13)
        delivered = await orders.list_orders(gateway.snapshot, merchant.caller, state="delivered")
    assert seen == placed_ids[::-1]
    assert len(exactly.orders) == 13
    assert exactly.next_id is None
    assert delivered.orders == []


async def test_revealing_shows_the_cards_and_writes_who_saw_them(world: World) -> None:
    await world.load(world.card, 10)
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        order = await one(gateway, world, merchant=merchant.caller)
        shown = await orders.reveal(gateway.snapshot, merchant.caller, order.order_id)
        events = await orders.timeline(gateway.snapshot, merchant.caller, order.order_id)
    assert shown.cards == order.cards
    rows = await world.rows("SELECT org_id, actor_id, subject_id FROM audit_line WHERE act = 'order.reveal'")
    assert [tuple(row) for row in rows] == [(merchant.org_id, merchant.caller.key.key_id, order.order_id)]
    assert [(event.sequence, event.kind) for event in events] == [(1, "order.delivered")]
    await world.assert_clean()


async def test_secrets_are_shown_for_seven_days(world: World) -> None:
    await world.load(world.card, 10)
    merchant = await world.merchant(lane=0)
    now = clock.now_ms()
    async with world.gateway() as gateway:
        with clock.hold(now):
            order = await one(gateway, world, merchant=merchant.caller)
        with clock.hold(now + WEEK_MS):
            assert (await orders.reveal(gateway.snapshot, merchant.caller, order.order_id)).cards == order.cards
            again = await gateway.place(merchant.caller, "a", world.card, 2)
            assert placed([again])[0].cards == order.cards
        with clock.hold(now + WEEK_MS + 1000):
            with pytest.raises(SecretsNotShown):
                await orders.reveal(gateway.snapshot, merchant.caller, order.order_id)
            again = await gateway.place(merchant.caller, "a", world.card, 2)
            assert codes([again]) == {"replayed": 1}
            assert placed([again])[0].cards == ()


@pytest.mark.parametrize("state", ["refunded", "failed", "review", "cancelling"])
async def test_a_refunded_order_shows_no_secret(world: World, state: str) -> None:
    await world.load(world.card, 10)
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        order = await one(gateway, world, merchant=merchant.caller)
        await world.execute("UPDATE orders SET state = $1 WHERE order_id = $2", state, order.order_id)
        again = placed([await gateway.place(merchant.caller, "a", world.card, 2)])[0]
        assert (again.state, again.cards, again.replayed) == (state, (), True)
        with pytest.raises(SecretsNotShown):
            await orders.reveal(gateway.snapshot, merchant.caller, order.order_id)


async def test_a_card_that_was_replaced_is_not_shown_any_more(world: World) -> None:
    await world.load(world.card, 10)
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        order = await one(gateway, world, merchant=merchant.caller)
        first = await world.scalar("SELECT card_ids[1] FROM orders")
        await world.execute("UPDATE card SET state = 'quarantined' WHERE card_id = $1", first)
        shown = await orders.reveal(gateway.snapshot, merchant.caller, order.order_id)
    assert shown.cards == order.cards[1:]


async def test_a_key_that_may_not_read_cards_gets_their_ends_and_no_secret(world: World) -> None:
    await world.load(world.card, 10)
    merchant = await world.merchant(lane=0)
    blind = await world.key(merchant, scopes=[Scope.orders_place])
    async with world.gateway() as gateway:
        first = await one(gateway, world, merchant=blind)
        again = placed([await gateway.place(blind, "a", world.card, 2)])[0]
    assert [msgspec.json.decode(card.text or b"") for card in first.cards] == [
        {"number": "WY00****0001", "secret": ""}, {"number": "WY00****0002", "secret": ""},
    ]  # fmt: skip
    assert again.cards == ()
    assert await world.scalar("SELECT count(*) FROM audit_line WHERE act = 'order.reveal'") == 0


async def test_a_repeat_in_the_same_batch_gets_the_same_order(world: World) -> None:
    await world.load(world.card, 10)
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        wishes = [await gateway.wish(merchant.caller, "a", world.card, 2) for _ in range(3)]
        answers = await gateway.place_many(wishes)
    assert codes(answers) == {"placed": 1, "replayed": 2}
    assert len({(answer.order_id, answer.cards) for answer in placed(answers)}) == 1


async def test_a_sandbox_plays_and_touches_nothing_real(world: World) -> None:
    merchant = await world.merchant(lane=0, money_e4=0)
    async with world.gateway() as gateway:
        first = placed([await gateway.place(merchant.sandbox, "a", world.card, 2)])[0]
        again = placed([await gateway.place(merchant.sandbox, "a", world.card, 2)])[0]
        shown = await orders.reveal(gateway.snapshot, merchant.sandbox, first.order_id)
        poor = await gateway.place(merchant.caller, "a", world.card, 2)
    assert first.currency == "XTS"
    assert [card.text for card in first.cards] == [
        b'{"number":"PLAY%d","secret":"SANDBOX-%d-%d"}' % (first.order_id, first.order_id, n) for n in (1, 2)
    ]
    assert again.cards == shown.cards == first.cards
    assert codes([poor]) == {"sold_out": 1}
    assert await world.scalar("SELECT count(*) FROM card") == 0
    await world.assert_clean()


async def test_organisations_that_want_events_are_owed_them(world: World) -> None:
    merchant, other = await world.merchant(lane=0), await world.merchant(lane=0)
    changed = await identity.set_organisation(world.db, merchant.org_id, wants_events=True)
    async with world.gateway() as gateway:
        await gateway.place(await world.caller(merchant.member.key, changed), "a", world.phone)
        await gateway.place(other.caller, "a", world.phone)
    rows = await world.rows("SELECT org_id, due, kind FROM event ORDER BY event_id")
    assert [tuple(row) for row in rows] == [
        (merchant.org_id, True, "order.fulfilling"), (other.org_id, False, "order.fulfilling"),
    ]  # fmt: skip
