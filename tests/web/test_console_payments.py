"""Payments and refunds at the console: found, told whole with what was sent, asked about, confirmed, given back."""

from __future__ import annotations

import json
import re
from typing import Any

from kameng import lists, payments
from kameng.channels import Incoming, Method, Scene
from kameng.ops import auditing, founding
from kameng.orders import ShownOrder
from kameng.payments import Payer, Payment
from kameng.web import plans
from kameng.web.console.payment_plans import CAUSES, TAKEN
from kameng.web.planning import Tools
from pages import Visitor, rows_of, signed_in, text_of
from payments.bank import Bank
from payments.doors import awaited, bank, parts_of, work
from running import Platform

__all__ = ["bank"]

OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"


async def staff(platform: Platform, role: str = "finance") -> Visitor:
    return await signed_in(platform, await founding.found_house(platform.db), role)


async def begun(platform: Platform, order: ShownOrder) -> Payment:
    return (
        await payments.begin_order(
            parts_of(platform).cashier, platform.seed.shop.organisation, order.order_id, method=Method.wechat,
            scene=Scene.qr, payer=Payer(),
        )
    ).payment  # fmt: skip


async def told(platform: Platform, notice: Incoming) -> int:
    answer = await platform.send(notice.method, "/pay/notices/1", "", notice.body, dict(notice.headers))
    return answer.status


async def clean(platform: Platform) -> None:
    assert (await auditing.run(platform.db, platform.ring)).broken == ()


async def test_a_payment_is_found_by_whatever_number_and_told_whole(platform: Platform, bank: Bank) -> None:
    order = await awaited(platform)
    payment = await begun(platform, order)
    other = await begun(platform, await awaited(platform, "o-2"))
    bank.pay(payment.payment_no)
    facts: dict[str, Any] = {"openid": OPENID, "buyer_phone": "13812345678", "payer_name": "周小雨"}
    assert await told(platform, bank.notice(payment.payment_no, **facts)) == 200
    mine = await staff(platform)
    for number in (payment.payment_no, payment.payment_id, order.order_id, f"P{payment.payment_no}"):
        (row,) = rows_of(await mine.get(f"/console/payments?number={number}"))
        assert "已支付" in row, number
    assert rows_of(await mine.get("/console/payments?number=K77")) == []
    (open_one,) = rows_of(await mine.get("/console/payments?state=waiting"))
    assert str(other.payment_id)[-6:] in open_one
    assert len(rows_of(await mine.get("/console/payments?method=wechat&amount_min=1&channel=1"))) == 2
    assert (await mine.get("/console/payments?state=nonsense")).status == 422

    page = await mine.get(f"/console/payments/{payment.payment_id}")
    said, shown = text_of(page), page.body.decode()
    for part in ("星河数卡", "loopback", "收到渠道通知", "已入账", "渠道入账", "唯一可用", "x-sign"):
        assert part in said, part
    assert f"/console/orders/{order.order_id}" in shown
    assert OPENID not in shown
    assert "13812345678" not in shown
    assert "138****5678" in said
    assert "周小雨" not in shown
    assert (
        f"/console/payments/{payment.payment_id}" in (await mine.get(f"/console/orders/{order.order_id}")).body.decode()
    )
    kept = await platform.db.pool.fetchval("SELECT said FROM payment_message")
    assert OPENID not in kept
    assert json.loads(kept)["body"]["provider_no"] == f"P{payment.payment_no}"
    await clean(platform)


async def test_its_provider_is_asked_and_a_person_confirms(platform: Platform, bank: Bank) -> None:
    asked, confirmed = (
        await begun(platform, await awaited(platform)),
        await begun(platform, await awaited(platform, "2")),
    )
    mine, auditor = await staff(platform), await staff(platform, "auditor")
    bank.pay(asked.payment_no)
    assert (await auditor.post(f"/console/payments/{asked.payment_id}/ask")).status == 403
    assert (await mine.post(f"/console/payments/{asked.payment_id}/ask")).status == 303
    said = text_of(await mine.get(f"/console/payments/{asked.payment_id}"))
    assert "已支付" in said
    assert "人工查询渠道" in said
    path = f"/console/payments/{confirmed.payment_id}/confirm"
    lacking = await mine.post(path, {"amount": "185.64", "provider_no": "", "reason": "seen there"})
    assert (lacking.status, 'value="seen there"' in lacking.body.decode()) == (422, True)
    form = {"amount": "185.64", "provider_no": "WX-77", "reason": "seen there"}
    assert (await auditor.post(path, form)).status == 403
    assert (await mine.post(path, form)).status == 303
    said = text_of(await mine.get(f"/console/payments/{confirmed.payment_id}"))
    assert "人工确认到账: 已入账" in said
    assert "“seen there”" in said
    assert "WX-77" in said
    await platform.db.pool.execute("UPDATE web_session SET proved_at = proved_at - interval '11 minutes'")
    assert (await mine.post(path, form)).headers["location"].startswith("/prove")
    await clean(platform)


