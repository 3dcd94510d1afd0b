"""Who buys from an agent sees that agent's price and nothing of what it pays, wherever prices are told."""

from __future__ import annotations

from kameng import identity, ledger, pricing
from kameng.ops import founding
from kameng.pricing import Markup, Template
from running import BALANCE_E4, Platform


async def test_a_buyer_sees_his_sellers_price_only(platform: Platform) -> None:
    agent = await founding.found_member(platform.db, platform.ring, "代理", kind="agent")
    parent_id = agent.organisation.org_id
    buyer = await founding.found_member(platform.db, platform.ring, "客户", parent_id=parent_id)
    org = buyer.organisation
    await ledger.recharge(platform.db, org.lane, org.org_id, BALANCE_E4, key="first")
    await pricing.set_markup(platform.db, Template(parent_id, "all", "", -1, Markup(percent_e4=100_000)))
    sku = platform.goods.card
    price_e4 = -(-sku.list_price_e4 * 11 // 10)
    price = f"{price_e4 // 10_000}.{price_e4 % 10_000:04d}"
    order = await platform.place("a-1", sku, key=buyer.key)
    assert (order.status, order.json["unit_price"]) == (201, price)
    seen = [
        order.json,
        (await platform.get(f"/api/v1/orders/{order.json['id']}", key=buyer.key)).json,
        (await platform.post("/api/v1/quotes", {"sku": str(sku.sku_id), "quantity": 1}, key=buyer.key)).json,
    ]
    assert seen[2]["unit_price"] == price
    for told in seen[1:]:
        (steps,) = [value for value in told.values() if isinstance(value, list) and value and "rule" in value[0]]
        assert [(step["rule"], step["unit_price"]) for step in steps] == [("agent", price)]
    listed = await platform.get(f"/api/v1/catalogue/{sku.sku_id}", key=buyer.key)
    assert listed.json["price"] == price
    assert str(parent_id) not in listed.body.decode() + str(seen)


async def test_a_closed_shop_quotes_nothing(platform: Platform) -> None:
    agent = await founding.found_member(platform.db, platform.ring, "代理", kind="agent")
    buyer = await founding.found_member(platform.db, platform.ring, "客户", parent_id=agent.organisation.org_id)
    await identity.set_organisation(platform.db, agent.organisation.org_id, state="suspended")
    sku = str(platform.goods.card.sku_id)
    answer = await platform.post("/api/v1/quotes", {"sku": sku, "quantity": 1}, key=buyer.key)
    assert (answer.status, answer.code) == (409, "shop_closed")
