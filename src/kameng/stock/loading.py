"""Loading cards: sealed before they reach the database, each card once for ever, spread over the lanes.

A load works in chunks, each a short transaction under one lane's gate, so orders go on meanwhile. A load that is
cut off and run again skips what it had loaded: its fingerprints are known.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import cycle

import msgspec

from kameng.kit import audit, clock, crypto, epochs, lanes, money
from kameng.kit.db import Connection, Database
from kameng.kit.money import AMOUNT_E4_MAX
from kameng.stock import store
from kameng.stock.apart import read_apart
from kameng.stock.errors import LINE_REASONS, BadBatch, LineReason, NoCards
from kameng.stock.model import CARD, NEVER, CardText
from kameng.stock.numbering import number_print, read_numbers
from kameng.stock.reading import CardLine, RefusedLine

CHUNK_CARDS = 500


class LoadReport(msgspec.Struct, frozen=True):
    """What became of a file, line by line where it was refused."""

    batch_id: int
    loaded: int
    refused: tuple[RefusedLine, ...]


async def load_file(
    db: Database, ring: crypto.KeyRing, data: bytes, *, sku_id: int, file_name: str, actor_id: int = 0,
    supplier_org_id: int = 0, cost_e4: int | None = None, expires_on: date | None = None,
) -> LoadReport:  # fmt: skip
    """Load a card file as people send it; bad and known lines are refused, the others go on the shelf.

    ``cost_e4`` (of one card) and ``expires_on`` are for cards of which the file doesn't say.
    """
    _check(cost_e4, expires_on)
    file = await read_apart(
        data, filename=file_name, today=clock.china_day(), expires_on=expires_on, cost_e4=cost_e4
    )
    if not file.cards and not file.refused:
        raise NoCards(file_name)
    return await load_cards(
        db, ring, file.cards, sku_id=sku_id, file_name=file_name, actor_id=actor_id, supplier_org_id=supplier_org_id,
        refused=tuple(file.refused),
    )  # fmt: skip


async def load_cards(
    db: Database, ring: crypto.KeyRing, cards: Sequence[CardLine], *, sku_id: int, file_name: str, actor_id: int = 0,
    supplier_org_id: int = 0, cost_e4: int | None = None, expires_on: date | None = None,
    refused: tuple[RefusedLine, ...] = (),
) -> LoadReport:  # fmt: skip
    """Load lines that were read already; ``cost_e4`` and ``expires_on`` are for those that have none."""
    _check(cost_e4, expires_on)
    cards = _completed(cards, cost_e4, expires_on)
    await read_numbers(db, ring)
    async with db.transaction() as connection:
        await _check_supplier(connection, supplier_org_id)
        brand_id = (await store.brands_of(connection, [sku_id]))[sku_id]
        numbers = await lanes.lane_numbers(connection)
        passage = await lanes.pass_gate(connection, numbers[0], id_count=2)
        batch_id, audit_id = passage.ids
        at = clock.now()
        await store.insert_batch(
            connection, batch_id, sku_id=sku_id, supplier_org_id=supplier_org_id, file_name=file_name,
            refused=len(refused), loaded_by=actor_id, at=at,
        )  # fmt: skip
        line = audit.Line(audit_id, supplier_org_id, actor_id, "stock.load", batch_id, {"sku_id": sku_id})
        await audit.note(connection, numbers[0], at, [line])
    loaded, known = 0, list(refused)
    for lane, start in zip(cycle(numbers), range(0, len(cards), CHUNK_CARDS), strict=False):
        chunk = cards[start : start + CHUNK_CARDS]
        duplicates = await _load_chunk(db, ring, lane, chunk, sku_id=sku_id, brand_id=brand_id, batch_id=batch_id)
        loaded += len(chunk) - len(duplicates)
        known += duplicates
    return LoadReport(batch_id, loaded, tuple(sorted(known, key=lambda line: line.line)))


def _check(cost_e4: int | None, expires_on: date | None) -> None:
    most, today = money.format_e4(AMOUNT_E4_MAX), clock.china_day()
    if cost_e4 is not None and not 0 <= cost_e4 <= AMOUNT_E4_MAX:
        raise BadBatch(f"cost: 0 to {most}", field="cost", detail_zh=f"成本：应为 0 至 {most}")
    if expires_on is not None and expires_on < today:
        raise BadBatch(f"expires: not before {today}", field="expires", detail_zh=f"到期日：不得早于今天 {today}")


def _completed(cards: Sequence[CardLine], cost_e4: int | None, expires_on: date | None) -> Sequence[CardLine]:
    """With what is said of those that say nothing themselves; all together cost no more than an amount may be."""
    if cost_e4 is not None or expires_on is not None:
        cards = [
            msgspec.structs.replace(
                card, cost_e4=cost_e4 if card.cost_e4 is None else card.cost_e4,
                expires_on=card.expires_on or expires_on,
            )
            for card in cards
        ]  # fmt: skip
    if sum(card.cost_e4 or 0 for card in cards) > AMOUNT_E4_MAX:
        most = money.format_e4(AMOUNT_E4_MAX)
        raise BadBatch(f"cost: together at most {most}", field="cost", detail_zh=f"成本：合计不得超过 {most}")
    return cards


async def _check_supplier(connection: Connection, org_id: int) -> None:
    """0 is the platform itself."""
    if org_id and not await store.is_supplier(connection, org_id):
        en, zh = f"supplier: {org_id} is no active supplier", f"供货商：{org_id} 不是有效的供货商"
        raise BadBatch(en, field="supplier", detail_zh=zh)


def _part(loaded: Sequence[CardLine], refused: int) -> store.Part:
    costs = [card.cost_e4 for card in loaded if card.cost_e4 is not None]
    paid_e4 = sum(costs) if loaded and len(costs) == len(loaded) else None
    cost_e4 = costs[0] if paid_e4 is not None and len(set(costs)) == 1 else None
    earliest = min((card.expires_on for card in loaded if card.expires_on is not None), default=None)
    return store.Part(len(loaded), refused, paid_e4, cost_e4, earliest)


async def _load_chunk(
    db: Database, ring: crypto.KeyRing, lane: int, chunk: Sequence[CardLine], *, sku_id: int, brand_id: int,
    batch_id: int,
) -> list[RefusedLine]:
    """Those of the chunk that were known. Claims are made in the order of the numbers: two loads that share some
    never wait for each other in a ring."""
    order = sorted(range(len(chunk)), key=lambda n: (chunk[n].number, chunk[n].secret))
    texts = [msgspec.json.encode(CardText(card.number, card.secret)) for card in chunk]
    prints = [ring.fingerprint(CARD, text) for text in texts]
    number_prints = [number_print(ring, brand_id, card.number) for card in chunk]
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=len(chunk))
        claims = [store.Claim(*claim) for claim in zip(prints, passage.ids, number_prints, strict=True)]
        fresh = await store.claim_fingerprints(connection, [claims[n] for n in order])
        stale = [claim.fingerprint for claim in claims if claim.card_id not in fresh]
        same = await store.known_fingerprints(connection, stale) if stale else set()
        sealed = [
            store.SealedCard(card_id, sku_id, batch_id, ring.seal(CARD, card_id, text), card.expires_on or NEVER)
            for card_id, text, card in zip(passage.ids, texts, chunk, strict=True)
            if card_id in fresh
        ]
        if sealed:
            await store.insert_cards(connection, lane, sealed)
            await store.add_on_hand(connection, lane, sku_id, len(sealed))
        loaded = [card for card_id, card in zip(passage.ids, chunk, strict=True) if card_id in fresh]
        await store.count_batch(connection, batch_id, _part(loaded, len(chunk) - len(loaded)))
        await epochs.bump(connection, "stock")
    return [
        _known(card, "loaded_before" if fingerprint in same else "number_loaded_before")
        for card_id, card, fingerprint in zip(passage.ids, chunk, prints, strict=True)
        if card_id not in fresh
    ]


def _known(card: CardLine, reason: LineReason) -> RefusedLine:
    return RefusedLine(card.line, reason, *LINE_REASONS[reason], card.number[:4] + "****")
