"""Publishing: bringing SKUs into the catalogue and changing them, each change a revision that stands for ever."""

from __future__ import annotations

from importlib import resources

import msgspec

from kameng.catalogue import store
from kameng.catalogue.errors import UnknownSku
from kameng.catalogue.model import Sku
from kameng.catalogue.reading import RefusedRow, read_catalogue
from kameng.kit import clock, epochs
from kameng.kit.db import Connection, Database


class ImportReport(msgspec.Struct, frozen=True):
    created: int
    changed: int
    unchanged: int
    refused: tuple[RefusedRow, ...]


def demo_catalogue() -> bytes:
    """The demo goods that come with Kameng: 176 SKUs of a believable Chinese platform."""
    return resources.files("kameng.catalogue").joinpath("demo", "catalogue.csv").read_bytes()


async def import_file(db: Database, data: bytes) -> ImportReport:
    """Bring a catalogue file in, all readable rows in one transaction; the same file again changes nothing."""
    file = read_catalogue(data)
    created = changed = 0
    async with db.transaction() as connection:
        epoch = await epochs.bump(connection, "catalogue")
        if file.rows:
            await store.upsert_names(connection, file.rows)
        for row in file.rows:
            outcome = await store.upsert_sku(connection, row, changed=epoch)
            created += outcome is not None and outcome[1]
            changed += outcome is not None and not outcome[1]
        await _keep(connection, epoch)
    return ImportReport(created, changed, len(file.rows) - created - changed, tuple(file.refused))


async def change_sku(db: Database, sku: Sku) -> None:
    """Put a changed SKU in place; orders decided from now on follow it."""
    async with db.transaction() as connection:
        epoch = await epochs.bump(connection, "catalogue")
        current = {s.sku_id for s in await store.changed_skus(connection, -1)}
        if sku.sku_id not in current:
            raise UnknownSku(str(sku.sku_id), field="sku")
        await store.set_sku(connection, sku, changed=epoch)
        await _keep(connection, epoch)


async def _keep(connection: Connection, epoch: int) -> None:
    fresh = await store.changed_skus(connection, epoch - 1)
    if fresh:
        await store.keep_revisions(connection, clock.now(), fresh)
