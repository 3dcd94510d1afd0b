"""Orders of the past, by the million: whole and consistent rows by binary COPY, made in several processes.

History is a row of slices, one transaction each. A slice stands by itself: its merchants are recharged with exactly
what they then spend, and at its end the house settles its sales with clearing. So every account it touches is
where it was before, and a slice may be put in front of everything that happened in its lane: no balance moves, no
line of a statement stops adding up, no gate is held. Its ids bear the time it tells of; they lie below every id
of the lane, and the gate deals far above.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import random
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any

import asyncpg
import msgspec

from kameng import identity, ledger, orders, stock
from kameng.kit import clock, copying, crypto, ids, lanes
from kameng.kit.db import Connection, Database
from kameng.kit.errors import Fault
from kameng.ops import seeding
from kameng.ops.seeding import CARDS, FINGERPRINTS, Tell, statements

SPAN_MS = 90 * 86_400_000
"""How much time the orders of one run are spread over."""
SLICE_ORDERS = 50_000
PROCESSES = 4
"""For two cores: one half of them makes rows while the server writes those of the other."""
PAIR_EVERY = 10
"""One order in so many is for two cards."""

_ORDERS = copying.Rows(
    "orders",
    {"lane": "h", "order_id": "q", "org_id": "q", "key_id": "q", "sku_id": "q", "sku_revision": "i", "quantity": "i",
     "unit_price_e4": "q", "total_e4": "q", "cost_e4": "q", "placed_at": "q"},
    ["state", "client_ref", "trace", "card_ids"],
)  # fmt: skip
_REFS = copying.Rows("order_ref", {"lane": "h", "order_id": "q"}, ["ref_key", "digest"])
_EVENTS = copying.Rows(
    "event",
    {"lane": "h", "subject_id": "q", "sequence": "i", "event_id": "q", "org_id": "q", "actor_id": "q", "at": "q"},
    ["kind"],
)
_TRANSFERS = copying.Rows(
    "transfer",
    {"lane": "h", "transfer_id": "q", "debit_account": "q", "credit_account": "q", "amount_e4": "q",
     "subject_id": "q", "debit_after_e4": "q", "credit_after_e4": "q", "at": "q"},
    ["kind", "code"],
)  # fmt: skip
_TRANSFER_KEYS = copying.Rows("transfer_key", {"lane": "h", "transfer_id": "q"}, ["key"])
_TABLES = ("orders", "order_ref", "event", "transfer", "transfer_key", "card", "card_fingerprint")


class Offer(msgspec.Struct, frozen=True, gc=False):
    """What one order can be of: a SKU in a quantity at a level's price."""

    sku_id: int
    revision: int
    quantity: int
    unit_price_e4: int
    cost_e4: int
    trace: bytes
    digest: bytes

    @property
    def total_e4(self) -> int:
        return self.unit_price_e4 * self.quantity


class Buyer(msgspec.Struct, frozen=True):
    org_id: int
    key_id: int
    level: int


class Slice(msgspec.Struct, frozen=True):
    """So many orders of one lane, in the milliseconds from ``from_ms`` up to ``to_ms``."""

    lane: int
    from_ms: int
    to_ms: int
    count: int


class Goods(msgspec.Struct, frozen=True):
    """What the making processes must know. ``offers``: by level, single cards and pairs."""

    buyers: dict[int, list[Buyer]]
    offers: dict[int, tuple[list[Offer], list[Offer]]]
    cost_e4: dict[int, int]
    brands: dict[int, int]


async def seed_orders(
    db: Database, ring: crypto.KeyRing, count: int, *, keys: crypto.KeyMaterial, tell: Tell = lambda _: None
) -> int:
    """Put ``count`` delivered orders of made-up merchants into the time before everything else."""
    goods = await _goods(db, ring)
    slices = await _plan(db, goods, count)
    done = 0
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, context, _begin, (db.url, keys, goods)) as pool:
        waiting: set[Future[int]] = {pool.submit(_make, one) for one in slices}
        try:
            while waiting:
                over, waiting = await asyncio.to_thread(wait, waiting, 1.0, FIRST_COMPLETED)
                for future in over:
                    made = future.result()
                    done += made
                    tell(made)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    await _tidy(db.url)
    return done


