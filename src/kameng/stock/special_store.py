"""The statements about reusable cards, cards on display and the cards of a batch, one thin function each. Callers hold
the gate when they write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from importlib import resources
from typing import Any

import msgspec

from kameng.kit import resealing, sql
from kameng.kit.db import Connection
from kameng.kit.errors import Fault
from kameng.stock.model import Goods
from kameng.stock.store import SealedCard

statements = sql.parse("special.sql", resources.files("kameng.stock").joinpath("special.sql").read_text("utf-8"))


async def goods_of(connection: Connection, sku_id: int) -> Goods:
    """``Fault`` if there is no such SKU: whoever loads has looked."""
    row = await connection.fetchrow(statements.goods_of, sku_id)
    if row is None:
        raise Fault(f"There is no SKU {sku_id} to load cards for.")
    return Goods(*row)


# reusable cards --------------------------------------------------------------------------------------------


class Left(msgspec.Struct, frozen=True):
    """A reusable card of which more uses may be issued; ``uses`` is None if there may always be."""

    original_id: int
    sku_id: int
    uses: int | None
    issued: int


class Original(msgspec.Struct, frozen=True):
    original_id: int
    sku_id: int
    batch_id: int
    sealed: bytes
    expires_on: date
    uses: int | None
    issued: int


async def insert_reusable(
    connection: Connection, lane: int, cards: Sequence[SealedCard], *, sku_id: int, batch_id: int, uses: int | None
) -> None:
    await connection.execute(
        statements.insert_reusable, lane, sku_id, batch_id, uses,
        [c.card_id for c in cards], [c.sealed for c in cards], [c.expires_on for c in cards],
    )  # fmt: skip


async def uses_left(
    connection: Connection, lane_numbers: Sequence[int], sku_id: int | None, today: date, *, limit: int
) -> list[Left]:
    rows = await connection.fetch(statements.uses_left, lane_numbers, sku_id, today, limit)
    return [Left(*row) for row in rows]


async def read_reusable(connection: Connection, lane: int, original_ids: Sequence[int]) -> list[Original]:
    return [Original(*row) for row in await connection.fetch(statements.read_reusable, lane, original_ids)]


async def count_issued(connection: Connection, lane: int, counts: Mapping[int, int]) -> None:
    await connection.execute(statements.count_issued, lane, list(counts), list(counts.values()))


async def reusable_under_other_keys(
    connection: Connection, lane: int, after_id: int, key_number: int, limit: int
) -> list[tuple[int, bytes]]:
    rows = await connection.fetch(
        statements.reusable_under_other_keys, lane, after_id, key_number, limit, timeout=resealing.LOOK_TIMEOUT_S
    )
    return [(row["original_id"], row["sealed"]) for row in rows]


async def reseal_reusable(connection: Connection, lane: int, sealed: Sequence[tuple[int, bytes, bytes]]) -> None:
    columns = [list(column) for column in zip(*sealed, strict=True)]
    await connection.execute(statements.reseal_reusable, lane, *columns)


async def originals_of(connection: Connection, lane: int, card_ids: Sequence[int]) -> list[int]:
    return [row["original_id"] for row in await connection.fetch(statements.originals_of, lane, card_ids)]


async def read_shelf_beside(
    connection: Connection, lane: int, sku_id: int, need: int, today: date, originals: Sequence[int]
) -> list[Any]:
    """Rows (card_id, sku_id, expires_on, sealed), no use of these originals among them."""
    return list(await connection.fetch(statements.read_shelf_beside, lane, sku_id, need, today, originals))


async def widen_batches(connection: Connection, cards: Sequence[SealedCard]) -> None:
    """These cards came to their batches."""
    ranges: dict[int, tuple[int, int]] = {}
    for card in cards:
        first, last = ranges.get(card.batch_id, (card.card_id, card.card_id))
        ranges[card.batch_id] = min(first, card.card_id), max(last, card.card_id)
    await connection.execute(
        statements.widen_batches, list(ranges), [r[0] for r in ranges.values()], [r[1] for r in ranges.values()]
    )


# cards on display ------------------------------------------------------------------------------------------


class Displayed(msgspec.Struct, frozen=True):
    """A card that may be chosen; ``pick_fee_e4`` is None if its SKU says what that costs."""

    card_id: int
    label: str
    pick_fee_e4: int | None
    expires_on: date


class Found(msgspec.Struct, frozen=True):
    """A card that bears a label, wherever it lies and whatever became of it."""

    card_id: int
    sku_id: int
    lane: int
    pick_fee_e4: int | None
    is_free: bool


async def list_displayed(
    connection: Connection, lane_numbers: Sequence[int], sku_id: int, today: date, *, after_id: int, limit: int
) -> list[Displayed]:
    rows = await connection.fetch(statements.list_displayed, lane_numbers, sku_id, after_id, today, limit)
    return [Displayed(*row) for row in rows]


async def find_displayed(
    connection: Connection, lane_numbers: Sequence[int], card_ids: Sequence[int], today: date
) -> dict[int, Found]:
    rows = await connection.fetch(statements.find_displayed, lane_numbers, card_ids, today)
    return {row["card_id"]: Found(*row) for row in rows}


async def read_displayed(connection: Connection, lane: int, card_ids: Sequence[int], today: date) -> list[Any]:
    """Rows (card_id, sku_id, expires_on, sealed)."""
    return list(await connection.fetch(statements.read_displayed, lane, card_ids, today))


async def sell_displayed(connection: Connection, lane: int, sold: Sequence[tuple[int, int]]) -> None:
    """Tie cards that were chosen to their orders: (card id, order id)."""
    await _tie(connection, lane, sold, "sold")


async def reserve_displayed(connection: Connection, lane: int, reserved: Sequence[tuple[int, int]]) -> None:
    """The same for orders that are not paid yet."""
    await _tie(connection, lane, reserved, "reserved")


async def _tie(connection: Connection, lane: int, tied: Sequence[tuple[int, int]], state: str) -> None:
    done = await connection.fetchval(statements.tie_displayed, lane, [t[0] for t in tied], [t[1] for t in tied], state)
    if done != len(tied):
        raise Fault(f"{len(tied) - done} chosen cards were taken from under lane {lane}'s gate.")


async def take_displayed_away(connection: Connection, lane: int, card_id: int) -> list[SealedCard]:
    rows = await connection.fetch(statements.take_displayed_away, lane, card_id)
    return [SealedCard(*row) for row in rows]


async def quarantine_displayed(connection: Connection, lane: int, card_ids: Sequence[int]) -> None:
    await connection.execute(statements.quarantine_displayed, lane, card_ids)


async def void_displayed(connection: Connection, lane: int, today: date, *, limit: int) -> int:
    count: int = await connection.fetchval(statements.void_displayed, lane, today, limit)
    return count


# the cards of a batch --------------------------------------------------------------------------------------


class Range(msgspec.Struct, frozen=True):
    """A batch, and between which ids its cards lie."""

    batch_id: int
    sku_id: int
    supplier_org_id: int
    first_id: int
    last_id: int


class BatchStock(msgspec.Struct, frozen=True):
    """What became of a batch's cards; those on display are among those on the shelf."""

    batch_id: int
    sku_id: int
    file_name: str
    loaded_at: datetime
    on_shelf: int
    reserved: int
    sold: int
    quarantined: int
    voided: int
    expires_on: date | None  # the earliest of their last days


