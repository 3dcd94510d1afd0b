"""What stands where, day by day and channel by channel: for the desk, and as a workbook for whoever signs it off."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date

import msgspec
import xlsxwriter  # type: ignore[import-untyped]

from kameng.kit import clock, lanes
from kameng.kit.db import Database
from kameng.reconciliation import store
from kameng.reconciliation.model import Act, Bill, Case, CaseState, Channel, Kind
from kameng.reconciliation.resolving import list_cases

CASES_MAX = 100_000
KINDS_ZH = {
    Kind.long: "长款", Kind.short: "短款", Kind.amount: "金额不符", Kind.status: "状态不符", Kind.fee: "手续费不符",
    Kind.duplicate: "重复入账", Kind.cut_off: "跨日",
}  # fmt: skip
STATES_ZH = {
    CaseState.open: "待处理", CaseState.taken: "处理中", CaseState.asked: "待复核",
    CaseState.returning: "退回中", CaseState.resolved: "已处理",
}  # fmt: skip
ACTS_ZH = {
    Act.accept: "认可差异", Act.write_off: "核销", Act.credit: "入商户钱包", Act.pay_out: "银行退回",
    Act.refund: "原路退回", Act.offset: "对冲",    Act.cleared: "自动结清",
}  # fmt: skip


class Day(msgspec.Struct, frozen=True):
    """A channel's bill of a day, with what it moved and what of it differs."""

    bill: Bill
    channel: Channel
    net_e4: int
    differences: int
    waiting: int
    suspense_e4: int


async def channels(db: Database) -> dict[int, Channel]:
    """Channel accounts, by number."""
    async with db.connection() as connection:
        return await store.read_channels(connection)


async def days(db: Database, first: date, last: date, *, channel_id: int | None = None) -> list[Day]:
    """Bills of some days, newest first."""
    async with db.connection() as connection:
        bills = await store.read_bills(connection, first, last, channel_id)
        named = await store.read_channels(connection)
        moved: dict[tuple[int, date], int] = {}
        counted: dict[tuple[int, date], tuple[int, int, int]] = {}
        for lane in await lanes.lane_numbers(connection):
            for one in await store.sum_settlements(connection, lane, first, last):
                moved[one.channel_id, one.day] = moved.get((one.channel_id, one.day), 0) + one.net_e4
            for case in await store.count_cases(connection, lane, first, last):
                so_far = counted.get((case.channel_id, case.day), (0, 0, 0))
                more = (case.cases, case.waiting, case.suspense_e4 or 0)
                counted[case.channel_id, case.day] = (
                    so_far[0] + more[0], so_far[1] + more[1], so_far[2] + more[2],
                )  # fmt: skip
    return [
        Day(bill, named[bill.channel_id], moved.get((bill.channel_id, bill.day), 0),
            *counted.get((bill.channel_id, bill.day), (0, 0, 0)))
        for bill in bills
    ]  # fmt: skip


async def owed(db: Database) -> dict[int, int]:
    """What each channel's provider owes us, as the ledger has it: what no bill settled yet."""
    found: dict[int, int] = {}
    async with db.connection() as connection:
        for lane in await lanes.lane_numbers(connection):
            for channel_id, owed_e4 in (await store.channel_sums(connection, lane)).items():
                found[channel_id] = found.get(channel_id, 0) + owed_e4
    return found


async def report(db: Database, day: date) -> bytes:
    """A day's workbook: its bills, and every difference that they have."""
    every = await days(db, day, day)
    cases = [
        (one.channel, case)
        for one in every
        for case in await list_cases(db, channel_id=one.channel.channel_id, day=day, limit=CASES_MAX)
    ]
    return _workbook(day, every, cases)


def _workbook(day: date, every: Sequence[Day], cases: Sequence[tuple[Channel, Case]]) -> bytes:
    out = io.BytesIO()
    kept = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(out, kept) as book:
        bold, money = book.add_format({"bold": True}), book.add_format({"num_format": "#,##0.00"})
        page = book.add_worksheet("对账汇总 Bills")
        head = ["日期 Day", "通道 Channel", "状态 State", "笔数 Lines", "收款 Payments", "退款 Refunds", "手续费 Fees",
                "结算净额 Net", "差错 Differences", "待处理 Waiting", "挂账 Suspense", "说明 Remark"]  # fmt: skip
        rows: list[list[object]] = [
            [str(day), one.channel.name, one.bill.state.value, one.bill.lines, _yuan(one.bill.payment_e4),
             _yuan(one.bill.refund_e4), _yuan(one.bill.fee_e4), _yuan(one.net_e4), one.differences, one.waiting,
             _yuan(one.suspense_e4), one.bill.said]
            for one in every
        ]  # fmt: skip
        _fill(page, head, rows, bold, money)
        page = book.add_worksheet("差错明细 Differences")
        head = ["编号 No.", "通道 Channel", "类型 Kind", "账单行 Line", "账单金额 Bill", "账面金额 Books",
                "挂账 Suspense", "状态 State", "处理期限 Due", "处理方式 Act", "原因 Reason"]  # fmt: skip
        rows = [
            [str(case.case_id), channel.name, f"{KINDS_ZH[case.kind]} {case.kind}", case.line_key, _yuan(case.bill_e4),
             _yuan(case.book_e4), _yuan(case.suspense_e4), STATES_ZH[case.state],
             case.due_at.astimezone(clock.CHINA).strftime("%Y-%m-%d %H:%M"),
             "" if case.act is None else ACTS_ZH[case.act], case.reason]
            for channel, case in cases
        ]  # fmt: skip
        _fill(page, head, rows, bold, money)
    return out.getvalue()


def _fill(page: object, head: Sequence[str], rows: Sequence[Sequence[object]], bold: object, money: object) -> None:
    page.freeze_panes(1, 0)  # type: ignore[attr-defined]
    page.set_column(0, len(head) - 1, 18)  # type: ignore[attr-defined]
    page.write_row(0, 0, head, bold)  # type: ignore[attr-defined]
    for number, row in enumerate(rows, 1):
        for place, value in enumerate(row):
            page.write(number, place, value, money if isinstance(value, float) else None)  # type: ignore[attr-defined]


def _yuan(amount_e4: int) -> float:
    """For a cell: whole fen below 10^13 are exact enough for a spreadsheet."""
    return amount_e4 / 10_000
