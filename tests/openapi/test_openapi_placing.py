"""The hot door: single and bulk orders, repeats, refusals that leave nothing, and bytes that are no order."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kameng.kit import money
from kameng.openapi.intake import BULK, PLACE
from running import Platform


async def test_a_card_comes_in_the_answer(platform: Platform) -> None:
    card = platform.goods.card
    before = await platform.trace()
    answer = await platform.place("A-1", card, 2, max_price=money.format_e4(card.list_price_e4))
    assert answer.status == 201
    placed = answer.json
    assert placed == {
        "id": placed["id"], "client_ref": "A-1", "sku": str(card.sku_id), "quantity": 2,
        "unit_price": money.format_e4(card.list_price_e4), "total": money.format_e4(2 * card.list_price_e4),
        "currency": "CNY", "state": "delivered", "sequence": 1, "placed_at": placed["placed_at"], "replayed": False,
        "cards": [
            {"number": f"86140026{card.sku_id}{n:04d}", "secret": f"S-{card.sku_id}-{n:04d}"} for n in (1, 2)
        ],
    }  # fmt: skip
    assert placed["placed_at"].endswith("Z")
    assert answer.headers["cache-control"] == "no-store"
    changed = {"orders": 1, "order_ref": 1, "transfer": 1, "event": 1, "sold": 2}
    assert await platform.trace() == {table: rows + changed.get(table, 0) for table, rows in before.items()}


async def test_the_same_reference_is_the_same_order(platform: Platform) -> None:
    card = platform.goods.card
    first = await platform.place("A-1", card, 2)
    before = await platform.trace()
    again = await platform.place("A-1", card, 2)
    assert again.status == 200
    assert again.json == {**first.json, "replayed": True}
    # Showing the cards again leaves an audit line, and nothing else.
    assert await platform.trace() == before | {"audit_line": before["audit_line"] + 1}
    other = await platform.place("A-1", card, 3)
    assert (other.status, other.code, other.json["field"]) == (422, "reference_reused", "client_ref")
    assert await platform.trace() == before | {"audit_line": before["audit_line"] + 1}


async def test_a_top_up_is_accepted_and_waits(platform: Platform) -> None:
    before = await platform.trace()
    answer = await platform.place("A-1", platform.goods.phone, account={"phone": "+86 138 1234 5678"})
    assert (answer.status, answer.json["state"], answer.json["cards"]) == (201, "fulfilling", [])
    # Written otherwise, it is the same number and the same order.
    again = await platform.place("A-1", platform.goods.phone, account={"phone": "13812345678"})
    assert (again.status, again.json["replayed"]) == (200, True)
    changed = {"orders": 1, "order_ref": 1, "transfer": 1, "event": 1, "job": 1}
    assert await platform.trace() == {table: rows + changed.get(table, 0) for table, rows in before.items()}
    stored = await platform.db.pool.fetchval("SELECT account FROM orders ORDER BY order_id DESC LIMIT 1")
    assert b"13812345678" not in stored


@pytest.mark.parametrize(
    ("change", "status", "code", "field"),
    [
        ({"client_ref": ""}, 400, "bad_order", "client_ref"),
        ({"client_ref": "a b"}, 400, "bad_order", "client_ref"),
        ({"client_ref": "a\n"}, 400, "bad_order", "client_ref"),
        ({"client_ref": "x" * 65}, 400, "bad_order", "client_ref"),
        ({"client_ref": 5}, 400, "bad_order", "client_ref"),
        ({"client_ref": None}, 400, "bad_order", "client_ref"),
        ({"sku": "5"}, 404, "unknown_sku", "sku"),
        ({"sku": "x"}, 404, "unknown_sku", "sku"),
        ({"sku": 100048}, 400, "bad_order", "sku"),
        ({"quantity": 0}, 400, "bad_order", "quantity"),
        ({"quantity": -1}, 400, "bad_order", "quantity"),
        ({"quantity": 101}, 400, "bad_quantity", "quantity"),
        ({"quantity": 10**30}, 400, "bad_order", "quantity"),
        ({"quantity": 1.5}, 400, "bad_order", "quantity"),
        ({"quantity": 61}, 409, "sold_out", "sku"),
        ({"max_price": "0.01"}, 409, "price_changed", "max_price"),
        ({"max_price": "1e9"}, 400, "bad_order", "max_price"),
        ({"max_price": "-1"}, 400, "bad_order", "max_price"),
        ({"account": {"phone": "13812345678"}}, 400, "bad_account", "account"),
        ({"account": []}, 400, "bad_order", "account"),
    ],
)
async def test_a_refusal_names_its_field_and_leaves_nothing(
    common: Platform, change: dict[str, Any], status: int, code: str, field: str
) -> None:
    before = await common.trace()
    body = {"client_ref": "refused", "sku": str(common.goods.card.sku_id), "quantity": 1, **change}
    answer = await common.post(PLACE, body)
    assert (answer.status, answer.code, answer.json.get("field", "")) == (status, code, field)
    assert await common.trace() == before


async def test_an_account_is_checked_part_by_part(common: Platform) -> None:
    for account, field in (
        ({}, "account.phone"), ({"phone": "123"}, "account.phone"), ({"phone": "23812345678"}, "account.phone"),
        ({"phone": "13812345678", "qq": "12345"}, "account.qq"),
    ):  # fmt: skip
        answer = await common.place("refused", common.goods.phone, account=account)
        assert (answer.status, answer.code, answer.json["field"]) == (400, "bad_account", field)
        assert answer.json["detail"]
        assert answer.json["detail_zh"]


async def test_an_empty_wallet_buys_nothing(common: Platform) -> None:
    before = await common.trace()
    poor = common.seed.poor.key
    answer = await common.place("A-1", common.goods.card, key=poor)
    assert (answer.status, answer.code, answer.json["retry"]) == (409, "insufficient_balance", "same_key")
    assert await common.trace() == before


async def test_each_row_of_a_bulk_request_stands_alone(platform: Platform) -> None:
    card, phone = str(platform.goods.card.sku_id), str(platform.goods.phone.sku_id)
    rows = [
        {"client_ref": "b-1", "sku": card, "quantity": 2},
        {"client_ref": "b-2", "sku": phone, "account": {"phone": "13812345678"}},
        {"client_ref": "b-1", "sku": card, "quantity": 2},
        {"client_ref": "b-3", "sku": card, "quantity": "two"},
        {"client_ref": "b-1", "sku": card, "quantity": 3},
        "no order at all",
        {"client_ref": "b-4", "sku": card, "quantity": 59},
    ]
    before = await platform.trace()
    answer = await platform.post(BULK, {"orders": rows})
    assert answer.status == 200
    assert (answer.json["accepted"], answer.json["refused"]) == (3, 4)
    results = answer.json["results"]
    assert [row["index"] for row in results] == list(range(7))
    assert [row["status"] for row in results] == [201, 201, 200, 400, 422, 400, 409]
    assert [row.get("problem", {}).get("code") for row in results] == [
        None, None, None, "bad_order", "reference_reused", "bad_order", "sold_out",
    ]  # fmt: skip
    assert results[0]["order"]["id"] == results[2]["order"]["id"]
    assert [card["secret"][-4:] for card in results[0]["order"]["cards"]] == ["0001", "0002"]
    changed = {"orders": 2, "order_ref": 2, "transfer": 2, "event": 2, "job": 1, "audit_line": 1, "sold": 2}
    assert await platform.trace() == {table: rows_ + changed.get(table, 0) for table, rows_ in before.items()}


async def test_all_rows_or_none(platform: Platform) -> None:
    card = str(platform.goods.card.sku_id)
    good = [{"client_ref": f"all-{n}", "sku": card} for n in range(3)]
    before = await platform.trace()
    for bad, code in (
        ({"client_ref": "x", "sku": "5"}, "unknown_sku"),
        ({"client_ref": "x", "sku": str(platform.goods.bare.sku_id)}, "sold_out"),
        ({"client_ref": "x"}, "bad_order"),
    ):
        answer = await platform.post(BULK, {"mode": "all", "orders": [*good, bad]})
        assert (answer.status, answer.json["accepted"], answer.json["refused"]) == (200, 0, 4)
        assert [row["problem"]["code"] for row in answer.json["results"]] == ["group_refused"] * 3 + [code]
        assert await platform.trace() == before
    answer = await platform.post(BULK, {"mode": "all", "orders": good})
    assert [row["status"] for row in answer.json["results"]] == [201, 201, 201]
    again = await platform.post(BULK, {"mode": "all", "orders": good})
    assert [row["status"] for row in again.json["results"]] == [200, 200, 200]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"orders": []}, "orders"),
        ({"orders": [{}] * 5001}, "orders"),
        ({"orders": [{}] * 501, "mode": "all"}, "orders"),
        ({"orders": [{}], "mode": "some"}, "mode"),
        ({"mode": "each"}, "orders"),
        ({"orders": {}}, "orders"),
        ([], ""),
    ],
)
async def test_a_bulk_request_that_is_none(common: Platform, body: Any, field: str) -> None:
    before = await common.trace()
    answer = await common.post(BULK, body)
    assert (answer.status, answer.code, answer.json.get("field", "")) == (400, "bad_order", field)
    assert await common.trace() == before


FIELDS = ["client_ref", "sku", "quantity", "account", "max_price", "x"]
NEARLY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6),
    max_leaves=12,
)
BYTES = (
    st.binary(max_size=200)
    | st.text(max_size=200).map(str.encode)
    | NEARLY.map(msgspec.json.encode)
    | st.integers(1, 3000).map(lambda depth: b"[" * depth)
    | st.integers(1, 3000).map(lambda depth: b'{"account":' * depth)
    | st.sampled_from(
        [
            b"", b"null", b"\xff\xfe", b'{"client_ref":"\\ud800","sku":"1"}', b'{"client_ref":"a","sku":"1"}\x00',
            b'{"client_ref":"a","client_ref":"b","sku":"1"}', b'\xef\xbb\xbf{"client_ref":"a","sku":"1"}',
            b'{"client_ref":"a\\u0000","sku":"100001"}', b'{"client_ref":"a","sku":"\\u0661"}',
        ]
    )
)  # fmt: skip


@settings(max_examples=300, suppress_health_check=list(HealthCheck), deadline=None)
@given(body=BYTES, wrap=st.booleans())
async def test_whatever_the_bytes_the_answer_is_a_refusal(common: Platform, body: bytes, wrap: bool) -> None:
    answer = await common.post(BULK if wrap else PLACE, b'{"orders":[%s]}' % body if wrap else body)
    if answer.status == 200:  # a row that can't be read is refused where it stands
        assert wrap
        assert answer.json["accepted"] == 0
        assert {row["status"] // 100 for row in answer.json["results"]} == {4}
    else:
        assert 400 <= answer.status < 500
        assert answer.code in ("bad_order", "unknown_sku", "bad_account", "bad_quantity")


async def test_after_all_that_nothing_was_placed(common: Platform) -> None:
    """The module's refusals, fuzzed and plain, wrote no order and took no card."""
    trace = await common.trace()
    assert {table: trace[table] for table in ("orders", "order_ref", "event", "job", "sold")} == {
        "orders": 0, "order_ref": 0, "event": 0, "job": 0, "sold": 0,
    }  # fmt: skip


@settings(max_examples=150, suppress_health_check=list(HealthCheck), deadline=None)
@given(body=BYTES)
async def test_quotes_too_refuse_whatever_they_cant_read(common: Platform, body: bytes) -> None:
    answer = await common.post("/api/v1/quotes", body)
    assert (answer.status, answer.code) in ((400, "bad_request"), (404, "unknown_sku"))


@settings(max_examples=150, suppress_health_check=list(HealthCheck), deadline=None)
@given(value=st.binary(max_size=120) | st.from_regex(rb"KAMENG-HMAC-SHA256 [ -~]{0,100}", fullmatch=True))
async def test_whatever_stands_in_authorization_it_is_refused(common: Platform, value: bytes) -> None:
    for path in (PLACE, "/api/v1/quotes"):
        answer = await common.call("POST", path, signed=False, headers={"authorization": value.decode("latin-1")})
        assert answer.status == 401
        assert answer.code in ("signature_missing", "signature_malformed", "signature_wrong")
