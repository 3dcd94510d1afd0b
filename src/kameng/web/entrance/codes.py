"""Coming in with a code sent to a phone or a mail address: signing in, registering, a new password.

Until the code came back every answer is the same, whether anybody has an account or not.
"""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get, post

from kameng import access, identity
from kameng.access import ENTER, RESET, Applicant, Ticket
from kameng.kit.errors import Refusal
from kameng.web import forms
from kameng.web.answering import page, way_on
from kameng.web.entrance import steps
from kameng.web.forms import Field
from kameng.web.parts import AnyRequest, door_of
from kameng.web.viewing import inside, viewer_of
from kameng.web.wording import N_

CONTACT = (Field("contact", forms.text(254)),)
CODE = (Field("code", forms.text(20)),)
DETAILS = (Field("name", forms.text(100)), Field("password", steps.new_password, keep_spaces=True))
COMPANY = (Field("company", forms.text(100)),)
PASSWORD = (Field("password", steps.new_password, keep_spaces=True),)
WAYS = {"/signin/code": (ENTER, ""), "/register": (ENTER, "customer"), "/register/merchant": (ENTER, "merchant"),
        "/reset": (RESET, "")}  # fmt: skip
"""What a code that is asked for there is for, and what a newcomer becomes."""


@get(list(WAYS), opt={"face": "any"})
async def ask_contact(request: AnyRequest) -> Response[Any]:
    viewer, path = viewer_of(request), request.scope["path"]
    if viewer.session is not None and path == "/register/merchant":
        return page(request, "entrance/company.html", form=forms.blank(viewer.words))
    onward = inside(request.query_params.get("next", "/"))
    return _contact_page(request, forms.blank(viewer.words), onward)


@post(list(WAYS), opt={"face": "any"}, status_code=200)
async def send_code(request: AnyRequest) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    purpose, kind = WAYS[request.scope["path"]]
    onward = inside(str((await request.form()).get("next", "/")))
    form = await forms.read(request, viewer.words, CONTACT)
    if form:
        try:
            contact = steps.contact_of(door, form["contact"])
            ticket = await access.send_code(
                door.db, door.ring, contact, purpose=purpose, sender=await steps.sender_of(door, viewer), ip=viewer.ip
            )
        except Refusal as refusal:
            form.refused(refusal)
        else:
            ticket = msgspec.structs.replace(ticket, factor=kind, onward=onward)
            return way_on(request, "/signin/check", cookies=[steps.step_cookie(request, ticket)])
    return _contact_page(request, form, onward, status=422)


def _contact_page(request: AnyRequest, form: forms.Filled, onward: str, *, status: int = 200) -> Response[Any]:
    return page(
        request, "entrance/contact.html", status=status, form=form, onward=onward,
        channels=steps.channels_of(door_of(request).settings),
    )  # fmt: skip


@get("/signin/check", opt={"face": "any"})
async def ask_code(request: AnyRequest) -> Response[Any]:
    ticket = steps.ticket_of(request, "code")
    if ticket is None:
        return way_on(request, "/signin/code")
    return _code_page(request, forms.blank(viewer_of(request).words), ticket)


@post("/signin/check", opt={"face": "any"}, status_code=200)
async def check_code(request: AnyRequest) -> Response[Any]:
    viewer, door, ticket = viewer_of(request), door_of(request), steps.ticket_of(request, "code")
    if ticket is None:
        return way_on(request, "/signin/code", said=N_("The code has run out: ask for a new one."))
    form = await forms.read(request, viewer.words, CODE)
    if form:
        try:
            answered = await access.check_code(door.db, door.ring, ticket, form["code"], ip=viewer.ip)
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return await _came_back(request, answered)
    form.sent["code"] = ""
    return _code_page(request, form, ticket, status=422)


async def _came_back(request: AnyRequest, ticket: Ticket) -> Response[Any]:
    """The address is his: to a new password, in, or to an account of his own."""
    door, cookies = door_of(request), [steps.step_cookie(request, ticket)]
    if ticket.purpose == RESET:
        return way_on(request, "/reset/password", cookies=cookies)
    entry = await access.sign_in_by_code(door.db, ticket, steps.visit_of(request))
    if not entry.person_id:
        return way_on(request, "/register/details", cookies=cookies)
    await steps.belong(request, entry.person_id)
    onward = "/register/merchant" if ticket.factor == "merchant" else ticket.onward or "/"
    return await steps.go_in(request, entry, factor="code", onward=onward)


def _code_page(request: AnyRequest, form: forms.Filled, ticket: Ticket, *, status: int = 200) -> Response[Any]:
    contact = access.Contact(ticket.channel, ticket.to)
    again = (
        "/reset"
        if ticket.purpose == RESET
        else {"customer": "/register", "merchant": "/register/merchant"}.get(ticket.factor, "/signin/code")
    )
    return page(
        request, "entrance/code.html", status=status, form=form, contact=contact, again=again,
        onward=ticket.onward or "/",
    )  # fmt: skip


