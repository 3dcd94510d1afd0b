"""What the platform's staff sees of cards: where one is that somebody read out, shelves lane by lane, batches."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from kameng.kit import crypto, lanes
from kameng.kit.db import Database
from kameng.stock import special_store, store
from kameng.stock.model import CARD, CardText, known_as
from kameng.stock.numbering import number_print
from kameng.stock.special_store import Numbered

BRANDS_MAX = 5000
ID_MAX = (1 << 63) - 1


class LowSku(msgspec.Struct, frozen=True):
    """A SKU with fewer cards than its threshold."""

    sku_id: int
    on_hand: int
    low_at: int


class LoadedBatch(msgspec.Struct, frozen=True):
    batch_id: int
    sku_id: int
    supplier_org_id: int
    file_name: str
    cost_e4: int | None
    expires_on: date | None
    loaded: int
    refused: int
    loaded_by: int
    loaded_at: datetime


async def find_card(db: Database, ring: crypto.KeyRing, text: str) -> list[Numbered]:
    """Cards with this number, of whatever brand, or with this secret and no number; by keyed hashes alone."""
    text = text.strip()
    if not text:
        return []
    secret_alone = ring.fingerprint(CARD, known_as(msgspec.json.encode(CardText("", text))))
    async with db.connection() as connection:
        numbers = await lanes.lane_numbers(connection)
        brands = [row[0] for row in await connection.fetch(special_store.statements.all_brands, BRANDS_MAX)]
        prints = [number_print(ring, brand_id, text) for brand_id in brands]
        found = await special_store.cards_by_number(connection, numbers, prints)
        rows = await connection.fetch(special_store.statements.cards_by_fingerprint, numbers, [secret_alone])
    return [*found, *(Numbered(*row) for row in rows)]


async def low_skus(db: Database) -> list[LowSku]:
    """What is below its threshold now, the emptiest first."""
    async with db.connection() as connection:
        thresholds = await connection.fetch(special_store.statements.thresholds)
        on_hand = await store.on_hand_everywhere(connection)
    found = [LowSku(sku_id, on_hand.get(sku_id, 0), low_at) for sku_id, low_at in thresholds]
    return sorted((one for one in found if one.on_hand < one.low_at), key=lambda one: (one.on_hand, one.sku_id))


async def thresholds(db: Database) -> dict[int, int]:
    """Below how many cards each SKU is low."""
    async with db.connection() as connection:
        return dict(await connection.fetch(special_store.statements.thresholds))


async def shelves_of(db: Database, sku_id: int) -> dict[int, int]:
    """Cards on the shelf of each lane."""
    async with db.connection() as connection:
        return dict(await connection.fetch(special_store.statements.shelves_of, sku_id))


async def loaded_batches(
    db: Database, *, sku_id: int | None = None, before_id: int = ID_MAX, limit: int = 50
) -> list[LoadedBatch]:
    """Newest first."""
    async with db.connection() as connection:
        rows = await connection.fetch(special_store.statements.batches_below, before_id, sku_id, limit)
    return [LoadedBatch(*row) for row in rows]
