"""提现: held while it is open, posted when paid, let go otherwise; own money only; two persons above the limit."""

from __future__ import annotations

import msgspec
import pytest

from kameng import finance, ledger
from kameng.finance import (
    BadFinanceRequest,
    BankReferenceUsed,
    NoSuchWithdrawal,
    Payee,
    RequestReused,
    SecondPersonNeeded,
    State,
    StepNotOpen,
    Terms,
    Withdrawal,
)
from kameng.kit import crypto, events
from kameng.kit.crypto import KeyMaterial, KeyRing
from laws.world import Merchant, World, together

YUAN = 10_000
TERMS = Terms(adjustment_limit_e4=0, withdrawal_limit_e4=500 * YUAN, fee_per_mille=6, fee_least_e4=2 * YUAN)
ANN, BOB, CAT = 71, 72, 73
PAYEE = Payee("bank", "张小明", "6222020012345678", "招商银行")


async def ask(
    world: World, merchant: Merchant, yuan: int = 100, *, ref: str = "W-1", payee: Payee = PAYEE, terms: Terms = TERMS
) -> Withdrawal:
    return await finance.ask_withdrawal(
        world.db, world.ring, merchant.caller.organisation, yuan * YUAN, client_ref=ref, payee=payee, terms=terms,
        actor_id=merchant.caller.key.key_id,
    )  # fmt: skip


async def wallet(world: World, merchant: Merchant) -> tuple[int, int]:
    row = (await world.rows("SELECT posted_e4, held_e4 FROM account WHERE account_id = $1", merchant.org_id))[0]
    return row[0] // YUAN, row[1] // YUAN


async def house(world: World, lane: int, code: ledger.House) -> int:
    account = ledger.house_account(code, "CNY")
    row = await world.scalar("SELECT posted_e4 FROM account WHERE lane = $1 AND account_id = $2", lane, account)
    return int(row) // YUAN


async def test_it_is_held_approved_paid_and_booked_with_its_fee(world: World) -> None:
    merchant = await world.merchant(lane=1, money_e4=300 * YUAN)
    asked = await ask(world, merchant)
    assert (asked.state, asked.fee_e4, asked.payee_shown) == ("requested", 2 * YUAN, "招商银行 张* ****5678")
    assert await wallet(world, merchant) == (300, 100)
    approved = await finance.approve_withdrawal(world.db, asked.withdrawal_id, actor_id=ANN)
    assert (approved.state, approved.checked_by, approved.approved_by) == ("approved", None, ANN)
    paid = await finance.pay_withdrawal(world.db, asked.withdrawal_id, external_ref="CMB-1", actor_id=ANN)
    assert (paid.state, paid.external_ref, paid.sequence) == ("paid", "CMB-1", 3)
    assert await wallet(world, merchant) == (200, 0)
    assert (await house(world, 1, ledger.House.bank), await house(world, 1, ledger.House.fees)) == (98, 2)
    async with world.db.connection() as connection:
        told = await events.timeline(connection, 1, asked.withdrawal_id)
    assert [one.kind for one in told] == ["withdrawal.requested", "withdrawal.approved", "withdrawal.paid"]
    await world.assert_clean()


@pytest.mark.parametrize(("yuan", "fee_e4"), [(100, 20_000), (334, 20_100), (500, 30_000), (400, 24_000)])
async def test_the_fee_is_a_share_rounded_up_to_fen_and_has_a_least(world: World, yuan: int, fee_e4: int) -> None:
    assert TERMS.fee_e4(yuan * YUAN) == fee_e4


async def test_above_the_limit_two_persons_approve(world: World) -> None:
    merchant = await world.merchant(lane=0, money_e4=2000 * YUAN)
    asked = await ask(world, merchant, 501)
    checked = await finance.approve_withdrawal(world.db, asked.withdrawal_id, actor_id=ANN)
    assert (checked.state, checked.checked_by, checked.approved_by) == ("checked", ANN, None)
    with pytest.raises(SecondPersonNeeded):
        await finance.approve_withdrawal(world.db, asked.withdrawal_id, actor_id=ANN)
    with pytest.raises(StepNotOpen):
        await finance.pay_withdrawal(world.db, asked.withdrawal_id, external_ref="B-1", actor_id=ANN)
    approved = await finance.approve_withdrawal(world.db, asked.withdrawal_id, actor_id=BOB)
    assert (approved.state, approved.approved_by) == ("approved", BOB)
    assert await wallet(world, merchant) == (2000, 501)
    await world.assert_clean()


