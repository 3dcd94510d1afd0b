"""Reading a catalogue file: bytes in, rows and refused lines out. Writes nothing."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from kameng.catalogue.checking import INSTRUCTIONS_CHARS_MAX, TEXT_CHARS_MAX, barcode_is_right
from kameng.catalogue.errors import CatalogueNotReadable, UnknownForm
from kameng.catalogue.forms import asks_for_address, form_named
from kameng.catalogue.model import KINDS
from kameng.kit import money
from kameng.kit.errors import Refusal

RowReason = Literal[
    "fields_shifted", "missing", "too_long", "unreadable",
    "unknown_kind", "bad_amount", "bad_value", "unknown_form", "no_address", "duplicate",
]  # fmt: skip


class CatalogueRow(msgspec.Struct, frozen=True):
    """One SKU as the file has it; ``face_currency`` is taken from the product's name (港服HKD, 日服JPY)."""

    line: int
    scene: str
    brand: str
    product: str
    spec: str
    kind: str
    face_value_e4: int
    cost_e4: int
    list_price_e4: int
    form: str
    region: str
    note: str
    face_currency: str = "CNY"
    more: dict[str, Any] = {}
    """What its further columns say, by the SKU's own names. Columns that the file has not leave a SKU as it is."""


class RefusedRow(msgspec.Struct, frozen=True):
    line: int
    reason: RowReason
    message: str
    message_zh: str
    column: str = ""


class CatalogueFile(msgspec.Struct, frozen=True):
    rows: tuple[CatalogueRow, ...]
    refused: tuple[RefusedRow, ...]
    encoding: str


COLUMNS = {
    "场景": "scene",
    "品牌": "brand",
    "商品": "product",
    "规格": "spec",
    "类型": "kind",
    "面值": "face_value_e4",
    "成本": "cost_e4",
    "标价": "list_price_e4",
    "下单表单": "form",
    "地区": "region",
    "备注": "note",
}
MORE_COLUMNS = {
    "最低限价": "floor_e4",
    "最高限价": "ceiling_e4",
    "允许亏本": "below_cost_allowed",
    "最小数量": "quantity_min",
    "最大数量": "quantity_max",
    "数量步长": "quantity_step",
    "可退款": "refundable",
    "可撤销": "reversible",
    "承诺交付分钟": "delivery_promise_minutes",
    "兑换说明": "redeem_instructions",
    "条码": "barcode",
    "外部编码": "external_ref",
    "可自选": "pickable",
    "自选加价": "pick_fee_e4",
}
"""Columns that a file may have besides. An empty cell takes away what the SKU had."""
NEEDED = ("scene", "brand", "product", "spec", "kind", "face_value_e4", "cost_e4", "list_price_e4")
AMOUNTS = ("face_value_e4", "cost_e4", "list_price_e4")

_CURRENCY = re.compile(r"[(（][^()（）]*?(HKD|JPY|USD|EUR|GBP|TWD|KRW|MOP|SGD)[^()（）]*[)）]")
_TITLES = {name: title for title, name in (COLUMNS | MORE_COLUMNS).items()}


def read_catalogue(data: bytes) -> CatalogueFile:
    """Every row of the file, read or refused; columns are found by their titles, in any order."""
    encoding, text = _decode(data)
    lines = re.split(r"\r\n|\n|\r", text)
    records = csv.reader(lines, strict=True)
    rows: list[CatalogueRow] = []
    refused: list[RefusedRow] = []
    seen: dict[tuple[str, str, str], int] = {}
    try:
        names = _header(next(records, []))
        for record in records:
            cells = [cell.strip() for cell in record]
            if not any(cells):
                continue
            row = _row(records.line_num, names, cells)
            if isinstance(row, CatalogueRow):
                first = seen.setdefault((row.brand, row.product, row.spec), row.line)
                if first == row.line:
                    rows.append(row)
                    continue
                en, zh = f"the same SKU stands in line {first}", f"与第{first}行重复"
                row = _refuse(row.line, "duplicate", en, zh)
            refused.append(row)
    except csv.Error as error:
        en, zh = f"line {records.line_num}: {error}", f"第{records.line_num}行不是有效的 CSV"
        raise CatalogueNotReadable(en, field="file", detail_zh=zh) from None
    return CatalogueFile(tuple(rows), tuple(refused), encoding)


def _decode(data: bytes) -> tuple[str, str]:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return encoding.removesuffix("-sig"), text
    raise CatalogueNotReadable(field="file")


def _header(cells: list[str]) -> list[str]:
    """Our name of each column; ``""`` for columns that we don't know."""
    names = [(COLUMNS | MORE_COLUMNS).get(cell.strip(), "") for cell in cells]
    asked = [*NEEDED, *(name for name in MORE_COLUMNS.values() if name in names)]
    missing = "、".join(_TITLES[name] for name in asked if names.count(name) != 1)
    if missing:
        detail = f"the header row must name each of these columns once: {missing}"
        raise CatalogueNotReadable(detail, field="file", detail_zh=f"表头必须各有一列：{missing}")
    return names


