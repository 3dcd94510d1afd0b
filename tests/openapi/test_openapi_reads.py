"""What can be read: every endpoint's good answer, value for value."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from kameng import catalogue, identity, pricing
from kameng.kit import clock, ids, money
from kameng.kit.errors import REGISTRY
from kameng.openapi.v1 import model
from kameng.orders import State
from running import BALANCE_E4, Platform


def yuan(amount_e4: int) -> str:
    return money.format_e4(amount_e4)


async def test_the_catalogue_lists_what_is_on_sale_at_the_callers_price(common: Platform) -> None:
    card = common.goods.card
    answer = await common.get("/api/v1/catalogue")
    assert answer.status == 200
    skus = {sku["sku"]: sku for sku in answer.json["skus"]}
    assert (len(skus), list(skus)) == (176, sorted(skus, key=int))
    assert skus[str(card.sku_id)] == {
        "sku": str(card.sku_id), "scene": card.scene, "brand": card.brand, "product": card.product, "spec": card.spec,
        "kind": "secret", "face_value": yuan(card.face_value_e4), "face_currency": "CNY",
        "price": yuan(card.list_price_e4), "currency": "CNY", "form": [], "region": card.region, "note": card.note,
        "quantity_min": 1, "quantity_max": 100, "quantity_step": 1, "state": "on_sale", "refundable": False,
        "reversible": False, "delivery_promise_minutes": None, "redeem_instructions": "", "barcode": "",
        "confirm_days": None, "external_ref": "", "parts": [], "pickable": False, "pick_fee": "0.0000",
    }  # fmt: skip
    assert skus[str(common.goods.phone.sku_id)]["form"] == [
        {
            "name": "phone", "label": "手机号", "label_en": "Phone number", "widget": "number",
            "pattern": "1[3-9][0-9]{9}", "min_length": 11, "max_length": 11, "required": True, "private": True,
        }
    ]  # fmt: skip


async def test_the_catalogue_is_filtered(common: Platform) -> None:
    everything = (await common.get("/api/v1/catalogue")).json["skus"]
    for name, value in (("scene", "话费"), ("brand", "中国移动"), ("kind", "secret")):
        found = (await common.get("/api/v1/catalogue", f"{name}={value}")).json["skus"]
        assert found == [sku for sku in everything if sku[name] == value] != []
    found = (await common.get("/api/v1/catalogue", "q=网易 100&kind=secret")).json["skus"]
    assert found == [
        sku for sku in everything
        if sku["kind"] == "secret"
        and all(word in f"{sku['brand']} {sku['product']} {sku['spec']} {sku['note']}" for word in ("网易", "100"))
    ]  # fmt: skip
    assert found != []
    assert (await common.get("/api/v1/catalogue", "scene=%E8%AF%9D%E8%B4%B9&brand=nobody")).json == {"skus": []}


async def test_the_catalogue_is_not_sent_twice(platform: Platform) -> None:
    first = await platform.get("/api/v1/catalogue")
    tag = first.headers["etag"]
    again = await platform.get("/api/v1/catalogue", headers={"if-none-match": tag})
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    # Another filter and another caller are other answers.
    assert (await platform.get("/api/v1/catalogue", "kind=link")).headers["etag"] != tag
    assert (await platform.get("/api/v1/catalogue", key=platform.seed.other.key)).headers["etag"] != tag

    shop = platform.seed.shop.organisation
    await pricing.set_named_price(platform.db, platform.goods.card.sku_id, shop.org_id, 12_3456)
    await asyncio.sleep(0.7)  # a gateway looks for changes every half second
    changed = await platform.get("/api/v1/catalogue", headers={"if-none-match": tag})
    assert changed.status == 200
    prices = {sku["sku"]: sku["price"] for sku in changed.json["skus"]}
    assert prices[str(platform.goods.card.sku_id)] == "12.3456"


async def test_a_paused_sku_is_not_listed_but_still_found(platform: Platform) -> None:
    card = platform.goods.card
    await catalogue.change_sku(platform.db, msgspec.structs.replace(card, state="paused"))
    await asyncio.sleep(0.7)
    assert str(card.sku_id) not in {sku["sku"] for sku in (await platform.get("/api/v1/catalogue")).json["skus"]}
    assert (await platform.get(f"/api/v1/catalogue/{card.sku_id}")).json["state"] == "paused"
    refused = await platform.post("/api/v1/quotes", {"sku": str(card.sku_id)})
    assert (refused.status, refused.code, refused.json["field"]) == (409, "not_on_sale", "sku")


async def test_one_sku_comes_with_the_schema_of_its_form(common: Platform) -> None:
    phone = common.goods.phone
    found = (await common.get(f"/api/v1/catalogue/{phone.sku_id}")).json
    assert found["sku"] == str(phone.sku_id)
    assert found["form_schema"] == catalogue.form_schema(catalogue.form_named("phone"))
    assert (await common.get(f"/api/v1/catalogue/{common.goods.card.sku_id}")).json["form_schema"] is None
    for code in ("999999", "0", "abc", "1" * 30, "１"):
        refused = await common.get(f"/api/v1/catalogue/{code}")
        assert (refused.status, refused.code) == (404, "unknown_sku")


async def test_stock_is_told_in_bands(common: Platform) -> None:
    goods = common.goods
    wanted = ",".join(str(sku.sku_id) for sku in (goods.phone, goods.bare, goods.few, goods.card, goods.card))
    answer = await common.get("/api/v1/stock", f"skus={wanted}")
    assert answer.json == {
        "stock": [
            {"sku": str(goods.phone.sku_id), "band": "plenty", "from_stock": False},
            {"sku": str(goods.bare.sku_id), "band": "none", "from_stock": True},
            {"sku": str(goods.few.sku_id), "band": "few", "from_stock": True},
            {"sku": str(goods.card.sku_id), "band": "some", "from_stock": True},
        ]
    }
    everything = (await common.get("/api/v1/stock")).json["stock"]
    assert {line["from_stock"] for line in everything} == {True}
    assert len(everything) == 55


async def test_stock_is_at_most_a_second_old(platform: Platform) -> None:
    few = platform.goods.few
    query = f"skus={few.sku_id}"
    assert (await platform.get("/api/v1/stock", query)).json["stock"][0]["band"] == "few"
    assert (await platform.place("all-of-them", few, 3)).status == 201
    await asyncio.sleep(1.05)
    assert (await platform.get("/api/v1/stock", query)).json["stock"][0]["band"] == "none"


async def test_unknown_skus_in_a_stock_list_are_refused(common: Platform) -> None:
    refused = await common.get("/api/v1/stock", f"skus={common.goods.card.sku_id},5")
    assert (refused.status, refused.code) == (404, "unknown_sku")
    assert (refused.json["field"], refused.json["detail"]) == ("skus", "5")


async def test_a_quote_says_how_the_price_came_about(platform: Platform) -> None:
    card = platform.goods.card
    await pricing.set_level_prices(platform.db, [(card.sku_id, 0, 100_0000)])
    await pricing.set_tier(platform.db, card.sku_id, 10, 15)
    await catalogue.change_sku(platform.db, msgspec.structs.replace(card, cost_e4=1, floor_e4=99_0000))
    await asyncio.sleep(0.7)
    answer = await platform.post("/api/v1/quotes", {"sku": str(card.sku_id), "quantity": 10})
    assert answer.status == 200
    assert answer.json == {
        "sku": str(card.sku_id), "quantity": 10, "currency": "CNY", "unit_price": "99.0000", "total": "990.0000",
        "trace": [
            {"rule": "list", "unit_price": yuan(card.list_price_e4)},
            {"rule": "level:0", "unit_price": "100.0000"},
            {"rule": "tier:10", "unit_price": "98.5000"},
            {"rule": "floor", "unit_price": "99.0000"},
        ],
    }  # fmt: skip


async def test_a_list_of_quotes_answers_each_on_its_own(common: Platform) -> None:
    card = str(common.goods.card.sku_id)
    answer = await common.post("/api/v1/quotes", [{"sku": card}, {"sku": "5"}, {"sku": card, "quantity": 101}])
    assert answer.status == 200
    rows = answer.json["results"]
    assert [(row["index"], row["status"]) for row in rows] == [(0, 200), (1, 404), (2, 400)]
    assert rows[0]["quote"]["quantity"] == 1
    assert [row.get("problem", {}).get("code") for row in rows] == [None, "unknown_sku", "bad_quantity"]
    assert rows[2]["problem"]["detail"] == "1 to 100 in steps of 1"
    refused = await common.post("/api/v1/quotes", [{"sku": card}] * 101)
    assert (refused.status, refused.code) == (400, "bad_request")


async def test_below_cost_there_is_no_quote(platform: Platform) -> None:
    card = platform.goods.card
    await catalogue.change_sku(platform.db, msgspec.structs.replace(card, cost_e4=card.list_price_e4 + 1))
    await asyncio.sleep(0.7)
    refused = await platform.post("/api/v1/quotes", {"sku": str(card.sku_id)})
    assert (refused.status, refused.code) == (409, "below_cost")


async def test_an_order_is_found_by_id_and_by_reference(platform: Platform) -> None:
    card = platform.goods.card
    placed = (await platform.place("A-1", card, 2)).json
    shown = {
        "id": placed["id"], "client_ref": "A-1", "sku": str(card.sku_id), "quantity": 2,
        "unit_price": yuan(card.list_price_e4), "total": yuan(2 * card.list_price_e4), "currency": "CNY",
        "state": "delivered", "sequence": 1, "placed_at": placed["placed_at"], "refunded": "0.0000", "parts": [],
        "trace": [{"rule": "list", "unit_price": yuan(card.list_price_e4)}], "confirm_until": None, "account": None,
    }  # fmt: skip
    assert (await platform.get(f"/api/v1/orders/{placed['id']}")).json == shown
    page = {"orders": [shown], "next_cursor": None}
    assert (await platform.get("/api/v1/orders", "client_ref=A-1")).json == page
    assert (await platform.get("/api/v1/orders", "client_ref=A-2")).json == {"orders": [], "next_cursor": None}
    assert (await platform.get("/api/v1/orders", f"ids=5,{placed['id']},5")).json == page
    for unknown in ("5", "abc", str(int(placed["id"]) + 1), "9" * 25, "0"):
        refused = await platform.get(f"/api/v1/orders/{unknown}")
        assert (refused.status, refused.code) == (404, "order_not_found")


async def test_a_cursor_walks_every_order_once_newest_first(platform: Platform) -> None:
    placed = [(await platform.place(f"ref-{n}", platform.goods.card)).json["id"] for n in range(7)]
    waiting = await platform.place("ref-phone", platform.goods.phone, account={"phone": "13812345678"})
    newest_first = [waiting.json["id"], *reversed(placed)]

    walked, query = [], "limit=3"
    while True:
        page = (await platform.get("/api/v1/orders", query)).json
        walked.append([order["id"] for order in page["orders"]])
        if page["next_cursor"] is None:
            break
        query = f"limit=3&cursor={page['next_cursor']}"
    assert walked == [newest_first[:3], newest_first[3:6], newest_first[6:]]

    # A new order does not move the pages behind a cursor.
    second = (await platform.get("/api/v1/orders", "limit=3")).json["next_cursor"]
    await platform.place("ref-later", platform.goods.card)
    page = (await platform.get("/api/v1/orders", f"limit=3&cursor={second}")).json
    assert [order["id"] for order in page["orders"]] == newest_first[3:6]

    # A page that is full to the last order has no next one.
    assert (await platform.get("/api/v1/orders", "limit=9")).json["next_cursor"] is None
    delivered = (await platform.get("/api/v1/orders", "state=fulfilling&limit=2")).json
    assert ([order["id"] for order in delivered["orders"]], delivered["next_cursor"]) == ([waiting.json["id"]], None)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"), ("limit=201", "limit"), ("limit=ten", "limit"), ("cursor=AAAAAAAAAAA", "cursor"),
        ("cursor=short", "cursor"), ("cursor=__________8", "cursor"), ("state=gone", "state"), ("limt=5", "limt"),
        ("ids=1,,2", "ids"), ("ids=" + ",".join(["1"] * 101), "ids"), ("ids=0", "ids"), ("ids=1%0A", "ids"),
        ("client_ref=", "client_ref"), ("client_ref=a&ids=1", "ids"), ("client_ref=a&state=paid", "client_ref"),
        ("limit=5&limit=6", "limit"), ("cursor=AAAAAAAAAAE%3D", "cursor"),
    ],
)  # fmt: skip
async def test_a_query_that_cant_be_read_names_its_field(common: Platform, query: str, field: str) -> None:
    refused = await common.get("/api/v1/orders", query)
    assert (refused.status, refused.code, refused.json["field"]) == (400, "bad_request", field)
    assert refused.json["detail_zh"]


@pytest.mark.parametrize("query", ["%ff", "client_ref=%80", "&".join(f"a{n}=1" for n in range(30))])
async def test_a_query_that_is_no_query_is_refused(common: Platform, query: str) -> None:
    refused = await common.get("/api/v1/orders", query)
    assert (refused.status, refused.code) == (400, "bad_request")


async def test_an_orders_events_and_the_audit_line_of_its_reveal(platform: Platform) -> None:
    placed = (await platform.place("A-1", platform.goods.card)).json
    events = (await platform.get(f"/api/v1/orders/{placed['id']}/events")).json["events"]
    key_id = platform.seed.shop.key.key_id
    assert events == [
        {
            "sequence": 1, "id": placed["id"], "kind": "order.delivered", "actor": str(key_id),
            "at": placed["placed_at"], "data": None,
        }
    ]  # fmt: skip
    before = await platform.trace()
    revealed = await platform.post(f"/api/v1/orders/{placed['id']}/reveal")
    assert revealed.status == 200
    assert revealed.json == placed | {"goods": []}
    assert await platform.trace() == before | {"audit_line": before["audit_line"] + 1}
    line = await platform.db.pool.fetchrow("SELECT * FROM audit_line ORDER BY audit_id DESC LIMIT 1")
    assert (line["act"], line["subject_id"], line["actor_id"]) == ("order.reveal", int(placed["id"]), key_id)


async def test_a_reveal_is_a_write_whose_nonce_works_once(platform: Platform) -> None:
    placed = (await platform.place("A-1", platform.goods.card)).json
    path = f"/api/v1/orders/{placed['id']}/reveal"
    nonce = "n" * 20
    assert (await platform.post(path, nonce=nonce)).status == 200
    before = await platform.trace()
    refused = await platform.post(path, nonce=nonce)
    assert (refused.status, refused.code) == (401, "nonce_used")
    assert await platform.trace() == before


async def test_cards_are_not_revealed_after_a_week(platform: Platform) -> None:
    placed = (await platform.place("A-1", platform.goods.card)).json
    before = await platform.trace()
    with clock.hold(clock.now_ms() + 7 * 86_400_000 + 60_000):
        refused = await platform.post(f"/api/v1/orders/{placed['id']}/reveal")
    assert (refused.status, refused.code) == (409, "secrets_not_shown")
    assert await platform.trace() == before


async def test_a_key_that_may_not_read_cards_never_sees_one(platform: Platform) -> None:
    key = await platform.issue_key(platform.seed.shop.organisation, ["orders:place", "orders:read"])
    placed = await platform.place("A-1", platform.goods.card, key=key)
    secret = f"S-{platform.goods.card.sku_id}-0001"
    assert placed.json["cards"] == [{"number": f"8614****{'0001'}", "secret": ""}]
    refused = await platform.post(f"/api/v1/orders/{placed.json['id']}/reveal", key=key)
    assert (refused.status, refused.code, refused.json["detail"]) == (403, "scope_missing", "cards:read")
    replayed = await platform.place("A-1", platform.goods.card, key=key)
    assert (replayed.status, replayed.json["cards"]) == (200, [])
    assert secret not in placed.body.decode() + refused.body.decode() + replayed.body.decode()


async def test_balance_and_statement_agree(platform: Platform) -> None:
    card = platform.goods.card
    placed = (await platform.place("A-1", card, 2)).json
    left_e4 = BALANCE_E4 - 2 * card.list_price_e4
    assert (await platform.get("/api/v1/balance")).json == {
        "currency": "CNY", "posted": yuan(left_e4), "held": "0.0000", "credit_line": "0.0000",
        "available": yuan(left_e4),
    }  # fmt: skip
    statement = (await platform.get("/api/v1/statement")).json
    org_id = str(platform.seed.shop.organisation.org_id)
    recharge = statement["lines"][1]
    assert statement == {
        "currency": "CNY",
        "lines": [
            {
                "id": placed["id"], "at": placed["placed_at"], "kind": "posted", "code": "sale",
                "subject": placed["id"], "amount": yuan(-2 * card.list_price_e4), "balance_after": yuan(left_e4),
            },
            {
                "id": recharge["id"], "at": recharge["at"], "kind": "posted", "code": "recharge", "subject": org_id,
                "amount": yuan(BALANCE_E4), "balance_after": yuan(BALANCE_E4),
            },
        ],
        "next_cursor": None,
    }  # fmt: skip


async def test_a_cursor_walks_the_statement(platform: Platform) -> None:
    placed = [(await platform.place(f"ref-{n}", platform.goods.card)).json["id"] for n in range(4)]
    first = (await platform.get("/api/v1/statement", "limit=2")).json
    assert [line["subject"] for line in first["lines"]] == placed[:1:-1]
    second = (await platform.get("/api/v1/statement", f"limit=2&cursor={first['next_cursor']}")).json
    assert [line["subject"] for line in second["lines"]] == placed[1::-1]
    third = (await platform.get("/api/v1/statement", f"limit=2&cursor={second['next_cursor']}")).json
    assert ([line["code"] for line in third["lines"]], third["next_cursor"]) == (["recharge"], None)


async def test_a_sandbox_has_money_and_orders_of_its_own(platform: Platform) -> None:
    key = platform.seed.shop.sandbox_key
    on_hand = await platform.db.pool.fetchval("SELECT sum(on_hand) FROM allotment")
    placed = (await platform.place("A-1", platform.goods.bare, 2, key=key)).json
    number = placed["id"]
    assert placed["currency"] == "XTS"
    assert placed["cards"] == [
        {"number": f"PLAY{number}", "secret": f"SANDBOX-{number}-1"},
        {"number": f"PLAY{number}", "secret": f"SANDBOX-{number}-2"},
    ]
    balance = (await platform.get("/api/v1/balance", key=key)).json
    left_e4 = identity.PLAY_MONEY_E4 - 2 * platform.goods.bare.list_price_e4
    assert (balance["currency"], balance["posted"]) == ("XTS", yuan(left_e4))
    assert await platform.db.pool.fetchval("SELECT sum(on_hand) FROM allotment") == on_hand
    assert (await platform.get("/api/v1/orders")).json["orders"] == []
    assert (await platform.get(f"/api/v1/orders/{number}")).code == "order_not_found"
    assert (await platform.get("/api/v1/balance")).json["posted"] == yuan(BALANCE_E4)


async def test_the_self_test_tells_what_a_key_may_do(common: Platform) -> None:
    shop = common.seed.shop
    at_ms = clock.now_ms() // 1000 * 1000 + 400
    with clock.hold(at_ms):
        answer = await common.get("/api/v1/self-test")
    shown = answer.json
    assert shown.pop("server_time").endswith(".400Z")
    assert shown == {
        "key": f"ak_{shop.key.key_id}", "sandbox": False, "organisation": "星河数卡",
        "organisation_id": str(shop.organisation.org_id), "currency": "CNY", "signed_with": "KAMENG-HMAC-SHA256",
        "scopes": sorted(identity.ALL_SCOPES),
        "allowed_ips": [], "your_ip": "127.0.0.1", "rate_per_second": 1000, "daily_limit": None, "expires_at": None,
        "clock_ahead_ms": 0,
        "warnings": [
            {
                "code": "no_ip_list", "en": "This key works from any address: give it a list of yours.",
                "zh": "该密钥未限制来源 IP，建议设置白名单。",
            }
        ],
    }  # fmt: skip


@pytest.mark.parametrize(("off_s", "ahead_ms"), [(20, 19_600), (-20, -20_400), (3, 2_600), (0, 0)])
async def test_the_self_test_measures_the_callers_clock(common: Platform, off_s: int, ahead_ms: int) -> None:
    at_s = clock.now_ms() // 1000
    with clock.hold(at_s * 1000 + 400):
        answer = await common.get("/api/v1/self-test", ts_s=at_s + off_s)
    assert answer.json["clock_ahead_ms"] == ahead_ms
    warned = "clock_off" in [warning["code"] for warning in answer.json["warnings"]]
    assert warned == (abs(ahead_ms) > 5000)


async def test_the_self_test_is_for_any_key_and_knows_its_limits(common: Platform) -> None:
    key = await common.issue_key(
        common.seed.shop.organisation, ["orders:place"], allowed_ips=["127.0.0.0/8"], rate_per_second=7,
        daily_limit_e4=50_0000,
    )  # fmt: skip
    shown = (await common.get("/api/v1/self-test", key=key)).json
    assert (shown["scopes"], shown["allowed_ips"], shown["rate_per_second"], shown["daily_limit"]) == (
        ["orders:place"], ["127.0.0.0/8"], 7, "50.0000",
    )  # fmt: skip
    assert [warning["code"] for warning in shown["warnings"]] == ["scopes_missing"]
    sandbox = (await common.get("/api/v1/self-test", key=common.seed.shop.sandbox_key)).json
    assert sandbox["key"].startswith("ak_test_")
    assert (sandbox["sandbox"], [warning["code"] for warning in sandbox["warnings"]]) == (True, ["sandbox"])


async def test_every_error_code_is_listed_for_anybody(common: Platform) -> None:
    answer = await common.get("/api/v1/errors", signed=False)
    assert answer.json["errors"] == [
        {
            "code": code, "status": reason.status, "retry": reason.retry, "outcome": reason.outcome,
            "title": reason.en(), "title_zh": reason.zh,
        }
        for code, reason in sorted(REGISTRY.items())
    ]  # fmt: skip


async def test_health_asks_the_database(platform: Platform) -> None:
    assert (await platform.get("/healthz", signed=False)).json == {"status": "ok"}
    await asyncio.sleep(1.05)
    await platform.db.close()
    refused = await platform.get("/healthz", signed=False)
    assert (refused.status, refused.code, refused.headers["retry-after"]) == (503, "unavailable", "1")


async def test_metrics_are_for_this_machine_only(platform: Platform) -> None:
    answer = await platform.get("/metrics", signed=False)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert b"kameng_http_requests_total{" in answer.body
    forwarded = await platform.get("/metrics", signed=False, headers={"x-forwarded-for": "203.0.113.7"})
    platform.peer = "203.0.113.7"
    elsewhere = await platform.get("/metrics", signed=False)
    assert [(a.status, a.code) for a in (forwarded, elsewhere)] == [(404, "no_such_path")] * 2


def test_the_wire_knows_every_state_of_orders_and_every_kind() -> None:
    assert set(model.OrderState.__args__) == {str(state) for state in State}  # type: ignore[attr-defined]
    assert model.Kind.__args__ == catalogue.KINDS  # type: ignore[attr-defined]


async def test_ids_carry_their_lane_and_others_lanes_are_not_asked(platform: Platform) -> None:
    placed = (await platform.place("A-1", platform.goods.card)).json["id"]
    other_lane = int(placed) ^ (1 << ids.COUNTER_BITS)
    assert ids.lane_of(other_lane) != ids.lane_of(int(placed))
    assert (await platform.get(f"/api/v1/orders/{other_lane}")).code == "order_not_found"
