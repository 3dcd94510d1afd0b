"""Voiding cards that nobody bought: a whole batch, or some by their numbers. What was sold or awaits its payment stays.

In chunks, each under the gate of its lane, each with an audit line. Asked again, it finds them void and changes
nothing. Cards that move between lanes meanwhile are looked for once more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from kameng.kit import audit, clock, crypto, ids, lanes
from kameng.kit.db import Database
from kameng.stock import special_store
from kameng.stock.errors import NoSuchBatch
from kameng.stock.loading import CHUNK_CARDS
from kameng.stock.numbering import number_print
from kameng.stock.special_store import BatchStock, Numbered

ROUNDS_MAX = 5
"""How often cards that moved meanwhile are looked for again."""

Why = Literal["sold", "reserved", "unknown"]


class By(msgspec.Struct, frozen=True):
    """Who voids, and why. ``supplier_org_id``: only cards that came from him; None: whosever."""

    actor_id: int = 0
    supplier_org_id: int | None = None
    reason: str = ""


class RefusedNumber(msgspec.Struct, frozen=True):
    """A number that stays as it is; ``line`` counts from 1."""

    line: int
    number: str
    why: Why


class Voided(msgspec.Struct, frozen=True):
    """What became of it: cards that are void now, that were before, and that can't be."""

    voided: int
    already: int
    sold: int
    reserved: int
    refused: tuple[RefusedNumber, ...] = ()


async def stock_of_batches(
    db: Database, org_id: int, *, sku_id: int | None = None, before_id: int, limit: int
) -> list[BatchStock]:
    """A supplier's batches, newest first, with what became of their cards; uses of reusable cards count as cards."""
    async with db.connection() as connection:
        numbers = await lanes.lane_numbers(connection)
        return await special_store.stock_of_batches(
            connection, numbers, org_id, sku_id=sku_id, before_id=before_id, limit=limit
        )


async def void_batch(db: Database, batch_id: int, by: By) -> Voided:
    """All unsold cards of a batch; ``NoSuchBatch`` if there is none of his."""
    async with db.connection() as connection:
        numbers = await lanes.lane_numbers(connection)
        batch = await special_store.batch_range(connection, batch_id)
    if batch is None or by.supplier_org_id not in (None, batch.supplier_org_id):
        raise NoSuchBatch
    for lane in numbers:
        async with db.transaction() as connection:
            await lanes.pass_gate(connection, lane)
            await special_store.void_reusable(connection, lane, batch_id=batch_id)
    voided = vain = 0
    while vain < ROUNDS_MAX:
        async with db.connection() as connection:
            # Read anew, since uses that were being issued have widened it.
            batch = await special_store.batch_range(connection, batch_id) or batch
            found = await special_store.cards_of_batch(connection, numbers, batch, limit=CHUNK_CARDS)
        if not found:
            break
        done = await _void(db, found, batch.supplier_org_id, by, subject_id=batch_id)
        voided, vain = voided + done, 0 if done else vain + 1
    async with db.connection() as connection:
        states = await special_store.states_of_batch(connection, numbers, batch)
    sold = sum(count for (state, unsold), count in states.items() if state in ("sold", "quarantined") and not unsold)
    return Voided(voided, states.get(("void", True), 0) - voided, sold, states.get(("reserved", False), 0))


async def void_numbers(db: Database, ring: crypto.KeyRing, sku_id: int, card_numbers: Sequence[str], by: By) -> Voided:
    """The cards of a SKU that bear these numbers, and all unsold uses of those that are reusable."""
    async with db.connection() as connection:
        goods = await special_store.goods_of(connection, sku_id)
    prints = {number: number_print(ring, goods.brand_id, number) for number in card_numbers}
    voided = 0
    before = await _numbered(db, sku_id, prints, by)
    # First, so that nothing more of them is issued; also where every use was sold.
    for known_id in {card.known_id for card in before if card.known_id != card.card_id}:
        async with db.transaction() as connection:
            home = ids.lane_of(known_id)
            await lanes.pass_gate(connection, home)
            await special_store.void_reusable(connection, home, original_ids=[known_id])
    found = await _numbered(db, sku_id, prints, by)
    for _ in range(ROUNDS_MAX):
        free = [card for card in found if card.order_id is None and card.state != "void"]
        if not free:
            break
        owner_id = free[0].supplier_org_id
        voided += await _void(db, [(card.card_id, card.lane) for card in free], owner_id, by, subject_id=sku_id)
        found = await _numbered(db, sku_id, prints, by)
    already = sum(card.state == "void" for card in before)
    refused = tuple(_refused(card_numbers, prints, found))
    sold = sum(one.why == "sold" for one in refused)
    return Voided(voided, already, sold, sum(one.why == "reserved" for one in refused), refused)


async def _numbered(db: Database, sku_id: int, prints: Mapping[str, bytes], by: By) -> list[Numbered]:
    """His cards of the SKU with these numbers."""
    async with db.connection() as connection:
        numbers = await lanes.lane_numbers(connection)
        found = await special_store.cards_by_number(connection, numbers, list(set(prints.values()) - {b""}))
    return [
        card for card in found
        if card.sku_id == sku_id and by.supplier_org_id in (None, card.supplier_org_id)
    ]  # fmt: skip


def _refused(
    card_numbers: Sequence[str], prints: Mapping[str, bytes], found: Sequence[Numbered]
) -> list[RefusedNumber]:
    """The numbers of which nothing is void. What a number of another's stands for is not told."""
    states: dict[bytes, set[str]] = {}
    for card in found:
        states.setdefault(card.print, set()).add(card.state)
    refused = []
    for line, number in enumerate(card_numbers, 1):
        has = states.get(prints[number], set())
        if "void" in has:
            continue
        why: Why = "unknown" if not has else "reserved" if has == {"reserved"} else "sold"
        refused.append(RefusedNumber(line, number, why))
    return refused


async def _void(db: Database, cards: Sequence[tuple[int, int]], owner_id: int, by: By, *, subject_id: int) -> int:
    """(card id, lane) each; those that are gone from there are left alone."""
    by_lane: dict[int, list[int]] = {}
    for card_id, lane in cards:
        by_lane.setdefault(lane, []).append(card_id)
    total = 0
    for lane, card_ids in sorted(by_lane.items()):
        for start in range(0, len(card_ids), CHUNK_CARDS):
            async with db.transaction() as connection:
                passage = await lanes.pass_gate(connection, lane, id_count=1)
                count = await special_store.void_cards(connection, lane, card_ids[start : start + CHUNK_CARDS])
                if count:
                    told = {"cards": count, **({"reason": by.reason} if by.reason else {})}
                    line = audit.Line(passage.ids[0], owner_id, by.actor_id, "stock.void", subject_id, told)
                    await audit.note(connection, lane, clock.now(), [line])
            total += count
    return total
