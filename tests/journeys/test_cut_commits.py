"""A COMMIT whose answer is cut: nobody knows whether it stands until it is read again; the caller never notices."""

from __future__ import annotations

import pytest

from journeys.wire import Cut, wire_to
from kameng import identity, ledger, risk
from kameng.kit import db
from laws.world import World, cards_of, codes, placed, together


@pytest.mark.parametrize("cut", ["before", "after"])
async def test_one_order_is_placed_once_and_charged_once(world: World, cut: Cut) -> None:
    await world.load(world.card, 5)
    merchant = await world.merchant(lane=0)
    async with wire_to(world.url) as wire, world.gateway(url=wire.url) as gateway:
        nonce = identity.nonce_of(merchant.caller.key.key_id, b"n" * 16, 1_800_000_000)
        wish = await gateway.wish(merchant.caller, "a", world.card, 2, nonce=nonce)
        wire.cuts.append(cut)
        answer = await gateway.queues.place(wish)
        again = await gateway.place(merchant.caller, "a", world.card, 2)
    assert wire.cut_count == 1
    assert len(cards_of([answer])) == 2
    assert cards_of([answer]) == cards_of([again])
    assert codes([again]) == {"replayed": 1}
    await _charged(world, merchant.org_id, 2 * 985_000)
    assert await world.scalar("SELECT count(*) FROM nonce") == 1
    await world.assert_clean()


@pytest.mark.parametrize("cuts", [["after", "after"], ["before", "after"], ["after", "before"]])
async def test_the_wire_may_break_again(world: World, cuts: list[Cut]) -> None:
    await world.load(world.card, 5)
    merchant = await world.merchant(lane=0)
    async with wire_to(world.url) as wire, world.gateway(url=wire.url) as gateway:
        wish = await gateway.wish(merchant.caller, "a", world.card)
        wire.cuts += cuts
        answer = await gateway.queues.place(wish)
    assert wire.cut_count == 2
    assert len(placed([answer])) == 1
    await _charged(world, merchant.org_id, 985_000)
    await world.assert_clean()


@pytest.mark.parametrize("cut", ["before", "after"])
async def test_a_batch_with_repeats_refusals_and_a_group(world: World, cut: Cut) -> None:
    await world.load(world.card, 50)
    rich, poor = await world.merchant(lane=0), await world.merchant(lane=0, money_e4=985_000)
    async with wire_to(world.url) as wire, world.gateway(url=wire.url) as gateway:
        singles = [await gateway.wish(rich.caller, f"s{n}", world.card) for n in range(20)]
        repeats = [await gateway.wish(rich.caller, f"s{n}", world.card) for n in range(5)]
        others = [await gateway.wish(rich.caller, "s0", world.card, 3)]
        unpaid = [await gateway.wish(poor.caller, f"p{n}", world.card) for n in range(3)]
        group = [await gateway.wish(rich.caller, f"g{n}", world.card, group=1) for n in range(4)]
        wire.cuts.append(cut)
        answers = await together(
            *(gateway.queues.place(wish) for wish in (*singles, *repeats, *others, *unpaid)),
            gateway.place_many(group),
        )
    assert wire.cut_count == 1
    of_group = answers.pop()
    assert len(placed(of_group)) == 4
    assert len(placed(answers)) == 20 + 5 + 1
    found = codes(answers)
    assert (found["reference_reused"], found["insufficient_balance"]) == (1, 2)
    await _charged(world, rich.org_id, 24 * 985_000)
    await _charged(world, poor.org_id, 985_000)
    await world.assert_clean()


async def test_what_was_reserved_stays_reserved_when_the_order_stands(world: World) -> None:
    """A limit of three: the cut must not give a place back that an order fills."""
    await risk.set_rule(world.db, risk.Rule(0, "target-3", "target", (), 3600, 3, None))
    merchant = await world.merchant(lane=0)
    async with wire_to(world.url) as wire, world.gateway(url=wire.url) as gateway:
        assert codes([await gateway.place(merchant.caller, "first", world.phone)]) == {"placed": 1}
        wish = await gateway.wish(merchant.caller, "cut", world.phone)
        wire.cuts.append("after")  # the batch's commit: its place was reserved by a statement of its own
        assert len(placed([await gateway.queues.place(wish)])) == 1
    assert wire.cut_count == 1
    async with world.gateway() as gateway:
        more = [await gateway.place(merchant.caller, f"more{n}", world.phone) for n in range(3)]
    assert codes(more) == {"placed": 1, "velocity_exceeded": 2}
    assert await world.scalar("SELECT count(*) FROM orders") == 3
    await world.assert_clean()


async def test_a_commit_that_arrives_late_is_not_called_undone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller may be told that nobody knows, never that nothing was done, when the order then stands."""
    monkeypatch.setattr(db, "STATEMENT_TIMEOUT_MS", 500)
    await world.load(world.card, 5)
    merchant = await world.merchant(lane=0)
    async with wire_to(world.url, late_s=2.0) as wire, world.gateway(url=wire.url) as gateway:
        wish = await gateway.wish(merchant.caller, "a", world.card)
        wire.cuts.append("late")
        answer = await gateway.queues.place(wish)
        again = await gateway.place(merchant.caller, "a", world.card)
    assert len(placed([again])) == 1
    assert codes([answer]) in ({"replayed": 1}, {"outcome_unknown": 1})
    await _charged(world, merchant.org_id, 985_000)
    await world.assert_clean()


async def test_a_keyed_recharge_moves_money_once(world: World) -> None:
    merchant = await world.merchant(lane=0, money_e4=0)
    org_id = merchant.org_id
    async with wire_to(world.url) as wire:
        other = await db.open_database(wire.url)
        for cut in ("after", "before"):
            cuts: list[Cut] = ["pass", cut]
            wire.cuts += cuts
            with pytest.raises(Exception, match="connection"):
                await ledger.recharge(other, 0, org_id, 700, key=f"receipt {cut}")
            await ledger.recharge(other, 0, org_id, 700, key=f"receipt {cut}")
        await other.close()
    assert await world.scalar("SELECT posted_e4 FROM account WHERE account_id = $1", org_id) == 1400
    await world.assert_clean()


async def _charged(world: World, org_id: int, amount_e4: int) -> None:
    first_e4 = await world.scalar(
        "SELECT sum(amount_e4)::bigint FROM transfer WHERE credit_account = $1 AND code = 'recharge'", org_id
    )
    now_e4 = await world.scalar("SELECT posted_e4 FROM account WHERE account_id = $1", org_id)
    assert first_e4 - now_e4 == amount_e4
