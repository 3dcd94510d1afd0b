"""Flash sales (限时抢购): a SKU that is on sale between two moments, so many for each buyer.

What is sold is a SKU of its own, made for the sale: its price and its shelf are the sale's price and stock, so an order
of it is an order like any other and costs the hot path nothing. The scheduler puts it on sale and takes it off, which
every batch follows by its epoch. A buyer's share is risk's to count, in the batch of his
order, whatever door that came through.
"""

from __future__ import annotations

from datetime import datetime

from kameng import catalogue, risk
from kameng.kit import clock, ids
from kameng.kit.db import Connection, Database
from kameng.kit.fresh import Fresh
from kameng.shops import store
from kameng.shops.errors import BadSale
from kameng.shops.store import Sale

__all__ = ["Sale", "Sales", "plan_sale", "turn_sales"]


async def plan_sale(
    db: Database, sku_id: int, *, starts_at: datetime, ends_at: datetime, buyer_max: int, actor_id: int = 0
) -> Sale:
    """A sale to come; its SKU is taken off until then. ``BadSale`` if its time is not one, or the SKU has another."""
    if not clock.now() < ends_at or not starts_at < ends_at:
        raise BadSale(
            "ends_at: after its start, and still to come", field="ends_at", detail_zh="结束时间应晚于开始时间和当前时间"
        )
    if not 0 < buyer_max <= catalogue.QUANTITY_MAX:
        raise BadSale("buyer_max: a whole number from 1 on", field="buyer_max", detail_zh="每人限购：应为正整数")
    sale = Sale(ids.random_id(), sku_id, starts_at, ends_at, buyer_max, "planned")
    await catalogue.set_sku(db, sku_id, {"state": "paused"}, actor_id=actor_id)
    async with db.transaction() as connection:
        if not await store.insert_sale(connection, sale, actor_id):
            raise BadSale("sku_id: it has a sale already", field="sku_id", detail_zh="该商品已有未结束的抢购")
        await risk.add_share(connection, sku_id, starts_at=starts_at, ends_at=ends_at, buyer_max=buyer_max)
    return sale


async def turn_sales(db: Database) -> None:
    """By the clock: begin what is due, end what is over. Done twice it is done once."""
    now = clock.now()
    async with db.connection() as connection:
        sales = await store.open_sales(connection)
    for sale in sales:
        if sale.ends_at <= now:
            await catalogue.set_sku(db, sale.sku_id, {"state": "paused"})
            await _set_state(db, sale, "over")
        elif sale.state == "planned" and sale.starts_at <= now:
            await catalogue.set_sku(db, sale.sku_id, {"state": "on_sale"})
            await _set_state(db, sale, "running")


async def _set_state(db: Database, sale: Sale, state: str) -> None:
    async with db.transaction() as connection:
        await store.set_sale_state(connection, sale.sale_id, state)


class Sales(Fresh):
    """The sales that run or are to come, not older than a second."""

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        self._sales: list[Sale] = []

    async def _read(self, connection: Connection) -> None:
        self._sales = await store.open_sales(connection)

    async def open(self) -> list[Sale]:
        """Those that did not end, the next to end first."""
        await self.refresh()
        now = clock.now()
        return [sale for sale in self._sales if sale.ends_at > now]

    async def of(self, sku_id: int) -> Sale | None:
        return next((sale for sale in await self.open() if sale.sku_id == sku_id), None)
