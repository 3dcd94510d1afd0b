"""Loading cards: sealed before they reach the database, each card once for ever, spread over the lanes.

A card may be loaded to be sold several times: then only its uses, issued at the end, lie on the shelves (ADR 0016).
One with a label goes on display, to be chosen.

A load works in chunks, each a short transaction under one lane's gate, so orders go on meanwhile. A load that is
cut off and run again skips what it had loaded: its fingerprints are known.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from itertools import cycle

import msgspec

from kameng.kit import audit, clock, crypto, epochs, lanes, money
from kameng.kit.db import Connection, Database
from kameng.kit.money import AMOUNT_E4_MAX
from kameng.stock import special_store, store
from kameng.stock.apart import read_apart
from kameng.stock.errors import LINE_REASONS, BadBatch, LineReason, NoCards
from kameng.stock.links import host_of
from kameng.stock.model import AS_OFTEN_AS_ASKED, CARD, NEVER, Goods, known_as, text_of
from kameng.stock.numbering import number_print, read_numbers
from kameng.stock.reading import CardFile, CardLine, RefusedLine
from kameng.stock.reusing import restock

CHUNK_CARDS = 500
USES_MAX = 100_000
LOAD_USES_MAX = 1_000_000
HOSTS_MAX = 20
"""Hosts that one chunk of a batch of links is known by."""


KNOWN_AT_ONCE = 2000
"""Cards that are looked for among all that were ever loaded, in one statement."""


class Load(msgspec.Struct, frozen=True):
    """What all cards of a load have in common."""

    sku_id: int
    batch_id: int
    goods: Goods
    uses: int


Begun = Callable[[Connection, Load], Awaitable[None]]
Gone = Callable[[Connection, Sequence[RefusedLine]], Awaitable[None]]
"""What a caller writes in the transaction of a load's beginning, or of a chunk that had these lines refused."""


class LoadReport(msgspec.Struct, frozen=True):
    """What became of a file, line by line where it was refused."""

    batch_id: int
    loaded: int
    refused: tuple[RefusedLine, ...]


async def load_file(
    db: Database, ring: crypto.KeyRing, data: bytes, *, sku_id: int, file_name: str, actor_id: int = 0,
    supplier_org_id: int = 0, cost_e4: int | None = None, expires_on: date | None = None, uses: int = 1,
) -> LoadReport:  # fmt: skip
    """Load a card file as people send it; bad and known lines are refused, the others go on the shelf.

    ``cost_e4`` (of one card) and ``expires_on`` are for cards of which the file doesn't say. Each card is sold ``uses``
    times, or ``AS_OFTEN_AS_ASKED``.
    """
    check_terms(cost_e4, expires_on, uses)
    file = await read_for(
        db, data, sku_id=sku_id, file_name=file_name, today=clock.china_day(), cost_e4=cost_e4, expires_on=expires_on,
        uses=uses,
    )  # fmt: skip
    return await load_cards(
        db, ring, file.cards, sku_id=sku_id, file_name=file_name, actor_id=actor_id, supplier_org_id=supplier_org_id,
        refused=tuple(file.refused), uses=uses,
    )  # fmt: skip


async def load_cards(
    db: Database, ring: crypto.KeyRing, cards: Sequence[CardLine], *, sku_id: int, file_name: str, actor_id: int = 0,
    supplier_org_id: int = 0, cost_e4: int | None = None, expires_on: date | None = None,
    refused: tuple[RefusedLine, ...] = (), uses: int = 1,
) -> LoadReport:  # fmt: skip
    """Load lines that were read already; ``cost_e4`` and ``expires_on`` are for those that have none."""
    check_terms(cost_e4, expires_on, uses)
    cards = _completed(cards, cost_e4, expires_on)
    async with db.connection() as connection:
        numbers = await lanes.lane_numbers(connection)
    load = await begin_load(
        db, ring, sku_id=sku_id, file_name=file_name, actor_id=actor_id, supplier_org_id=supplier_org_id,
        card_count=len(cards), refused_count=len(refused), uses=uses,
    )  # fmt: skip
    loaded, known = 0, list(refused)
    for lane, start in zip(cycle(numbers), range(0, len(cards), CHUNK_CARDS), strict=False):
        chunk = cards[start : start + CHUNK_CARDS]
        duplicates = await load_chunk(db, ring, lane, chunk, load)
        loaded += len(chunk) - len(duplicates)
        known += duplicates
    if uses != 1:
        await restock(db, ring, sku_id=sku_id)
    return LoadReport(load.batch_id, loaded, tuple(sorted(known, key=lambda line: line.line)))


