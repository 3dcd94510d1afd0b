"""Posting to the database: one key, one effect; holds; credit lines; statements with the balance after each line."""

from __future__ import annotations

from itertools import pairwise

import asyncpg
import pytest

from kameng import ledger
from kameng.ledger import House, InsufficientBalance, LedgerRefused, Transfer, house_account
from laws.world import World, together

CLEARING = house_account(House.clearing, "CNY")


async def wallet_of(world: World, *, money_e4: int = 0, credit_line_e4: int = 0) -> int:
    merchant = await world.merchant(lane=0, money_e4=money_e4, credit_line_e4=credit_line_e4)
    return merchant.org_id


async def balance(world: World, org_id: int) -> tuple[int, int]:
    row = (await world.rows("SELECT posted_e4, held_e4 FROM account WHERE account_id = $1", org_id))[0]
    return row[0], row[1]


async def take(world: World, org_id: int, amount_e4: int, *, key: str, **more: object) -> Transfer:
    return await ledger.transfer(
        world.db, 0, org_id, CLEARING, amount_e4, key=key, code="withdrawal", subject_id=org_id, **more
    )


async def test_the_same_key_moves_money_once(world: World) -> None:
    org_id = await wallet_of(world)
    first = await ledger.recharge(world.db, 0, org_id, 700, key="receipt 1")
    assert await ledger.recharge(world.db, 0, org_id, 700, key="receipt 1") == first
    assert (first.amount_e4, first.credit_after_e4, first.debit_after_e4) == (700, 700, -700)
    assert await balance(world, org_id) == (700, 0)
    assert await world.scalar("SELECT count(*) FROM transfer_key WHERE key = 'receipt 1'") == 1


async def test_the_same_key_at_once_moves_money_once(world: World) -> None:
    org_id = await wallet_of(world)
    found = await together(*(ledger.recharge(world.db, 0, org_id, 700, key="receipt") for _ in range(12)))
    assert len({transfer.transfer_id for transfer in found}) == 1
    assert await balance(world, org_id) == (700, 0)


async def test_the_same_key_for_something_else_is_refused(world: World) -> None:
    org_id, other = await wallet_of(world), await wallet_of(world)
    await ledger.recharge(world.db, 0, org_id, 700, key="receipt")
    for amount_e4, who in ((701, org_id), (700, other)):
        with pytest.raises(LedgerRefused, match="exists_with_different_fields"):
            await ledger.recharge(world.db, 0, who, amount_e4, key="receipt")
    assert await balance(world, org_id) == (700, 0)
    assert await balance(world, other) == (0, 0)


@pytest.mark.parametrize(
    ("amount_e4", "law"), [(0, "amount_must_be_positive"), (-1, "amount_must_be_positive"), (10**15 + 1, "too_large")]
)
async def test_amounts_out_of_bounds_are_refused(world: World, amount_e4: int, law: str) -> None:
    org_id = await wallet_of(world)
    with pytest.raises(LedgerRefused, match=law):
        await ledger.recharge(world.db, 0, org_id, amount_e4, key="receipt")
    assert await world.scalar("SELECT count(*) FROM transfer_key WHERE key = 'receipt'") == 0


async def test_a_wallet_gives_down_to_its_line_and_not_further(world: World) -> None:
    org_id = await wallet_of(world, money_e4=100, credit_line_e4=50)
    await take(world, org_id, 150, key="all")
    with pytest.raises(InsufficientBalance):
        await take(world, org_id, 1, key="more")
    assert await balance(world, org_id) == (-50, 0)
    await world.assert_clean()


async def test_the_table_itself_refuses_to_overdraw(world: World) -> None:
    org_id = await wallet_of(world, money_e4=100)
    for change in ("posted_e4 = -1", "held_e4 = 101", "held_e4 = -1"):
        with pytest.raises(asyncpg.CheckViolationError):
            await world.execute(f"UPDATE account SET {change} WHERE account_id = $1", org_id)


