"""Signing in and out with a password, the second factor, whom one works for, language and theme."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post

from kameng import access
from kameng.kit.errors import Refusal
from kameng.web import forms, viewing
from kameng.web.answering import page, way_on
from kameng.web.entrance import steps
from kameng.web.entrance.belonging import places_at
from kameng.web.entrance.steps import HOMES
from kameng.web.forms import Field
from kameng.web.parts import AnyRequest, door_of
from kameng.web.viewing import inside, viewer_of
from kameng.web.wording import LANGUAGES, N_

SIGN_IN = (Field("sign_in", forms.text(254)), Field("password", forms.text(1000), keep_spaces=True))
SECOND = (Field("code", forms.text(40)), Field("how", forms.one_of("totp", "recovery")))


@get("/signin", opt={"face": "any"})
async def ask_sign_in(request: AnyRequest) -> Response[Any]:
    viewer, onward = viewer_of(request), inside(request.query_params.get("next", "/"))
    if viewer.session is not None:
        return way_on(request, onward)
    return _sign_in_page(request, forms.blank(viewer.words), onward)


@post("/signin", opt={"face": "any"}, status_code=200)
async def sign_in(request: AnyRequest) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    onward = inside(str((await request.form()).get("next", "/")))
    form = await forms.read(request, viewer.words, SIGN_IN)
    if form:
        try:
            entry = await access.sign_in(door.db, door.ring, form["sign_in"], form["password"], steps.visit_of(request))
            return await steps.go_in(request, entry, factor="password", onward=onward)
        except Refusal as refusal:
            form.refused(refusal)
    form.sent["password"] = ""
    return _sign_in_page(request, form, onward, status=422)


def _sign_in_page(request: AnyRequest, form: forms.Filled, onward: str, *, status: int = 200) -> Response[Any]:
    has_codes = bool(steps.channels_of(door_of(request).settings))
    return page(request, "entrance/signin.html", status=status, form=form, onward=onward, has_codes=has_codes)


@get("/signin/second", opt={"face": "any"})
async def ask_second(request: AnyRequest) -> Response[Any]:
    ticket = steps.ticket_of(request, "second")
    if ticket is None:
        return way_on(request, "/signin")
    how = "recovery" if request.query_params.get("how") == "recovery" else "totp"
    return await _second_page(request, forms.blank(viewer_of(request).words, how=how), ticket)


@post("/signin/second", opt={"face": "any"}, status_code=200)
async def pass_second(request: AnyRequest) -> Response[Any]:
    viewer, door, ticket = viewer_of(request), door_of(request), steps.ticket_of(request, "second")
    if ticket is None:
        return way_on(request, "/signin", said=N_("That took too long: sign in once more."))
    form = await forms.read(request, viewer.words, SECOND)
    if form:
        try:
            token = await access.pass_second(
                door.db, door.ring, ticket.person_id, form["how"], form["code"], steps.visit_of(request)
            )
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return await steps.enter(request, token, ticket.onward or "/")
    form.sent["code"] = ""
    return await _second_page(request, form, ticket, status=422)


async def _second_page(
    request: AnyRequest, form: forms.Filled, ticket: access.Ticket, *, status: int = 200
) -> Response[Any]:
    keys = await access.passkeys_of(door_of(request).db, ticket.person_id)
    return page(
        request, "entrance/second.html", status=status, form=form, how=form.sent.get("how", "totp"),
        has_passkeys=any(key.domain == steps.site_of(request).domain for key in keys), onward=ticket.onward or "/",
    )  # fmt: skip


@post("/signout", opt={"face": "any"}, status_code=200)
async def sign_out(request: AnyRequest) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    if viewer.session is not None:
        await access.end_session(door.db, viewer.token)
    cookies = [viewing.new_cookie(door, viewing.SESSION, "", max_age_s=0), steps.step_cookie(request, None)]
    return way_on(request, "/", cookies=cookies)


@get("/places", opt={"face": "member"})
async def list_places(request: AnyRequest) -> Response[Any]:
    """Whom he may work for."""
    viewer, door = viewer_of(request), door_of(request)
    places = await places_at(door, viewer.shop, viewer.person_id)
    return page(request, "entrance/places.html", places=places, homes=HOMES)


@post("/places", opt={"face": "member"}, status_code=200)
async def choose_place(request: AnyRequest) -> Response[Any]:
    """Other rights from now on, so a new token too."""
    viewer, door = viewer_of(request), door_of(request)
    wanted = str((await request.form()).get("org", ""))
    places = await places_at(door, viewer.shop, viewer.person_id)
    chosen = next((one for _, one in places if str(one.org_id) == wanted), None)
    if chosen is None or viewer.session is None:
        raise access.Forbidden
    await access.work_for(door.db, viewer.session, chosen.org_id)
    token = await access.rotate(door.db, viewer.session)
    return way_on(request, HOMES.get(chosen.kind, "/"), cookies=[steps.session_cookie(request, token)])


@post("/prefer", opt={"face": "any", "tokenless": True}, status_code=200)
async def prefer(request: AnyRequest) -> Response[Any]:
    """Language and theme, kept in cookies: the first byte is right."""
    data, door = await request.form(), door_of(request)
    cookies = [
        viewing.new_cookie(door, name, str(data[field]), max_age_s=steps.YEAR_S, hidden=False)
        for field, name, allowed in (
            ("lang", viewing.LANGUAGE, tuple(LANGUAGES)), ("theme", viewing.THEME, viewing.THEMES)
        )
        if data.get(field) in allowed
    ]  # fmt: skip
    return way_on(request, inside(str(data.get("next", "/"))), cookies=cookies)