def _row(line: int, names: list[str], cells: list[str]) -> CatalogueRow | RefusedRow:
    cells = cells + [""] * (len(names) - len(cells))
    if any(cells[len(names) :]):  # a comma inside a name has moved the columns
        en = f"the row has {len(cells)} columns, the header has {len(names)}"
        return _refuse(line, "fields_shifted", en, f"本行有{len(cells)}列，表头有{len(names)}列")
    texts = {name: cell for name, cell in zip(names, cells, strict=False) if name}
    fault = _fault_of_text(line, texts)
    if fault is not None:
        return fault
    amounts: dict[str, int] = {}
    for name in AMOUNTS:
        try:
            amounts[name] = money.parse_e4(texts[name])
        except ValueError:
            return _refuse(line, "bad_amount", "not an amount with at most four decimals", "金额不正确", name)
    if amounts["list_price_e4"] == 0:
        en = "the list price must be above zero"
        return _refuse(line, "bad_amount", en, "标价必须大于零", "list_price_e4")
    more: dict[str, Any] = {}
    for name in texts.keys() & _READERS.keys():
        reader, en, zh = _READERS[name]
        try:
            more[name] = reader(texts[name])
        except ValueError:
            return _refuse(line, "bad_amount" if reader in (_amount, _amount_or_zero) else "bad_value", en, zh, name)
    return CatalogueRow(
        line, texts["scene"], texts["brand"], texts["product"], texts["spec"], texts["kind"],
        amounts["face_value_e4"], amounts["cost_e4"], amounts["list_price_e4"], texts.get("form", ""),
        texts.get("region", "") or "全国", texts.get("note", ""), currency_of(texts["product"]), more,
    )  # fmt: skip


def _fault_of_text(line: int, texts: dict[str, str]) -> RefusedRow | None:
    for name, text in texts.items():
        if not text and name in NEEDED:
            return _refuse(line, "missing", "a needed column is empty", "必填列为空", name)
        chars_max = INSTRUCTIONS_CHARS_MAX if name == "redeem_instructions" else TEXT_CHARS_MAX
        if len(text) > chars_max:
            return _refuse(line, "too_long", f"longer than {chars_max} characters", "内容过长", name)
        if "\ufffd" in text or not text.isprintable():
            return _refuse(line, "unreadable", "unreadable characters", "含有无法识别的字符", name)
    if texts["kind"] not in KINDS:
        en = f"the kind must be one of {', '.join(KINDS)}"
        return _refuse(line, "unknown_kind", en, "类型不认识", "kind")
    form = texts.get("form", "")
    try:
        form_named(form)
    except UnknownForm as error:
        return _refuse(line, "unknown_form", error.detail, error.detail_zh, "form")
    if texts["kind"] == "parcel" and not asks_for_address(form):
        en = "a parcel asks for an `address`"
        return _refuse(line, "no_address", en, "实物商品须收集收货地址（address）", "form")
    return None


# What further columns hold; empty: nothing of it, or as it is for most.


def _amount(text: str) -> int | None:
    return money.parse_e4(text) if text else None


def _amount_or_zero(text: str) -> int:
    return _amount(text) or 0


def _count_or(empty: int | None) -> Callable[[str], int | None]:
    def read(text: str) -> int | None:
        if text and not (text.isascii() and text.isdecimal() and len(text) <= 9):
            raise ValueError
        return int(text) if text else empty

    return read


def _choice(text: str) -> bool:
    if text in ("是", "yes", "1"):
        return True
    if text in ("否", "no", "0", ""):
        return False
    raise ValueError


def _barcode(text: str) -> str:
    if text and not barcode_is_right(text):
        raise ValueError
    return text


_NO_AMOUNT = ("not an amount with at most four decimals", "金额不正确")
_NO_COUNT = ("not a whole number", "不是整数")
_NO_CHOICE = ("是 (yes) or 否 (no)", "应为“是”或“否”")
_READERS: dict[str, tuple[Callable[[str], Any], str, str]] = {
    "floor_e4": (_amount, *_NO_AMOUNT),
    "ceiling_e4": (_amount, *_NO_AMOUNT),
    "below_cost_allowed": (_choice, *_NO_CHOICE),
    "quantity_min": (_count_or(1), *_NO_COUNT),
    "quantity_max": (_count_or(100), *_NO_COUNT),
    "quantity_step": (_count_or(1), *_NO_COUNT),
    "refundable": (_choice, *_NO_CHOICE),
    "reversible": (_choice, *_NO_CHOICE),
    "delivery_promise_minutes": (_count_or(None), *_NO_COUNT),
    "redeem_instructions": (str, "", ""),
    "barcode": (_barcode, "an EAN, UPC or GTIN with its check digit", "应为含校验位的 EAN、UPC 或 GTIN"),
    "external_ref": (str, "", ""),
    "pickable": (_choice, *_NO_CHOICE),
    "pick_fee_e4": (_amount_or_zero, *_NO_AMOUNT),
}


def currency_of(product: str) -> str:
    """The currency of the face value: ``…充值卡(港服HKD)`` → HKD; CNY if the name says nothing."""
    match = _CURRENCY.search(product)
    return match[1] if match else "CNY"


def refused_by(row: CatalogueRow, refusal: Refusal) -> RefusedRow:
    """The line that says why its SKU can't be as the row wishes, beside what it is already."""
    return RefusedRow(row.line, "bad_value", refusal.detail or refusal.en(), refusal.detail_zh or refusal.zh)


def _refuse(line: int, reason: RowReason, en: str, zh: str, column: str = "") -> RefusedRow:
    title = _TITLES.get(column, "")
    message, message_zh = (f"{title}: {en}", f"{title}：{zh}") if title else (en, zh)
    return RefusedRow(line, reason, message, message_zh, title)
