"""The go-live checklist: each step is ticked off by doing it, by nobody else, and what was seen is kept."""

from __future__ import annotations

import re
from ipaddress import ip_network

import msgspec
from aiohttp import web
from aiohttp.test_utils import TestServer

from kameng.identity import IssuedKey
from kameng.notices import Policy
from kameng.openapi import golive
from running import Answer, Platform

ALL = [step.code for step in golive.STEPS]


async def done_by(platform: Platform, key: IssuedKey) -> set[str]:
    answer = await platform.post("/api/v1/golive", key=key)
    assert answer.status == 200, answer
    items = answer.json["items"]
    assert [item["code"] for item in items] == ALL
    assert all(re.search("[a-z]", item["en"]) and re.search("[\u4e00-\u9fff]", item["zh"]) for item in items)
    done = {item["code"] for item in items if item["done"]}
    assert answer.json["ready"] is (done == set(ALL))
    return done


async def test_each_step_is_ticked_off_by_doing_it(platform: Platform) -> None:
    shop = platform.seed.shop
    key, sku = shop.sandbox_key, platform.goods.card
    done = {"signed", "clock"}
    assert await done_by(platform, key) == done

    async def adds(code: str, answer: Answer, status: int) -> None:
        assert answer.status == status, answer
        done.add(code)
        assert await done_by(platform, key) == done, code

    await adds("wrong_signature", await platform.get("/api/v1/balance", key=key, secret="ks_" + "x" * 43), 401)
    placed = await platform.place("a", sku, key=key)
    await adds("placed", placed, 201)
    await adds("repeated", await platform.place("a", sku, key=key), 200)
    await adds("content_changed", await platform.place("a", sku, 2, key=key), 422)
    await adds("refused", await platform.place("b#0001", sku, key=key), 409)
    rows = [{"client_ref": f"bulk-{n}", "sku": str(sku.sku_id)} for n in (1, 2)]
    await adds("bulk", await platform.post("/api/v1/orders/bulk", {"orders": rows}, key=key), 200)
    assert (await platform.get("/api/v1/orders", "client_ref=nobody-s", key=key)).json["orders"] == []
    assert await done_by(platform, key) == done
    await adds("found_by_ref", await platform.get("/api/v1/orders", "client_ref=a", key=key), 200)
    await adds("revealed", await platform.post(f"/api/v1/orders/{placed.json['id']}/reveal", key=key), 200)
    await platform.issue_key(shop.organisation, allowed_ips=["198.51.100.0/24"])
    done.add("ip_list")
    assert await done_by(platform, key) == done
    assert done == set(ALL) - {"webhook"}
    parts = platform.gateway._parts
    msgspec.structs.force_setattr(parts, "policy", Policy(http=True, networks=(ip_network("127.0.0.0/8"),)))
    statuses = [500, 204]

    async def take(_: web.Request) -> web.Response:
        return web.Response(status=statuses.pop(0))

    receiver = web.Application()
    receiver.router.add_post("/", take)
    async with TestServer(receiver) as server:
        made = await platform.post("/api/v1/webhooks", {"url": str(server.make_url("/"))}, key=key)
        path = f"/api/v1/webhooks/{made.json['webhook']['id']}/test"
        assert (await platform.post(path, key=key)).json["delivered"] is False
        assert await done_by(platform, key) == done
        await adds("webhook", await platform.post(path, key=key), 200)
    assert done == set(ALL)


async def test_what_was_seen_is_kept_and_noted_once(platform: Platform) -> None:
    key = platform.seed.shop.sandbox_key
    await platform.place("a", platform.goods.card, key=key)
    done = await done_by(platform, key)
    before = await platform.count("audit_line")
    platform.gateway._parts.lanes.rehearsals._seen.clear()  # type: ignore[union-attr] # as a gateway that was started anew
    assert await done_by(platform, key) == done == {"signed", "clock", "placed"}
    assert await platform.count("audit_line") == before
    async with platform.db.connection() as connection:
        assert await golive.saved(connection, key.key_id) == done
    other = platform.seed.other.sandbox_key
    assert await done_by(platform, other) == {"signed", "clock"}


async def test_nothing_is_noted_of_a_live_key(platform: Platform) -> None:
    await platform.place("a", platform.goods.card)
    before = await platform.trace()
    assert await done_by(platform, platform.key) == {"signed", "clock"}
    assert await platform.trace() == before
