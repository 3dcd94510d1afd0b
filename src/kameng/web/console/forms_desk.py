"""下单模板: order forms put together from fields there are and new ones, looked at before they are made."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post

from kameng import catalogue
from kameng.catalogue import DESK_CLASSES, FIELDS, SHAPES, NewField
from kameng.kit.errors import Refusal
from kameng.web import forms
from kameng.web.answering import page, way_on
from kameng.web.forms import Field
from kameng.web.parts import AnyRequest, door_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

ROWS = 6
NAMED = (Field("name", forms.text(30)), Field("title", forms.text(60)))
_COLUMNS = ("known", "key", "label", "label_en", "class", "shape", "pattern", "options", "min", "max")


@get("/console/forms", opt={"face": "platform", "act": "goods"})
async def show(request: AnyRequest) -> Response[Any]:
    return await _shown(request)


async def _shown(request: AnyRequest, *, status: int = 200, **more: Any) -> Response[Any]:
    door = door_of(request)
    made = await catalogue.desk_forms(door.db)
    used: dict[str, int] = {}
    for sku in door.snapshot.catalogue.skus.values():
        for part in sku.form.split("+"):
            used[part] = used.get(part, 0) + 1
    values = {"form": forms.blank(viewer_of(request).words), "preview": None, "rows": [{} for _ in range(ROWS)], **more}
    return page(
        request, "console/forms.html", status=status, made=made, used=used, fields=dict(FIELDS), classes=DESK_CLASSES,
        shapes=SHAPES, **values,
    )  # fmt: skip


@post("/console/forms", opt={"face": "platform", "act": "goods"}, status_code=200)
async def make(request: AnyRequest) -> Response[Any]:
    """Looked at, or made for good: a form is never changed, another one is made."""
    viewer, door = viewer_of(request), door_of(request)
    form, data = await forms.read(request, viewer.words, NAMED), await request.form()
    rows = [{column: str(data.get(f"{column}-{n}", "")).strip() for column in (*_COLUMNS, "optional")}
            for n in range(ROWS)]  # fmt: skip
    wishes = [wish for row in rows if (wish := _wish(row)) is not None]
    preview = None
    if form:
        try:
            preview = catalogue.form_from(form["name"], wishes)
            if data.get("verdict") == "make":
                await catalogue.make_form(door.db, form["name"], form["title"], wishes, actor_id=viewer.person_id)
                return way_on(request, "/console/forms", said=N_("Made. Choose it at the goods that need it."))
        except Refusal as refusal:
            form.refused(refusal)
    return await _shown(request, status=200 if form else 422, form=form, preview=preview, rows=rows)


def _wish(row: dict[str, str]) -> NewField | None:
    """A row of the builder; an empty one is none."""
    if row["known"]:
        return NewField(row["known"], is_new=False)
    if not row["key"]:
        return None
    return NewField(
        row["key"], row["label"], row["label_en"], row["class"] or "public", row["shape"] or "text", row["pattern"],
        tuple(row["options"].replace("，", ",").split(",")) if row["options"] else (), _count(row["min"], 1),
        _count(row["max"], 40), required=not row["optional"],
    )  # fmt: skip


def _count(text: str, otherwise: int) -> int:
    return int(text) if text.isdecimal() and len(text) < 6 else otherwise
