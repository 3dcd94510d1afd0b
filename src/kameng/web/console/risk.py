"""Risk: orders held for a person to look at, the lists, the limits."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

from litestar import Response, get, post

from kameng import catalogue, identity, orders, risk
from kameng.kit import clock, ids
from kameng.kit.errors import Refusal
from kameng.orders import Asked, By, Command, Instruction, Refused
from kameng.web import forms
from kameng.web.answering import message_of, page, way_on
from kameng.web.console import asking
from kameng.web.forms import Field, Filled, Wrong
from kameng.web.parts import AnyRequest, Door, door_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

BULK_MAX = 100
DECIDE = (Field("verdict", forms.one_of("release", "refuse")), Field("reason", forms.text(500)))


@get("/console/held", opt={"face": "platform", "act": "orders"})
async def list_held(request: AnyRequest) -> Response[Any]:
    return await _held(request)


async def _held(request: AnyRequest, *, status: int = 200, **more: Any) -> Response[Any]:
    door = door_of(request)
    asked = asking.asked(request, (Field("before", asking.number, required=False),))
    found = await orders.oversee(
        door.db, Asked(states=("held",), before_id=asked["before"] or asking.ID_MAX), limit=BULK_MAX
    )
    onward = None if found.next_id is None else f"/console/held?before={found.next_id}"
    values = {"form": forms.blank(viewer_of(request).words), "failed": [], **more}
    return page(
        request, "console/held.html", status=status, orders=found.orders, onward=onward,
        is_first=asked["before"] is None, skus=door.snapshot.catalogue.skus, key=secrets.token_hex(8), **values,
    )  # fmt: skip


@post("/console/held", opt={"face": "platform", "act": "orders"}, status_code=200)
async def decide_held(request: AnyRequest) -> Response[Any]:
    """Let the chosen ones go on or refuse them; those that can't are named, the others are done."""
    viewer, door = viewer_of(request), door_of(request)
    form, data = await forms.read(request, viewer.words, DECIDE), await request.form()
    chosen = [int(one) for one in data.getall("orders", []) if str(one).isdecimal()][:BULK_MAX]
    if not chosen:
        form.general = viewer.words.say("Choose one order at least.")
    if not form:
        return await _held(request, status=422, form=form)
    failed = await _decide(door, form, chosen, key=str(data.get("key", ""))[:40], actor_id=viewer.person_id)
    if not failed:
        return way_on(request, "/console/held", said=N_("Done. It is written down with your reason."))
    told = [(order_id, message_of(refused.refusal(), viewer.words)) for order_id, refused in failed]
    return await _held(request, status=422, form=form, failed=told)


async def _decide(door: Door, form: Filled, chosen: list[int], *, key: str, actor_id: int) -> list[tuple[int, Refused]]:
    command = Command.fulfil if form["verdict"] == "release" else Command.refuse
    by_lane: dict[int, list[Instruction]] = {}
    for order_id in chosen:
        by_lane.setdefault(ids.lane_of(order_id), []).append(
            Instruction(order_id=order_id, command=command, key=key, by=By.staff, actor_id=actor_id,
                        reason=form["reason"])
        )  # fmt: skip
    failed = []
    for some in by_lane.values():
        outcomes = await orders.act(door.db, door.ring, some, terms=orders.terms_of(door.settings))
        failed += [(one.order_id, outcome) for one, outcome in zip(some, outcomes, strict=True)
                   if isinstance(outcome, Refused)]  # fmt: skip
    return failed


# lists and rules ---------------------------------------------------------------------------------------------


def _hours(sent: str) -> timedelta:
    if not sent.isdecimal() or not 0 < int(sent) <= 24 * 3650:
        raise Wrong(N_("Hours, please; nothing for ever."))
    return timedelta(hours=int(sent))


