"""What the script of passkeys asks and answers (``passkeys.js``): JSON, with the form's token in a header.

A good answer leads on by ``hx-redirect``; a refusal is a sentence in the page's language.
"""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, post

from kameng import access
from kameng.access import Ticket
from kameng.kit.errors import Refusal
from kameng.web.answering import message_of, way_on
from kameng.web.entrance import steps
from kameng.web.parts import AnyRequest, door_of
from kameng.web.viewing import inside, viewer_of
from kameng.web.wording import N_

ANSWER_CHARS_MAX = 20_000


class Sent(msgspec.Struct, frozen=True):
    """``credential``: as the browser has it, its bytes in base64url."""

    credential: dict[str, Any]
    name: str = ""
    next: str = "/"


@post("/signin/passkey/ask", opt={"face": "any"}, status_code=200)
async def ask_sign_in(request: AnyRequest) -> Response[Any]:
    """For whoever's it is; after a password, for that person's only."""
    second = steps.ticket_of(request, "second")
    person_id = 0 if second is None else second.person_id
    return await _ask(request, person_id, onward="" if second is None else second.onward)


@post("/signin/passkey", opt={"face": "any"}, status_code=200)
async def sign_in(request: AnyRequest) -> Response[Any]:
    door, ticket = door_of(request), steps.ticket_of(request, "passkey", "passkey_use")
    try:
        sent = await _sent(request)
        if ticket is None:
            raise access.BadPasskey
        token = await access.sign_in_by_passkey(
            door.db, door.ring, steps.site_of(request), ticket, sent.credential, steps.visit_of(request)
        )
    except Refusal as refusal:
        return _refused(request, refusal)
    return await steps.enter(request, token, ticket.onward or inside(sent.next))


@post("/prove/passkey/ask", opt={"face": "member"}, status_code=200)
async def ask_proof(request: AnyRequest) -> Response[Any]:
    return await _ask(request, viewer_of(request).person_id)


@post("/prove/passkey", opt={"face": "member"}, status_code=200)
async def prove(request: AnyRequest) -> Response[Any]:
    door, viewer, ticket = door_of(request), viewer_of(request), steps.ticket_of(request, "passkey", "passkey_use")
    try:
        sent = await _sent(request)
        if ticket is None or viewer.session is None:
            raise access.BadPasskey
        token = await access.prove_by_passkey(
            door.db, door.ring, steps.site_of(request), viewer.session, ticket, sent.credential, steps.visit_of(request)
        )
    except Refusal as refusal:
        return _refused(request, refusal)
    return way_on(request, inside(sent.next), cookies=[steps.session_cookie(request, token)])


@post("/me/security/passkeys/ask", opt={"face": "member", "proof": True}, status_code=200)
async def ask_new(request: AnyRequest) -> Response[Any]:
    door, session = door_of(request), viewer_of(request).session
    assert session is not None
    options, ticket = await access.ask_new_passkey(
        door.db, door.ring, steps.site_of(request), person_id=session.person_id, sign_in=session.sign_in,
        name=session.name,
    )  # fmt: skip
    return _asked(request, options, ticket)


@post("/me/security/passkeys", opt={"face": "member", "proof": True}, status_code=200)
async def add(request: AnyRequest) -> Response[Any]:
    door, viewer, ticket = door_of(request), viewer_of(request), steps.ticket_of(request, "passkey", "passkey_new")
    try:
        sent = await _sent(request)
        if ticket is None or ticket.person_id != viewer.person_id:
            raise access.BadPasskey
        name = sent.name.strip() or access.read_device(viewer.agent).text(viewer.language)
        await access.add_passkey(door.db, door.ring, steps.site_of(request), ticket, sent.credential, name=name)
    except Refusal as refusal:
        return _refused(request, refusal)
    return way_on(request, "/me/security", said=N_("The passkey was added."))


async def _ask(request: AnyRequest, person_id: int, *, onward: str = "") -> Response[Any]:
    door, site = door_of(request), steps.site_of(request)
    try:
        options, ticket = await access.ask_passkey(
            door.db, door.ring, site, ip=viewer_of(request).ip, person_id=person_id
        )
    except Refusal as refusal:
        return _refused(request, refusal)
    return _asked(request, options, ticket, onward=onward)


async def _sent(request: AnyRequest) -> Sent:
    body = await request.body()
    try:
        if len(body) > ANSWER_CHARS_MAX:
            raise access.BadPasskey
        return msgspec.json.decode(body, type=Sent)
    except (msgspec.DecodeError, msgspec.ValidationError):
        raise access.BadPasskey from None


def _asked(request: AnyRequest, options: str, ticket: Ticket, *, onward: str = "") -> Response[Any]:
    kept = msgspec.structs.replace(ticket, onward=onward)
    answer = Response(options.encode(), media_type="application/json", headers={"cache-control": "no-store"})
    answer.set_cookie(steps.step_cookie(request, kept))
    return answer


def _refused(request: AnyRequest, refusal: Refusal) -> Response[Any]:
    said = message_of(refusal, viewer_of(request).words)
    return Response(said, status_code=422, media_type="text/plain", headers={"cache-control": "no-store"})
