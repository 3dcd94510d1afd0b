"""Reusable cards (循环卡): one card that is sold several times, each use a card row of its own (ADR 0016).

A use is sealed for its own id, lies on a shelf, is stolen, sold, replaced, paid back and void like any card; a sale
never looks at what it is a use of. Uses are issued here, and counted in their card's row under the gate of its lane:
never more than there may be. Of a card with a limit all are issued when it is loaded, so the shelves say what is left;
of one without, some lie on the shelves, and more come when they run short.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, cycle, islice, repeat

from kameng.kit import clock, crypto, epochs, ids, lanes, logs
from kameng.kit.db import Connection, Database
from kameng.stock import special_store, store
from kameng.stock.model import CARD
from kameng.stock.special_store import Left, Original
from kameng.stock.store import SealedCard

CHUNK_USES = 500
"""Issued at once: they hold two gates."""
STOCKED = 1000
"""So many uses of a card without a limit are put on the shelves, when less than half of that lies there."""
ORIGINALS_AT_ONCE = 500

log = logs.get_logger(__name__)


async def restock(db: Database, ring: crypto.KeyRing, *, sku_id: int | None = None) -> int:
    """Issue what is missing on the shelves, of one SKU or of all; returns how many uses. What a load that was cut off
    did not issue comes so too."""
    total = 0
    while True:
        async with db.connection() as connection:
            numbers = await lanes.lane_numbers(connection)
            left = await special_store.uses_left(
                connection, numbers, sku_id, clock.china_day(), limit=ORIGINALS_AT_ONCE
            )
            on_hand = await store.on_hand_everywhere(connection) if left else {}
        issued = 0
        for target, wanted in zip(cycle(numbers), _chunks(left, on_hand), strict=False):
            issued += await _issue(db, ring, target, wanted)
        total += issued
        if not issued or len(left) < ORIGINALS_AT_ONCE:
            return total


async def issue_for(db: Database, ring: crypto.KeyRing, lane: int, sku_id: int, need: int) -> int:
    """Issue at least so many uses to the shelf of a lane that ran short; returns how many there were."""
    issued = 0
    for one in await left_of(db, sku_id):
        rest = need - issued if one.uses is None else min(need - issued, one.uses - one.issued)
        while rest > 0:
            count = CHUNK_USES if one.uses is None else min(rest, CHUNK_USES)
            done = await _issue(db, ring, lane, [one.original_id] * count)
            issued, rest = issued + done, rest - done
            if not done:
                break
    return issued


async def left_of(db: Database, sku_id: int) -> list[Left]:
    """The reusable cards of a SKU of which more uses may be issued."""
    async with db.connection() as connection:
        numbers = await lanes.lane_numbers(connection)
        return await special_store.uses_left(connection, numbers, sku_id, clock.china_day(), limit=ORIGINALS_AT_ONCE)


def _chunks(left: Sequence[Left], on_hand: Mapping[int, int]) -> Iterator[list[int]]:
    """What is to be issued, each card named as often as it has uses; the cards of a chunk lie in one lane."""
    by_lane: dict[int, list[tuple[int, int]]] = {}
    for one in left:
        is_low = on_hand.get(one.sku_id, 0) < STOCKED // 2
        count = (STOCKED if is_low else 0) if one.uses is None else one.uses - one.issued
        by_lane.setdefault(ids.lane_of(one.original_id), []).append((one.original_id, count))
    for pairs in by_lane.values():
        named = chain.from_iterable(repeat(original_id, count) for original_id, count in pairs)
        while chunk := list(islice(named, CHUNK_USES)):
            yield chunk


async def _issue(db: Database, ring: crypto.KeyRing, target: int, wanted: Sequence[int]) -> int:
    """One use for each time a card is named, to the shelf of a lane; no more than each may have. All cards lie in one
    lane, whose gate is held with the target's."""
    home = ids.lane_of(wanted[0])
    async with db.transaction() as connection:
        passages = await lanes.pass_gates(connection, [home, target], id_counts={target: len(wanted)})
        originals = await special_store.read_reusable(connection, home, list(set(wanted)))
        uses = _uses(ring, originals, Counter(wanted), passages[target].ids)
        damaged = [original_id for original_id, cards in uses.items() if cards is None]
        if damaged:
            await special_store.void_reusable(connection, home, original_ids=damaged)
        fresh = [card for cards in uses.values() for card in cards or ()]
        if fresh:
            await special_store.count_issued(connection, home, {i: len(cards) for i, cards in uses.items() if cards})
            await _put(connection, target, fresh)
    return len(fresh)


async def _put(connection: Connection, lane: int, uses: Sequence[SealedCard]) -> None:
    await store.insert_cards(connection, lane, uses)
    for sku_id, count in Counter(card.sku_id for card in uses).items():
        await store.add_on_hand(connection, lane, sku_id, count)
    await special_store.widen_batches(connection, uses)
    await epochs.bump(connection, "stock")


def _uses(
    ring: crypto.KeyRing, originals: Sequence[Original], wanted: Mapping[int, int], fresh_ids: Sequence[int]
) -> dict[int, list[SealedCard] | None]:
    """New uses of each card; None for one that is damaged. Nothing of one whose key is not in this ring."""
    found: dict[int, list[SealedCard] | None] = {}
    dealt = iter(fresh_ids)
    for one in originals:
        count = wanted[one.original_id]
        if one.uses is not None:
            count = min(count, one.uses - one.issued)
        try:
            text = ring.open(CARD, one.original_id, one.sealed)
        except crypto.KeyMissing as error:
            log.error("reusable cards are sealed with a key that this process does not hold", error)
            continue
        except crypto.Unsealable as error:
            log.error("a reusable card does not open: no more of it is sold", error, card_id=one.original_id)
            found[one.original_id] = None
            continue
        found[one.original_id] = [
            SealedCard(use_id, one.sku_id, one.batch_id, ring.seal(CARD, use_id, text), one.expires_on, one.original_id)
            for use_id in islice(dealt, count)
        ]
    return found
