"""What the demo's supplier has on his pages: batches, sales, orders by hand, offers, documents, money to withdraw."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta

from kameng import catalogue, documents, ledger, orders, stock, suppliers
from kameng.documents import Draft
from kameng.identity import Caller, Organisation
from kameng.kit import clock, lanes
from kameng.ops.founding import Member
from kameng.ops.opening import Platform
from kameng.stock import CardLine
from kameng.suppliers import NewOffer

BATCHES = ((("京东E卡", "200"), 120, 1_925_000, None), (("京东E卡", "500"), 40, 4_815_000, 20))
"""Product and spec; cards; what one costs; days until their last one."""
SOLD = ("京东E卡", "500")
"""Those that expire soonest are his."""
BY_HAND = ("王者荣耀首充礼包(648点券+皮肤兑换码)", "668")
BY_HAND_COST_E4 = 5_980_000
ACCOUNTS = ({"qq_or_wechat": "2856013344", "zone": "微信 1 区"}, {"qq_or_wechat": "xingchen_88", "zone": "QQ 12 区"})
Wanted = tuple[int, int, dict[str, str]]
"""SKU, quantity, account."""
SETTLED_E4 = 20_000_000
FILE = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


async def furnish(platform: Platform, supplier: Organisation, buyer: Member) -> None:
    """All of it; ``buyer`` has the money for what he orders."""
    db, ring = platform.db, platform.ring
    async with db.connection() as connection:
        skus = {(one.product, one.spec): one for one in (await catalogue.load(connection, None, 1 << 40)).skus.values()}
    for name, count, cost_e4, days in BATCHES:
        if name in skus:
            last = None if days is None else clock.china_day() + timedelta(days=days)
            cards = [_card(line) for line in range(1, count + 1)]
            await stock.load_cards(
                db, ring, cards, sku_id=skus[name].sku_id, file_name="demo", supplier_org_id=supplier.org_id,
                cost_e4=cost_e4, expires_on=last,
            )  # fmt: skip
    if BY_HAND in skus:
        sku = await catalogue.set_sku(
            db, skus[BY_HAND].sku_id, {"worked_by": supplier.org_id, "delivery_promise_minutes": 120}
        )
        agreed = NewOffer(BY_HAND_COST_E4, "新货源，长期有效", sku.sku_id)
        offered = await suppliers.offer(db, supplier, agreed, actor_id=0)
        await suppliers.decide_offer(db, offered.offer_id, accept=True, actor_id=0)
        wanted: list[Wanted] = [(sku.sku_id, 1, account) for account in ACCOUNTS]
        if SOLD in skus:
            wanted += [(skus[SOLD].sku_id, count, {}) for count in (3, 2)]
        await _order(platform, buyer, wanted)
    new = NewOffer(285_000, "首批 2000 张，可日结", None, "瑞幸", "瑞幸咖啡电子券", "29")
    await suppliers.offer(db, supplier, new, actor_id=0)
    await ledger.recharge(db, supplier.lane, supplier.org_id, SETTLED_E4, key=f"demo:{supplier.org_id}")
    await _hand_in(platform, supplier)
    await suppliers.measure_day(db, clock.china_day())


def _card(line: int) -> CardLine:
    return CardLine(line, f"DM{secrets.randbelow(10**14):014d}", secrets.token_hex(8).upper(), None, None)


async def _order(platform: Platform, buyer: Member, wanted: Sequence[Wanted]) -> None:
    """As the buyer's own program would send it."""
    snapshot = orders.Snapshot(platform.db, platform.ring)
    await snapshot.start()
    async with platform.db.connection() as connection:
        queues = orders.Lanes(snapshot, await lanes.lane_numbers(connection))
    queues.start()
    key = await snapshot.directory.key(buyer.key.key_id)
    assert key is not None, "he was just founded"
    caller = Caller(key, buyer.organisation, "127.0.0.1")
    try:
        for number, (sku_id, quantity, account) in enumerate(wanted, 1):
            body = orders.OrderBody(f"demo-{number}", str(sku_id), quantity, account)
            await queues.place(orders.wish_from(snapshot, caller, body))
    finally:
        await queues.stop()


async def _hand_in(platform: Platform, supplier: Organisation) -> None:
    today = clock.china_day()
    ends = today + timedelta(days=20)
    drafts = (
        Draft("business_licence", "91310000MA1DEMO01X", "上海市市场监督管理局", today - timedelta(days=400), None),
        Draft("brand_authorisation", "JD-2026-0117", "京东", today - timedelta(days=345), ends, ("京东",)),
        Draft("brand_authorisation", "LK-2026-0442", "瑞幸", today, today + timedelta(days=364), ("瑞幸",)),
    )  # fmt: skip
    for place, draft in enumerate(drafts):
        one = await documents.submit(
            platform.db, platform.ring, supplier, draft, FILE, file_name=f"{draft.number}.pdf", actor_id=0
        )
        if place < 2:
            await documents.decide(platform.db, one.document_id, accept=True, actor_id=0)