async def begin_load(
    db: Database, ring: crypto.KeyRing, *, sku_id: int, file_name: str, actor_id: int, supplier_org_id: int,
    card_count: int, refused_count: int, uses: int = 1, along: Begun | None = None,
) -> Load:  # fmt: skip
    """A batch without cards yet, for whoever brings them chunk by chunk. ``along`` is written with it."""
    await read_numbers(db, ring)
    async with db.transaction() as connection:
        await _check_supplier(connection, supplier_org_id)
        goods = await special_store.goods_of(connection, sku_id)
        _check_uses(goods, uses, card_count)
        numbers = await lanes.lane_numbers(connection)
        passage = await lanes.pass_gate(connection, numbers[0], id_count=2)
        batch_id, audit_id = passage.ids
        at, load = clock.now(), Load(sku_id, batch_id, goods, uses)
        await store.insert_batch(
            connection, batch_id, sku_id=sku_id, supplier_org_id=supplier_org_id, file_name=file_name,
            refused=refused_count, loaded_by=actor_id, at=at,
        )  # fmt: skip
        line = audit.Line(audit_id, supplier_org_id, actor_id, "stock.load", batch_id, {"sku_id": sku_id})
        await audit.note(connection, numbers[0], at, [line])
        if along is not None:
            await along(connection, load)
    return load


async def resume_load(db: Database, *, sku_id: int, batch_id: int, uses: int) -> Load:
    """A load that was cut off, to go on with it."""
    async with db.connection() as connection:
        return Load(sku_id, batch_id, await special_store.goods_of(connection, sku_id), uses)


async def read_for(
    db: Database, data: bytes, *, sku_id: int, file_name: str, today: date, cost_e4: int | None = None,
    expires_on: date | None = None, uses: int = 1,
) -> CardFile:  # fmt: skip
    """A card file as it would be loaded for a SKU, checked as a whole; nothing is loaded. ``today`` says which cards
    have expired: the same day, the same cards."""
    async with db.connection() as connection:
        goods = await special_store.goods_of(connection, sku_id)
    file = await read_apart(
        data, filename=file_name, today=today, expires_on=expires_on, cost_e4=cost_e4, goods=goods
    )
    if not file.cards and not file.refused:
        raise NoCards(file_name)
    _check_uses(goods, uses, len(file.cards))
    _completed(file.cards, None, None)
    return file


async def find_known(
    db: Database, ring: crypto.KeyRing, cards: Sequence[CardLine], *, sku_id: int
) -> list[RefusedLine]:
    """Those of the cards that were loaded before, by whomever: a load would refuse them. Loads nothing."""
    await read_numbers(db, ring)
    found = []
    async with db.connection() as connection:
        goods = await special_store.goods_of(connection, sku_id)
        for start in range(0, len(cards), KNOWN_AT_ONCE):
            some = cards[start : start + KNOWN_AT_ONCE]
            prints = [ring.fingerprint(CARD, known_as(text_of(goods, card.number, card.secret))) for card in some]
            number_prints = [number_print(ring, goods.brand_id, card.number) for card in some]
            for place, is_same in await store.known_cards(connection, prints, number_prints):
                found.append(_known(some[place], "loaded_before" if is_same else "number_loaded_before"))
    return found


def check_terms(cost_e4: int | None, expires_on: date | None, uses: int) -> None:
    """``BadBatch`` if no load can be like this, whatever is in its file."""
    most, today = money.format_e4(AMOUNT_E4_MAX), clock.china_day()
    if cost_e4 is not None and not 0 <= cost_e4 <= AMOUNT_E4_MAX:
        raise BadBatch(f"cost: 0 to {most}", field="cost", detail_zh=f"成本：应为 0 至 {most}")
    if expires_on is not None and expires_on < today:
        raise BadBatch(f"expires: not before {today}", field="expires", detail_zh=f"到期日：不得早于今天 {today}")
    if not 0 <= uses <= USES_MAX:
        raise BadBatch(f"uses: 1 to {USES_MAX}", field="uses", detail_zh=f"可用次数：应为 1 至 {USES_MAX}")


