"""Work by hand: what waits for the staff or for suppliers, the most urgent first; taken, answered or refused here."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kameng import fulfilment, identity, orders
from kameng.fulfilment import STAFF, Answer, Worker
from kameng.kit import clock
from kameng.kit.errors import Refusal
from kameng.web import forms
from kameng.web.answering import page, way_on
from kameng.web.console import asking
from kameng.web.forms import Field
from kameng.web.parts import AnyRequest, door_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

TASKS_MAX = 100


@get("/console/tasks", opt={"face": "platform", "act": "tasks"})
async def list_tasks(request: AnyRequest) -> Response[Any]:
    return await _shown(request)


async def _shown(request: AnyRequest, *, status: int = 200, **more: Any) -> Response[Any]:
    door, viewer = door_of(request), viewer_of(request)
    every = request.query_params.get("view") == "all"
    found = await fulfilment.list_tasks(
        door.db, door.ring, Worker(STAFF, viewer.person_id), limit=TASKS_MAX, all_=every
    )
    async with door.db.connection() as connection:
        numbers = {one.task.worker_org_id for one in found.tasks} | {one.task.buyer_id for one in found.tasks}
        owners = await identity.organisations_by_id(connection, numbers - {STAFF})
        takers = {one.task.taken_by for one in found.tasks if one.task.taken_by}
        people = await identity.people_by_id(connection, takers)
    values = {"form": forms.blank(viewer.words), "at_id": 0, "taken": None, **more}
    return page(
        request, "console/tasks.html", status=status, tasks=found.tasks, every=every, owners=owners, people=people,
        now=clock.now(), skus=door.snapshot.catalogue.skus, **values,
    )  # fmt: skip


@post("/console/tasks/{task_id:str}/{name:str}", opt={"face": "platform", "act": "tasks"}, status_code=200)
async def act(request: AnyRequest, task_id: FromPath[str], name: FromPath[str]) -> Response[Any]:
    """Take it, give it back, deliver it with what its buyer gets, or say that there will be none."""
    viewer, door, number = viewer_of(request), door_of(request), asking.id_in(task_id)
    worker, terms = Worker(STAFF, viewer.person_id), orders.terms_of(door.settings)
    fields = {"answer": (Field("text", forms.text(2000, lines=True)),), "refuse": (Field("reason", forms.text(500)),)}
    form = await forms.read(request, viewer.words, fields.get(name, ()))
    if not form:
        return await _shown(request, status=422, form=form, at_id=number)
    try:
        if name == "take":
            taken = await fulfilment.take(door.db, door.ring, worker, number, terms=fulfilment.terms_of(door.settings))
            return await _shown(request, taken=taken, at_id=number)
        if name == "back":
            await fulfilment.give_back(door.db, worker, number)
        elif name == "answer":
            await fulfilment.answer(door.db, door.ring, worker, number, Answer(form["text"], (), b""), terms=terms)
        elif name == "refuse":
            await fulfilment.refuse(door.db, door.ring, worker, number, form["reason"], terms=terms)
        else:
            raise fulfilment.NoSuchTask
    except Refusal as refusal:
        return await _shown(request, status=422, form=form.refused(refusal), at_id=number)
    return way_on(request, "/console/tasks", said=N_("Saved."))
