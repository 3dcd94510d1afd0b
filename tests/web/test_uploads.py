"""Uploaded files are what their bytes say, or refused."""

from __future__ import annotations

import io
import zipfile

import pytest

from kameng.web.errors import BadUpload
from kameng.web.uploads import IMAGES, SHEETS, check_upload, kind_of, plain_name

PNG = b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4, "big") + b"IHDR" + (640).to_bytes(4, "big") + (480).to_bytes(4, "big")
JPEG = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x0b\x08\x01\xe0\x02\x80" + b"\0" * 20
WEBP = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + (639).to_bytes(3, "little") + (479).to_bytes(3, "little")


def workbook(**parts: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("[Content_Types].xml", b"<Types/>")
        package.writestr("xl/workbook.xml", b"<workbook/>")
        for name, content in parts.items():
            package.writestr(name.replace("__", "/").replace("_", "."), content)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.png", PNG, "png"), ("a.JPG", JPEG, "jpeg"), ("a.webp", WEBP, "webp"), ("a.xlsx", workbook(), "xlsx"),
        ("卡密.csv", "号码,卡密\n1,2\n".encode("gb18030"), "text"), ("a.txt", b"one\ntwo\n", "text"),
    ],
)  # fmt: skip
def test_what_is_taken(name: str, content: bytes, kind: str) -> None:
    assert check_upload(name, content, kinds=(*IMAGES, *SHEETS)).kind == kind


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.svg", b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'),
        ("a.png", b'<svg xmlns="http://www.w3.org/2000/svg"/>'), ("a.png", b"<html><script>alert(1)</script></html>"),
        ("a.png", JPEG), ("a.html", PNG), ("a.png.html", PNG), ("a", PNG), ("a.png", b""),
        ("a.exe", b"MZ\x90\x00\x03"), ("a.xlsx", b"PK\x03\x04 and no more"), ("a.txt", b"one\x00two"),
        ("a.gif", b"GIF89a" + b"\x01\x00\x01\x00"),  # not asked for here
        ("a.png", PNG[:16] + (60_000).to_bytes(4, "big") + (60_000).to_bytes(4, "big")),
        ("a.jpg", JPEG[:13] + b"\xff\xff\xff\xff" + JPEG[17:]),
        ("a.png", PNG + b"\0" * (5 * 1024 * 1024)),
        ("a.xlsx", workbook(xl__vbaProject_bin=b"macro")),
    ],
)  # fmt: skip
def test_what_is_refused(name: str, content: bytes) -> None:
    with pytest.raises(BadUpload) as refused:
        check_upload(name, content, kinds=(*IMAGES, *SHEETS), field="picture")
    assert refused.value.field == "picture"
    assert refused.value.detail_zh


def test_a_workbook_that_unpacks_to_gigabytes_is_refused() -> None:
    bomb = workbook(**{f"xl__worksheets__sheet{number}_xml": b"\0" * (64 * 1024 * 1024) for number in range(20)})
    assert len(bomb) < 2 * 1024 * 1024
    with pytest.raises(BadUpload):
        check_upload("a.xlsx", bomb, kinds=SHEETS)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("../../etc/passwd", "passwd"), ("C:\\Users\\a.png", "a.png"), ("a\r\nb.png", "ab.png"), ("..", "file"),
        ("a\u202egnp.exe", "agnp.exe"), ('"><img>.png', "img.png"), ("卡密 10月.xlsx", "卡密 10月.xlsx"), ("", "file"),
    ],
)  # fmt: skip
def test_a_name_is_only_a_name(name: str, plain: str) -> None:
    assert plain_name(name) == plain


def test_nothing_is_known_by_its_name() -> None:
    assert kind_of(b"\x00\x01\x02") is None
