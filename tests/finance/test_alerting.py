"""低余额提醒: one event when a wallet falls below its threshold, none until it rose above it again."""

from __future__ import annotations

import pytest

from kameng import finance, identity, ledger
from laws.world import World

LOW = "SELECT org_id, sequence, due, data ->> 'available' AS n FROM event WHERE kind = 'wallet.low' ORDER BY event_id"


async def move(world: World, org_id: int, amount_e4: int, key: str) -> None:
    clearing = ledger.house_account(ledger.House.clearing, "CNY")
    sides = (clearing, org_id) if amount_e4 > 0 else (org_id, clearing)
    await ledger.transfer(world.db, 0, *sides, abs(amount_e4), key=key, code="recharge", subject_id=org_id)


async def test_falling_is_told_once_until_it_rose(world: World) -> None:
    merchant = await world.merchant(lane=0, money_e4=100_000, credit_line_e4=10_000)
    other = await world.merchant(lane=0, money_e4=0)
    org_id = merchant.org_id
    await identity.set_organisation(world.db, org_id, wants_events=True)
    await finance.set_low_balance(world.db, org_id, 60_000)
    assert await finance.watch_balances(world.db, 0) == 0
    found = []
    for n, amount_e4 in enumerate((-50_000, -1, -1, 2, -1, 1, 50_000, -60_000)):
        await move(world, org_id, amount_e4, f"m-{n}")
        found.append(await finance.watch_balances(world.db, 0))
    assert found == [0, 1, 0, 0, 1, 0, 0, 1]
    assert [tuple(row) for row in await world.rows(LOW)] == [
        (org_id, 1, True, "5.9999"), (org_id, 2, True, "5.9999"), (org_id, 3, True, "5.0000")
    ]  # fmt: skip
    assert await finance.watch_balances(world.db, 1) == 0
    assert await world.scalar("SELECT count(*) FROM event WHERE org_id = $1", other.org_id) == 0
    await world.assert_clean()


async def test_a_new_threshold_starts_anew_and_none_is_silent(world: World) -> None:
    merchant = await world.merchant(lane=0, money_e4=0)
    for low_at_e4, told in ((5, 1), (5, 0), (6, 1), (None, 0)):
        await finance.set_low_balance(world.db, merchant.org_id, low_at_e4)
        assert await finance.watch_balances(world.db, 0) == told
    with pytest.raises(ledger.NoSuchWallet):
        await finance.set_low_balance(world.db, merchant.org_id + (1 << 22), 5)
    with pytest.raises(finance.BadFinanceRequest):
        await finance.set_low_balance(world.db, merchant.org_id, 0)
