"""Setting prices: each change is logged (调价记录) and reaches every batch that starts after it."""

from __future__ import annotations

from collections.abc import Sequence

from kameng.kit import clock, epochs, money
from kameng.kit.db import Database
from kameng.kit.money import AMOUNT_E4_MAX
from kameng.pricing import store
from kameng.pricing.errors import BadPrice, NoSuchPrice
from kameng.pricing.markups import EVERY_LEVEL, PLATFORM, UNITS_E4, WHOLE_E4, Bound, Markup, Scope, Template
from kameng.pricing.model import Rule

LEVEL_MAX = 99
QUANTITY_MAX = 1000
PERCENT_E4_MAX = 100 * WHOLE_E4
"""100 times as much."""


async def set_level_prices(db: Database, prices: Sequence[tuple[int, int, int]], *, actor_id: int = 0) -> None:
    """Level prices (等级价) as (sku id, level, price_e4)."""
    for _, level, price_e4 in prices:
        _check_price(price_e4)
        if not 0 <= level <= LEVEL_MAX:
            raise BadPrice(f"level: 0 to {LEVEL_MAX}", field="level", detail_zh=f"等级：应为 0 至 {LEVEL_MAX}")
    async with db.transaction() as connection:
        changed = await epochs.bump(connection, "prices")
        await store.set_level_prices(connection, prices, at=clock.now(), actor_id=actor_id, changed=changed)


async def set_named_price(
    db: Database, sku_id: int, org_id: int, price_e4: int, *, seller_id: int = PLATFORM, actor_id: int = 0
) -> None:
    """The price for one named buyer (密价), in force while he buys from that seller."""
    _check_price(price_e4)
    async with db.transaction() as connection:
        changed = await epochs.bump(connection, "prices")
        await store.set_named_price(
            connection, sku_id, org_id, price_e4, seller_id=seller_id, at=clock.now(), actor_id=actor_id,
            changed=changed,
        )  # fmt: skip


async def set_tier(db: Database, sku_id: int, quantity_from: int, off_per_mille: int, *, actor_id: int = 0) -> None:
    """A rebate from a quantity on, in thousandths of the unit price."""
    if not 2 <= quantity_from <= QUANTITY_MAX:
        raise BadPrice(
            f"quantity: 2 to {QUANTITY_MAX}", field="quantity", detail_zh=f"起始数量：应为 2 至 {QUANTITY_MAX}"
        )
    if not 1 <= off_per_mille <= 999:
        raise BadPrice("off: 1 to 999 thousandths", field="off", detail_zh="折让：应为 1‰ 至 999‰")
    async with db.transaction() as connection:
        changed = await epochs.bump(connection, "prices")
        await store.set_tier(
            connection, sku_id, quantity_from, off_per_mille, at=clock.now(), actor_id=actor_id, changed=changed
        )


async def remove_price(db: Database, rule: Rule, sku_id: int, which: int, *, actor_id: int = 0) -> None:
    """Take a price away: of level ``which``, for organisation ``which``, or the tier from ``which`` pieces on."""
    async with db.transaction() as connection:
        await epochs.bump(connection, "prices")
        if not await store.remove(connection, rule, sku_id, which, at=clock.now(), actor_id=actor_id):
            raise NoSuchPrice(f"{rule}:{which}", field=rule, detail_zh=f"{rule}:{which}")


async def set_markup(db: Database, template: Template, *, actor_id: int = 0) -> None:
    """An agent's template: what it adds to what it pays."""
    check_template(template)
    async with db.transaction() as connection:
        changed = await epochs.bump(connection, "prices")
        await store.set_markup(connection, template, at=clock.now(), actor_id=actor_id, changed=changed)


async def remove_markup(
    db: Database, agent_id: int, scope: Scope, which: str, level: int = EVERY_LEVEL, *, actor_id: int = 0
) -> None:
    async with db.transaction() as connection:
        await epochs.bump(connection, "prices")
        if not await store.remove_markup(connection, agent_id, scope, which, level, at=clock.now(), actor_id=actor_id):
            raise NoSuchPrice(f"{scope}:{which}", field="markup", detail_zh=f"{scope}:{which}")


async def set_bound(db: Database, owner_id: int, sku_id: int, bound: Bound, *, actor_id: int = 0) -> None:
    """What the agents below ``owner_id`` may ask for a SKU; neither floor nor ceiling takes the bound away."""
    for price_e4 in (bound.floor_e4, bound.ceiling_e4):
        if price_e4 is not None:
            _check_price(price_e4)
    if bound.floor_e4 is not None and bound.ceiling_e4 is not None and bound.floor_e4 > bound.ceiling_e4:
        floor = money.format_e4(bound.floor_e4)
        raise BadPrice(
            f"ceiling: not below the floor {floor}", field="ceiling", detail_zh=f"最高限价：不得低于最低限价 {floor}"
        )
    async with db.transaction() as connection:
        changed, at = await epochs.bump(connection, "prices"), clock.now()
        if bound != Bound(None, None):
            await store.set_bound(connection, owner_id, sku_id, bound, at=at, actor_id=actor_id, changed=changed)
        elif not await store.remove_bound(connection, owner_id, sku_id, at=at, actor_id=actor_id):
            raise NoSuchPrice(str(sku_id), field="bound", detail_zh=str(sku_id))


def check_template(template: Template) -> None:
    """``BadPrice`` with the field that can't be."""
    _check_level(template.level)
    _check_markup(template.markup)
    is_named = template.which.isdecimal() if template.scope == "sku" else template.which.strip() != ""
    if is_named == (template.scope == "all"):
        raise BadPrice("which: a SKU, a brand or a scene", field="which", detail_zh="对象：应为商品、品牌或场景")


def _check_markup(markup: Markup) -> None:
    if not -WHOLE_E4 < markup.percent_e4 <= PERCENT_E4_MAX:
        raise BadPrice("percent: above -100, to 10000", field="percent", detail_zh="比例：应大于 -100%，不超过 10000%")
    if abs(markup.fixed_e4) > AMOUNT_E4_MAX:
        most = money.format_e4(AMOUNT_E4_MAX)
        raise BadPrice(f"fixed: at most {most}", field="fixed", detail_zh=f"固定加价：不超过 {most}")
    if markup.unit_e4 not in UNITS_E4:
        raise BadPrice("unit: 0.0001, 0.01, 0.1 or 1", field="unit", detail_zh="取整单位：应为 0.0001、0.01、0.1 或 1")
    if not 0 <= markup.ending_e4 < markup.unit_e4:
        raise BadPrice("ending: from 0 to below the unit", field="ending", detail_zh="尾数：应不小于 0 且小于取整单位")


def _check_level(level: int) -> None:
    if not EVERY_LEVEL <= level <= LEVEL_MAX:
        raise BadPrice(f"level: 0 to {LEVEL_MAX}", field="level", detail_zh=f"等级：应为 0 至 {LEVEL_MAX}")


def _check_price(price_e4: int) -> None:
    if not 0 < price_e4 <= AMOUNT_E4_MAX:
        low, high = money.format_e4(1), money.format_e4(AMOUNT_E4_MAX)
        raise BadPrice(f"price: {low} to {high}", field="price", detail_zh=f"价格：应为 {low} 至 {high}")
