"""安全设置: password, authenticator app, passkeys, recovery codes, devices, and every sign-in there was."""

from __future__ import annotations

import io
from typing import Any

import segno
from litestar import Response, get, post
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

from kameng import access
from kameng.kit import ids
from kameng.kit.errors import Refusal
from kameng.web import forms
from kameng.web.answering import page, way_on
from kameng.web.entrance import steps
from kameng.web.errors import NoSuchPage
from kameng.web.forms import Field
from kameng.web.parts import AnyRequest, door_of
from kameng.web.viewing import inside, viewer_of
from kameng.web.wording import N_

EVENTS_SHOWN = 10
PASSWORD = (Field("password", steps.new_password, keep_spaces=True),)
CODE = (Field("code", forms.text(20)),)


@get("/me/security", opt={"face": "member"})
async def show(request: AnyRequest) -> Response[Any]:
    door, person_id = door_of(request), viewer_of(request).person_id
    events = await access.sign_ins(door.db, person_id, limit=EVENTS_SHOWN)
    return page(
        request, "entrance/security.html", has_totp=await access.has_totp(door.db, person_id),
        passkeys=[(_id_of(key.credential_id), key) for key in await access.passkeys_of(door.db, person_id)],
        codes_left=await access.recovery_codes_left(door.db, person_id),
        devices=await access.sessions_of(door.db, person_id), events=events[:EVENTS_SHOWN],
        is_more=len(events) > EVENTS_SHOWN,
    )  # fmt: skip


@get("/me/factor", opt={"face": "member"})
async def ask_factor(request: AnyRequest) -> Response[Any]:
    """Somebody works where a second factor is asked for, and has none yet."""
    viewer = viewer_of(request)
    if not viewer.factor_for:
        return way_on(request, inside(request.query_params.get("next", "/me/security")))
    return page(request, "entrance/factor.html", name=viewer.factor_for)


@get("/me/security/signins", opt={"face": "member"})
async def list_sign_ins(request: AnyRequest) -> Response[Any]:
    door, person_id = door_of(request), viewer_of(request).person_id
    before = request.query_params.get("before", "")
    try:
        before_id = ids.parse(before) if before else (1 << 63) - 1
    except ValueError:
        raise NoSuchPage from None
    events = await access.sign_ins(door.db, person_id, before_id=before_id, limit=30)
    shown = events[:30]
    older = shown[-1].event_id if len(events) > 30 else None
    return page(request, "entrance/signins.html", events=shown, older=older, is_first=not before)


# password ----------------------------------------------------------------------------------------------------


@get("/me/security/password", opt={"face": "member", "proof": True})
async def ask_password(request: AnyRequest) -> Response[Any]:
    return page(request, "entrance/change_password.html", form=forms.blank(viewer_of(request).words))


@post("/me/security/password", opt={"face": "member", "proof": True}, status_code=200)
async def change_password(request: AnyRequest) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    form = await forms.read(request, viewer.words, PASSWORD)
    assert viewer.session is not None
    if form:
        try:
            token = await access.change_password(
                door.db, door.ring, viewer.session, form["password"], sender=await steps.sender_of(door, viewer)
            )
        except Refusal as refusal:
            form.refused(refusal)
        else:
            said = N_("Password changed; all other devices are signed out.")
            return way_on(request, "/me/security", cookies=[steps.session_cookie(request, token)], said=said)
    form.sent["password"] = ""
    return page(request, "entrance/change_password.html", status=422, form=form)


# authenticator app -------------------------------------------------------------------------------------------


@post("/me/security/totp/begin", opt={"face": "member", "proof": True}, status_code=200)
async def begin_totp(request: AnyRequest) -> Response[Any]:
    door = door_of(request)
    secret = await access.begin_totp(door.db, door.ring, viewer_of(request).person_id)
    return way_on(request, "/me/security" if secret is None else "/me/security/totp")


@get("/me/security/totp", opt={"face": "member", "proof": True})
async def ask_totp(request: AnyRequest) -> Response[Any]:
    return await _totp_page(request, forms.blank(viewer_of(request).words))


