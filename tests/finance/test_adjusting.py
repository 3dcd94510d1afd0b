"""加款/扣款: one key, one effect; a second person above the limit; never below the credit line."""

from __future__ import annotations

import asyncpg
import pytest

from kameng import finance, ledger
from kameng.finance import Adjustment, BadFinanceRequest, RequestReused, SecondPersonNeeded, StepNotOpen, Terms
from kameng.kit import events
from laws.world import World, together

TERMS = Terms(adjustment_limit_e4=1000, withdrawal_limit_e4=1000)
ANN, BOB = 71, 72


async def adjust(world: World, org_id: int, amount_e4: int, *, key: str = "A-1", **more: object) -> Adjustment:
    asked = {"reason": "compensation", "note": "card did not open", "terms": TERMS, "actor_id": ANN} | more
    return await finance.adjust(world.db, org_id, amount_e4, key=key, **asked)  # type: ignore[arg-type]


async def balance(world: World, account_id: int, lane: int = 0) -> int:
    posted = "SELECT posted_e4 FROM account WHERE lane = $1 AND account_id = $2"
    return int(await world.scalar(posted, lane, account_id))


async def test_up_to_the_limit_it_is_booked_at_once(world: World) -> None:
    merchant = await world.merchant(lane=0, money_e4=500)
    done = await adjust(world, merchant.org_id, 1000)
    assert (done.state, done.needs_second, done.decided_by) == ("executed", False, None)
    assert await balance(world, merchant.org_id) == 1500
    assert await balance(world, ledger.house_account(ledger.House.cashback, "CNY")) == -1000
    assert await adjust(world, merchant.org_id, 1000) == done
    taken = await adjust(world, merchant.org_id, -1000, key="A-2", reason="penalty")
    assert await balance(world, merchant.org_id) == 500
    assert await balance(world, ledger.house_account(ledger.House.fees, "CNY")) == 1000
    row = await world.rows("SELECT code, subject_id FROM transfer WHERE transfer_id = $1", taken.transfer_id)
    assert [tuple(one) for one in row] == [("adjustment", taken.adjustment_id)]
    await world.assert_clean()


async def test_one_key_books_once_however_many_ask_at_once(world: World) -> None:
    merchant = await world.merchant(lane=0, money_e4=0)
    found = await together(*(adjust(world, merchant.org_id, 700) for _ in range(8)))
    assert len({one.adjustment_id for one in found}) == 1
    assert await balance(world, merchant.org_id) == 700
    with pytest.raises(RequestReused):
        await adjust(world, merchant.org_id, 701)
    assert await balance(world, merchant.org_id) == 700


async def test_above_the_limit_a_second_person_decides_once(world: World) -> None:
    merchant = await world.merchant(lane=1, money_e4=0)
    asked = await adjust(world, merchant.org_id, 1001)
    assert (asked.state, await balance(world, merchant.org_id, 1)) == ("pending", 0)
    assert await finance.pending_adjustments(world.db) == [asked]
    with pytest.raises(SecondPersonNeeded):
        await finance.decide_adjustment(world.db, asked.adjustment_id, approve=True, actor_id=ANN)
    done = await finance.decide_adjustment(world.db, asked.adjustment_id, approve=True, actor_id=BOB)
    assert (done.state, done.decided_by, await balance(world, merchant.org_id, 1)) == ("executed", BOB, 1001)
    for approve in (True, False):
        with pytest.raises(StepNotOpen):
            await finance.decide_adjustment(world.db, asked.adjustment_id, approve=approve, note="no", actor_id=BOB)
    assert await finance.pending_adjustments(world.db) == []
    assert await adjust(world, merchant.org_id, 1001) == done
    assert await balance(world, merchant.org_id, 1) == 1001
    async with world.db.connection() as connection:
        told = await events.timeline(connection, 1, asked.adjustment_id)
    assert [(one.kind, one.actor_id) for one in told] == [
        ("adjustment.requested", ANN), ("adjustment.executed", BOB)
    ]  # fmt: skip
    await world.assert_clean()