LISTING = (
    Field("entity", forms.one_of("ip", "organisation", "target")),
    Field("value", forms.text(200)),
    Field("form", forms.text(80), required=False),
    Field("verdict", forms.one_of("refuse", "review", "allow")),
    Field("hours", _hours, required=False),
    Field("reason", forms.text(500)),
)
RULE = (
    Field("name", forms.text(100)),
    Field("entity", forms.one_of("ip", "organisation", "target")),
    Field("window_s", forms.whole(1, 86_400)),
    Field("limit_count", forms.whole(0, 1_000_000_000), required=False),
    Field("limit_e4", forms.amount(least_e4=0), required=False),
    Field("outcome", forms.one_of("refuse", "review")),
    Field("reason", forms.text(500)),
)


@get("/console/risk", opt={"face": "platform", "act": "risk"})
async def show_risk(request: AnyRequest) -> Response[Any]:
    return await _shown(request)


async def _shown(request: AnyRequest, *, status: int = 200, **more: Any) -> Response[Any]:
    door, words = door_of(request), viewer_of(request).words
    async with door.db.connection() as connection:
        rules = await risk.every_rule(connection)
        entries = await risk.every_listing(connection)
        numbers = {int(one.value) for one in entries if one.entity == "organisation"}
        owners = await identity.organisations_by_id(connection, numbers)
    values = {"listing": forms.blank(words, verdict="refuse", entity="target"), "rule": forms.blank(words),
              "removing": None, **more}  # fmt: skip
    return page(
        request, "console/risk.html", status=status, rules=rules, entries=entries, owners=owners, now=clock.now(),
        kinds=catalogue.KINDS, **values,
    )  # fmt: skip


@post("/console/risk/listings", opt={"face": "platform", "act": "risk"}, status_code=200)
async def add_listing(request: AnyRequest) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    form = await forms.read(request, viewer.words, LISTING)
    if form:
        until: datetime | None = None if form["hours"] is None else clock.now() + form["hours"]
        try:
            value = risk.whom(door.ring, form["entity"], form["value"], form=form["form"], reason=form["reason"])
            await risk.set_listing(
                door.db, form["entity"], value, form["verdict"], reason=form["reason"], until=until,
                actor_id=viewer.person_id,
            )  # fmt: skip
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return way_on(request, "/console/risk", said=N_("Saved."))
    form.sent["value"] = ""  # a number is not shown again
    return await _shown(request, status=422, listing=form)


@post("/console/risk/listings/remove", opt={"face": "platform", "act": "risk"}, status_code=200)
async def remove_listing(request: AnyRequest) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    fields = (Field("entity", forms.text(20)), Field("value", forms.text(200)), Field("reason", forms.text(500)))
    form = await forms.read(request, viewer.words, fields)
    if form:
        try:
            await risk.remove_listing(
                door.db, form["entity"], form["value"], reason=form["reason"], actor_id=viewer.person_id
            )
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return way_on(request, "/console/risk", said=N_("Taken off the list."))
    return await _shown(request, status=422, removing=form)


@post("/console/risk/rules", opt={"face": "platform", "act": "risk"}, status_code=200)
async def set_rule(request: AnyRequest) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    form, data = await forms.read(request, viewer.words, RULE), await request.form()
    if form:
        kinds = tuple(str(kind) for kind in data.getall("kinds", []))
        rule = risk.Rule(0, kinds=kinds, **{name: form[name] for name in form.values if name != "reason"})
        try:
            await risk.set_rule(door.db, rule, reason=form["reason"], actor_id=viewer.person_id)
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return way_on(request, "/console/risk", said=N_("Saved."))
    return await _shown(request, status=422, rule=form)


@post("/console/risk/rules/switch", opt={"face": "platform", "act": "risk"}, status_code=200)
async def switch_rule(request: AnyRequest) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    fields = (Field("name", forms.text(100)), Field("enabled", forms.one_of("0", "1")),
              Field("reason", forms.text(500)))  # fmt: skip
    form = await forms.read(request, viewer.words, fields)
    if form:
        try:
            await risk.switch_rule(
                door.db, form["name"], enabled=form["enabled"] == "1", reason=form["reason"], actor_id=viewer.person_id
            )
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return way_on(request, "/console/risk", said=N_("Saved."))
    return await _shown(request, status=422, removing=form)
