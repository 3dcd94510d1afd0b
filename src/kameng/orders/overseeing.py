"""Everybody's orders, for the platform's staff: lists over all lanes, found by a part of their number, and counted.

Every look is bounded. A list with a narrow filter looks through so many orders of a lane and says how far it came; its
next page goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from kameng.kit import ids, lanes
from kameng.kit.db import Connection, Database
from kameng.orders import overseeing_store as store
from kameng.orders import store as orders_store
from kameng.orders.model import State
from kameng.orders.overseeing_store import Asked, FiveMinutes, Overseen
from kameng.orders.wishing import ref_key_of

WINDOW = 20_000
"""So many orders of a lane one page looks through."""
UNFINISHED = frozenset(
    {
        State.awaiting_payment, State.paid, State.held, State.fulfilling, State.review, State.cancelling, State.failed,
        State.refused,
    }
)  # fmt: skip
COUNTED_MAX = 1000
TAIL = 1_000_000
FRAGMENT_MIN, DIGITS_MAX = 4, 19
OUTCOMES_EACH = 500
OWNERS_MAX = 2000
PLACED_MAX = 100_000
TALLY_CHUNK = 20_000
TALLY_CHUNKS_MAX = 200
TALLY_SINCE_DAYS_MS = 2 * 86_400_000
"""A platform that begins to count leaves out what is older."""


class OverseenPage(msgspec.Struct, frozen=True):
    """``next_id``: the cursor of the next page, None on the last. ``looked_to``: where a narrow look stopped."""

    orders: list[Overseen]
    next_id: int | None
    looked_to: int | None = None


async def oversee(db: Database, asked: Asked, *, limit: int = 50) -> OverseenPage:
    """Newest first, of all lanes or of one organisation's."""
    found: list[Overseen] = []
    stops: list[int] = []
    async with db.connection() as connection:
        numbers = await lanes.lane_numbers(connection) if asked.org_id is None else [ids.lane_of(asked.org_id)]
        for lane in numbers:
            rows, stop = await _of_lane(connection, lane, asked, limit + 1)
            found += rows
            stops += [] if stop is None else [stop]
    found.sort(key=lambda one: -one.order_id)
    # What lies below where one lane stopped might have something of that lane between.
    looked_to = max(stops, default=None)
    if looked_to is not None:
        found = [one for one in found if one.order_id > looked_to]
    if len(found) > limit:
        return OverseenPage(found[:limit], found[limit - 1].order_id)
    return OverseenPage(found, None if looked_to is None else looked_to + 1, looked_to)


async def _of_lane(connection: Connection, lane: int, asked: Asked, limit: int) -> tuple[list[Overseen], int | None]:
    """Rows, and the first order that was not looked at."""
    if asked.states is not None and asked.org_id is None and set(asked.states) <= UNFINISHED:
        rows: list[Overseen] = []
        for state in asked.states:
            rows += await store.oversee_unfinished(connection, lane, asked, state, limit)
        return rows, None
    stop = await store.window_end(connection, lane, asked, WINDOW) if asked.is_narrow else None
    from_id = asked.from_id if stop is None else stop + 1
    return await store.oversee(connection, lane, asked, from_id, limit), stop


async def oversee_these(db: Database, order_ids: Iterable[int]) -> list[Overseen]:
    """Some orders, newest first; what is no order is left out."""
    by_lane: dict[int, list[int]] = {}
    for order_id in order_ids:
        by_lane.setdefault(ids.lane_of(order_id), []).append(order_id)
    found: list[Overseen] = []
    async with db.connection() as connection:
        for lane, some in by_lane.items():
            found += await store.oversee_these(connection, lane, some)
    return sorted(found, key=lambda one: -one.order_id)


