"""From a spreadsheet of orders, as people send it, to orders for the API. Needs python-calamine only.

Titles above the header, totals below the rows, phone numbers as text, as numbers, with blanks and with +86,
amounts as 50 and as ¥50.00, quantities typed with a Chinese input method, and goods by the names that people
use: all of that is read. What can't be read is a bad row with its reason; the other rows go on.

    orders, bad = read_orders(open("orders.xlsx", "rb").read(), catalogue)

``catalogue`` is the list that GET /api/v1/catalogue answers; ``order.body`` goes to POST /api/v1/orders.
"""

from __future__ import annotations

import io
import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from python_calamine import CalamineWorkbook

COLUMNS = {
    "store": ("门店", "店铺", "店号", "store"),
    "name": ("姓名", "员工", "会员", "name"),
    "account": ("手机号", "手机号码", "手机", "充值账号", "充值号码", "账号", "QQ号", "phone", "account"),
    "product": ("充值项目", "商品", "商品名称", "产品", "项目", "product"),
    "amount": ("金额", "面值", "充值金额", "amount"),
    "quantity": ("数量", "件数", "quantity"),
    "note": ("备注", "说明", "note"),
    "client_ref": ("外部单号", "单号", "订单号", "商户单号", "client_ref"),
}
NEEDED = ("product", "amount", "client_ref")
TOTALS = ("合计", "总计", "小计", "共计")


@dataclass(frozen=True)
class OrderRow:
    line: int
    body: dict[str, Any]
    store: str
    name: str
    note: str
    repeats_line: int = 0
    """The line above that has the same external number, 0 if none. This one is sent all the same: if it is
    the same order, the server answers with the first; if another, it refuses. Nothing is charged twice."""


@dataclass(frozen=True)
class BadRow:
    line: int
    field: str
    reason: str
    reason_zh: str


class RowError(Exception):
    """What is wrong with a row: field, reason, reason in Chinese."""


def read_orders(data: bytes, catalogue: list[dict[str, Any]]) -> tuple[list[OrderRow], list[BadRow]]:
    """The orders of the first sheet, and the rows that are none; ``line`` is the row's number there."""
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0)
    rows = [list(row) for row in sheet.to_python(skip_empty_area=False)]
    header_index, columns = find_header(rows)
    orders: list[OrderRow] = []
    bad: list[BadRow] = []
    first_lines: dict[str, int] = {}
    for line, row in enumerate(rows[header_index + 1 :], header_index + 2):
        cells = {title: row[i] for title, i in columns.items() if i < len(row) and text(row[i])}
        if not cells or is_total(cells):
            continue
        try:
            body = body_of(cells, catalogue)
        except RowError as fault:
            bad.append(BadRow(line, *fault.args))
            continue
        first = first_lines.setdefault(body["client_ref"], line)
        store, name, note = (text(cells.get(column, "")) for column in ("store", "name", "note"))
        orders.append(OrderRow(line, body, store, name, note, first if first != line else 0))
    return orders, bad


def find_header(rows: list[list[Any]]) -> tuple[int, dict[str, int]]:
    """The header's index, and where each column is: ours by our name, others by their title."""
    for index, row in enumerate(rows):
        titles = {re.sub(r"[(].*?[)]", "", text(cell)): i for i, cell in enumerate(row) if text(cell)}
        columns = {
            column: titles[title]
            for column, names in COLUMNS.items()
            for title in reversed(names)
            if title in titles
        }
        if all(column in columns for column in NEEDED):
            return index, titles | columns
    raise ValueError("no header row names goods, amount and external number (充值项目、金额、外部单号)")


def is_total(cells: dict[str, Any]) -> bool:
    return "client_ref" not in cells and any(text(cell).startswith(TOTALS) for cell in cells.values())


