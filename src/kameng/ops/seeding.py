"""Made-up goods, merchants and cards, for a first look, for tests and for the bench.

Everything comes in as in earnest: money by recharges from clearing, each with its key; cards sealed, with their
fingerprints; secrets sealed. Only the statements are larger. What is made up is named so, and nothing else is
touched.
"""

from __future__ import annotations

import os
import random
import secrets
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, timedelta
from importlib import resources
from pathlib import Path
from typing import TypeVar

import msgspec

from kameng import catalogue, identity, ledger, pricing, stock
from kameng.kit import clock, copying, crypto, epochs, ids, lanes, sql
from kameng.kit.db import Connection, Database

statements = sql.parse(
    "seeding.sql", resources.files("kameng.ops").joinpath("seeding.sql").read_text("utf-8")
)

T = TypeVar("T")
Tell = Callable[[int], None]
"""Called with how many more are done."""

NAME = "演示商户"
"""What the names of made-up merchants begin with."""
FILE_NAMES = ("demo", "seed", "history")
"""What made-up cards say they were read from."""
WALLET_E4 = 1_000_000 * 10_000
LEVEL_PER_MILLE = {1: 985, 2: 970, 3: 955}
"""Level prices, in thousandths of the list price."""
EVENTS_EVERY = 5
"""Every fifth merchant has a webhook endpoint."""

MERCHANTS_AT_ONCE = 200
CARDS_AT_ONCE = 500
"""Each chunk holds its lane's gate for some 10 ms."""

CARDS = copying.Rows(
    "card",
    {"lane": "h", "card_id": "q", "sku_id": "q", "batch_id": "q", "expires_on": "i"},
    ["sealed", "order_id", "state"],
)
FINGERPRINTS = copying.Rows("card_fingerprint", {"card_id": "q"}, ["fingerprint", "number_print"])
_EPOCH = date(2000, 1, 1)


class SeedKey(msgspec.Struct, frozen=True):
    """A merchant's key as the bench signs with it."""

    key: str
    secret: str


