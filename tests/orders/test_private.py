"""Whom orders are for: found by a keyed hash, shown masked, wiped when they are final, purged when they are old."""

from __future__ import annotations

import pytest

from kameng import catalogue, orders
from kameng.kit import clock, crypto
from kameng.ops import sampling
from kameng.orders import BadReason, NoAccount, OrderNotFound, OrdersRunning, ShownOrder
from laws.world import PHONE, World, codes
from topups import GAME, NAMED, deliver, games, texts, top_up

DAY_MS = 86_400_000
LEFT = {"game_account": "Fa*****26", "phone": "138****8000"}
MASKED = {**LEFT, "game_password": "******"}
WHY = "ticket 17"


def ids_of(found: list[ShownOrder]) -> list[int]:
    return [order.order_id for order in found]


async def account_of(world: World, order: ShownOrder) -> dict[str, str] | None:
    """As it lies there, opened."""
    sealed = await world.scalar("SELECT account FROM orders WHERE order_id = $1", order.order_id)
    return None if sealed is None else orders.open_account(world.ring, order.order_id, sealed)


async def lines(world: World, act: str) -> list[tuple[object, ...]]:
    rows = await world.rows("SELECT org_id, actor_id, subject_id, data FROM audit_line WHERE act = $1 ORDER BY 3", act)
    return [(row[0], row[1], row[2], row[3]) for row in rows]


async def test_orders_are_found_by_every_number_in_their_account_and_by_no_other_word(world: World) -> None:
    game, named = await games(world)
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        first = await top_up(gateway, merchant.caller, "g", game, GAME)
        second = await gateway.place(merchant.caller, "p", world.phone, phone="13800138000")
        third = await top_up(gateway, merchant.caller, "n", named, NAMED)
        assert isinstance(second, ShownOrder)

        async def found(text: str) -> list[int]:
            return ids_of((await orders.find_by_target(gateway.snapshot, merchant.caller, text)).orders)

        assert await found("+86 138 0013 8000") == [second.order_id, first.order_id]
        assert await found("fang-2026") == [first.order_id]
        assert await found("44030819900101123x") == [third.order_id]
        for nothing in (GAME["game_password"], "王芳", "13800138001", ""):
            assert await found(nothing) == []
        page = await orders.find_by_target(gateway.snapshot, merchant.caller, "13800138000", limit=1)
        assert (ids_of(page.orders), page.next_id) == ([second.order_id], second.order_id)
        rest = await orders.find_by_target(
            gateway.snapshot, merchant.caller, "13800138000", limit=1, before_id=second.order_id
        )
        assert (ids_of(rest.orders), rest.next_id) == ([first.order_id], None)
    await world.assert_clean()


async def test_another_organisation_finds_only_its_own_and_staff_find_all(world: World) -> None:
    merchant, same_lane, other_lane = [await world.merchant(lane=lane) for lane in (0, 0, 1)]
    async with world.gateway() as gateway:
        own = [await gateway.place(m.caller, "a", world.phone) for m in (merchant, other_lane)]
        for caller, found in ((merchant.caller, own[:1]), (other_lane.caller, own[1:]), (same_lane.caller, []),
                              (merchant.sandbox, [])):  # fmt: skip
            page = await orders.find_by_target(gateway.snapshot, caller, PHONE)
            assert ids_of(page.orders) == [one.order_id for one in found if isinstance(one, ShownOrder)]
    staff = await orders.search(world.db, world.ring, PHONE)
    assert [(one.order_id, one.org_id, one.account) for one in staff] == [
        (one.order_id, owner.org_id, {"phone": "138****5678"})
        for one, owner in ((own[1], other_lane), (own[0], merchant)) if isinstance(one, ShownOrder)
    ]  # fmt: skip
    assert await orders.search(world.db, world.ring, PHONE, classes=["account"]) == []


async def test_a_plain_order_writes_no_mark(world: World) -> None:
    await world.load(world.card, 4)
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        assert codes([await gateway.place(merchant.caller, "a", world.card)]) == {"placed": 1}
        shown = (await orders.list_orders(gateway.snapshot, merchant.caller)).orders
    assert [order.account for order in shown] == [None]
    assert await world.scalar("SELECT (SELECT count(*) FROM order_mark) + (SELECT count(*) FROM order_password)") == 0


async def test_lists_and_answers_show_an_account_masked(world: World) -> None:
    game, _ = await games(world)
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        order = await top_up(gateway, merchant.caller, "g", game, GAME)
        ways = [
            await orders.find(gateway.snapshot, merchant.caller, [order.order_id]),
            [await orders.find_by_ref(gateway.snapshot, merchant.caller, "g")],
            (await orders.list_orders(gateway.snapshot, merchant.caller)).orders,
            (await orders.find_by_target(gateway.snapshot, merchant.caller, "fang-2026")).orders,
        ]
    assert [[one.account for one in way] for way in ways] == [[MASKED]] * 4


