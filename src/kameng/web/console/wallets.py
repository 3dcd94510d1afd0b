"""Wallets and the house's accounts: balances, statements with their postings; asking to book, granting credit."""

from __future__ import annotations

import secrets
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kameng import finance, identity, ledger
from kameng.identity import Organisation
from kameng.kit import ids, lanes
from kameng.kit.errors import Refusal
from kameng.ledger import NoSuchWallet
from kameng.web import forms
from kameng.web.answering import page, way_on
from kameng.web.console import asking
from kameng.web.forms import Field, Filled
from kameng.web.parts import AnyRequest, Door, door_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

LINES = 50
ADJUST = (
    Field("way", forms.one_of("add", "take")),
    Field("amount", forms.amount()),
    Field("why", forms.one_of(*finance.REASONS)),
    Field("note", forms.text(500)),
    Field("evidence", forms.text(500), required=False, empty=""),
    Field("key", forms.text(60)),
)
DECIDE = (
    Field("verdict", forms.one_of("approve", "refuse")),
    Field("note", forms.text(500), required=False, empty=""),
)
CREDIT = (Field("line", forms.amount(least_e4=0)), Field("reason", forms.text(500)))


@get("/console/wallets", opt={"face": "platform", "act": "money.view"})
async def list_wallets(request: AnyRequest) -> Response[Any]:
    door = door_of(request)
    if request.query_params.get("view") == "house":
        return page(request, "console/house.html", sums=await ledger.house_sums(door.db))
    form = asking.asked(request, (Field("q", forms.text(100), required=False, empty=""),
                                  Field("after", asking.number, required=False)))  # fmt: skip
    if form["q"]:
        named = await identity.organisations(door.db, text=form["q"], limit=LINES)
        found = [one for org in named for one in await ledger.wallets(door.db, after_id=org.org_id - 1, limit=1)
                 if one.account_id == org.org_id]  # fmt: skip
        onward = None
    else:
        found = await ledger.wallets(door.db, after_id=form["after"] or 0, limit=LINES + 1)
        onward = f"/console/wallets?after={found[LINES - 1].account_id}" if len(found) > LINES else None
    return page(request, "console/wallets.html", form=form, wallets=found[:LINES], onward=onward)


@get("/console/wallets/{org_id:str}", opt={"face": "platform", "act": "money.view"})
async def show_wallet(request: AnyRequest, org_id: FromPath[str]) -> Response[Any]:
    return await _shown(request, asking.id_in(org_id))


async def _shown(request: AnyRequest, org_id: int, *, status: int = 200, **more: Any) -> Response[Any]:
    door, viewer = door_of(request), viewer_of(request)
    form = asking.asked(request, (Field("before", asking.number, required=False),))
    organisation, wallet, lines = await _read(door, org_id, form["before"] or asking.ID_MAX)
    onward = f"/console/wallets/{org_id}?before={lines[LINES - 1].transfer_id}" if len(lines) > LINES else None
    pending = [one for one in await finance.pending_adjustments(door.db) if one.org_id == org_id]
    values = {"adjust": _blank(request), "credit": forms.blank(viewer.words), **more}
    return page(
        request, "console/wallet.html", status=status, organisation=organisation, wallet=wallet, lines=lines[:LINES],
        onward=onward, is_first=form["before"] is None, reasons=REASON_LABELS, pending=pending,
        limit_e4=finance.terms_of(door.settings).adjustment_limit_e4, **values,
    )  # fmt: skip


def _blank(request: AnyRequest) -> Filled:
    return forms.blank(viewer_of(request).words, way="add", key=f"console-{secrets.token_hex(6)}")


async def _read(
    door: Door, org_id: int, before_id: int
) -> tuple[Organisation, ledger.Account, list[ledger.StatementLine]]:
    lane = ids.lane_of(org_id)
    async with door.db.connection() as connection:
        organisation = (await identity.organisations_by_id(connection, [org_id])).get(org_id)
        if organisation is None or lane not in await lanes.lane_numbers(connection):
            raise NoSuchWallet
        wallet = await ledger.read_wallet(connection, lane, org_id)
        lines = await ledger.read_statement(connection, lane, org_id, before_id=before_id, limit=LINES + 1)
    return organisation, wallet, lines


