"""Bundles over the Open API: shown with their parts, ordered like any SKU, each part with its state and its cards."""

from __future__ import annotations

import msgspec

from kameng import catalogue, orders
from kameng.catalogue import Sku, WantedPart
from kameng.identity import Scope
from kameng.orders import Instruction
from kameng.orders.model import Command
from running import Platform

HEAD = "场景,品牌,商品,规格,类型,面值,成本,标价,下单表单,地区,备注"


async def bundle_of(platform: Platform, *wanted: WantedPart) -> Sku:
    await catalogue.import_file(platform.db, f"{HEAD}\n营销,礼包,测试礼包,1,bundle,900,0,900,,全国,\n".encode())
    async with platform.db.connection() as connection:
        skus = (await catalogue.load(connection, None, 1 << 40)).skus.values()
    sku_id = next(sku.sku_id for sku in skus if sku.kind == "bundle")
    await catalogue.set_parts(platform.db, sku_id, wanted)
    sku = await catalogue.set_sku(platform.db, sku_id, {"state": "on_sale"})
    assert (await platform.place("first", platform.goods.deep)).status == 201  # a batch catches up with the catalogue
    return sku


async def test_a_bundle_is_shown_and_its_order_has_its_parts(platform: Platform) -> None:
    goods = platform.goods
    sku = await bundle_of(
        platform, WantedPart(goods.card.sku_id, 2, 6001), WantedPart(goods.phone.sku_id, 1, 3999),
        WantedPart(goods.few.sku_id, 1, 0),
    )  # fmt: skip
    shown = (await platform.get(f"/api/v1/catalogue/{sku.sku_id}")).json
    assert shown["parts"] == [
        {"sku": str(goods.card.sku_id), "quantity": 2, "kind": "secret", "share": "60.01"},
        {"sku": str(goods.phone.sku_id), "quantity": 1, "kind": "topup", "share": "39.99"},
        {"sku": str(goods.few.sku_id), "quantity": 1, "kind": "secret", "share": "0.00"},
    ]
    assert [field["name"] for field in shown["form"]] == ["phone"]
    stock = (await platform.get("/api/v1/stock", f"skus={sku.sku_id}")).json
    assert stock == {"stock": [{"sku": str(sku.sku_id), "band": "few", "from_stock": False}]}

    placed = await platform.place("b-1", sku, account={"phone": "13812345678"})
    assert placed.status == 201
    order = placed.json
    assert (order["state"], order["total"], len(order["cards"])) == ("fulfilling", "900.0000", 3)
    assert [(one["part_no"], one["state"], one["worth"], one["quantity"]) for one in order["parts"]] == [
        (1, "delivered", "540.0900", 2), (2, "waiting", "359.9100", 1), (3, "delivered", "0.0000", 1)
    ]  # fmt: skip
    assert [one["cards"] for one in order["parts"]] == [order["cards"][:2], [], order["cards"][2:]]
    again = await platform.place("b-1", sku, account={"phone": "13812345678"})
    assert (again.status, again.json) == (200, order | {"replayed": True})
    found = (await platform.get(f"/api/v1/orders/{order['id']}")).json
    assert found["parts"] == [{k: v for k, v in one.items() if k != "cards"} for one in order["parts"]]
    revealed = await platform.post(f"/api/v1/orders/{order['id']}/reveal")
    assert revealed.json["parts"] == order["parts"]
    listed = (await platform.get("/api/v1/orders")).json["orders"]
    assert [len(one["parts"]) for one in listed] == [3, 0]

    instruction = Instruction(order_id=int(order["id"]), command=Command.fail_part, key="1", part_no=2)
    await orders.act_on(platform.db, platform.ring, instruction)
    found = (await platform.get(f"/api/v1/orders/{order['id']}")).json
    assert (found["state"], found["refunded"], found["parts"][1]["state"]) == ("settled", "359.9100", "refunded")
    events = (await platform.get(f"/api/v1/orders/{order['id']}/events")).json["events"]
    assert [event["kind"] for event in events] == [
        "order.fulfilling", "order.part_failed", "order.partly_delivered", "order.settled"
    ]  # fmt: skip
    assert events[0]["data"]["parts"][1] == {
        "part_no": 2, "sku": str(goods.phone.sku_id), "quantity": 1, "state": "waiting", "worth": "359.9100"
    }  # fmt: skip


async def test_a_key_that_may_not_read_cards_sees_their_ends(platform: Platform) -> None:
    sku = await bundle_of(platform, WantedPart(platform.goods.card.sku_id))
    key = await platform.issue_key(platform.seed.shop.organisation, [Scope.orders_place])
    placed = await platform.place("masked", sku, key=key)
    (card,) = placed.json["parts"][0]["cards"]
    assert (card["secret"], "****" in card["number"], placed.json["cards"]) == ("", True, [card])
    again = await platform.place("masked", sku, key=key)
    assert (again.json["cards"], again.json["parts"][0]["cards"]) == ([], [])


async def test_a_plain_order_has_no_parts_on_the_wire(platform: Platform) -> None:
    placed = await platform.place("plain", platform.goods.card)
    assert b'"parts"' not in placed.body
    assert msgspec.json.decode(placed.body)["state"] == "delivered"
    found = (await platform.get(f"/api/v1/orders/{placed.json['id']}")).json
    assert found["parts"] == []


async def test_sold_out_with_its_parts(platform: Platform) -> None:
    sku = await bundle_of(platform, WantedPart(platform.goods.card.sku_id), WantedPart(platform.goods.bare.sku_id))
    before = await platform.trace()
    for ref in ("s-1", "s-2"):
        refused = await platform.place(ref, sku)
        assert (refused.status, refused.code, refused.json["field"]) == (409, "sold_out", "sku")
    assert await platform.trace() == before
    stock = (await platform.get("/api/v1/stock", f"skus={sku.sku_id}")).json["stock"]
    assert stock == [{"sku": str(sku.sku_id), "band": "none", "from_stock": True}]
