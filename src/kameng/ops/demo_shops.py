"""The demo's agent: a shop with a look, templates and goods of its own, agents below it, customers, and orders."""

from __future__ import annotations

from kameng import access, identity, ledger, orders, pricing, shops
from kameng.catalogue import Sku
from kameng.identity import ApiKey, Caller, Organisation
from kameng.kit import lanes
from kameng.ops import founding, seeding
from kameng.ops.opening import Platform
from kameng.pricing import Bound, Markup, Template
from kameng.shops import Shop

DOMAIN = "shop.localhost"
"""Browsers take it for this machine."""
POCKET_E4 = 5_000 * 10_000
BELOW = (("城东数卡", 1), ("校园小铺", 2))
CUSTOMERS = ("张先生", "王小姐", "鲜果超市")
RETAIL = Markup(fixed_e4=0, percent_e4=80_000, unit_e4=100, rounding="up")
WHOLESALE = Markup(fixed_e4=0, percent_e4=20_000, unit_e4=100, rounding="up")


async def furnish(platform: Platform, agent: Organisation, password: str) -> None:
    """Everything a shop has that was open for a while. The customers and agents sign in with the agent's password."""
    db = platform.db
    await shops.open_shop(db, Shop(agent.org_id, None, "江南数卡", "点卡充值，到账快", "#c2410c"))
    await shops.set_shop(
        db, agent.org_id, actor_id=0, notice="双十一活动进行中：全场点卡低至九八折。", contact="微信 jiangnan-cards",
        footer="江南数卡 · 正品保障", icp="浙ICP备20260001号",
    )  # fmt: skip
    await shops.ask_domain(db, agent.org_id, DOMAIN, actor_id=0)
    await shops.decide_domain(db, agent.org_id, DOMAIN, accept=True, actor_id=0)
    for level, markup in ((pricing.EVERY_LEVEL, RETAIL), (1, WHOLESALE), (2, WHOLESALE)):
        await pricing.set_markup(db, Template(agent.org_id, "all", "", level, markup))
    cards = [sku for sku in await seeding.read_skus(db) if sku.from_stock and sku.on_sale and not sku.form]
    await pricing.set_bound(db, agent.org_id, cards[0].sku_id, Bound(cards[0].list_price_e4, None))
    parent, buyers = agent, []
    for name, level in BELOW:
        one = await _found(platform, name, "agent", parent, level, password)
        await pricing.set_markup(db, Template(one.org_id, "all", "", pricing.EVERY_LEVEL, WHOLESALE))
        parent = one
        buyers.append(one)
    for name in CUSTOMERS:
        buyers.append(await _found(platform, name, "customer", agent, 0, password))
    await pricing.set_named_price(
        db, cards[1].sku_id, buyers[0].org_id, cards[1].list_price_e4 + 10_000, seller_id=agent.org_id
    )
    await _order(platform, buyers, cards[:4])


async def _found(
    platform: Platform, name: str, kind: str, parent: Organisation, level: int, password: str
) -> Organisation:
    db = platform.db
    made = await founding.found_member(db, platform.ring, name, kind=kind, level=level, parent_id=parent.org_id)
    one = made.organisation
    await ledger.recharge(db, one.lane, one.org_id, POCKET_E4, key=f"demo:{one.org_id}")
    person_id = await identity.enrol(db, sign_in=f"{one.org_id}@demo.kameng", name=name)
    await access.set_password(db, person_id, password, actor_id=0)
    await identity.join(db, one, person_id, "owner")
    return one


async def _order(platform: Platform, buyers: list[Organisation], skus: list[Sku]) -> None:
    """Each buys one of each, by the way that every order goes."""
    snapshot = orders.Snapshot(platform.db, platform.ring)
    await snapshot.start()
    async with platform.db.connection() as connection:
        queues = orders.Lanes(snapshot, await lanes.lane_numbers(connection))
    queues.start()
    try:
        for buyer in buyers:
            caller = Caller(ApiKey(0, buyer.org_id, frozenset(), None, None, (), 1, None, "active", None), buyer, "::1")
            for sku in skus:
                body = orders.OrderBody(f"demo-{buyer.org_id}-{sku.sku_id}", str(sku.sku_id))
                await queues.place(orders.wish_from(snapshot, caller, body))
    finally:
        await queues.stop()
