"""Taking cards for a batch, and stealing from other lanes when the own shelf is short."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from kameng.kit import clock, crypto, lanes, logs, metrics
from kameng.kit.db import Connection, Database
from kameng.stock import reusing, special_store, store
from kameng.stock.displaying import read_displayed
from kameng.stock.model import CARD, Shelf, ShelfCard

CHUNK_MAX = 2000
"""Cards moved by one steal: it holds two gates."""


log = logs.get_logger(__name__)


async def read_shelf(
    connection: Connection, ring: crypto.KeyRing, lane: int, needs: Mapping[int, int],
    *, chosen: Collection[int] = (), beside: Collection[int] = (),
) -> Shelf:  # fmt: skip
    """So many opened cards of each SKU; one that does not open is put in quarantine and never sold.

    ``chosen`` are cards on display, by id. ``beside`` are cards to be replaced: no other use of theirs is among those
    that are found.
    """
    if not needs and not chosen:
        return Shelf([])
    today = clock.china_day()
    originals = await special_store.originals_of(connection, lane, list(beside)) if beside else []
    rows = await store.read_shelf(connection, lane, needs, today) if needs and not originals else []
    for sku_id, need in needs.items() if originals else ():
        rows += await special_store.read_shelf_beside(connection, lane, sku_id, need, today, originals)
    displayed = await read_displayed(connection, ring, lane, list(chosen)) if chosen else None
    cards, damaged = [], []
    for row in rows:
        card_id, sku_id, expires_on, sealed = row
        try:
            cards.append(ShelfCard(card_id, sku_id, expires_on, ring.open(CARD, card_id, sealed)))
        except crypto.KeyMissing as error:
            log.error("cards are sealed with a key that this process does not hold", error, lane=lane)
            # The cards are good: another process may sell them, this one must reload its ring.
            return Shelf([], displayed)
        except crypto.Unsealable:
            damaged.append(card_id)
    if damaged:
        await store.quarantine(connection, lane, damaged)
    return Shelf(cards, displayed)


class Stolen(msgspec.Struct, frozen=True):
    """What a steal brought, and whether any lane still has cards of that SKU."""

    moved: int
    any_left: bool


async def steal(
    db: Database, lane: int, sku_id: int, need: int, *, least: int = 1, ring: crypto.KeyRing | None = None
) -> Stolen:
    """Bring max(need, half of what the fullest lane has) to ``lane``, asking lane after lane until ``need`` is met.

    Holds two gates, in lane order, for one short transaction each. Never inside a batch. Where all lanes together
    have less than ``least``, the smallest order that waits, nothing moves: it would hide the last cards from those
    who can use them. With a ring, more uses of reusable cards are issued where lanes have too little.
    """
    moved = 0
    may_issue = ring is not None and bool(await reusing.left_of(db, sku_id))
    async with db.connection() as connection:
        enough = may_issue or (await store.on_hand_everywhere(connection)).get(sku_id, 0) >= least
        donors = await store.donors(connection, lane, sku_id) if enough else []
    for donor, on_hand in donors:
        count = brought = min(max(need - moved, on_hand // 2), CHUNK_MAX)
        while moved < need and brought == count:  # a donor that gave less than it was asked for is empty
            count = min(max(need - moved, on_hand // 2), CHUNK_MAX)
            brought = await _move(db, sku_id, donor, lane, count)
            moved += brought
    if ring is not None and may_issue and moved < need:
        moved += await reusing.issue_for(db, ring, lane, sku_id, need - moved)
    metrics.steals.labels("found" if moved else "empty").inc()
    metrics.stolen_cards.inc(moved)
    async with db.connection() as connection:
        everywhere = await store.on_hand_everywhere(connection)
    return Stolen(moved, everywhere.get(sku_id, 0) > 0 or (may_issue and bool(await reusing.left_of(db, sku_id))))


async def _move(db: Database, sku_id: int, donor: int, lane: int, count: int) -> int:
    async with db.transaction() as connection:
        await lanes.pass_gates(connection, [lane, donor])
        cards = await store.take_away(connection, donor, sku_id, count, clock.china_day())
        if cards:
            await store.take_on_hand(connection, donor, sku_id, len(cards))
            await store.insert_cards(connection, lane, cards)
            await store.add_on_hand(connection, lane, sku_id, len(cards))
    return len(cards)
