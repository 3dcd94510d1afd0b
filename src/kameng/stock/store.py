"""The stock's statements, one thin function each. Callers hold the lane's gate when they write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from kameng.kit import epochs, ids, resealing, sql
from kameng.kit.db import Connection
from kameng.kit.errors import Fault

statements = sql.load("kameng.stock")


class SealedCard(msgspec.Struct, frozen=True):
    card_id: int
    sku_id: int
    batch_id: int
    sealed: bytes
    expires_on: date
    original_id: int | None = None  # the reusable card that it is a use of
    label: str | None = None
    pick_fee_e4: int | None = None


class Claim(msgspec.Struct, frozen=True):
    """What a card that is loaded wants to be the only one with; an empty ``number_print`` wants nothing."""

    fingerprint: bytes
    card_id: int
    number_print: bytes


class UnreadCard(msgspec.Struct, frozen=True):
    card_id: int
    brand_id: int | None
    sealed: bytes | None


async def insert_batch(
    connection: Connection, batch_id: int, *, sku_id: int, supplier_org_id: int, file_name: str, refused: int,
    loaded_by: int, at: datetime,
) -> None:  # fmt: skip
    await connection.execute(
        statements.insert_batch, batch_id, sku_id, supplier_org_id, file_name, refused, loaded_by, at
    )


class Part(msgspec.Struct, frozen=True):
    """What a part of a load adds to its batch. None: not known, or of ``cost_e4`` that not all cost the same."""

    loaded: int
    refused: int
    paid_e4: int | None
    cost_e4: int | None
    expires_on: date | None
    first_card_id: int | None
    last_card_id: int | None
    hosts: Sequence[str]


async def count_batch(connection: Connection, batch_id: int, part: Part) -> None:
    await connection.execute(statements.count_batch, batch_id, *msgspec.structs.astuple(part))


async def is_supplier(connection: Connection, org_id: int) -> bool:
    return bool(await connection.fetchval(statements.is_supplier, ids.lane_of(org_id), org_id))


async def claim_fingerprints(connection: Connection, claims: Sequence[Claim]) -> set[int]:
    """Card ids that nobody had loaded, neither with this secret nor with another."""
    rows = await connection.fetch(
        statements.claim_fingerprints, [claim.fingerprint for claim in claims], [claim.card_id for claim in claims],
        [claim.number_print for claim in claims],
    )  # fmt: skip
    return {row["card_id"] for row in rows}


async def known_fingerprints(connection: Connection, fingerprints: Sequence[bytes]) -> set[bytes]:
    rows = await connection.fetch(statements.known_fingerprints, fingerprints)
    return {row["fingerprint"] for row in rows}


async def known_cards(
    connection: Connection, fingerprints: Sequence[bytes], number_prints: Sequence[bytes]
) -> list[tuple[int, bool]]:
    """(place, whether it is the very same card) of those that stand already."""
    rows = await connection.fetch(statements.known_cards, fingerprints, number_prints)
    return [(row["place"] - 1, row["is_same"]) for row in rows]


async def brands_of(connection: Connection, sku_ids: Sequence[int]) -> dict[int, int]:
    rows = await connection.fetch(statements.brands_of, sku_ids)
    return {row["sku_id"]: row["brand_id"] for row in rows}


async def unread_cards(
    connection: Connection, lane_numbers: Sequence[int], after_id: int, limit: int
) -> list[UnreadCard]:
    rows = await connection.fetch(statements.unread_cards, lane_numbers, after_id, limit)
    return [UnreadCard(*row) for row in rows]


async def put_number_prints(connection: Connection, prints: Mapping[int, bytes]) -> int:
    """How many were put. Loads wait meanwhile, some milliseconds: else one might claim a number between our look
    and our write, or wait for us while we wait for it."""
    await connection.execute("LOCK TABLE card_fingerprint IN SHARE ROW EXCLUSIVE MODE")
    done: str = await connection.execute(statements.put_number_prints, list(prints), list(prints.values()))
    return int(done.rpartition(" ")[2])


async def insert_cards(connection: Connection, lane: int, cards: Sequence[SealedCard]) -> None:
    await connection.execute(
        statements.insert_cards, lane,
        [c.card_id for c in cards], [c.sku_id for c in cards], [c.batch_id for c in cards],
        [c.sealed for c in cards], [c.expires_on for c in cards], [c.original_id for c in cards],
        [c.label for c in cards], [c.pick_fee_e4 for c in cards],
    )  # fmt: skip


async def add_on_hand(connection: Connection, lane: int, sku_id: int, count: int) -> None:
    await connection.execute(statements.add_on_hand, lane, sku_id, count)


async def take_on_hand(connection: Connection, lane: int, sku_id: int, count: int) -> None:
    await connection.execute(statements.take_on_hand, lane, sku_id, count)


async def read_shelf(connection: Connection, lane: int, needs: Mapping[int, int], today: date) -> list[Any]:
    """Rows (card_id, sku_id, expires_on, sealed), so many of each SKU."""
    rows: list[Any] = await connection.fetch(statements.read_shelf, lane, list(needs), list(needs.values()), today)
    return rows


async def read_on_hand(connection: Connection, lane: int, sku_ids: Sequence[int]) -> dict[int, int]:
    rows = await connection.fetch(statements.read_on_hand, lane, sku_ids)
    return {row["sku_id"]: row["on_hand"] for row in rows}


async def sell(connection: Connection, lane: int, sold: Sequence[tuple[int, int, int]]) -> None:
    """Tie cards to their orders: (card id, order id, sku id). A card that is gone is a defect: no gate was held."""
    await _tie(connection, lane, sold, "sold")


async def reserve(connection: Connection, lane: int, reserved: Sequence[tuple[int, int, int]]) -> None:
    """The same for orders that are not paid yet: off the shelf, and nobody else's."""
    await _tie(connection, lane, reserved, "reserved")


