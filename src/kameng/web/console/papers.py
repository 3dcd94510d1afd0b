"""The review of documents: what waits, what one organisation handed in, one with its file, and what is decided."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kameng import documents, identity
from kameng.documents import NoSuchDocument
from kameng.kit import clock
from kameng.kit.errors import Refusal
from kameng.web import forms
from kameng.web.answering import download, page, way_on
from kameng.web.console import asking
from kameng.web.forms import Field
from kameng.web.parts import AnyRequest, door_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

SOON_DAYS = 30
FILTERS = (
    Field("org", asking.number, required=False), Field("before", asking.number, required=False),
    Field("after", asking.number, required=False),
)  # fmt: skip
DECIDE = (asking.VERDICT, Field("reason", forms.text(500), required=False, empty=""))
OPT = {"face": "platform", "act": "documents"}


@get("/console/documents", opt=OPT)
async def list_documents(request: AnyRequest) -> Response[Any]:
    """What waits, the oldest first; of one organisation everything, the newest first."""
    door, form = door_of(request), asking.asked(request, FILTERS)
    org_id, most = form["org"], asking.PAGE + 1
    if org_id is None:
        found = await documents.list_waiting(door.db, after_id=form["after"] or 0, limit=most)
    else:
        found = await documents.list_documents(
            door.db, org_id, before_id=form["before"] or asking.ID_MAX, limit=most
        )  # fmt: skip
    shown, onward = found[: asking.PAGE], None
    if len(found) > len(shown):
        place = {"after" if org_id is None else "before": shown[-1].document_id}
        onward = asking.address("/console/documents", form, **place)
    async with door.db.connection() as connection:
        wanted = {one.org_id for one in shown} | ({org_id} if org_id else set())
        owners = await identity.organisations_by_id(connection, wanted)
    return page(
        request, "console/documents.html", form=form, documents=shown, owners=owners, asked_org=owners.get(org_id),
        onward=onward, is_first=form["before"] is None and form["after"] is None, today=clock.china_day(),
        soon_days=SOON_DAYS,
    )  # fmt: skip


@get("/console/documents/{document_id:str}", opt=OPT)
async def show_document(request: AnyRequest, document_id: FromPath[str]) -> Response[Any]:
    return await _shown(request, asking.id_in(document_id, NoSuchDocument))


async def _shown(request: AnyRequest, document_id: int, *, status: int = 200, **more: Any) -> Response[Any]:
    door = door_of(request)
    one = await documents.find_document(door.db, document_id)
    async with door.db.connection() as connection:
        owner = (await identity.organisations_by_id(connection, {one.org_id}))[one.org_id]
        people = await identity.people_by_id(connection, {one.submitted_by, one.reviewed_by or 0})
    values = {"form": forms.blank(viewer_of(request).words), **more}
    return page(
        request, "console/document.html", status=status, document=one, owner=owner, people=people,
        today=clock.china_day(), soon_days=SOON_DAYS, **values,
    )  # fmt: skip


@get("/console/documents/{document_id:str}/file", opt=OPT)
async def show_file(request: AnyRequest, document_id: FromPath[str]) -> Response[bytes]:
    """Always a download; who looked is written down."""
    viewer, door = viewer_of(request), door_of(request)
    number = asking.id_in(document_id, NoSuchDocument)
    file = await documents.read_file(door.db, door.ring, number, actor_id=viewer.person_id)
    return download(file.name, file.media_type, file.content)


@post("/console/documents/{document_id:str}/decide", opt=OPT, status_code=200)
async def decide_document(request: AnyRequest, document_id: FromPath[str]) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    number = asking.id_in(document_id, NoSuchDocument)
    form = await forms.read(request, viewer.words, DECIDE)
    if form:
        accept = form["verdict"] == "accept"
        try:
            await documents.decide(door.db, number, accept=accept, reason=form["reason"], actor_id=viewer.person_id)
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return way_on(request, "/console/documents", said=N_("Accepted.") if accept else N_("Refused."))
    return await _shown(request, number, status=422, form=form)
