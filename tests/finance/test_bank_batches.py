"""打款 by bank: a file of what was approved, its result brought in, each line once."""

from __future__ import annotations

import csv
import io

import pytest
from python_calamine import CalamineWorkbook
from test_withdrawing import ANN, BOB, PAYEE, YUAN, ask, house, wallet

from kameng import finance, ledger
from kameng.finance import (
    BadBankResult,
    BadFinanceRequest,
    NoSuchPayoutBatch,
    Payee,
    SecondPersonNeeded,
    State,
    StepNotOpen,
    Withdrawal,
)
from laws.world import Merchant, World, together


async def approved(world: World, merchant: Merchant, yuan: int = 100, *, ref: str = "W-1") -> Withdrawal:
    one = await ask(world, merchant, yuan, ref=ref)
    for person in (ANN, BOB) if one.needs_second else (ANN,):
        await finance.approve_withdrawal(world.db, one.withdrawal_id, actor_id=person)
    return one


def result(*lines: str, head: str = "序号,附言,金额,处理结果,流水号,失败原因") -> bytes:
    return "\n".join([head, *lines]).encode("gb18030")


async def effects(world: World, data: bytes) -> list[str]:
    return [one.effect for one in await finance.import_bank_result(world.db, data, actor_id=BOB)]


async def state(world: World, one: Withdrawal) -> str:
    return str(await world.scalar("SELECT state FROM withdrawal WHERE withdrawal_id = $1", one.withdrawal_id))


@pytest.mark.parametrize("form", ["csv", "xlsx"])
async def test_what_is_approved_goes_into_one_file(world: World, form: str) -> None:
    merchants = [await world.merchant(lane=lane, money_e4=300 * YUAN) for lane in (0, 1)]
    ones = [await approved(world, merchant) for merchant in merchants]
    waiting = await ask(world, merchants[0], 50, ref="W-2")
    by_alipay = await ask(world, merchants[0], 50, ref="W-3", payee=Payee("alipay", "张", "13812345678"))
    await finance.approve_withdrawal(world.db, by_alipay.withdrawal_id, actor_id=ANN)
    batch = await finance.make_batch(world.db, actor_id=ANN)
    assert (batch.lines, batch.amount_e4) == (2, 196 * YUAN)
    assert await finance.list_batches(world.db) == [batch]
    assert [await state(world, one) for one in (*ones, waiting, by_alipay)] == [
        "paying", "paying", "requested", "approved",
    ]  # fmt: skip
    assert await wallet(world, merchants[1]) == (200, 0)
    assert await house(world, 1, ledger.House.suspense) == 100
    data = await finance.bank_file(world.db, world.ring, batch.batch_id, form, actor_id=BOB)
    if form == "csv":
        rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    else:
        rows = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()
    expected = [
        ["", PAYEE.name, PAYEE.account, PAYEE.bank, "98.00", "CNY", f"W{one.withdrawal_id}"]
        for one in sorted(ones, key=lambda one: one.withdrawal_id)
    ]
    assert [["", *row[1:]] for row in rows[1:]] == expected
    looks = await world.rows("SELECT subject_id FROM audit_line WHERE act = 'withdrawal.reveal' AND actor_id = $1", BOB)
    assert {row["subject_id"] for row in looks} == {one.withdrawal_id for one in ones}
    with pytest.raises(BadFinanceRequest):
        await finance.make_batch(world.db, actor_id=ANN)
    with pytest.raises(NoSuchPayoutBatch):
        await finance.bank_file(world.db, world.ring, batch.batch_id + 1, form, actor_id=BOB)
    await world.assert_clean()


async def test_the_result_pays_and_gives_back_each_once(world: World) -> None:
    merchants = [await world.merchant(lane=lane, money_e4=300 * YUAN) for lane in (0, 1)]
    paid, back, late = [await approved(world, merchants[n % 2], ref=f"W-{n}") for n in range(3)]
    await finance.make_batch(world.db, actor_id=ANN)
    data = result(
        f"1,W{paid.withdrawal_id},98.00,成功,CMB-1,", f"2,提现 W{back.withdrawal_id},98.00,退票,,户名不符",
        f"3,W{late.withdrawal_id},98.00,处理中,,", "合计,3,294.00,,,",
    )  # fmt: skip
    assert await effects(world, data) == ["paid", "failed", "waiting"]
    assert [await state(world, one) for one in (paid, back, late)] == ["paid", "failed", "paying"]
    found = await finance.find_withdrawal(world.db, merchants[0].caller.organisation, paid.withdrawal_id)
    assert (found.external_ref, found.closed_by) == ("CMB-1", BOB)
    found = await finance.find_withdrawal(world.db, merchants[1].caller.organisation, back.withdrawal_id)
    assert (found.state, found.note) == (State.failed, "户名不符")
    assert await wallet(world, merchants[1]) == (300, 0)
    assert (await house(world, 0, ledger.House.bank), await house(world, 0, ledger.House.fees)) == (98, 2)
    before = await world.scalar("SELECT count(*) FROM transfer")
    assert await effects(world, data) == ["again", "again", "waiting"]
    assert await world.scalar("SELECT count(*) FROM transfer") == before
    await world.assert_clean()