def body_of(cells: dict[str, Any], catalogue: list[dict[str, Any]]) -> dict[str, Any]:
    """The body of one order; RowError at the first thing that is wrong."""
    client_ref = text(cells.get("client_ref", ""))
    if not re.fullmatch(r"\S{1,64}", client_ref):
        reason = "an external number of 1 to 64 characters is needed"
        raise RowError("client_ref", reason, "外部单号须为 1 至 64 个字符")
    sku = find_sku(text(cells.get("product", "")), amount_of(cells.get("amount", "")), catalogue)
    body = {"client_ref": client_ref, "sku": sku["sku"], "quantity": quantity_of(cells.get("quantity", 1))}
    account = account_of(cells, sku)
    return body | {"account": account} if account else body


# Cells.


def text(cell: object) -> str:
    """A cell as text: half-width, without blanks around it, whole numbers without ``.0``."""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return unicodedata.normalize("NFKC", str(cell)).strip()


def amount_of(cell: object) -> Decimal:
    """50.0, ``¥50.00``, ``50元`` and ``１，０００`` are amounts."""
    try:
        amount = Decimal(text(cell).lstrip("¥").removesuffix("元").replace(",", "").strip())
    except InvalidOperation:
        amount = Decimal(0)
    if not (amount.is_finite() and amount > 0):
        raise RowError("amount", "not an amount", "金额不正确")
    return amount


def quantity_of(cell: object) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,5}", text(cell)):
        raise RowError("quantity", "the quantity must be a whole number from 1 on", "数量须为正整数")
    return int(text(cell))


def account_of(cells: dict[str, Any], sku: dict[str, Any]) -> dict[str, str]:
    """What the goods' form asks for. Card keys ask for nothing; the phone number is the merchant's affair."""
    account = {}
    for field in sku.get("form") or []:
        name, label = (field["name"], field.get("label", "")) if isinstance(field, dict) else (field, "")
        if name in ("phone", "qq"):
            # The chain's sheet has one column for whatever is to be topped up.
            account[name] = digits_of(cells.get("account", cells.get(label, "")))
        elif text(cells.get(label, "")):
            account[name] = text(cells[label])
        else:
            title = label or name
            raise RowError(name, f"the goods also need a column {title}", f"该商品还需要填写“{title}”一列")
    return account


def digits_of(cell: object) -> str:
    """``+86-139 8528 3077`` and 13985283077.0 → ``13985283077``. Whether it is real, the server says."""
    digits = re.sub(r"[\s\-()]", "", text(cell))
    digits = re.sub(r"^(\+|00)?86(?=[0-9]{11}$)", "", digits)
    if not re.fullmatch(r"[0-9]{11}", digits):
        count = len(re.sub(r"[^0-9]", "", digits))
        reason = f"the phone number has {count} digits, not 11"
        raise RowError("account", reason, f"手机号有 {count} 位，应为 11 位")
    return digits


# Goods.


def find_sku(name: str, amount: Decimal, catalogue: list[dict[str, Any]]) -> dict[str, Any]:
    """The one SKU that people mean: 移动话费 + 50 → 中国移动话费快充 50."""
    wanted = plain(name)
    alike = [sku for sku in catalogue if wanted and wanted == plain(sku["product"])]
    alike = alike or [sku for sku in catalogue if wanted and wanted in plain(sku["product"])]
    found = [sku for sku in alike if Decimal(sku["face_value"]) == amount]
    if len(found) > 1 and "慢" not in wanted:
        # Who does not ask for the slow, cheaper kind means the fast one.
        found = [sku for sku in found if "慢充" not in sku["product"]]
    if len(found) == 1:
        return found[0]
    if found:
        names = "、".join(sku["product"] for sku in found[:3])
        reason = f"{name} {amount} may be any of: {names}"
        raise RowError("product", reason, f"“{name}”{amount}元对应多个商品：{names}")
    if alike:
        values = "、".join(dict.fromkeys(sku["spec"] for sku in alike))
        reason = f"{name} is not sold at {amount}, only at {values}"
        raise RowError("amount", reason, f"“{name}”没有{amount}元，只有{values}")
    raise RowError("product", f"nothing is called {name!r}", f"没有名为“{name}”的商品")


def plain(name: str) -> str:
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", name)).casefold()
