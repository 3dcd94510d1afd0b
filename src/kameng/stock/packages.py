"""Workbooks that would hurt: far more memory than the file's size tells. Looked at before they are parsed.

The parser allots a rectangle around all cells of a sheet. Two cells in far corners, in a file of 5 KB, are 17
billion; the process that parses it ends. Both kinds of workbook are walked here only to find the last cell.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Iterator

from kameng.stock.errors import FileNotReadable, FileTooLarge

UNPACKED_BYTES_MAX = 1024 * 1024 * 1024
CELLS_MAX = 30_000_000

_REFERENCE = re.compile(rb"""r\s*=\s*["']([A-Za-z]*)([0-9]{1,9})["']""")
_CHUNK_BYTES = 1 << 20
_OVERLAP_BYTES = 64
_ENDLESS = 1 << 62


def check_xlsx(data: bytes) -> None:
    """Refuse what is no workbook or too large a one."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            members = package.infolist()
            if all(member.filename != "xl/workbook.xml" for member in members):
                raise FileNotReadable(field="file")
            left = UNPACKED_BYTES_MAX
            if sum(member.file_size for member in members) > left:
                raise FileTooLarge(field="file")
            for member in members:
                left -= _check_member(package, member, left)
    except (FileNotReadable, FileTooLarge, MemoryError):
        raise
    except Exception as error:  # zipfile raises a dozen kinds on damaged files
        raise FileNotReadable(field="file") from error


def _check_member(package: zipfile.ZipFile, member: zipfile.ZipInfo, bytes_max: int) -> int:
    """How large it is, whatever it says: the parser unpacks to the end. In a sheet, the last row times the last
    column must be a size that we can hold."""
    is_sheet = member.filename.startswith("xl/worksheets/") and member.filename.endswith(".xml")
    member.file_size = _ENDLESS  # else reading stops where the package says that it ends
    size = width = height = 0
    with package.open(member) as content:
        tail = b""
        while chunk := content.read(_CHUNK_BYTES):
            size += len(chunk)
            if size > bytes_max:
                raise FileTooLarge(field="file")
            if not is_sheet:
                continue
            found = _REFERENCE.findall(tail + chunk)
            columns, rows = {letters for letters, _ in found}, {digits for _, digits in found}
            width = max(width, max(map(_column, columns), default=0))
            height = max(height, max(map(int, rows), default=0))
            if width * height > CELLS_MAX:
                raise _too_sparse()
            tail = chunk[-_OVERLAP_BYTES:]
    return size


def _too_sparse() -> FileTooLarge:
    en = "some cells lie too far right or down; delete what stands beside the cards"
    return FileTooLarge(en, field="file", detail_zh="有单元格离数据太远，请删除卡密以外的内容。")


def _column(letters: bytes) -> int:
    """``A`` → 1, ``XFD`` → 16384."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


# .xls: a compound file of sectors, in it a stream of records.

_FREE = 0xFFFFFFF0
"""Sector numbers from here on are marks: end of chain, free, table."""
_SMALL_STREAM_BYTES = 4096
_COLUMNS_MAX = 256
_EOF, _BOUNDSHEET = 0x0A, 0x85
_CELL_KINDS = frozenset(
    (1, 2, 3, 4, 5, 6, 0xBD, 0xBE, 0xD6, 0xFD, 0x201, 0x203, 0x204, 0x205, 0x206, 0x27E, 0x406)
)


def check_xls(data: bytes) -> None:
    """Refuse a workbook with cells beyond the 256 columns that the format has."""
    try:
        stream = _workbook_stream(data)
        sheets = [body for kind, body in _records(stream, 0) if kind == _BOUNDSHEET]
        for sheet in sheets:
            for kind, body in _records(stream, int.from_bytes(sheet[:4], "little")):
                if kind in _CELL_KINDS and len(body) >= 4 and _last_column(kind, body) >= _COLUMNS_MAX:
                    raise _too_sparse()
    except (struct.error, IndexError, ValueError) as error:
        raise FileNotReadable(field="file") from error


def _last_column(kind: int, body: bytes) -> int:
    first = int.from_bytes(body[2:4], "little")
    # Of the kinds that hold several cells, the last two bytes are the last column.
    return max(first, int.from_bytes(body[-2:], "little")) if kind in (0xBD, 0xBE) else first


def _records(stream: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    while at + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, at)
        yield kind, stream[at + 4 : at + 4 + length]
        if kind == _EOF:
            return
        at += 4 + length


def _workbook_stream(data: bytes) -> bytes:
    """The stream named Workbook (Book before 1997)."""
    shift = int.from_bytes(data[30:32], "little")
    if shift not in (9, 12):
        raise ValueError("no compound file")
    size = 1 << shift
    table = _sector_table(data, size)
    directory = _chain(data, table, size, int.from_bytes(data[48:52], "little"))
    for at in range(0, len(directory), 128):
        entry = directory[at : at + 128]
        name = entry[: max(int.from_bytes(entry[64:66], "little") - 2, 0)].decode("utf-16-le", "replace")
        if name in ("Workbook", "Book"):
            start, length = struct.unpack_from("<II", entry, 116)
            if length < _SMALL_STREAM_BYTES:
                break  # it lies among the small streams; no program that writes workbooks does that
            return _chain(data, table, size, start)[:length]
    raise ValueError("no workbook in the compound file")


def _sector_table(data: bytes, size: int) -> list[int]:
    """For each sector, the next one of its chain."""
    numbers = list(struct.unpack_from("<109I", data, 76))
    more, seen = int.from_bytes(data[68:72], "little"), 0
    while more < _FREE and seen * size < len(data):
        *part, more = struct.unpack_from(f"<{size // 4}I", data, (more + 1) * size)
        numbers += part
        seen += 1
    table: list[int] = []
    for number in numbers:
        if number < _FREE:
            table += struct.unpack_from(f"<{size // 4}I", data, (number + 1) * size)
    return table


def _chain(data: bytes, table: list[int], size: int, start: int) -> bytes:
    sectors: list[bytes] = []
    while start < _FREE:
        if len(sectors) > len(table):
            raise ValueError("a chain of sectors runs in a circle")
        sectors.append(data[(start + 1) * size : (start + 2) * size])
        start = table[start]
    return b"".join(sectors)
