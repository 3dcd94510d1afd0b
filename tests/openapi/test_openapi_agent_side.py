"""The agent's side: his buyers, his prices, his shop's orders and earnings; nothing of anybody else's, with any key."""

from __future__ import annotations

from typing import Any

import pytest

from kameng import ledger
from kameng.identity import ALL_SCOPES, DEFAULT_SCOPES, Scope
from kameng.kit import epochs
from kameng.ops import founding
from kameng.ops.founding import Member
from running import BALANCE_E4, Answer, Platform

GETS = ("bounds", "buyers", "earnings", "markups", "orders", "prices")
TEMPLATE = {"scope": "all", "markup": {"fixed": "1", "percent": "10"}}


class Family:
    """An agent below the platform, one below him, and a buyer of each."""

    def __init__(self, top: Member, low: Member, of_top: Member, of_low: Member) -> None:
        self.top, self.low, self.of_top, self.of_low = top, low, of_top, of_low


@pytest.fixture
async def family(platform: Platform) -> Family:
    async def member(name: str, kind: str, parent: Member | None) -> Member:
        parent_id = None if parent is None else parent.organisation.org_id
        made = await founding.found_member(platform.db, platform.ring, name, kind=kind, parent_id=parent_id)
        org = made.organisation
        await ledger.recharge(platform.db, org.lane, org.org_id, BALANCE_E4, key=f"first:{org.org_id}")
        return made

    top = await member("总代", "agent", None)
    low = await member("分站", "agent", top)
    return Family(top, low, await member("甲店", "merchant", top), await member("乙店", "merchant", low))


async def get(platform: Platform, name: str, member: Member, query: str = "") -> Answer:
    return await platform.get(f"/api/v1/agent/{name}", query, key=member.key)


async def post(platform: Platform, name: str, member: Member, body: Any) -> Answer:
    return await platform.post(f"/api/v1/agent/{name}", body, key=member.key)


def id_of(member: Member) -> str:
    return str(member.organisation.org_id)


async def test_he_sees_who_buys_from_him_and_nobody_further(platform: Platform, family: Family) -> None:
    buyers = (await get(platform, "buyers", family.top)).json["buyers"]
    assert [(one["id"], one["kind"], one["available"]) for one in buyers] == sorted([
        (id_of(family.low), "agent", "100000.0000"), (id_of(family.of_top), "merchant", "100000.0000")
    ])  # fmt: skip
    first = (await get(platform, "buyers", family.top, "limit=1")).json
    rest = (await get(platform, "buyers", family.top, f"cursor={first['next_cursor']}")).json
    assert first["buyers"] + rest["buyers"] == buyers
    assert rest["next_cursor"] is None
    (own,) = (await get(platform, "buyers", family.low)).json["buyers"]
    assert own["id"] == id_of(family.of_low)


