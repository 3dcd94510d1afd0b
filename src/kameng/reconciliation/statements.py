"""Bank statements as Chinese banks send them: CSV in GBK or UTF-8, workbooks, titles above the head, sums with commas.

Columns are found by their names. Money in has a column of its own, or one with a sign or beside a mark (借/贷).
A line that can't be read refuses the whole file, each with its number in Chinese and English: nothing is half done.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

import msgspec

from kameng.finance import banking
from kameng.kit import clock
from kameng.reconciliation.errors import BadStatement

NAMES: dict[str, tuple[str, ...]] = {
    "day": ("交易日期", "记账日期", "入账日期", "交易日", "日期", "date", "transactiondate"),
    "time": ("交易时间", "入账时间", "记账时间", "时间", "time"),
    "credit": ("贷方发生额", "贷方金额", "收入金额", "存入金额", "贷方", "收入", "转入金额", "credit", "creditamount"),
    "debit": ("借方发生额", "借方金额", "支出金额", "支取金额", "借方", "支出", "转出金额", "debit", "debitamount"),
    "amount": ("交易金额", "发生额", "金额", "amount"),
    "mark": ("借贷标志", "借贷方向", "收支方向", "收/支", "收支", "借贷", "方向", "direction"),
    "payer": ("对方户名", "对方名称", "对方账户名称", "付款人名称", "付款人", "对手名称", "payer", "counterparty"),
    "serial": ("交易流水号", "核心流水号", "流水号", "交易序号", "凭证号", "serial", "transactionid"),
    "balance": ("账户余额", "余额", "balance"),
}
REMARKS = ("摘要", "备注", "附言", "用途", "交易附言", "交易摘要", "remark", "description", "memo")
IN_MARKS = ("贷", "收", "入", "c", "cr", "credit", "in", "+")
OUT_MARKS = ("借", "支", "出", "d", "dr", "debit", "out", "-")


class CreditLine(msgspec.Struct, frozen=True):
    """Money that came in. ``line_key``: the same for the same line, however often it is imported."""

    line_no: int
    line_key: str
    at: datetime
    amount_e4: int
    payer: str
    remark: str


def parse(data: bytes, file_name: str = "") -> list[CreditLine]:
    """Every line of money in. ``BadStatement`` names each line that can't be read."""
    rows = banking.rows(data, file_name, BadStatement)
    start, columns = _head(rows)
    found: list[CreditLine] = []
    faults: list[banking.Fault] = []
    times: Counter[str] = Counter()
    for line_no, cells in rows[start:]:
        if _is_no_line(cells, columns):
            continue
        try:
            one = _line(line_no, cells, columns, times)
        except _Wrong as wrong:
            faults.append((line_no, wrong.en, wrong.zh))
            continue
        if one is not None:
            found.append(one)
    if faults:
        banking.refuse(faults, BadStatement)
    return found


class _Wrong(Exception):
    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.en, self.zh = en, zh


def _head(rows: Sequence[banking.Row]) -> tuple[int, dict[str, list[int]]]:
    """Where the lines begin, and which columns hold what."""
    for index, (_, cells) in enumerate(rows[: banking.HEAD_WITHIN]):
        columns: dict[str, list[int]] = {}
        for place, cell in enumerate(cells):
            name = banking.column_name(cell)
            for field, names in (*NAMES.items(), ("remark", REMARKS)):
                if name in names and (field == "remark" or field not in columns):
                    columns.setdefault(field, []).append(place)
        if "time" in columns and "day" not in columns:
            columns["day"] = columns.pop("time")
        if "day" in columns and ("credit" in columns or "amount" in columns):
            return index + 1, columns
    raise BadStatement(
        "no line names its columns: a date and an amount at least (交易日期, 贷方发生额)", field="file",
        detail_zh="未找到表头：至少应有日期与金额两列（如 交易日期、贷方发生额）",
    )  # fmt: skip


