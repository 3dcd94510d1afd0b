"""Cards on display (自选): each bears a public label, by which its buyer chooses it. The secret is never shown.

A card with a label lies apart from the shelf: an order that chooses nothing never gets it. It is found by its id, in
whatever lane it lies, and brought to its buyer's lane before his batch.
"""

from __future__ import annotations

from collections.abc import Sequence

from kameng.kit import clock, crypto, lanes, logs
from kameng.kit.db import Connection, Database
from kameng.stock import special_store, store
from kameng.stock.model import CARD, ShelfCard
from kameng.stock.special_store import Displayed, Found

log = logs.get_logger(__name__)


async def list_displayed(db: Database, sku_id: int, *, after_id: int, limit: int) -> list[Displayed]:
    """What may be chosen of a SKU, by id."""
    async with db.connection() as connection:
        numbers = await lanes.lane_numbers(connection)
        return await special_store.list_displayed(
            connection, numbers, sku_id, clock.china_day(), after_id=after_id, limit=limit
        )


async def find_displayed(db: Database, card_ids: Sequence[int]) -> dict[int, Found]:
    """Cards that bear a label, sold or not; plain ones are not found by their id."""
    async with db.connection() as connection:
        numbers = await lanes.lane_numbers(connection)
        return await special_store.find_displayed(connection, numbers, card_ids, clock.china_day())


async def bring_displayed(db: Database, card: Found, lane: int) -> bool:
    """Move a card to this lane; False if somebody was quicker. Holds two gates, in lane order."""
    async with db.transaction() as connection:
        await lanes.pass_gates(connection, [lane, card.lane])
        cards = await special_store.take_displayed_away(connection, card.lane, card.card_id)
        if cards:
            await store.insert_cards(connection, lane, cards)
    return bool(cards)


async def read_displayed(
    connection: Connection, ring: crypto.KeyRing, lane: int, card_ids: Sequence[int]
) -> dict[int, ShelfCard]:
    """These cards opened, if they are on display here; one that does not open is put in quarantine."""
    found, damaged = {}, []
    for card_id, sku_id, expires_on, sealed in await special_store.read_displayed(
        connection, lane, card_ids, clock.china_day()
    ):
        try:
            found[card_id] = ShelfCard(card_id, sku_id, expires_on, ring.open(CARD, card_id, sealed))
        except crypto.KeyMissing as error:
            log.error("cards are sealed with a key that this process does not hold", error, lane=lane)
        except crypto.Unsealable:
            damaged.append(card_id)
    if damaged:
        await special_store.quarantine_displayed(connection, lane, damaged)
    return found