async def test_he_sets_what_he_adds_and_his_buyers_pay_it(platform: Platform, family: Family) -> None:
    sku = platform.goods.card
    set_ = await post(platform, "markups", family.top, TEMPLATE)
    assert (set_.status, set_.json["templates"]) == (
        200,
        [{"scope": "all", "which": "", "level": None, "markup": {
            "fixed": "1.0000", "percent": "10.0000", "unit": "0.0001", "rounding": "up", "ending": "0.0000"}}],
    )  # fmt: skip
    assert (await get(platform, "markups", family.top)).json == set_.json
    assert (await get(platform, "markups", family.low)).json == {"templates": []}

    async def quoted(member: Member) -> str:
        parts = platform.gateway._parts
        assert parts is not None
        async with platform.db.connection() as connection:  # else it would follow within a second
            await parts.snapshot.refresh(connection, await epochs.read(connection))
        answer = await platform.post("/api/v1/quotes", {"sku": str(sku.sku_id), "quantity": 1}, key=member.key)
        return str(answer.json["unit_price"])

    price_e4 = -(-sku.list_price_e4 * 11 // 10) + 10_000
    assert await quoted(family.of_top) == await quoted(family.low) == f"{price_e4 / 10_000:.4f}"
    named = {"sku": str(sku.sku_id), "buyer": id_of(family.of_top), "price": "234.5"}
    assert (await post(platform, "prices", family.top, named)).json == {"prices": [named | {"price": "234.5000"}]}
    assert await quoted(family.of_top) == "234.5000"
    assert (await post(platform, "prices", family.top, named | {"price": None})).json == {"prices": []}
    again = await post(platform, "prices", family.top, named | {"price": None})
    assert (again.status, again.code) == (404, "no_such_price")
    bound = {"sku": str(sku.sku_id), "floor": "300.0000", "ceiling": None}
    assert (await post(platform, "bounds", family.top, bound)).json == {"bounds": [bound]}
    assert await quoted(family.of_low) == "300.0000"
    assert (await post(platform, "bounds", family.top, {"sku": str(sku.sku_id)})).json == {"bounds": []}
    gone = await post(platform, "markups", family.top, {"scope": "all", "markup": None})
    assert gone.json == {"templates": []}
    assert await quoted(family.of_top) == f"{sku.list_price_e4 / 10_000:.4f}"


async def test_he_sees_his_shops_orders_with_his_margin_and_no_secret(platform: Platform, family: Family) -> None:
    sku, phone = platform.goods.card, platform.goods.phone
    await post(platform, "markups", family.top, TEMPLATE)
    await post(platform, "markups", family.low, {"scope": "all", "markup": {"fixed": "2"}})
    mine = await platform.place("secret-ref-1", sku, 2, key=family.of_top.key)
    topup = await platform.place("secret-ref-2", phone, key=family.of_top.key, account={"phone": "13812345678"})
    theirs = await platform.place("secret-ref-3", sku, key=family.of_low.key)
    assert [answer.status for answer in (mine, topup, theirs)] == [201] * 3
    seen = await get(platform, "orders", family.top)
    assert [(one["id"], one["buyer"], one["state"]) for one in seen.json["orders"]] == [
        (topup.json["id"], id_of(family.of_top), "fulfilling"), (mine.json["id"], id_of(family.of_top), "delivered")
    ]  # fmt: skip
    margin_e4 = 2 * (-(-sku.list_price_e4 * 11 // 10) + 10_000 - sku.list_price_e4)
    assert seen.json["orders"][1]["margin"] == f"{margin_e4 / 10_000:.4f}"
    text = seen.body.decode()
    for secret in ("secret-ref", "13812345678", "138****", mine.json["cards"][0]["secret"], "list="):
        assert secret not in text
    (one,) = (await get(platform, "orders", family.low)).json["orders"]
    assert (one["id"], one["margin"]) == (theirs.json["id"], "2.0000")
    page = (await get(platform, "orders", family.top, "limit=1")).json
    rest = (await get(platform, "orders", family.top, f"cursor={page['next_cursor']}")).json
    assert page["orders"] + rest["orders"] == seen.json["orders"]
    other = await get(platform, "orders", family.top, f"buyer={id_of(family.of_low)}")
    assert (other.status, other.code) == (404, "organisation_unknown")
    earned = (await get(platform, "earnings", family.low)).json
    assert earned == {"currency": "CNY", "to_settle": "2.0000", "available": "100000.0000"}


async def test_nobody_touches_anothers(platform: Platform, family: Family) -> None:
    sku = str(platform.goods.card.sku_id)
    await post(platform, "markups", family.top, TEMPLATE)
    await post(platform, "bounds", family.top, {"sku": sku, "floor": "1"})
    await post(platform, "prices", family.top, {"sku": sku, "buyer": id_of(family.of_top), "price": "150"})
    before = {name: (await get(platform, name, family.top)).json for name in GETS}
    for body in (
        {"sku": sku, "buyer": id_of(family.of_top), "price": "1"},
        {"sku": sku, "buyer": id_of(family.of_top), "price": None},
        {"sku": sku, "buyer": id_of(family.top), "price": "1"}, {"sku": sku, "buyer": "4711", "price": "1"},
    ):  # fmt: skip
        refused = await post(platform, "prices", family.low, body)
        assert (refused.status, refused.code, refused.json["field"]) == (404, "organisation_unknown", "buyer")
    assert (await post(platform, "markups", family.low, TEMPLATE | {"markup": None})).code == "no_such_price"
    assert (await post(platform, "bounds", family.low, {"sku": sku})).code == "no_such_price"
    assert {name: (await get(platform, name, family.top)).json for name in GETS} == before
    for name in GETS:
        text = (await get(platform, name, family.low)).body.decode()
        assert id_of(family.of_top) not in text
        assert id_of(family.top) not in text


@pytest.mark.parametrize("name", GETS)
async def test_only_agents_with_the_scope(platform: Platform, family: Family, name: str) -> None:
    shop = platform.seed.shop
    assert (await platform.get(f"/api/v1/agent/{name}")).code == "not_agent"
    weak = await platform.issue_key(family.top.organisation, ALL_SCOPES - {Scope.agents_read})
    assert (await platform.get(f"/api/v1/agent/{name}", key=weak)).code == "scope_missing"
    assert (await platform.get(f"/api/v1/agent/{name}", key=family.top.sandbox_key)).code == "not_agent"
    assert shop.organisation.kind == "merchant"


@pytest.mark.parametrize(
    ("name", "body"),
    [("markups", TEMPLATE), ("bounds", {"sku": "1", "floor": "1"}), ("prices", {"sku": "1", "buyer": "1",
                                                                                "price": "1"})],
)  # fmt: skip
async def test_only_agents_with_the_scope_write(
    platform: Platform, family: Family, name: str, body: dict[str, Any]
) -> None:
    assert (await platform.post(f"/api/v1/agent/{name}", body)).code == "not_agent"
    reader = await platform.issue_key(family.top.organisation, DEFAULT_SCOPES | {Scope.agents_read})
    assert (await platform.post(f"/api/v1/agent/{name}", body, key=reader)).code == "scope_missing"
    if name != "markups":
        assert (await post(platform, name, family.top, body)).code == "unknown_sku"
    assert [await platform.count(table) for table in ("markup", "agent_bound", "named_price")] == [0, 0, 0]


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"scope": "sku", "which": "7", "markup": {}}, "unknown_sku", "sku"),
        ({"scope": "brand", "markup": {}}, "bad_price", "which"),
        ({"scope": "all", "which": "x", "markup": {}}, "bad_price", "which"),
        ({"scope": "all", "markup": {"percent": "-100"}}, "bad_price", "percent"),
        ({"scope": "all", "markup": {"ending": "0.9"}}, "bad_price", "ending"),
        ({"scope": "all", "level": 100, "markup": {}}, "bad_request", "level"),
        ({"scope": "all", "markup": {"unit": "2"}}, "bad_request", "markup.unit"),
    ],
)
async def test_templates_that_are_none(
    platform: Platform, family: Family, body: dict[str, Any], code: str, field: str
) -> None:
    refused = await post(platform, "markups", family.top, body)
    assert (refused.code, refused.json["field"]) == (code, field)
    assert await platform.count("markup") == 0
