"""Today: what was ordered, spent and delivered, what waits, what is left. Every number leads to its list."""

from __future__ import annotations

from typing import Any

from litestar import Response, get

from kameng import identity, ledger, notices, orders
from kameng.kit import clock
from kameng.orders import Filter, Tally
from kameng.web.answering import page
from kameng.web.merchant import lists
from kameng.web.merchant.order_plans import BACK, GOOD, WAITING, query_of
from kameng.web.parts import AnyRequest, door_of
from kameng.web.viewing import viewer_of

WAITING_DAYS = 7
LATEST = 8
SOON_DAYS = 14


@get("/merchant", opt={"face": "merchant"})
async def show(request: AnyRequest) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    me, today, since = viewer.me, clock.china_day(), lists.days_ago(WAITING_DAYS - 1)
    async with door.db.connection() as connection:
        week, is_whole = await orders.tally(connection, me, from_id=lists.start_of_day(since))
        wallet = (await ledger.read_accounts(connection, me.lane, [me.org_id]))[0]
    tallies = [one for one in week if one.hour_ms >= clock.china_start_ms(today)]
    latest = await orders.browse(door.snapshot, me, Filter(), limit=LATEST)
    return page(
        request, "merchant/board.html", sums=_sums(tallies), hours=_hours(tallies),
        is_whole=is_whole or len(tallies) < len(week), waiting=_count(week, WAITING),
        waiting_states=query_of(WAITING), good_states=query_of(GOOD), back_states=query_of(BACK),
         waiting_from=since, today=today, wallet=wallet,
        latest=latest.orders, names=lambda sku_id: lists.goods_name(door.snapshot, sku_id),
        **await _attention(request),
    )  # fmt: skip


def _sums(tallies: list[Tally]) -> dict[str, int]:
    return {
        "orders": sum(one.count for one in tallies),
        "good": _count(tallies, GOOD),
        "back": _count(tallies, BACK),
        "spent_e4": sum(one.total_e4 - one.refunded_e4 for one in tallies if one.state not in BACK),
    }


def _count(tallies: list[Tally], states: tuple[str, ...]) -> int:
    return sum(one.count for one in tallies if one.state in states)


def _hours(tallies: list[Tally]) -> list[int]:
    """Orders of each hour of today so far."""
    start_ms = clock.china_start_ms(clock.china_day())
    hours = [0] * ((clock.now_ms() - start_ms) // orders.HOUR_MS + 1)
    for one in tallies:
        index = (one.hour_ms - start_ms) // orders.HOUR_MS
        if 0 <= index < len(hours):
            hours[index] += one.count
    return hours


async def _attention(request: AnyRequest) -> dict[str, Any]:
    """What somebody should look at: webhooks that fail, keys that end soon."""
    viewer, door = viewer_of(request), door_of(request)
    failing, ending, key_count = 0, 0, 0
    if viewer.may("webhooks"):
        endpoints = await notices.list_endpoints(door.db, viewer.me.org_id)
        failing = sum(one.state != "active" or one.failures > 0 for one in endpoints)
    if viewer.may("keys"):
        keys = [key for key in await identity.list_keys(door.db, viewer.me) if key.works_at(clock.now())]
        ending = sum(key.expires_at is not None and (key.expires_at - clock.now()).days < SOON_DAYS for key in keys)
        key_count = sum(not key.sandbox for key in keys)
    return {"failing": failing, "ending": ending, "key_count": key_count}