async def test_a_refused_one_moves_nothing_and_stays_refused(world: World) -> None:
    merchant = await world.merchant(lane=0, money_e4=0)
    asked = await adjust(world, merchant.org_id, 5000)
    done = await finance.decide_adjustment(world.db, asked.adjustment_id, approve=False, note="no proof", actor_id=BOB)
    assert (done.state, done.decision_note, done.transfer_id) == ("refused", "no proof", None)
    assert await adjust(world, merchant.org_id, 5000) == done
    assert await balance(world, merchant.org_id) == 0
    await world.assert_clean()


async def test_taking_never_passes_below_the_credit_line(world: World) -> None:
    merchant = await world.merchant(lane=0, money_e4=300, credit_line_e4=200)
    with pytest.raises(ledger.InsufficientBalance):
        await adjust(world, merchant.org_id, -501, reason="penalty")
    assert await world.scalar("SELECT count(*) FROM adjustment") == 0
    asked = await adjust(world, merchant.org_id, -1001, key="big", reason="penalty")
    with pytest.raises(ledger.InsufficientBalance):
        await finance.decide_adjustment(world.db, asked.adjustment_id, approve=True, actor_id=BOB)
    assert await finance.pending_adjustments(world.db) == [asked]
    await adjust(world, merchant.org_id, -500, key="all", reason="penalty")
    assert await balance(world, merchant.org_id) == -200
    await world.assert_clean()


async def test_only_what_is_executed_is_owed_to_the_organisation(world: World) -> None:
    from kameng import identity

    merchant = await world.merchant(lane=0, money_e4=0)
    await identity.set_organisation(world.db, merchant.org_id, wants_events=True)
    asked = await adjust(world, merchant.org_id, 5000)
    due = "SELECT kind, data ->> 'amount' FROM event WHERE due ORDER BY event_id"
    assert await world.rows(due) == []
    await finance.decide_adjustment(world.db, asked.adjustment_id, approve=True, actor_id=BOB)
    assert [tuple(row) for row in await world.rows(due)] == [("adjustment.executed", "0.5000")]


async def test_the_tables_refuse_the_same_person_and_any_change_of_what_is_decided(world: World) -> None:
    merchant = await world.merchant(lane=0, money_e4=0)
    asked = await adjust(world, merchant.org_id, 5000)
    decide = "UPDATE adjustment SET state = 'refused', decided_by = $1, decided_at = now()"
    with pytest.raises(asyncpg.CheckViolationError, match="adjustment_second_person"):
        await world.execute(decide, ANN)
    await finance.decide_adjustment(world.db, asked.adjustment_id, approve=True, actor_id=BOB)
    for change in ("UPDATE adjustment SET amount_e4 = 1", "DELETE FROM adjustment"):
        with pytest.raises(asyncpg.PostgresError, match="never changed"):
            await world.execute(change)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"reason": "because"}, "reason"), ({"note": " "}, "note"), ({"key": ""}, "key"), ({"key": "k" * 101}, "key"),
        ({"actor_id": 0}, "by"), ({"amount_e4": 0}, "amount"), ({"evidence": "a\nb"}, "evidence"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_named(world: World, wrong: dict[str, object], field: str) -> None:
    merchant = await world.merchant(lane=0, money_e4=0)
    with pytest.raises(BadFinanceRequest) as refused:
        await adjust(world, merchant.org_id, **({"amount_e4": 100} | wrong))  # type: ignore[arg-type]
    assert refused.value.field == field
    assert await world.scalar("SELECT count(*) FROM adjustment") == 0


async def test_without_a_wallet_nothing_is_written(world: World) -> None:
    with pytest.raises(ledger.NoSuchWallet):
        await adjust(world, 4711 << 22, 100)
