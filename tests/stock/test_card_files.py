"""From bytes to rows: encodings, workbooks of both kinds, and files that must not hurt."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from kameng.kit.errors import BadInput
from kameng.stock import files
from kameng.stock.errors import FileNotReadable, FileTooLarge, SeveralSheets
from kameng.stock.reading import CardFile, CardLine, read_cards

Cells = Iterable[tuple[int, int, str | float]]


def read(data: bytes, filename: str = "") -> CardFile:
    return read_cards(data, filename=filename, today=date(2026, 11, 22))


def reasons(file: CardFile) -> list[tuple[int, str]]:
    return [(line.line, line.reason) for line in file.refused]


def workbook(fill: Callable[[xlsxwriter.Workbook], object]) -> bytes:
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True})
    fill(book)
    book.close()
    return target.getvalue()


def sheet(rows: Iterable[Iterable[object]], options: Mapping[str, str] | None = None) -> bytes:
    """A workbook of one sheet; dates are written as dates."""

    def fill(book: xlsxwriter.Workbook) -> None:
        page, day = book.add_worksheet(), book.add_format({"num_format": "yyyy/m/d"})
        for i, row in enumerate(rows):
            for j, cell in enumerate(row):
                page.write(i, j, cell, *([day] if isinstance(cell, date) else []))

    return workbook(fill)


# Text.


@pytest.mark.parametrize(
    ("codec", "encoding"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("gbk", "gb18030"),
        ("gb18030", "gb18030"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
    ],
)
def test_encodings(codec: str, encoding: str) -> None:
    file = read("卡号,卡密,备注\r\n12345678901234567890,ABCDEFGH12345678,好\r\n".encode(codec))
    assert file.encoding == encoding
    assert file.cards == (CardLine(2, "12345678901234567890", "ABCDEFGH12345678", None, None),)


def test_a_line_in_another_encoding_refuses_itself_only() -> None:
    good = "".join(f"{i:010d}----SECRET{i:010d}\n" for i in range(1000, 1050)).encode()
    file = read("# 卡密\n".encode() + good + b"1----\xff\xfe\xfd\n" + good.replace(b"0000001", b"0000002"))
    assert (len(file.cards), reasons(file)) == (100, [(52, "unreadable")])


@pytest.mark.parametrize(
    ("name", "text", "format_"),
    [
        ("x.csv", "a b", "csv"),
        ("x.TXT", "a,b", "txt"),
        ("", "a,b", "csv"),
        ("x.xls", "a\tb", "txt"),
        ("", "a b", "txt"),
    ],
)
def test_format_is_by_name_for_text(name: str, text: str, format_: str) -> None:
    file = read(text.encode(), name)
    assert (file.format, [(card.number, card.secret) for card in file.cards]) == (format_, [("a", "b")])


@pytest.mark.parametrize(
    "data",
    [
        b"%PDF-1.7\n",
        b"Rar!\x1a\x07\x00",
        b"\x89PNG\r\n",
        b"a----b\x00\x00\x00\x00c",
        b"\xff\xff\xff\xff\xff\xff\xff\xff",
        b" <html><table>",
        b"PK\x03\x04 not a zip",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000),
    ],
)
def test_what_is_no_card_file_is_refused(data: bytes) -> None:
    with pytest.raises(FileNotReadable) as refusal:
        read(data)
    assert (refusal.value.status, refusal.value.field) == (400, "file")


# Limits.


def test_limits() -> None:
    with pytest.raises(FileTooLarge):
        read(b"a" * (64 * 1024 * 1024 + 1))
    with pytest.raises(FileTooLarge) as refusal:
        read(b"\n" * 1_000_001)
    assert refusal.value.status == 413
    assert read(b"\n" * 999_999 + b"a----b").cards == (CardLine(1_000_000, "a", "b", None, None),)


def test_a_small_workbook_that_would_fill_the_memory_is_refused() -> None:
    # Parsed, this would end the process, not raise.

    def far_corners(book: xlsxwriter.Workbook) -> None:
        page = book.add_worksheet()
        page.write(0, 0, "x")
        page.write(1048575, 16383, "y")

    data = workbook(far_corners)
    assert len(data) < 10_000
    with pytest.raises(FileTooLarge):
        read(data)


def test_rows_beyond_the_limit_are_refused() -> None:
    with pytest.raises(FileTooLarge):
        read(workbook(lambda book: book.add_worksheet().write(files.LINES_MAX, 0, "x")))


def test_a_package_that_unpacks_to_gigabytes_is_refused() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package:
        package.writestr("xl/workbook.xml", "<workbook/>")
        with package.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as member:
            for _ in range(1025):
                member.write(bytes(1024 * 1024))
    with pytest.raises(FileTooLarge):
        read(target.getvalue())


def test_a_zip_that_is_no_workbook_is_refused() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as package:
        package.writestr("cards.txt", "a----b")
    with pytest.raises(FileNotReadable):
        read(target.getvalue())


# Workbooks.


def test_workbook_cells() -> None:
    file = read(
        sheet(
            [
                ["某卡 有效期2028-12-31"],
                [],
                ["序号", "卡号", "卡密", "到期日", "进价"],
                [1, "0012345678", "ABC-1", date(2027, 12, 31), 193],
                [2, 123456789012345, 87654321, 46934, "193.50"],
                [3, "a3", "b3", 20271231, 0.1 + 0.2],
                [4, "a4", "b4", datetime(2027, 12, 31, 23, 59), ""],  # noqa: DTZ001
                [5, "a5", "b5"],
            ]
        )
    )
    assert file.refused == ()
    assert file.cards == (
        CardLine(4, "0012345678", "ABC-1", date(2027, 12, 31), 1_930_000),
        CardLine(5, "123456789012345", "87654321", date(2028, 6, 30), 1_935_000),
        CardLine(6, "a3", "b3", date(2027, 12, 31), 3_000),
        CardLine(7, "a4", "b4", date(2027, 12, 31), None),
        CardLine(8, "a5", "b5", date(2028, 12, 31), None),
    )
    assert [(note.line, note.kind) for note in file.notes] == [(1, "title"), (3, "header")]


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        (6222021234567890123, "digits_lost"),
        (10**15, "digits_lost"),
        (1e300, "digits_lost"),
        (12.5, "not_a_code"),
        (-7, "not_a_code"),
        (True, "not_a_code"),
        (date(2027, 3, 1), "not_a_code"),  # MAR-27, as Excel took it
        ("a\nb", "control_characters"),
        (None, "no_secret"),
    ],
)
def test_bad_workbook_cells(cell: object, reason: str) -> None:
    assert reasons(read(sheet([["卡号", "卡密"], ["a1", cell], ["a2", "b2"]]))) == [(2, reason)]


def test_a_workbook_that_begins_somewhere_keeps_its_row_numbers() -> None:
    file = read(sheet([[], [], [None, None, "卡号", "卡密"], [], [None, None, "a", "b"]]))
    assert file.cards == (CardLine(5, "a", "b", None, None),)


def test_a_workbook_without_a_header() -> None:
    assert read(sheet([["a1", "b1"], ["a2", "b2"]])).cards[1] == CardLine(2, "a2", "b2", None, None)
    assert read(sheet([[1, "b1"], [2, "b2"]])).cards[1] == CardLine(2, "", "b2", None, None)


def test_sheets() -> None:
    def hidden_list(book: xlsxwriter.Workbook) -> None:
        book.add_worksheet().write_row(0, 0, ["a", "b"])
        book.add_worksheet()
        options = book.add_worksheet()
        options.write(0, 0, "选项")
        options.hide()

    assert len(read(workbook(hidden_list)).cards) == 1
    with pytest.raises(SeveralSheets):
        read(workbook(lambda book: [book.add_worksheet().write(0, 0, "a") for _ in range(2)]))
    assert read(workbook(lambda book: book.add_worksheet())) == CardFile((), (), (), "", "xlsx")


def test_a_damaged_workbook_is_refused() -> None:
    data = sheet([["卡号", "卡密"], ["a", "b"]])
    for end in range(0, len(data), 97):
        with pytest.raises(BadInput):
            read(data[:end].ljust(5, b"\x00") if end else b"PK\x03\x04")


CELLS = st.one_of(st.none(), st.text(max_size=8), st.floats(), st.booleans(), st.dates())


@given(st.lists(st.lists(CELLS, max_size=4)))
@settings(max_examples=30, deadline=None)
def test_no_row_of_a_workbook_is_lost(rows: list[list[object]]) -> None:
    def fill(book: xlsxwriter.Workbook) -> None:
        page, day = book.add_worksheet(), book.add_format({"num_format": "yyyy/m/d"})
        for i, row in enumerate(rows):
            for j, cell in enumerate(row):
                if isinstance(cell, str):
                    page.write_string(i, j, cell)
                elif isinstance(cell, date):
                    page.write_datetime(i, j, cell, day)
                elif isinstance(cell, bool):
                    page.write_boolean(i, j, cell)
                elif isinstance(cell, float) and abs(cell) < 1e308:
                    page.write_number(i, j, cell)

    data = workbook(fill)
    try:
        file = read(data)
    except BadInput:
        return
    book = files.open_book(data)
    inked = [
        line
        for line, row in enumerate(book.rows, book.first_line)
        if any(not isinstance(cell, str) or any(map(str.isalnum, cell)) or "\ufffd" in cell for cell in row)
    ]
    assert sorted(item.line for part in (file.cards, file.refused, file.notes) for item in part) == inked


# .xls: no library writes it any more, so here is the least that is one.


def xls(cells: Cells) -> bytes:
    """A compound file with a BIFF8 workbook of one sheet."""

    def record(kind: int, body: bytes) -> bytes:
        return struct.pack("<HH", kind, len(body)) + body

    def cell(row: int, column: int, value: str | float) -> bytes:
        if isinstance(value, float):
            return record(0x0203, struct.pack("<HHHd", row, column, 0, value))
        head = struct.pack("<HHHHB", row, column, 0, len(value), 1)
        return record(0x0204, head + value.encode("utf-16-le"))

    def begin(kind: int) -> bytes:
        return record(0x0809, struct.pack("<HHHHII", 0x0600, kind, 0, 0, 0, 0))

    def globals_(start: int) -> bytes:
        return begin(5) + record(0x85, struct.pack("<IBBBB", start, 0, 0, 1, 0) + b"1") + record(0x0A, b"")

    page = begin(0x10) + b"".join(cell(*place) for place in cells) + record(0x0A, b"")
    stream = globals_(len(globals_(0))) + page
    stream = stream.ljust(max(-(-len(stream) // 512) * 512, 4096), b"\x00")
    count, end, free, table = len(stream) // 512, 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
    chain = [*range(1, count), end, end, table] + [free] * (126 - count)
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack("<HHHHH6x9I", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, count, 0, 4096, end, 0, end, 0)
    header += struct.pack("<109I", count + 1, *[free] * 108)

    def entry(name: str, kind: int, child: int, start: int, length: int) -> bytes:
        text = name.encode("utf-16-le") + b"\x00\x00"
        marks = struct.pack("<HBBIII36xIQ", len(text), kind, 1, free, free, child, start, length)
        return text.ljust(64, b"\x00") + marks

    directory = entry("Root Entry", 5, 1, end, 0) + entry("Workbook", 2, free, 0, len(stream)) + bytes(256)
    return header + stream + directory + struct.pack("<128I", *chain)


def test_old_workbooks() -> None:
    cells: Cells = [
        (0, 0, "某卡"), (1, 0, "卡号"), (1, 1, "卡密"), (1, 2, "到期日"),
        (2, 0, "0012345678"), (2, 1, "ABCDEFG1"), (2, 2, 46934.0), (3, 0, 1.5e18), (3, 1, "X1"),
    ]  # fmt: skip
    file = read(xls(cells), "卡密.xls")
    assert file.format == "xls"
    assert file.cards == (CardLine(3, "0012345678", "ABCDEFG1", date(2028, 6, 30), None),)
    assert reasons(file) == [(4, "digits_lost")]


def test_old_workbooks_that_would_fill_the_memory_are_refused() -> None:
    assert read(xls([(0, 0, "卡密"), (999, 255, "b")])).cards == ()
    with pytest.raises(FileTooLarge):
        read(xls([(0, 0, "a"), (65535, 65535, "b")]))


@given(st.integers(0, 5631), st.binary(min_size=1, max_size=4))
@settings(max_examples=200, deadline=None)
def test_damaged_old_workbooks_are_read_or_refused(at: int, noise: bytes) -> None:
    data = xls([(0, 0, "卡号"), (0, 1, "卡密"), (1, 0, "a"), (1, 1, "b")])
    try:
        read(data[:at] + noise + data[at + len(noise) :])
    except BadInput:
        return
