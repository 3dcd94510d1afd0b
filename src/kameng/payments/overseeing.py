"""Everybody's payments and refunds, for the platform's staff: lists over all lanes, and what a number is of.

Every look is bounded, as orders' are: a list with a narrow filter looks through so many rows of a lane and says how far
it came; its next page goes on from there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from importlib import resources
from typing import Any, Generic, TypeVar

import msgspec

from kameng.channels import Method, Scene
from kameng.kit import ids, lanes, sql
from kameng.kit.db import Connection, Database
from kameng.kit.ids import ID_MAX
from kameng.payments import store
from kameng.payments.model import Kind, Refund, RefundState, State, TakenAs, id_of_number, number_of

WINDOW = 20_000
"""So many rows of a lane one page looks through."""
PROVIDER_NO_CHARS_MAX = 100
statements = sql.parse(
    "overseeing.sql", resources.files("kameng.payments").joinpath("overseeing.sql").read_text("utf-8")
)


class AskedPayments(msgspec.Struct, frozen=True):
    """Which payments are wanted; None: whichever. Ids stand for times."""

    states: tuple[str, ...] | None = None
    taken_as: tuple[str, ...] | None = None
    channel_id: int | None = None
    methods: tuple[str, ...] | None = None
    org_id: int | None = None
    least_e4: int | None = None
    most_e4: int | None = None
    from_id: int = 0

    @property
    def is_narrow(self) -> bool:
        """Whether what lies between two finds may be long: the list stops looking somewhere then."""
        wanted = (
            self.states, self.taken_as, self.channel_id, self.methods, self.org_id, self.least_e4, self.most_e4
        )  # fmt: skip
        return any(one is not None for one in wanted)


class AskedRefunds(msgspec.Struct, frozen=True):
    """Which refunds are wanted. ``by_person``: those that wait for one."""

    states: tuple[str, ...] | None = None
    channel_id: int | None = None
    causes: tuple[str, ...] | None = None
    by_person: bool = False
    from_id: int = 0

    @property
    def is_narrow(self) -> bool:
        return any(one is not None for one in (self.states, self.channel_id, self.causes))


class OverseenPayment(msgspec.Struct, frozen=True):
    """A payment in a list of the staff, with its payer."""

    payment_id: int
    payable_id: int
    kind: Kind
    org_id: int
    payer_name: str
    channel_id: int
    attempt: int
    method: Method
    scene: Scene
    amount_e4: int
    currency: str
    paid_e4: int | None
    refunded_e4: int
    state: State
    taken_as: TakenAs | None
    provider_no: str
    begun_at: datetime
    paid_at: datetime | None

    @property
    def payment_no(self) -> str:
        return number_of(self.payment_id)


Row = TypeVar("Row")


class Page(msgspec.Struct, Generic[Row], frozen=True):
    """``next_id``: the cursor of the next page, None on the last. ``looked_to``: where a narrow look stopped."""

    rows: list[Row]
    next_id: int | None
    looked_to: int | None = None


async def oversee_payments(
    db: Database, asked: AskedPayments, *, before_id: int = ID_MAX, limit: int = 50
) -> Page[OverseenPayment]:
    """Newest first, of all lanes or of one organisation's."""

    async def look(connection: Connection, lane: int) -> tuple[list[OverseenPayment], int | None]:
        stop = None
        if asked.is_narrow:
            stop = await connection.fetchval(statements.window_of_payments, lane, before_id, asked.from_id, WINDOW)
        from_id = asked.from_id if stop is None else stop + 1
        rows = await connection.fetch(
            statements.oversee_payments, lane, before_id, from_id, limit + 1, asked.states, asked.taken_as,
            asked.channel_id, asked.methods, asked.org_id, asked.least_e4, asked.most_e4,
        )  # fmt: skip
        return [_overseen(row) for row in rows], stop

    only = None if asked.org_id is None else ids.lane_of(asked.org_id)
    return await _over_lanes(db, look, lambda one: one.payment_id, limit=limit, only=only)


