"""Webhooks and the feed, over the wire."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kameng.identity import ALL_SCOPES, Scope
from kameng.kit import ids
from running import Platform, Served, signed_headers

URL = "https://shop.example/kameng"
WEBHOOKS = "/api/v1/webhooks"


async def made(some: Platform, **more: Any) -> Any:
    answer = await some.post(WEBHOOKS, {"url": URL, **more})
    assert answer.status == 201, answer
    return answer.json


async def test_the_life_of_a_webhook(platform: Platform) -> None:
    new = await made(platform, kinds=["order.*"], name="ERP")
    webhook = new["webhook"]
    assert new["secret"].startswith("whsec_")
    assert (webhook["url"], webhook["kinds"], webhook["name"], webhook["state"]) == (URL, ["order.*"], "ERP", "active")
    assert (await platform.get(WEBHOOKS)).json == {"webhooks": [webhook]}
    path = f"{WEBHOOKS}/{webhook['id']}"
    changed = await platform.call("PATCH", path, body={"state": "disabled", "kinds": []})
    assert (changed.status, changed.json["state"], changed.json["kinds"]) == (200, "disabled", [])
    assert (await platform.post(f"{path}/replay", {"since": "2026-11-22T00:00:00Z"})).code == "webhook_disabled"
    rotated = await platform.post(f"{path}/rotate")
    assert rotated.json["secret"] != new["secret"]
    assert (await platform.get(f"{path}/deliveries")).json == {"deliveries": [], "next_cursor": None}
    removed = await platform.call("DELETE", path)
    assert removed.json == {"id": webhook["id"], "state": "removed"}
    assert (await platform.get(WEBHOOKS)).json == {"webhooks": []}
    for method, more in (("PATCH", ""), ("DELETE", ""), ("POST", "/rotate"), ("POST", "/test")):
        body = {} if method == "PATCH" else None
        assert (await platform.call(method, f"{path}{more}", body=body)).code == "webhook_not_found"
    rows = await platform.db.pool.fetch("SELECT act FROM audit_line WHERE act LIKE 'webhook.%' ORDER BY audit_id")
    acts = ["create", "change", "rotate", "remove"]
    assert [row["act"] for row in rows] == [f"webhook.{act}" for act in acts]


async def test_wanting_events_follows_from_active_webhooks(platform: Platform) -> None:
    async def wants() -> bool:
        org_id = platform.seed.shop.organisation.org_id
        return bool(await platform.db.pool.fetchval("SELECT wants_events FROM organisation WHERE org_id = $1", org_id))

    first, second = (await made(platform))["webhook"]["id"], (await made(platform))["webhook"]["id"]
    assert await wants()
    await platform.call("PATCH", f"{WEBHOOKS}/{first}", body={"state": "disabled"})
    assert await wants()
    await platform.call("DELETE", f"{WEBHOOKS}/{second}")
    assert not await wants()
    await platform.call("PATCH", f"{WEBHOOKS}/{first}", body={"state": "active"})
    assert await wants()


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"url": "http://shop.example/"}, "bad_webhook", "url"), ({"url": "https://127.0.0.1/"}, "bad_webhook", "url"),
        ({"url": URL, "kinds": ["everything"]}, "bad_webhook", "kinds"),
        ({"url": URL, "name": "a\nb"}, "bad_webhook", "name"), ({"url": URL, "more": 1}, "bad_request", "more"),
        ({}, "bad_request", "url"),
    ],
)  # fmt: skip
async def test_what_can_not_be_a_webhook(common: Platform, body: Any, code: str, field: str) -> None:
    before = await common.count("webhook_endpoint")
    answer = await common.post(WEBHOOKS, body)
    assert (answer.code, answer.json["field"]) == (code, field)
    assert await common.count("webhook_endpoint") == before


async def test_ten_are_enough(platform: Platform) -> None:
    for _ in range(10):
        await made(platform)
    assert (await platform.post(WEBHOOKS, {"url": URL})).code == "too_many_webhooks"


async def test_webhooks_of_others_are_not_there(platform: Platform) -> None:
    webhook = (await made(platform))["webhook"]
    other = platform.seed.other.key
    path = f"{WEBHOOKS}/{webhook['id']}"
    assert (await platform.get(WEBHOOKS, key=other)).json == {"webhooks": []}
    assert (await platform.get(f"{path}/deliveries", key=other)).code == "webhook_not_found"
    assert (await platform.call("DELETE", path, key=other)).code == "webhook_not_found"
    assert len((await platform.get(WEBHOOKS)).json["webhooks"]) == 1


async def test_a_key_without_the_right_makes_none(platform: Platform) -> None:
    shop = platform.seed.shop.organisation
    key = await platform.issue_key(shop, ALL_SCOPES - {Scope.webhooks_manage})
    assert (await platform.post(WEBHOOKS, {"url": URL}, key=key)).code == "scope_missing"
    assert await platform.count("webhook_endpoint") == 0


async def test_a_test_message_tells_what_came_of_it(platform: Platform) -> None:
    webhook = (await made(platform))["webhook"]
    await platform.db.pool.execute("UPDATE webhook_endpoint SET url = 'https://127.0.0.1:9/'")
    answer = await platform.post(f"{WEBHOOKS}/{webhook['id']}/test")
    told = answer.json
    assert (told["delivered"], told["status"], told["fault"]) == (False, 0, "the address is not public")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "event"), ({"event": "1", "since": "2026-11-22T00:00:00Z"}, "event"), ({"event": "4711"}, "event"),
        ({"since": "2026-11-22T00:00:00Z", "until": "2026-11-24T00:00:00Z"}, "until"),
    ],
)
async def test_what_can_not_be_sent_again(common: Platform, body: Any, field: str) -> None:
    webhook = (await made(common))["webhook"]
    answer = await common.post(f"{WEBHOOKS}/{webhook['id']}/replay", body)
    assert (answer.code, answer.json["field"]) == ("bad_replay", field)
    assert await common.count("webhook_replay") == 0
    await common.call("DELETE", f"{WEBHOOKS}/{webhook['id']}")


async def test_the_feed_is_whole_from_the_first_call_on(platform: Platform) -> None:
    await platform.place("before", platform.goods.card)
    first = (await platform.get("/api/v1/events")).json
    assert (first["events"], first["more"]) == ([], False)
    for ref in ("A-1", "A-2", "A-3"):
        assert (await platform.place(ref, platform.goods.card)).status == 201
    await platform.place("other", platform.goods.card, key=platform.seed.other.key)
    page = (await platform.get("/api/v1/events", f"cursor={first['next_cursor']}&limit=2")).json
    assert [x["data"]["client_ref"] for x in page["events"]] == ["A-1", "A-2"]
    assert page["more"] is True
    last = (await platform.get("/api/v1/events", f"cursor={page['next_cursor']}")).json
    assert [(x["type"], x["data"]["client_ref"], x["data"]["state"]) for x in last["events"]] == [
        ("order.delivered", "A-3", "delivered")
    ]
    again = (await platform.get("/api/v1/events", f"cursor={last['next_cursor']}")).json
    assert (again["events"], again["next_cursor"]) == ([], last["next_cursor"])
    assert "S-1" not in str(page)


async def test_live_events_bring_what_was_missed_and_what_comes(served: Served) -> None:
    """Over a real connection; an order placed while it is open is told at once, each event once."""
    opened = (await served.get("/api/v1/events")).json
    assert (await served.place("live-1", served.seed.goods.deep)).status == 201
    query = f"cursor={opened['next_cursor']}"
    headers = signed_headers(served.key, "GET", "/api/v1/events", query) | {"accept": "text/event-stream"}
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    lines = [f"GET /api/v1/events?{query} HTTP/1.1", "host: kameng.test", *(f"{k}: {v}" for k, v in headers.items())]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    try:
        async with asyncio.timeout(20):
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            assert b"content-type: text/event-stream" in head.lower()
            missed = await reader.readuntil(b"live-1")
            assert (await served.place("live-2", served.seed.goods.deep)).status == 201
            came = await reader.readuntil(b"live-2")
    finally:
        writer.close()
    assert (missed + came).count(b"\nevent: order.delivered\n") == 2
    first_id = missed.partition(b"id: ")[2].partition(b"\n")[0]
    page = (await served.get("/api/v1/events", f"cursor={first_id.decode()}")).json
    assert page["events"][0]["data"]["client_ref"] == "live-2"
    assert ids.parse(page["events"][0]["id"])
