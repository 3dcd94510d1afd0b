"""Files of exports: CSV that Excel opens right, XLSX written as it comes. Text is text: no cell is ever a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import xlsxwriter  # type: ignore[import-untyped]

from kameng.kit import clock

ROWS_MAX = 1_048_575
"""What a sheet of Excel holds besides its head; what is more goes to the next one."""
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class Sheet:
    """Rows go in, a file comes out. Times are shown as in China, numbers stay numbers."""

    def __init__(self, path: Path, form: str, head: Sequence[str]) -> None:
        self._head = list(head)
        self._book: Any = None
        self._rows = 0
        if form == "csv":
            self._file = path.open("w", encoding="utf-8-sig", newline="")  # with a mark, or Excel takes it for GBK
            self._csv = csv.writer(self._file)
            self._csv.writerow(self._head)
        else:
            self._book = xlsxwriter.Workbook(path, {"constant_memory": True, "strings_to_formulas": False,
                                                    "strings_to_urls": False, "strings_to_numbers": False})  # fmt: skip
            self._bold = self._book.add_format({"bold": True})
            self._begin_page()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.close()

    def add(self, rows: Iterable[Sequence[Any]]) -> None:
        for row in rows:
            cells = [_cell(value) for value in row]
            if self._book is None:
                self._csv.writerow([_harmless(cell) for cell in cells])
                continue
            if self._rows == ROWS_MAX:
                self._begin_page()
            self._rows += 1
            self._page.write_row(self._rows, 0, cells)

    def close(self) -> None:
        if self._book is None:
            self._file.close()
        else:
            self._book.close()

    def _begin_page(self) -> None:
        self._page = self._book.add_worksheet()
        self._page.freeze_panes(1, 0)
        self._page.set_column(0, len(self._head) - 1, 18)
        self._page.write_row(0, 0, self._head, self._bold)
        self._rows = 0


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(clock.CHINA).strftime("%Y-%m-%d %H:%M:%S")
    return "" if value is None else value


def _harmless(cell: Any) -> Any:
    """What a spreadsheet would take for a formula gets an apostrophe."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell
