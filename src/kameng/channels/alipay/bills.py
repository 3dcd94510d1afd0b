"""Alipay's bills: a zip of GBK files with GBK names; lines that begin with ``#`` around a table. Pure.

Columns are found by their names; ids end with a tab.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from datetime import date

from kameng.channels.amounts import minor_of
from kameng.channels.billing import named_rows, time_of
from kameng.channels.model import Bill, BillLine, BillRefused, FundBill, FundLine, NoticeKind

BYTES_MAX = 256 * 1024 * 1024
_SUM = re.compile(r"^#+(交易|退款)合计[:：].*?商家实收(?:退款)?共(-?[\d.]+)元(?:.*?商家优惠(?:退款)?共(-?[\d.]+)元)?")


def unpacked(packed: bytes) -> str:
    """The table of details; the sums of shops and days are left aside. ``BillRefused`` if it is none."""
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            found = next((x for x in archive.infolist() if _is_detail(x)), None)
            if found is None or found.file_size > BYTES_MAX:
                raise BillRefused("no table of details in the bill")
            return archive.read(found).decode("gb18030")
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeDecodeError):
        raise BillRefused("the bill is damaged: it can't be unpacked") from None


def read_trades(text: str, day: date) -> Bill:
    rows, notes = _split(text, "支付宝交易号")
    sums = {found[1]: _sum(found) for line in notes if (found := _SUM.match(line))}
    return Bill(
        day=day, lines=[_trade(row) for row in rows], payment_minor=sums.get("交易"), refund_minor=sums.get("退款")
    )  # fmt: skip


def read_funds(text: str, day: date) -> FundBill:
    rows, _ = _split(text, "账务流水号")
    return FundBill(day=day, lines=[FundLine(
        provider_no=row["账务流水号"], trade_no=row.get("业务流水号", ""), reference=row.get("商户订单号", ""),
        kind=row.get("业务类型", ""), amount_minor=_signed(row, "收入金额") + _signed(row, "支出金额"),
        balance_minor=_signed(row, "账户余额"), at=time_of(row.get("发生时间", "")),
    ) for row in rows])  # fmt: skip


def _trade(row: Mapping[str, str]) -> BillLine:
    """A refund is written below zero, and so is what Alipay keeps."""
    what = row.get("业务类型", "")
    if what not in ("交易", "退款"):
        raise BillRefused("a line that is neither payment nor refund")
    is_back = what == "退款"
    amount_minor = _signed(row, "订单金额")
    return BillLine(
        kind=NoticeKind.refund if is_back else NoticeKind.payment, payment_no=row.get("商户订单号", ""),
        refund_no=row.get("退款批次号/请求号", "") if is_back else "", provider_no=row["支付宝交易号"],
        amount_minor=abs(amount_minor), fee_minor=-_signed(row, "服务费"),
        at=time_of(row.get("完成时间", "")), state=what,
    )  # fmt: skip


def _split(text: str, first: str) -> tuple[Sequence[Mapping[str, str]], Sequence[str]]:
    """The rows by their column's names, and the lines that are no rows. Its end has to be there."""
    lines = [line for line in text.lstrip("\ufeff").splitlines() if line.strip()]
    notes = [line.strip() for line in lines if line.startswith("#")]
    table = [[field.strip() for field in row] for row in csv.reader(x for x in lines if not x.startswith("#"))]
    if not table or table[0][0] != first or not any("列表结束" in note for note in notes):
        raise BillRefused("not a whole bill of Alipay")
    return named_rows(table[0], table[1:]), notes


def _signed(row: Mapping[str, str], column: str) -> int:
    """Of the column that begins so: the unit stands behind in brackets, which are not always the same."""
    text = next((value for name, value in row.items() if name.startswith(column)), None)
    if text is None:
        raise BillRefused(f"no column {column}")
    minor = _minor(text or "0")
    if minor is None:
        raise BillRefused(f"no amount in the column {column}")
    return minor


def _minor(text: str) -> int | None:
    minor = minor_of(text.lstrip("+-"))
    return -minor if minor is not None and text.startswith("-") else minor


def _sum(found: re.Match[str]) -> int:
    """What came in and what the merchant itself took off: the sum of the orders."""
    return abs((_minor(found[2]) or 0) + (_minor(found[3] or "0") or 0))


def _is_detail(entry: zipfile.ZipInfo) -> bool:
    """Names are in GBK, without a mark that they are: zipfile took them for another alphabet."""
    name = entry.filename
    if not entry.flag_bits & 0x800:
        name = name.encode("cp437", "replace").decode("gb18030", "replace")
    return name.endswith(".csv") and "明细" in name and "汇总" not in name