async def _tie(connection: Connection, lane: int, tied: Sequence[tuple[int, int, int]], state: str) -> None:
    counts = Counter(sku_id for _, _, sku_id in tied)
    done = await connection.fetchval(
        statements.tie_cards, lane,
        [s[0] for s in tied], [s[1] for s in tied], list(counts), list(counts.values()), state,
    )  # fmt: skip
    if done != len(tied):
        raise Fault(f"{len(tied) - done} cards were taken from under lane {lane}'s gate.")


async def hand_over(connection: Connection, lane: int, sold: Sequence[tuple[int, int]]) -> None:
    """Sell reserved cards to their orders: (card id, order id)."""
    done = await connection.fetchval(statements.hand_over, lane, [s[0] for s in sold], [s[1] for s in sold])
    if done != len(sold):
        raise Fault(f"{len(sold) - done} reserved cards of lane {lane} were not there.")


async def free(connection: Connection, lane: int, card_ids: Sequence[int]) -> None:
    """Put reserved cards back on the shelf, and say so: gateways remember what was sold out."""
    await epochs.bump(connection, "stock")
    done = await connection.fetchval(statements.free_cards, lane, card_ids)
    if done != len(card_ids):
        raise Fault(f"{len(card_ids) - done} reserved cards of lane {lane} were not there.")


async def take_back(connection: Connection, lane: int, card_ids: Sequence[int]) -> None:
    """Put sold cards in quarantine: their order was paid back, or has others instead."""
    await connection.execute(statements.take_back, lane, card_ids)


async def quarantine(connection: Connection, lane: int, card_ids: Sequence[int]) -> None:
    rows = await connection.fetch(statements.quarantine_cards, lane, card_ids)
    for sku_id, count in Counter(row["sku_id"] for row in rows).items():
        await take_on_hand(connection, lane, sku_id, count)


async def cards_of(connection: Connection, lane: int, card_ids: Sequence[int]) -> dict[int, Any]:
    rows = await connection.fetch(statements.cards_of, lane, card_ids)
    return {row["card_id"]: row for row in rows}


