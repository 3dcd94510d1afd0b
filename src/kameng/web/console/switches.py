"""What operators turn on and off, what they announce, and what the platform is set to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from kameng import identity, notices
from kameng.kit import clock, settings, switches
from kameng.kit.errors import Refusal
from kameng.notices import NoSuchBulletin
from kameng.web import forms
from kameng.web.answering import page, way_on
from kameng.web.console import asking
from kameng.web.forms import Field, Wrong
from kameng.web.parts import AnyRequest, door_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

LABELS = {
    "registration": (N_("New sign-ups"), N_("Whether strangers can open an account at a shop.")),
    "guest_checkout": (N_("Buying as a guest"), N_("Whether one can buy without an account.")),
    "withdrawals": (N_("Asking for withdrawals"), N_("Whether members can ask for their money. What was asked for "
                    "stays at the desk.")),
    "epay": (N_("Epay for other shops"), N_("Whether members' own shops can be paid through our channels, by the epay "
             "protocol.")),
    "sandbox": (N_("Sandboxes"), N_("Whether developers can try things out with play money.")),
}  # fmt: skip
assert LABELS.keys() == switches.FIRST.keys()


@get("/console/switches", opt={"face": "platform", "act": "system"})
async def list_switches(request: AnyRequest) -> Response[Any]:
    return await _switches(request)


async def _switches(request: AnyRequest, *, status: int = 200, **more: Any) -> Response[Any]:
    door = door_of(request)
    found = await switches.every(door.db)
    async with door.db.connection() as connection:
        people = await identity.people_by_id(connection, {one.changed_by for one in found if one.changed_by})
    values = {"form": forms.blank(viewer_of(request).words), "at": "", **more}
    return page(request, "console/switches.html", status=status, switches=found, labels=LABELS, people=people, **values)


@post("/console/switches/{name:str}", opt={"face": "platform", "act": "system"}, status_code=200)
async def flip(request: AnyRequest, name: FromPath[str]) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    form = await forms.read(
        request, viewer.words, (Field("on", forms.one_of("0", "1")), Field("reason", forms.text(500)))
    )
    if form:
        try:
            await switches.flip(door.db, name, on=form["on"] == "1", reason=form["reason"], actor_id=viewer.person_id)
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return way_on(request, "/console/switches", said=N_("Saved. It holds everywhere within a second."))
    return await _switches(request, status=422, form=form, at=name)


# announcements -----------------------------------------------------------------------------------------------


def _moment(sent: str) -> datetime:
    """What ``datetime-local`` sends, in China's time."""
    try:
        return datetime.fromisoformat(sent).replace(tzinfo=clock.CHINA)
    except ValueError:
        raise Wrong(N_("A day and a time, please.")) from None


BULLETIN = (
    Field("face", forms.one_of("everybody", "shop", "merchant", "supplier", "platform")),
    Field("tone", forms.one_of("news", "warn", "bad")),
    Field("zh", forms.text(200)),
    Field("en", forms.text(200), required=False, empty=""),
    Field("starts_at", _moment, required=False),
    Field("ends_at", _moment, required=False),
)


@get("/console/announcements", opt={"face": "platform", "act": "system"})
async def list_bulletins(request: AnyRequest) -> Response[Any]:
    return await _announcements(request)


async def _announcements(request: AnyRequest, *, status: int = 200, **more: Any) -> Response[Any]:
    door, words = door_of(request), viewer_of(request).words
    values = {"form": forms.blank(words, face="everybody", tone="news"), **more}
    return page(
        request, "console/announcements.html", status=status, found=await notices.every_bulletin(door.db),
        now=clock.now(), **values,
    )  # fmt: skip


@post("/console/announcements", opt={"face": "platform", "act": "system"}, status_code=200)
async def publish(request: AnyRequest) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    form = await forms.read(request, viewer.words, BULLETIN)
    if form:
        try:
            await notices.publish(door.db, **form.values, actor_id=viewer.person_id)
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return way_on(request, "/console/announcements", said=N_("Published. Pages show it within seconds."))
    return await _announcements(request, status=422, form=form)


@post("/console/announcements/{bulletin_id:str}/withdraw", opt={"face": "platform", "act": "system"}, status_code=200)
async def withdraw(request: AnyRequest, bulletin_id: FromPath[str]) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    await notices.withdraw(door.db, asking.id_in(bulletin_id, NoSuchBulletin), actor_id=viewer.person_id)
    return way_on(request, "/console/announcements", said=N_("Withdrawn."))


# settings ----------------------------------------------------------------------------------------------------


class Shown(msgspec.Struct, frozen=True):
    """A setting as it is; where it came from; what is secret is not shown."""

    name: str
    value: str
    doc: str
    source: str
    environment: str


@get("/console/settings", opt={"face": "platform", "act": "system"})
async def show_settings(request: AnyRequest) -> Response[Any]:
    """Read-only: they are changed where they stand, and take effect with a reload."""
    chosen, sources = door_of(request).settings, settings.sources()
    shown = []
    for one in settings.describe():
        value = getattr(chosen, one.name)
        text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
        shown.append(Shown(one.name, "******" if one.hidden and text else text, one.doc, sources[one.name],
                           one.environment))  # fmt: skip
    return page(request, "console/settings.html", settings=shown)
