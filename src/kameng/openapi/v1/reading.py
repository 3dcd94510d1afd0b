"""Reading what came in: query strings, bodies and cursors into typed values, or the refusal that names the field."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from urllib.parse import parse_qsl

import msgspec

from kameng.fulfilment import Place
from kameng.kit import ids
from kameng.kit.errors import Refusal
from kameng.openapi.errors import BadRequest

T = TypeVar("T")
PARAMETERS_MAX = 20


def query_of(query: bytes, kind: type[T]) -> T:
    """The query string as a Struct; a parameter that is unknown, repeated or malformed is refused."""
    try:
        pairs = parse_qsl(
            query.decode(), keep_blank_values=True, errors="strict", max_num_fields=PARAMETERS_MAX
        )
    except ValueError:  # bad UTF-8 too
        raise BadRequest("the query string can't be read", detail_zh="查询串无法解析") from None
    sent = dict(pairs)
    if len(sent) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)[:40]
        raise BadRequest("given twice", field=twice, detail_zh="参数重复")
    try:
        return msgspec.convert(sent, kind, strict=False)
    except msgspec.ValidationError as error:
        raise fault_of(error) from None


def body_of(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise fault_of(error) from None


def fault_of(error: Exception) -> BadRequest:
    """msgspec's complaint as a refusal that names the field."""
    text = str(error)
    said, _, place = text.partition(" - at `$")
    field = place.strip("`.")
    for phrase in ("missing required field `", "unknown field `"):
        if phrase in said:
            name = said.partition(phrase)[2].partition("`")[0]
            field = f"{field}.{name}" if field else name
    return BadRequest(said[:200], field=field[:80], detail_zh="请检查该字段的类型、长度与取值范围")


def id_of(text: str, otherwise: type[Refusal]) -> int:
    """The id in a path; what is none names nothing that is there."""
    try:
        return ids.parse(text)
    except ValueError:
        raise otherwise from None


def cursor_of(any_id: int) -> str:
    """The opaque text that stands for "what comes after this id"."""
    return base64.urlsafe_b64encode(any_id.to_bytes(8, "big")).rstrip(b"=").decode()


def first_page(found: Sequence[T], limit: int, id_of_row: Callable[[T], int]) -> tuple[Sequence[T], str | None]:
    """Of what was read with one row too many: a page, and the cursor of the next, None on the last."""
    page = found[:limit]
    return page, cursor_of(id_of_row(page[-1])) if len(found) > limit else None


def parse_cursor(text: str) -> int:
    try:
        packed = base64.b64decode(text + "=", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        packed = b""
    any_id = int.from_bytes(packed, "big")
    if len(packed) != 8 or not 0 < any_id < 1 << 63 or cursor_of(any_id) != text:
        raise BadRequest(
            "not a cursor of ours", field="cursor", detail_zh="cursor 无效，请使用上一页返回的 next_cursor"
        )
    return any_id


def place_of(place: tuple[int, int]) -> str:
    """The opaque text that stands for a place in a feed of directories: the epoch and the id of a change."""
    epoch, any_id = place
    packed = (epoch + 1).to_bytes(8, "big") + any_id.to_bytes(8, "big")
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def parse_place(text: str) -> tuple[int, int]:
    try:
        packed = base64.b64decode(text + "==", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        packed = b""
    place = int.from_bytes(packed[:8], "big") - 1, int.from_bytes(packed[8:], "big")
    if len(packed) != 16 or max(place) >= (1 << 63) - 1 or place_of(place) != text:
        raise BadRequest(
            "not a place of ours", field="after", detail_zh="after 无效，请使用上一次返回的 next_after"
        )
    return place


def task_cursor(place: Place) -> str:
    """The opaque text that stands for a place among tasks: when one is due, its order, its part."""
    packed = _microseconds(place.due_at).to_bytes(8, "big") + place.order_id.to_bytes(8, "big")
    return base64.urlsafe_b64encode(packed + place.part_no.to_bytes(2, "big")).decode()


def parse_task_cursor(text: str) -> Place:
    try:
        packed = base64.b64decode(text, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        packed = b""
    numbers = [int.from_bytes(packed[start:end], "big") for start, end in ((0, 8), (8, 16), (16, 18))]
    if len(packed) != 18 or numbers[0] > _DUE_US_MAX or numbers[1] >= 1 << 63 or numbers[2] >= 1 << 15:
        raise BadRequest(
            "not a cursor of ours", field="cursor", detail_zh="cursor 无效，请使用上一页返回的 next_cursor"
        )
    return Place(_EPOCH + timedelta(microseconds=numbers[0]), numbers[1], numbers[2])


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DUE_US_MAX = 253_402_300_799_999_999
"""The last microsecond of the year 9999."""


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def parse_ids(text: str, *, field: str, count_max: int) -> list[int]:
    """``"1,2,3"`` → [1, 2, 3], each once, in the order given."""
    parts = text.split(",")
    if len(parts) > count_max:
        raise BadRequest(f"at most {count_max}", field=field, detail_zh=f"最多 {count_max} 个")
    try:
        return list(dict.fromkeys(ids.parse(part) for part in parts))
    except ValueError:
        raise BadRequest(
            "decimal ids with commas between them", field=field, detail_zh="须为逗号分隔的数字编号"
        ) from None