async def _goods(db: Database, ring: crypto.KeyRing) -> Goods:
    buyers = {}
    async with db.connection() as connection:
        for lane in await lanes.lane_numbers(connection):
            rows = await connection.fetch(statements.made_up_merchants, lane, seeding.NAME)
            if rows:
                buyers[lane] = [Buyer(*row) for row in rows]
    snapshot = orders.Snapshot(db, ring)
    await snapshot.start()
    skus = [sku for sku in snapshot.catalogue.skus.values() if sku.from_stock and sku.state == "on_sale"]
    levels = {buyer.level for some in buyers.values() for buyer in some}
    offers = {level: (_offers(snapshot, level, 1), _offers(snapshot, level, 2)) for level in levels}
    if not buyers or not all(offers[level][0] for level in levels):
        raise Fault(
            "History needs made-up merchants and SKUs that take cards: run `kameng seed` without --orders first.\n"
            "生成历史订单需要演示商户和卡密商品：请先不带 --orders 运行 `kameng seed`。"
        )
    costs = {sku.sku_id: sku.cost_e4 for sku in skus}
    async with db.connection() as connection:
        return Goods(buyers, offers, costs, await stock.brands_of(connection, list(costs)))


def _offers(snapshot: orders.Snapshot, level: int, quantity: int) -> list[Offer]:
    """Everything a merchant of that level could have ordered; prices and digests as an order has them."""
    nobody = identity.Organisation(0, "", "merchant", level, "active", "CNY", None, False)
    key = identity.ApiKey(0, 0, frozenset(), b"", None, (), 1, None, "active", None)
    caller = identity.Caller(key, nobody, "127.0.0.1")
    found = []
    for sku in snapshot.catalogue.skus.values():
        quote = snapshot.prices.quote(sku, org_id=0, level=level, quantity=quantity)
        fits = sku.quantity_min <= quantity <= sku.quantity_max and sku.quantity_step == 1 and not sku.form
        if sku.from_stock and sku.state == "on_sale" and fits and not quote.below_cost:
            wish = orders.wish_from(snapshot, caller, orders.OrderBody("any", str(sku.sku_id), quantity))
            found.append(
                Offer(sku.sku_id, sku.revision, quantity, quote.unit_price_e4, sku.cost_e4 * quantity,
                      quote.trace.encode(), wish.digest)
            )  # fmt: skip
    return found


