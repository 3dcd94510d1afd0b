"""What the platform's staff asks of everybody's orders, one thin function a statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from importlib import resources

import msgspec

from kameng.kit import sql
from kameng.kit.db import Connection

statements = sql.parse("overseeing.sql", resources.files("kameng.orders").joinpath("overseeing.sql").read_text("utf-8"))


class Overseen(msgspec.Struct, frozen=True):
    """An order in a list of the staff, with its buyer."""

    order_id: int
    org_id: int
    buyer: str
    currency: str
    sku_id: int
    quantity: int
    total_e4: int
    cost_e4: int
    refunded_e4: int
    state: str
    client_ref: str
    placed_at: datetime


class Pace(msgspec.Struct, frozen=True):
    """How long a SKU takes from the order to its goods: the median of so many orders."""

    sku_id: int
    median_ms: int
    orders: int


class Asked(msgspec.Struct, frozen=True):
    """Which orders are wanted; None: whichever. Ids stand for times."""

    org_id: int | None = None
    states: tuple[str, ...] | None = None
    sku_id: int | None = None
    least_e4: int | None = None
    most_e4: int | None = None
    from_id: int = 0
    before_id: int = (1 << 63) - 1

    @property
    def is_narrow(self) -> bool:
        """Whether what lies between two finds may be long: the list stops looking somewhere then."""
        return any(one is not None for one in (self.states, self.sku_id, self.least_e4, self.most_e4))


class Confirming(msgspec.Struct, frozen=True):
    """An order whose buyer may confirm; ``escrow_e4`` waits for that. ``supplier_id``: who loaded its cards, or 0."""

    order_id: int
    org_id: int
    buyer: str
    currency: str
    sku_id: int
    quantity: int
    state: str
    placed_at: datetime
    confirm_until: datetime
    escrow_e4: int
    supplier_id: int


class ConfirmingSum(msgspec.Struct, frozen=True):
    """What waits so of one SKU's orders with cards of one supplier, the oldest placed then."""

    currency: str
    sku_id: int
    supplier_id: int
    orders: int
    escrow_e4: int
    since: datetime


class UndeliveredSum(msgspec.Struct, frozen=True):
    """What rests in escrow of orders that are paid and not delivered, in one state."""

    currency: str
    state: str
    orders: int
    escrow_e4: int


class FiveMinutes(msgspec.Struct, frozen=True):
    since: datetime
    orders: int
    amount_e4: int
    cost_e4: int


async def window_end(connection: Connection, lane: int, asked: Asked, most: int) -> int | None:
    """The first order that is not looked at any more; None: all of them are."""
    whose = () if asked.org_id is None else (asked.org_id,)
    statement = statements.window_of_all if asked.org_id is None else statements.window_of_organisation
    found: int | None = await connection.fetchval(statement, lane, asked.before_id, asked.from_id, most, *whose)
    return found


async def oversee(connection: Connection, lane: int, asked: Asked, from_id: int, limit: int) -> list[Overseen]:
    states = None if asked.states is None else list(asked.states)
    narrow = (asked.sku_id, asked.least_e4, asked.most_e4)
    if asked.org_id is None:
        rows = await connection.fetch(statements.oversee_all, lane, asked.before_id, from_id, limit, states, *narrow)
    else:
        rows = await connection.fetch(
            statements.oversee_organisation, lane, asked.before_id, from_id, limit, states, *narrow, asked.org_id
        )
    return [Overseen(*row) for row in rows]


async def oversee_unfinished(connection: Connection, lane: int, asked: Asked, state: str, limit: int) -> list[Overseen]:
    rows = await connection.fetch(
        statements.oversee_unfinished, lane, asked.before_id, asked.from_id, limit, state, asked.sku_id,
        asked.least_e4, asked.most_e4,
    )  # fmt: skip
    return [Overseen(*row) for row in rows]


async def oversee_these(connection: Connection, lane: int, order_ids: Sequence[int]) -> list[Overseen]:
    return [Overseen(*row) for row in await connection.fetch(statements.oversee_these, lane, order_ids)]


async def count_unfinished(connection: Connection, lane: int, state: str, before_id: int, most: int) -> int:
    return int(await connection.fetchval(statements.count_unfinished, lane, state, before_id, most))


async def by_tail(
    connection: Connection, lane: int, tails: Sequence[int], *, modulus: int, rest: int, limit: int
) -> list[int]:
    rows = await connection.fetch(statements.orders_by_tail, lane, tails, modulus, rest, limit)
    return [row[0] for row in rows]


async def between(connection: Connection, lane: int, from_id: int, before_id: int, limit: int) -> list[int]:
    return [row[0] for row in await connection.fetch(statements.orders_between, lane, from_id, before_id, limit)]


async def latest_outcomes(
    connection: Connection, lane: int, before_id: int, limit: int
) -> list[tuple[str, int | None]]:
    rows = await connection.fetch(statements.latest_outcomes, lane, before_id, limit)
    return [(row[0], row[1]) for row in rows]


async def newest_waits(connection: Connection, lane: int, limit: int) -> list[tuple[int, int, int]]:
    """(order, SKU, ms from the order to its goods) each."""
    return [tuple(row) for row in await connection.fetch(statements.newest_waits, lane, limit)]


async def set_paces(connection: Connection, paces: Sequence[Pace], at: datetime) -> None:
    columns = [[getattr(one, name) for one in paces] for name in ("sku_id", "median_ms", "orders")]
    await connection.execute(statements.set_paces, *columns, at)


async def every_pace(connection: Connection) -> list[Pace]:
    return [Pace(*row) for row in await connection.fetch(statements.every_pace)]


async def tallied_until(connection: Connection, lane: int) -> int | None:
    found: int | None = await connection.fetchval(statements.tallied_until, lane)
    return found


async def last_before(connection: Connection, lane: int, order_id: int) -> int:
    """0: there is none."""
    return int(await connection.fetchval(statements.first_order_from, lane, order_id) or 0)


async def add_up(connection: Connection, lane: int, after_id: int, limit: int) -> int | None:
    """Up to which order; the caller holds the gate and says so."""
    found: int | None = await connection.fetchval(statements.tally_orders, lane, after_id, limit)
    return found


async def set_tallied(connection: Connection, lane: int, until_id: int) -> None:
    await connection.execute(statements.set_tallied, lane, until_id)


async def read_tallies(connection: Connection, lane: int, since: datetime, currency: str) -> list[FiveMinutes]:
    return [FiveMinutes(*row) for row in await connection.fetch(statements.read_tallies, lane, since, currency)]


async def count_placed(connection: Connection, lane: int, from_id: int, most: int) -> int:
    return int(await connection.fetchval(statements.count_placed, lane, from_id, most))


async def list_confirming(
    connection: Connection, lane: int, after_id: int, sku_ids: Sequence[int] | None, supplier_id: int, limit: int
) -> list[Confirming]:
    rows = await connection.fetch(statements.list_confirming, lane, after_id, sku_ids, limit, supplier_id)
    return [Confirming(*row) for row in rows]


async def sum_confirming(connection: Connection, lane: int, most: int) -> list[ConfirmingSum]:
    return [ConfirmingSum(*row) for row in await connection.fetch(statements.sum_confirming, lane, most)]


async def sum_undelivered(connection: Connection, lane: int) -> list[UndeliveredSum]:
    return [UndeliveredSum(*row) for row in await connection.fetch(statements.sum_undelivered, lane)]
