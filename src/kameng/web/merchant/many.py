"""Many numbers at once: pasted, looked at line by line, then ordered in chunks.

Nothing of a list is kept. Each line's reference is made of the day, the goods and the number, by a keyed hash: a list
that is sent again, from whatever page, finds its orders and doubles none. What was begun is finished, whether or not
somebody still looks.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Stream

from kameng import catalogue, orders
from kameng.catalogue import Sku
from kameng.identity import Caller
from kameng.kit import clock, money
from kameng.kit.errors import Refusal
from kameng.orders import OrderBody, Refused, ShownOrder
from kameng.web import forms
from kameng.web.answering import message_of, page
from kameng.web.forms import Field, Filled
from kameng.web.merchant import buying, exporting, lists, pasting
from kameng.web.merchant.pasting import Row
from kameng.web.parts import AnyRequest, Door, door_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_, Words

CHUNK = 200
BUSY_TRIES = 50
BUSY_WAIT_S = 0.2
MAY = {"face": "merchant", "act": "buy"}
PROGRESS_HEADER = "x-kameng-progress"
_running: set[asyncio.Task[None]] = set()
"""Held here, so that a list that was begun is finished."""


class Job(msgspec.Struct, frozen=True):
    """One list on its way: its rows with their references, and what became of each so far."""

    sku: Sku
    quantity: int
    max_price: str
    rows: tuple[tuple[Row, str], ...]
    results: dict[str, ShownOrder | Refusal] = {}
    news: asyncio.Queue[int] = msgspec.field(default_factory=asyncio.Queue)


@get("/merchant/many", opt=MAY)
async def choose(request: AnyRequest) -> Response[Any]:
    """For which goods."""
    text = request.query_params.get("q", "").strip()
    skus = [sku for sku in buying.matching(door_of(request), text) if sku.form][: lists.PAGE]
    return page(request, "merchant/many.html", shown=await buying.priced(request, skus), text=text)


@get("/merchant/many/{sku:str}", opt=MAY)
async def ask(request: AnyRequest, sku: FromPath[str]) -> Response[Any]:
    wanted = _sku(request, sku)
    form = forms.blank(viewer_of(request).words, quantity=wanted.quantity_min)
    return await _ask_page(request, wanted, form)


@post("/merchant/many/{sku:str}/upload", opt=MAY, status_code=200)
async def take(request: AnyRequest, sku: FromPath[str]) -> Response[Any] | Stream:
    """``step=check``: what would be ordered. ``step=place``: order it."""
    viewer, wanted = viewer_of(request), _sku(request, sku)
    form = await forms.read(request, viewer.words, _fields(wanted))
    if form and pasting.line_count(form["lines"]) > pasting.LINES_MAX:
        form.wrong("lines", N_("At most %(count)s lines at once, please."), count=f"{pasting.LINES_MAX:,}")
    if not form:
        return await _ask_page(request, wanted, form, status=422)
    rows = pasting.read(form["lines"], catalogue.form_named(wanted.form))
    if (await request.form()).get("step") != "place":
        return await _check_page(request, wanted, form, rows)
    job = _job(request, wanted, form, rows)
    task = asyncio.create_task(_work(door_of(request), viewer.caller, job))
    _running.add(task)
    task.add_done_callback(_running.discard)
    if request.headers.get(PROGRESS_HEADER):
        return Stream(_progress(job, task), media_type="application/x-ndjson", headers={"cache-control": "no-store"})
    await asyncio.shield(task)
    return _result_page(request, job, rows, form)


def _sku(request: AnyRequest, text: str) -> Sku:
    return lists.sku_of(door_of(request).snapshot, text)


def _fields(sku: Sku) -> tuple[Field, ...]:
    return (
        Field("lines", buying.typed(pasting.LINES_MAX * 150), keep_spaces=True),
        Field("quantity", forms.whole(sku.quantity_min, sku.quantity_max)),
        Field("day", forms.text(10), required=False), Field("max_price", forms.text(30), required=False),
        Field("repeats", forms.checked, required=False, empty=False),
        Field("again", forms.checked, required=False, empty=False),
        Field("again_token", forms.text(40), required=False, empty=""),
        Field("stood", forms.text(pasting.LINES_MAX * 6), required=False, empty=""),
    )  # fmt: skip


async def _ask_page(request: AnyRequest, sku: Sku, form: Filled, *, status: int = 200) -> Response[Any]:
    (shown,) = await buying.priced(request, [sku])
    asked = catalogue.form_named(sku.form).fields if sku.form else ()
    return page(
        request, "merchant/many_ask.html", status=status, shown=shown, sku=sku, form=form, asked=asked,
        most=pasting.LINES_MAX,
    )  # fmt: skip


async def _check_page(request: AnyRequest, sku: Sku, form: Filled, rows: Sequence[Row]) -> Response[Any]:
    """The dry run: what is wrong, what is twice, what was ordered today already, what it would cost."""
    viewer, door = viewer_of(request), door_of(request)
    (shown,) = await buying.priced(request, [sku], form["quantity"])
    day = f"{clock.china_day():%y%m%d}"
    refs = {
        index: reference(door, viewer.me.org_id, sku, form["quantity"], day, row)
        for index, row in enumerate(rows) if row.is_good
    }  # fmt: skip
    async with door.db.connection() as connection:
        stands = await orders.find_placed(connection, viewer.me, list(refs.values()))
    placed = {index: stands[ref] for index, ref in refs.items() if ref in stands}
    fresh = [row for index, row in enumerate(rows) if row.is_good and index not in placed and not row.repeats]
    return page(
        request, "merchant/many_check.html", shown=shown, sku=sku, form=form, rows=rows, placed=placed, day=day,
        fresh=fresh, wrong=sum(not row.is_good for row in rows), repeats=sum(bool(row.repeats) for row in rows),
        total_e4=len(fresh) * form["quantity"] * shown.quote.unit_price_e4,
        max_price=money.format_e4(shown.quote.unit_price_e4), again_token=secrets.token_urlsafe(9),
        stood=",".join(str(index) for index in placed), is_zh=viewer.language == "zh",
    )  # fmt: skip


def reference(door: Door, org_id: int, sku: Sku, quantity: int, day: str, row: Row, again: str = "") -> str:
    """What the line's order is known by: the same for the same number, goods and day."""
    content = f"{org_id}\n{sku.sku_id}\n{quantity}\n{again}\n{sorted(row.account.items())}"
    return f"many-{day}-{door.ring.fingerprint(b'many', content.encode()).hex()[:24]}-{row.nth}"


