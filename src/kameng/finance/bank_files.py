"""A bank's batch file: whom to pay how much, under which number; and its result, line by line.

The file is made anew each time from what is sealed. Of a result every column is found by its name; a line without a
number of ours, or whose result has no meaning here, refuses the whole file: nothing is half done.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Literal

import msgspec
import xlsxwriter  # type: ignore[import-untyped]

from kameng.finance import bank_tables
from kameng.finance.errors import BadBankResult
from kameng.finance.model import Payee
from kameng.finance.payouts import Payout
from kameng.kit.money import E4, MINOR_E4

HEAD = ("序号", "收款户名", "收款账号", "开户银行", "金额", "币种", "附言")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
NAMES: dict[str, tuple[str, ...]] = {
    "reference": ("附言", "用途", "备注", "摘要", "业务参考号", "客户参考号", "客户业务编号", "reference", "remark"),
    "amount": ("金额", "交易金额", "付款金额", "amount"),
    "result": ("处理结果", "交易状态", "处理状态", "状态", "结果", "交易结果", "result", "status"),
    "serial": ("流水号", "交易流水号", "银行流水号", "凭证号", "serial", "transactionid"),
    "reason": ("失败原因", "错误信息", "返回信息", "原因", "说明", "reason"),
}
FAILED = ("失败", "退票", "退汇", "拒绝", "撤销", "未成功", "不成功", "fail", "reject", "return")
PAID = ("成功", "已支付", "已付款", "已到账", "交易完成", "success", "paid")
WAITING = ("处理中", "待", "受理", "已提交", "process", "pending", "wait")
_NUMBER = re.compile(r"W\d{10,19}(?!\d)")


class ResultLine(msgspec.Struct, frozen=True):
    """What the bank says of one payout."""

    line_no: int
    payout_no: str
    amount_e4: int | None
    state: Literal["paid", "failed", "waiting"]
    serial: str
    reason: str


def write(payouts: Sequence[tuple[Payout, Payee]], form: str) -> bytes:
    """``xlsx`` or ``csv`` (UTF-8 with a mark, for Excel); account numbers are text, nothing is a formula."""
    rows: list[tuple[str, ...]] = [
        (str(place), payee.name, payee.account, payee.bank, _yuan(one.amount_e4), one.currency, one.payout_no)
        for place, (one, payee) in enumerate(payouts, 1)
    ]
    if form == "csv":
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(HEAD)
        writer.writerows([f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell for cell in row] for row in rows)
        return text.getvalue().encode("utf-8-sig")
    kept = io.BytesIO()
    with xlsxwriter.Workbook(kept, {"in_memory": True}) as book:
        sheet = book.add_worksheet("批量付款")
        sheet.set_column(0, len(HEAD) - 1, 20)
        for place, row in enumerate([HEAD, *rows]):
            for column, cell in enumerate(row):
                sheet.write_string(place, column, cell)
    return kept.getvalue()


def _yuan(amount_e4: int) -> str:
    """Banks want two places."""
    return f"{amount_e4 // E4}.{amount_e4 % E4 // MINOR_E4:02d}"


def read(data: bytes, file_name: str = "") -> list[ResultLine]:
    """Every line of a result. ``BadBankResult`` names each that can't be read, and a payout that stands twice."""
    rows = bank_tables.rows(data, file_name, BadBankResult)
    start, columns = _head(rows)
    found: dict[str, ResultLine] = {}
    faults: list[bank_tables.Fault] = []
    for line_no, cells in rows[start:]:
        if not any(cells) or any(word in "".join(cells[:2]) for word in ("合计", "总计", "小计", "total")):
            continue
        one = _line(line_no, cells, columns)
        if isinstance(one, tuple):
            faults.append((line_no, *one))
        elif one.payout_no in found:
            faults.append((line_no, f"{one.payout_no} stands twice", f"编号 {one.payout_no} 重复"))
        else:
            found[one.payout_no] = one
    if faults or not found:
        bank_tables.refuse(faults or [(start, "no line below the head", "表头下没有内容")], BadBankResult)
    return list(found.values())


def _head(rows: Sequence[bank_tables.Row]) -> tuple[int, dict[str, int]]:
    """Where the lines begin, and which column holds what: of several the name that stands first above."""
    for index, (_, cells) in enumerate(rows[: bank_tables.HEAD_WITHIN]):
        named = [bank_tables.column_name(cell) for cell in cells]
        columns: dict[str, int] = {}
        for field, names in NAMES.items():
            places = [named.index(name) for name in names if name in named]
            if places:
                columns[field] = places[0]
        if "reference" in columns and "result" in columns:
            return index + 1, columns
    raise BadBankResult(
        "no line names its columns: our number and a result at least (附言, 处理结果)", field="file",
        detail_zh="未找到表头：至少应有编号与结果两列（如 附言、处理结果）",
    )  # fmt: skip


def _line(line_no: int, cells: Sequence[str], columns: dict[str, int]) -> ResultLine | tuple[str, str]:
    """The line, or what is wrong with it in English and Chinese."""

    def cell(field: str) -> str:
        place = columns.get(field)
        return "" if place is None or place >= len(cells) else cells[place]

    number = _NUMBER.search(cell("reference"))
    if number is None:
        return "no number of ours", "缺少打款编号"
    said = cell("result").lower()
    state: Literal["paid", "failed", "waiting"]
    if any(word in said for word in FAILED):
        state = "failed"
    elif any(word in said for word in WAITING):
        state = "waiting"
    elif any(word in said for word in PAID):
        state = "paid"
    else:
        return f"{said[:30]!r} says neither paid nor failed", f"无法识别处理结果“{said[:30]}”"
    amount_e4 = _amount(cell("amount"))
    if amount_e4 is not None and amount_e4 < 0:
        return "no amount", f"金额“{cell('amount')}”无法识别"
    return ResultLine(line_no, number[0], amount_e4, state, cell("serial")[:100], cell("reason")[:300])


def _amount(text: str) -> int | None:
    """Below zero: it can't be read."""
    plain = re.sub(r"[,\s¥￥元]|CNY|RMB", "", text)
    if not plain:
        return None
    try:
        minor = Decimal(plain) * 100
    except InvalidOperation:
        return -1
    return int(minor) * MINOR_E4 if minor.is_finite() and minor == int(minor) and 0 <= minor < 10**13 else -1
