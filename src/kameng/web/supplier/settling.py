"""Money: what a month's deliveries come to at his cost, what the wallet says, and withdrawals."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kameng import finance, ledger, stock, suppliers
from kameng.finance import Section
from kameng.kit import clock
from kameng.web import listing, purse
from kameng.web.answering import page
from kameng.web.parts import AnyRequest, Door, door_of
from kameng.web.purse import Purse
from kameng.web.supplier.common import goods_of
from kameng.web.viewing import Viewer, viewer_of

MONTHS = 12
BATCHES_MAX = 200
VIEW = {"face": "supplier", "act": "money.view"}
MOVE = {"face": "supplier", "act": "money.move", "proof": True}
PURSE = Purse("desk.html", "/supplier/wallet", "/supplier/wallet", "/supplier/withdrawals", "")
"""Its orders are its buyers': a bill leads to none."""


@get("/supplier/settlements", opt=VIEW)
async def show_settlements(request: AnyRequest) -> Response[Any]:
    """A month (``?month=2026-11``, else this one): deliveries at cost, batches that came, and what was booked."""
    viewer, door, today = viewer_of(request), door_of(request), clock.china_day()
    try:
        month = finance.month_of(request.query_params.get("month", ""))
    except finance.BadFinanceRequest:
        month = finance.month_of(f"{today:%Y-%m}")
    days = await suppliers.days_of(door.db, viewer.me.org_id, month.first, month.last)
    sums = [
        (sku_id, suppliers.add_up([one for one in days if one.sku_id == sku_id]))
        for sku_id in {one.sku_id for one in days}
    ]
    shown = sorted(sums, key=lambda pair: -pair[1].owed_e4)
    return page(
        request, "supplier/settlements.html", month=f"{month.first:%Y-%m}", months=_months(today), by_sku=shown,
        total=suppliers.add_up(days), batches=await _batches(door, viewer, month), goods=goods_of(door),
        booked=await _booked(door, viewer, month), wallet=await _wallet(door, viewer),
    )  # fmt: skip


@get("/supplier/wallet", opt=VIEW)
async def show_wallet(request: AnyRequest) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    bills = await purse.list_bills(request, PURSE)
    return listing.show(
        request, "supplier/wallet.html", bills.listed, wallet=await _wallet(door, viewer), looked_to=bills.looked_to,
        purse=PURSE, order_of=lambda _: None,
    )  # fmt: skip


@get("/supplier/wallet/{transfer_id:str}", opt=VIEW)
async def show_posting(request: AnyRequest, transfer_id: FromPath[str]) -> Response[Any]:
    return await purse.show_posting(request, PURSE, transfer_id)


@get("/supplier/withdrawals", opt=VIEW)
async def list_withdrawals(request: AnyRequest) -> Response[Any]:
    return await purse.show_withdrawals(request, PURSE)


@get("/supplier/withdrawals/new", opt=MOVE)
async def ask_amount(request: AnyRequest) -> Response[Any]:
    return await purse.ask_withdrawal(request, PURSE)


@post("/supplier/withdrawals/new", opt={**MOVE, "switch": "withdrawals"}, status_code=200)
async def withdraw(request: AnyRequest) -> Response[Any]:
    return await purse.take_withdrawal(request, PURSE)


@get("/supplier/withdrawals/{withdrawal_id:str}", opt=VIEW)
async def show_withdrawal(request: AnyRequest, withdrawal_id: FromPath[str]) -> Response[Any]:
    return await purse.show_withdrawal(request, PURSE, withdrawal_id)


@post("/supplier/withdrawals/{withdrawal_id:str}/cancel", opt=MOVE, status_code=200)
async def cancel_withdrawal(request: AnyRequest, withdrawal_id: FromPath[str]) -> Response[Any]:
    return await purse.cancel_withdrawal(request, PURSE, withdrawal_id)


async def _wallet(door: Door, viewer: Viewer) -> ledger.Account:
    async with door.db.connection() as connection:
        return await ledger.read_wallet(connection, viewer.me.lane, viewer.me.org_id)


async def _booked(door: Door, viewer: Viewer, month: finance.Period) -> list[Section]:
    """What moved on his wallet, day by day."""
    last = min(month.last, clock.china_day())
    if last < month.first:
        return []
    period = finance.period_of(month.first, last)
    found = finance.sections(door.db, period, "day", organisation=viewer.me, currency=viewer.me.currency)
    return [section async for section in found]


async def _batches(door: Door, viewer: Viewer, month: finance.Period) -> list[stock.Batch]:
    """Those that came in the month, newest first, so many at most."""
    async with door.db.connection() as connection:
        found = await stock.batches_of(connection, viewer.me.org_id, before_id=month.end_id, limit=BATCHES_MAX)
    return [one for one in found if one.batch_id >= month.from_id]


def _months(today: date) -> list[str]:
    found, day = [], today.replace(day=1)
    for _ in range(MONTHS):
        found.append(f"{day:%Y-%m}")
        day = (day - timedelta(days=1)).replace(day=1)
    return found