def _check_uses(goods: Goods, uses: int, card_count: int) -> None:
    """What is chosen is one thing, so it is sold once; and a load fits on the shelves."""
    if goods.pickable and uses != 1:
        en, zh = "uses: a card that can be chosen is sold once", "可用次数：可自选的卡密只能售出一次"
        raise BadBatch(en, field="uses", detail_zh=zh)
    if uses * card_count > LOAD_USES_MAX:
        en, zh = f"uses: together at most {LOAD_USES_MAX}", f"可用次数：合计不得超过 {LOAD_USES_MAX}"
        raise BadBatch(en, field="uses", detail_zh=zh)


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


def _part(load: Load, loaded: Sequence[CardLine], refused: int, card_ids: Sequence[int]) -> store.Part:
    costs = [card.cost_e4 for card in loaded if card.cost_e4 is not None]
    paid_e4 = sum(costs) if loaded and len(costs) == len(loaded) else None
    cost_e4 = costs[0] if paid_e4 is not None and len(set(costs)) == 1 else None
    earliest = min((card.expires_on for card in loaded if card.expires_on is not None), default=None)
    hosts = sorted({host_of(card.secret) for card in loaded} - {""}) if load.goods.is_link else []
    first, last = min(card_ids, default=None), max(card_ids, default=None)
    return store.Part(len(loaded), refused, paid_e4, cost_e4, earliest, first, last, hosts[:HOSTS_MAX])


async def load_chunk(
    db: Database, ring: crypto.KeyRing, lane: int, chunk: Sequence[CardLine], load: Load, *, along: Gone | None = None
) -> list[RefusedLine]:
    """Those of the chunk that were known; ``along`` is written with the others. Claims are made in the order of the
    numbers: two loads that share some never wait for each other in a ring."""
    order = sorted(range(len(chunk)), key=lambda n: (chunk[n].number, chunk[n].secret))
    texts = [text_of(load.goods, card.number, card.secret) for card in chunk]
    prints = [ring.fingerprint(CARD, known_as(text)) for text in texts]
    number_prints = [number_print(ring, load.goods.brand_id, card.number) for card in chunk]
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=len(chunk))
        claims = [store.Claim(*claim) for claim in zip(prints, passage.ids, number_prints, strict=True)]
        fresh = await store.claim_fingerprints(connection, [claims[n] for n in order])
        stale = [claim.fingerprint for claim in claims if claim.card_id not in fresh]
        same = await store.known_fingerprints(connection, stale) if stale else set()
        sealed = [
            store.SealedCard(
                card_id, load.sku_id, load.batch_id, ring.seal(CARD, card_id, text), card.expires_on or NEVER,
                None, card.label or None, card.pick_fee_e4,
            )
            for card_id, text, card in zip(passage.ids, texts, chunk, strict=True)
            if card_id in fresh
        ]  # fmt: skip
        await _put(connection, lane, load, sealed)
        loaded = [card for card_id, card in zip(passage.ids, chunk, strict=True) if card_id in fresh]
        part = _part(load, loaded, len(chunk) - len(loaded), [card.card_id for card in sealed])
        await store.count_batch(connection, load.batch_id, part)
        refused = [
            _known(card, "loaded_before" if fingerprint in same else "number_loaded_before")
            for card_id, card, fingerprint in zip(passage.ids, chunk, prints, strict=True)
            if card_id not in fresh
        ]
        if along is not None:
            await along(connection, refused)
        await epochs.bump(connection, "stock")
    return refused


async def _put(connection: Connection, lane: int, load: Load, cards: Sequence[store.SealedCard]) -> None:
    """On the shelf or on display; or, of those that are sold several times, where their uses come from."""
    if cards and load.uses != 1:
        await special_store.insert_reusable(
            connection, lane, cards, sku_id=load.sku_id, batch_id=load.batch_id,
            uses=None if load.uses == AS_OFTEN_AS_ASKED else load.uses,
        )  # fmt: skip
    elif cards:
        await store.insert_cards(connection, lane, cards)
        on_shelf = sum(card.label is None for card in cards)
        if on_shelf:
            await store.add_on_hand(connection, lane, load.sku_id, on_shelf)


def _known(card: CardLine, reason: LineReason) -> RefusedLine:
    return RefusedLine(card.line, reason, *LINE_REASONS[reason], card.number[:4] + "****")
