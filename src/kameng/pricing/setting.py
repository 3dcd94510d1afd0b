"""Setting prices: each change is logged (调价记录) and reaches every batch that starts after it."""

from __future__ import annotations

from collections.abc import Sequence

from kameng.kit import clock, epochs
from kameng.kit.db import Database
from kameng.pricing import store
from kameng.pricing.errors import BadPrice


async def set_level_prices(db: Database, prices: Sequence[tuple[int, int, int]], *, actor_id: int = 0) -> None:
    """Level prices (等级价) as (sku id, level, price_e4)."""
    if any(price_e4 <= 0 for _, _, price_e4 in prices):
        raise BadPrice(field="price")
    async with db.transaction() as connection:
        changed = await epochs.bump(connection, "prices")
        await store.set_level_prices(connection, prices, at=clock.now(), actor_id=actor_id, changed=changed)


async def set_named_price(db: Database, sku_id: int, org_id: int, price_e4: int, *, actor_id: int = 0) -> None:
    """The price for one named buyer (密价)."""
    if price_e4 <= 0:
        raise BadPrice(field="price")
    async with db.transaction() as connection:
        changed = await epochs.bump(connection, "prices")
        await store.set_named_price(
            connection, sku_id, org_id, price_e4, at=clock.now(), actor_id=actor_id, changed=changed
        )


async def set_tier(db: Database, sku_id: int, quantity_from: int, off_per_mille: int, *, actor_id: int = 0) -> None:
    """A rebate from a quantity on, in thousandths of the unit price."""
    if not (quantity_from >= 2 and 1 <= off_per_mille <= 999):
        raise BadPrice(field="tier")
    async with db.transaction() as connection:
        changed = await epochs.bump(connection, "prices")
        await store.set_tier(
            connection, sku_id, quantity_from, off_per_mille, at=clock.now(), actor_id=actor_id, changed=changed
        )