def _cell(cells: Sequence[str], columns: dict[str, list[int]], field: str) -> str:
    return " ".join(cells[place] for place in columns.get(field, ()) if place < len(cells) and cells[place])


def _is_no_line(cells: Sequence[str], columns: dict[str, list[int]]) -> bool:
    """Nothing, or a sum below the lines."""
    return not any(cells) or (
        not _cell(cells, columns, "day")[:1].isdigit()
        and any(word in "".join(cells) for word in ("合计", "总计", "小计", "total", "Total", "笔数", "打印"))
    )


def _line(line_no: int, cells: Sequence[str], columns: dict[str, list[int]], times: Counter[str]) -> CreditLine | None:
    """None: money out."""
    at = _moment(_cell(cells, columns, "day"), _cell(cells, columns, "time"))
    amount_e4 = _money_in(cells, columns)
    if amount_e4 is None:
        return None
    payer, remark = _cell(cells, columns, "payer"), _cell(cells, columns, "remark")
    serial, balance = _cell(cells, columns, "serial"), _cell(cells, columns, "balance")
    facts = f"{serial}|{at.isoformat()}|{amount_e4}|{payer}|{remark}|{balance}"
    key = f"bank:{hashlib.blake2b(facts.encode(), digest_size=16).hexdigest()}"
    times[key] += 1
    return CreditLine(
        line_no, key if times[key] == 1 else f"{key}#{times[key]}", at, amount_e4, payer[:100], remark[:300]
    )


def _money_in(cells: Sequence[str], columns: dict[str, list[int]]) -> int | None:
    if "credit" in columns:
        amount_e4 = _amount(_cell(cells, columns, "credit"))
        if amount_e4 == 0 and _amount(_cell(cells, columns, "debit")) == 0:
            raise _Wrong("no amount", "缺少金额")
        return amount_e4 if amount_e4 > 0 else None
    amount_e4 = _amount(_cell(cells, columns, "amount"))
    if amount_e4 == 0:
        raise _Wrong("no amount", "缺少金额")
    if "mark" in columns:
        mark = _cell(cells, columns, "mark").lower()
        if mark.startswith(IN_MARKS):
            return abs(amount_e4)
        if mark.startswith(OUT_MARKS):
            return None
        raise _Wrong(f"in or out? {mark!r}", f"无法识别收支方向“{mark}”")
    return amount_e4 if amount_e4 > 0 else None


def _amount(text: str) -> int:
    """``¥1,234.50`` → 12345000; nothing and a dash are nought."""
    plain = re.sub(r"[,\s¥￥元]|CNY|RMB", "", text)
    if plain in ("", "-", "--"):
        return 0
    try:
        minor = Decimal(plain) * 100
    except InvalidOperation:
        raise _Wrong(f"{text!r} is no amount", f"金额“{text}”无法识别") from None
    if not minor.is_finite() or minor != int(minor) or abs(minor) >= 10**13:
        raise _Wrong(f"{text!r} is no amount in whole fen", f"金额“{text}”应精确到分")
    return int(minor) * 100


_DAYS = ("%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日")
_TIMES = ("", "%H:%M:%S", "%H%M%S", "%H:%M", "%H:%M:%S.%f")


def _moment(day: str, time: str) -> datetime:
    text = f"{day} {time}".strip().replace("T", " ")
    first, _, rest = text.partition(" ")
    if len(first) == 14 and first.isdigit():
        first, rest = first[:8], first[8:]
    for day_form in _DAYS:
        try:
            found: date = datetime.strptime(first, day_form).date()  # noqa: DTZ007 - a day of China
        except ValueError:
            continue
        for time_form in _TIMES:
            try:
                at = datetime.strptime(rest.split(" ")[-1] if rest else "", time_form)  # noqa: DTZ007
            except ValueError:
                continue
            return datetime(found.year, found.month, found.day, at.hour, at.minute, at.second, tzinfo=clock.CHINA)
    raise _Wrong(f"{day!r} is no date", f"日期“{day}”无法识别")
