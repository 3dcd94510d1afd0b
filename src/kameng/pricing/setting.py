"""Setting prices: each change is logged (调价记录) and reaches every batch that starts after it."""

from __future__ import annotations

from collections.abc import Sequence

from kameng.kit import clock, epochs, money
from kameng.kit.db import Database
from kameng.kit.money import AMOUNT_E4_MAX
from kameng.pricing import store
from kameng.pricing.errors import BadPrice, NoSuchPrice
from kameng.pricing.model import Rule

LEVEL_MAX = 99
QUANTITY_MAX = 1000


async def set_level_prices(db: Database, prices: Sequence[tuple[int, int, int]], *, actor_id: int = 0) -> None:
    """Level prices (等级价) as (sku id, level, price_e4)."""
    for _, level, price_e4 in prices:
        _check_price(price_e4)
        if not 0 <= level <= LEVEL_MAX:
            raise BadPrice(f"level: 0 to {LEVEL_MAX}", field="level", detail_zh=f"等级：应为 0 至 {LEVEL_MAX}")
    async with db.transaction() as connection:
        changed = await epochs.bump(connection, "prices")
        await store.set_level_prices(connection, prices, at=clock.now(), actor_id=actor_id, changed=changed)


async def set_named_price(db: Database, sku_id: int, org_id: int, price_e4: int, *, actor_id: int = 0) -> None:
    """The price for one named buyer (密价)."""
    _check_price(price_e4)
    async with db.transaction() as connection:
        changed = await epochs.bump(connection, "prices")
        await store.set_named_price(
            connection, sku_id, org_id, price_e4, at=clock.now(), actor_id=actor_id, changed=changed
        )


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
            raise NoSuchPrice(f"{rule}:{which}", field=rule)


def _check_price(price_e4: int) -> None:
    if not 0 < price_e4 <= AMOUNT_E4_MAX:
        low, high = money.format_e4(1), money.format_e4(AMOUNT_E4_MAX)
        raise BadPrice(f"price: {low} to {high}", field="price", detail_zh=f"价格：应为 {low} 至 {high}")
