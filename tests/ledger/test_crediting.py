"""Credit lines: under the gate, above what is used, with an audit line that says why."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from kameng import ledger
from kameng.ledger import BadLedgerEntry, CreditLineInUse, House, InsufficientBalance, NoSuchWallet, house_account
from laws.world import World, codes, together

CLEARING = house_account(House.clearing, "CNY")


async def line_of(world: World, org_id: int) -> int:
    return int(await world.scalar("SELECT credit_line_e4 FROM account WHERE account_id = $1", org_id))


async def notes(world: World) -> list[tuple[Any, ...]]:
    rows = await world.rows(
        "SELECT lane, org_id, actor_id, subject_id, data FROM audit_line WHERE act = 'wallet.credit_line'"
        " ORDER BY audit_id"
    )
    return [tuple(row) for row in rows]


async def take(world: World, org_id: int, amount_e4: int, key: str, kind: str = "posted") -> None:
    await ledger.transfer(
        world.db, 0, org_id, CLEARING, amount_e4, key=key, code="withdrawal", subject_id=org_id, kind=kind
    )


async def test_a_line_is_granted_and_says_why(world: World) -> None:
    org_id = (await world.merchant(lane=0, money_e4=0)).org_id
    with pytest.raises(InsufficientBalance):
        await take(world, org_id, 1, "too early")
    wallet = await ledger.set_credit_line(world.db, 0, org_id, 100, reason="合同 17", actor_id=7)
    assert (wallet.credit_line_e4, wallet.available_e4) == (100, 100)
    await take(world, org_id, 100, "all of it")
    await ledger.set_credit_line(world.db, 0, org_id, 150, reason="grew", actor_id=8)
    assert await notes(world) == [
        (0, org_id, 7, org_id, {"before_e4": 0, "after_e4": 100, "reason": "合同 17"}),
        (0, org_id, 8, org_id, {"before_e4": 100, "after_e4": 150, "reason": "grew"}),
    ]
    await world.assert_clean()


async def test_a_line_is_not_narrowed_below_what_is_used(world: World) -> None:
    org_id = (await world.merchant(lane=0, money_e4=10, credit_line_e4=100)).org_id
    await take(world, org_id, 40, "spent")  # 30 of the line
    await take(world, org_id, 25, "held", kind="hold")  # and 25 more
    with pytest.raises(CreditLineInUse) as refused:
        await ledger.set_credit_line(world.db, 0, org_id, 54, reason="less")
    assert (refused.value.field, refused.value.detail) == ("amount", "0.0055 are used")
    assert refused.value.detail_zh == "已使用 0.0055"
    assert (await line_of(world, org_id), await notes(world)) == (100, [])
    await ledger.set_credit_line(world.db, 0, org_id, 55, reason="less")
    assert await line_of(world, org_id) == 55
    with pytest.raises(asyncpg.CheckViolationError):  # the table itself says so
        await world.execute("UPDATE account SET credit_line_e4 = 54 WHERE account_id = $1", org_id)
    await world.assert_clean()


@pytest.mark.parametrize(
    ("amount_e4", "reason", "field", "zh"),
    [
        (-1, "x", "amount", "金额：应为 0 至 100000000000.0000"), (10**15 + 1, "x", "amount", "金额：应为 0 至"),
        (5, "", "reason", "原因：应为 1 至 500 个可见字符"), (5, "  ", "reason", "原因："),
        (5, "a\nb", "reason", "原因："),
    ],
)  # fmt: skip
async def test_what_cant_be_entered_names_its_field(
    world: World, amount_e4: int, reason: str, field: str, zh: str
) -> None:
    org_id = (await world.merchant(lane=0)).org_id
    with pytest.raises(BadLedgerEntry) as refused:
        await ledger.set_credit_line(world.db, 0, org_id, amount_e4, reason=reason)
    assert refused.value.field == field
    assert refused.value.detail.startswith(f"{field}: ")
    assert refused.value.detail_zh.startswith(zh)
    assert (await line_of(world, org_id), await notes(world)) == (0, [])


async def test_only_a_wallet_has_a_line(world: World) -> None:
    for number in (4711 << 22, CLEARING):
        with pytest.raises(NoSuchWallet):
            await ledger.set_credit_line(world.db, 0, number, 5, reason="x")
    assert await notes(world) == []


async def test_lines_and_orders_at_once_keep_each_other_s_law(world: World) -> None:
    """Narrowing waits for the gate, so what an order used meanwhile is seen."""
    await world.load(world.card, 40)
    merchant = await world.merchant(lane=0, money_e4=0, credit_line_e4=20 * 985_000)

    async def narrow(n: int) -> bool:
        try:
            await ledger.set_credit_line(world.db, 0, merchant.org_id, n * 985_000, reason=f"to {n}")
        except CreditLineInUse:
            return False
        return True

    async with world.gateway(batch_max=3) as gateway:
        answers = await together(
            *(gateway.place(merchant.caller, f"r{n}", world.card) for n in range(30)),
            *(narrow(n) for n in range(1, 16)),
        )
    placed = codes(answers[:30])["placed"]
    line_e4 = await line_of(world, merchant.org_id)
    posted_e4 = await world.scalar("SELECT posted_e4 FROM account WHERE account_id = $1", merchant.org_id)
    assert posted_e4 == -placed * 985_000
    assert placed * 985_000 <= line_e4
    assert len(await notes(world)) == answers[30:].count(True)
    await world.assert_clean()
