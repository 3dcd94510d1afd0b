"""What buyers may ask of their orders: cancel, confirm, give back; nothing of another's."""

from __future__ import annotations

from kameng import catalogue
from kameng.identity import Scope
from kameng.orders import Terms
from running import Platform

PHONE = {"account": {"phone": "13812345678"}}


async def placed(platform: Platform, ref: str, **more: object) -> str:
    goods = platform.goods.phone if more else platform.goods.card
    answer = await platform.place(ref, goods, **more)
    assert answer.status == 201, answer
    return str(answer.json["id"])


async def test_what_is_on_its_way_is_asked_back(platform: Platform) -> None:
    order_id = await placed(platform, "a", **PHONE)
    for _ in range(2):
        answer = await platform.post(f"/api/v1/orders/{order_id}/cancel")
        assert (answer.status, answer.json["state"], answer.json["sequence"]) == (200, "cancelling", 2)
    assert (await platform.post(f"/api/v1/orders/{order_id}/confirm")).code == "state_forbids"
    events = (await platform.get(f"/api/v1/orders/{order_id}/events")).json["events"]
    assert [(event["kind"], event["actor"]) for event in events] == [
        ("order.fulfilling", str(platform.key.key_id)), ("order.cancelling", str(platform.key.key_id))
    ]  # fmt: skip
    assert events[1]["data"]["state"] == "cancelling"


async def test_a_delivery_is_confirmed_or_given_back(platform: Platform) -> None:
    platform.gateway._parts.snapshot.terms = Terms(confirm_days=7)  # type: ignore[union-attr]
    firm = await placed(platform, "firm")
    shown = (await platform.get(f"/api/v1/orders/{firm}")).json
    assert (shown["state"], shown["refunded"]) == ("delivered", "0.0000")
    assert shown["confirm_until"] > shown["placed_at"]
    assert (await platform.post(f"/api/v1/orders/{firm}/refund")).code == "not_refundable"
    assert (await platform.post(f"/api/v1/orders/{firm}/cancel")).code == "state_forbids"
    answer = await platform.post(f"/api/v1/orders/{firm}/confirm")
    assert (answer.json["state"], answer.json["confirm_until"]) == ("settled", None)
    await catalogue.set_sku(platform.db, platform.goods.card.sku_id, {"refundable": True})
    before = (await platform.get("/api/v1/balance")).json["posted"]
    soft = await placed(platform, "soft")
    answer = await platform.post(f"/api/v1/orders/{soft}/refund")
    assert (answer.json["state"], answer.json["refunded"]) == ("refunded", answer.json["total"])
    assert (await platform.get("/api/v1/balance")).json["posted"] == before
    assert (await platform.post(f"/api/v1/orders/{soft}/reveal")).code == "secrets_not_shown"


async def test_nobody_changes_anothers_order(platform: Platform) -> None:
    order_id = await placed(platform, "mine", **PHONE)
    reader = await platform.issue_key(platform.seed.shop.organisation, [Scope.orders_read])
    trace = await platform.trace()
    for act in ("cancel", "confirm", "refund"):
        path = f"/api/v1/orders/{order_id}/{act}"
        assert (await platform.post(path, key=platform.seed.other.key)).code == "order_not_found"
        assert (await platform.post(path, key=reader)).code == "scope_missing"
        for nowhere in ("none", str(1000 << 12), "1"):
            assert (await platform.post(f"/api/v1/orders/{nowhere}/{act}")).code == "order_not_found"
    assert await platform.trace() == trace


async def test_a_signature_serves_once(platform: Platform) -> None:
    order_id = await placed(platform, "once", **PHONE)
    path = f"/api/v1/orders/{order_id}/cancel"
    assert (await platform.post(path, nonce="n" * 22)).status == 200
    assert (await platform.post(path, nonce="n" * 22)).code == "nonce_used"
