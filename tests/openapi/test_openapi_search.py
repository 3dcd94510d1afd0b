"""Finding orders by whom they are for, over the wire: one's own, masked, and the number in no address and no log."""

from __future__ import annotations

import logging

import pytest

from kameng.identity import Scope
from running import Platform

SEARCH = "/api/v1/orders/search"
PHONE = "13812345678"


async def test_orders_are_found_by_a_phone_page_by_page_and_masked(platform: Platform) -> None:
    phone = platform.goods.phone
    made = [(await platform.place(f"s-{n}", phone, account={"phone": PHONE})).json for n in range(3)]
    await platform.place("other", phone, account={"phone": "13900139000"})
    assert {order["state"] for order in made} == {"fulfilling"}
    assert "account" not in made[0]
    first = (await platform.post(SEARCH, {"account": "+86 138-1234-5678", "limit": 2})).json
    assert [(order["id"], order["account"]) for order in first["orders"]] == [
        (made[2]["id"], {"phone": "138****5678"}), (made[1]["id"], {"phone": "138****5678"}),
    ]  # fmt: skip
    rest = (await platform.post(SEARCH, {"account": PHONE, "limit": 2, "cursor": first["next_cursor"]})).json
    assert ([order["id"] for order in rest["orders"]], rest["next_cursor"]) == ([made[0]["id"]], None)
    assert (await platform.get(f"/api/v1/orders/{made[0]['id']}")).json["account"] == {"phone": "138****5678"}
    assert (await platform.post(SEARCH, {"account": "138****5678"})).json == {"orders": [], "next_cursor": None}


async def test_another_organisation_finds_nothing(platform: Platform) -> None:
    await platform.place("mine", platform.goods.phone, account={"phone": PHONE})
    stranger = await platform.found("别家")
    found = await platform.post(SEARCH, {"account": PHONE}, key=stranger.key)
    assert (found.status, found.json) == (200, {"orders": [], "next_cursor": None})
    blind = await platform.issue_key(platform.seed.shop.organisation, [Scope.orders_place])
    refused = await platform.post(SEARCH, {"account": PHONE}, key=blind)
    assert (refused.status, refused.code) == (403, "scope_missing")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "account"), ({"account": "138"}, "account"), ({"account": "1" * 255}, "account"),
        ({"account": PHONE, "cursor": "abc"}, "cursor"), ({"account": PHONE, "limit": 0}, "limit"),
        ({"account": PHONE, "phone": PHONE}, "phone"),
    ],
)  # fmt: skip
async def test_a_search_that_cant_be_read_names_its_field(
    common: Platform, body: dict[str, object], field: str
) -> None:
    refused = await common.post(SEARCH, body)
    assert (refused.status, refused.code, refused.json["field"]) == (400, "bad_request", field)
    assert PHONE.encode() not in refused.body


async def test_a_number_is_no_way_of_finding_in_the_address(common: Platform) -> None:
    refused = await common.get("/api/v1/orders", f"account={PHONE}")
    assert (refused.status, refused.json["field"]) == (400, "account")


async def test_what_was_searched_for_reaches_no_log(platform: Platform, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        await platform.post(SEARCH, {"account": PHONE})
        await platform.get("/api/v1/orders", f"account={PHONE}")
        await platform.db.pool.execute("ALTER TABLE order_mark RENAME TO order_mark_away")
        broken = await platform.post(SEARCH, {"account": PHONE})
    assert broken.status == 500
    assert [record.message for record in caplog.records if record.name.startswith("kameng")] == ["a request failed"]
    assert PHONE not in caplog.text
    fields = [getattr(record, "fields", {}) for record in caplog.records]
    assert PHONE not in repr(fields)
    assert PHONE.encode() not in broken.body
