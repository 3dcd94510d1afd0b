"""Acts on many rows and exports: looked at before they begin, watched, stopped, taken away as a file; saved views.

Every page here belongs to whoever began the run; everybody else is told that there is none.
"""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import File

from kameng import access, lists
from kameng.kit import ids
from kameng.kit.errors import REGISTRY, Refusal
from kameng.lists import NewRun, NoSuchRun, Run
from kameng.web import faces, forms
from kameng.web.answering import message_of, page, way_on
from kameng.web.forms import Field, Filled
from kameng.web.parts import AnyRequest, Door, door_of
from kameng.web.planning import ListPlan, Tools
from kameng.web.plans import PLANS
from kameng.web.viewing import FACES, Viewer, inside, viewer_of
from kameng.web.wording import N_

QUERY_CHARS_MAX = 2000
SHARING = "staff"
"""What a role must allow to share a view with everybody, and to take such a one away."""
REASON = Field("reason", forms.text(500, lines=True))


# saved views -------------------------------------------------------------------------------------------------


@post("/lists/views", opt={"face": "member"}, status_code=200)
async def save_view(request: AnyRequest) -> Response[Any]:
    viewer, data = viewer_of(request), await request.form()
    path, query = inside(str(data.get("path", "/"))), str(data.get("query", ""))
    back = f"{path}?{query}" if query else path
    if viewer.organisation is None:
        raise access.Forbidden
    is_shared = forms.checked(str(data.get("shared", "")))
    if is_shared and not viewer.may(SHARING):
        raise access.Forbidden
    await lists.save_view(
        door_of(request).db, viewer.person_id, viewer.me.org_id, path=path, name=str(data.get("name", "")), query=query,
        is_shared=is_shared,
    )  # fmt: skip
    return way_on(request, back, said=N_("The view is saved."))


@post("/lists/views/remove", opt={"face": "member"}, status_code=200)
async def remove_view(request: AnyRequest) -> Response[Any]:
    viewer, data = viewer_of(request), await request.form()
    if viewer.organisation is None:
        raise access.Forbidden
    view_id = ids.parse(text) if (text := str(data.get("view", ""))).isdecimal() else 0
    path = await lists.remove_view(
        door_of(request).db, viewer.person_id, viewer.me.org_id, view_id, any_shared=viewer.may(SHARING)
    )
    return way_on(request, path, said=N_("The view is gone."))


# acts --------------------------------------------------------------------------------------------------------


@post("/lists/preview", opt={"face": "member"}, status_code=200)
async def preview(request: AnyRequest) -> Response[Any]:
    """What an act would do, before anybody does it."""
    viewer = viewer_of(request)
    plan, new = await _wish(request, viewer)
    return await _ask(request, plan, new, forms.blank(viewer.words))


@post("/lists/begin", opt={"face": "member"}, status_code=200)
async def begin(request: AnyRequest) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    plan, new = await _wish(request, viewer)
    filled = await forms.read(request, viewer.words, [REASON, Field("total", forms.whole(0, 10**9))])
    if filled:
        try:
            run = await lists.begin(door.db, _with_reason(new, filled["reason"]), total=filled["total"])
        except Refusal as refusal:
            filled = filled.refused(refusal)
        else:
            return way_on(request, f"/lists/runs/{run.run_id}")
    return await _ask(request, plan, new, filled)


@post("/lists/export", opt={"face": "member"}, status_code=200)
async def export(request: AnyRequest) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    _, new = await _wish(request, viewer)
    if new.kind != "export":
        raise lists.BadRun
    run = await lists.begin(door.db, new, total=0)
    return way_on(request, f"/lists/runs/{run.run_id}")


async def _ask(request: AnyRequest, plan: ListPlan, new: NewRun, filled: Filled) -> Response[Any]:
    door = door_of(request)
    seen = await lists.preview(Tools(door.db, door.ring, door.snapshot), plan.plan, new)
    return _page(
        request, "lists/preview.html", plan, status=200 if filled else 422, new=new, seen=seen, form=filled,
        reasons={reason_of(request, code): count for code, count in seen.refusals.items()},
    )  # fmt: skip


