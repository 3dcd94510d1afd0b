"""Who looks: the session of a cookie, the role, the language, the theme, the shop that the visitor came to.

``arrive`` runs before every handler. A handler says in its ``opt`` who it is for: ``face`` (``any``, ``shop``,
``member``, ``buyer`` for whoever may buy, or the kind of organisation: ``merchant``, ``supplier``, ``platform``),
``act`` (what the role must allow) and ``proof`` (whether it asks to prove once more who one is). A handler without a
face is a defect that a test finds.
"""

from __future__ import annotations

import hmac
import secrets
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec
from litestar import Response
from litestar.datastructures import Cookie

from kameng import access, identity, shops
from kameng.access import Session
from kameng.identity import ApiKey, Caller, Organisation
from kameng.kit import clock
from kameng.kit.db import Connection
from kameng.kit.proxies import undressed
from kameng.shops import Shop
from kameng.web.errors import ForgedForm, SwitchedOff
from kameng.web.parts import AnyRequest, Door, door_of
from kameng.web.wording import LANGUAGES, Words, words_at

SESSION, VISITOR, LANGUAGE, THEME = "kameng_session", "kameng_visitor", "kameng_lang", "kameng_theme"
"""Cookies. Over TLS the first two bear the prefix ``__Host-``."""
THEMES = ("auto", "light", "dark")
SAFE = ("GET", "HEAD")
FACTOR = "/me/factor"
BEFORE_FACTOR = (FACTOR, "/me/security", "/prove", "/places", "/signout")
TOKEN_FIELD, TOKEN_HEADER = "_token", "x-kameng-token"

FACES: dict[str, tuple[str, ...]] = {
    "shop": ("customer", "merchant", "agent"),
    "buyer": ("customer", "merchant", "agent"),
    "merchant": ("merchant", "agent"),
    "agent": ("agent",),
    "supplier": ("supplier",),
    "platform": ("platform",),
    "organisation": ("merchant", "agent", "supplier", "platform"),
}
"""Which kinds of organisations each face is for; to look at a shop nobody needs to be anybody."""


class Viewer(msgspec.Struct, frozen=True):
    """Who looks at this page, and how."""

    words: Words
    theme: str
    visitor: str  # a random name of the browser, '' before the first form
    ip: str
    agent: str
    shop: Shop | None
    session: Session | None = None
    token: str = ""  # of the session's cookie
    organisation: Organisation | None = None
    role: str | None = None
    guise: access.Guise | None = None  # he sees the pages of whom this names
    house_role: str | None = None  # his own, while he sees those
    factor_for: str = ""  # whoever asks him for a second factor that he lacks: he works for nobody until he has one

    @property
    def language(self) -> str:
        return self.words.language

    @property
    def person_id(self) -> int:
        """0: nobody."""
        return 0 if self.session is None else self.session.person_id

    def may(self, act: str) -> bool:
        return self.role is not None and access.may(self.role, act)

    @property
    def me(self) -> Organisation:
        """The organisation he works for; handlers of faces have one."""
        assert self.organisation is not None
        return self.organisation

    @property
    def caller(self) -> Caller:
        return caller_of(self.me, self.person_id, self.ip)


def caller_of(organisation: Organisation, person_id: int, ip: str) -> Caller:
    """As verbs know a person: a key that is none stands for him, with his number."""
    key = ApiKey(person_id, organisation.org_id, frozenset(), None, None, (), 1, None, "active", None)
    return Caller(key, organisation, ip)


def viewer_of(request: AnyRequest) -> Viewer:
    viewer: Viewer = request.scope["state"]["viewer"]
    return viewer


