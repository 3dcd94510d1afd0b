"""The supplier's side: only his, only where he supplies; cards on the shelf once, every bad line told."""

from __future__ import annotations

from typing import Any

import pytest

from kameng import stock
from kameng.catalogue import Sku
from kameng.identity import ALL_SCOPES, DEFAULT_SCOPES
from kameng.ops import founding
from kameng.ops.founding import Member
from kameng.stock import CardLine
from running import Answer, Platform

ENDPOINTS = [
    ("GET", "goods", None), ("GET", "batches", None), ("GET", "stock", None),
    ("POST", "cards", b"8888000011112222 S-1\n"), ("POST", "cards/void", b'{"sku":"{sku}","numbers":["8888"]}'),
]  # fmt: skip
each_endpoint = pytest.mark.parametrize(("method", "name", "body"), ENDPOINTS)


async def supplier(platform: Platform, sku: Sku, name: str, number: int) -> Member:
    """One who supplies this SKU: a card of his was loaded."""
    member = await founding.found_member(platform.db, platform.ring, name, kind="supplier")
    line = CardLine(1, f"77770000{number:08d}", f"FIRST-{number}", None, None)
    await stock.load_cards(
        platform.db, platform.ring, [line], sku_id=sku.sku_id, file_name="first.txt",
        supplier_org_id=member.organisation.org_id,
    )  # fmt: skip
    return member


async def call(platform: Platform, method: str, name: str, body: Any, **options: Any) -> Answer:
    query = f"sku={platform.goods.bare.sku_id}" if name == "cards" else ""
    body = body and body.replace(b"{sku}", str(platform.goods.bare.sku_id).encode())
    return await platform.call(method, f"/api/v1/supplier/{name}", query=query, body=body, **options)


async def test_cards_go_on_the_shelf_once_and_bad_lines_are_told(platform: Platform) -> None:
    sku = platform.goods.bare
    member = await supplier(platform, sku, "星火供货", 1)
    bought = await platform.place("first", sku)
    assert bought.json["cards"] == [{"number": "7777000000000001", "secret": "FIRST-1"}]
    rows = ["8888000011110001 SECRET-0001", "8888000011110002", "8888000011110003 SECRET-0003"]
    lines = "\n".join([*rows, rows[0]]).encode()
    loaded = (await call(platform, "POST", "cards", lines, key=member.key)).json
    assert (loaded["sku"], loaded["loaded"]) == (str(sku.sku_id), 2)
    assert [(line["line"], line["reason"]) for line in loaded["refused"]] == [(2, "no_secret"), (4, "duplicate")]
    assert "SECRET" not in str(loaded)
    again = (await call(platform, "POST", "cards", lines, key=member.key)).json
    assert (again["loaded"], [line["reason"] for line in again["refused"]]) == (
        0, ["loaded_before", "no_secret", "loaded_before", "duplicate"],
    )  # fmt: skip
    assert (await platform.place("second", sku, 2)).status == 201
    assert (await platform.place("third", sku)).code == "sold_out"

    batches = (await call(platform, "GET", "batches", None, key=member.key)).json["batches"]
    assert [(b["id"], b["loaded"], b["refused"], b["name"]) for b in batches] == [
        (again["batch"], 0, 4, "cards.txt"), (loaded["batch"], 2, 2, "cards.txt"),
        (batches[2]["id"], 1, 0, "first.txt"),
    ]  # fmt: skip
    (goods,) = (await call(platform, "GET", "goods", None, key=member.key)).json["skus"]
    assert (goods["sku"], goods["batches"], goods["loaded"], goods["refused"]) == (str(sku.sku_id), 3, 3, 6)
    page = (await platform.get("/api/v1/supplier/batches", "limit=2", key=member.key)).json
    rest = (await platform.get("/api/v1/supplier/batches", f"cursor={page['next_cursor']}", key=member.key)).json
    assert page["batches"] + rest["batches"] == batches
    assert rest["next_cursor"] is None


async def test_he_loads_only_what_he_supplies_and_sees_only_his(platform: Platform) -> None:
    sku = platform.goods.bare
    one, two = await supplier(platform, sku, "甲供货", 1), await supplier(platform, platform.goods.few, "乙供货", 2)
    before = await platform.count("card")
    refused = await call(platform, "POST", "cards", b"8888000011112222 S-22222\n", key=two.key)
    assert (refused.status, refused.code, refused.json["field"]) == (404, "unknown_sku", "sku")
    assert await platform.count("card") == before
    for member, own, theirs in ((one, sku, platform.goods.few), (two, platform.goods.few, sku)):
        for name in ("goods", "batches"):
            text = (await call(platform, "GET", name, None, key=member.key)).body.decode()
            assert (str(own.sku_id) in text, str(theirs.sku_id) in text) == (True, False)


@each_endpoint
async def test_nobody_else_may(common: Platform, method: str, name: str, body: Any) -> None:
    member = await supplier(common, common.goods.bare, f"丙供货{method}{name}", len(name) * 10 + len(method))
    before = await common.count("card")
    merchant = await common.issue_key(common.seed.shop.organisation, ALL_SCOPES)
    for key in (merchant, member.sandbox_key):
        answer = await call(common, method, name, body, key=key)
        assert (answer.status, answer.code) == (403, "not_supplier")
    wanted = "supplier:cards" if name.startswith("cards") else "supplier:goods"
    plain = await common.issue_key(common.seed.shop.organisation, DEFAULT_SCOPES)
    for key in (plain, await common.issue_key(member.organisation, ALL_SCOPES - {wanted})):
        answer = await call(common, method, name, body, key=key)
        assert (answer.status, answer.code, answer.json["detail"]) == (403, "scope_missing", wanted)
    wrong: dict[str, Any] = {"signature_missing": {"signed": False}, "signature_wrong": {"secret": "ks_" + "x" * 43}}
    for code, options in wrong.items():
        assert (await call(common, method, name, body, key=member.key, **options)).code == code
    once = {"nonce": f"once-{len(name)}-0123456789abc", "key": member.key}
    assert (await call(common, method, name, body, **once)).status == 200
    assert (await call(common, method, name, body, **once)).code == "nonce_used"
    assert await common.count("card") == before + (name == "cards")


async def test_a_file_has_a_name_that_can_be_kept(common: Platform) -> None:
    member = await supplier(common, common.goods.bare, "丁供货", 99)
    for name in ("", "%00", "x" * 81, "a%0Ab"):
        query = f"sku={common.goods.bare.sku_id}&name={name}"
        answer = await common.post("/api/v1/supplier/cards", b"8888000099990001 S-1\n", query=query, key=member.key)
        assert (answer.status, answer.code, answer.json["field"]) == (400, "bad_request", "name"), name


async def test_a_file_has_a_limit(common: Platform) -> None:
    answer = await common.post("/api/v1/supplier/cards", b"x" * (10 * 1024 * 1024 + 1))
    assert (answer.status, answer.code, answer.json["detail"]) == (413, "body_too_large", "at most 10485760 bytes")
    answer = await common.post("/api/v1/quotes", b"x" * (256 * 1024 + 1))
    assert (answer.status, answer.code) == (413, "body_too_large")
