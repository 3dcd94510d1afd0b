"""The chain store's file, read to the last row; then every fault that a row can have."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
import xlsxwriter

from example_files import EXAMPLES, load
from kameng.catalogue import demo_catalogue
from kameng.catalogue.forms import check, form_named
from kameng.catalogue.reading import read_catalogue
from kameng.kit import money

orders_file = load("orders_file")
MERCHANT = (EXAMPLES / "data" / "orders_merchant.xlsx").read_bytes()
CATALOGUE: list[dict[str, Any]] = [
    {
        "sku": str(100_001 + i),
        "brand": row.brand,
        "product": row.product,
        "spec": row.spec,
        "kind": row.kind,
        "face_value": money.format_e4(row.face_value_e4),
        "form": [{"name": field.name, "label": field.label} for field in form_named(row.form).fields],
    }
    for i, row in enumerate(read_catalogue(demo_catalogue()).rows)
]
SKU = {(sku["product"], sku["spec"]): sku["sku"] for sku in CATALOGUE}
HEADER = ("门店", "姓名", "手机号", "充值项目", "金额（元）", "数量", "备注", "外部单号")


def sheet(*rows: Iterable[object], header: Iterable[object] = HEADER) -> bytes:
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True})
    page = book.add_worksheet()
    for i, row in enumerate([header, *rows]):
        page.write_row(i, 0, row)
    book.close()
    return target.getvalue()


def one(
    *, phone: object = "13800138000", goods: str = "移动话费", amount: object = 50, quantity: object = 1,
    ref: object = "B1",
) -> Any:  # fmt: skip
    """The body of a sheet with this row, or (field, reason) if it is bad."""
    orders, bad = orders_file.read_orders(
        sheet(("1店", "李磊", phone, goods, amount, quantity, "", ref)), CATALOGUE
    )
    return orders[0].body if orders else (bad[0].field, bad[0].reason)


def test_the_chain_stores_file() -> None:
    orders, bad = orders_file.read_orders(MERCHANT, CATALOGUE)
    assert (len(orders), len(bad)) == (2993, 7)
    assert sorted([order.line for order in orders] + [row.line for row in bad]) == list(range(4, 3004))
    by_sku = Counter(order.body["sku"] for order in orders)
    assert by_sku == {
        SKU["中国移动话费快充", "50"]: 430,
        SKU["中国联通话费快充", "100"]: 419,
        SKU["中国电信话费快充", "30"]: 438,
        SKU["京东E卡", "100"]: 429,
        SKU["Q币", "10"]: 405,
        SKU["腾讯视频月卡", "25"]: 433,
        SKU["爱奇艺月卡", "25"]: 439,
    }
    assert Counter(tuple(order.body.get("account", {})) for order in orders) == {
        ("phone",): 2159, ("qq",): 405, (): 429,
    }  # fmt: skip
    assert {order.body["quantity"] for order in orders} == {1}
    assert Counter(order.note for order in orders) == {"": 2962, "补发": 31}
    assert orders[0] == orders_file.OrderRow(
        4,
        {
            "client_ref": "BLD202611000000",
            "sku": SKU["中国移动话费快充", "50"],
            "quantity": 1,
            "account": {"phone": "18623716579"},
        },
        "092店",
        "李磊",
        "补发",
    )


def test_the_chain_stores_bad_rows_are_phones_one_digit_short() -> None:
    _, bad = orders_file.read_orders(MERCHANT, CATALOGUE)
    assert [(row.line, row.field, row.reason, row.reason_zh) for row in bad] == [
        (line, "account", "the phone number has 10 digits, not 11", "手机号有 10 位，应为 11 位")
        for line in (405, 806, 1207, 1608, 2009, 2410, 2811)
    ]


def test_the_chain_stores_repeated_numbers_are_sent_and_marked() -> None:
    orders, _ = orders_file.read_orders(MERCHANT, CATALOGUE)
    repeated = [order for order in orders if order.repeats_line]
    assert [(order.line, order.repeats_line) for order in repeated] == [
        (line, line - 1) for line in range(254, 2755, 250)
    ]
    # Each is another order under a number that is taken: the server will refuse all eleven.
    first = {order.line: order.body for order in orders}
    assert not [order for order in repeated if order.body == first[order.repeats_line]]


def test_every_account_passes_the_servers_form() -> None:
    orders, _ = orders_file.read_orders(MERCHANT, CATALOGUE)
    forms = {sku["sku"]: form_named("+".join(f["name"] for f in sku["form"])) for sku in CATALOGUE}
    for order in orders:
        account = order.body.get("account", {})
        assert check(forms[order.body["sku"]], account) == (account, [])


@pytest.mark.parametrize(
    "phone",
    [
        *("13800138000", 13800138000, "138 0013 8000", "+86-13800138000", "8613800138000"),
        *("１３８００１３８０００", "138-0013-8000", "+86 138 0013 8000"),
    ],
)
def test_phones(phone: object) -> None:
    assert one(phone=phone)["account"] == {"phone": "13800138000"}


@pytest.mark.parametrize(
    ("goods", "amount", "sku"),
    [
        ("移动话费 ", "¥50.00", ("中国移动话费快充", "50")),
        ("移动话费慢充", 50, ("中国移动话费慢充(0-72小时)", "50")),
        ("联通话费", "100元", ("中国联通话费快充", "100")),
        ("京东e卡", 100.0, ("京东E卡", "100")),
        ("Ｑ币", "１０", ("Q币", "10")),
        ("任天堂eShop充值卡", "1,000", ("任天堂eShop充值卡(日服JPY)", "1000")),
    ],
)
def test_goods(goods: str, amount: object, sku: tuple[str, str]) -> None:
    assert one(goods=goods, amount=amount)["sku"] == SKU[sku]


@pytest.mark.parametrize(
    ("cells", "field", "reason"),
    [
        ({"phone": "1380013800"}, "account", "the phone number has 10 digits, not 11"),
        ({"phone": "138001380001"}, "account", "the phone number has 12 digits, not 11"),
        ({"phone": ""}, "account", "the phone number has 0 digits, not 11"),
        ({"goods": "移动花费"}, "product", "nothing is called '移动花费'"),
        ({"goods": ""}, "product", "nothing is called ''"),
        ({"goods": "话费"}, "product",
         "话费 50 may be any of: 中国移动话费快充、中国联通话费快充、中国电信话费快充"),
        ({"amount": 55}, "amount", "移动话费 is not sold at 55, only at 10、20、30、50、100、200、300、500"),
        ({"amount": "五十"}, "amount", "not an amount"),
        ({"amount": -50}, "amount", "not an amount"),
        ({"amount": "nan"}, "amount", "not an amount"),
        ({"quantity": 1.5}, "quantity", "the quantity must be a whole number from 1 on"),
        ({"quantity": 0}, "quantity", "the quantity must be a whole number from 1 on"),
        ({"ref": ""}, "client_ref", "an external number of 1 to 64 characters is needed"),
        ({"ref": "B 1"}, "client_ref", "an external number of 1 to 64 characters is needed"),
        ({"goods": "王者荣耀点券", "amount": 30}, "qq_or_wechat",
         "the goods also need a column QQ号或微信号"),
    ],
)  # fmt: skip
def test_bad_rows(cells: dict[str, Any], field: str, reason: str) -> None:
    assert one(**cells) == (field, reason)


def test_card_keys_need_no_phone() -> None:
    assert one(phone="", goods="京东E卡", amount=100) == {
        "client_ref": "B1",
        "sku": SKU["京东E卡", "100"],
        "quantity": 1,
    }


def test_columns_by_the_forms_labels() -> None:
    header = ("项目", "面值", "单号", "QQ号或微信号", "区服")
    (order,), bad = orders_file.read_orders(
        sheet(("王者荣耀点券", 30, 1001.0, 10001, "安卓微信区"), header=header), CATALOGUE
    )
    assert bad == []
    assert order.body == {
        "client_ref": "1001",
        "sku": SKU["王者荣耀点券", "30"],
        "quantity": 1,
        "account": {"qq_or_wechat": "10001", "zone": "安卓微信区"},
    }


def test_the_same_order_twice_is_sent_twice_and_marked() -> None:
    row = ("1店", "李磊", "13800138000", "移动话费", 50, 1, "", "B1")
    orders, _ = orders_file.read_orders(sheet(row, row), CATALOGUE)
    assert [(order.line, order.repeats_line) for order in orders] == [(2, 0), (3, 2)]
    assert orders[0].body == orders[1].body


def test_a_sheet_without_a_header_is_no_order_file() -> None:
    with pytest.raises(ValueError, match="no header row"):
        orders_file.read_orders(sheet(header=("a", "b")), CATALOGUE)