async def arrive(request: AnyRequest) -> Response[Any] | None:
    """Find out who looks; turn away who may not, send to sign in who has to."""
    opt, door = request.route_handler.opt, door_of(request)
    if opt.get("static"):
        return None
    viewer = await _viewer(request, door)
    request.scope["state"]["viewer"] = viewer
    if request.method not in SAFE:
        await check_form(request, door, viewer, tokenless=opt.get("tokenless", False))
    if viewer.guise is not None and opt["face"] != "any":
        await _check_guise(request, door, viewer, viewer.guise)
    if viewer.factor_for and opt["face"] not in ("any", "shop") and not _is_before_factor(request.scope["path"]):
        return _elsewhere(request, FACTOR)
    if "switch" in opt and not await door.switches.is_on(opt["switch"]):
        raise SwitchedOff
    return guard(request, viewer, face=opt["face"], act=opt.get("act", "view"), proof=opt.get("proof", False))


def _is_before_factor(path: str) -> bool:
    """Where a second factor is set up, and what leads out."""
    return any(path == start or path.startswith(f"{start}/") for start in BEFORE_FACTOR)


async def _check_guise(request: AnyRequest, door: Door, viewer: Viewer, guise: access.Guise) -> None:
    """Who sees others' pages leaves a line for each; he changes nothing unless he said so, and never with proof."""
    opt = request.route_handler.opt
    if opt.get("leaves_guise"):
        return
    if request.method not in SAFE and (not guise.may_write or opt.get("proof")):
        raise access.OnlyLooking
    assert viewer.session is not None
    await access.note_view(door.db, viewer.session, guise, request.method, request.scope["path"])


def guard(request: AnyRequest, viewer: Viewer, *, face: str, act: str, proof: bool) -> Response[Any] | None:
    """None if he may; the way to sign in if he has to; ``Forbidden`` else."""
    if face in ("any", "shop"):
        return None
    if viewer.session is None:
        return _elsewhere(request, "/signin")
    if face != "member":
        if viewer.organisation is None or viewer.organisation.kind not in FACES[face]:
            raise access.Forbidden
        if not viewer.may(act):
            raise access.Forbidden
    if proof and not viewer.session.is_proved_at(clock.now()):
        return _elsewhere(request, "/prove")
    return None


def _elsewhere(request: AnyRequest, path: str) -> Response[Any]:
    """To a page that leads back here; a form's page, not its post."""
    here = request.scope["path"]
    if request.method not in SAFE:
        here = inside(urlsplit(request.headers.get("referer", "")).path)
    elif request.scope["query_string"]:
        here = f"{here}?{request.scope['query_string'].decode('latin-1')}"
    target = f"{path}?next={quote(here)}"
    if request.headers.get("hx-request"):
        return Response(b"", status_code=200, headers={"hx-redirect": target})
    return Response(b"", status_code=303, headers={"location": target})


def inside(target: str) -> str:
    """An address of ours, or the start page: nobody is sent to another host."""
    parts = urlsplit(target)
    is_ours = target.startswith("/") and not target.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return target if is_ours and target.isprintable() and "\\" not in target else "/"


async def _viewer(request: AnyRequest, door: Door) -> Viewer:
    await door.shops.refresh()
    await door.bulletins.refresh()
    cookies = request.cookies
    hosts = request.headers.getall("host", [])
    viewer = Viewer(
        words=words_at(language_of(request), request.scope["path"]),
        theme=cookies[THEME] if cookies.get(THEME) in THEMES else "auto",
        visitor=cookies.get(cookie_name(door, VISITOR), "")[:64],
        ip=_address(request, door),
        agent=request.headers.get("user-agent", "")[:300],
        shop=door.shops.at(hosts[0] if len(hosts) == 1 else ""),
    )
    token = cookies.get(cookie_name(door, SESSION), "")
    if not token:
        return viewer
    async with door.db.connection() as connection:
        session = await access.find_session(connection, token)
        if session is None:
            return viewer
        role, organisation, factor_for = None, None, ""
        if session.org_id is not None:
            role = await identity.role_of(connection, session.org_id, session.person_id)
            organisation = None if role is None else await identity.find_organisation(connection, session.org_id)
        if not _is_known(viewer.shop, organisation):
            return viewer
        if organisation is not None and await access.lacks_factor(connection, organisation, session):
            factor_for, role, organisation = organisation.name, None, None
        seen = msgspec.structs.replace(
            viewer, session=session, token=token, organisation=organisation, role=role, factor_for=factor_for
        )
        return await _in_guise(connection, seen)