async def find_by_fragment(db: Database, digits: str, *, limit: int = 20) -> list[Overseen]:
    """Orders whose number is, ends with or begins with these digits, newest first; four at least."""
    if not (digits.isascii() and digits.isdecimal() and FRAGMENT_MIN <= len(digits) <= DIGITS_MAX):
        return []
    found: set[int] = set()
    rest, modulus = int(digits), 10 ** len(digits)
    tails = [rest % TAIL] if len(digits) >= 6 else [rest + n * modulus for n in range(TAIL // modulus)]
    async with db.connection() as connection:
        for lane in await lanes.lane_numbers(connection):
            if len(digits) < DIGITS_MAX:
                found |= set(await store.by_tail(connection, lane, tails, modulus=modulus, rest=rest, limit=limit))
            for from_id, before_id in _beginning_with(digits):
                found |= set(await store.between(connection, lane, from_id, before_id, limit))
    return await oversee_these(db, sorted(found, reverse=True)[:limit])


def _beginning_with(digits: str) -> list[tuple[int, int]]:
    """Ranges of numbers that begin so, of the lengths that numbers have. A short beginning is half of them all."""
    if len(digits) < 6 or digits.startswith("0"):
        return []
    number = int(digits)
    spans = [10 ** (length - len(digits)) for length in (17, 18, 19) if length >= len(digits)]
    return [(number * span, (number + 1) * span) for span in spans if (number + 1) * span < 1 << 63]


async def find_by_reference(db: Database, client_ref: str, org_ids: Sequence[int]) -> list[Overseen]:
    """Orders that organisations among these placed under a reference."""
    by_lane: dict[int, list[bytes]] = {}
    for org_id in org_ids[:OWNERS_MAX]:
        by_lane.setdefault(ids.lane_of(org_id), []).append(ref_key_of(org_id, client_ref))
    found: list[int] = []
    async with db.connection() as connection:
        for lane, keys in by_lane.items():
            found += [order_id for _, order_id in (await orders_store.read_refs(connection, lane, keys)).values()]
    return await oversee_these(db, found)


# numbers -----------------------------------------------------------------------------------------------------


async def count_unfinished(db: Database, states: Sequence[str], *, before_id: int | None = None) -> dict[str, int]:
    """How many orders are in each of these states, counted up to a thousand in each lane."""
    counts = dict.fromkeys(states, 0)
    before = (1 << 63) - 1 if before_id is None else before_id
    async with db.connection() as connection:
        for lane in await lanes.lane_numbers(connection):
            for state in states:
                counts[state] += await store.count_unfinished(connection, lane, state, before, COUNTED_MAX)
    return counts


class Outcomes(msgspec.Struct, frozen=True):
    """What became of the newest orders: how many were looked at, were delivered, failed; how long delivery took."""

    looked_at: int
    delivered: int
    failed: int
    median_ms: int | None

    @property
    def success(self) -> float | None:
        ended = self.delivered + self.failed
        return self.delivered / ended if ended else None


async def latest_outcomes(db: Database, *, before_id: int = (1 << 63) - 1) -> Outcomes:
    """Of the newest orders of each lane, so many that the look stays short."""
    rows: list[tuple[str, int | None]] = []
    async with db.connection() as connection:
        for lane in await lanes.lane_numbers(connection):
            rows += await store.latest_outcomes(connection, lane, before_id, OUTCOMES_EACH)
    took = sorted(ms for _, ms in rows if ms is not None)
    failed = sum(state in (State.failed, State.refused) or (state == State.refunded and ms is None)
                 for state, ms in rows)  # fmt: skip
    return Outcomes(len(rows), len(took), failed, took[len(took) // 2] if took else None)


async def tallies(db: Database, since: datetime, *, currency: str = "CNY") -> list[FiveMinutes]:
    """What orders came to in each five minutes, of all lanes together; as the clock last added up."""
    sums: dict[datetime, FiveMinutes] = {}
    async with db.connection() as connection:
        for lane in await lanes.lane_numbers(connection):
            for one in await store.read_tallies(connection, lane, since, currency):
                other = sums.get(one.since, FiveMinutes(one.since, 0, 0, 0))
                sums[one.since] = FiveMinutes(
                    one.since, one.orders + other.orders, one.amount_e4 + other.amount_e4, one.cost_e4 + other.cost_e4
                )
    return [sums[since] for since in sorted(sums)]


async def add_up(db: Database, lane: int, *, now_ms: int) -> int:
    """Add up what a lane's orders came to since the last time; returns how many chunks it took.

    Ids rise with commits, so nothing appears behind what was counted.
    """
    for chunk in range(TALLY_CHUNKS_MAX):
        async with db.transaction() as connection:
            await lanes.pass_gate(connection, lane)
            after_id = await store.tallied_until(connection, lane)
            if after_id is None:
                after_id = await store.last_before(connection, lane, ids.first_at(now_ms - TALLY_SINCE_DAYS_MS))
            until_id = await store.add_up(connection, lane, after_id, TALLY_CHUNK)
            await store.set_tallied(connection, lane, after_id if until_id is None else until_id)
        if until_id is None:
            return chunk
    return TALLY_CHUNKS_MAX


async def placed_since(db: Database, at_ms: int) -> dict[int, int]:
    """How many orders each lane placed since a moment that is seconds ago."""
    async with db.connection() as connection:
        return {
            lane: await store.count_placed(connection, lane, ids.first_at(at_ms), PLACED_MAX)
            for lane in await lanes.lane_numbers(connection)
        }