async def donors(connection: Connection, lane: int, sku_id: int) -> list[tuple[int, int]]:
    return [(row["lane"], row["on_hand"]) for row in await connection.fetch(statements.donors, sku_id, lane)]


async def take_away(connection: Connection, lane: int, sku_id: int, count: int, today: date) -> list[SealedCard]:
    rows = await connection.fetch(statements.take_away, lane, sku_id, count, today)
    return [SealedCard(*row) for row in rows]


async def on_hand_everywhere(connection: Connection) -> dict[int, int]:
    rows = await connection.fetch(statements.on_hand_everywhere)
    return {row["sku_id"]: row["on_hand"] for row in rows}


class Shares(msgspec.Struct, frozen=True):
    """Cards of one SKU: on shelves, and waiting for a payment."""

    on_hand: int
    reserved: int

    def __add__(self, other: Shares) -> Shares:
        return Shares(self.on_hand + other.on_hand, self.reserved + other.reserved)


async def shares_here(connection: Connection, lane: int, sku_id: int) -> Shares:
    (row,) = await connection.fetch(statements.shares_here, lane, sku_id)
    return Shares(*row)


async def shares_elsewhere(connection: Connection, lane: int, sku_id: int) -> Shares:
    (row,) = await connection.fetch(statements.shares_elsewhere, lane, sku_id)
    return Shares(*row)


async def void_expired(connection: Connection, lane: int, today: date, *, limit: int) -> int:
    count: int = await connection.fetchval(statements.void_expired, lane, today, limit)
    return count


async def cards_under_other_keys(
    connection: Connection, lane: int, after_id: int, key_number: int, limit: int
) -> list[tuple[int, bytes]]:
    rows = await connection.fetch(
        statements.cards_under_other_keys, lane, after_id, key_number, limit, timeout=resealing.LOOK_TIMEOUT_S
    )
    return [(row["card_id"], row["sealed"]) for row in rows]


async def reseal(
    connection: Connection, lane: int, sealed: Sequence[tuple[int, bytes, bytes]]
) -> None:
    """(id, fresh, old) each; a row that changed since it was read is left alone."""
    columns = [list(column) for column in zip(*sealed, strict=True)]
    await connection.execute(statements.reseal_cards, lane, *columns)


async def set_low_stock(connection: Connection, sku_id: int, low_at: int | None) -> bool:
    """Whether there is such a SKU."""
    if low_at is None:
        await connection.execute(statements.remove_low_stock, sku_id)
        return True
    return await connection.fetchval(statements.set_low_stock, sku_id, low_at) is not None


async def forget_stock_alerts(connection: Connection, lane: int, sku_id: int) -> None:
    await connection.execute(statements.forget_stock_alerts, lane, sku_id)


async def watched_stock(connection: Connection, platform_lane: int) -> list[Any]:
    """Rows of (lane, organisation, SKU, on hand, low at, was low, wants events)."""
    return list(await connection.fetch(statements.watched_stock, platform_lane))


async def mark_stock_alerts(connection: Connection, lane: int, marks: Sequence[tuple[int, int, bool]]) -> None:
    """(organisation, SKU, is low) each."""
    columns = [list(column) for column in zip(*marks, strict=True)]
    await connection.execute(statements.mark_stock_alerts, lane, *columns)


class Supplied(msgspec.Struct, frozen=True):
    """What came of all batches of one supplier for one SKU."""

    sku_id: int
    batches: int
    loaded: int
    refused: int
    last_at: datetime


class Batch(msgspec.Struct, frozen=True):
    batch_id: int
    sku_id: int
    file_name: str
    loaded: int
    refused: int
    paid_e4: int | None
    expires_on: date | None
    loaded_at: datetime
    hosts: list[str]  # of its links


async def supplied(connection: Connection, org_id: int) -> list[Supplied]:
    return [Supplied(*row) for row in await connection.fetch(statements.supplied, org_id)]


async def batches_of(connection: Connection, org_id: int, *, before_id: int, limit: int) -> list[Batch]:
    rows = await connection.fetch(statements.batches_of, org_id, before_id, limit)
    return [Batch(*row) for row in rows]