async def _in_guise(connection: Connection, viewer: Viewer) -> Viewer:
    """Himself, or with the organisation and the role of whom he looks as."""
    if viewer.session is None or viewer.organisation is None or viewer.organisation.kind != "platform":
        return viewer
    guise = await access.guise_of(connection, viewer.session)
    if guise is None or not viewer.may("impersonate"):
        return viewer
    role = await identity.role_of(connection, guise.org_id, guise.person_id)
    organisation = await identity.find_organisation(connection, guise.org_id)
    return msgspec.structs.replace(
        viewer, organisation=organisation, role=role, guise=guise, house_role=viewer.role
    )


def _address(request: AnyRequest, door: Door) -> str:
    """Whose address it is: by the word of our own proxies only, as the API has it."""
    client = request.scope["client"]
    peer = client[0] if client else "127.0.0.1"
    found = door.proxies.address_of(request.scope["headers"], peer) if door.proxies.networks else peer
    return str(undressed(found))


def _is_known(shop: Shop | None, organisation: Organisation | None) -> bool:
    """Whether the shop knows whom he works for; an agent's knows nobody who works for nobody."""
    if organisation is None:
        return shop is None or shop.is_house
    return shops.serves(shop, organisation)


def language_of(request: AnyRequest) -> str:
    """``?lang`` first, then the cookie, then the browser's wish; Chinese unless it prefers English."""
    for asked in (request.query_params.get("lang"), request.cookies.get(LANGUAGE)):
        if asked in LANGUAGES:
            return str(asked)
    for part in request.headers.get("accept-language", "").lower().split(","):
        name = part.strip().partition(";")[0].partition("-")[0]
        if name in LANGUAGES:
            return name
    return "zh"


def cookie_name(door: Door, name: str) -> str:
    return name if door.settings.tls_certificate == "off" else f"__Host-{name}"


def new_cookie(door: Door, name: str, value: str, *, max_age_s: int, hidden: bool = True) -> Cookie:
    """For an answer. ``hidden``: from scripts, and a ``__Host-`` one where there is TLS."""
    return Cookie(
        cookie_name(door, name) if hidden else name, value=value, max_age=max_age_s, httponly=hidden, samesite="lax",
        secure=door.settings.tls_certificate != "off",
    )  # fmt: skip


# forms -------------------------------------------------------------------------------------------------------


def new_visitor() -> str:
    return secrets.token_urlsafe(24)


def form_token(door: Door, visitor: str, session_token: str) -> str:
    """What a form of this browser, in this session, brings along; nobody else can make it."""
    return door.ring.fingerprint(b"form", f"{visitor}\n{session_token}".encode()).hex()[:40]


async def check_form(request: AnyRequest, door: Door, viewer: Viewer, *, tokenless: bool = False) -> None:
    """``ForgedForm`` unless it came from a page of ours in the same browser and session. ``tokenless``: from a page
    that is kept for everybody, where nobody could be harmed."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site not in (None, "same-origin", "none"):
        raise ForgedForm
    if origin not in (None, "null") and urlsplit(origin or "").netloc != request.headers.get("host"):
        raise ForgedForm
    if tokenless:
        return
    sent = request.headers.get(TOKEN_HEADER) or (await request.form()).get(TOKEN_FIELD)
    right = form_token(door, viewer.visitor, viewer.token)
    if not viewer.visitor or not isinstance(sent, str) or not hmac.compare_digest(sent.encode(), right.encode()):
        raise ForgedForm
