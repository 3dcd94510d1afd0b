"""Reading a catalogue file: bytes in, rows and refused lines out. Writes nothing."""

from __future__ import annotations

import csv
import re
from typing import Literal

import msgspec

from kameng.catalogue.errors import CatalogueNotReadable, UnknownForm
from kameng.catalogue.forms import form_named
from kameng.catalogue.model import KINDS
from kameng.kit import money

RowReason = Literal[
    "fields_shifted", "missing", "too_long", "unreadable",
    "unknown_kind", "bad_amount", "unknown_form", "duplicate",
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
NEEDED = ("scene", "brand", "product", "spec", "kind", "face_value_e4", "cost_e4", "list_price_e4")
AMOUNTS = ("face_value_e4", "cost_e4", "list_price_e4")
TEXT_LENGTH_MAX = 200

_CURRENCY = re.compile(r"[(（][^()（）]*?(HKD|JPY|USD|EUR|GBP|TWD|KRW|MOP|SGD)[^()（）]*[)）]")
_TITLES = {name: title for title, name in COLUMNS.items()}


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
    names = [COLUMNS.get(cell.strip(), "") for cell in cells]
    missing = "、".join(_TITLES[name] for name in NEEDED if names.count(name) != 1)
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
    for name, text in texts.items():
        if not text and name in NEEDED:
            return _refuse(line, "missing", "a needed column is empty", "必填列为空", name)
        if len(text) > TEXT_LENGTH_MAX:
            return _refuse(line, "too_long", f"longer than {TEXT_LENGTH_MAX} characters", "内容过长", name)
        if "\ufffd" in text or not text.isprintable():
            return _refuse(line, "unreadable", "unreadable characters", "含有无法识别的字符", name)
    if texts["kind"] not in KINDS:
        en = f"the kind must be one of {', '.join(KINDS)}"
        return _refuse(line, "unknown_kind", en, "类型不认识", "kind")
    amounts: dict[str, int] = {}
    for name in AMOUNTS:
        try:
            amounts[name] = money.parse_e4(texts[name])
        except ValueError:
            return _refuse(line, "bad_amount", "not an amount with at most four decimals", "金额不正确", name)
    if amounts["list_price_e4"] == 0:
        en = "the list price must be above zero"
        return _refuse(line, "bad_amount", en, "标价必须大于零", "list_price_e4")
    form = texts.get("form", "")
    try:
        form_named(form)
    except UnknownForm as error:
        return _refuse(line, "unknown_form", error.detail, error.detail_zh, "form")
    return CatalogueRow(
        line, texts["scene"], texts["brand"], texts["product"], texts["spec"], texts["kind"],
        amounts["face_value_e4"], amounts["cost_e4"], amounts["list_price_e4"], form,
        texts.get("region", "") or "全国", texts.get("note", ""), currency_of(texts["product"]),
    )  # fmt: skip


def currency_of(product: str) -> str:
    """The currency of the face value: ``…充值卡(港服HKD)`` → HKD; CNY if the name says nothing."""
    match = _CURRENCY.search(product)
    return match[1] if match else "CNY"


def _refuse(line: int, reason: RowReason, en: str, zh: str, column: str = "") -> RefusedRow:
    title = _TITLES.get(column, "")
    message, message_zh = (f"{title}: {en}", f"{title}：{zh}") if title else (en, zh)
    return RefusedRow(line, reason, message, message_zh, title)
