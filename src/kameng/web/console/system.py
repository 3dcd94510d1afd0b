"""The platform's own workings: the dead-letter desk, webhooks in trouble, the audit log."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from kameng import identity, notices
from kameng.kit import audit, clock, desk, timetable
from kameng.kit.errors import Refusal
from kameng.web import forms
from kameng.web.answering import page, way_on
from kameng.web.console import asking
from kameng.web.console.story import who_is
from kameng.web.forms import Field
from kameng.web.parts import AnyRequest, door_of
from kameng.web.templating import format_amount
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

REASON = Field("reason", forms.text(500))


@get("/console/jobs", opt={"face": "platform", "act": "system"})
async def list_jobs(request: AnyRequest) -> Response[Any]:
    return await _jobs(request)


async def _jobs(request: AnyRequest, *, status: int = 200, **more: Any) -> Response[Any]:
    door = door_of(request)
    values = {"form": forms.blank(viewer_of(request).words), "left": 0, **more}
    return page(
        request, "console/jobs.html", status=status, jobs=await desk.lying(door.db),
        timetable=await timetable.rows(door.db), **values,
    )  # fmt: skip


@post("/console/jobs", opt={"face": "platform", "act": "system"}, status_code=200)
async def act_on_jobs(request: AnyRequest) -> Response[Any]:
    """Retry or drop the chosen ones, with a reason; whether nothing happened outside is the person's word."""
    viewer, door = viewer_of(request), door_of(request)
    fields = (REASON, Field("verdict", forms.one_of("retry", "drop")),
              Field("sure", forms.checked, required=False, empty=False))  # fmt: skip
    form, data = await forms.read(request, viewer.words, fields), await request.form()
    chosen = [int(one) for one in data.getall("jobs", []) if str(one).isdecimal()]
    if not chosen:
        form.general = viewer.words.say("Choose one job at least.")
    if not form:
        return await _jobs(request, status=422, form=form)
    try:
        if form["verdict"] == "retry":
            done = await desk.retry(
                door.db, chosen, even_unknown=form["sure"], reason=form["reason"], actor_id=viewer.person_id
            )
        else:
            done = await desk.drop(door.db, chosen, reason=form["reason"], actor_id=viewer.person_id)
    except Refusal as refusal:
        return await _jobs(request, status=422, form=form.refused(refusal))
    if len(done) < len(chosen):
        return await _jobs(request, status=422, form=form, left=len(chosen) - len(done))
    return way_on(request, "/console/jobs", said=N_("Done. It is written down with your reason."))


# webhooks ----------------------------------------------------------------------------------------------------


@get("/console/webhooks", opt={"face": "platform", "act": "system"})
async def list_webhooks(request: AnyRequest) -> Response[Any]:
    door = door_of(request)
    asked = asking.asked(request, (Field("before", asking.number, required=False),))
    is_trouble = request.query_params.get("view") == "trouble"
    if is_trouble:
        found = await notices.endpoints_in_trouble(door.db)
    else:
        found = await notices.every_endpoint(door.db, before_id=asked["before"] or asking.ID_MAX, limit=asking.PAGE + 1)
    shown = found if is_trouble else found[: asking.PAGE]
    onward = f"/console/webhooks?before={shown[-1].endpoint_id}" if len(found) > len(shown) else None
    async with door.db.connection() as connection:
        owners = await identity.organisations_by_id(connection, {one.org_id for one in shown})
    return page(
        request, "console/webhooks.html", endpoints=shown, owners=owners, is_trouble=is_trouble, onward=onward,
        is_first=asked["before"] is None,
    )  # fmt: skip


@get("/console/webhooks/{org_id:str}/{endpoint_id:str}", opt={"face": "platform", "act": "system"})
async def show_webhook(request: AnyRequest, org_id: FromPath[str], endpoint_id: FromPath[str]) -> Response[Any]:
    return await _webhook(request, asking.id_in(org_id), asking.id_in(endpoint_id))


