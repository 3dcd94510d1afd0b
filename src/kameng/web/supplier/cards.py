"""Loading cards: a file is dropped, looked at, loaded while a bar shows how far, and its report can be kept."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Stream

from kameng import stock, suppliers
from kameng.kit.errors import Refusal
from kameng.suppliers import CardRun, NoSuchRun, RunState
from kameng.web import forms
from kameng.web.answering import page, way_on
from kameng.web.bodies import file_of
from kameng.web.forms import Field, Filled
from kameng.web.parts import AnyRequest, Door, door_of
from kameng.web.supplier.common import PAGE_ROWS, before_of, cut, day, goods_of, id_of, name_of, sku_number
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_, Words

UPLOAD = (
    Field("sku", forms.text(20)),
    Field("cost", forms.amount(least_e4=0), required=False),
    Field("expires", day, required=False),
    Field("uses", forms.whole(0, stock.USES_MAX), required=False, empty=1),
)
FIELDS = {"cost": "cost", "expires": "expires", "uses": "uses", "sku": "sku", "file": "file"}
LINES_SHOWN = 50
LINES_AT_ONCE = 1000
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
OPT = {"face": "supplier", "act": "goods"}


@get("/supplier/cards", opt=OPT)
async def list_runs(request: AnyRequest) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    found = await suppliers.list_runs(door.db, viewer.me.org_id, before_id=before_of(request), limit=PAGE_ROWS + 1)
    shown, following = cut([run for run in found if run.state is not RunState.arriving], lambda run: run.run_id)
    return page(request, "supplier/cards.html", runs=shown, following=following, goods=goods_of(door))


@get("/supplier/cards/upload", opt=OPT)
async def ask_file(request: AnyRequest) -> Response[Any]:
    form = forms.blank(viewer_of(request).words, sku=request.query_params.get("sku", ""), uses="1")
    return await _upload_page(request, form)


@post("/supplier/cards/upload", opt=OPT, status_code=200)
async def send_file(request: AnyRequest) -> Response[Any]:
    """The file is taken, sealed, and read by the worker; nothing of it is loaded yet."""
    viewer, door = viewer_of(request), door_of(request)
    form = await forms.read(request, viewer.words, UPLOAD)
    name, content = await file_of(request, "file")
    form.sent["file"] = ""
    if not content:
        form.wrong("file", N_("Choose a file, please."))
    if form:
        try:
            run = await suppliers.receive_cards(
                door.db, door.ring, viewer.me, sku_number(form["sku"]), content, file_name=name,
                actor_id=viewer.person_id, uses=form["uses"], cost_e4=form["cost"], expires_on=form["expires"],
            )  # fmt: skip
        except Refusal as refusal:
            form.refused(refusal, FIELDS)
        else:
            return way_on(request, f"/supplier/cards/{run.run_id}")
    return await _upload_page(request, form, status=422)


@get("/supplier/cards/{run_id:str}", opt=OPT)
async def show_run(request: AnyRequest, run_id: FromPath[str]) -> Response[Any]:
    """Whatever a file is at: being read, to be looked at, being loaded, done."""
    return await _run_page(request, run_id, "supplier/run.html")


@get("/supplier/cards/{run_id:str}/part", opt=OPT)
async def show_run_part(request: AnyRequest, run_id: FromPath[str]) -> Response[Any]:
    """The same without the page around it, for whoever waits in front of it."""
    return await _run_page(request, run_id, "supplier/run_part.html")


@post("/supplier/cards/{run_id:str}/confirm", opt=OPT, status_code=200)
async def confirm_run(request: AnyRequest, run_id: FromPath[str]) -> Response[Any]:
    viewer, number = viewer_of(request), id_of(run_id, NoSuchRun)
    await suppliers.confirm_run(door_of(request).db, viewer.me.org_id, number, actor_id=viewer.person_id)
    return way_on(request, f"/supplier/cards/{number}")


@post("/supplier/cards/{run_id:str}/drop", opt=OPT, status_code=200)
async def drop_run(request: AnyRequest, run_id: FromPath[str]) -> Response[Any]:
    viewer, number = viewer_of(request), id_of(run_id, NoSuchRun)
    await suppliers.drop_run(door_of(request).db, viewer.me.org_id, number, actor_id=viewer.person_id)
    return way_on(request, "/supplier/cards", said=N_("Nothing was loaded; the file is wiped."))


@get("/supplier/cards/{run_id:str}/report.csv", opt=OPT)
async def show_report(request: AnyRequest, run_id: FromPath[str]) -> Stream:
    """Each line that is not loaded, and why; numbers are masked."""
    viewer, door = viewer_of(request), door_of(request)
    run = await suppliers.find_run(door.db, viewer.me.org_id, id_of(run_id, NoSuchRun))
    headers = {
        "cache-control": "no-store", "x-content-type-options": "nosniff",
        "content-disposition": f'attachment; filename="cards-{run.run_id}.csv"',
    }  # fmt: skip
    return Stream(_report(door, run, viewer.words), media_type="text/csv; charset=utf-8", headers=headers)


async def _report(door: Door, run: CardRun, words: Words) -> AsyncIterator[bytes]:
    after_line, head = 0, [words.say(text) for text in (N_("Line"), N_("Card number"), N_("Why it is not loaded"))]
    yield _csv([head], bom=True)
    while True:
        lines = await suppliers.run_lines(door.db, run.org_id, run.run_id, after_line=after_line, limit=LINES_AT_ONCE)
        yield _csv([[str(one.line), one.preview, reason_of(one, words)] for one in lines])
        if len(lines) < LINES_AT_ONCE:
            return
        after_line = lines[-1].line


def _csv(rows: list[list[str]], *, bom: bool = False) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerows([[f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell for cell in row] for row in rows])
    return buffer.getvalue().encode("utf-8-sig" if bom else "utf-8")


def reason_of(line: suppliers.RunLine, words: Words) -> str:
    """Why a line is not loaded, as the reader of files says it."""
    en, zh = stock.LINE_REASONS[line.reason]  # type: ignore[index] # one of its reasons
    return (zh if words.language == "zh" else en).format(first=line.first)


def summed(reason: str, words: Words) -> str:
    """The same of many lines at once, without the line that one of them repeats."""
    shared = {"duplicate": N_("Stands in the file twice"), "duplicate_number": N_("Same number, another secret")}
    if reason in shared:
        return words.say(shared[reason])
    en, zh = stock.LINE_REASONS[reason]  # type: ignore[index] # one of its reasons
    return zh if words.language == "zh" else en


async def _run_page(request: AnyRequest, run_id: str, template: str) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    run = await suppliers.find_run(door.db, viewer.me.org_id, id_of(run_id, NoSuchRun))
    lines, reasons = [], {}
    if run.state in (RunState.ready, RunState.done):
        lines = await suppliers.run_lines(door.db, run.org_id, run.run_id, limit=LINES_SHOWN + 1)
        reasons = await suppliers.run_reasons(door.db, run.org_id, run.run_id)
    return page(
        request, template, run=run, name=name_of(goods_of(door).get(run.sku_id)), has_more=len(lines) > LINES_SHOWN,
        lines=[(one, reason_of(one, viewer.words)) for one in lines[:LINES_SHOWN]],
        reasons=[(summed(reason, viewer.words), count) for reason, count in reasons.items()],
    )  # fmt: skip


async def _upload_page(request: AnyRequest, form: Filled, *, status: int = 200) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    found, skus = await suppliers.supplied(door.db, viewer.me.org_id), goods_of(door)
    choices = [
        (str(one.sku_id), name_of(skus[one.sku_id]))
        for one in found
        if one.sku_id in skus and skus[one.sku_id].from_stock
    ]
    return page(request, "supplier/upload.html", status=status, form=form, choices=choices)
