"""From bytes to rows: encodings, line ends, workbooks, and the limits that keep a file from hurting us.

Knows nothing of cards. A workbook is parsed in this process, so ``apart.py`` runs ``read_cards`` on a stranger's
file in a process that may die: the parser ends the process when memory runs out.
"""

from __future__ import annotations

import io
from datetime import date, time, timedelta
from typing import Literal, cast

import msgspec
from python_calamine import CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from kameng.stock.errors import FileNotReadable, FileTooLarge, SeveralSheets
from kameng.stock.packages import check_xls, check_xlsx

BYTES_MAX = 64 * 1024 * 1024
LINES_MAX = 1_000_000

Format = Literal["txt", "csv", "xlsx", "xls"]
Cell = str | bool | int | float | date | time | timedelta
Row = str | list[Cell]
"""A line of text, or the cells of a workbook's row; ``""`` is an empty cell."""


class Book(msgspec.Struct, frozen=True):
    """A file's rows; ``rows[0]`` is line ``first_line`` of the file."""

    format: Format
    encoding: str
    rows: list[Row]
    first_line: int = 1


_XLSX, _XLS = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def is_workbook(data: bytes) -> bool:
    return data.startswith((_XLSX, _XLS))


def open_book(data: bytes, filename: str = "") -> Book:
    """What the bytes are decides, not the name: many a ``.xls`` is a text file."""
    if len(data) > BYTES_MAX:
        raise FileTooLarge(field="file")
    if data.startswith(_XLSX):
        check_xlsx(data)
        return _open_workbook(data, "xlsx")
    if data.startswith(_XLS):
        check_xls(data)
        return _open_workbook(data, "xls")
    encoding, text = _decode(data)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if len(lines) > LINES_MAX + 1:
        raise FileTooLarge(field="file")
    return Book(_format_of(filename, lines), encoding, cast("list[Row]", lines))


# Text.


def _format_of(filename: str, lines: list[str]) -> Format:
    """For the report only: lines of both are split by what stands in them."""
    suffix = filename.lower()[-4:]
    if suffix in (".csv", ".txt"):
        return "csv" if suffix == ".csv" else "txt"
    head = lines[:50]
    return "csv" if sum("," in line for line in head) * 2 > len(head) else "txt"


_BINARY = (b"%PDF", b"Rar!", b"7z\xbc\xaf", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x1f\x8b", b"{\\rtf")


def _decode(data: bytes) -> tuple[str, str]:
    """(encoding, text). Bytes that don't fit become U+FFFD: one bad line does not refuse the others."""
    encoding = _encoding_by_marks(data)
    if encoding is not None:
        text = data.decode(encoding, "replace").removeprefix("\ufeff")
    else:
        if b"\x00" in data or data.startswith(_BINARY):
            raise FileNotReadable(field="file")
        encoding, text = _decode_unmarked(data)
    if text[:200].lstrip().startswith("<"):
        en = "the file is a web page with another name; open it in Excel and save it as .xlsx"
        zh = "文件实为网页，请用 Excel 打开并另存为 .xlsx 后上传。"
        raise FileNotReadable(en, field="file", detail_zh=zh)
    return encoding, text


def _encoding_by_marks(data: bytes) -> str | None:
    if data.startswith(b"\xef\xbb\xbf"):
        return "utf-8"
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    head = data[:4096]
    if len(head) < 4:
        return None
    even, odd = head[0::2].count(0), head[1::2].count(0)
    # Digits and Latin letters are every other byte zero; nothing else that is text has zeros at all.
    if odd * 4 >= len(head) and even == 0:
        return "utf-16-le"
    if even * 4 >= len(head) and odd == 0:
        return "utf-16-be"
    return None


def _decode_unmarked(data: bytes) -> tuple[str, str]:
    for encoding in ("utf-8", "gb18030"):
        try:
            return encoding, data.decode(encoding)
        except UnicodeDecodeError:
            continue
    lossy = {encoding: data.decode(encoding, "replace") for encoding in ("utf-8", "gb18030")}
    encoding = min(lossy, key=lambda name: lossy[name].count("\ufffd"))
    if lossy[encoding].count("\ufffd") * 10 > len(lossy[encoding]):
        raise FileNotReadable(field="file")
    return encoding, lossy[encoding]


# Workbooks.


def _open_workbook(data: bytes, format_: Format) -> Book:
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
        visible = [
            meta.name
            for meta in workbook.sheets_metadata
            if meta.typ == SheetTypeEnum.WorkSheet and meta.visible == SheetVisibleEnum.Visible
        ]
        sheets = [sheet for name in visible if (sheet := workbook.get_sheet_by_name(name)).height]
        if len(sheets) > 1:
            raise SeveralSheets(field="file")
        return _rows_of(sheets[0], format_) if sheets else Book(format_, "", [])
    except (FileNotReadable, FileTooLarge, SeveralSheets, MemoryError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # the parser's panics are not Exceptions
        en = "the workbook is damaged or protected by a password"
        raise FileNotReadable(en, field="file", detail_zh="工作簿已损坏或设有密码，无法读取。") from error


def _rows_of(sheet: CalamineSheet, format_: Format) -> Book:
    last = (sheet.end or (0, 0))[0] + 1
    if last > LINES_MAX:
        raise FileTooLarge(field="file")
    rows: list[Row] = [_trimmed(row) for row in sheet.iter_rows()]
    return Book(format_, "", rows, last - len(rows) + 1)


def _trimmed(row: list[Cell]) -> list[Cell]:
    """Without the empty cells at its end."""
    end = len(row)
    while end > 1 and row[end - 1] == "":
        end -= 1
    return row[:end]
