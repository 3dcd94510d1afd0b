"""Chains of legs: all or none, each key once, in one transaction under the gate; and a recharge with its bonus."""

from __future__ import annotations

from typing import Any

import pytest

from kameng import ledger
from kameng.ledger import BadAmount, BadLedgerEntry, House, LedgerRefused, Leg, NoSuchWallet, Result, house_account
from laws.world import World, together

CLEARING, CASHBACK = house_account(House.clearing, "CNY"), house_account(House.cashback, "CNY")


async def two_wallets(world: World, first_e4: int = 100, second_e4: int = 0) -> tuple[int, int]:
    one = await world.merchant(lane=0, money_e4=first_e4)
    two = await world.merchant(lane=0, money_e4=second_e4)
    return one.org_id, two.org_id


async def balances(world: World, *accounts: int) -> list[int]:
    rows = await world.rows("SELECT account_id, posted_e4 FROM account WHERE lane = 0")
    posted = {row["account_id"]: row["posted_e4"] for row in rows}
    return [posted[number] for number in accounts]


async def written(world: World) -> tuple[int, int]:
    return (
        await world.scalar("SELECT count(*) FROM transfer"),
        await world.scalar("SELECT count(*) FROM transfer_key"),
    )


def leg(key: str, debit: int, credit: int, amount_e4: int = 10, **more: Any) -> Leg:
    return Leg(key, debit, credit, amount_e4, "correction", 0, **more)


async def test_a_chain_stands_as_a_whole(world: World) -> None:
    one, two = await two_wallets(world)
    chain = [leg("a", one, two, 60), leg("b", two, CASHBACK, 5), leg("c", CASHBACK, one, 1)]
    done = await ledger.post_linked(world.db, 0, chain)
    assert [posting.result for posting in done] == [Result.created] * 3
    assert await balances(world, one, two, CASHBACK) == [41, 55, 4]
    before = await written(world)
    again = await ledger.post_linked(world.db, 0, chain)
    assert [posting.result for posting in again] == [Result.exists] * 3
    assert [posting.transfer for posting in again] == [posting.transfer for posting in done]
    assert await written(world) == before
    await world.assert_clean()


@pytest.mark.parametrize(
    ("broken", "law"),
    [
        ({"amount_e4": 101}, Result.exceeds_credits),
        ({"amount_e4": 0}, Result.amount_must_be_positive),
        ({"amount_e4": 10**15 + 1}, Result.amount_too_large),
        ({"credit": "self"}, Result.accounts_must_be_different),
        ({"credit": 4711}, Result.credit_account_not_found),
        ({"credit": house_account(House.clearing, "XTS")}, Result.accounts_must_have_the_same_currency),
        ({"kind": "post", "pending_id": 4711}, Result.pending_transfer_not_found),
    ],
)
@pytest.mark.parametrize("place", [0, 1, 2])
async def test_a_broken_leg_leaves_nothing_of_its_chain(
    world: World, broken: dict[str, Any], law: Result, place: int
) -> None:
    one, two = await two_wallets(world)
    wrong = dict(broken)
    credit = wrong.pop("credit", two)
    culprit = leg("culprit", one, one if credit == "self" else credit, **wrong)
    chain = [leg("x", one, two, 1), leg("y", two, one, 1)]
    chain.insert(place, culprit)
    before = (await written(world), await balances(world, one, two))
    done = await ledger.post_linked(world.db, 0, chain)
    wanted = [Result.linked_event_failed] * 3
    wanted[place] = law
    assert [posting.result for posting in done] == wanted
    assert [posting.transfer for posting in done] == [None] * 3
    assert (await written(world), await balances(world, one, two)) == before
    chain.remove(culprit)  # the keys were not spent
    assert [p.result for p in await ledger.post_linked(world.db, 0, chain)] == [Result.created] * 2
    await world.assert_clean()


async def test_later_legs_spend_what_earlier_ones_brought(world: World) -> None:
    one, two = await two_wallets(world)
    done = await ledger.post_linked(world.db, 0, [leg("a", one, two, 100), leg("b", two, one, 100)])
    assert [posting.result for posting in done] == [Result.created] * 2
    back = await ledger.post_linked(world.db, 0, [leg("c", two, one, 100), leg("d", one, two, 100)])
    assert [posting.result for posting in back] == [Result.exceeds_credits, Result.linked_event_failed]
    assert await balances(world, one, two) == [100, 0]


async def test_what_stands_already_is_not_linked_to_something_new(world: World) -> None:
    one, two = await two_wallets(world)
    await ledger.post_linked(world.db, 0, [leg("a", one, two, 10)])
    done = await ledger.post_linked(world.db, 0, [leg("a", one, two, 10), leg("b", one, two, 20)])
    assert [posting.result for posting in done] == [Result.exists, Result.linked_event_failed]
    other = await ledger.post_linked(world.db, 0, [leg("b", one, two, 20), leg("a", one, two, 11)])
    assert [posting.result for posting in other] == [
        Result.linked_event_failed, Result.exists_with_different_fields
    ]  # fmt: skip
    assert await balances(world, one, two) == [90, 10]
    assert await world.scalar("SELECT count(*) FROM transfer_key WHERE key = 'b'") == 0
    await world.assert_clean()


async def test_one_of_many_at_once_posts_a_chain(world: World) -> None:
    one, two = await two_wallets(world)
    chain = [leg("a", one, two, 60), leg("b", two, one, 20)]
    done = await together(*(ledger.post_linked(world.db, 0, chain) for _ in range(12)))
    results = [[posting.result for posting in postings] for postings in done]
    assert results.count([Result.created] * 2) == 1
    assert results.count([Result.exists] * 2) == 11
    assert await balances(world, one, two) == [60, 40]
    await world.assert_clean()


async def test_a_hold_is_resolved_inside_a_chain(world: World) -> None:
    one, two = await two_wallets(world)
    hold = (await ledger.post_linked(world.db, 0, [leg("hold", one, two, 80, kind="hold")]))[0].transfer
    assert hold is not None
    chain = [
        leg("post", one, two, 30, kind="post", pending_id=hold.transfer_id), leg("back", two, one, 5),
        leg("again", one, two, 30, kind="void", pending_id=hold.transfer_id),
    ]  # fmt: skip
    refused = await ledger.post_linked(world.db, 0, chain)
    assert refused[2].result is Result.pending_transfer_already_posted
    done = await ledger.post_linked(world.db, 0, chain[:2])
    assert [posting.result for posting in done] == [Result.created] * 2
    assert await balances(world, one, two) == [75, 25]
    await world.assert_clean()


@pytest.mark.parametrize("keys", [["a", "a"], [""], [" "], ["x" * 201], ["a\nb"]])
async def test_each_leg_has_a_key_of_its_own(world: World, keys: list[str]) -> None:
    one, two = await two_wallets(world)
    before = await written(world)
    with pytest.raises(BadLedgerEntry) as refused:
        await ledger.post_linked(world.db, 0, [leg(key, one, two, 1) for key in keys])
    assert (refused.value.field, refused.value.detail[:4], refused.value.detail_zh[:4]) == ("key", "key:", "凭证号：")
    assert await written(world) == before


async def lines(world: World, org_id: int) -> list[tuple[Any, ...]]:
    rows = await world.rows(
        "SELECT org_id, actor_id, subject_id, data FROM audit_line WHERE act = 'wallet.recharge' AND org_id = $1",
        org_id,
    )
    return [tuple(row) for row in rows]


async def test_a_recharge_comes_with_its_bonus_or_not_at_all(world: World) -> None:
    one, _ = await two_wallets(world, first_e4=0)
    gift = {"key": "r1", "bonus_e4": 30, "reason": "开业活动", "actor_id": 7}
    done = await ledger.recharge(world.db, 0, one, 1000, **gift)  # type: ignore[arg-type]
    assert (done.amount_e4, done.code, done.credit_after_e4) == (1000, "recharge", 1000)
    assert await ledger.recharge(world.db, 0, one, 1000, **gift) == done  # type: ignore[arg-type]
    assert await balances(world, one, CLEARING, CASHBACK) == [1030, -1000, -30]
    data = {"key": "r1", "amount_e4": 1000, "bonus_e4": 30, "reason": "开业活动"}
    assert await lines(world, one) == [(one, 7, done.transfer_id, data)]
    async with world.db.connection() as connection:
        statement = await ledger.read_statement(connection, 0, one, before_id=1 << 62, limit=10)
    assert [(line.code, line.amount_e4, line.balance_after_e4) for line in statement] == [
        ("bonus", 30, 1030), ("recharge", 1000, 1000)
    ]  # fmt: skip
    with pytest.raises(LedgerRefused, match="amount_too_large"):
        await ledger.recharge(world.db, 0, one, 5, key="r2", bonus_e4=10**15 + 1, reason="zu viel")
    assert await world.scalar("SELECT count(*) FROM transfer_key WHERE key LIKE '%r2'") == 0
    assert len(await lines(world, one)) == 1
    await world.assert_clean()


async def test_a_bonus_is_not_added_to_a_recharge_that_stands(world: World) -> None:
    one, _ = await two_wallets(world, first_e4=0)
    await ledger.recharge(world.db, 0, one, 1000, key="r1")
    with pytest.raises(LedgerRefused, match="exists"):
        await ledger.recharge(world.db, 0, one, 1000, key="r1", bonus_e4=30, reason="later")
    assert await balances(world, one) == [1000]
    assert len(await lines(world, one)) == 1


async def test_play_money_has_a_bonus_of_its_own(world: World) -> None:
    merchant = await world.merchant(lane=0)
    sandbox = merchant.sandbox.organisation.org_id
    await ledger.recharge(world.db, 0, sandbox, 10, key="play", bonus_e4=1, reason="try it")
    assert await balances(world, CASHBACK, house_account(House.cashback, "XTS")) == [0, -1]
    await world.assert_clean()


@pytest.mark.parametrize(
    ("more", "refusal", "field"),
    [
        ({"key": ""}, BadLedgerEntry, "key"),
        ({"key": "x" * 195}, BadLedgerEntry, "key"),
        ({"bonus_e4": 1}, BadLedgerEntry, "reason"),
        ({"bonus_e4": -1, "reason": "x"}, BadAmount, "bonus"),
        ({"reason": "x" * 501}, BadLedgerEntry, "reason"),
    ],
)
async def test_a_recharge_that_cant_be_entered_names_its_field(
    world: World, more: dict[str, Any], refusal: type[BadLedgerEntry], field: str
) -> None:
    one, _ = await two_wallets(world, first_e4=0)
    with pytest.raises(refusal) as refused:
        await ledger.recharge(world.db, 0, one, 5, **({"key": "r"} | more))
    assert refused.value.field == field
    assert (await balances(world, one), await lines(world, one)) == ([0], [])


async def test_only_a_wallet_is_recharged(world: World) -> None:
    for number in (4711 << 22, CLEARING):
        with pytest.raises(NoSuchWallet):
            await ledger.recharge(world.db, 0, number, 5, key="r")
