"""Orders that a supplier works by hand, through the door: only his, once, and what came shown to their buyer."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest

from kameng import catalogue, fulfilment, orders
from kameng.catalogue import Sku
from kameng.identity import ALL_SCOPES
from kameng.kit.working import Worker as JobWorker
from kameng.ops import founding
from kameng.ops.founding import Member
from laws.handwork import CSV, PNG
from running import Answer, Platform

TASKS = "/api/v1/supplier/orders"
PHONE = {"account": {"phone": "138 1234 5678"}}
CONTENT = {"text": "已为您办理", "cards": [{"number": "HAND-1", "secret": "S3CRET-1"}]}


async def by_hand(platform: Platform, supplier: Member) -> tuple[Sku, Sku]:
    await catalogue.import_file(platform.db, CSV.encode())
    async with platform.db.connection() as connection:
        skus = (await catalogue.load(connection, None, 1 << 40)).skus.values()
    worked = {"worked_by": supplier.organisation.org_id}
    plain, phone = [
        await catalogue.set_sku(platform.db, sku.sku_id, worked)
        for product in ("代办服务", "代充服务")
        for sku in skus
        if sku.product == product
    ]
    for _ in range(200):  # the gateway looks for what is new by the clock
        if (await platform.get(f"/api/v1/catalogue/{phone.sku_id}")).status == 200:
            break
        await asyncio.sleep(0.05)
    return plain, phone


async def work(platform: Platform) -> None:
    terms = orders.Terms()
    handlers = [*orders.handlers(platform.ring, terms), *fulfilment.handlers(platform.ring, fulfilment.Terms(), terms)]
    worker = JobWorker(platform.db, handlers, lanes=[0, 1])
    while await worker.work_once():
        pass


async def supplier_of(platform: Platform, name: str) -> Member:
    return await founding.found_member(platform.db, platform.ring, name, kind="supplier")


async def act(platform: Platform, member: Member, task: str, name: str, body: Any = None, **options: Any) -> Answer:
    return await platform.post(f"{TASKS}/{task}/{name}", body, key=member.key, **options)


async def test_from_the_order_to_what_its_buyer_sees(platform: Platform) -> None:
    member = await supplier_of(platform, "手工供货")
    _, sku = await by_hand(platform, member)
    order = (await platform.place("by-hand", sku, **PHONE)).json
    assert order["state"] == "fulfilling"
    await work(platform)
    (task,) = (await platform.get(TASKS, key=member.key)).json["orders"]
    assert (task["order"], task["sku"], task["state"]) == (order["id"], str(sku.sku_id), "open")
    assert (task["product"], task["quantity"], task["part"], task["overdue"]) == ("代充服务", 1, 0, False)
    assert task["account"] == {"phone": "138****5678"}
    assert "by-hand" not in str(task)
    assert (await act(platform, member, task["id"], "answer", CONTENT)).code == "task_not_taken"
    taken = (await act(platform, member, task["id"], "take")).json
    assert (taken["state"], taken["account"]) == ("taken", {"phone": "13812345678"})
    assert (await act(platform, member, task["id"], "take")).json == taken
    back = (await act(platform, member, task["id"], "give-back")).json
    assert (back["state"], back["account"], back["taken_until"]) == ("open", {"phone": "138****5678"}, None)
    await act(platform, member, task["id"], "take")

    image = {**CONTENT, "image": base64.b64encode(PNG).decode()}
    done = (await act(platform, member, task["id"], "answer", image)).json
    assert (done["state"], done["order_state"], done["account"]) == ("answered", "delivered", {"phone": "138****5678"})
    assert (await act(platform, member, task["id"], "answer", image)).json == done
    other = await act(platform, member, task["id"], "answer", CONTENT)
    assert (other.status, other.code) == (422, "answer_differs")
    assert (await platform.get(f"{TASKS}/{task['id']}", key=member.key)).json == done
    assert (await platform.get(TASKS, key=member.key)).json == {"orders": [], "next_cursor": None}
    assert (await platform.get(TASKS, "state=answered", key=member.key)).json["orders"] == [done]

    shown = (await platform.post(f"/api/v1/orders/{order['id']}/reveal")).json
    (goods,) = shown["goods"]
    assert goods.pop("answered_at")
    assert goods == {
        "part": 0, "text": "已为您办理", "cards": [{"number": "HAND-1", "secret": "S3CRET-1"}],
        "image": {"media_type": "image/png", "bytes": len(PNG)},
    }  # fmt: skip
    came = (await platform.post(f"/api/v1/orders/{order['id']}/parts/0/image")).json
    assert (came["media_type"], base64.b64decode(came["data"])) == ("image/png", PNG)
    for part in ("1", "99999", "x", "-1"):
        assert (await platform.post(f"/api/v1/orders/{order['id']}/parts/{part}/image")).code == "no_such_image"
    from_stock = (await platform.place("card", platform.goods.card)).json
    assert (await platform.post(f"/api/v1/orders/{from_stock['id']}/reveal")).json["goods"] == []


async def test_a_refusal_pays_back(platform: Platform) -> None:
    member = await supplier_of(platform, "手工供货")
    sku, _ = await by_hand(platform, member)
    order = (await platform.place("by-hand", sku)).json
    await work(platform)
    (task,) = (await platform.get(TASKS, key=member.key)).json["orders"]
    await act(platform, member, task["id"], "take")
    for _ in range(2):
        refused = (await act(platform, member, task["id"], "refuse", {"reason": "缺货"})).json
        assert (refused["state"], refused["order_state"]) == ("refused", "refunded")
    assert (await act(platform, member, task["id"], "refuse", {"reason": "别的"})).code == "answer_differs"
    events = (await platform.get(f"/api/v1/orders/{order['id']}/events")).json["events"]
    assert [(event["kind"], event["data"] and event["data"].get("reason")) for event in events] == [
        ("order.fulfilling", None), ("order.failed", "缺货"), ("order.refunded", "缺货")
    ]  # fmt: skip
    assert (await platform.post(f"/api/v1/orders/{order['id']}/reveal")).code == "secrets_not_shown"


async def test_nobody_sees_or_touches_what_is_not_his(platform: Platform) -> None:
    """Another supplier, the buyer himself and another merchant, with keys that may everything."""
    member, other = await supplier_of(platform, "甲"), await supplier_of(platform, "乙")
    sku, _ = await by_hand(platform, member)
    order = (await platform.place("by-hand", sku)).json
    await work(platform)
    (task,) = (await platform.get(TASKS, key=member.key)).json["orders"]
    await act(platform, member, task["id"], "take")
    await act(platform, member, task["id"], "answer", CONTENT)
    before = await platform.trace()
    shops = (platform.seed.shop.organisation, platform.seed.other.organisation)
    merchants = [await platform.issue_key(shop, ALL_SCOPES) for shop in shops]
    strangers = [(other.key, "no_such_task"), *((key, "not_supplier") for key in (*merchants, member.sandbox_key))]
    acts: dict[str, Any] = {"take": None, "give-back": None, "answer": CONTENT, "refuse": {"reason": "x"}}
    for key, code in strangers:
        answers = [await platform.get(f"{TASKS}/{task['id']}", key=key)]
        answers += [await platform.post(f"{TASKS}/{task['id']}/{name}", body, key=key) for name, body in acts.items()]
        assert [answer.code for answer in answers] == [code] * 5
    assert (await platform.get(TASKS, key=other.key)).json["orders"] == []
    assert (await platform.get(TASKS, "state=answered", key=other.key)).json["orders"] == []
    for path in (f"/api/v1/orders/{order['id']}/reveal", f"/api/v1/orders/{order['id']}/parts/0/image"):
        for key in (merchants[1], member.key, other.key):
            assert (await platform.post(path, key=key)).code == "order_not_found"
        blind = await platform.issue_key(shops[0], ALL_SCOPES - {"cards:read"})
        assert (await platform.post(path, key=blind)).code == "scope_missing"
    assert await platform.trace() == before | {"audit_line": before["audit_line"] + 4}  # as many keys were issued


@pytest.mark.parametrize("name", ["take", "give-back", "answer", "refuse", ""])
async def test_each_needs_its_scope_and_a_nonce_of_its_own(common: Platform, name: str) -> None:
    member = await supplier_of(common, f"供货 {name}")
    body = {"answer": CONTENT, "refuse": {"reason": "x"}}.get(name)
    path = f"{TASKS}/4711/{name}" if name else TASKS
    method = "POST" if name else "GET"
    scope = "supplier_orders:write" if name else "supplier_orders:read"
    lacking = await common.issue_key(member.organisation, ALL_SCOPES - {scope})
    answer = await common.call(method, path, body=body, key=lacking)
    assert (answer.status, answer.code, answer.json["detail"]) == (403, "scope_missing", scope)
    assert (await common.call(method, path, body=body, key=member.key, signed=False)).code == "signature_missing"
    once = {"nonce": f"once-{name}-0123456789", "key": member.key}
    first = await common.call(method, path, body=body, **once)
    assert (first.status, first.code) == (404, "no_such_task") if name else first.status == 200
    assert (await common.call(method, path, body=body, **once)).code == "nonce_used"


@pytest.mark.parametrize(
    ("name", "body", "code", "field"),
    [
        ("answer", {}, "bad_answer", "text"),
        ("answer", {"text": "\x07"}, "bad_answer", "text"),
        ("answer", {"image": "R0lGODlh"}, "bad_answer", "image"),
        ("answer", {"image": "abc"}, "bad_answer", "image"),
        ("answer", {"image": "!!"}, "bad_request", "image"),
        ("answer", {"cards": [{"number": "1"}]}, "bad_request", "cards[0].secret"),
        ("answer", {"text": "x", "link": "y"}, "bad_request", "link"),
        ("refuse", {}, "bad_request", "reason"),
        ("refuse", {"reason": ""}, "bad_request", "reason"),
    ],
)
async def test_a_body_that_cannot_be(common: Platform, name: str, body: Any, code: str, field: str) -> None:
    member = await supplier_of(common, f"供货 {name} {body}")
    answer = await act(common, member, "4711", name, body)
    assert (answer.status, answer.code, answer.json["field"]) == (400, code, field)


async def test_pages_and_cursors(platform: Platform) -> None:
    member = await supplier_of(platform, "手工供货")
    sku, _ = await by_hand(platform, member)
    for n in range(5):
        await platform.place(f"order-{n}", sku)
    await work(platform)
    whole = (await platform.get(TASKS, key=member.key)).json["orders"]
    found: list[Any] = []
    cursor = ""
    while True:
        page = (await platform.get(TASKS, f"limit=2{cursor}", key=member.key)).json
        found += page["orders"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert (len(found), found) == (5, whole)
    for bad in ("A" * 23, "_" * 24, "!" * 24):
        answer = await platform.get(TASKS, f"cursor={bad}", key=member.key)
        assert (answer.status, answer.json["field"]) == (400, "cursor")


async def test_a_large_image_goes_through_and_a_larger_one_does_not(platform: Platform) -> None:
    member = await supplier_of(platform, "手工供货")
    sku, _ = await by_hand(platform, member)
    await platform.place("by-hand", sku)
    await work(platform)
    (task,) = (await platform.get(TASKS, key=member.key)).json["orders"]
    await act(platform, member, task["id"], "take")
    image = PNG + b"\1" * ((1 << 20) - len(PNG))
    too_large = await act(platform, member, task["id"], "answer", {"image": base64.b64encode(image + b"\1").decode()})
    assert (too_large.status, too_large.code) == (400, "bad_answer")
    assert (await act(platform, member, task["id"], "answer", b"x" * (2 * 1024 * 1024 + 1))).code == "body_too_large"
    answer = await act(platform, member, task["id"], "answer", {"image": base64.b64encode(image).decode()})
    assert (answer.status, answer.json["state"]) == (200, "answered")
