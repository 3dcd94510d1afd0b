"""员工: who belongs to an organisation and as what; inviting, changing, removing; and accepting an invitation."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kameng import access, identity
from kameng.identity import ROLES
from kameng.kit import ids
from kameng.kit.errors import Refusal
from kameng.web import forms
from kameng.web.answering import page, way_on
from kameng.web.entrance import steps
from kameng.web.errors import NoSuchPage
from kameng.web.forms import Field
from kameng.web.parts import AnyRequest, door_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

INVITE = (Field("contact", forms.text(254)), Field("role", forms.one_of(*ROLES)))
ROLE = (Field("role", forms.one_of(*ROLES)),)
LEADS = {"face": "organisation", "act": "staff"}
"""Who may: whoever leads an organisation, of whatever kind."""


@get("/me/staff", opt=LEADS)
async def list_staff(request: AnyRequest) -> Response[Any]:
    return await _staff_page(request, forms.blank(viewer_of(request).words))


@post("/me/staff/invite", opt={**LEADS, "proof": True}, status_code=200)
async def invite(request: AnyRequest) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    form = await forms.read(request, viewer.words, INVITE)
    assert viewer.session is not None
    if form:
        try:
            await access.invite(
                door.db, door.ring, viewer.me, steps.contact_of(door, form["contact"]), form["role"],
                by=viewer.session, sender=await steps.sender_of(door, viewer), base=steps.base_of(request),
            )  # fmt: skip
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return way_on(request, "/me/staff", said=N_("The invitation is on its way."))
    return await _staff_page(request, form, status=422)


@post("/me/staff/factor", opt={**LEADS, "proof": True}, status_code=200)
async def set_factor(request: AnyRequest) -> Response[Any]:
    """Whether everybody who works here needs a second factor, oneself too."""
    viewer, is_on = viewer_of(request), (await request.form()).get("on") == "1"
    await access.require_factor(door_of(request).db, viewer.me, is_on=is_on, actor_id=viewer.person_id)
    said = N_("A second step is asked of everybody.") if is_on else N_("A second step is everybody's own choice.")
    return way_on(request, "/me/staff", said=said)


@post("/me/staff/{person:str}/role", opt={**LEADS, "proof": True}, status_code=200)
async def change_role(request: AnyRequest, person: FromPath[str]) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    form = await forms.read(request, viewer.words, ROLE)
    person_id = await _member(request, person)
    if form:
        try:
            await identity.join(door.db, viewer.me, person_id, form["role"], actor_id=viewer.person_id)
        except identity.LastOwner as refusal:
            form.general = form.refused(refusal).general or form.errors.get("role", "")
            return await _staff_page(request, form, status=422)
        return way_on(request, "/me/staff", said=N_("The role was changed."))
    return await _staff_page(request, form, status=422)


@post("/me/staff/{person:str}/remove", opt={**LEADS, "proof": True}, status_code=200)
async def remove(request: AnyRequest, person: FromPath[str]) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    person_id = await _member(request, person)
    try:
        await identity.leave(door.db, viewer.me.org_id, person_id, actor_id=viewer.person_id)
    except identity.LastOwner as refusal:
        return await _staff_page(request, forms.blank(viewer.words).refused(refusal), status=422)
    return way_on(request, "/me/staff" if person_id != viewer.person_id else "/places", said=N_("Removed."))


@post("/me/staff/invitations/{invitation:str}/withdraw", opt=LEADS, status_code=200)
async def withdraw(request: AnyRequest, invitation: FromPath[str]) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    await access.withdraw_invitation(door.db, viewer.me.org_id, _number(invitation), actor_id=viewer.person_id)
    return way_on(request, "/me/staff", said=N_("The invitation was taken back."))


async def _staff_page(request: AnyRequest, form: forms.Filled, *, status: int = 200) -> Response[Any]:
    door, me = door_of(request), viewer_of(request).me
    org_id = me.org_id
    async with door.db.connection() as connection:
        asks_factor = await access.requires_factor(connection, me)
    return page(
        request, "entrance/staff.html", status=status, form=form, asks_factor=asks_factor,
        members=await identity.members(door.db, org_id), invitations=await access.invitations_of(door.db, org_id),
        roles=ROLES, channels=steps.channels_of(door.settings),
    )  # fmt: skip


async def _member(request: AnyRequest, text: str) -> int:
    """A person of this organisation; whoever is none is nobody here."""
    viewer, person_id = viewer_of(request), _number(text)
    async with door_of(request).db.connection() as connection:
        if await identity.role_of(connection, viewer.me.org_id, person_id) is None:
            raise NoSuchPage
    return person_id


def _number(text: str) -> int:
    try:
        return ids.parse(text)
    except ValueError:
        raise NoSuchPage from None


# an invitation -----------------------------------------------------------------------------------------------


@get("/invitation/{token:str}", opt={"face": "any"})
async def show_invitation(request: AnyRequest, token: FromPath[str]) -> Response[Any]:
    door = door_of(request)
    found = await access.find_invitation(door.db, token)
    async with door.db.connection() as connection:
        organisation = await identity.find_organisation(connection, found.org_id)
    by = await identity.find_person(door.db, found.invited_by)
    return page(request, "entrance/invitation.html", invitation=found, organisation=organisation, by=by, token=token)


@post("/invitation/{token:str}", opt={"face": "member"}, status_code=200)
async def accept_invitation(request: AnyRequest, token: FromPath[str]) -> Response[Any]:
    """He works there from now on, with a new token."""
    door, session = door_of(request), viewer_of(request).session
    assert session is not None
    joined = await access.accept_invitation(door.db, token, session.person_id)
    await access.work_for(door.db, session, joined.org_id)
    fresh = await access.rotate(door.db, session)
    async with door.db.connection() as connection:
        organisation = await identity.find_organisation(connection, joined.org_id)
    home = steps.HOMES.get("" if organisation is None else organisation.kind, "/")
    return way_on(request, home, cookies=[steps.session_cookie(request, fresh)], said=N_("Welcome to the team."))
