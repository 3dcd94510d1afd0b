"""Payment channels and smart routing at the console, without a browser: added, tried, switched, ruled, explained."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from kameng import payments
from kameng.channels import Method, Scene
from kameng.openapi.app import Parts
from kameng.ops import founding
from kameng.payments import Payer
from pages import Visitor, rows_of, signed_in, text_of
from payments.bank import PROTOCOL, Bank, open_bank
from running import Answer, Platform

SETTINGS = {
    "name": "loop", "account_no": "M-1", "fee_ppm": "0.38", "least_e4": "1", "most_e4": "5000", "day_most_e4": "9000",
    "opens_min": "22:00", "closes_min": "02:00", "licence_until": "2027-01-31", "notify_from": "10.0.0.0/8, ::1/128",
    "weight": "300", "offer_wechat_qr": "on",
}  # fmt: skip


def parts_of(platform: Platform) -> Parts:
    assert platform.gateway._parts is not None
    return platform.gateway._parts


async def staff(platform: Platform, role: str = "finance") -> Visitor:
    return await signed_in(platform, await founding.found_house(platform.db), role)


def forget(platform: Platform) -> None:
    parts_of(platform).cashier.channels._read_at_s = float("-inf")


@pytest.fixture
async def bank(platform: Platform) -> AsyncIterator[Bank]:
    async with open_bank() as opened:
        yield opened


async def add(desk: Visitor, bank: Bank, name: str = "loop", **more: str) -> Answer:
    form = {"protocol": PROTOCOL, "name": name, "account_no": "M-1", "fee_ppm": "0.6", "c_base": bank.base,
            "c_secret": bank.secret}  # fmt: skip
    return await desk.post("/console/channels/new", form | more)


async def test_a_channel_is_added_tried_switched_on_and_set(platform: Platform, bank: Bank) -> None:
    desk = await staff(platform)
    refused = await add(desk, bank, c_secret="", fee_ppm="cheap")
    assert refused.status == 422
    assert 'id="c_secret-error"' in refused.body.decode()
    assert 'id="fee_ppm-error"' in refused.body.decode()
    assert bank.base not in refused.body.decode()  # credentials are never shown again, also not what was typed
    added = await add(desk, bank)
    assert (added.status, added.headers["location"]) == (303, "/console/channels/1")
    forget(platform)
    tried = await desk.post("/console/channels/1/try")
    assert [row.split()[0] for row in rows_of(tried)[:3]] == ["下单", "查询", "关单"]
    assert [call for call, _ in bank.calls] == ["begin", "query", "close"]
    assert (await desk.post("/console/channels/1/switch", {"on": "1", "reason": ""})).status == 422
    assert (await desk.post("/console/channels/1/switch", {"on": "1", "reason": "签约"})).status == 303
    bad = await desk.post("/console/channels/1", SETTINGS | {"weight": "-1", "opens_min": "25:00"})
    assert (bad.status, bad.body.decode().count('class="error"')) == (422, 2)
    none = await desk.post("/console/channels/1", {k: v for k, v in SETTINGS.items() if k != "offer_wechat_qr"})
    assert none.status == 422
    assert (await desk.post("/console/channels/1", SETTINGS)).status == 303
    one = await payments.find_channel(platform.db, 1)
    assert (one.is_on, one.fee_ppm, one.day_most_e4, one.opens_min, one.closes_min, one.weight, one.offers) == (
        True, 3800, 90_000_000, 1320, 120, 300, (("wechat", "qr"),),
    )  # fmt: skip
    assert one.notify_from == ("10.0.0.0/8", "::1/128")
    forget(platform)
    page = await desk.get("/console/channels/1")
    shown = dict(re.findall(r'name="(\w+)" type="\w+" value="([^"]*)"', page.body.decode()))
    assert {name: shown[name] for name in ("fee_ppm", "opens_min", "licence_until", "notify_from")} == {
        "fee_ppm": "0.38", "opens_min": "22:00", "licence_until": "2027-01-31", "notify_from": "10.0.0.0/8 ::1/128",
    }  # fmt: skip
    assert bank.secret not in page.body.decode()
    sealed = await desk.post("/console/channels/1/credentials", {"c_base": bank.base, "c_secret": "other"})
    assert sealed.status == 303
    lines = await platform.db.pool.fetch("SELECT act FROM audit_line WHERE act LIKE 'channel.%' ORDER BY audit_id")
    acts = ["add", "try", "on", "change", "seal"]
    assert [line["act"] for line in lines] == [f"channel.{act}" for act in acts]


async def test_how_channels_are_and_why_one_was_chosen(platform: Platform, bank: Bank) -> None:
    desk = await staff(platform)
    for name in ("loop", "other"):
        await add(desk, bank, name)
    for number in (1, 2):
        await desk.post(f"/console/channels/{number}/switch", {"on": "1", "reason": "go"})
    rule = {"name": "big ones", "act": "pin", "channels": "2", "from": "500", "method": "wechat"}
    assert (await desk.post("/console/routing/rules", rule)).status == 303
    forget(platform)
    organisation = platform.seed.shop.organisation
    begun = [
        await payments.begin_recharge(
            parts_of(platform).cashier, organisation, amount, client_ref=f"r{amount}", method=Method.wechat,
            scene=Scene.qr, payer=Payer(),
        )
        for amount in (1_000_000, 10_000_000)
    ]  # fmt: skip
    listed = rows_of(await desk.get("/console/channels"))
    assert [row.split()[0] for row in listed] == ["loop", "other"]
    assert "正常" in listed[0]
    assert "0.60%" in listed[0]
    dry = await desk.get("/console/routing?method=wechat&scene=qr&amount=800")
    assert [row.split()[0] for row in rows_of(dry)] == ["other", "loop"]
    assert "规则指定 big ones" in text_of(dry)
    assert "规则指定了其他通道" in rows_of(dry)[1]
    found = await desk.get(f"/console/routing/decisions?payment=K{begun[1].payment.payment_id}")
    assert found.headers["location"] == f"/console/routing/decisions/{begun[1].payment.payment_id}"
    told = text_of(await desk.get(found.headers["location"]))
    assert "选中" in told
    assert "结果一致" in told
    assert (await desk.get("/console/routing/decisions/12345")).status == 404
    assert (await desk.get("/console/routing/decisions?payment=nonsense")).status == 404
    assert bank.calls == [("begin", one.payment.payment_no) for one in begun]  # the dry run sent nobody


async def test_rules_are_made_changed_moved_and_ended(platform: Platform, bank: Bank) -> None:
    desk = await staff(platform)
    for name in ("loop", "other"):
        await add(desk, bank, name)
    wrong = {"name": "x", "act": "split", "channels": "1=many", "hours": "late", "to": "-1"}
    answer = await desk.post("/console/routing/rules", wrong)
    assert answer.status == 422
    assert answer.body.decode().count('class="error"') == 2  # hours and amount: the rest is read after them
    for channels, act in (("1=many", "split"), ("1=80, 2=30", "split"), ("1, x", "pin"), ("9", "refuse")):
        refused = await desk.post("/console/routing/rules", {"name": "x", "act": act, "channels": channels})
        assert (refused.status, 'id="new-channels-said"' in refused.body.decode()) == (422, True), channels
    rules = (
        {"name": "night", "act": "groups", "channels": "1 > 2", "hours": "22:00-06:00", "merchants": "7, 8"},
        {"name": "third", "act": "split", "channels": "1=30, 2=20.5", "bins": "6225，6226", "to": "99.99"},
    )
    for rule in rules:
        assert (await desk.post("/console/routing/rules", rule)).status == 303
    assert (await desk.post("/console/routing/rules/2/up")).status == 303
    standing = await payments.find_routing(platform.db)
    assert [one.rule.name for one in standing.rules] == ["third", "night"]
    third, night = (one.rule for one in standing.rules)
    assert (third.shares, third.when.bins) == (((1, 3000), (2, 2050)), ("6225", "6226"))
    assert third.when.amount_max_minor == 9999
    assert (night.groups, night.when.hours, night.when.merchants) == (((1,), (2,)), ((1320, 360),), (7, 8))
    page = (await desk.get("/console/routing")).body.decode()
    for shown in ('value="1=30, 2=20.5"', 'value="1 &gt; 2"', 'value="22:00-06:00"', 'value="6225, 6226"'):
        assert shown in page
    assert (await desk.post("/console/routing/rules/1", rules[0] | {"name": "nights"})).status == 303
    assert (await desk.post("/console/routing/rules/1", rules[0] | {"name": "third"})).status == 422
    assert (await desk.post("/console/routing/rules/2/end", {"reason": ""})).status == 422
    assert (await desk.post("/console/routing/rules/2/end", {"reason": "over"})).status == 303
    assert (await desk.post("/console/routing/rules/2/end", {"reason": "over"})).status == 404
    assert [one.rule.name for one in (await payments.find_routing(platform.db)).rules] == ["nights"]
    assert (await desk.post("/console/routing/mode", {"mode": "weights", "reason": ""})).status == 422
    mode = {"mode": "order", "fee_weight": "0.3", "reason": "x"}
    assert (await desk.post("/console/routing/mode", mode)).status == 303
    policy = (await payments.find_routing(platform.db)).policy
    assert (policy.mode, policy.fee_weight) == ("order", 0.3)


async def test_who_may_only_look_changes_nothing(platform: Platform, bank: Bank) -> None:
    await add(await staff(platform), bank)
    desk = await staff(platform, "auditor")
    for path in ("/console/channels", "/console/channels/1", "/console/routing"):
        page = await desk.get(path)
        assert page.status == 200
        assert re.findall(r'<form action="/console[^"]*" method="post"', page.body.decode()) == []
    for path in (
        "/channels/new", "/channels/1", "/channels/1/switch", "/channels/1/credentials", "/channels/1/try",
        "/routing/mode", "/routing/rules", "/routing/rules/1", "/routing/rules/1/up", "/routing/rules/1/end",
    ):  # fmt: skip
        assert (await desk.post(f"/console{path}", SETTINGS | {"reason": "by", "on": "1"})).status == 403, path
    assert not (await payments.find_channel(platform.db, 1)).is_on
    support = await staff(platform, "support")
    assert (await support.get("/console/channels")).status == 403
    assert bank.calls == []


async def test_who_cant_pay_with_what_is_shown_gets_another_channel(platform: Platform, bank: Bank) -> None:
    desk = await staff(platform)
    for number, name in ((1, "loop"), (2, "other")):
        await add(desk, bank, name)
        await desk.post(f"/console/channels/{number}/switch", {"on": "1", "reason": "go"})
    forget(platform)
    payer = await signed_in(platform, platform.seed.shop.organisation)
    form = {"amount": "100", "method": "wechat", "token": "web-elsewhere"}
    path = (await payer.post("/merchant/recharge", form)).headers["location"]
    assert 'id="elsewhere"' in (await payer.get(path)).body.decode()
    for fields in ({"method": "wechat"}, {"method": "wechat", "elsewhere": "1"}):
        assert (await payer.post(path, fields)).status == 303
    rows = await platform.db.pool.fetch("SELECT channel_id FROM payment ORDER BY attempt")
    assert sorted(row["channel_id"] for row in rows) == [1, 2]  # the first press shows what is there