# an account of one's own -------------------------------------------------------------------------------------


@get("/register/details", opt={"face": "any", "switch": "registration"})
async def ask_details(request: AnyRequest) -> Response[Any]:
    ticket = steps.ticket_of(request, "answered", ENTER)
    if ticket is None:
        return way_on(request, "/register")
    return _details_page(request, forms.blank(viewer_of(request).words), ticket)


@post("/register/details", opt={"face": "any", "switch": "registration"}, status_code=200)
async def register(request: AnyRequest) -> Response[Any]:
    viewer, door, ticket = viewer_of(request), door_of(request), steps.ticket_of(request, "answered", ENTER)
    if ticket is None:
        return way_on(request, "/register", said=N_("The code has run out: ask for a new one."))
    if await identity.find_by_sign_in(door.db, ticket.to) is not None:  # since the code was asked for, by another page
        return await _came_back(request, ticket)
    is_merchant = ticket.factor == "merchant"
    form = await forms.read(request, viewer.words, (*DETAILS, *(COMPANY if is_merchant else ())))
    if form:
        applicant = Applicant(
            "merchant" if is_merchant else "customer", form["name"], form["password"], form.values.get("company", "")
        )
        try:
            person_id = await access.register(door.db, ticket, applicant, seller=await steps.seller_of(door, viewer))
        except Refusal as refusal:
            form.refused(refusal)
        else:
            token = await access.begin(door.db, person_id, "code", steps.visit_of(request), typed=ticket.to)
            return await steps.enter(request, token, ticket.onward or "/")
    form.sent["password"] = ""
    return _details_page(request, form, ticket, status=422)


def _details_page(request: AnyRequest, form: forms.Filled, ticket: Ticket, *, status: int = 200) -> Response[Any]:
    contact = access.Contact(ticket.channel, ticket.to)
    return page(
        request, "entrance/details.html", status=status, form=form, contact=contact,
        is_merchant=ticket.factor == "merchant",
    )  # fmt: skip


@post("/register/company", opt={"face": "member", "switch": "registration"}, status_code=200)
async def open_company(request: AnyRequest) -> Response[Any]:
    """Who has an account already opens a merchant's beside it."""
    viewer, door = viewer_of(request), door_of(request)
    form = await forms.read(request, viewer.words, COMPANY)
    assert viewer.session is not None
    if form:
        try:
            seller = await steps.seller_of(door, viewer)
            opened = await access.open_company(door.db, door.ring, viewer.session, form["company"], seller=seller)
        except Refusal as refusal:
            form.refused(refusal, {"name": "company"})
        else:
            await access.work_for(door.db, viewer.session, opened.org_id)
            cookies = [steps.session_cookie(request, await access.rotate(door.db, viewer.session))]
            said = N_("Opened. It can buy as soon as we have looked at it.")
            return way_on(request, "/merchant", cookies=cookies, said=said)
    return page(request, "entrance/company.html", status=422, form=form)


# a new password ----------------------------------------------------------------------------------------------


@get("/reset/password", opt={"face": "any"})
async def ask_password(request: AnyRequest) -> Response[Any]:
    ticket = steps.ticket_of(request, "answered", RESET)
    if ticket is None:
        return way_on(request, "/reset")
    person = await identity.find_by_sign_in(door_of(request).db, ticket.to)
    contact = access.Contact(ticket.channel, ticket.to)
    return page(
        request, "entrance/new_password.html", form=forms.blank(viewer_of(request).words), contact=contact,
        is_known=person is not None,
    )  # fmt: skip


@post("/reset/password", opt={"face": "any"}, status_code=200)
async def reset_password(request: AnyRequest) -> Response[Any]:
    """Whoever was signed in is signed out everywhere, and signs in anew, with his second factor if he has one."""
    viewer, door, ticket = viewer_of(request), door_of(request), steps.ticket_of(request, "answered", RESET)
    if ticket is None:
        return way_on(request, "/reset", said=N_("The code has run out: ask for a new one."))
    form = await forms.read(request, viewer.words, PASSWORD)
    if form:
        try:
            sender = await steps.sender_of(door, viewer)
            await access.reset_password(door.db, door.ring, ticket, form["password"], sender=sender)
        except Refusal as refusal:
            form.refused(refusal)
        else:
            cookies = [steps.step_cookie(request, None)]
            return way_on(request, "/signin", cookies=cookies, said=N_("Your password was changed: sign in with it."))
    form.sent["password"] = ""
    return page(
        request, "entrance/new_password.html", status=422, form=form, is_known=True,
        contact=access.Contact(ticket.channel, ticket.to),
    )  # fmt: skip