async def _plan(db: Database, goods: Goods, count: int) -> list[Slice]:
    """Slices of every lane, each lane's share as large as its share of the merchants."""
    merchants = sum(len(some) for some in goods.buyers.values())
    slices: list[Slice] = []
    left, left_merchants = count, merchants
    for lane, some in goods.buyers.items():
        share = left * len(some) // left_merchants
        left, left_merchants = left - share, left_merchants - len(some)
        async with db.transaction() as connection:
            await lanes.pass_gate(connection, lane)  # from here on it deals above everything that we write
            earliest_id = await connection.fetchval(statements.earliest_id, lane)
        end_ms = clock.now_ms() - 1000 if earliest_id is None else ids.ms_of(earliest_id) - 1
        start_ms = end_ms - SPAN_MS
        if start_ms <= ids.EPOCH_MS:
            raise Fault("There is no time left before 2025 for more history. 2025 年之前没有可用的时间。")
        parts = -(-share // SLICE_ORDERS)
        cuts = [start_ms + (end_ms - start_ms) * n // parts for n in range(parts + 1)] if parts else []
        for n in range(parts):
            slices.append(Slice(lane, cuts[n], cuts[n + 1], share * (n + 1) // parts - share * n // parts))
    # Lanes take turns, the latest first: a run that is cut leaves time for the next one before it.
    return sorted(slices, key=lambda one: -one.to_ms)


async def _tidy(url: str) -> None:
    """What autovacuum would do in the middle of what comes next."""
    connection = await asyncpg.connect(url)
    try:
        for table in _TABLES:
            await connection.execute(f"VACUUM (ANALYZE) {table}")
    finally:
        await connection.close()


# in the making processes -----------------------------------------------------------------------------------

_url: str
_ring: crypto.KeyRing
_goods_known: Goods


def _begin(url: str, keys: crypto.KeyMaterial, goods: Goods) -> None:
    global _url, _ring, _goods_known
    _url, _ring, _goods_known = url, crypto.KeyRing(keys), goods
    gc.disable()  # millions of tuples, and no cycle among them


def _make(one: Slice) -> int:
    """Make a slice and write it."""
    asyncio.run(_write(Batch(_ring, _goods_known, one)))
    return one.count


async def _write(batch: Batch) -> None:
    # Lost with the machine's power it is made again: nobody was told of these orders.
    settings = {"application_name": "kameng-history", "synchronous_commit": "off", "statement_timeout": "0"}
    connection = await asyncpg.connect(_url, server_settings=settings, command_timeout=3600)
    try:
        async with connection.transaction():
            await batch.write(connection)
    finally:
        await connection.close()


class Bought(msgspec.Struct, gc=False):
    """One order of the past."""

    order_id: int
    stamp: int
    buyer: Buyer
    offer: Offer
    ref: bytes
    cards: list[int]


class Batch:
    """The rows of one slice."""

    def __init__(self, ring: crypto.KeyRing, goods: Goods, one: Slice) -> None:
        self._ring = ring
        self._goods = goods
        self._slice = one
        self._first_tick = ids.tick_at(one.from_ms)
        self._bought = list(self._buy())

    def _buy(self) -> Iterator[Bought]:
        """Who bought what and when: at even distances with some jitter, so that no two share a millisecond."""
        one, draw = self._slice, random.Random(self._slice.from_ms)
        buyers = self._goods.buyers[one.lane]
        # A second at the beginning for the recharges, one at the end for the settlement.
        step_ms = (one.to_ms - one.from_ms - 2000) / one.count
        if step_ms < 2:
            raise Fault("So many orders do not fit into 90 days.")
        jitter_ms, begin_ms = step_ms - 1, one.from_ms + 1000
        prefix = f"H{one.lane:x}{one.from_ms:x}-".encode()
        for n, buyer in enumerate(draw.choices(buyers, k=one.count)):
            at_ms = begin_ms + int(step_ms * n + jitter_ms * draw.random())
            singles, pairs = self._goods.offers[buyer.level]
            some = pairs if n % PAIR_EVERY == 0 and pairs else singles
            offer = some[int(len(some) * draw.random())]
            order_id = ids.id_of(ids.tick_at(at_ms), one.lane)
            cards = [order_id + c for c in range(1, offer.quantity + 1)]
            yield Bought(order_id, _stamp(at_ms), buyer, offer, b"%b%06d" % (prefix, n), cards)

    async def write(self, connection: Connection) -> None:
        """Every row of the slice, table by table."""
        batches = await self._open_batches(connection)
        await _ORDERS.append(connection, self._order_rows())
        await _REFS.append(connection, self._ref_rows())
        await _EVENTS.append(connection, self._event_rows())
        transfers, keys = self._transfer_rows()
        await _TRANSFERS.append(connection, transfers)
        await _TRANSFER_KEYS.append(connection, keys)
        cards, fingerprints = self._card_rows(batches)
        await CARDS.append(connection, cards)
        await FINGERPRINTS.append(connection, fingerprints)

    async def _open_batches(self, connection: Connection) -> dict[int, int]:
        """A batch of cards for each SKU, loaded when the slice begins; by SKU."""
        counts: dict[int, int] = {}
        for bought in self._bought:
            counts[bought.offer.sku_id] = counts.get(bought.offer.sku_id, 0) + bought.offer.quantity
        batches = {sku_id: self._id(n) for n, sku_id in enumerate(counts)}
        await connection.execute(
            statements.insert_batches, "history", _at(self._slice.from_ms), list(batches.values()), list(counts),
            [self._goods.cost_e4[sku_id] for sku_id in counts], list(counts.values()),
        )  # fmt: skip
        return batches

    def _id(self, n: int) -> int:
        """The ids from the slice's first millisecond on."""
        return ids.id_of(self._first_tick + n, self._slice.lane)

    def _order_rows(self) -> Iterator[Sequence[Any]]:
        lane = self._slice.lane
        for b in self._bought:
            o = b.offer
            yield (
                lane, b.order_id, b.buyer.org_id, b.buyer.key_id, o.sku_id, o.revision, o.quantity, o.unit_price_e4,
                o.total_e4, o.cost_e4, b.stamp, b"delivered", b.ref, o.trace, copying.bigint_array(b.cards),
            )  # fmt: skip

    def _ref_rows(self) -> list[Sequence[Any]]:
        """In the order of their index: each of its pages is visited once."""
        lane, key_of = self._slice.lane, orders.ref_key_of
        rows = [
            (lane, b.order_id, key_of(b.buyer.org_id, b.ref.decode()), b.offer.digest)
            for b in self._bought
        ]
        return sorted(rows, key=lambda row: row[2])

    def _event_rows(self) -> Iterator[Sequence[Any]]:
        lane = self._slice.lane
        for b in self._bought:
            yield (lane, b.order_id, 1, b.order_id, b.buyer.org_id, b.buyer.key_id, b.stamp, b"order.delivered")

    def _transfer_rows(self) -> tuple[list[Sequence[Any]], list[Sequence[Any]]]:
        """Recharges, sales, settlement; every balance begins and ends where it stood."""
        lane, (sales, clearing) = self._slice.lane, _house()
        spent: dict[int, int] = {}
        for b in self._bought:
            spent[b.buyer.org_id] = spent.get(b.buyer.org_id, 0) + b.offer.total_e4
        begin, owed = _stamp(self._slice.from_ms), accumulate(spent.values())
        rows: list[Sequence[Any]] = []
        for n, ((org_id, amount_e4), owed_e4) in enumerate(zip(spent.items(), owed, strict=True)):
            rows.append((lane, self._id(n), clearing, org_id, amount_e4, org_id, -owed_e4, amount_e4, begin,
                         b"posted", b"recharge"))  # fmt: skip
        keys: list[Sequence[Any]] = [(lane, row[1], b"history:%d" % row[1]) for row in rows]
        left, sold_e4 = dict(spent), 0
        for b in self._bought:
            org_id, total_e4 = b.buyer.org_id, b.offer.total_e4
            left[org_id] -= total_e4
            sold_e4 += total_e4
            rows.append((lane, b.order_id, org_id, sales, total_e4, b.order_id, left[org_id], sold_e4, b.stamp,
                         b"posted", b"sale"))  # fmt: skip
        end_id = ids.id_of(ids.tick_at(self._slice.to_ms - 1), lane)
        end = _stamp(self._slice.to_ms - 1)
        rows.append((lane, end_id, sales, clearing, sold_e4, end_id, 0, 0, end, b"posted", b"settlement"))
        return rows, keys

    def _card_rows(self, batches: dict[int, int]) -> tuple[Iterator[Sequence[Any]], list[Sequence[Any]]]:
        """Sold cards, really sealed, and their fingerprints in the order of the index."""
        ring, lane = self._ring, self._slice.lane
        sold = [(card_id, b) for b in self._bought for card_id in b.cards]
        texts = seeding.card_texts(len(sold))
        expires_on = seeding.days_of(_at(self._slice.to_ms).date()) + 730
        rows = (
            (lane, card_id, b.offer.sku_id, batches[b.offer.sku_id], expires_on, ring.seal(stock.CARD, card_id, text),
             b.order_id.to_bytes(8, "big"), b"sold")
            for (card_id, b), text in zip(sold, texts, strict=True)
        )  # fmt: skip
        prints = [
            (card_id, *stock.prints_of(ring, self._goods.brands[b.offer.sku_id], text))
            for (card_id, b), text in zip(sold, texts, strict=True)
        ]
        return rows, sorted(prints, key=lambda row: row[1])


def _house() -> tuple[int, int]:
    return (
        ledger.house_account(ledger.House.sales, "CNY"),
        ledger.house_account(ledger.House.clearing, "CNY"),
    )


def _at(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def _stamp(at_ms: int) -> int:
    """Unix milliseconds as a timestamptz has them: microseconds since 2000."""
    return at_ms * 1000 - 946_684_800_000_000
