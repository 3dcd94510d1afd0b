"""Escrow, bonuses and channels' licences at the console, and a difference that goes back to where it came from."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kameng import catalogue, payments, reconciliation
from kameng.channels import Bill, BillLine, NoticeKind
from kameng.kit import clock
from kameng.ops import auditing, founding
from pages import Visitor, rows_of, signed_in, text_of
from running import Platform

BANK = {"bank": "招商银行", "name": "卡盟", "number": "6225"}


async def staff(platform: Platform, role: str = "finance") -> Visitor:
    return await signed_in(platform, await founding.found_house(platform.db), role)


async def clean(platform: Platform) -> None:
    assert (await auditing.run(platform.db, platform.ring)).broken == ()


async def test_escrow_is_told_by_supplier_and_released_with_a_reason(platform: Platform) -> None:
    supplier = (await founding.found_member(platform.db, platform.ring, "海星供货", kind="supplier")).organisation
    goods = platform.goods
    await catalogue.set_sku(platform.db, goods.card.sku_id, {"confirm_days": 7})
    await catalogue.set_sku(platform.db, goods.deep.sku_id, {"confirm_days": 7})
    await platform.db.pool.execute(
        "UPDATE card_batch SET supplier_org_id = $1 WHERE sku_id = $2", supplier.org_id, goods.deep.sku_id
    )
    own, theirs = await platform.place("own", goods.card), await platform.place("theirs", goods.deep, 2)
    assert [own.json["state"], theirs.json["state"]] == ["delivered", "delivered"]
    assert (await platform.place("phone", goods.phone, account={"phone": "13800138000"})).status == 201
    mine, auditor = await staff(platform), await staff(platform, "auditor")
    page = await mine.get("/console/escrow")
    said, shown = text_of(page), page.body.decode()
    assert "与订单合计一致" in said
    assert "海星供货" in said
    assert "平台自营" in said
    number = own.json["id"]
    assert f"/console/escrow/{number}/release" in shown
    only = (await mine.get(f"/console/escrow?supplier={supplier.org_id}")).body.decode()
    assert (f"/console/escrow/{number}/release" in only, f"/console/escrow/{theirs.json['id']}/release" in only) == (
        False, True,
    )  # fmt: skip
    path, form = f"/console/escrow/{number}/release", {"reason": "said by phone", "key": "k-1"}
    assert "立即放款" not in text_of(await auditor.get("/console/escrow"))
    assert (await auditor.post(path, form)).status == 403
    assert (await mine.post(path, form | {"reason": ""})).status == 422
    assert [(await mine.post(path, form)).status for _ in range(2)] == [303, 303]
    assert number not in (await mine.get("/console/escrow")).body.decode()
    assert (await platform.get(f"/api/v1/orders/{number}")).json["state"] == "settled"
    await clean(platform)


async def test_bonuses_are_added_shown_and_ended(platform: Platform) -> None:
    mine, auditor = await staff(platform), await staff(platform, "auditor")
    form = {"from": "500", "give": "", "percent": "2.5", "most": "50"}
    assert (await auditor.post("/console/bonuses", form)).status == 403
    wrong = await mine.post("/console/bonuses", {"from": "500"})
    assert (wrong.status, "赠送金额" in text_of(wrong)) == (422, True)
    assert (await mine.post("/console/bonuses", form | {"percent": "two"})).status == 422
    assert (await mine.post("/console/bonuses", form)).status == 303
    page = text_of(await mine.get("/console/bonuses"))
    for part in ("¥500.00", "2.50%", "赠送 ¥12.50", "赠送 ¥50.00", "无赠送"):
        assert part in page, part
    (rule,) = await payments.list_bonuses(platform.db)
    assert (await auditor.post(f"/console/bonuses/{rule.bonus_id}/end")).status == 403
    assert (await mine.post(f"/console/bonuses/{rule.bonus_id}/end")).status == 303
    assert (await mine.post(f"/console/bonuses/{rule.bonus_id}/end")).status == 404
    assert await payments.list_bonuses(platform.db) == []
    acts = [row["act"] for row in await platform.db.pool.fetch("SELECT act FROM audit_line WHERE act LIKE 'bonus.%'")]
    assert acts == ["bonus.add", "bonus.end"]


async def test_licences_say_what_ends(platform: Platform) -> None:
    today = clock.china_day()
    for name, licence in (("长期", None), ("将到期", today + timedelta(days=5)), ("已过期", today - timedelta(days=1))):
        number = await payments.add_channel(
            platform.db, platform.ring, protocol="bank", name=name, credentials=BANK, actor_id=7, licence_until=licence
        )  # fmt: skip
        await payments.switch_channel(platform.db, number, on=True, reason="open", actor_id=7)
    rows = rows_of(await (await staff(platform)).get("/console/licences"))
    assert [row.split()[0] for row in rows] == ["已过期", "将到期", "长期"]
    assert "剩 5 天" in rows[1]
    assert (await (await staff(platform, "support")).get("/console/licences")).status == 403


async def test_a_difference_goes_back_from_its_page(platform: Platform) -> None:
    number = await payments.add_channel(
        platform.db, platform.ring, protocol="bank", name="招行", credentials=BANK, actor_id=7
    )
    channel, day = reconciliation.Channel(number, "招行", "bank", "CNY"), clock.china_day() - timedelta(days=1)
    line = BillLine(
        kind=NoticeKind.payment, payment_no="X1", provider_no="P1", amount_minor=1234, fee_minor=4, at=clock.now()
    )
    await reconciliation.keep(platform.db, channel, Bill(day=day, lines=[line]))
    await reconciliation.match(platform.db, channel, day, large_e4=10**9)
    (case,) = await reconciliation.list_cases(platform.db)
    mine = await staff(platform)
    path = f"/console/reconciliation/cases/{case.case_id}"
    assert "原路退回" in text_of(await mine.get(path))
    assert (await mine.post(f"{path}/resolve", {"act": "refund", "reason": "nobody's"})).status == 303
    page = await mine.get(path)
    assert "退回中" in text_of(page)
    refund_id = await platform.db.pool.fetchval("SELECT refund_id FROM payment_refund")
    assert f"/console/refunds/{refund_id}" in page.body.decode()
    shown = text_of(await mine.get(f"/console/refunds/{refund_id}"))
    assert "¥12.34" in shown
    assert "对账差错" in shown
    assert "对账差错" in rows_of(await mine.get("/console/refunds?cause=case"))[0]
    await clean(platform)


@pytest.mark.parametrize("path", ["payments", "refunds", "escrow", "bonuses", "licences"])
async def test_whoever_sees_no_money_sees_none_of_these(platform: Platform, path: str) -> None:
    assert (await (await staff(platform, "support")).get(f"/console/{path}")).status == 403
    assert (await (await signed_in(platform, platform.seed.shop.organisation)).get(f"/console/{path}")).status == 403
    empty = await (await staff(platform)).get(f"/console/{path}?lang=en")
    assert (empty.status, rows_of(empty)) == (200, [])
