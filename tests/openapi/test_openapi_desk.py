"""Withdrawals, statements and price changes through the door."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from kameng import catalogue, finance
from kameng.kit import clock
from running import Platform

PAYEE = {"method": "bank", "name": "张小明", "account": "6222020012345678", "bank": "招商银行"}


def body(ref: str = "W-1", amount: str = "500.00", **more: Any) -> dict[str, Any]:
    return {"client_ref": ref, "amount": amount, "payee": PAYEE} | more


async def test_a_withdrawal_from_asking_to_the_bank(platform: Platform) -> None:
    asked = await platform.post("/api/v1/withdrawals", body())
    assert (asked.status, asked.json["state"], asked.json["payee"]) == (200, "requested", "招商银行 张* ****5678")
    assert PAYEE["account"] not in asked.body.decode()
    assert (await platform.post("/api/v1/withdrawals", body())).json == asked.json
    balance = (await platform.get("/api/v1/balance")).json
    assert (balance["posted"], balance["held"]) == ("100000.0000", "500.0000")
    number = asked.json["id"]
    await finance.approve_withdrawal(platform.db, int(number), actor_id=71)
    await finance.pay_withdrawal(platform.db, int(number), external_ref="CMB-1", actor_id=71)
    found = (await platform.get(f"/api/v1/withdrawals/{number}")).json
    assert (found["state"], found["external_ref"], found["sequence"]) == ("paid", "CMB-1", 3)
    balance = (await platform.get("/api/v1/balance")).json
    assert (balance["posted"], balance["held"]) == ("99500.0000", "0.0000")
    refused = await platform.post(f"/api/v1/withdrawals/{number}/cancel")
    assert (refused.status, refused.code) == (409, "step_not_open")


async def test_a_withdrawal_is_taken_back_and_lists_go_page_by_page(platform: Platform) -> None:
    numbers = [(await platform.post("/api/v1/withdrawals", body(f"W-{n}"))).json["id"] for n in range(3)]
    done = await platform.post(f"/api/v1/withdrawals/{numbers[0]}/cancel")
    assert (done.status, done.json["state"]) == (200, "cancelled")
    first = (await platform.get("/api/v1/withdrawals", "limit=2")).json
    rest = (await platform.get("/api/v1/withdrawals", f"limit=2&cursor={first['next_cursor']}")).json
    assert [one["id"] for one in first["withdrawals"] + rest["withdrawals"]] == numbers[::-1]
    assert rest["next_cursor"] is None
    cancelled = (await platform.get("/api/v1/withdrawals", "state=cancelled")).json["withdrawals"]
    assert [one["id"] for one in cancelled] == numbers[:1]


@pytest.mark.parametrize(
    ("sent", "code", "field"),
    [
        (body(amount="100000.01"), "insufficient_balance", "amount"),
        (body(amount="0"), "bad_finance_request", "amount"),
        (body(amount="1.001"), "bad_request", "amount"),
        (body(payee=PAYEE | {"bank": ""}), "bad_finance_request", "payee.bank"),
        (body(payee=PAYEE | {"account": "12345"}), "bad_finance_request", "payee.account"),
        (body(ref=""), "bad_request", "client_ref"), (body(more=1), "bad_request", "more"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_named_and_holds_nothing(
    platform: Platform, sent: dict[str, Any], code: str, field: str
) -> None:
    refused = await platform.post("/api/v1/withdrawals", sent)
    assert (refused.code, refused.json["field"]) == (code, field)
    assert await platform.count("withdrawal") == 0
    assert (await platform.get("/api/v1/balance")).json["held"] == "0.0000"


async def test_a_default_key_takes_no_money_out(platform: Platform) -> None:
    from kameng.identity import DEFAULT_SCOPES

    key = await platform.issue_key(platform.seed.shop.organisation, DEFAULT_SCOPES)
    refused = await platform.post("/api/v1/withdrawals", body(), key=key)
    assert (refused.status, refused.code) == (403, "scope_missing")
    assert (await platform.get("/api/v1/self-test", key=key)).json["warnings"][0]["code"] == "no_ip_list"


async def test_statements_add_up_as_json_and_as_a_file(platform: Platform) -> None:
    card, phone = platform.goods.card, platform.goods.phone
    placed = [await platform.place("a", card, 2), await platform.place("b", phone, account={"phone": "13812345678"})]
    total_e4 = sum(round(float(answer.json["total"]) * 10_000) for answer in placed)
    today = str(clock.china_day())
    for by, keys in (("day", [today]), ("product", ["", str(card.sku_id), str(phone.sku_id)])):
        answer = (await platform.get("/api/v1/statements", f"by={by}&from={today}&to={today}")).json
        assert [section["key"] for section in answer["sections"]] == sorted(keys)
        closing_e4 = 1_000_000_000 - total_e4
        assert answer["closing"] == f"{closing_e4 // 10_000}.{closing_e4 % 10_000:04d}"
        assert answer["closing"] == (await platform.get("/api/v1/balance")).json["posted"]
        assert (answer["final"], answer["refunded"]) == (False, "0.0000")
    for by in ("day", "product", "customer", "line"):
        file = await platform.get("/api/v1/statements.csv", f"by={by}")
        assert file.headers["content-disposition"] == f'attachment; filename="statement-{by}-{today}-{today}.csv"'
        rows = list(csv.reader(io.StringIO(file.body.decode("utf-8-sig"))))
        assert rows[-1][7] == answer["closing"]


@pytest.mark.parametrize(
    "query",
    ["from=2026-02-30&to=2026-03-01", "from=2026-03-02&to=2026-03-01", "from=2025-01-01&to=2026-12-01", "by=hour"],
)
async def test_a_period_that_is_none_is_refused(platform: Platform, query: str) -> None:
    for path in ("/api/v1/statements", "/api/v1/statements.csv"):
        assert (await platform.get(path, query)).status == 400


async def test_changes_of_prices_are_ones_own(platform: Platform) -> None:
    assert (await platform.get("/api/v1/prices/changes")).json == {"changes": [], "next_cursor": None}
    sku = platform.goods.card
    await catalogue.set_sku(platform.db, sku.sku_id, {"list_price_e4": sku.list_price_e4 + 1, "cost_e4": 1})
    (change,) = (await platform.get("/api/v1/prices/changes")).json["changes"]
    assert (change["sku"], change["why"]) == (str(sku.sku_id), "list")
    assert float(change["after"]) > float(change["before"])
