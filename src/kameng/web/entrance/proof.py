"""Proving once more who one is: by password, authenticator app or passkey."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post

from kameng import access
from kameng.kit.errors import Refusal
from kameng.web import forms
from kameng.web.answering import page, way_on
from kameng.web.entrance import steps
from kameng.web.forms import Field
from kameng.web.parts import AnyRequest, door_of
from kameng.web.viewing import inside, viewer_of

PASSWORD = (Field("password", forms.text(1000), keep_spaces=True),)
CODE = (Field("code", forms.text(20)),)


@get("/prove", opt={"face": "member"})
async def ask_proof(request: AnyRequest) -> Response[Any]:
    onward = inside(request.query_params.get("next", "/"))
    how = "totp" if request.query_params.get("how") == "totp" else "password"
    return await _proof_page(request, forms.blank(viewer_of(request).words), onward, how)


@post("/prove", opt={"face": "member"}, status_code=200)
async def prove(request: AnyRequest) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    data = await request.form()
    onward, how = inside(str(data.get("next", "/"))), "totp" if "code" in data else "password"
    form = await forms.read(request, viewer.words, CODE if how == "totp" else PASSWORD)
    assert viewer.session is not None
    if form:
        check, text = (
            (access.prove_by_totp, form["code"]) if how == "totp" else (access.prove_by_password, form["password"])
        )
        try:
            token = await check(door.db, door.ring, viewer.session, text, steps.visit_of(request))
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return way_on(request, onward, cookies=[steps.session_cookie(request, token)])
    form.sent["password"] = form.sent["code"] = ""
    return await _proof_page(request, form, onward, how, status=422)


async def _proof_page(
    request: AnyRequest, form: forms.Filled, onward: str, how: str, *, status: int = 200
) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    keys = await access.passkeys_of(door.db, viewer.person_id)
    return page(
        request, "entrance/prove.html", status=status, form=form, onward=onward, how=how,
        has_totp=await access.has_totp(door.db, viewer.person_id),
        has_passkeys=any(key.domain == steps.site_of(request).domain for key in keys),
    )  # fmt: skip
