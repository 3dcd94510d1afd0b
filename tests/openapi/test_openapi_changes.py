"""The feed of product changes: complete, in order, and exact however it is paged."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from kameng import catalogue, identity
from running import Platform


async def pages(platform: Platform, after: str = "", limit: int = 200) -> tuple[list[dict[str, Any]], str]:
    """Everything after a place, page by page, and the place after it."""
    found: list[dict[str, Any]] = []
    while True:
        query = f"limit={limit}" + (f"&after={after}" if after else "")
        answer = (await platform.get("/api/v1/products/changes", query)).json
        assert len(answer["changes"]) <= limit
        found += answer["changes"]
        after = answer["next_after"]
        if not answer["more"]:
            return found, after


async def test_every_sku_once_then_only_what_changed(platform: Platform) -> None:
    first, after = await pages(platform)
    listed = (await platform.get("/api/v1/catalogue")).json["skus"]
    assert [one["product"] for one in first if one["product"]["state"] == "on_sale"] == listed
    assert {(one["change"], one["revision"]) for one in first} == {("published", 1)}
    assert (await pages(platform, limit=7))[0] == first
    assert await pages(platform, after) == ([], after)

    goods = platform.goods
    await catalogue.set_sku(platform.db, goods.few.sku_id, {"state": "withdrawn"})
    await catalogue.set_sku(platform.db, goods.card.sku_id, {"external_ref": "ERP-1", "list_price_e4": 1_110_000})
    changed, later = await pages(platform, after, limit=1)
    shown = [(c["change"], c["revision"], c["product"]["sku"], c["product"]["external_ref"]) for c in changed]
    assert shown == [
        ("withdrawn", 2, str(goods.few.sku_id), ""), ("changed", 2, str(goods.card.sku_id), "ERP-1"),
    ]  # fmt: skip
    assert changed[1]["product"]["price"] == "111.0000"
    async with platform.db.connection() as connection:
        query = "SELECT at FROM sku_revision WHERE sku_id = $1 AND revision = 2"
        at = await connection.fetchval(query, goods.few.sku_id)
    assert changed[0]["at"] == f"{at.isoformat(timespec='milliseconds')[:23]}Z"
    assert await pages(platform, later) == ([], later)


async def test_what_changes_while_it_is_paged_comes_again(platform: Platform) -> None:
    first = (await platform.get("/api/v1/products/changes", "limit=5")).json
    early = first["changes"][0]["product"]["sku"]
    await catalogue.set_sku(platform.db, int(early), {"note": "新"})
    rest, _ = await pages(platform, first["next_after"], limit=50)
    everything = first["changes"] + rest
    assert [one["revision"] for one in everything if one["product"]["sku"] == early] == [1, 2]
    assert rest[-1]["product"]["sku"] == early
    assert len(everything) == len({one["product"]["sku"] for one in everything}) + 1


@pytest.mark.parametrize("after", ["x", "A" * 21 + "!", "_" * 22, base64.urlsafe_b64encode(b"\xff" * 16).decode()[:22]])
async def test_a_place_is_one_of_ours(common: Platform, after: str) -> None:
    answer = await common.get("/api/v1/products/changes", f"after={after}")
    assert (answer.status, answer.code, answer.json["field"]) == (400, "bad_request", "after")
    assert answer.json["detail_zh"]


async def test_an_organisation_has_a_name_elsewhere(platform: Platform) -> None:
    org_id = platform.seed.shop.organisation.org_id
    new = await identity.set_organisation(platform.db, org_id, external_ref="CRM-7")
    assert (new.external_ref, new.state) == ("CRM-7", "active")
    again = await identity.set_organisation(platform.db, org_id, level=2)
    assert (again.external_ref, again.level) == ("CRM-7", 2)
    with pytest.raises(identity.BadOrganisationSettings) as refused:
        await identity.set_organisation(platform.db, org_id, external_ref="x" * 65)
    assert (refused.value.field, refused.value.detail_zh) == ("external_ref", "外部编码：最多 64 个可见字符")
