"""Paying through the doors: begun by a signed request, told by the provider, seen as paid; and what is refused."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kameng import payments
from kameng.kit import lanes, money, places
from kameng.ops import auditing
from kameng.routing import Rule, When
from payments.bank import PROTOCOL, Bank
from payments.doors import awaited, bank, parts_of, work
from running import Answer, Platform

__all__ = ["bank"]


async def tell(platform: Platform, bank: Bank, number: str, *, path: str = "/pay/notices/1", **facts: Any) -> Answer:
    notice = bank.notice(number, **facts)
    return await platform.send(notice.method, path, "", notice.body, dict(notice.headers))


async def test_an_order_is_paid_through_the_doors(platform: Platform, bank: Bank) -> None:
    order = await awaited(platform)
    path = f"/api/v1/orders/{order.order_id}/payments"
    begun = await platform.post(path, {"method": "wechat"})
    assert (begun.status, begun.json["state"]) == (200, "waiting")
    assert begun.json["amount"] == money.format_e4(order.total_e4)
    number = begun.json["number"]
    assert begun.json["shown"] == {"kind": "qr", "text": f"loop://{number}", "fields": {}}
    assert (await platform.post(path, {"method": "wechat"})).json == begun.json
    bank.pay(number)
    forged = await tell(platform, bank, number, secret="guessed")
    assert (forged.status, forged.body) == (500, b"fail")
    told = await tell(platform, bank, number)
    assert (told.status, told.body, told.headers["content-type"]) == (200, b"success", "text/plain")
    assert (await tell(platform, bank, number)).body == b"success"
    (found,) = (await platform.get(path)).json["payments"]
    assert (found["state"], found["shown"], found["paid_at"] is None) == ("paid", None, False)
    assert (await platform.get(f"/api/v1/orders/{order.order_id}")).json["state"] == "delivered"
    again = await platform.post(path, {"method": "wechat"})
    assert (again.status, again.code) == (409, "not_payable")


async def test_a_wallet_is_recharged_through_the_doors(platform: Platform, bank: Bank) -> None:
    await payments.add_bonus(platform.db, from_e4=1_000_000, give_ppm=50_000, actor_id=7)
    sent = {"client_ref": "R-1", "amount": "500.00", "method": "alipay"}
    begun = await platform.post("/api/v1/recharges", sent)
    assert (begun.status, begun.json["state"], begun.json["bonus"]) == (200, "open", "25.0000")
    other = await platform.post("/api/v1/recharges", sent | {"amount": "501.00"})
    assert (other.status, other.code) == (422, "recharge_reused")
    number = begun.json["payments"][0]["number"]
    bank.pay(number)
    assert (await tell(platform, bank, number)).status == 200
    assert (await platform.get("/api/v1/balance")).json["posted"] == "100525.0000"
    found = (await platform.get(f"/api/v1/recharges/{begun.json['id']}")).json
    assert (found["state"], found["payments"][0]["state"]) == ("paid", "paid")
    (listed,) = (await platform.get("/api/v1/recharges")).json["recharges"]
    assert (listed["id"], listed["state"]) == (begun.json["id"], "paid")
    stranger = await platform.get(f"/api/v1/recharges/{begun.json['id']}", key=platform.seed.other.key)
    assert (stranger.status, stranger.code) == (404, "no_such_payment")


async def second_channel(platform: Platform, bank: Bank) -> int:
    number = await payments.add_channel(
        platform.db, platform.ring, protocol=PROTOCOL, name="second", account_no="M-1", actor_id=7,
        credentials={"base": bank.base, "secret": bank.secret},
    )  # fmt: skip
    await payments.switch_channel(platform.db, number, on=True, reason="open", actor_id=7)
    return number


async def test_another_channel_closes_the_one_before(platform: Platform, bank: Bank) -> None:
    order, channel = await awaited(platform), await second_channel(platform, bank)
    path, another = f"/api/v1/orders/{order.order_id}/payments", {"method": "wechat", "another": True}
    first = (await platform.post(path, {"method": "wechat"})).json
    second = (await platform.post(path, another)).json
    assert [(one["attempt"], one["state"]) for one in (first, second)] == [(1, "waiting"), (2, "waiting")]
    rows = await platform.db.pool.fetch("SELECT DISTINCT channel_id FROM payment")
    assert {row["channel_id"] for row in rows} == {1, channel}
    await work(platform)
    assert ("close", first["number"]) in bank.calls
    assert [one["state"] for one in (await platform.get(path)).json["payments"]] == ["closed", "waiting"]
    assert (await platform.post(path, {"method": "wechat"})).json == second  # without it: what is shown now
    bank.pay(second["number"])
    where = await platform.db.pool.fetchval("SELECT channel_id FROM payment WHERE attempt = 2")
    assert (await tell(platform, bank, second["number"], path=f"/pay/notices/{where}")).status == 200
    refused = await platform.post(path, another)
    assert (refused.status, refused.code) == (409, "not_payable")
    assert (await auditing.run(platform.db, platform.ring)).broken == ()


async def test_late_money_of_the_channel_before_goes_back_by_itself(platform: Platform, bank: Bank) -> None:
    await second_channel(platform, bank)
    sent = {"client_ref": "R-1", "amount": "500.00", "method": "alipay"}
    (first,) = (await platform.post("/api/v1/recharges", sent)).json["payments"]
    (second,) = (await platform.post("/api/v1/recharges", sent | {"another": True})).json["payments"]
    assert (first["number"] == second["number"], second["attempt"]) == (False, 2)
    rows = await platform.db.pool.fetch("SELECT attempt, channel_id FROM payment")
    where = {row["attempt"]: f"/pay/notices/{row['channel_id']}" for row in rows}
    for one in (second, first):  # both were paid before anybody closed one
        bank.pay(one["number"])
        assert (await tell(platform, bank, one["number"], path=where[one["attempt"]])).status == 200
    await work(platform)
    (recharge,) = (await platform.get("/api/v1/recharges")).json["recharges"]
    found = (await platform.get(f"/api/v1/recharges/{recharge['id']}")).json["payments"]
    assert [(one["state"], one["refunded"]) for one in found] == [("refunded", "500.0000"), ("paid", "0.0000")]
    assert (await platform.get("/api/v1/balance")).json["posted"] == "100500.0000"
    assert (await auditing.run(platform.db, platform.ring)).broken == ()


async def test_nobody_changes_channels_for_ever(platform: Platform, bank: Bank) -> None:
    order = await awaited(platform)
    path, another = f"/api/v1/orders/{order.order_id}/payments", {"method": "wechat", "another": True}
    answers = [await platform.post(path, another) for _ in range(21)]
    assert [answer.status for answer in answers[:20]] == [200] * 20
    assert answers[20].code == payments.TooManyAttempts.code
    assert len(bank.calls) == 20


@pytest.mark.parametrize(
    ("sent", "code", "field"),
    [
        ({"method": "cash"}, "bad_request", "method"),
        ({"method": "wechat", "wallet": "1.001"}, "bad_request", "wallet"),
        ({"method": "wechat", "wallet": "all"}, "bad_payment", "wallet"),
        ({"method": "wechat", "wallet": "99999.00"}, "bad_payment", "wallet"),
        ({"method": "usdt"}, "no_payment_channel", "method"),
        ({"method": "wechat", "another": "yes"}, "bad_request", "another"),
        ({"method": "wechat", "bank": "工商银行"}, "bad_request", "bank"),
        ({"method": "wechat", "bin": "622"}, "bad_request", "bin"),
        ({"method": "wechat", "bin": "6222021234567890"}, "bad_request", "bin"),
        ({"method": "wechat", "device": "pc"}, "bad_request", "device"),
    ],
)
async def test_what_cant_be_paid_names_its_field(
    platform: Platform, bank: Bank, sent: dict[str, Any], code: str, field: str
) -> None:
    order = await awaited(platform)
    sent = {name: money.format_e4(order.total_e4)[:-2] if value == "all" else value for name, value in sent.items()}
    answer = await platform.post(f"/api/v1/orders/{order.order_id}/payments", sent)
    assert (answer.code, answer.json["field"]) == (code, field)
    assert await platform.count("payment") == 0
    assert bank.calls == []


async def test_rules_see_what_the_caller_knows_of_the_payer(
    platform: Platform, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(places._regions, "203.0.113.7", "浙江")
    for name, when in {"bank": {"banks": ("ICBC",)}, "card": {"bins": ("6222",)}, "at": {"regions": ("浙江",)}}.items():
        rule = Rule(name=name, act="refuse", when=When(**when), channels=(1,))
        await payments.add_rule(platform.db, rule, actor_id=7)
    order = await awaited(platform)
    path, sent = f"/api/v1/orders/{order.order_id}/payments", {"method": "wechat"}
    for known in ({"bank": "ICBC"}, {"bin": "622202"}, {"client_ip": "203.0.113.7"}):
        answer = await platform.post(path, sent | known)
        assert (answer.status, answer.code) == (503, "no_payment_channel")
    assert (await platform.count("payment"), bank.calls) == (0, [])
    known = {"bank": "CCB", "bin": "436742", "device": "phone", "client_ip": "10.0.0.1"}
    begun = await platform.post(path, sent | known)
    assert begun.status == 200
    asked = (await payments.find_decision(platform.db, int(begun.json["id"]))).logged.request
    assert (asked.bank, asked.bin, asked.device, asked.region) == ("CCB", "436742", "phone", "")
    recharge = {"client_ref": "R-9", "amount": "5.00", "method": "wechat", "bank": "ICBC"}
    assert (await platform.post("/api/v1/recharges", recharge)).code == "no_payment_channel"


async def test_nobody_pays_anothers_order_or_sees_its_payments(platform: Platform, bank: Bank) -> None:
    order = await awaited(platform)
    path = f"/api/v1/orders/{order.order_id}/payments"
    assert (await platform.post(path, {"method": "wechat"})).status == 200
    other = platform.seed.other.key
    assert (await platform.post(path, {"method": "wechat"}, key=other)).code == "order_not_found"
    assert (await platform.get(path, key=other)).code == "no_such_payment"
    assert len(bank.calls) == 1


async def test_a_signed_request_begins_once_also_beside_others_and_when_it_was_refused(
    platform: Platform, bank: Bank
) -> None:
    order = await awaited(platform)
    path, nonce = f"/api/v1/orders/{order.order_id}/payments", "begun-once-0123456789"
    both = await asyncio.gather(*(platform.post(path, {"method": "wechat"}, nonce=nonce) for _ in range(2)))
    assert sorted(answer.status for answer in both) == [200, 401]
    assert (await platform.post(path, {"method": "alipay"}, nonce=nonce)).code == "nonce_used"
    assert len(bank.calls) == 1
    refused, sent = "refused-once-0123456789", {"client_ref": "R-1", "amount": "5.00", "method": "usdt"}
    assert (await platform.post("/api/v1/recharges", sent, nonce=refused)).code == "no_payment_channel"
    assert (await platform.post("/api/v1/recharges", sent, nonce=refused)).code == "nonce_used"
    bank.begins = ["refused_channel"]
    assert (await platform.post(path, {"method": "alipay"})).code == "no_payment_channel"


@pytest.mark.parametrize("path", ["/pay/notices/77", "/pay/notices/", "/pay/notices/1x", "/pay/notices/99999999999"])
async def test_nobody_listens_elsewhere(platform: Platform, bank: Bank, path: str) -> None:
    answer = await platform.send("POST", path, "", b"{}", {})
    assert (answer.status, answer.code) == (404, "no_such_channel")
    assert (await platform.send("DELETE", "/pay/notices/1", "", b"", {})).status == 404


async def test_where_the_database_is_away_it_is_told_again(platform: Platform, bank: Bank) -> None:
    order = await awaited(platform)
    begun = await platform.post(f"/api/v1/orders/{order.order_id}/payments", {"method": "wechat"})
    bank.pay(begun.json["number"])
    async with platform.db.connection() as connection, connection.transaction():
        await lanes.pass_gate(connection, platform.seed.shop.organisation.lane)
        await parts_of(platform).db.pool.execute("ALTER TABLE payment_notice RENAME TO away")
    try:
        assert (await tell(platform, bank, begun.json["number"])).body == b"fail"
    finally:
        await parts_of(platform).db.pool.execute("ALTER TABLE away RENAME TO payment_notice")
    assert (await platform.get(f"/api/v1/orders/{order.order_id}")).json["state"] == "awaiting_payment"
    assert (await tell(platform, bank, begun.json["number"])).body == b"success"