@get("/me/security/totp.svg", opt={"face": "member", "proof": True})
async def totp_picture(request: AnyRequest) -> Response[Any]:
    """The square that the app reads; never kept anywhere."""
    door, session = door_of(request), viewer_of(request).session
    assert session is not None
    secret = await access.shown_totp(door.db, door.ring, session.person_id)
    if secret is None:
        raise NoSuchPage
    issuer = steps.site_of(request).name.replace(":", " ")
    picture = io.BytesIO()
    address = access.address_of(secret, name=session.sign_in, issuer=issuer)
    segno.make(address, error="m", micro=False).save(
        picture, kind="svg", scale=5, border=3, dark="#000000", light="#ffffff", xmldecl=False
    )
    return Response(picture.getvalue(), media_type="image/svg+xml", headers={"cache-control": "no-store"})


@post("/me/security/totp", opt={"face": "member", "proof": True}, status_code=200)
async def confirm_totp(request: AnyRequest) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    form = await forms.read(request, viewer.words, CODE)
    if form:
        try:
            await access.confirm_totp(door.db, door.ring, viewer.person_id, form["code"])
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return await _codes_page(request)
    form.sent["code"] = ""
    return await _totp_page(request, form, status=422)


@post("/me/security/totp/remove", opt={"face": "member", "proof": True}, status_code=200)
async def remove_totp(request: AnyRequest) -> Response[Any]:
    door, person_id = door_of(request), viewer_of(request).person_id
    await access.remove_totp(door.db, person_id, actor_id=person_id)
    return way_on(request, "/me/security", said=N_("Two-step sign-in is off."))


@post("/me/security/codes", opt={"face": "member", "proof": True}, status_code=200)
async def new_codes(request: AnyRequest) -> Response[Any]:
    """Only beside an authenticator app: they stand in for it."""
    if not await access.has_totp(door_of(request).db, viewer_of(request).person_id):
        raise NoSuchPage
    return await _codes_page(request)


async def _totp_page(request: AnyRequest, form: forms.Filled, *, status: int = 200) -> Response[Any]:
    door, person_id = door_of(request), viewer_of(request).person_id
    secret = await access.shown_totp(door.db, door.ring, person_id)
    if secret is None:
        return way_on(request, "/me/security")
    grouped = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    return page(request, "entrance/totp.html", status=status, form=form, secret=grouped)


async def _codes_page(request: AnyRequest) -> Response[Any]:
    door, person_id = door_of(request), viewer_of(request).person_id
    codes = await access.new_recovery_codes(door.db, door.ring, person_id)
    return page(request, "entrance/recovery_codes.html", codes=codes)


# passkeys and devices ----------------------------------------------------------------------------------------


@post("/me/security/passkeys/remove", opt={"face": "member", "proof": True}, status_code=200)
async def remove_passkey(request: AnyRequest) -> Response[Any]:
    door, person_id = door_of(request), viewer_of(request).person_id
    try:
        credential_id = base64url_to_bytes(str((await request.form()).get("id", "")))
    except ValueError:
        raise NoSuchPage from None
    if not await access.remove_passkey(door.db, person_id, credential_id, actor_id=person_id):
        raise NoSuchPage
    return way_on(request, "/me/security", said=N_("The passkey was removed."))


@post("/me/security/devices/end", opt={"face": "member"}, status_code=200)
async def end_device(request: AnyRequest) -> Response[Any]:
    door, viewer = door_of(request), viewer_of(request)
    try:
        session_id = ids.parse(str((await request.form()).get("id", "")))
    except ValueError:
        raise NoSuchPage from None
    if not await access.end_device(door.db, viewer.person_id, session_id):
        raise NoSuchPage
    return way_on(request, "/me/security", said=N_("Signed out on that device."))


@post("/me/security/devices/end-others", opt={"face": "member"}, status_code=200)
async def end_others(request: AnyRequest) -> Response[Any]:
    door, viewer = door_of(request), viewer_of(request)
    assert viewer.session is not None
    await access.end_others(door.db, viewer.person_id, viewer.session.session_id)
    return way_on(request, "/me/security", said=N_("Signed out on all other devices."))


def _id_of(credential_id: bytes) -> str:
    return bytes_to_base64url(credential_id)