@post(
    "/console/wallets/{org_id:str}/adjust",
    opt={"face": "platform", "act": "money.move", "proof": True},
    status_code=200,
)
async def adjust(request: AnyRequest, org_id: FromPath[str]) -> Response[Any]:
    """加款/扣款: booked at once up to one person's limit, above it left for a second one."""
    viewer, door, number = viewer_of(request), door_of(request), asking.id_in(org_id)
    form = await forms.read(request, viewer.words, ADJUST)
    if form:
        amount_e4 = form["amount"] if form["way"] == "add" else -form["amount"]
        try:
            done = await finance.adjust(
                door.db, number, amount_e4, key=form["key"], reason=form["why"], note=form["note"],
                evidence=form["evidence"], terms=finance.terms_of(door.settings), actor_id=viewer.person_id,
            )  # fmt: skip
        except Refusal as refusal:
            form.refused(refusal, {"reason": "why"})
        else:
            said = N_("Booked.") if done.state == "executed" else N_("It waits for a second person now.")
            return way_on(request, f"/console/wallets/{number}", said=said)
    return await _shown(request, number, status=422, adjust=form)


@post(
    "/console/wallets/{org_id:str}/credit",
    opt={"face": "platform", "act": "money.approve", "proof": True},
    status_code=200,
)
async def set_credit(request: AnyRequest, org_id: FromPath[str]) -> Response[Any]:
    viewer, door, number = viewer_of(request), door_of(request), asking.id_in(org_id)
    form = await forms.read(request, viewer.words, CREDIT)
    if form:
        try:
            await ledger.set_credit_line(
                door.db, ids.lane_of(number), number, form["line"], reason=form["reason"], actor_id=viewer.person_id
            )
        except Refusal as refusal:
            form.refused(refusal, {"amount": "line"})
        else:
            return way_on(request, f"/console/wallets/{number}", said=N_("Saved."))
    return await _shown(request, number, status=422, credit=form)


# the desks ---------------------------------------------------------------------------------------------------


@get("/console/adjustments", opt={"face": "platform", "act": "money.view"})
async def list_adjustments(request: AnyRequest) -> Response[Any]:
    return await _adjustments(request)


async def _adjustments(request: AnyRequest, *, status: int = 200, **more: Any) -> Response[Any]:
    door = door_of(request)
    found = await finance.pending_adjustments(door.db, limit=200)
    async with door.db.connection() as connection:
        owners = await identity.organisations_by_id(connection, {one.org_id for one in found})
        people = await identity.people_by_id(connection, {one.requested_by for one in found})
    values = {"form": forms.blank(viewer_of(request).words), "refused_id": 0, **more}
    return page(
        request, "console/adjustments.html", status=status, adjustments=found, owners=owners, people=people,
        reasons=REASON_LABELS, **values,
    )  # fmt: skip


@post(
    "/console/adjustments/{adjustment_id:str}",
    opt={"face": "platform", "act": "money.approve", "proof": True},
    status_code=200,
)
async def decide_adjustment(request: AnyRequest, adjustment_id: FromPath[str]) -> Response[Any]:
    """The second person books it or refuses it; never the one who asked."""
    viewer, door, number = viewer_of(request), door_of(request), asking.id_in(adjustment_id)
    form = await forms.read(request, viewer.words, DECIDE)
    if form:
        try:
            await finance.decide_adjustment(
                door.db, number, approve=form["verdict"] == "approve", note=form["note"], actor_id=viewer.person_id
            )
        except Refusal as refusal:
            form.refused(refusal, {"by": "general"})
        else:
            said = N_("Booked.") if form["verdict"] == "approve" else N_("Refused.")
            return way_on(request, "/console/adjustments", said=said)
    return await _adjustments(request, status=422, form=form, refused_id=number)


REASON_LABELS = {
    "recharge_missing": N_("Recharge that was not booked"), "recharge_reversed": N_("Recharge reversed"),
    "compensation": N_("Compensation"), "goodwill": N_("Goodwill"), "penalty": N_("Penalty"),
    "chargeback": N_("Chargeback"), "correction": N_("Correction"),
}  # fmt: skip
assert REASON_LABELS.keys() == finance.REASONS.keys()