async def test_an_account_that_does_not_open_hides_nothing_else(world: World) -> None:
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        await gateway.place(merchant.caller, "a", world.phone)
        await world.execute("UPDATE orders SET account = set_byte(account, 40, 255 - get_byte(account, 40))")
        found = (await orders.list_orders(gateway.snapshot, merchant.caller)).orders
    assert [(order.client_ref, order.account) for order in found] == [("a", None)]


async def test_revealing_an_account_is_written_down_and_keeps_its_password(world: World) -> None:
    game, _ = await games(world)
    merchant = await world.merchant(lane=0)
    await world.load(world.card, 1)
    async with world.gateway() as gateway:
        order = await top_up(gateway, merchant.caller, "g", game, GAME)
        card = await gateway.place(merchant.caller, "c", world.card)
    assert isinstance(card, ShownOrder)
    for reason in (" ", "x" * 501, "line\nbreak", "asked by Fang-2026 herself"):
        with pytest.raises(BadReason) as refused:
            await orders.reveal_account(world.db, world.ring, order.order_id, reason=reason)
        assert refused.value.field == "reason"
    for order_id, refusal in ((card.order_id, NoAccount), (order.order_id + 1, OrderNotFound), (5, OrderNotFound),
                              ((1 << 63) - 1, OrderNotFound)):  # fmt: skip
        with pytest.raises(refusal):
            await orders.reveal_account(world.db, world.ring, order_id, reason=WHY)
    assert await lines(world, "order.account.reveal") == []
    shown = await orders.reveal_account(world.db, world.ring, order.order_id, reason=WHY, actor_id=7)
    assert shown == {**GAME, "game_password": "******"}
    assert await lines(world, "order.account.reveal") == [(merchant.org_id, 7, order.order_id, {"reason": WHY})]
    await world.assert_clean()


async def test_a_password_is_wiped_when_its_order_is_final_and_not_before(world: World) -> None:
    game, _ = await games(world)
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        done, running = [await top_up(gateway, merchant.caller, ref, game, GAME) for ref in ("a", "b")]
        assert await orders.wipe_passwords(world.db, world.ring, 0) == 0
        assert await world.scalar("SELECT count(*) FROM order_password") == 2
        await deliver(world, done)
        await world.assert_clean()  # within its hour
        assert await orders.wipe_passwords(world.db, world.ring, 0) == 1
        assert await orders.wipe_passwords(world.db, world.ring, 0) == 0
        assert await account_of(world, done) == {name: GAME[name] for name in ("game_account", "phone")}
        assert await account_of(world, running) == GAME
        assert [row[0] for row in await world.rows("SELECT order_id FROM order_password")] == [running.order_id]
        found = (await orders.find_by_target(gateway.snapshot, merchant.caller, "fang-2026")).orders
        assert {order.order_id: order.account for order in found} == {done.order_id: LEFT, running.order_id: MASKED}
        # The content is remembered as it was sent: a repeat is a repeat.
        again = await top_up(gateway, merchant.caller, "a", game, GAME)
        assert (again.order_id, again.replayed) == (done.order_id, True)
    await world.assert_clean()


async def test_many_passwords_are_wiped_in_turns_and_what_does_not_open_stays_listed(world: World) -> None:
    game, _ = await games(world)
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        accounts = [{**GAME, "game_account": f"fang-{n}"} for n in range(401)]
        body = [orders.OrderBody(f"m{n}", str(game.sku_id), 1, account) for n, account in enumerate(accounts)]
        wishes = [orders.wish_from(gateway.snapshot, merchant.caller, one) for one in body]
        assert codes(await gateway.place_many(wishes)) == {"placed": 401}
    damaged = await world.scalar("SELECT min(order_id) FROM orders")
    await world.execute(
        "UPDATE orders SET state = 'delivered', account = CASE order_id WHEN $1 THEN set_byte(account, 40,"
        " 255 - get_byte(account, 40)) ELSE account END", damaged,
    )  # fmt: skip
    assert await orders.wipe_passwords(world.db, world.ring, 0) == 400
    assert [row[0] for row in await world.rows("SELECT order_id FROM order_password")] == [damaged]