async def _webhook(
    request: AnyRequest, org_id: int, endpoint_id: int, *, status: int = 200, **more: Any
) -> Response[Any]:
    door = door_of(request)
    asked = asking.asked(request, (Field("before", asking.number, required=False),))
    endpoint = await notices.find_endpoint(door.db, org_id, endpoint_id)
    log = await notices.read_log(door.db, org_id, endpoint_id, before_id=asked["before"] or asking.ID_MAX)
    async with door.db.connection() as connection:
        owner = (await identity.organisations_by_id(connection, [org_id]))[org_id]
    values = {"form": forms.blank(viewer_of(request).words), **more}
    return page(request, "console/webhook.html", status=status, endpoint=endpoint, log=log, owner=owner, **values)


@post(
    "/console/webhooks/{org_id:str}/{endpoint_id:str}/{name:str}",
    opt={"face": "platform", "act": "system"},
    status_code=200,
)
async def act_on_webhook(
    request: AnyRequest, org_id: FromPath[str], endpoint_id: FromPath[str], name: FromPath[str]
) -> Response[Any]:
    """Begin anew, switch off, or send everything of the last hours again."""
    viewer, door = viewer_of(request), door_of(request)
    owner_id, number = asking.id_in(org_id), asking.id_in(endpoint_id)
    fields = {"disable": (REASON,), "replay": (Field("hours", forms.whole(1, 24)),)}
    form = await forms.read(request, viewer.words, fields.get(name, ()))
    if form:
        try:
            if name == "replay":
                since = clock.now() - timedelta(hours=form["hours"])
                await notices.replay(door.db, owner_id, number, since=since, actor_id=viewer.person_id)
            else:
                await notices.change_endpoint(
                    door.db, owner_id, number, policy=door.policy, state="disabled" if name == "disable" else "active",
                    reason=form["reason"] if name == "disable" else "", actor_id=viewer.person_id,
                )  # fmt: skip
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return way_on(request, f"/console/webhooks/{owner_id}/{number}", said=N_("Saved."))
    return await _webhook(request, owner_id, number, status=422, form=form, act=name)


# the audit log -----------------------------------------------------------------------------------------------

AUDIT = (
    Field("act", forms.text(60), required=False),
    Field("by", asking.number, required=False),
    Field("org", asking.number, required=False),
    Field("subject", asking.number, required=False),
    Field("from", asking.day, required=False),
    Field("to", asking.day, required=False),
    Field("before", asking.number, required=False),
)


class Line(msgspec.Struct, frozen=True):
    """An audit line with names."""

    line: audit.Kept
    who: str
    whose: str
    details: list[tuple[str, str]]


def _details(data: dict[str, Any]) -> list[tuple[str, str]]:
    return [(name.removesuffix("_e4"), _said(name, value)) for name, value in data.items() if value not in ("", None)]


def _said(name: str, value: object) -> str:
    """As people read it: amounts in yuan, a change as before and after, anything nested as JSON."""
    if name.endswith("_e4") and isinstance(value, int):
        return format_amount(value)
    if isinstance(value, list) and len(value) == 2 and not any(isinstance(part, list | dict) for part in value):
        return " → ".join("–" if part in ("", None) else str(part) for part in value)
    return str(value) if isinstance(value, str | int | float) else msgspec.json.encode(value).decode()


@get("/console/audit", opt={"face": "platform", "act": "audit"})
async def list_lines(request: AnyRequest) -> Response[Any]:
    door, form = door_of(request), asking.asked(request, AUDIT)
    wanted = audit.Asked(form["org"], form["by"], form["act"], form["subject"], asking.from_id_of(form["from"]))
    found = await audit.read(
        door.db, wanted, before_id=asking.before_id_of(form["to"], form["before"]), limit=asking.PAGE + 1
    )
    shown = found[: asking.PAGE]
    async with door.db.connection() as connection:
        names = await who_is(connection, {line.actor_id for line in shown})
        owners = await identity.organisations_by_id(connection, {line.org_id for line in shown if line.org_id})
    lines = [
        Line(line, names[line.actor_id], owners[line.org_id].name if line.org_id in owners else "",
             _details(line.data or {}))
        for line in shown
    ]  # fmt: skip
    onward = asking.address("/console/audit", form, before=shown[-1].audit_id) if len(found) > len(shown) else None
    return page(request, "console/audit.html", form=form, lines=lines, onward=onward, is_first=form["before"] is None)