def _job(request: AnyRequest, sku: Sku, form: Filled, rows: Sequence[Row]) -> Job:
    viewer, door = viewer_of(request), door_of(request)
    day = form["day"] or f"{clock.china_day():%y%m%d}"
    stood = {int(text) for text in form["stood"].split(",") if text.isascii() and text.isdecimal()}
    wanted = []
    for index, row in enumerate(rows):
        if not row.is_good or (row.repeats and not form["repeats"]):
            continue
        again = form["again_token"] if form["again"] and index in stood else ""
        wanted.append((row, reference(door, viewer.me.org_id, sku, form["quantity"], day, row, again)))
    return Job(sku, form["quantity"], form["max_price"], tuple(wanted))


async def _work(door: Door, caller: Caller, job: Job) -> None:
    """Chunk by chunk through the lane's queue, as a bulk request's rows are."""
    for start in range(0, len(job.rows), CHUNK):
        chunk = job.rows[start : start + CHUNK]
        wishes, refs = [], []
        for row, ref in chunk:
            body = OrderBody(ref, str(job.sku.sku_id), job.quantity, row.account, job.max_price)
            try:
                wishes.append(orders.wish_from(door.snapshot, caller, body))
                refs.append(ref)
            except Refusal as refusal:
                job.results[ref] = refusal
        for _ in range(BUSY_TRIES):
            if door.lanes.has_room_for(caller.organisation.lane, len(wishes)):
                break
            await asyncio.sleep(BUSY_WAIT_S)
        answers = await door.lanes.place_many(wishes)
        job.results.update({ref: _result(answer) for ref, answer in zip(refs, answers, strict=True)})
        job.news.put_nowait(len(job.results))


def _result(answer: orders.Answer) -> ShownOrder | Refusal:
    return answer.refusal() if isinstance(answer, Refused) else answer


async def _progress(job: Job, task: asyncio.Task[None]) -> AsyncIterator[bytes]:
    """A line for each chunk that is done; whoever stops reading stops nothing."""
    done = 0
    yield _told(job, 0)
    while done < len(job.rows):
        news = asyncio.ensure_future(job.news.get())
        await asyncio.wait({news, task}, return_when=asyncio.FIRST_COMPLETED)
        if not news.done():
            news.cancel()
            if job.news.empty():
                return
            continue
        done = news.result()
        yield _told(job, done)


def _told(job: Job, done: int) -> bytes:
    refused = sum(isinstance(one, Refusal) for one in job.results.values())
    return msgspec.json.encode({"done": done, "of": len(job.rows), "refused": refused}) + b"\n"


def _result_page(request: AnyRequest, job: Job, rows: Sequence[Row], form: Filled) -> Response[Any]:
    words = viewer_of(request).words
    by_row = {id(row): ref for row, ref in job.rows}
    table = [_line(row, job.results.get(by_row.get(id(row), "")), words) for row in rows]
    head = [words.say(text) for text in (N_("Line"), N_("Text"), N_("Result"), N_("Order number"), N_("Total"))]
    file = exporting.BOM + exporting.csv_of([head, *[list(map(exporting.harmless, one.cells())) for one in table]])
    return page(
        request, "merchant/many_result.html", sku=job.sku, name=f"{job.sku.product} {job.sku.spec}", table=table,
        placed=sum(one.order_id != "" for one in table), refused=sum(one.tone == "bad" for one in table),
        total_e4=sum(one.total_e4 for one in table), form=form,
        file=f"data:text/csv;base64,{base64.b64encode(file.encode()).decode()}",
    )  # fmt: skip


class Line(msgspec.Struct, frozen=True):
    """A pasted line and what became of it."""

    line: int
    text: str
    tone: str
    said: str
    state: str = ""
    order_id: str = ""
    total_e4: int = 0

    def cells(self) -> tuple[str, ...]:
        total = money.format_e4(self.total_e4) if self.order_id else ""
        return (str(self.line), self.text, self.state or self.said, self.order_id, total)


def _line(row: Row, result: ShownOrder | Refusal | None, words: Words) -> Line:
    if isinstance(result, ShownOrder):
        return Line(row.line, row.text, "good", "", result.state, str(result.order_id), result.total_e4)
    if isinstance(result, Refusal):
        return Line(row.line, row.text, "bad", message_of(result, words))
    if not row.is_good:
        return Line(row.line, row.text, "bad", row.fault_zh if words.language == "zh" else row.fault)
    return Line(row.line, row.text, "", words.say(N_("The same as line %(line)s: left out."), line=row.repeats))
