"""Bank transfers by hand: a code in the remark finds its payment, messy statements are read, nothing happens twice."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from datetime import datetime
from itertools import count

import pytest
import xlsxwriter  # type: ignore[import-untyped]

from kameng import payments, reconciliation
from kameng.channels import Method, Scene, code_of, codes_in
from kameng.kit import clock
from kameng.payments import Cashier, Payer, Payment
from kameng.reconciliation import BadStatement, Channel, statements
from laws.world import Merchant, World

ANN = 71
_refs = count(1)
HEAD = "交易日期,交易时间,借方发生额（支出）,贷方发生额（收入）,余额,对方户名,摘要,备注\n"


@pytest.fixture
async def cashier(world: World) -> AsyncIterator[Cashier]:
    made = Cashier(world.db, world.ring, public_url="https://kameng.test")
    yield made
    await made.close()


@pytest.fixture
async def channel(world: World, cashier: Cashier) -> Channel:
    number = await payments.add_channel(
        world.db, world.ring, protocol="bank", name="招行", actor_id=ANN,
        credentials={"bank": "招商银行", "name": "卡盟公司", "number": "6225"},
    )  # fmt: skip
    await payments.switch_channel(world.db, number, on=True, reason="open", actor_id=ANN)
    return Channel(number, "招行", "bank", "CNY")


async def begun(cashier: Cashier, merchant: Merchant, amount_e4: int = 12_345_600) -> Payment:
    wish = await payments.begin_recharge(
        cashier, merchant.caller.organisation, amount_e4, client_ref=f"b-{next(_refs)}", method=Method.bank,
        scene=Scene.page, payer=Payer(),
    )  # fmt: skip
    return wish.payment


def line(payment: Payment | None, amount: str, *, remark: str = "", balance: str = "1") -> str:
    day = datetime.now(clock.CHINA).strftime("%Y-%m-%d")
    code = "" if payment is None else code_of(payment.payment_no)
    return f'{day},10:00:00,,"{amount}",{balance},张三,转账,{remark}{code.lower()}\n'


async def bring(
    world: World, cashier: Cashier, channel: Channel, text: str, encoding: str = "gbk"
) -> reconciliation.Imported:
    return await reconciliation.import_statement(
        world.db, cashier.notices, channel, text.encode(encoding), file_name="s.csv", actor_id=ANN
    )


async def wallet(world: World, merchant: Merchant) -> int:
    return int(
        await world.scalar(
            "SELECT posted_e4 FROM account WHERE lane = $1 AND account_id = $2", merchant.lane, merchant.org_id
        )
    )


async def test_the_payer_is_shown_an_account_and_a_code(world: World, cashier: Cashier, channel: Channel) -> None:
    payment = await begun(cashier, await world.merchant(money_e4=0))
    assert payment.shown is not None
    code = code_of(payment.payment_no)
    assert (payment.shown.kind, payment.shown.fields["reference"]) == ("transfer", code)
    assert payment.shown.fields["number"] == "6225"
    assert len(code) == 9
    assert list(codes_in(f"充值 {code[:3].lower()}-{code[3:6]} {code[6:]} 谢谢")) == [code]


@pytest.mark.parametrize("lane", [0, 1])
async def test_a_credit_with_its_code_pays_once_however_often_imported(
    world: World, cashier: Cashier, channel: Channel, lane: int
) -> None:
    merchant = await world.merchant(lane=lane, money_e4=0)
    payment = await begun(cashier, merchant)
    text = f"招商银行交易明细\n账号,6225\n\n{HEAD}{line(payment, '1,234.56', remark='充值')}"
    text += '2026-11-20,09:00:00,88.00,,1,某,付款,\n合计,,88.00,"1,234.56",,,,\n'
    first = await bring(world, cashier, channel, text)
    assert (first.lines, first.known, first.booked, first.waiting) == (1, 0, 1, 0)
    assert await wallet(world, merchant) == 12_345_600
    again = await bring(world, cashier, channel, text, "utf-8-sig")
    assert (again.lines, again.known, again.booked, again.waiting) == (1, 1, 0, 0)
    assert await wallet(world, merchant) == 12_345_600
    rows = await world.rows("SELECT code, sum(posted_e4)::bigint AS e4 FROM account WHERE org_id = 0 AND currency = 'CNY'"  # noqa: E501
                            " GROUP BY code")  # fmt: skip
    houses = {row["code"]: row["e4"] for row in rows if row["e4"]}
    assert houses == {"bank": -12_345_600}
    await world.assert_clean()


async def test_a_second_transfer_and_one_without_a_code_wait_for_a_person(
    world: World, cashier: Cashier, channel: Channel
) -> None:
    merchant = await world.merchant(lane=1, money_e4=0)
    payment, other = await begun(cashier, merchant), await begun(cashier, merchant, 500_000)
    text = HEAD + line(payment, "1234.56") + line(payment, "1234.56", balance="2") + line(None, "50.00")
    done = await bring(world, cashier, channel, text)
    assert (done.booked, done.waiting) == (1, 2)
    assert await wallet(world, merchant) == 12_345_600
    waiting = {one.amount_e4: one for one in await reconciliation.list_credits(world.db)}
    stray = waiting[500_000]
    found = await reconciliation.credit_candidates(world.db, stray)
    assert [one.payment_id for one in found] == [other.payment_id]
    assert await reconciliation.assign_credit(
        world.db, cashier.notices, channel, stray.credit_id, other.payment_id, reason="he called", actor_id=ANN
    )
    assert await wallet(world, merchant) == 12_345_600 + 500_000
    await reconciliation.ignore_credit(
        world.db, waiting[12_345_600].credit_id, reason="sent back by hand", actor_id=ANN
    )
    assert await reconciliation.list_credits(world.db) == []
    again = await bring(world, cashier, channel, text)
    assert (again.known, again.booked, again.waiting) == (3, 0, 0)
    await world.assert_clean()


async def test_a_bad_line_refuses_the_whole_file_with_its_number(
    world: World, cashier: Cashier, channel: Channel
) -> None:
    payment = await begun(cashier, await world.merchant(money_e4=0))
    text = f"{HEAD}{line(payment, '1234.56')}{line(None, '12.3x')}昨天,,,1.00,,,,\n"
    with pytest.raises(BadStatement) as refused:
        await bring(world, cashier, channel, text)
    assert refused.value.detail == "line 3: '12.3x' is no amount; line 4: '昨天' is no date"
    assert refused.value.detail_zh == "第 3 行：金额“12.3x”无法识别；第 4 行：日期“昨天”无法识别"
    assert await world.scalar("SELECT count(*) FROM bank_credit") == 0


def test_one_column_with_a_mark_or_a_sign_is_read_too() -> None:
    marked = "交易日,交易金额,借贷标志,附言\n20261120,100.00,贷,a\n2026/11/20,100.00,借,b\n"
    signed = "Date\tAmount\tRemark\n2026-11-20 08:01:02\t-5.00\tout\n2026-11-20 08:01:03\t7.10\tin\n"
    assert [one.amount_e4 for one in statements.parse(marked.encode("gb18030"))] == [1_000_000]
    (only,) = statements.parse(signed.encode())
    assert (only.amount_e4, only.remark, only.at) == (71_000, "in", datetime(2026, 11, 20, 8, 1, 3, tzinfo=clock.CHINA))


def test_a_workbook_is_read_and_equal_lines_are_told_apart() -> None:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, ["账户明细"])
        page.write_row(2, 0, ["交易日期", "收入金额", "支出金额", "对方名称", "用途"])
        for row in (3, 4):
            page.write_row(row, 0, ["2026-11-20", 88.5, "", "李四", "货款"])
    found = statements.parse(out.getvalue())
    assert [one.amount_e4 for one in found] == [885_000, 885_000]
    assert found[1].line_key == f"{found[0].line_key}#2"


def test_a_file_without_a_head_is_refused() -> None:
    with pytest.raises(BadStatement):
        statements.parse(b"a,b\n1,2\n")


def test_every_wrong_letter_and_every_swap_is_found() -> None:
    code = code_of("K250602556596686849")
    letters = "3467ACDEFGHJKMNPQRTUWXY"
    for place in range(len(code)):
        for letter in letters:
            other = code[:place] + letter + code[place + 1 :]
            assert list(codes_in(other)) == ([code] if other == code else [])
    for place in range(len(code) - 1):
        swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
        assert list(codes_in(swapped)) == ([code] if swapped == code else [])
