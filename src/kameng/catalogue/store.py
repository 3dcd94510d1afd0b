"""The catalogue's statements, one thin function each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from kameng.catalogue.model import Catalogue, Sku
from kameng.catalogue.reading import CatalogueRow
from kameng.kit import sql
from kameng.kit.db import Connection

statements = sql.load("kameng.catalogue")


async def load(connection: Connection, known: Catalogue | None, epoch: int) -> Catalogue:
    """The snapshot at ``epoch``, from a known one and what changed since."""
    if known is not None and known.epoch >= epoch:
        return known
    changed = await changed_skus(connection, -1 if known is None else known.epoch)
    skus = {} if known is None else dict(known.skus)
    skus.update({sku.sku_id: sku for sku in changed})
    return Catalogue(epoch, skus)


async def changed_skus(connection: Connection, since_epoch: int) -> list[Sku]:
    rows = await connection.fetch(statements.changed_skus, since_epoch)
    return [Sku(*row) for row in rows]


async def upsert_names(connection: Connection, rows: Sequence[CatalogueRow]) -> None:
    """Scenes, brands and products that the rows name."""
    await connection.execute(statements.upsert_scenes, _unique(row.scene for row in rows))
    await connection.execute(statements.upsert_brands, _unique(row.brand for row in rows))
    products = list(dict.fromkeys((row.scene, row.brand, row.product) for row in rows))
    await connection.execute(statements.upsert_products, *[list(column) for column in zip(*products, strict=True)])


async def upsert_sku(connection: Connection, row: CatalogueRow, *, changed: int) -> tuple[int, bool] | None:
    """(sku id, is new) if the row changed anything."""
    found = await connection.fetchrow(
        statements.upsert_sku, row.brand, row.product, row.spec, row.kind, row.face_value_e4, row.face_currency,
        row.cost_e4, row.list_price_e4, row.form, row.region, row.note, changed,
    )  # fmt: skip
    return None if found is None else (found["sku_id"], found["is_new"])


async def set_sku(connection: Connection, sku: Sku, *, changed: int) -> None:
    await connection.execute(
        statements.set_sku, sku.sku_id, sku.list_price_e4, sku.cost_e4, sku.floor_e4, sku.ceiling_e4,
        sku.below_cost_allowed, sku.quantity_min, sku.quantity_max, sku.quantity_step, sku.state, sku.kind, changed,
    )  # fmt: skip


async def keep_revisions(connection: Connection, at: datetime, skus: Sequence[Sku]) -> None:
    await connection.execute(
        statements.keep_revisions, at,
        [sku.sku_id for sku in skus], [sku.revision for sku in skus], [msgspec.to_builtins(sku) for sku in skus],
    )  # fmt: skip


async def read_revisions(
    connection: Connection, wanted: Iterable[tuple[int, int]]
) -> dict[tuple[int, int], Sku]:
    """SKUs as they were, by (sku id, revision)."""
    pairs = list(wanted)
    rows = await connection.fetch(statements.read_revisions, [p[0] for p in pairs], [p[1] for p in pairs])
    return {(row["sku_id"], row["revision"]): msgspec.convert(row["snapshot"], Sku) for row in rows}


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
