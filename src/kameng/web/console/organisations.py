"""Organisations and the people in them: found, led, looked at as one of them."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from kameng import access, documents, finance, identity, ledger
from kameng.identity import NoSuchOrganisation, Organisation
from kameng.kit import clock, ids, lanes, money
from kameng.kit.errors import Refusal
from kameng.web import forms
from kameng.web.answering import page, way_on
from kameng.web.console import asking
from kameng.web.console.papers import SOON_DAYS
from kameng.web.forms import Field, Filled
from kameng.web.parts import AnyRequest, Door, door_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

KINDS = ("merchant", "agent", "supplier", "customer")
LEVEL_MAX = 99
PAPERS = 6
"""The newest documents that stand on its page."""
FILTERS = (
    Field("q", forms.text(100), required=False, empty=""),
    Field("kind", forms.one_of(*KINDS, "platform"), required=False),
    Field("state", forms.one_of("active", "suspended", "closed"), required=False),
    Field("before", asking.number, required=False),
)
FOUND = (
    Field("name", forms.text(100)),
    Field("kind", forms.one_of(*KINDS)),
    Field("level", forms.whole(0, LEVEL_MAX), required=False, empty=0),
    Field("parent", asking.number, required=False),
    Field("credit", forms.amount(least_e4=0), required=False, empty=0),
    Field("sign_in", forms.text(254), required=False),
    Field("person", forms.text(100), required=False),
)
REASON = Field("reason", forms.text(500))
CHANGES: dict[str, tuple[Field, ...]] = {
    "level": (Field("level", forms.whole(0, LEVEL_MAX)), REASON),
    "state": (Field("state", forms.one_of("active", "suspended", "closed")), REASON),
    "code": (Field("external_ref", forms.text(64), required=False, empty=""), REASON),
    "parent": (Field("parent", asking.number, required=False), REASON),
    "terms": (
        Field("minimum_balance", forms.amount(), required=False),
        Field("day_budget", forms.amount(), required=False),
        Field("month_budget", forms.amount(), required=False),
        Field("self_collected", forms.checked, required=False, empty=False),
        REASON,
    ),
}  # fmt: skip
"""What may be changed, each by a form of its own with a reason."""


@get("/console/organisations", opt={"face": "platform"})
async def list_organisations(request: AnyRequest) -> Response[Any]:
    door, form = door_of(request), asking.asked(request, FILTERS)
    found = await identity.organisations(
        door.db, kind=form["kind"], state=form["state"], text=form["q"] or "",
        before_id=form["before"] or asking.ID_MAX, limit=asking.PAGE + 1,
    )  # fmt: skip
    shown = found[: asking.PAGE]
    onward = asking.address("/console/organisations", form, before=shown[-1].org_id) if len(found) > len(
        shown) else None  # fmt: skip
    async with door.db.connection() as connection:
        parents = await identity.organisations_by_id(connection, {one.parent_id for one in shown if one.parent_id})
    tabs = [(N_("All"), asking.address("/console/organisations", form, kind=""), form["kind"] is None)]
    tabs += [(label, asking.address("/console/organisations", form, kind=kind), form["kind"] == kind)
             for kind, label in KIND_LABELS.items()]  # fmt: skip
    return page(
        request, "console/organisations.html", form=form, organisations=shown, parents=parents, onward=onward,
        is_first=form["before"] is None, tabs=tabs,
    )  # fmt: skip


KIND_LABELS = {
    "merchant": N_("Merchants"), "agent": N_("Agents"), "supplier": N_("Suppliers"), "customer": N_("Customers"),
    "platform": N_("Platform"),
}  # fmt: skip


@get("/console/organisations/new", opt={"face": "platform", "act": "staff"})
async def ask_new(request: AnyRequest) -> Response[Any]:
    words = viewer_of(request).words
    form = forms.blank(words, kind="merchant", level=0, parent=request.query_params.get("parent", ""))
    return page(request, "console/organisation_new.html", form=form, kinds=KINDS)


@post("/console/organisations/new", opt={"face": "platform", "act": "staff", "proof": True}, status_code=200)
async def found(request: AnyRequest) -> Response[Any]:
    """A new organisation, with somebody who owns it if his sign-in is given."""
    viewer, door = viewer_of(request), door_of(request)
    form = await forms.read(request, viewer.words, FOUND)
    if form:
        try:
            made = await finance.take_on(
                door.db, form["name"], kind=form["kind"], level=form["level"], credit_line_e4=form["credit"],
                parent_id=form["parent"],
            )  # fmt: skip
            if form["sign_in"]:
                person = await identity.find_by_sign_in(door.db, form["sign_in"])
                person_id = person.person_id if person else await identity.enrol(
                    door.db, sign_in=form["sign_in"], name=form["person"] or form["name"], actor_id=viewer.person_id
                )  # fmt: skip
                await identity.join(door.db, made, person_id, "owner", actor_id=viewer.person_id)
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return way_on(request, f"/console/organisations/{made.org_id}", said=N_("Founded."))
    return page(request, "console/organisation_new.html", status=422, form=form, kinds=KINDS)


@get("/console/organisations/{org_id:str}", opt={"face": "platform"})
async def show_organisation(request: AnyRequest, org_id: FromPath[str]) -> Response[Any]:
    return await _shown(request, asking.id_in(org_id, NoSuchOrganisation))


async def _shown(request: AnyRequest, org_id: int, *, status: int = 200, **more: Any) -> Response[Any]:
    door, viewer = door_of(request), viewer_of(request)
    one = await _read(door, org_id)
    async with door.db.connection() as connection:
        wallet = await ledger.read_wallet(connection, one.lane, org_id)
        values = {
            "above": await identity.ancestors(connection, one), "below": await identity.children(connection, org_id),
            "unsettled": sum(e4 for _, e4 in await ledger.unsettled_of(connection, org_id)),
        }  # fmt: skip
    papers = await documents.list_documents(door.db, org_id, limit=PAPERS) if viewer.may("documents") else None
    values |= {"papers": papers, "today": clock.china_day(), "soon_days": SOON_DAYS}
    values |= {"members": await identity.members(door.db, org_id), "keys": await identity.list_keys(door.db, one)}
    blank = forms.blank(
        viewer.words, level=one.level, state=one.state, external_ref=one.external_ref, parent=one.parent_id or "",
        minimum_balance=_plain(one.minimum_balance_e4), day_budget=_plain(one.day_budget_e4),
        month_budget=_plain(one.month_budget_e4), self_collected="on" if one.self_collected else "",
    )  # fmt: skip
    values |= {"form": blank, "blank": blank, "act": "", **more}
    return page(
        request, "console/organisation.html", status=status, organisation=one, wallet=wallet,
        their_shop=door.shops.of(org_id), format_key=identity.format_key_id, **values,
    )  # fmt: skip


def _plain(amount_e4: int | None) -> str:
    return "" if amount_e4 is None else money.format_e4(amount_e4).rstrip("0").rstrip(".")


async def _read(door: Door, org_id: int) -> Organisation:
    async with door.db.connection() as connection:
        if ids.lane_of(org_id) not in await lanes.lane_numbers(connection):
            raise NoSuchOrganisation
        found_one = await identity.find_organisation(connection, org_id)
    if found_one is None:
        raise NoSuchOrganisation
    return found_one


@post("/console/organisations/{org_id:str}/{name:str}", opt={"face": "platform", "act": "agents"}, status_code=200)
async def change(request: AnyRequest, org_id: FromPath[str], name: FromPath[str]) -> Response[Any]:
    viewer, door, number = viewer_of(request), door_of(request), asking.id_in(org_id, NoSuchOrganisation)
    if name not in CHANGES:
        raise NoSuchOrganisation
    form = await forms.read(request, viewer.words, CHANGES[name])
    if form:
        try:
            await _change(door, number, name, form, actor_id=viewer.person_id)
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return way_on(request, f"/console/organisations/{number}", said=N_("Saved."))
    return await _shown(request, number, status=422, form=form, act=name)


async def _change(door: Door, org_id: int, name: str, form: Filled, *, actor_id: int) -> None:
    reason = form["reason"]
    if name == "parent":
        await finance.move_member(door.db, org_id, form["parent"], reason=reason, actor_id=actor_id)
    elif name == "terms":
        changes = {f"{limit}_e4": form[limit] for limit in ("minimum_balance", "day_budget", "month_budget")}
        changes["self_collected"] = form["self_collected"]
        await identity.set_terms(door.db, org_id, changes, reason=reason, actor_id=actor_id)
    else:
        field = {"level": "level", "state": "state", "code": "external_ref"}[name]
        await identity.set_organisation(door.db, org_id, reason=reason, actor_id=actor_id, **{field: form[field]})


# agents ------------------------------------------------------------------------------------------------------


class Branch(msgspec.Struct):
    """An agent and those below it."""

    organisation: Organisation
    below: list[Branch]


@get("/console/agents", opt={"face": "platform"})
async def show_agents(request: AnyRequest) -> Response[Any]:
    """The tree of all agents, from those that buy from the platform down."""
    found = await identity.organisations(door_of(request).db, kind="agent", limit=2000)
    branches = {one.org_id: Branch(one, []) for one in sorted(found, key=lambda one: one.name)}
    roots: list[Branch] = []
    for branch in branches.values():
        parent = branches.get(branch.organisation.parent_id or 0)
        (roots if parent is None else parent.below).append(branch)
    return page(request, "console/agents.html", roots=roots)


# looking as somebody else ------------------------------------------------------------------------------------


@post("/console/guise", opt={"face": "platform", "act": "impersonate", "proof": True}, status_code=200)
async def begin_guise(request: AnyRequest) -> Response[Any]:
    """See pages as somebody of an organisation, read-only unless said; a banner says so on each."""
    viewer, door = viewer_of(request), door_of(request)
    fields = (Field("org", asking.number), Field("person", asking.number), REASON,
              Field("may_write", forms.checked, required=False, empty=False))  # fmt: skip
    form = await forms.read(request, viewer.words, fields)
    assert viewer.session is not None
    if form:
        try:
            await access.begin_guise(
                door.db, viewer.session, form["person"], form["org"], reason=form["reason"], may_write=form["may_write"]
            )
        except Refusal as refusal:
            form.refused(refusal, {"person": "general"})
        else:
            kind = (await _read(door, form["org"])).kind
            return way_on(request, {"supplier": "/supplier", "customer": "/"}.get(kind, "/merchant"))
    if form["org"] is None:
        raise NoSuchOrganisation
    return await _shown(request, form["org"], status=422, form=form, act="guise")


@post("/console/guise/end", opt={"face": "member", "leaves_guise": True}, status_code=200)
async def end_guise(request: AnyRequest) -> Response[Any]:
    viewer = viewer_of(request)
    if viewer.session is None or viewer.guise is None:
        return way_on(request, "/console")
    await access.end_guise(door_of(request).db, viewer.session, viewer.guise)
    return way_on(request, f"/console/organisations/{viewer.guise.org_id}", said=N_("These are your own pages again."))


@get("/console/people/{person_id:str}", opt={"face": "platform"})
async def show_person(request: AnyRequest, person_id: FromPath[str]) -> Response[Any]:
    door, number = door_of(request), asking.id_in(person_id)
    person = await identity.find_person(door.db, number)
    places = await identity.memberships(door.db, number)
    async with door.db.connection() as connection:
        places_of = await identity.organisations_by_id(connection, {place.org_id for place in places})
    return page(request, "console/person.html", person=person, places=places, organisations=places_of)