async def _wish(request: AnyRequest, viewer: Viewer) -> tuple[ListPlan, NewRun]:
    """What is asked for: a plan, and the rows. ``NoSuchRun`` for a plan that is not the viewer's."""
    data = await request.form()
    plan = PLANS.get(str(data.get("plan", "")))
    if plan is None or viewer.organisation is None or viewer.me.kind not in FACES[plan.face]:
        raise NoSuchRun
    if not viewer.may(plan.act):
        raise access.Forbidden
    texts = [str(one) for one in data.getall("id", [])]
    chosen = tuple(ids.parse(text) for text in texts if text.isdecimal() and len(text) < 19)
    is_export = plan.plan.act is None
    everything = is_export or data.get("all") == "1"
    if not everything and not chosen:
        raise lists.BadRun("Select rows first.", field="id", detail_zh="请先选择记录。")
    form = str(data.get("form", "")) if is_export else ""
    if is_export and form not in ("csv", "xlsx"):
        raise lists.BadRun(field="form")
    query = str(data.get("query", ""))[:QUERY_CHARS_MAX]
    return plan, NewRun(
        org_id=viewer.me.org_id, person_id=viewer.person_id, kind="export" if is_export else "act", plan=plan.plan.name,
        query=query, wanted=None if everything else chosen, language=viewer.language, form=form,  # type: ignore[arg-type]
    )  # fmt: skip


def _with_reason(new: NewRun, reason: str) -> NewRun:
    return NewRun(**{**{name: getattr(new, name) for name in NewRun.__struct_fields__}, "reason": reason})


# watching ----------------------------------------------------------------------------------------------------


@get("/lists/runs", opt={"face": "member"})
async def show_all(request: AnyRequest) -> Response[Any]:
    """What the viewer began within a day."""
    viewer, door = viewer_of(request), door_of(request)
    if viewer.organisation is None:
        raise access.Forbidden
    async with door.db.connection() as connection:
        runs = await lists.list_runs(connection, org_id=viewer.me.org_id, person_id=viewer.person_id)
    known = [(run, PLANS[run.plan]) for run in runs if run.plan in PLANS]
    return page(request, "lists/runs.html", runs=known, face=_face(viewer))


@get("/lists/runs/{run_id:int}", opt={"face": "member"})
async def show(request: AnyRequest, run_id: FromPath[int]) -> Response[Any]:
    run = await _run(request, run_id)
    plan = PLANS.get(run.plan)
    if plan is None:
        raise NoSuchRun
    refusals = [(row_id, reason_of(request, code)) for row_id, code in run.refusals]
    return _page(request, "lists/run.html", plan, run=run, refusals=refusals)


@post("/lists/runs/{run_id:int}/stop", opt={"face": "member"}, status_code=200)
async def stop(request: AnyRequest, run_id: FromPath[int]) -> Response[Any]:
    run = await _run(request, run_id)
    await lists.stop(door_of(request).db, run.run_id, org_id=run.org_id, person_id=run.person_id)
    return way_on(request, f"/lists/runs/{run_id}", said=N_("It stops before its next rows."))


@get("/lists/runs/{run_id:int}/file", opt={"face": "member"})
async def download(request: AnyRequest, run_id: FromPath[int]) -> File:
    """The file of an export, for its maker alone, for a day."""
    run = await _run(request, run_id)
    path = lists.path_of(exports_of(door_of(request)), run)
    if run.kind != "export" or run.state != "done" or not path.is_file():
        raise NoSuchRun
    media = "text/csv" if run.form == "csv" else "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return File(path, media_type=media, headers={"cache-control": "no-store"}, filename=run.file_name)


def exports_of(door: Door) -> Any:
    return door.settings.data_dir / "exports"


async def _run(request: AnyRequest, run_id: int) -> Run:
    viewer = viewer_of(request)
    if viewer.organisation is None:
        raise NoSuchRun
    async with door_of(request).db.connection() as connection:
        return await lists.find_run(connection, run_id, org_id=viewer.me.org_id, person_id=viewer.person_id)


def reason_of(request: AnyRequest, code: str) -> str:
    """A refusal's own words, by its code."""
    kind = REGISTRY.get(code)
    return code if kind is None else message_of(kind(), viewer_of(request).words)


def _face(viewer: Viewer) -> Any:
    found = faces.of(viewer)
    if not found:
        raise access.Forbidden
    return found[0]


def _page(request: AnyRequest, template: str, plan: ListPlan, *, status: int = 200, **values: Any) -> Response[Any]:
    face = _face(viewer_of(request))
    return page(request, template, status=status, plan=plan, face=face, **values)


HANDLERS = [save_view, remove_view, preview, begin, export, show_all, show, stop, download]
