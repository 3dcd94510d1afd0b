"""Reading catalogue files: the demo catalogue as it is, and what is refused in others."""

from __future__ import annotations

from collections import Counter
from importlib import resources

import pytest

from kameng.catalogue.errors import CatalogueNotReadable
from kameng.catalogue.reading import CatalogueRow, currency_of, read_catalogue

DEMO = resources.files("kameng").joinpath("catalogue", "demo", "catalogue.csv").read_bytes()
HEADER = "场景,品牌,商品,规格,类型,面值,成本,标价,下单表单,地区,备注\n"
GOOD = "游戏,腾讯,Q币,10,topup,10.0000,9.7500,9.9000,qq,全国,\n"


def refusals(text: str) -> list[tuple[int, str, str]]:
    return [(r.line, r.reason, r.column) for r in read_catalogue((HEADER + text).encode()).refused]


def test_demo_catalogue_loads_as_it_is() -> None:
    file = read_catalogue(DEMO)
    assert (len(file.rows), file.refused, file.encoding) == (176, (), "utf-8")
    assert [row.line for row in file.rows] == list(range(2, 178))
    assert Counter(row.kind for row in file.rows) == {"topup": 119, "secret": 53, "link": 2, "parcel": 1, "manual": 1}
    assert Counter(row.scene for row in file.rows) == {
        "游戏": 60, "生活权益": 37, "话费": 33, "视频会员": 15, "流量": 12, "电费": 10, "教育": 5, "营销": 4,
    }  # fmt: skip
    assert Counter(row.form for row in file.rows) == {
        "phone": 67, "": 53, "qq_or_wechat+zone": 13, "uid+server": 12,
        "electricity_account+province+city": 10, "qq": 7, "fuel_card": 6, "qq+zone": 5,
        "learner_name+phone": 2, "address": 1,
    }  # fmt: skip
    assert file.rows[0] == CatalogueRow(
        2, "话费", "中国移动", "中国移动话费快充", "10", "topup", 100_000, 99_050, 99_650, "phone",
        "全国", "",
    )  # fmt: skip
    assert file.rows[8].note == "慢充"


def test_face_currency_is_taken_from_the_name() -> None:
    rows = read_catalogue(DEMO).rows
    assert [(r.spec, r.face_currency, r.face_value_e4) for r in rows if r.face_currency != "CNY"] == [
        ("80", "HKD", 800_000), ("160", "HKD", 1_600_000), ("500", "HKD", 5_000_000),
        ("1000", "JPY", 10_000_000), ("3000", "JPY", 30_000_000),
    ]  # fmt: skip
    assert currency_of("礼品卡（美服USD）") == "USD"
    assert currency_of("HKD礼品卡") == "CNY"  # only what stands in brackets


def test_gbk_and_columns_in_another_order() -> None:
    header = "商品,品牌,场景,供应商,标价,成本,面值,类型,规格"
    text = f"{header}\r\nQ币,腾讯,游戏,甲,9.9,9.75,10,topup,10\r\n,,,,,,,,\r\n"
    file = read_catalogue(text.encode("gbk"))
    assert file.encoding == "gb18030"
    assert file.rows == (
        CatalogueRow(2, "游戏", "腾讯", "Q币", "10", "topup", 100_000, 97_500, 99_000, "", "全国", ""),
    )


