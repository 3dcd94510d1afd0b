"""The desk of orders by hand: taken, given back, answered with text, cards or an image, refused with a reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kameng import catalogue, fulfilment
from kameng.catalogue import Sku
from kameng.fulfilment import LIVE, Answer, NoSuchTask, Place, TaskState
from kameng.kit import clock
from kameng.kit.errors import Refusal
from kameng.stock import CardText
from kameng.web import forms
from kameng.web.answering import page, way_on
from kameng.web.bodies import file_of
from kameng.web.forms import Field, Filled
from kameng.web.parts import AnyRequest, door_of
from kameng.web.supplier.common import PAGE_ROWS, goods_of, id_of, worker_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

ANSWER = (
    Field("text", forms.text(fulfilment.TEXT_CHARS_MAX, lines=True), required=False, empty=""),
    Field("cards", forms.text(200_000, lines=True), required=False, empty=""),
)
REFUSE = (Field("reason", forms.text(500)),)
ENDED = (TaskState.answered, TaskState.refused, TaskState.closed)
ENDED_DAYS = 7
OPT = {"face": "supplier", "act": "tasks"}


@get("/supplier/orders", opt=OPT)
async def list_tasks(request: AnyRequest) -> Response[Any]:
    """What is due first at the top; with ``?ended`` what was worked of late."""
    viewer, door, now = viewer_of(request), door_of(request), clock.now()
    is_ended = "ended" in request.query_params
    start = Place(now - timedelta(days=ENDED_DAYS), 0, 0) if is_ended else fulfilment.START
    found = await fulfilment.list_tasks(
        door.db, door.ring, worker_of(viewer), states=ENDED if is_ended else sorted(LIVE),
        after=_place(request.query_params.get("after", "")) or start, limit=PAGE_ROWS,
    )  # fmt: skip
    return page(
        request, "supplier/tasks.html", tasks=found.tasks, is_ended=is_ended, goods=goods_of(door), now=now,
        following=None if found.next is None else _spelled(found.next), days=ENDED_DAYS,
    )  # fmt: skip


@get("/supplier/orders/{task_id:str}", opt=OPT)
async def show_task(request: AnyRequest, task_id: FromPath[str]) -> Response[Any]:
    return await _task_page(request, task_id, forms.blank(viewer_of(request).words))


@post("/supplier/orders/{task_id:str}/take", opt=OPT, status_code=200)
async def take(request: AnyRequest, task_id: FromPath[str]) -> Response[Any]:
    """His until the clock says otherwise. The account comes in clear, which is written down, so it is this answer that
    shows it and no other; whoever holds the task asks again to see it again."""
    viewer, door = viewer_of(request), door_of(request)
    taken = await fulfilment.take(
        door.db, door.ring, worker_of(viewer), id_of(task_id, NoSuchTask), terms=fulfilment.terms_of(door.settings)
    )
    return await _task_page(request, task_id, forms.blank(viewer.words), account=taken.account)


@post("/supplier/orders/{task_id:str}/give-back", opt=OPT, status_code=200)
async def give_back(request: AnyRequest, task_id: FromPath[str]) -> Response[Any]:
    await fulfilment.give_back(door_of(request).db, worker_of(viewer_of(request)), id_of(task_id, NoSuchTask))
    return way_on(request, "/supplier/orders", said=N_("Given back: it is open again."))


@post("/supplier/orders/{task_id:str}/answer/upload", opt=OPT, status_code=200)
async def answer(request: AnyRequest, task_id: FromPath[str]) -> Response[Any]:
    """The goods; the order is delivered with them."""
    viewer, snapshot = viewer_of(request), door_of(request).snapshot
    form = await forms.read(request, viewer.words, ANSWER)
    image = (await file_of(request, "image"))[1]
    form.sent["image"] = ""
    cards = _cards(form)
    if form:
        try:
            await fulfilment.answer(
                snapshot.db, snapshot.ring, worker_of(viewer), id_of(task_id, NoSuchTask),
                Answer(form["text"], cards, image), terms=snapshot.terms,
            )  # fmt: skip
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return way_on(request, "/supplier/orders", said=N_("Delivered."))
    return await _task_page(request, task_id, form, status=422)


@post("/supplier/orders/{task_id:str}/refuse", opt=OPT, status_code=200)
async def refuse(request: AnyRequest, task_id: FromPath[str]) -> Response[Any]:
    """There will be no goods: the buyer gets his money back, and reads why."""
    viewer, snapshot = viewer_of(request), door_of(request).snapshot
    form = await forms.read(request, viewer.words, REFUSE)
    if form:
        try:
            await fulfilment.refuse(
                snapshot.db, snapshot.ring, worker_of(viewer), id_of(task_id, NoSuchTask), form["reason"],
                terms=snapshot.terms,
            )  # fmt: skip
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return way_on(request, "/supplier/orders", said=N_("Refused: the buyer is paid back."))
    return await _task_page(request, task_id, form, status=422)


def _cards(form: Filled) -> tuple[CardText, ...]:
    """One a line: a secret, or a number and a secret."""
    found = []
    for line, text in enumerate((form.values.get("cards") or "").splitlines(), 1):
        parts = text.replace(",", " ").replace("\uff0c", " ").split()
        if len(parts) > 2:
            form.wrong("cards", N_("Line %(line)s: a number and a secret, or a secret alone."), line=line)
        elif parts:
            found.append(CardText(parts[0] if len(parts) == 2 else "", parts[-1]))
    return tuple(found)


async def _task_page(
    request: AnyRequest, task_id: str, form: Filled, *, status: int = 200, account: dict[str, str] | None = None
) -> Response[Any]:
    viewer, door, now = viewer_of(request), door_of(request), clock.now()
    worker = worker_of(viewer)
    found = await fulfilment.find_task(door.db, door.ring, worker, id_of(task_id, NoSuchTask))
    task = found.task
    sku = goods_of(door).get(task.sku_id)
    return page(
        request, "supplier/task.html", status=status, task=task, now=now, form=form, is_clear=account is not None,
        account=account or found.account, sku=sku, labels=_labels(sku, viewer.language), is_live=task.state in LIVE,
        is_mine=task.is_held(now) and task.is_by(worker), is_held=task.is_held(now),
    )  # fmt: skip


def _labels(sku: Sku | None, language: str) -> dict[str, str]:
    """What the fields of a SKU's form are called."""
    form = None if sku is None or not sku.form else catalogue.form_named(sku.form)
    fields = () if form is None else form.fields
    return {field.name: field.label if language == "zh" else field.label_en for field in fields}


def _spelled(place: Place) -> str:
    return f"{int(place.due_at.timestamp() * 1_000_000)}-{place.order_id}-{place.part_no}"


def _place(text: str) -> Place | None:
    """Where a page of the list begins; None for what is no place."""
    parts = text.split("-")
    if len(parts) != 3 or not all(part.isdecimal() and len(part) <= 19 for part in parts):
        return None
    due_us, order_id, part_no = map(int, parts)
    if due_us > 253_402_300_799_000_000 or order_id >= 1 << 63 or part_no >= 1 << 15:
        return None
    return Place(datetime.fromtimestamp(0, UTC) + timedelta(microseconds=due_us), order_id, part_no)
