"""Sweeping: home across lanes in two halves, once whatever is cut off, and debts only from what a wallet has."""

from __future__ import annotations

from typing import Any

import pytest

from kameng import ledger
from kameng.kit import lanes
from kameng.ledger import Leg
from laws.world import Merchant, World


async def earn(world: World, agent: Merchant, lane: int, amount_e4: int) -> None:
    """Put so much into its sub-account in a lane, or take it out."""
    async with world.db.transaction() as connection:
        await lanes.pass_gate(connection, lane)
        (account,), _ = await ledger.open_sub_accounts(connection, lane, [agent.org_id], leg_count=0)
    sides = (1, account.account_id) if amount_e4 > 0 else (account.account_id, 1)
    number = await world.scalar("SELECT count(*) FROM transfer")
    leg = Leg(f"earn:{number}", *sides, abs(amount_e4), "margin", agent.org_id)
    (posting,) = await ledger.post_linked(world.db, lane, [leg])
    assert posting.transfer is not None


async def money_of(world: World, agent: Merchant) -> dict[tuple[str, int], int]:
    rows = await world.rows(
        "SELECT code, lane, posted_e4 FROM account WHERE org_id = $1 AND code IN ('wallet', 'sub_account')",
        agent.org_id,
    )
    return {(row[0], row[1]): row[2] for row in rows}


async def dues(world: World) -> dict[tuple[str, int], int]:
    rows = await world.rows("SELECT code, lane, posted_e4 FROM account WHERE peer_lane IS NOT NULL")
    return {(row[0], row[1]): row[2] for row in rows}


async def test_what_was_earned_goes_home_from_every_lane(world: World) -> None:
    (agent,) = await world.agents(1)
    await earn(world, agent, 0, 12_345)
    await earn(world, agent, 1, 55)
    assert [await ledger.sweep(world.db, lane) for lane in (0, 1, 0, 1)] == [1, 1, 0, 0]
    assert await money_of(world, agent) == {("wallet", 1): 12_400, ("sub_account", 0): 0, ("sub_account", 1): 0}
    assert await dues(world) == {("due_to", 0): 12_345, ("due_from", 1): -12_345}
    keys = await world.rows("SELECT lane, key FROM transfer_key WHERE key LIKE 'sweep:%' ORDER BY lane")
    across = [row["key"] for row in keys if row["lane"] == 0]
    assert len(across) == 1
    assert across[0] in [row["key"] for row in keys if row["lane"] == 1]  # the same in both lanes
    assert await ledger_is_even(world)


async def ledger_is_even(world: World) -> bool:
    rows = await world.rows("SELECT sum(posted_e4)::bigint FROM account GROUP BY lane, currency")
    return all(row[0] == 0 for row in rows)


@pytest.mark.parametrize("where", ["kameng.ledger.sweeping._receive", "kameng.ledger.store.delete_sweeps"])
async def test_what_was_cut_off_is_finished_once(world: World, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    async def killed(*_: object) -> Any:
        raise RuntimeError("killed")

    (agent,) = await world.agents(1)
    await earn(world, agent, 0, 700)
    with monkeypatch.context() as patch:
        patch.setattr(where, killed)
        for _ in range(2):
            with pytest.raises(RuntimeError, match="killed"):
                await ledger.sweep(world.db, 0)
    assert (await money_of(world, agent))["sub_account", 0] == 0
    assert await ledger.unsettled_of(await _connection(world), agent.org_id) == [(0, 700)]
    report = await world.rows("SELECT amount_e4 FROM sweep")
    assert [row[0] for row in report] == [700]
    await earn(world, agent, 0, 30)
    assert await ledger.sweep(world.db, 0) == 1
    assert (await money_of(world, agent))["wallet", 1] == 730
    assert await world.rows("SELECT 1 FROM sweep") == []
    assert await ledger_is_even(world)


async def _connection(world: World) -> Any:
    return world.db.pool


async def test_a_debt_waits_for_money_and_never_uses_the_credit_line(world: World) -> None:
    agent = await world.merchant(lane=1, money_e4=0, kind="agent", credit_line_e4=10_000)
    await earn(world, agent, 0, -900)
    assert await ledger.sweep(world.db, 0) == 0
    assert await money_of(world, agent) == {("wallet", 1): 0, ("sub_account", 0): -900}
    await ledger.recharge(world.db, 1, agent.org_id, 600, key="r1")
    assert await ledger.sweep(world.db, 0) == 1
    assert await money_of(world, agent) == {("wallet", 1): 0, ("sub_account", 0): -300}
    await earn(world, agent, 0, 350)
    await ledger.sweep(world.db, 0)
    assert await money_of(world, agent) == {("wallet", 1): 50, ("sub_account", 0): 0}
    assert await ledger_is_even(world)


async def test_a_debt_that_is_on_its_way_is_not_asked_for_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def killed(*_: object) -> Any:
        raise RuntimeError("killed")

    (agent,) = await world.agents(1)
    await earn(world, agent, 0, -900)
    await ledger.recharge(world.db, 1, agent.org_id, 2_000, key="r1")
    with monkeypatch.context() as patch:
        patch.setattr("kameng.ledger.sweeping._receive", killed)
        with pytest.raises(RuntimeError, match="killed"):
            await ledger.sweep(world.db, 0)
    assert await ledger.sweep(world.db, 0) == 0
    assert await money_of(world, agent) == {("wallet", 1): 1_100, ("sub_account", 0): 0}


async def test_a_closed_wallet_keeps_its_money_waiting(world: World) -> None:
    (agent,) = await world.agents(1)
    await earn(world, agent, 0, 700)
    await world.execute("UPDATE account SET closed = true WHERE account_id = $1", agent.org_id)
    await ledger.sweep(world.db, 0)
    assert (await money_of(world, agent))["wallet", 1] == 0
    await world.execute("UPDATE account SET closed = false WHERE account_id = $1", agent.org_id)
    await ledger.sweep(world.db, 0)
    assert (await money_of(world, agent))["wallet", 1] == 700
