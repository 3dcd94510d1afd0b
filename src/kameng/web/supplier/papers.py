"""Documents: licences and authorisations handed in, their review, their last day."""

from __future__ import annotations

import re
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kameng import documents
from kameng.documents import Draft, NoSuchDocument
from kameng.kit import clock
from kameng.kit.errors import Refusal
from kameng.web import forms
from kameng.web.answering import download, page, way_on
from kameng.web.bodies import file_of
from kameng.web.forms import Field, Filled
from kameng.web.parts import AnyRequest, door_of
from kameng.web.supplier.common import PAGE_ROWS, before_of, cut, day, id_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

SOON_DAYS = 30
DOCUMENT = (
    Field("kind", forms.one_of(*documents.KINDS)), Field("number", forms.text(64)), Field("issuer", forms.text(100)),
    Field("scope", forms.text(1000, lines=True), required=False, empty=""), Field("valid_from", day),
    Field("valid_until", day, required=False),
)  # fmt: skip
OPT = {"face": "supplier", "act": "documents"}


@get("/supplier/documents", opt=OPT)
async def list_documents(request: AnyRequest) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    found = await documents.list_documents(door.db, viewer.me.org_id, before_id=before_of(request), limit=PAGE_ROWS + 1)
    shown, following = cut(found, lambda one: one.document_id)
    return page(
        request, "supplier/documents.html", documents=shown, following=following, today=clock.china_day(),
        soon_days=SOON_DAYS,
    )  # fmt: skip


@get("/supplier/documents/upload", opt=OPT)
async def ask_document(request: AnyRequest) -> Response[Any]:
    return _form_page(request, forms.blank(viewer_of(request).words, kind="business_licence"))


@post("/supplier/documents/upload", opt=OPT, status_code=200)
async def send_document(request: AnyRequest) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    form = await forms.read(request, viewer.words, DOCUMENT)
    name, content = await file_of(request, "file")
    form.sent["file"] = ""
    if not content:
        form.wrong("file", N_("Choose a file, please."))
    if form:
        brands = tuple(dict.fromkeys(one for one in re.split(r"[,，、;；\s]+", form["scope"]) if one))
        draft = Draft(form["kind"], form["number"], form["issuer"], form["valid_from"], form["valid_until"], brands)
        try:
            await documents.submit(
                door.db, door.ring, viewer.me, draft, content, file_name=name, actor_id=viewer.person_id
            )
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return way_on(request, "/supplier/documents", said=N_("Handed in: you will be told what was decided."))
    return _form_page(request, form, status=422)


@get("/supplier/documents/{document_id:str}/file", opt=OPT)
async def show_file(request: AnyRequest, document_id: FromPath[str]) -> Response[bytes]:
    """Always a download; who looked is written down."""
    viewer, door = viewer_of(request), door_of(request)
    file = await documents.read_file(
        door.db, door.ring, id_of(document_id, NoSuchDocument), org_id=viewer.me.org_id, actor_id=viewer.person_id
    )
    return download(file.name, file.media_type, file.content)


@post("/supplier/documents/{document_id:str}/withdraw", opt=OPT, status_code=200)
async def withdraw_document(request: AnyRequest, document_id: FromPath[str]) -> Response[Any]:
    viewer, number = viewer_of(request), id_of(document_id, NoSuchDocument)
    await documents.withdraw(door_of(request).db, viewer.me.org_id, number, actor_id=viewer.person_id)
    return way_on(request, "/supplier/documents", said=N_("Taken back; its file is wiped."))


def _form_page(request: AnyRequest, form: Filled, *, status: int = 200) -> Response[Any]:
    return page(request, "supplier/document.html", status=status, form=form, kinds=documents.KINDS)