async def test_money_goes_back_in_part_once_and_by_hand(platform: Platform, bank: Bank) -> None:
    order = await awaited(platform)
    payment = await begun(platform, order)
    bank.pay(payment.payment_no)
    assert await told(platform, bank.notice(payment.payment_no)) == 200
    mine, auditor = await staff(platform), await staff(platform, "auditor")
    path = f"/console/payments/{payment.payment_id}"
    form = {"amount": "10", "key": "k-1", "reason": "goodwill"}
    assert (await auditor.post(f"{path}/refund", form)).status == 403
    assert [(await mine.post(f"{path}/refund", form)).status for _ in range(2)] == [303, 303]
    await work(platform)
    (row,) = rows_of(await mine.get("/console/refunds?state=done"))
    assert "¥10.00" in row
    assert "已退款" in row
    bank.refund_states = ["abnormal"]
    assert (await mine.post(f"{path}/refund", {"key": "k-2", "reason": "the rest"})).status == 303
    await work(platform)
    (row,) = rows_of(await mine.get("/console/refunds?who=person"))
    assert "待人工处理" in row
    number = await platform.db.pool.fetchval("SELECT refund_id FROM payment_refund WHERE state = 'abnormal'")
    by_hand = {"reference": "CMB-1", "reason": "by bank"}
    assert (await auditor.post(f"/console/refunds/{number}/by-hand", by_hand)).status == 403
    assert (await mine.post(f"/console/refunds/{number}/by-hand", {"reference": "CMB-1"})).status == 422
    assert [(await mine.post(f"/console/refunds/{number}/by-hand", by_hand)).status for _ in range(2)] == [303, 303]
    assert "CMB-1" in text_of(await mine.get(f"/console/refunds/{number}"))
    assert rows_of(await mine.get("/console/refunds?who=person")) == []
    assert await platform.db.pool.fetchval("SELECT count(*) FROM job WHERE state = 'dead'") == 0
    await clean(platform)


async def test_what_is_not_what_was_asked_for_goes_back_whole(platform: Platform, bank: Bank) -> None:
    payment = await begun(platform, await awaited(platform))
    bank.pay(payment.payment_no, 100)
    assert await told(platform, bank.notice(payment.payment_no)) == 200
    mine = await staff(platform)
    (row,) = rows_of(await mine.get("/console/payments?taken=mismatch"))
    assert "金额不符" in row
    form = {"key": "k", "reason": "not what was asked for"}
    path = f"/console/payments/{payment.payment_id}/refund"
    assert [(await mine.post(path, form)).status for _ in range(2)] == [303, 303]
    await work(platform)
    assert await platform.db.pool.fetchval("SELECT state FROM payment") == "refunded"
    assert await platform.count("payment_refund") == 1
    assert bank.owed_minor == 0
    assert (await mine.post(path, form | {"reason": ""})).status == 422
    await clean(platform)


async def test_lists_are_paged_and_exported(platform: Platform, bank: Bank) -> None:
    for number in range(3):
        await begun(platform, await awaited(platform, f"o-{number}"))
    mine = await staff(platform)
    first = await mine.get("/console/payments?size=20")
    assert len(rows_of(first)) == 3
    page = await payments.oversee_payments(platform.db, payments.AskedPayments(), limit=2)
    rest = await payments.oversee_payments(platform.db, payments.AskedPayments(), before_id=page.next_id or 0, limit=2)
    assert [len(page.rows), len(rest.rows), rest.next_id] == [2, 1, None]
    assert page.rows[0].payment_id > page.rows[1].payment_id > rest.rows[0].payment_id
    sent = {"plan": "console.payments.export", "query": "state=waiting", "form": "csv"}
    assert (await mine.post("/lists/export", sent)).status == 303
    named = await platform.db.pool.fetchrow("SELECT run_id, org_id, person_id FROM list_run")
    async with platform.db.connection() as connection:
        run = await lists.find_run(connection, named["run_id"], org_id=named["org_id"], person_id=named["person_id"])
    plan = plans.PLANS["console.payments.export"].plan
    found = await plan.find(Tools(platform.db, platform.ring, parts_of(platform).snapshot), run, None, 50)
    assert plan.head is not None
    assert [len(row.cells) for row in found.rows] == [len(plan.head("zh"))] * 3
    assert found.rows[0].cells[6:8] == (185.64, "CNY")


async def test_whatever_money_was_for_has_a_word(platform: Platform) -> None:
    """Whoever adds a cause or a use says here what it is called."""
    for table, column, words in (("payment_refund", "cause", CAUSES), ("payment", "taken_as", TAKEN)):
        check = await platform.db.pool.fetchval(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = $1", f"{table}_{column}_check"
        )
        assert set(re.findall(r"'(\w+)'", check)) == set(words)