async def test_a_hold_is_posted_in_part_and_the_rest_is_free_again(world: World) -> None:
    org_id = await wallet_of(world, money_e4=100)
    hold = await take(world, org_id, 80, key="hold", kind="hold")
    assert await balance(world, org_id) == (100, 80)
    with pytest.raises(InsufficientBalance):
        await take(world, org_id, 21, key="too much")
    post = await take(world, org_id, 30, key="post", kind="post", pending_id=hold.transfer_id)
    assert await take(world, org_id, 30, key="post", kind="post", pending_id=hold.transfer_id) == post
    assert await balance(world, org_id) == (70, 0)
    for kind in ("post", "void"):
        with pytest.raises(LedgerRefused, match="pending_transfer_already_posted"):
            await take(world, org_id, 30, key=f"again {kind}", kind=kind, pending_id=hold.transfer_id)
    await world.assert_clean()


async def test_a_void_moves_nothing_and_ends_the_hold(world: World) -> None:
    org_id = await wallet_of(world, money_e4=100)
    hold = await take(world, org_id, 80, key="hold", kind="hold")
    await take(world, org_id, 80, key="void", kind="void", pending_id=hold.transfer_id)
    assert await balance(world, org_id) == (100, 0)
    with pytest.raises(LedgerRefused, match="pending_transfer_already_voided"):
        await take(world, org_id, 80, key="post", kind="post", pending_id=hold.transfer_id)
    await world.assert_clean()


async def test_one_of_many_resolves_a_hold(world: World) -> None:
    org_id = await wallet_of(world, money_e4=100)
    hold = await take(world, org_id, 80, key="hold", kind="hold")

    async def resolve(n: int) -> str:
        try:
            kind = ("post", "void")[n % 2]
            await take(world, org_id, 80, key=f"end {n}", kind=kind, pending_id=hold.transfer_id)
        except LedgerRefused as refusal:
            return refusal.detail
        return "done"

    found = await together(*(resolve(n) for n in range(10)))
    assert found.count("done") == 1
    assert await balance(world, org_id) in ((100, 0), (20, 0))
    await world.assert_clean()


async def test_a_statement_reads_from_new_to_old_and_adds_up(world: World) -> None:
    org_id = await wallet_of(world, money_e4=1000)
    for n in range(1, 8):
        await take(world, org_id, n, key=f"take {n}")
        await ledger.recharge(world.db, 0, org_id, 10 * n, key=f"give {n}")
    async with world.db.connection() as connection:
        whole = await ledger.read_statement(connection, 0, org_id, before_id=1 << 62, limit=100)
        pages, before_id = [], 1 << 62
        while page := await ledger.read_statement(connection, 0, org_id, before_id=before_id, limit=4):
            pages += page
            before_id = page[-1].transfer_id
    assert pages == whole
    assert len(whole) == 15
    assert [line.amount_e4 for line in whole[:4]] == [70, -7, 60, -6]
    assert whole[-1].balance_after_e4 == 1000
    for newer, older in pairwise(whole):
        assert newer.balance_after_e4 == older.balance_after_e4 + newer.amount_e4


async def test_house_accounts_have_statements_too(world: World) -> None:
    org_id = await wallet_of(world, money_e4=1000)
    async with world.db.connection() as connection:
        lines = await ledger.read_statement(connection, 0, CLEARING, before_id=1 << 62, limit=3)
    assert [(line.amount_e4, line.subject_id) for line in lines] == [(-1000, org_id)]


async def test_what_was_written_stands(world: World) -> None:
    await wallet_of(world, money_e4=1000)
    for change in ("UPDATE transfer SET amount_e4 = 1", "DELETE FROM transfer", "TRUNCATE transfer"):
        with pytest.raises(asyncpg.PostgresError, match="never changed"):
            await world.execute(change)
