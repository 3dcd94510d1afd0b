"""What the database refuses stands alone in the end: the others of its batch are placed as if it had not been there."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import msgspec
import pytest

from kameng import orders, risk
from kameng.kit import crypto
from kameng.kit.db import Connection
from kameng.orders import Wish, placing
from laws.world import World, codes, placed, together

POISON = """
CREATE FUNCTION refuse_poison() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.client_ref LIKE 'poison%' THEN RAISE EXCEPTION 'poison' USING ERRCODE = 'check_violation'; END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER poison BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION refuse_poison();
"""


async def test_the_others_are_placed(world: World) -> None:
    await world.execute(POISON)
    await world.load(world.card, 200)
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        names = [f"r{n}" for n in range(60)]
        names[7], names[8], names[41] = "poison-a", "poison-b", "poison-c"
        answers = await gateway.place_many(
            [await gateway.wish(merchant.caller, name, world.card, 2) for name in names]
        )
        again = await gateway.place(merchant.caller, "poison-a", world.card, 2)
    assert codes(answers) == {"placed": 57, "order_not_placed": 3}
    assert [name for name, answer in zip(names, answers, strict=True) if answer not in placed(answers)] == [
        "poison-a", "poison-b", "poison-c",
    ]  # fmt: skip
    assert codes([again]) == {"order_not_placed": 1}
    assert await world.scalar("SELECT count(*) FROM card WHERE state = 'sold'") == 114
    await world.assert_clean()


async def test_a_poisoned_group_falls_as_a_whole_and_alone(world: World) -> None:
    await world.execute(POISON)
    await world.load(world.card, 50)
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        bad = [await gateway.wish(merchant.caller, ref, world.card, group=1) for ref in ("a", "poison", "b")]
        good = [await gateway.wish(merchant.caller, ref, world.card, group=2) for ref in ("c", "d")]
        singles = [await gateway.wish(merchant.caller, f"s{n}", world.card) for n in range(9)]
        of_bad, of_good, *rest = await together(
            gateway.place_many(bad), gateway.place_many(good), *(gateway.queues.place(wish) for wish in singles)
        )
    assert codes(of_bad) == {"order_not_placed": 3}
    assert codes(of_good) == {"placed": 2}
    assert codes(rest) == {"placed": 9}
    await world.assert_clean()


async def test_what_the_poisoned_one_reserved_is_given_back(world: World) -> None:
    await world.execute(POISON)
    await risk.set_rule(world.db, risk.Rule(0, "three", "target", (), 3600, 3, None))
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        poisoned = [await gateway.place(merchant.caller, f"poison{n}", world.phone) for n in range(5)]
        answers = [await gateway.place(merchant.caller, f"r{n}", world.phone) for n in range(4)]
    assert codes(poisoned) == {"order_not_placed": 5}
    assert codes(answers) == {"placed": 3, "velocity_exceeded": 1}
    await world.assert_clean()


async def test_a_damaged_card_is_put_aside_and_never_sold(world: World) -> None:
    await world.load(world.card, 6, lane=0)
    await world.execute(
        DAMAGE + "card_id IN (SELECT card_id FROM card ORDER BY expires_on, card_id LIMIT 2)"
    )
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        answers = await together(*(gateway.place(merchant.caller, f"r{n}", world.card) for n in range(6)))
    assert codes(answers) == {"placed": 4, "sold_out": 2}
    assert await world.scalar("SELECT count(*) FROM card WHERE state = 'quarantined'") == 2
    assert await world.scalar("SELECT sum(on_hand) FROM allotment") == 0


DAMAGE = "UPDATE card SET sealed = set_byte(sealed, 30, 255 - get_byte(sealed, 30)) WHERE "


async def test_an_order_whose_sold_card_is_damaged_stands(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Its repeat shows the other cards, those beside it in the batch are untouched, and the staff is told."""
    await world.load(world.card, 6, lane=0)
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        first = placed([await gateway.place(merchant.caller, ref, world.card, 2) for ref in ("a", "b")])
        await world.execute(DAMAGE + "card_id = (SELECT card_ids[1] FROM orders WHERE client_ref = 'a')")
        wishes = [await gateway.wish(merchant.caller, ref, world.card, 2) for ref in ("a", "b", "c")]
        again = await gateway.place_many(wishes)
        shown = await orders.reveal(gateway.snapshot, merchant.caller, first[0].order_id)
    assert codes(again) == {"replayed": 2, "placed": 1}
    damaged, whole, _ = placed(again)
    lost = msgspec.structs.replace(first[0].cards[0], text=None)
    assert damaged.cards == shown.cards == (lost, first[0].cards[1])
    assert (damaged.order_id, damaged.state, damaged.total_e4) == (first[0].order_id, "delivered", 2 * 985_000)
    assert whole.cards == first[1].cards
    told = [r for r in caplog.records if r.getMessage() == "sold cards do not open"]
    assert [(record.levelname, record.fields["card_count"]) for record in told] == [("ERROR", 1)] * 2
    assert await world.scalar("SELECT count(*) FROM orders") == 3


