"""What a supplier brings: SKUs that the platform took cards of him for, agreed on with him, or has him work by hand."""

from __future__ import annotations

from kameng import stock
from kameng.kit.db import Connection, Database
from kameng.suppliers import store
from kameng.suppliers.errors import NotSupplied
from kameng.suppliers.model import Supplied


async def supplied(db: Database, org_id: int) -> list[Supplied]:
    """Every SKU that he brings, by its number, with what he is paid for it."""
    async with db.connection() as connection:
        by_batch = {one.sku_id: one for one in await stock.supplied(connection, org_id)}
        last, agreed = await store.last_costs(connection, org_id), await store.agreed_costs(connection, org_id)
        worked = set(await store.worked_skus(connection, org_id))
    found = []
    for sku_id in sorted(by_batch.keys() | agreed.keys() | worked):
        one = by_batch.get(sku_id)
        found.append(
            Supplied(
                sku_id, 0 if one is None else one.batches, 0 if one is None else one.loaded,
                0 if one is None else one.refused, None if one is None else one.last_at,
                agreed.get(sku_id, last.get(sku_id)), sku_id in agreed, sku_id in worked,
            )
        )  # fmt: skip
    return found


async def may_load(connection: Connection, org_id: int, sku_id: int) -> bool:
    """Whether the platform takes cards of him for this SKU: it did before, or agreed to."""
    if any(one.sku_id == sku_id for one in await stock.supplied(connection, org_id)):
        return True
    return sku_id in await store.agreed_costs(connection, org_id)


async def check_supplies(db: Database, org_id: int, sku_id: int) -> None:
    """``NotSupplied`` if he may load no cards for this SKU."""
    async with db.connection() as connection:
        if not await may_load(connection, org_id, sku_id):
            raise NotSupplied(field="sku")


async def agreed_cost(db: Database, org_id: int, sku_id: int) -> int | None:
    """What he is paid for one of this SKU, as was agreed last."""
    async with db.connection() as connection:
        return (await store.agreed_costs(connection, org_id)).get(sku_id)