async def seed_catalogue(db: Database) -> catalogue.ImportReport:
    """The sample catalogue; level prices where there are none yet."""
    report = await catalogue.import_file(db, catalogue.demo_catalogue())
    skus = await read_skus(db)
    async with db.connection() as connection:
        known = {(row["sku_id"], row["level"]) for row in await connection.fetch(statements.level_prices)}
    prices = [
        (sku.sku_id, level, max(sku.cost_e4, -(-sku.list_price_e4 * per_mille // 1000)))
        for sku in skus
        for level, per_mille in LEVEL_PER_MILLE.items()
        if (sku.sku_id, level) not in known
    ]
    if prices:
        await pricing.set_level_prices(db, prices)
    return report


async def read_skus(db: Database) -> list[catalogue.Sku]:
    async with db.connection() as connection:
        found = await catalogue.load(connection, None, (await epochs.read(connection))["catalogue"])
    return sorted(found.skus.values(), key=lambda sku: sku.sku_id)


# merchants -------------------------------------------------------------------------------------------------


async def seed_merchants(
    db: Database, ring: crypto.KeyRing, count: int, file: Path, *, tell: Tell = lambda _: None
) -> list[SeedKey]:
    """Bring the made-up merchants up to ``count``; the keys of all of them, kept in ``file`` (mode 0600)."""
    keys = await _standing(db, _read_keys(file))
    first = len(keys) + 1
    plan = await _spread(db, max(count - len(keys), 0))
    try:
        for lane, share in plan.items():
            for some in _chunks(range(share), MERCHANTS_AT_ONCE):
                keys += await _found(db, ring, lane, range(first, first + len(some)))
                first += len(some)
                tell(len(some))
    finally:
        write_private(file, msgspec.json.encode(keys))
    return keys


async def _found(db: Database, ring: crypto.KeyRing, lane: int, numbers: Sequence[int]) -> list[SeedKey]:
    """Some merchants of one lane with wallet, money and key, in one transaction."""
    count, at = len(numbers), clock.now()
    secret_texts = [crypto.secret_text("ks_") for _ in numbers]
    async with db.transaction() as connection:
        changed = await epochs.bump(connection, "identity")
        dealt = (await lanes.pass_gate(connection, lane, id_count=3 * count)).ids
        org_ids, key_ids, transfer_ids = dealt[:count], dealt[count : 2 * count], dealt[2 * count :]
        await connection.execute(
            statements.insert_organisations, lane, changed, at, org_ids,
            [f"{NAME} {number:05}" for number in numbers], [number % 4 for number in numbers],
            [number % EVENTS_EVERY == 0 for number in numbers],
        )  # fmt: skip
        await connection.execute(statements.insert_wallets, lane, org_ids)
        sealed = [
            ring.seal(identity.KEY_SECRET, key_id, text.encode())
            for key_id, text in zip(key_ids, secret_texts, strict=True)
        ]
        scopes = sorted(identity.scopes_of("merchant"))
        await connection.execute(statements.insert_keys, lane, scopes, changed, at, key_ids, org_ids, sealed)
        await _recharge(connection, lane, org_ids, transfer_ids)
        await connection.execute(statements.count_organisations, lane, count)
    return [
        SeedKey(identity.format_key_id(key_id, sandbox=False), text)
        for key_id, text in zip(key_ids, secret_texts, strict=True)
    ]


async def _recharge(
    connection: Connection, lane: int, org_ids: Sequence[int], transfer_ids: Sequence[int]
) -> None:
    """A million for each, as if somebody had paid it in."""
    clearing = ledger.house_account(ledger.House.clearing, "CNY")
    books = ledger.Books(await ledger.read_accounts(connection, lane, [clearing, *org_ids]))
    for org_id, transfer_id in zip(org_ids, transfer_ids, strict=True):
        books.post(ledger.NewTransfer(transfer_id, clearing, org_id, WALLET_E4, "recharge", org_id))
    await ledger.write(connection, lane, clock.now(), books)
    keys = [f"seed:{org_id}" for org_id in org_ids]
    await connection.execute(statements.insert_transfer_keys, lane, keys, list(transfer_ids))


async def _spread(db: Database, count: int) -> dict[int, int]:
    """How many each lane gets, so that all end up with as many organisations as the others."""
    async with db.connection() as connection:
        has = {row["lane"]: row["organisations"] for row in await connection.fetch(statements.spread)}
    gets = dict.fromkeys(has, 0)
    for _ in range(count):
        emptiest = min(has, key=lambda lane: (has[lane] + gets[lane], lane))
        gets[emptiest] += 1
    return gets


def _read_keys(file: Path) -> list[SeedKey]:
    return msgspec.json.decode(file.read_bytes(), type=list[SeedKey]) if file.exists() else []


async def _standing(db: Database, keys: list[SeedKey]) -> list[SeedKey]:
    """Those that this database knows: the file may be left over from another."""
    numbers = [identity.parse_key_id(key.key)[0] for key in keys]
    async with db.connection() as connection:
        rows = await connection.fetch(
            statements.standing_keys, [ids.lane_of(number) for number in numbers], numbers
        )
    stand = {row["key_id"] for row in rows}
    return [key for key, number in zip(keys, numbers, strict=True) if number in stand]


def write_private(file: Path, content: bytes) -> None:
    """Whole or not at all, and never readable to others for a moment."""
    scratch = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(content + b"\n")
    scratch.rename(file)


# cards -----------------------------------------------------------------------------------------------------


async def seed_cards(
    db: Database,
    ring: crypto.KeyRing,
    count: int,
    *,
    sku_ids: Sequence[int] = (),
    file_name: str = "seed",
    tell: Tell = lambda _: None,
) -> int:
    """Put ``count`` new cards on the shelves: evenly over the SKUs (all that take cards) and lanes."""
    skus = [sku for sku in await read_skus(db) if (sku.sku_id in sku_ids if sku_ids else sku.from_stock)]
    if not skus or count <= 0:
        return 0
    each, more = divmod(count, len(skus))
    counts = {sku.sku_id: each + (index < more) for index, sku in enumerate(skus)}
    return await seed_shelves(db, ring, skus, counts, file_name=file_name, tell=tell)


async def seed_shelves(
    db: Database,
    ring: crypto.KeyRing,
    skus: Sequence[catalogue.Sku],
    counts: Mapping[int, int],
    *,
    file_name: str = "seed",
    tell: Tell = lambda _: None,
) -> int:
    """Put so many new cards of each SKU on the shelves, evenly over the lanes."""
    if not skus:
        return 0
    batches = await _open_batches(db, skus, file_name)
    async with db.connection() as connection:
        numbers = await lanes.lane_numbers(connection)
        brands = await stock.brands_of(connection, list(batches))
    wanted = [sku.sku_id for sku in skus for _ in range(counts.get(sku.sku_id, 0))]
    random.shuffle(wanted)  # so that every lane gets of every SKU
    done = 0
    links = {sku.sku_id for sku in skus if sku.kind == "link"}
    for index, some in enumerate(_chunks(wanted, CARDS_AT_ONCE)):
        await _load(db, ring, numbers[index % len(numbers)], some, batches, brands, links)
        done += len(some)
        tell(len(some))
    return done


async def _open_batches(db: Database, skus: Sequence[catalogue.Sku], file_name: str) -> dict[int, int]:
    """A batch for each SKU; by SKU."""
    async with db.transaction() as connection:
        lane = (await lanes.lane_numbers(connection))[0]
        dealt = (await lanes.pass_gate(connection, lane, id_count=len(skus))).ids
        await connection.execute(
            statements.insert_batches, file_name, clock.now(), dealt, [sku.sku_id for sku in skus],
            [sku.cost_e4 for sku in skus], [0] * len(skus),
        )  # fmt: skip
    return {sku.sku_id: batch_id for sku, batch_id in zip(skus, dealt, strict=True)}


async def _load(
    db: Database,
    ring: crypto.KeyRing,
    lane: int,
    sku_ids: Sequence[int],
    batches: Mapping[int, int],
    brands: Mapping[int, int],
    links: Collection[int],
) -> None:
    texts = [
        as_link(text) if sku_id in links else text
        for sku_id, text in zip(sku_ids, card_texts(len(sku_ids)), strict=True)
    ]
    prints = sorted(
        (*stock.prints_of(ring, brands[sku_id], text), n)
        for n, (sku_id, text) in enumerate(zip(sku_ids, texts, strict=True))
    )
    expires_on = days_of(clock.china_day() + timedelta(days=730))
    counts = Counter(sku_ids)
    async with db.transaction() as connection:
        dealt = (await lanes.pass_gate(connection, lane, id_count=len(sku_ids))).ids
        await FINGERPRINTS.append(
            connection, ((dealt[n], fingerprint, number) for fingerprint, number, n in prints)
        )
        await CARDS.append(
            connection,
            (
                (lane, card_id, sku_id, batches[sku_id], expires_on,
                 ring.seal(stock.CARD, card_id, text), None, b"on_shelf")
                for card_id, sku_id, text in zip(dealt, sku_ids, texts, strict=True)
            ),
        )  # fmt: skip
        await connection.execute(statements.add_on_hand, lane, list(counts), list(counts.values()))
        of_batches = sorted((batches[sku_id], number) for sku_id, number in counts.items())
        await connection.execute(
            statements.count_batches, [b[0] for b in of_batches], [b[1] for b in of_batches]
        )
        await epochs.bump(connection, "stock")


def card_texts(count: int) -> list[bytes]:
    """Clear texts of new cards, as JSON of number and secret; made of the same randomness as real ones."""
    digits = os.urandom(16 * count).hex().upper()
    return [
        b'{"number":"KM%s","secret":"%s-%s-%s-%s"}'
        % (
            digits[at : at + 16].encode(),
            digits[at + 16 : at + 20].encode(),
            digits[at + 20 : at + 24].encode(),
            digits[at + 24 : at + 28].encode(),
            digits[at + 28 : at + 32].encode(),
        )
        for at in range(0, 32 * count, 32)
    ]


def as_link(text: bytes) -> bytes:
    """A made-up card as a redeem link, which leads to a host that is reserved for examples."""
    card = msgspec.json.decode(text, type=stock.CardText)
    link = f"https://redeem.example.com/c/{card.secret}"
    return msgspec.json.encode(stock.CardText(card.number, link, link))


def days_of(day: date) -> int:
    """A date as its binary form has it."""
    return (day - _EPOCH).days


def _chunks(items: Sequence[T], size: int) -> list[Sequence[T]]:
    return [items[at : at + size] for at in range(0, len(items), size)]
