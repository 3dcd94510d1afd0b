"""Tables as banks send them: CSV in GBK or UTF-8, workbooks, as rows of text; and what is wrong, line by line."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import datetime

from kameng import stock
from kameng.kit.errors import BadInput

HEAD_WITHIN = 40
"""The head that names the columns stands in the first so many lines, below titles."""
FAULTS_SHOWN = 10
_NOTE = re.compile(r"[(（].*?[)）]")

Row = tuple[int, list[str]]
"""Its number in the file, and its cells."""
Fault = tuple[int, str, str]
"""The line's number, and what is wrong with it in English and Chinese."""


def rows(data: bytes, file_name: str, refusal: type[BadInput]) -> list[Row]:
    """Every line; ``refusal`` of a file that is no table."""
    try:
        return list(_rows(stock.open_book(data, file_name)))
    except (stock.FileNotReadable, stock.FileTooLarge, stock.SeveralSheets) as error:
        raise refusal(
            error.detail or "it can't be read", field="file", detail_zh=error.detail_zh or "文件无法读取"
        ) from None


def column_name(cell: str) -> str:
    """Without notes, spaces and case: ``金额（元）`` is ``金额``."""
    return _NOTE.sub("", cell).replace(" ", "").lower()


def refuse(faults: Sequence[Fault], refusal: type[BadInput]) -> None:
    """Raise with the first lines that are wrong, each by its number."""
    shown = faults[:FAULTS_SHOWN]
    more = len(faults) - len(shown)
    en = "; ".join(f"line {place}: {said}" for place, said, _ in shown) + (f"; and {more} more" if more else "")
    zh = "；".join(f"第 {place} 行：{said}" for place, _, said in shown) + (f"；另有 {more} 行" if more else "")
    raise refusal(en, field="file", detail_zh=zh)


def _rows(book: stock.Book) -> Iterator[Row]:
    for line_no, row in enumerate(book.rows, book.first_line):
        if isinstance(row, str):
            mark = "\t" if row.count("\t") > row.count(",") else ","
            cells = next(csv.reader([row], delimiter=mark), [])
        else:
            cells = [_text(cell) for cell in row]
        yield line_no, [unicodedata.normalize("NFKC", cell).strip().strip("'`\t ") for cell in cells]


def _text(cell: object) -> str:
    if isinstance(cell, datetime):
        return cell.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(cell, float):
        return f"{cell:.2f}" if cell != int(cell) else str(int(cell))
    return str(cell)
