"""Quality: what stands in for complaints, and how fast orders by hand are answered, by SKU and by week."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from litestar import Response, get

from kameng import suppliers
from kameng.kit import clock
from kameng.suppliers import Day
from kameng.web.answering import page
from kameng.web.parts import AnyRequest, door_of
from kameng.web.supplier.common import goods_of, this_week, week_of
from kameng.web.viewing import viewer_of

WEEKS = 8


@get("/supplier/quality", opt={"face": "supplier"})
async def show(request: AnyRequest) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    first = this_week() - timedelta(weeks=WEEKS - 1)
    days = await suppliers.days_of(door.db, viewer.me.org_id, first, clock.china_day())
    weeks = [first + timedelta(weeks=n) for n in range(WEEKS)]
    by_week = {week: suppliers.add_up(_in_week(days, week)) for week in weeks}
    by_sku = {sku_id: suppliers.add_up([one for one in days if one.sku_id == sku_id]) for sku_id in _skus(days)}
    rates = {
        sku_id: [suppliers.add_up([one for one in _in_week(days, week) if one.sku_id == sku_id]) for week in weeks]
        for sku_id in by_sku
    }
    return page(
        request, "supplier/quality.html", total=suppliers.add_up(days), by_week=list(reversed(by_week.items())),
        by_sku=sorted(by_sku.items(), key=lambda pair: -pair[1].delivered), rates=rates, goods=goods_of(door),
        weeks=weeks,
    )  # fmt: skip


def _in_week(days: list[Day], week: date) -> list[Day]:
    return [one for one in days if week_of(one.day) == week]


def _skus(days: list[Day]) -> list[int]:
    return sorted({one.sku_id for one in days})