async def test_what_does_not_fit_moves_nothing(world: World) -> None:
    merchant = await world.merchant(lane=0, money_e4=400 * YUAN)
    first, second, third = [await approved(world, merchant, ref=f"W-{n}") for n in range(3)]
    await finance.make_batch(world.db, actor_id=ANN)
    data = result(
        f"1,W{first.withdrawal_id},98,成功,B-1,", f"2,W{second.withdrawal_id},97.99,成功,B-2,",
        f"3,W{third.withdrawal_id},98,成功,B-1,", f"4,W{first.withdrawal_id + 4096},98,成功,B-4,",
    )  # fmt: skip
    assert await effects(world, data) == ["paid", "amount", "reference", "unknown"]
    assert await effects(world, result(f"1,W{first.withdrawal_id},98,退票,,")) == ["differs"]
    assert [await state(world, one) for one in (first, second, third)] == ["paid", "paying", "paying"]
    await world.assert_clean()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"a,b\n1,2\n", "表头"),
        (result("1,nothing,98,成功,,"), "第 2 行：缺少打款编号"),
        (result("1,W123456789012345678,98,天晴,,"), "第 2 行：无法识别处理结果“天晴”"),
        (result("1,W123456789012345678,x,成功,,"), "第 2 行：金额“x”无法识别"),
        (result("1,W123456789012345678,1,成功,,", "2,W123456789012345678,1,失败,,"), "重复"),
        (result(), "表头下没有内容"),
    ],
)
async def test_a_file_that_cant_be_read_is_refused_whole(world: World, data: bytes, said: str) -> None:
    with pytest.raises(BadBankResult) as refused:
        await finance.import_bank_result(world.db, data, actor_id=BOB)
    assert said in (refused.value.detail_zh or "")


@pytest.mark.parametrize(
    ("said", "effect"),
    [("未成功", "failed"), ("交易成功", "paid"), ("待处理", "waiting"), ("FAILED", "failed"), ("Success", "paid"),
     ("已退汇", "failed")],
)  # fmt: skip
def test_what_banks_say(said: str, effect: str) -> None:
    (line,) = finance.read_bank_result(result(f"1,W123456789012345678,98,{said},,"))
    assert line.state == effect


async def test_a_person_decides_a_line_that_no_file_tells_of(world: World) -> None:
    merchant = await world.merchant(lane=0, money_e4=2000 * YUAN)
    one, large = await approved(world, merchant, ref="W-1"), await approved(world, merchant, 600, ref="W-2")
    await finance.make_batch(world.db, actor_id=ANN)
    await finance.decide_payout(world.db, one.withdrawal_id, reference="B-9", actor_id=ANN)
    with pytest.raises(SecondPersonNeeded):
        await finance.decide_payout(world.db, large.withdrawal_id, note="came back", actor_id=ANN)
    await finance.decide_payout(world.db, large.withdrawal_id, note="came back", actor_id=BOB)
    assert [await state(world, x) for x in (one, large)] == ["paid", "failed"]
    assert await wallet(world, merchant) == (1900, 0)
    await world.assert_clean()


async def test_two_files_at_once_take_each_withdrawal_once(world: World) -> None:
    merchant = await world.merchant(lane=0, money_e4=900 * YUAN)
    ones = [await approved(world, merchant, ref=f"W-{n}") for n in range(6)]

    async def make(_: int) -> int:
        try:
            return (await finance.make_batch(world.db, actor_id=ANN)).lines
        except (BadFinanceRequest, StepNotOpen):
            return 0

    assert sum(await together(*(make(n) for n in range(3)))) == 6
    assert {await state(world, one) for one in ones} == {"paying"}
    assert await wallet(world, merchant) == (300, 0)
    await world.assert_clean()
