"""An agent looks at one order of its shop: what is its own, and nothing that is its buyer's or another agent's."""

from __future__ import annotations

from datetime import timedelta

from kameng import ledger, pricing, shops
from kameng.kit import clock
from kameng.ops import founding
from kameng.pricing import Markup, Template
from pages import rows_of, signed_in, text_of
from running import ALL_SCOPES, BALANCE_E4, Platform

PHONE = "13800138000"


async def test_an_agent_opens_an_order_of_its_shop_and_of_no_other(platform: Platform) -> None:
    ring = platform.ring
    agent, stranger = [
        (await founding.found_member(platform.db, ring, name, kind="agent")).organisation for name in ("江南", "江北")
    ]
    await pricing.set_markup(platform.db, Template(agent.org_id, "all", "", -1, Markup(2_500)))
    buyer = await founding.found_member(
        platform.db, ring, "周记便利店", scopes=ALL_SCOPES, parent_id=agent.org_id
    )  # fmt: skip
    payer = buyer.organisation
    await ledger.recharge(platform.db, payer.lane, payer.org_id, BALANCE_E4, key="seed:buyer")
    placed = (await platform.place("private-ref", platform.goods.card, 2, key=buyer.key)).json
    phone = (await platform.place("top-1", platform.goods.phone, account={"phone": PHONE}, key=buyer.key)).json
    other = (await platform.place("mine", platform.goods.card)).json
    mine = await signed_in(platform, agent)

    listed = (await mine.get("/merchant/shop/orders")).body.decode()
    assert f'href="/merchant/shop/orders/{placed["id"]}"' in listed
    answer = await mine.get(f"/merchant/shop/orders/{placed['id']}")
    text = text_of(answer)
    assert (answer.status, "周**" in text, "¥0.50" in text, "已发货" in text) == (200, True, True, True)
    hidden = ("周记便利店", "private-ref", placed["cards"][0]["secret"], placed["cards"][0]["number"])
    assert [one for one in hidden if one in answer.body.decode()] == []
    assert PHONE not in (await mine.get(f"/merchant/shop/orders/{phone['id']}")).body.decode()

    theirs = await signed_in(platform, stranger)
    for number in (placed["id"], phone["id"], other["id"], "1", "x"):
        assert (await theirs.get(f"/merchant/shop/orders/{number}")).status == 404, number
    assert (await mine.get(f"/merchant/shop/orders/{other['id']}")).status == 404
    assert (await mine.get(f"/merchant/orders/{placed['id']}")).status == 404  # with its cards it is its buyer's
    shop = await signed_in(platform, platform.seed.shop.organisation)
    assert (await shop.get(f"/merchant/shop/orders/{placed['id']}")).status == 403  # a merchant has no shop
    assert rows_of(await theirs.get("/merchant/shop/orders")) == []


async def test_an_order_by_the_api_is_held_to_its_share_of_a_sale(platform: Platform) -> None:
    card, now = platform.goods.card, clock.now()
    await shops.plan_sale(
        platform.db, card.sku_id, starts_at=now - timedelta(minutes=1), ends_at=now + timedelta(hours=1), buyer_max=2
    )
    await shops.turn_sales(platform.db)
    first = await platform.place("one", card)
    assert first.status == 201
    before = await platform.trace()
    refused = await platform.place("more", card, 2)
    assert (refused.status, refused.json["code"]) == (409, "share_used")
    assert await platform.trace() == before
    assert (await platform.place("one", card)).json["id"] == first.json["id"]
    assert (await platform.place("two", card)).status == 201
    assert (await platform.place("three", card)).json["code"] == "share_used"
    assert (await platform.place("other", platform.goods.few)).status == 201
    assert (await platform.place("theirs", card, 2, key=platform.seed.other.key)).status == 201