@pytest.mark.parametrize(
    ("row", "reason", "column"),
    [
        ("游戏,腾讯,Q币,10,gift,10.0000,9.7500,9.9000,qq,全国,", "unknown_kind", "类型"),
        ("游戏,腾讯,Q币,10,topup,10.0000,9.75001,9.9000,qq,全国,", "bad_amount", "成本"),
        ("游戏,腾讯,Q币,10,topup,10.0000,-9.75,9.9000,qq,全国,", "bad_amount", "成本"),
        ("游戏,腾讯,Q币,10,topup,10.0000,9.75,0,qq,全国,", "bad_amount", "标价"),
        ("游戏,腾讯,Q币,10,topup,10.0000,9.75,9.9,qqq,全国,", "unknown_form", "下单表单"),
        ("教育,教辅,资料包,89,parcel,89,53,75,,全国,", "no_address", "下单表单"),
        ("教育,教辅,资料包,89,parcel,89,53,75,phone,全国,", "no_address", "下单表单"),
        ("游戏,腾讯,,10,topup,10.0000,9.75,9.9,qq,全国,", "missing", "商品"),
        ("游戏,腾讯,Q币,大,10,topup,10.0000,9.75,9.9,qq,全国,注", "fields_shifted", ""),
        ("游戏,腾讯,Q币,10", "missing", "类型"),
        ("游戏,腾讯," + "Q" * 201 + ",10,topup,10.0000,9.75,9.9,qq,全国,", "too_long", "商品"),
        ("游戏,腾讯,Q\x07币,10,topup,10.0000,9.75,9.9,qq,全国,", "unreadable", "商品"),
    ],
)
def test_a_bad_row_is_refused_and_the_others_stay(row: str, reason: str, column: str) -> None:
    assert refusals(f"{row}\n{GOOD}") == [(2, reason, column)]


MORE = "最低限价,最高限价,允许亏本,最小数量,最大数量,数量步长,可退款,可撤销,承诺交付分钟,兑换说明,条码"


def test_further_columns_are_read_where_the_file_has_them() -> None:
    text = f"{HEADER.strip()},{MORE}\n" + "游戏,腾讯,Q币,10,topup,10,9.75,9.9,qq,全国,,{}\n{}"
    full = text.format("9.8,10,是,5,50,5,是,否,30,打开应用兑换,6901234567892", "")
    assert read_catalogue(full.encode()).rows[0].more == {
        "floor_e4": 98_000, "ceiling_e4": 100_000, "below_cost_allowed": True, "quantity_min": 5, "quantity_max": 50,
        "quantity_step": 5, "refundable": True, "reversible": False, "delivery_promise_minutes": 30,
        "redeem_instructions": "打开应用兑换", "barcode": "6901234567892",
    }  # fmt: skip
    assert read_catalogue(text.format(",,,,,,,,,,", "").encode()).rows[0].more == {
        "floor_e4": None, "ceiling_e4": None, "below_cost_allowed": False, "quantity_min": 1, "quantity_max": 100,
        "quantity_step": 1, "refundable": False, "reversible": False, "delivery_promise_minutes": None,
        "redeem_instructions": "", "barcode": "",
    }  # fmt: skip
    assert read_catalogue((HEADER + GOOD).encode()).rows[0].more == {}


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("最低限价", "-1", "bad_amount"), ("最高限价", "1.00001", "bad_amount"), ("允许亏本", "maybe", "bad_value"),
        ("最小数量", "1.5", "bad_value"), ("最大数量", "-1", "bad_value"), ("数量步长", "一", "bad_value"),
        ("可退款", "2", "bad_value"), ("可撤销", "?", "bad_value"), ("承诺交付分钟", "soon", "bad_value"),
        ("兑换说明", "x" * 1001, "too_long"), ("条码", "6901234567893", "bad_value"),
        ("条码", "6.90123E+12", "bad_value"), ("条码", "69012345", "bad_value"),
    ],
)  # fmt: skip
def test_a_bad_further_cell_is_refused_with_its_column(column: str, cell: str, reason: str) -> None:
    text = f"{HEADER.strip()},{column}\n{GOOD.strip()},{cell}\n"
    assert [(r.reason, r.column) for r in read_catalogue(text.encode()).refused] == [(reason, column)]


def test_a_further_column_stands_once() -> None:
    with pytest.raises(CatalogueNotReadable, match="条码"):
        read_catalogue(f"{HEADER.strip()},条码,条码\n".encode())


def test_the_same_sku_twice_is_refused() -> None:
    assert refusals(GOOD + GOOD) == [(3, "duplicate", "")]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00\x01\x02",
        b"\xff\xff\xff",
        "品牌,商品\n".encode(),
        HEADER.replace("成本", "标价").encode(),
        (HEADER + '"游戏').encode(),
    ],
)
def test_what_is_no_catalogue_is_refused(data: bytes) -> None:
    with pytest.raises(CatalogueNotReadable) as refusal:
        read_catalogue(data)
    assert (refusal.value.status, refusal.value.field) == (400, "file")
