"""What an agent sold, and what that earned him. Nothing of his buyers': no cards, no accounts, no references."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from kameng import ledger
from kameng.kit import clock, events, ids, lanes
from kameng.kit.db import Database
from kameng.orders import store
from kameng.orders.errors import OrderNotFound
from kameng.orders.splitting import MARGIN, MARGIN_BACK
from kameng.orders.store import ShopOrder


async def list_sold(db: Database, agent_id: int, *, before_id: int, limit: int) -> list[ShopOrder]:
    """What he sold in any lane, newest first."""
    found: list[ShopOrder] = []
    async with db.connection() as connection:
        for lane in await lanes.lane_numbers(connection):
            found += await store.orders_sold(connection, lane, agent_id, before_id=before_id, limit=limit)
    return sorted(found, key=lambda one: -one.order_id)[:limit]


async def list_of_shop(
    db: Database, agent_id: int, buyers: Sequence[int], *, before_id: int, limit: int
) -> list[ShopOrder]:
    """What these organisations, of any lane, bought from an agent, newest first."""
    found: list[ShopOrder] = []
    by_lane: dict[int, list[int]] = {}
    for org_id in buyers:
        by_lane.setdefault(ids.lane_of(org_id), []).append(org_id)
    async with db.connection() as connection:
        for lane, org_ids in by_lane.items():
            found += await store.orders_of_shop(connection, lane, org_ids, agent_id, before_id=before_id, limit=limit)
    return sorted(found, key=lambda one: -one.order_id)[:limit]


async def find_sold(db: Database, agent_id: int, order_id: int) -> tuple[ShopOrder, list[events.Event]]:
    """One that he sold, with what happened to it, oldest first; ``OrderNotFound`` for any other."""
    lane = ids.lane_of(order_id)
    async with db.connection() as connection:
        known = lane in await lanes.lane_numbers(connection)
        found = await store.order_sold(connection, lane, order_id, agent_id) if known else None
        if found is None:
            raise OrderNotFound
        return found, await events.timeline(connection, lane, order_id)


async def earned_by_day(db: Database, agent_id: int, first: date, last: date) -> dict[date, int]:
    """The margins that were booked to him on each of these days, less those that refunds took back."""
    from_id = ids.first_at(clock.china_start_ms(first))
    end_id = ids.first_at(clock.china_start_ms(last + timedelta(days=1)))
    earned = {first + timedelta(days=n): 0 for n in range((last - first).days + 1)}
    async with db.connection() as connection:
        for lane in await lanes.lane_numbers(connection):
            for account in await ledger.read_sub_accounts(connection, lane, [agent_id]):
                moved = await ledger.moved_by_day(
                    connection, lane, account.account_id, from_id=from_id, end_id=end_id, codes=[MARGIN, MARGIN_BACK]
                )
                for day, amount_e4 in moved.items():
                    earned[day] += amount_e4
    return earned
