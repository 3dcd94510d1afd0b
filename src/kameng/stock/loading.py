"""Loading cards: sealed before they reach the database, each card once for ever, spread over the lanes.

A load works in chunks, each a short transaction under one lane's gate, so orders go on meanwhile. A load that is
cut off and run again skips what it had loaded: its fingerprints are known.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

import msgspec

from kameng.kit import audit, clock, crypto, epochs, lanes
from kameng.kit.db import Database
from kameng.stock import store
from kameng.stock.errors import NoCards
from kameng.stock.model import CARD, NEVER, CardText
from kameng.stock.reading import CardLine, RefusedLine, read_cards

CHUNK_CARDS = 500


class LoadReport(msgspec.Struct, frozen=True):
    """What became of a file, line by line where it was refused."""

    batch_id: int
    loaded: int
    refused: tuple[RefusedLine, ...]


async def load_file(
    db: Database, ring: crypto.KeyRing, data: bytes, *, sku_id: int, file_name: str, actor_id: int = 0,
    supplier_org_id: int = 0,
) -> LoadReport:  # fmt: skip
    """Load a card file as people send it; bad and known lines are refused, the others go on the shelf."""
    file = read_cards(data, filename=file_name, today=clock.now().date())
    if not file.cards and not file.refused:
        raise NoCards(file_name)
    return await load_cards(
        db, ring, file.cards, sku_id=sku_id, file_name=file_name, actor_id=actor_id, supplier_org_id=supplier_org_id,
        refused=tuple(file.refused),
    )  # fmt: skip


async def load_cards(
    db: Database, ring: crypto.KeyRing, cards: Sequence[CardLine], *, sku_id: int, file_name: str, actor_id: int = 0,
    supplier_org_id: int = 0, refused: tuple[RefusedLine, ...] = (),
) -> LoadReport:  # fmt: skip
    """Load lines that were read already."""
    async with db.transaction() as connection:
        numbers = await lanes.lane_numbers(connection)
        passage = await lanes.pass_gate(connection, numbers[0], id_count=2)
        batch_id, audit_id = passage.ids
        at = clock.now()
        await store.insert_batch(
            connection, batch_id, sku_id=sku_id, supplier_org_id=supplier_org_id, file_name=file_name,
            cost_e4=cards[0].cost_e4 if cards else None, expires_on=cards[0].expires_on if cards else None,
            refused=len(refused), loaded_by=actor_id, at=at,
        )  # fmt: skip
        line = audit.Line(audit_id, supplier_org_id, actor_id, "stock.load", batch_id, {"sku_id": sku_id})
        await audit.note(connection, numbers[0], at, [line])
    loaded, known = 0, list(refused)
    for lane, start in zip(cycle(numbers), range(0, len(cards), CHUNK_CARDS), strict=False):
        chunk = cards[start : start + CHUNK_CARDS]
        duplicates = await _load_chunk(db, ring, lane, chunk, sku_id=sku_id, batch_id=batch_id)
        loaded += len(chunk) - len(duplicates)
        known += duplicates
    return LoadReport(batch_id, loaded, tuple(sorted(known, key=lambda line: line.line)))


async def _load_chunk(
    db: Database, ring: crypto.KeyRing, lane: int, chunk: Sequence[CardLine], *, sku_id: int, batch_id: int
) -> list[RefusedLine]:
    texts = [msgspec.json.encode(CardText(card.number, card.secret)) for card in chunk]
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=len(chunk))
        claims = [
            (ring.fingerprint(CARD, text), card_id) for card_id, text in zip(passage.ids, texts, strict=True)
        ]
        fresh = await store.claim_fingerprints(connection, claims)
        sealed = [
            store.SealedCard(card_id, sku_id, batch_id, ring.seal(CARD, card_id, text), card.expires_on or NEVER)
            for card_id, text, card in zip(passage.ids, texts, chunk, strict=True)
            if card_id in fresh
        ]
        if sealed:
            await store.insert_cards(connection, lane, sealed)
            await store.add_on_hand(connection, lane, sku_id, len(sealed))
        await store.count_batch(connection, batch_id, loaded=len(sealed), refused=len(chunk) - len(sealed))
        await epochs.bump(connection, "stock")
    return [
        RefusedLine(
            line=card.line,
            reason="loaded_before",
            message="This card was loaded before.",
            message_zh="该卡此前已入库。",
            preview=card.number[:4] + "****",
        )
        for card_id, card in zip(passage.ids, chunk, strict=True)
        if card_id not in fresh
    ]