async def test_a_ring_that_lost_its_key_denies_no_order(world: World) -> None:
    await world.load(world.card, 3, lane=0)
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        first = placed([await gateway.place(merchant.caller, "a", world.card, 2)])[0]
    async with world.gateway() as gateway:
        gateway.snapshot.ring = crypto.KeyRing(  # the same hashes, another key
            crypto.KeyMaterial(2, {2: bytes(32)}, world.ring._hash_key)
        )
        again = placed([await gateway.place(merchant.caller, "a", world.card, 2)])[0]
        found = await orders.find(gateway.snapshot, merchant.caller, [first.order_id])
        with pytest.raises(orders.CardsNotOpened) as refused:
            await orders.reveal(gateway.snapshot, merchant.caller, first.order_id)
    assert (again.order_id, again.state, again.replayed) == (first.order_id, "delivered", True)
    assert [card.text for card in again.cards] == [None, None]
    assert [order.order_id for order in found] == [first.order_id]
    assert (refused.value.outcome, refused.value.retry) == ("done", "same_key")
    # Nobody saw a card.
    assert await world.scalar("SELECT count(*) FROM audit_line WHERE act = 'order.reveal'") == 0
    await world.assert_clean()


async def test_an_answer_that_can_not_be_made_is_no_order_that_was_not_placed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The batch is committed by then."""
    await world.load(world.card, 5, lane=0)
    merchant = await world.merchant(lane=0)
    answer = placing._answer

    def broken(wish: Wish, *rest: Any) -> Any:
        if wish.client_ref == "b":
            raise RuntimeError("it can't be shown")
        return answer(wish, *rest)

    monkeypatch.setattr(placing, "_answer", broken)
    async with world.gateway() as gateway:
        answers = await together(*(gateway.place(merchant.caller, ref, world.card) for ref in "abc"))
    assert [list(codes([answer])) for answer in answers] == [["replayed"], ["outcome_unknown"], ["replayed"]]
    assert await world.scalar("SELECT count(*) FROM orders") == 3
    await world.assert_clean()


@pytest.mark.parametrize("hurry_s", [0.0, 0.001, 0.002, 0.005, 0.01])
async def test_whoever_is_cancelled_leaves_no_open_transaction_behind(world: World, hurry_s: float) -> None:
    """A handler may be cancelled at any moment; its connection serves the next one, whose commit must be one."""

    async def touch(connection: Connection, key: str) -> None:
        await connection.execute("INSERT INTO transfer_key (lane, key, transfer_id) VALUES (0, $1, 1)", key)

    async def cancelled(n: int) -> None:
        async with world.db.transaction() as connection:
            await touch(connection, f"cancelled {hurry_s} {n}")
            await asyncio.sleep(0)

    for n in range(40):
        task = asyncio.ensure_future(cancelled(n))
        await asyncio.sleep(hurry_s * n / 20)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        async with world.db.transaction() as connection:
            await touch(connection, f"kept {hurry_s} {n}")
    await world.db.close()
    async with world.gateway() as other, other.snapshot.db.connection() as connection:
        count = await connection.fetchval("SELECT count(*) FROM transfer_key WHERE key LIKE 'kept %'")
    assert count == 40


async def test_a_caller_who_left_does_not_hold_up_the_others(world: World) -> None:
    await world.load(world.card, 50)
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        tasks = [asyncio.ensure_future(gateway.place(merchant.caller, f"r{n}", world.card)) for n in range(30)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        again = await together(*(gateway.place(merchant.caller, f"r{n}", world.card) for n in range(30)))
    kept = [answer for answer in answers if not isinstance(answer, BaseException)]
    assert len(placed(kept)) == 15  # type: ignore[arg-type]
    assert len({answer.order_id for answer in placed(again)}) == 30
    await world.assert_clean()


async def test_stopping_answers_whoever_was_let_in(world: World) -> None:
    """A gateway that stops finishes what it began: nobody waits for an answer that never comes."""
    await world.load(world.card, 300)
    merchant = await world.merchant(lane=0)
    async with world.gateway(batch_max=16) as gateway:
        wishes = [await gateway.wish(merchant.caller, f"r{n}", world.card) for n in range(200)]
        tasks = [asyncio.ensure_future(gateway.queues.place(wish)) for wish in wishes]
        await asyncio.sleep(0.02)
        await gateway.queues.stop()
        async with asyncio.timeout(5):
            answers = await asyncio.gather(*tasks)
    assert len(placed(answers)) == await world.scalar("SELECT count(*) FROM orders")
    assert set(codes(answers)) <= {"placed", "busy"}
    await world.assert_clean()


async def test_a_quantity_nobody_may_order_does_not_read_the_whole_shelf(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.load(world.card, 1000, lane=0)
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        opened = 0
        ring = gateway.snapshot.ring
        open_one = type(ring).open

        def counting(self: object, what: bytes, row_id: int, sealed: bytes) -> bytes:
            nonlocal opened
            opened += what == b"card"
            return open_one(ring, what, row_id, sealed)

        monkeypatch.setattr(type(ring), "open", counting)
        refused = await gateway.place(merchant.caller, "a", world.card, 1_000_000)
        assert codes([refused]) == {"bad_quantity": 1}
        assert opened == 0
        answer = await gateway.place(merchant.caller, "b", world.card, 3)
        assert opened == 3
    assert codes([answer]) == {"placed": 1}


async def test_an_order_that_stood_before_is_shown_though_its_new_group_is_refused(world: World) -> None:
    await world.load(world.card, 5)
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        await gateway.place(merchant.caller, "stands", world.card)
        group = [
            await gateway.wish(merchant.caller, "stands", world.card, group=1),
            await gateway.wish(merchant.caller, "new", world.card, group=1),
            await gateway.wish(merchant.caller, "stands", world.card, 2, group=1),
        ]
        answers = await gateway.place_many(group)
    assert [answer.reason for answer in answers if isinstance(answer, orders.Refused)] == [
        orders.GroupRefused, orders.ReferenceReused,
    ]  # fmt: skip
    assert codes(answers[:1]) == {"replayed": 1}
    assert await world.scalar("SELECT count(*) FROM orders") == 1
    await world.assert_clean()
