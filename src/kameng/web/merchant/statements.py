"""Statements of a month by day, product or customer: with the month's totals, as a page to print, and as a file."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from litestar import Response, get
from litestar.response import Stream

from kameng import finance
from kameng.finance import Entry, Period, Section, Sums
from kameng.kit import clock
from kameng.kit.errors import Refusal
from kameng.web.answering import page
from kameng.web.parts import AnyRequest, door_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

VIEW = {"face": "merchant", "act": "money.view"}
WAYS: dict[str, str] = {"day": N_("By day"), "product": N_("By product"), "customer": N_("By customer")}
MONTHS_BACK = 12


class Row(msgspec.Struct, frozen=True):
    """A section with its sums: what came in, went back and went out."""

    section: Section
    sums: Sums
    count: int


def _row(section: Section) -> Row:
    sums = Sums()
    sums.add(section)
    return Row(section, sums, sum(entry.count for entry in section.entries))


@get("/merchant/statements", opt=VIEW)
async def show(request: AnyRequest) -> Response[Any]:
    door, me = door_of(request), viewer_of(request).me
    by, period, month = _asked(request)
    opening_e4 = await finance.opening_balance(door.db, period, organisation=me, currency=me.currency)
    sums, rows = Sums(opening_e4), []
    codes: dict[str, Entry] = {}
    async for section in finance.sections(door.db, period, by, organisation=me, currency=me.currency):  # type: ignore[arg-type] # one of WAYS
        sums.add(section)
        rows.append(_row(section))
        for entry in section.entries:
            old = codes.get(entry.code, Entry(entry.code, 0, 0, 0))
            codes[entry.code] = Entry(
                entry.code, old.count + entry.count, old.in_e4 + entry.in_e4, old.out_e4 + entry.out_e4
            )
    return page(
        request, "merchant/statements.html", by=by, ways=WAYS, period=period, month=month, months=_months(), sums=sums,
        rows=rows, codes=[codes[code] for code in sorted(codes)],
    )  # fmt: skip


@get("/merchant/statements.csv", opt=VIEW)
async def download(request: AnyRequest) -> Stream:
    door, me = door_of(request), viewer_of(request).me
    by, period, month = _asked(request, lines=True)
    opening_e4 = await finance.opening_balance(door.db, period, organisation=me, currency=me.currency)
    found = finance.sections(door.db, period, by, organisation=me, currency=me.currency)  # type: ignore[arg-type] # as above
    name = f"statement-{by}-{month}.csv"
    headers = {"cache-control": "no-store", "content-disposition": f'attachment; filename="{name}"'}
    return Stream(finance.csv_of(found, opening_e4), media_type="text/csv; charset=utf-8", headers=headers)


def _asked(request: AnyRequest, *, lines: bool = False) -> tuple[str, Period, str]:
    """By what, which days, and the month's name. The month of now ends today."""
    query = request.query_params
    by = query.get("by", "day")
    if by not in WAYS and not (lines and by == "line"):
        by = "day"
    today = clock.china_day()
    try:
        period = finance.month_of(query.get("month", ""))
    except Refusal:
        period = finance.month_of(f"{today:%Y-%m}")
    return by, Period(period.first, min(period.last, max(today, period.first))), f"{period.first:%Y-%m}"


def _months() -> list[str]:
    """This one and those before it."""
    day, found = clock.china_day().replace(day=1), []
    for _ in range(MONTHS_BACK):
        found.append(f"{day:%Y-%m}")
        day = (day - timedelta(days=1)).replace(day=1)
    return found
