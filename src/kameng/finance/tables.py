"""A statement as the rows of a table: CSV for Excel, the same for the Open API and the command."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator

from kameng.finance.model import Section, Sums
from kameng.kit import money

BOM = "\ufeff"
"""Without it Excel reads UTF-8 as something else."""
HEADER = ("编号 key", "名称 name", "项目 item", "笔数 count", "收入 in", "退款 refunded", "支出 out", "余额 balance")
OPENING, CLOSING = "期初 opening", "期末 closing"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
CHUNK_CHARS = 65_536

Row = tuple[str, ...]


def rows_of(section: Section) -> list[Row]:
    """Its opening, each code, its closing."""
    key, name = section.key, _harmless(section.name)
    rows: list[Row] = [
        (
            key, name, _harmless(entry.code), str(entry.count),
            money.format_e4(0 if entry.is_refund else entry.in_e4),
            money.format_e4(entry.in_e4 if entry.is_refund else 0), money.format_e4(entry.out_e4), "",
        )
        for entry in section.entries
    ]  # fmt: skip
    if section.opening_e4 is not None and section.closing_e4 is not None:
        rows.insert(0, _balance(key, name, OPENING, section.opening_e4))
        rows.append(_balance(key, name, CLOSING, section.closing_e4))
    return rows


async def csv_of(found: AsyncIterator[Section], opening_e4: int) -> AsyncIterator[bytes]:
    """The file, in pieces: header, sections, and the sums of them all between opening and closing."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    buffer.write(BOM)
    writer.writerow(HEADER)
    sums = Sums(opening_e4)
    async for section in found:
        sums.add(section)
        writer.writerows(rows_of(section))
        if buffer.tell() > CHUNK_CHARS:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    writer.writerow(_balance("合计 total", "", OPENING, sums.opening_e4))
    totals = (sums.in_e4, sums.refunded_e4, sums.out_e4)
    writer.writerow(("合计 total", "", "", "", *map(money.format_e4, totals), ""))
    writer.writerow(_balance("合计 total", "", CLOSING, sums.closing_e4))
    yield buffer.getvalue().encode()


def _balance(key: str, name: str, item: str, balance_e4: int) -> Row:
    return (key, name, item, "", "", "", "", money.format_e4(balance_e4))


def _harmless(text: str) -> str:
    """A name that Excel would take for a formula is shown as text."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