class Numbered(msgspec.Struct, frozen=True):
    """A card, or a use of one, that is known by its number."""

    print: bytes
    known_id: int
    card_id: int
    lane: int
    sku_id: int
    state: str
    order_id: int | None
    supplier_org_id: int


async def batch_range(connection: Connection, batch_id: int) -> Range | None:
    row = await connection.fetchrow(statements.batch_range, batch_id)
    return None if row is None else Range(*row)


async def stock_of_batches(
    connection: Connection, lane_numbers: Sequence[int], org_id: int, *, sku_id: int | None, before_id: int, limit: int
) -> list[BatchStock]:
    rows = await connection.fetch(statements.stock_of_batches, lane_numbers, org_id, before_id, sku_id, limit)
    return [BatchStock(*row) for row in rows]


async def cards_by_number(
    connection: Connection, lane_numbers: Sequence[int], prints: Sequence[bytes]
) -> list[Numbered]:
    rows = await connection.fetch(statements.cards_by_number, lane_numbers, prints)
    return [Numbered(*row) for row in rows]


async def cards_of_batch(
    connection: Connection, lane_numbers: Sequence[int], batch: Range, *, limit: int
) -> list[tuple[int, int]]:
    """(card id, lane) of those that may be void."""
    rows = await connection.fetch(
        statements.cards_of_batch, lane_numbers, batch.first_id, batch.last_id, batch.batch_id, limit
    )
    return [(row["card_id"], row["lane"]) for row in rows]


async def states_of_batch(
    connection: Connection, lane_numbers: Sequence[int], batch: Range
) -> dict[tuple[str, bool], int]:
    """How many cards are in a state, by (state, whether they have no order)."""
    rows = await connection.fetch(
        statements.states_of_batch, lane_numbers, batch.first_id, batch.last_id, batch.batch_id
    )
    return {(row["state"], row["is_unsold"]): row["cards"] for row in rows}


async def void_cards(connection: Connection, lane: int, card_ids: Sequence[int]) -> int:
    count: int = await connection.fetchval(statements.void_cards, lane, card_ids)
    return count


async def void_reusable(
    connection: Connection, lane: int, *, original_ids: Sequence[int] = (), batch_id: int = 0
) -> int:
    count: int = await connection.fetchval(statements.void_reusable, lane, original_ids, batch_id)
    return count
