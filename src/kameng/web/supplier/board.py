"""The first page of the suppliers: what is due, what runs, what was delivered, what is about to end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from litestar import Response, get

from kameng import documents, fulfilment, ledger, suppliers
from kameng.documents import Document
from kameng.kit import clock
from kameng.web.answering import page
from kameng.web.parts import AnyRequest, Door, door_of
from kameng.web.supplier.common import goods_of, worker_of
from kameng.web.viewing import Viewer, viewer_of

ROWS = 5
WARNED_DAYS = 30
CHART_DAYS = 14


@get("/supplier", opt={"face": "supplier"})
async def show(request: AnyRequest) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    me, today = viewer.me, clock.china_day()
    tasks = await fulfilment.list_tasks(door.db, door.ring, worker_of(viewer), limit=ROWS)
    days = await suppliers.days_of(door.db, me.org_id, today - timedelta(days=CHART_DAYS - 1), today)
    runs = [run for run in await suppliers.list_runs(door.db, me.org_id, limit=ROWS) if run.state in suppliers.OPEN]
    by_day = {today - timedelta(days=back): 0 for back in reversed(range(CHART_DAYS))}
    for one in days:
        by_day[one.day] += one.delivered
    return page(
        request, "supplier/board.html", tasks=tasks.tasks, has_more=tasks.next is not None, runs=runs,
        goods=goods_of(door), today=suppliers.add_up([one for one in days if one.day == today]),
        recent=suppliers.add_up(days), per_day=list(by_day.values()), wallet=await _wallet(door, viewer),
        ending=await _ending(door, viewer), now=clock.now(),
    )  # fmt: skip


async def _wallet(door: Door, viewer: Viewer) -> ledger.Account | None:
    if not viewer.may("money.view"):
        return None
    async with door.db.connection() as connection:
        return await ledger.read_wallet(connection, viewer.me.lane, viewer.me.org_id)


async def _ending(door: Door, viewer: Viewer) -> list[tuple[Document, int]]:
    """Documents that he relies on and that are about to end, and how many days are left of each."""
    if not viewer.may("documents"):
        return []
    today, found = clock.china_day(), await documents.list_documents(door.db, viewer.me.org_id)
    left = [(one, one.days_left(today)) for one in found if one.state is documents.State.accepted]
    return [(one, days) for one, days in left if days is not None and days <= WARNED_DAYS]
