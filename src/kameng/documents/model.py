"""The words of documents: what one is, the states of its review, what can't be one. Pure."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

import msgspec

from kameng.documents.errors import BadDocument
from kameng.kit import contents, ids

FILE_BYTES_MAX = 5 * 1024 * 1024
FILE_NAME_CHARS_MAX = 100
NUMBER_CHARS_MAX = 64
ISSUER_CHARS_MAX = 100
REASON_CHARS_MAX = 500
SCOPE_MAX = 20
SCOPE_CHARS_MAX = 40
REMIND_DAYS = (30, 7, 1, 0)
"""How many days before its last one an accepted document is spoken of; 0: it is over."""

KINDS_ZH = {
    "business_licence": "营业执照",
    "permit": "经营许可证",
    "brand_authorisation": "品牌授权书",
    "tax": "税务登记",
    "other": "其他证照",
}
KINDS = tuple(KINDS_ZH)
ENDINGS = {"pdf": ".pdf", "png": ".png", "jpeg": ".jpg"}
"""What is taken, and what its name ends in."""


class State(StrEnum):
    arriving = "arriving"  # its file is not all there yet
    waiting = "waiting"
    accepted = "accepted"
    refused = "refused"
    withdrawn = "withdrawn"  # by whoever handed it in


class Draft(msgspec.Struct, frozen=True):
    """What somebody says of a document that he hands in."""

    kind: str
    number: str
    issuer: str
    valid_from: date
    valid_until: date | None  # its last day; None: it does not end
    scope: tuple[str, ...] = ()  # brands that it is about; none: the business as a whole


class Document(msgspec.Struct, frozen=True):
    """A document as it stands, without its file."""

    document_id: int
    org_id: int
    kind: str
    number: str
    issuer: str
    scope: tuple[str, ...]
    valid_from: date
    valid_until: date | None
    file_name: str
    media_type: str
    file_bytes: int
    state: State
    reason: str  # why it was refused
    submitted_by: int
    submitted_at: datetime
    reviewed_by: int | None
    reviewed_at: datetime | None

    @property
    def lane(self) -> int:
        return ids.lane_of(self.document_id)

    def days_left(self, today: date) -> int | None:
        """Full days after today on which it is good; below 0 it is over; None: it does not end."""
        return None if self.valid_until is None else (self.valid_until - today).days

    def is_good_on(self, day: date) -> bool:
        """Whether somebody may rely on it that day."""
        ends = self.valid_until is None or day <= self.valid_until
        return self.state is State.accepted and self.valid_from <= day and ends


class File(msgspec.Struct, frozen=True):
    """What was handed in; ``repr`` shows nothing of it."""

    name: str
    media_type: str
    content: bytes

    def __repr__(self) -> str:
        return f"File({self.media_type}, {len(self.content)} bytes)"


def check(draft: Draft, content: bytes, today: date) -> None:
    """``BadDocument`` with the first field that can't be."""
    if draft.kind not in KINDS:
        raise BadDocument(f"kind: one of {', '.join(KINDS)}", field="kind", detail_zh="请选择证照类型")
    for field, label, most in (("number", "证照编号", NUMBER_CHARS_MAX), ("issuer", "发证机构", ISSUER_CHARS_MAX)):
        _check_text(getattr(draft, field), most, field, label)
    if len(draft.scope) > SCOPE_MAX:
        raise BadDocument(
            f"scope: at most {SCOPE_MAX} brands", field="scope", detail_zh=f"授权范围：最多 {SCOPE_MAX} 个品牌"
        )
    for brand in draft.scope:
        _check_text(brand, SCOPE_CHARS_MAX, "scope", "授权范围")
    if draft.kind == "brand_authorisation" and not draft.scope:
        raise BadDocument("scope: at least one brand", field="scope", detail_zh="品牌授权书须填写授权品牌")
    if draft.valid_until is not None and draft.valid_until < max(draft.valid_from, today):
        raise BadDocument(
            "valid_until: not before today, nor before its first day", field="valid_until",
            detail_zh="有效期至：不得早于今天，也不得早于生效日期",
        )  # fmt: skip
    if len(content) > FILE_BYTES_MAX or not media_type_of(content):
        raise BadDocument(
            f"file: PDF, PNG or JPEG of at most {FILE_BYTES_MAX >> 20} MiB", field="file",
            detail_zh=f"文件须为 PDF、PNG 或 JPEG，不超过 {FILE_BYTES_MAX >> 20} MiB",
        )  # fmt: skip


def check_reason(reason: str) -> None:
    _check_text(reason, REASON_CHARS_MAX, "reason", "原因")


def media_type_of(content: bytes) -> str:
    """What a file is by its first bytes, whatever it is called; empty if it is none that is taken."""
    return contents.media_type_of(content, tuple(ENDINGS))


def file_name_of(name: str, media_type: str) -> str:
    """A name that is safe to say again: no folder, nothing unprintable, and the ending of what the file is."""
    ending = next(ending for kind, ending in ENDINGS.items() if contents.MEDIA_TYPES[kind] == media_type)
    last = name.replace("\\", "/").rpartition("/")[2]
    stem = last.rpartition(".")[0] or last
    shown = "".join(char for char in stem if char.isprintable() and char not in '"<>|:*?;').strip(" .")
    return f"{shown[: FILE_NAME_CHARS_MAX - len(ending)] or 'document'}{ending}"


def due_reminder(days_left: int, reminded_days: int | None) -> int | None:
    """Which of ``REMIND_DAYS`` its owner is to be told now; None: he knows."""
    reached = [days for days in REMIND_DAYS if (days_left <= days if days else days_left < 0)]
    if not reached or (reminded_days is not None and reminded_days <= min(reached)):
        return None
    return min(reached)


def _check_text(text: str, most: int, field: str, label: str) -> None:
    if not (len(text.strip()) >= 1 and len(text) <= most and text.replace("\n", " ").isprintable()):
        raise BadDocument(
            f"{field}: 1 to {most} printable characters", field=field,
            detail_zh=f"{label}：应为 1 至 {most} 个可见字符",
        )  # fmt: skip