async def oversee_refunds(
    db: Database, asked: AskedRefunds, *, before_id: int = ID_MAX, limit: int = 50
) -> Page[Refund]:
    """Newest first, of all lanes."""
    is_open = asked.by_person or (asked.states is not None and RefundState.done not in asked.states)

    async def look(connection: Connection, lane: int) -> tuple[list[Refund], int | None]:
        stop = None
        if asked.is_narrow and not is_open:
            stop = await connection.fetchval(statements.window_of_refunds, lane, before_id, asked.from_id, WINDOW)
        from_id = asked.from_id if stop is None else stop + 1
        wanted = (lane, before_id, from_id, limit + 1, asked.states, asked.channel_id, asked.causes)
        if is_open:
            rows = await connection.fetch(statements.oversee_open_refunds, *wanted, asked.by_person)
        else:
            rows = await connection.fetch(statements.oversee_refunds, *wanted)
        return [store.refund_of(row) for row in rows], stop

    return await _over_lanes(db, look, lambda one: one.refund_id, limit=limit)


async def _over_lanes(
    db: Database, look: Callable[[Connection, int], Awaitable[tuple[list[Row], int | None]]],
    number: Callable[[Row], int], *, limit: int, only: int | None = None,
) -> Page[Row]:  # fmt: skip
    found: list[Row] = []
    stops: list[int] = []
    async with db.connection() as connection:
        for lane in await lanes.lane_numbers(connection):
            if only is None or lane == only:
                rows, stop = await look(connection, lane)
                found += rows
                stops += [] if stop is None else [stop]
    found.sort(key=lambda one: -number(one))
    # What lies below where one lane stopped might have something of that lane between.
    looked_to = max(stops, default=None)
    if looked_to is not None:
        found = [one for one in found if number(one) > looked_to]
    if len(found) > limit:
        return Page(found[:limit], number(found[limit - 1]))
    return Page(found, None if looked_to is None else looked_to + 1, looked_to)


async def payments_by_number(db: Database, text: str, *, limit: int = 50) -> list[OverseenPayment]:
    """By its own number, a refund's of it, that of what it pays, or its provider's; newest first."""
    text = text.strip()
    numbers = await _numbers_in(db, text)
    found: list[OverseenPayment] = []
    async with db.connection() as connection:
        for lane in await lanes.lane_numbers(connection):
            found += await _these(connection, lane, numbers, text[:PROVIDER_NO_CHARS_MAX], limit)
    return sorted(found, key=lambda one: -one.payment_id)[:limit]


async def payments_of(db: Database, payable_id: int) -> list[OverseenPayment]:
    """All attempts to pay an order or a recharge, newest first."""
    async with db.connection() as connection:
        return await _these(connection, ids.lane_of(payable_id), [payable_id], "", 50)


async def _these(
    connection: Connection, lane: int, numbers: Sequence[int], provider_no: str, limit: int
) -> list[OverseenPayment]:
    rows = await connection.fetch(statements.oversee_these_payments, lane, list(numbers), provider_no, limit)
    return [_overseen(row) for row in rows]


async def _numbers_in(db: Database, text: str) -> list[int]:
    """The id that a text means, if it means one of ours."""
    if text.isascii() and text.isdecimal() and len(text) <= 19:
        return [int(text)] if int(text) <= ID_MAX else []
    number = id_of_number(text.upper())
    if number is None or text[:1].upper() != "R":
        return [] if number is None else [number]
    async with db.connection() as connection:
        if ids.lane_of(number) not in await lanes.lane_numbers(connection):
            return []
        refund = (await store.read_refunds(connection, ids.lane_of(number), [number])).get(number)
    return [] if refund is None else [refund.payment_id]


def _overseen(row: Any) -> OverseenPayment:
    return OverseenPayment(
        **dict(row)
        | {
            "kind": Kind(row["kind"]), "method": Method(row["method"]), "scene": Scene(row["scene"]),
            "state": State(row["state"]), "taken_as": None if row["taken_as"] is None else TakenAs(row["taken_as"]),
        }
    )  # fmt: skip
