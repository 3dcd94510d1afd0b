"""Stock: what became of the cards of each batch, counted as it is looked at; unsold ones taken off for good."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kameng import stock
from kameng.kit import clock
from kameng.kit.errors import Refusal
from kameng.web import forms
from kameng.web.answering import page, way_on
from kameng.web.forms import Field, Filled
from kameng.web.parts import AnyRequest, door_of
from kameng.web.supplier.common import before_of, goods_of, id_of, name_of, sku_number
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

BATCHES_SHOWN = 10
"""Each is counted anew, card by card."""
NUMBERS_MAX = 1000
SOON_DAYS = 30
VOID = (Field("reason", forms.text(200)),)
NUMBERS = (
    Field("sku", forms.text(20)), Field("numbers", forms.text(200_000, lines=True)), Field("reason", forms.text(200)),
)  # fmt: skip
OPT = {"face": "supplier", "act": "goods"}


@get("/supplier/stock", opt=OPT)
async def list_batches(request: AnyRequest) -> Response[Any]:
    """Newest first, with ``?sku=`` of one SKU."""
    viewer, door = viewer_of(request), door_of(request)
    asked = sku_number(request.query_params.get("sku", ""))
    found = await stock.stock_of_batches(
        door.db, viewer.me.org_id, sku_id=asked or None, before_id=before_of(request), limit=BATCHES_SHOWN + 1
    )
    shown, skus = found[:BATCHES_SHOWN], goods_of(door)
    async with door.db.connection() as connection:
        supplied = await stock.supplied(connection, viewer.me.org_id)
    return page(
        request, "supplier/stock.html", rows=shown, goods=skus, asked=asked,
        following=shown[-1].batch_id if len(found) > BATCHES_SHOWN else None, today=clock.china_day(),
        soon_days=SOON_DAYS, choices=[(one.sku_id, name_of(skus.get(one.sku_id))) for one in supplied],
    )  # fmt: skip


@get("/supplier/stock/void", opt=OPT)
async def ask_void(request: AnyRequest) -> Response[Any]:
    form = forms.blank(viewer_of(request).words, sku=request.query_params.get("sku", ""))
    return await _void_page(request, form)


@post("/supplier/stock/void", opt=OPT, status_code=200)
async def void_numbers(request: AnyRequest) -> Response[Any]:
    """Unsold cards with these numbers, one a line."""
    viewer, door = viewer_of(request), door_of(request)
    form = await forms.read(request, viewer.words, NUMBERS)
    numbers = list(dict.fromkeys((form.values.get("numbers") or "").split()))
    if len(numbers) > NUMBERS_MAX:
        form.wrong("numbers", N_("At most %(most)s numbers at once, please."), most=NUMBERS_MAX)
    if not form:
        return await _void_page(request, form, status=422)
    by = stock.By(viewer.person_id, viewer.me.org_id, form["reason"])
    try:
        done = await stock.void_numbers(door.db, door.ring, sku_number(form["sku"]), numbers, by)
    except Refusal as refusal:
        return await _void_page(request, form.refused(refusal), status=422)
    shown = [
        (one.line, stock.masked(one.number), stock.VOID_REASONS[one.why][viewer.language == "zh"])
        for one in done.refused
    ]
    return page(request, "supplier/voided.html", done=done, refused=shown)


@get("/supplier/stock/{batch_id:str}", opt=OPT)
async def show_batch(request: AnyRequest, batch_id: FromPath[str]) -> Response[Any]:
    return await _batch_page(request, batch_id, forms.blank(viewer_of(request).words))


@post("/supplier/stock/{batch_id:str}/void", opt=OPT, status_code=200)
async def void_batch(request: AnyRequest, batch_id: FromPath[str]) -> Response[Any]:
    viewer, number = viewer_of(request), id_of(batch_id, stock.NoSuchBatch)
    form = await forms.read(request, viewer.words, VOID)
    if not form:
        return await _batch_page(request, batch_id, form, status=422)
    await stock.void_batch(door_of(request).db, number, stock.By(viewer.person_id, viewer.me.org_id, form["reason"]))
    return way_on(request, f"/supplier/stock/{number}", said=N_("What was unsold of this batch is void now."))


async def _batch_page(request: AnyRequest, batch_id: str, form: Filled, *, status: int = 200) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    number = id_of(batch_id, stock.NoSuchBatch)
    found = await stock.stock_of_batches(door.db, viewer.me.org_id, before_id=number + 1, limit=1)
    if not found or found[0].batch_id != number:
        raise stock.NoSuchBatch
    async with door.db.connection() as connection:
        (batch,) = await stock.batches_of(connection, viewer.me.org_id, before_id=number + 1, limit=1)
    return page(
        request, "supplier/batch.html", status=status, one=found[0], batch=batch, form=form,
        name=name_of(goods_of(door).get(found[0].sku_id)), today=clock.china_day(), soon_days=SOON_DAYS,
    )  # fmt: skip


async def _void_page(request: AnyRequest, form: Filled, *, status: int = 200) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    async with door.db.connection() as connection:
        supplied = await stock.supplied(connection, viewer.me.org_id)
    choices = [(str(one.sku_id), name_of(goods_of(door).get(one.sku_id))) for one in supplied]
    return page(request, "supplier/void.html", status=status, form=form, choices=choices, most=NUMBERS_MAX)