async def test_accounts_of_final_orders_go_when_they_are_old(world: World) -> None:
    game, _ = await games(world)
    merchant = await world.merchant(lane=0)
    now = clock.now_ms()
    async with world.gateway() as gateway:
        with clock.hold(now):
            old, stuck = [await top_up(gateway, merchant.caller, ref, game, GAME) for ref in ("a", "b")]
        with clock.hold(now + 2 * DAY_MS):
            young = await top_up(gateway, merchant.caller, "c", game, GAME)
        with clock.hold(now + 11 * DAY_MS - 1):
            await deliver(world, old, young)
            assert await orders.purge_accounts(world.db, world.ring, 0, kept_days=11) == 0
            assert await orders.purge_accounts(world.db, world.ring, 0, kept_days=10) == 1
            assert await orders.purge_accounts(world.db, world.ring, 0, kept_days=10) == 0
        assert [await account_of(world, one) for one in (old, stuck, young)] == [None, GAME, GAME]
        found = (await orders.find_by_target(gateway.snapshot, merchant.caller, "13800138000")).orders
        assert ids_of(found) == [young.order_id, stuck.order_id]
        assert [one.account for one in await orders.find(gateway.snapshot, merchant.caller, [old.order_id])] == [None]
    left = await world.rows("SELECT DISTINCT order_id FROM order_mark ORDER BY 1")
    assert [row[0] for row in left] == [stuck.order_id, young.order_id]


async def test_marks_of_an_account_that_does_not_open_go_with_it(world: World) -> None:
    merchant = await world.merchant(lane=0)
    now = clock.now_ms()
    async with world.gateway() as gateway:
        orders_made = [await gateway.place(merchant.caller, ref, world.phone) for ref in ("a", "b")]
    assert codes(orders_made) == {"placed": 2}
    await world.execute("UPDATE orders SET state = 'delivered'")
    lost = crypto.KeyRing(crypto.KeyMaterial(9, {9: b"x" * 32}, b"y" * 32))  # opens nothing, and hashes otherwise
    with clock.hold(now + 2 * DAY_MS):
        assert await orders.purge_accounts(world.db, lost, 0, kept_days=1) == 2
    assert await world.scalar("SELECT count(*) FROM order_mark") == 0


async def test_erasing_takes_every_account_of_a_person_and_nobody_elses(world: World) -> None:
    game, named = await games(world)
    merchants = [await world.merchant(lane=lane) for lane in (0, 1)]
    async with world.gateway() as gateway:
        hers = [await top_up(gateway, one.caller, "g", game, GAME) for one in merchants]
        others = [await top_up(gateway, merchants[0].caller, "n", named, NAMED)]
        others += [await top_up(gateway, merchants[0].caller, "o", game, {**GAME, "phone": "13900139000"})]
    marks = catalogue.marks_of_text(world.ring, "13800138000")
    await deliver(world, hers[0], *others)
    with pytest.raises(OrdersRunning) as refused:
        await orders.erase_accounts(world.db, world.ring, marks, reason=WHY)
    assert refused.value.detail == f"1 not final: {hers[1].order_id}"
    assert await account_of(world, hers[0]) == GAME
    await deliver(world, hers[1])
    before = await texts(world)
    assert await orders.erase_accounts(world.db, world.ring, marks, reason=WHY, actor_id=7) == 2
    assert await orders.erase_accounts(world.db, world.ring, marks, reason=WHY, actor_id=7) == 0
    assert [await account_of(world, one) for one in hers] == [None, None]
    assert [await account_of(world, one) for one in others] == [NAMED, {**GAME, "phone": "13900139000"}]
    assert await lines(world, "order.account.erase") == [
        (owner.org_id, 7, order.order_id, {"reason": WHY}) for owner, order in zip(merchants, hers, strict=True)
    ]
    assert {table.split()[0] for table, _ in set(before.items()) ^ set((await texts(world)).items())} <= {
        "orders", "order_mark", "order_password", "audit_line", "lane"
    }  # fmt: skip
    await world.assert_clean()


async def test_nothing_of_an_account_stands_anywhere_in_clear(world: World) -> None:
    game, named = await games(world)
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        made = [await top_up(gateway, merchant.caller, "g", game, GAME),
                await top_up(gateway, merchant.caller, "n", named, NAMED)]  # fmt: skip
        await orders.reveal_account(world.db, world.ring, made[0].order_id, reason=WHY)
    await deliver(world, *made)
    await orders.wipe_passwords(world.db, world.ring, 0)
    needles = sampling.Needles((name, value) for name, value in {**GAME, **NAMED}.items())
    assert needles.count == 4  # a name is too short to be looked for
    found = {f"{what} in {place}" for place, text in (await texts(world)).items() for what in needles.found_in(text)}
    assert found == set()
    assert not [place for place, text in (await texts(world)).items() if "王芳" in text]


async def test_a_limit_counts_one_account_whatever_the_password(world: World) -> None:
    game, _ = await games(world)
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        hashes = {
            orders.wish_from(
                gateway.snapshot, merchant.caller,
                orders.OrderBody(password, str(game.sku_id), 1, {**GAME, "game_password": password}),
            ).target_hash
            for password in ("first-one", "second-one")
        }  # fmt: skip
    assert len(hashes) == 1