@pytest.mark.parametrize("way", ["refuse", "cancel", "fail"])
async def test_what_is_not_paid_is_the_wallets_again(world: World, way: str) -> None:
    merchant = await world.merchant(lane=0, money_e4=300 * YUAN)
    asked = await ask(world, merchant)
    number = asked.withdrawal_id
    if way == "refuse":
        done = await finance.refuse_withdrawal(world.db, number, note="name differs", actor_id=ANN)
    elif way == "cancel":
        done = await finance.cancel_withdrawal(world.db, merchant.caller.organisation, number, actor_id=5)
    else:
        await finance.approve_withdrawal(world.db, number, actor_id=ANN)
        done = await finance.fail_withdrawal(world.db, number, note="account closed", actor_id=ANN)
    assert done.state == {"refuse": "refused", "cancel": "cancelled", "fail": "failed"}[way]
    assert await wallet(world, merchant) == (300, 0)
    for act in (
        finance.approve_withdrawal(world.db, number, actor_id=BOB),
        finance.pay_withdrawal(world.db, number, external_ref="B-1", actor_id=BOB),
        finance.fail_withdrawal(world.db, number, note="again", actor_id=BOB),
    ):
        with pytest.raises(StepNotOpen):
            await act
    again = finance.cancel_withdrawal(world.db, merchant.caller.organisation, number, actor_id=5)
    if way == "cancel":
        assert await again == done
    else:
        with pytest.raises(StepNotOpen):
            await again
    assert await wallet(world, merchant) == (300, 0)
    assert await ask(world, merchant) == done  # the reference stands for what became of it
    await world.assert_clean()


async def test_the_same_reference_is_one_withdrawal(world: World) -> None:
    merchant = await world.merchant(lane=0, money_e4=300 * YUAN)
    found = await together(*(ask(world, merchant) for _ in range(6)))
    assert len({one.withdrawal_id for one in found}) == 1
    assert await wallet(world, merchant) == (300, 100)
    for other in ({"yuan": 99}, {"payee": msgspec.structs.replace(PAYEE, name="张大明")}):
        with pytest.raises(RequestReused):
            await ask(world, merchant, **other)  # type: ignore[arg-type]
    assert await wallet(world, merchant) == (300, 100)


async def test_credit_is_not_paid_out(world: World) -> None:
    merchant = await world.merchant(lane=0, money_e4=100 * YUAN, credit_line_e4=1000 * YUAN)
    with pytest.raises(ledger.InsufficientBalance):
        await ask(world, merchant, 101)
    await ask(world, merchant, 60)
    with pytest.raises(ledger.InsufficientBalance):
        await ask(world, merchant, 41, ref="W-2")
    assert await wallet(world, merchant) == (100, 60)


async def test_one_of_many_ends_it(world: World) -> None:
    merchant = await world.merchant(lane=0, money_e4=300 * YUAN)
    asked = await ask(world, merchant)
    await finance.approve_withdrawal(world.db, asked.withdrawal_id, actor_id=ANN)

    async def end(n: int) -> str:
        try:
            if n % 2:
                await finance.pay_withdrawal(world.db, asked.withdrawal_id, external_ref=f"B-{n}", actor_id=ANN)
            else:
                await finance.fail_withdrawal(world.db, asked.withdrawal_id, note="sent back", actor_id=BOB)
        except StepNotOpen as refusal:
            return refusal.code
        return "done"

    found = await together(*(end(n) for n in range(8)))
    assert found.count("done") == 1
    assert await wallet(world, merchant) in ((200, 0), (300, 0))
    await world.assert_clean()


async def test_one_bank_reference_pays_one_withdrawal_in_any_lane(world: World) -> None:
    merchants = [await world.merchant(lane=lane, money_e4=300 * YUAN) for lane in (0, 1)]
    asked = [await ask(world, merchant) for merchant in merchants]
    for one in asked:
        await finance.approve_withdrawal(world.db, one.withdrawal_id, actor_id=ANN)
    await finance.pay_withdrawal(world.db, asked[0].withdrawal_id, external_ref="B-1", actor_id=ANN)
    with pytest.raises(BankReferenceUsed):
        await finance.pay_withdrawal(world.db, asked[1].withdrawal_id, external_ref="B-1", actor_id=ANN)
    assert await wallet(world, merchants[1]) == (300, 100)
    await world.assert_clean()


