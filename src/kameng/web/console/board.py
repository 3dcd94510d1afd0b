"""The first page of the operators: what is going on, each number a way to the list behind it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
from litestar import Response, get

from kameng import documents, finance, fulfilment, ledger, notices, orders, shops, stock, suppliers
from kameng.kit import clock, desk, ids
from kameng.web.answering import page
from kameng.web.parts import AnyRequest, Door, door_of
from kameng.web.viewing import Viewer, viewer_of

STUCK_MINUTES = 30
SPARK_POINTS = 24
DESK_MAX = 1000
"""How far what waits on a desk is counted; beyond it the page says 'over'."""


class Today(msgspec.Struct, frozen=True):
    """Orders since midnight in China, the day before up to the same hour, and hour by hour of the last day."""

    orders: int
    amount_e4: int
    profit_e4: int
    orders_before: int
    amount_before_e4: int
    hours: list[int]
    amounts: list[int]

    @property
    def change(self) -> float | None:
        """Of orders, against the same hours of the day before."""
        return None if not self.orders_before else (self.orders - self.orders_before) / self.orders_before


@get("/console", opt={"face": "platform"})
async def show(request: AnyRequest) -> Response[Any]:
    door, viewer = door_of(request), viewer_of(request)
    return page(request, "console/board.html", **await numbers(door, viewer))


async def numbers(door: Door, viewer: Viewer) -> dict[str, Any]:
    """Every number of the board, each by a bounded look."""
    db, at = door.db, clock.now()
    counts = await orders.count_unfinished(db, sorted(orders.UNFINISHED))
    stuck_before = ids.first_at(clock.now_ms() - STUCK_MINUTES * 60_000)
    stuck = await orders.count_unfinished(db, ["fulfilling", "paid"], before_id=stuck_before)
    tasks = await fulfilment.count_live(db)
    dead = await desk.lying(db)
    return {
        "today": await today(door, at), "counts": counts, "stuck": sum(stuck.values()),
        "stuck_before": stuck_before,
        "outcomes": await orders.latest_outcomes(db), "low": await stock.low_skus(db),
        "tasks": sum(one.open + one.taken for one in tasks), "overdue": sum(one.overdue for one in tasks),
        "dead": sum(job.state == "dead" for job in dead), "unknown": sum(job.state == "unknown" for job in dead),
        "webhooks": await notices.endpoints_in_trouble(db),
        "balance": await balance(door) if viewer.may("money.view") else None,
        "adjustments": len(await finance.pending_adjustments(db)) if viewer.may("money.view") else None,
        "withdrawals": await _waiting_withdrawals(door) if viewer.may("money.view") else None,
        "skus": door.snapshot.catalogue.skus, "desks": await _desks(door, viewer),
    }  # fmt: skip


async def _desks(door: Door, viewer: Viewer) -> dict[str, int]:
    """What waits on the desks that he may decide at."""
    found: dict[str, int] = {}
    if viewer.may("documents"):
        found["documents"] = len(await documents.list_waiting(door.db, limit=DESK_MAX))
    if viewer.may("goods"):
        found["offers"] = len(await suppliers.list_waiting_offers(door.db, limit=DESK_MAX))
    if viewer.may("shop"):
        found["domains"] = len(door.shops.waiting())
        async with door.db.connection() as connection:
            found["reviews"] = len(await shops.pending_reviews(connection, before_id=shops.NEWEST, limit=DESK_MAX))
    return found


async def today(door: Door, at: datetime) -> Today:
    midnight = at.astimezone(clock.CHINA).replace(hour=0, minute=0, second=0, microsecond=0)
    before = midnight - timedelta(days=1)
    day_ago = at - timedelta(days=1)
    tallies = await orders.tallies(door.db, min(before, at - timedelta(hours=SPARK_POINTS)))
    hours, amounts = [0] * SPARK_POINTS, [0] * SPARK_POINTS
    for one in tallies:
        place = SPARK_POINTS - 1 - int((at - one.since) // timedelta(hours=1))
        if 0 <= place < SPARK_POINTS:
            hours[place] += one.orders
            amounts[place] += one.amount_e4
    now = [one for one in tallies if one.since >= midnight]
    then = [one for one in tallies if before <= one.since < day_ago]
    return Today(
        sum(one.orders for one in now), sum(one.amount_e4 for one in now),
        sum(one.amount_e4 - one.cost_e4 for one in now), sum(one.orders for one in then),
        sum(one.amount_e4 for one in then), hours, amounts,
    )  # fmt: skip


class Balance(msgspec.Struct, frozen=True):
    """Whether all accounts of each lane and currency sum to nought, and nothing lies in suspense."""

    is_even: bool
    suspense_e4: int

    @property
    def tone(self) -> str:
        if not self.is_even:
            return "bad"
        return "warn" if self.suspense_e4 else "good"


async def balance(door: Door) -> Balance:
    sums = {one.code: one.posted_e4 for one in await ledger.house_sums(door.db) if one.currency == "CNY"}
    return Balance(not await ledger.unbalanced(door.db), sums.get("suspense", 0))


async def _waiting_withdrawals(door: Door) -> int:
    found = 0
    for state in ("requested", "checked", "approved"):
        found += len(await finance.list_withdrawals(door.db, state=state, limit=100))
    return found
