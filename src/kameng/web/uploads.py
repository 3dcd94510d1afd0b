"""Uploaded files: what one is, by its bytes; how large it may be; how it is called. Whatever else is refused.

A file is taken as what its first bytes say, never as what its name or the browser says, and the name's ending must
agree. SVG is refused: it can run scripts. A workbook is a package: its unpacked size is measured before anybody opens
it.
"""

from __future__ import annotations

import io
import re
import unicodedata
import zipfile
from typing import Any, Literal, cast

import msgspec

from kameng import stock
from kameng.kit import contents
from kameng.web.errors import BadUpload

Kind = Literal["png", "jpeg", "webp", "gif", "pdf", "xlsx", "text"]
IMAGES: tuple[Kind, ...] = ("png", "jpeg", "webp")
SHEETS: tuple[Kind, ...] = ("xlsx", "text")

MEGABYTE = 1024 * 1024
SIZES_MAX: dict[Kind, int] = {
    "png": 5 * MEGABYTE, "jpeg": 5 * MEGABYTE, "webp": 5 * MEGABYTE, "gif": 2 * MEGABYTE, "pdf": 10 * MEGABYTE,
    "xlsx": 10 * MEGABYTE, "text": 10 * MEGABYTE,
}  # fmt: skip
MEDIA_TYPES: dict[Kind, str] = {
    "png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp", "gif": "image/gif", "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "text": "text/plain",
}  # fmt: skip
ENDINGS: dict[Kind, tuple[str, ...]] = {
    "png": ("png",), "jpeg": ("jpg", "jpeg"), "webp": ("webp",), "gif": ("gif",), "pdf": ("pdf",), "xlsx": ("xlsx",),
    "text": ("txt", "csv"),
}  # fmt: skip
PARTS_MAX = 2000
SIDE_MAX = 10_000
"""Pixels of a picture's longer side; whoever shows it unpacks it."""
NAME_CHARS_MAX = 100
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


class Upload(msgspec.Struct, frozen=True):
    """A file that was looked at. ``name``: as it may be shown, without a path; never where it is kept."""

    name: str
    kind: Kind
    content: bytes

    @property
    def media_type(self) -> str:
        return MEDIA_TYPES[self.kind]


def check_upload(name: str, content: bytes, *, kinds: tuple[Kind, ...], field: str = "file") -> Upload:
    """What was sent, if it is one of ``kinds`` and harmless as far as bytes tell; ``BadUpload``."""
    shown = plain_name(name)
    if not content:
        raise BadUpload("the file is empty", field=field, detail_zh="文件为空")
    kind = kind_of(content)
    if kind is None or kind not in kinds:
        endings = ", ".join(ending for one in kinds for ending in ENDINGS[one])
        raise BadUpload(f"one of these, please: {endings}", field=field, detail_zh=f"仅支持以下格式：{endings}")
    if len(content) > SIZES_MAX[kind]:
        most = SIZES_MAX[kind] // MEGABYTE
        raise BadUpload(f"at most {most} MB", field=field, detail_zh=f"文件不能超过 {most} MB")
    if shown.rpartition(".")[2].lower() not in ENDINGS[kind]:
        raise BadUpload(
            f"its name should end in .{ENDINGS[kind][0]}", field=field,
            detail_zh=f"扩展名与内容不符，应为 .{ENDINGS[kind][0]}",
        )  # fmt: skip
    if kind == "xlsx":
        _measure(content, field)
    elif kind in ("png", "jpeg", "webp", "gif") and max(_sides(kind, content)) > SIDE_MAX:
        raise BadUpload(f"at most {SIDE_MAX} pixels a side", field=field, detail_zh=f"图片边长不能超过 {SIDE_MAX} 像素")
    return Upload(shown, kind, content)


async def read_upload(sent: Any, *, kinds: tuple[Kind, ...], field: str = "file") -> Upload:
    """A file of a form, as Litestar has it; no more of it is read than may be taken."""
    if not hasattr(sent, "filename"):
        raise BadUpload("choose a file", field=field, detail_zh="请选择文件")
    content = await sent.read(max(SIZES_MAX[kind] for kind in kinds) + 1)
    return check_upload(sent.filename, content, kinds=kinds, field=field)


def kind_of(content: bytes) -> Kind | None:
    """By the first bytes; None: nothing we take."""
    if known := contents.kind_of(content):
        return cast(Kind, known)
    if content.startswith(b"PK\x03\x04"):
        return "xlsx" if b"xl/workbook.xml" in content else None
    return "text" if _is_text(content) else None


def plain_name(name: str) -> str:
    """The last part of a name, with nothing in it that could be a path, a header or an invisible turn of writing."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFKC", name))[-1]
    shown = "".join(char for char in last if char.isprintable() and char not in '<>:"|?*').strip(". ")
    return shown[-NAME_CHARS_MAX:] or "file"


def _is_text(content: bytes) -> bool:
    """UTF-8, or GB 18030 as Excel in China saves it; no markup that a browser would run."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return not _CONTROL.search(text) and not text.lstrip().startswith("<")
    return False


def _measure(content: bytes, field: str) -> None:
    """A workbook without a password and without macros, whose unpacked size can be held."""
    try:
        stock.check_xlsx(content)
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            parts = package.infolist()
    except stock.FileTooLarge:
        raise BadUpload("it is too large unpacked", field=field, detail_zh="解压后过大") from None
    except (stock.FileNotReadable, zipfile.BadZipFile):
        raise BadUpload("this is no workbook", field=field, detail_zh="不是有效的 Excel 工作簿") from None
    if len(parts) > PARTS_MAX or any("vbaproject" in part.filename.lower() for part in parts):
        raise BadUpload("no macros, please", field=field, detail_zh="不支持含宏的工作簿")


def _sides(kind: Kind, content: bytes) -> tuple[int, int]:
    """Width and height, as the picture's own head has them; ``(0, 0)`` where it has none."""
    if kind == "png":
        return int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
    if kind == "gif":
        return int.from_bytes(content[6:8], "little"), int.from_bytes(content[8:10], "little")
    if kind == "webp":
        return _webp_sides(content)
    at = 2
    while at + 9 <= len(content) and content[at] == 0xFF:
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(content[at + 7 : at + 9], "big"), int.from_bytes(content[at + 5 : at + 7], "big")
        at += 2 + max(length, 2)
    return 0, 0


def _webp_sides(content: bytes) -> tuple[int, int]:
    kind = content[12:16]
    if kind == b"VP8X":
        return int.from_bytes(content[24:27], "little") + 1, int.from_bytes(content[27:30], "little") + 1
    if kind == b"VP8L":
        packed = int.from_bytes(content[21:25], "little")
        return (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    return int.from_bytes(content[26:28], "little") & 0x3FFF, int.from_bytes(content[28:30], "little") & 0x3FFF
