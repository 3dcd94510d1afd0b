"""API keys: issued with their secret shown once, bound to addresses and limits, rotated, revoked; the go-live list."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kameng import identity, openapi
from kameng.identity import ListedKey, Organisation
from kameng.kit import clock
from kameng.kit.errors import Refusal
from kameng.web import forms
from kameng.web.answering import page, way_on
from kameng.web.errors import NoSuchPage, SwitchedOff
from kameng.web.forms import Field, Filled, Wrong
from kameng.web.merchant import lists
from kameng.web.parts import AnyRequest, door_of
from kameng.web.templating import format_amount
from kameng.web.viewing import Viewer, viewer_of
from kameng.web.wording import N_, Words

SCOPES = {
    "orders:place": N_("Place, cancel and refund orders"), "orders:read": N_("Read orders"),
    "cards:read": N_("See cards"), "catalogue:read": N_("Read goods, prices and stock"),
    "balance:read": N_("Read balance and statements"), "webhooks:manage": N_("Manage webhooks"),
    "wallet:withdraw": N_("Ask for withdrawals"), "agents:read": N_("Read agents below"),
    "agents:write": N_("Set prices of agents below"),
}  # fmt: skip
OF_AGENTS = ("agents:read", "agents:write")
RATE_DEFAULT = 100
RATE_MAX = 1000
LIFE_DAYS_MAX = 3650
SCOPE_FIELD = "scope."


def addresses(text: str) -> list[str]:
    """One a line, or with commas between."""
    found = [part for part in re.split(r"[\s,，;；]+", text) if part]
    if len(found) > 50:
        raise Wrong(N_("At most 50 addresses, please."))
    return found


LIMITS = (
    Field("name", forms.text(60)),
    Field("allowed_ips", addresses, required=False, empty=()),
    Field("rate_per_second", forms.whole(1, RATE_MAX)),
    Field("daily_limit", forms.amount(least_e4=0), required=False),
)
NEW = (
    *LIMITS,
    Field("kind", forms.one_of("live", "sandbox")),
    Field("days", forms.whole(1, LIFE_DAYS_MAX), required=False),
)
REVOKE = (Field("reason", forms.text(500)),)
FIELDS = {"daily_limit": "daily_limit", "expires_at": "days"}
ACT = {"face": "merchant", "act": "keys", "proof": True}


@get("/merchant/keys", opt={"face": "merchant", "act": "keys"})
async def show_list(request: AnyRequest) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    keys = await identity.list_keys(door.db, viewer.me)
    return page(request, "merchant/keys.html", keys=keys, now=clock.now())


@get("/merchant/keys/new", opt=ACT)
async def ask(request: AnyRequest) -> Response[Any]:
    viewer = viewer_of(request)
    chosen = {SCOPE_FIELD + scope: "on" for scope in identity.scopes_of(viewer.me.kind)}
    form = forms.blank(viewer.words, kind="sandbox", rate_per_second=RATE_DEFAULT, **chosen)
    return _ask_page(request, form)


@post("/merchant/keys/new", opt=ACT, status_code=200)
async def issue(request: AnyRequest) -> Response[Any]:
    """A new key: its secret stands on the answer, and nowhere else ever."""
    viewer, door = viewer_of(request), door_of(request)
    scopes = tuple(Field(SCOPE_FIELD + scope, forms.checked, required=False, empty=False) for scope in _scopes(viewer))
    form = await forms.read(request, viewer.words, (*NEW, *scopes))
    wanted = [field.name.removeprefix(SCOPE_FIELD) for field in scopes if form.values.get(field.name)]
    if not wanted:
        form.general = viewer.words.say("Choose at least one thing that the key may do.")
    organisation = await _owner(request, form.values.get("kind", "live")) if form else None
    if form["kind"] == "sandbox" and not await door.switches.is_on("sandbox"):
        raise SwitchedOff
    if form and organisation is not None:
        try:
            async with door.db.transaction() as connection:
                made = await identity.issue_key(
                    connection, door.ring, organisation, name=form["name"], scopes=wanted,
                    allowed_ips=form["allowed_ips"], rate_per_second=form["rate_per_second"],
                    daily_limit_e4=form["daily_limit"], expires_at=_end(form["days"]), actor_id=viewer.person_id,
                )  # fmt: skip
        except Refusal as refusal:
            form.refused(refusal, FIELDS)
        else:
            shown = identity.format_key_id(made.key_id, sandbox=made.sandbox)
            return page(request, "merchant/key_made.html", made=made, shown=shown, is_rotated=False)
    return _ask_page(request, form, status=422)


def _scopes(viewer: Viewer) -> list[str]:
    return [scope for scope in SCOPES if viewer.me.kind == "agent" or scope not in OF_AGENTS]


def _ask_page(request: AnyRequest, form: Filled, *, status: int = 200) -> Response[Any]:
    viewer = viewer_of(request)
    return page(
        request, "merchant/key_new.html", status=status, form=form, scope_field=SCOPE_FIELD,
        scopes=[(scope, viewer.words.say(SCOPES[scope])) for scope in _scopes(viewer)],
    )  # fmt: skip


async def _owner(request: AnyRequest, kind: str) -> Organisation:
    """Of a live key the organisation itself, of one to practise its sandbox."""
    viewer, door = viewer_of(request), door_of(request)
    if kind == "live":
        return viewer.me
    beside = await identity.sandboxes_of(door.db, viewer.me)
    if not beside:
        raise NoSuchPage
    return beside[0]


def _end(days: int | None) -> datetime | None:
    return None if days is None else clock.now().astimezone(UTC) + timedelta(days=days)


@get("/merchant/keys/{key_id:str}", opt={"face": "merchant", "act": "keys"})
async def show(request: AnyRequest, key_id: FromPath[str]) -> Response[Any]:
    key = await _own(request, key_id)
    return await _key_page(request, key, _standing(viewer_of(request).words, key))


@post("/merchant/keys/{key_id:str}", opt=ACT, status_code=200)
async def change(request: AnyRequest, key_id: FromPath[str]) -> Response[Any]:
    viewer, door, key = viewer_of(request), door_of(request), await _own(request, key_id)
    form = await forms.read(request, viewer.words, LIMITS)
    if form:
        try:
            await identity.change_key(
                door.db, door.ring, key.key_id, name=form["name"], allowed_ips=form["allowed_ips"],
                rate_per_second=form["rate_per_second"], daily_limit_e4=form["daily_limit"], actor_id=viewer.person_id,
            )  # fmt: skip
        except Refusal as refusal:
            form.refused(refusal, FIELDS)
        else:
            return way_on(request, f"/merchant/keys/{key.key_id}", said=N_("Saved."))
    return await _key_page(request, key, form, status=422)


@post("/merchant/keys/{key_id:str}/rotate", opt=ACT, status_code=200)
async def rotate(request: AnyRequest, key_id: FromPath[str]) -> Response[Any]:
    """A new key with the rights of the old one, which works on for a week."""
    viewer, door, key = viewer_of(request), door_of(request), await _own(request, key_id)
    try:
        made = await identity.rotate_key(door.db, door.ring, key.key_id, actor_id=viewer.person_id)
    except Refusal as refusal:
        return await _key_page(request, key, _standing(viewer.words, key).refused(refusal), status=refusal.status)
    shown = identity.format_key_id(made.key_id, sandbox=made.sandbox)
    return page(request, "merchant/key_made.html", made=made, shown=shown, is_rotated=True)


@post("/merchant/keys/{key_id:str}/revoke", opt=ACT, status_code=200)
async def revoke(request: AnyRequest, key_id: FromPath[str]) -> Response[Any]:
    viewer, door, key = viewer_of(request), door_of(request), await _own(request, key_id)
    form = await forms.read(request, viewer.words, REVOKE)
    if form:
        try:
            await identity.revoke_key(door.db, key.key_id, reason=form["reason"], actor_id=viewer.person_id)
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return way_on(request, "/merchant/keys", said=N_("The key is revoked."))
    whole = _standing(viewer.words, key)
    whole.sent |= form.sent
    whole.errors, whole.general = form.errors, form.general
    return await _key_page(request, key, whole, status=422)


async def _own(request: AnyRequest, key_id: str) -> ListedKey:
    """One of the viewer's keys; there is no page of anybody else's."""
    viewer, door = viewer_of(request), door_of(request)
    try:
        return await identity.find_key(door.db, viewer.me, lists.id_of(key_id))
    except identity.NoSuchOrganisation:
        raise NoSuchPage from None


def _standing(words: Words, key: ListedKey) -> Filled:
    """The form as the key is."""
    limit = "" if key.daily_limit_e4 is None else format_amount(key.daily_limit_e4)
    return forms.blank(
        words, name=key.name, allowed_ips="\n".join(map(str, key.allowed_ips)), rate_per_second=key.rate_per_second,
        daily_limit=limit,
    )  # fmt: skip


async def _key_page(request: AnyRequest, key: ListedKey, form: Filled, *, status: int = 200) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    done: frozenset[str] = frozenset()
    if key.sandbox:
        async with door.db.connection() as connection:
            done = await openapi.golive_done(connection, key.key_id)
        done |= door.lanes.rehearsals.deeds(key.key_id)
    return page(
        request, "merchant/key.html", status=status, key=key, form=form, steps=openapi.GOLIVE_STEPS, done=done,
        works=key.works_at(clock.now()), scopes=[SCOPES.get(scope, scope) for scope in key.scopes],
        is_ready=openapi.is_ready_to_go_live(done), is_zh=viewer.language == "zh",
    )  # fmt: skip


@post("/merchant/keys/{key_id:str}/golive", opt={"face": "merchant", "act": "keys"}, status_code=200)
async def look(request: AnyRequest, key_id: FromPath[str]) -> Response[Any]:
    """Write down what the sandbox key has shown by now."""
    viewer, door, key = viewer_of(request), door_of(request), await _own(request, key_id)
    if key.sandbox:
        (organisation,) = [one for one in await identity.sandboxes_of(door.db, viewer.me) if one.org_id == key.org_id]
        await openapi.look_at_golive(door.db, door.lanes.rehearsals, key.key_id, organisation)
    return way_on(request, f"/merchant/keys/{key.key_id}", said=N_("Looked again."))