async def test_nobody_reads_or_cancels_anothers(world: World) -> None:
    merchant, other = await world.merchant(lane=0), await world.merchant(lane=0)
    asked = await ask(world, merchant)
    with pytest.raises(NoSuchWithdrawal):
        await finance.find_withdrawal(world.db, other.caller.organisation, asked.withdrawal_id)
    with pytest.raises(NoSuchWithdrawal):
        await finance.cancel_withdrawal(world.db, other.caller.organisation, asked.withdrawal_id, actor_id=5)
    assert await finance.list_withdrawals(world.db, org_id=other.org_id) == []
    assert await finance.list_withdrawals(world.db, org_id=merchant.org_id) == [asked]


async def test_lists_go_page_by_page_over_all_lanes(world: World) -> None:
    merchants = [await world.merchant(lane=lane) for lane in (0, 1)]
    asked = [await ask(world, merchants[n % 2], ref=f"W-{n}") for n in range(5)]
    numbers = [one.withdrawal_id for one in asked]
    whole = await finance.list_withdrawals(world.db)
    assert [one.withdrawal_id for one in whole] == sorted(numbers, reverse=True)
    first = await finance.list_withdrawals(world.db, limit=3)
    rest = await finance.list_withdrawals(world.db, limit=3, before_id=first[-1].withdrawal_id)
    assert first + rest == whole
    await finance.refuse_withdrawal(world.db, numbers[1], note="no", actor_id=ANN)
    refused = await finance.list_withdrawals(world.db, state="refused")
    assert [one.withdrawal_id for one in refused] == [numbers[1]]


async def test_the_payee_is_sealed_and_whoever_looks_is_written_down(world: World) -> None:
    merchant = await world.merchant(lane=0)
    asked = await ask(world, merchant)
    row = (await world.rows("SELECT payee, payee_shown FROM withdrawal"))[0]
    assert PAYEE.account.encode() not in row["payee"]
    assert PAYEE.account not in row["payee_shown"]
    assert PAYEE.account not in repr(PAYEE)
    assert await finance.reveal_payee(world.db, world.ring, asked.withdrawal_id, actor_id=CAT) == PAYEE
    lines = await world.rows("SELECT actor_id, subject_id FROM audit_line WHERE act = 'withdrawal.reveal'")
    assert [tuple(line) for line in lines] == [(CAT, asked.withdrawal_id)]
    await finance.refuse_withdrawal(world.db, asked.withdrawal_id, note="no", actor_id=ANN)
    old = KeyMaterial(1, {1: b"k" * 32}, b"h" * 32)
    new = KeyMaterial(2, {1: b"k" * 32, 2: b"n" * 32}, b"h" * 32)
    sealed = KeyRing(old).seal(finance.PAYEE, asked.withdrawal_id, msgspec.json.encode(PAYEE))
    await world.execute("UPDATE withdrawal SET payee = $1", sealed)
    assert await finance.reseal(world.db, KeyRing(new), 0) == 1  # a final one too
    assert crypto.key_number_of(await world.scalar("SELECT payee FROM withdrawal")) == 2
    assert await finance.reveal_payee(world.db, KeyRing(new), asked.withdrawal_id, actor_id=CAT) == PAYEE


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"payee": Payee("bank", "张", "12345", "招商银行")}, "payee.account"),
        ({"payee": Payee("bank", "张", "6222020012345678")}, "payee.bank"),
        ({"payee": Payee("alipay", "张", "not a number")}, "payee.account"),
        ({"payee": Payee("alipay", "", "13812345678")}, "payee.name"),
        ({"ref": ""}, "client_ref"), ({"yuan": 2}, "amount"), ({"yuan": 0}, "amount"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_named(world: World, wrong: dict[str, object], field: str) -> None:
    merchant = await world.merchant(lane=0)
    with pytest.raises(BadFinanceRequest) as refused:
        await ask(world, merchant, **wrong)  # type: ignore[arg-type]
    assert refused.value.field == field
    assert await world.scalar("SELECT count(*) FROM withdrawal") == 0


@pytest.mark.parametrize(
    ("account", "shown"),
    [("13812345678", "支付宝 张* 138****5678"), ("zhang@example.cn", "支付宝 张* z***@example.cn")],
)
def test_alipay_accounts_are_masked(account: str, shown: str) -> None:
    assert Payee("alipay", "张小明", account).masked() == shown


def test_every_state_is_reached_and_named() -> None:
    assert set(finance.TRANSITIONS.values()) == set(State) - {State.requested}
    assert set(finance.STATES_ZH) == set(State)
