"""What suppliers offer: another cost of goods, or goods that are new; each is accepted or declined."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kameng import identity, suppliers
from kameng.kit.errors import Refusal
from kameng.suppliers import NoSuchOffer, Offer, OfferState
from kameng.web import forms, listing, tables
from kameng.web.answering import page, way_on
from kameng.web.console import asking
from kameng.web.forms import Field
from kameng.web.listing import Listed
from kameng.web.parts import AnyRequest, door_of
from kameng.web.tables import Column, Filter, Table
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

FILTERS = (Field("after", asking.number, required=False),)
DECIDE = (
    asking.VERDICT, Field("sku", asking.number, required=False),
    Field("note", forms.text(500), required=False, empty=""),
)  # fmt: skip
OPT = {"face": "platform", "act": "goods"}
ANSWERS = {"accepted": (N_("Accepted"), "good"), "refused": (N_("Refused"), "bad")}


@get("/console/offers", opt=OPT)
async def list_offers(request: AnyRequest) -> Response[Any]:
    """What waits for an answer, the oldest first."""
    door, form = door_of(request), asking.asked(request, FILTERS)
    found = await suppliers.list_waiting_offers(door.db, after_id=form["after"] or 0, limit=asking.PAGE + 1)
    shown, onward = found[: asking.PAGE], None
    if len(found) > len(shown):
        onward = asking.address("/console/offers", form, after=shown[-1].offer_id)
    async with door.db.connection() as connection:
        owners = await identity.organisations_by_id(connection, {one.org_id for one in shown})
    return page(
        request, "console/offers.html", offers=shown, owners=owners, skus=door.snapshot.catalogue.skus, onward=onward,
        is_first=form["after"] is None,
    )  # fmt: skip


DECIDED = Table(
    "decided-offers",
    columns=(
        Column("goods", N_("Goods"), "own"),
        Column("supplier", N_("Supplier"), "own"),
        Column("was_e4", N_("Cost before"), "money"),
        Column("cost_e4", N_("Offered cost"), "money"),
        Column("state", N_("Answer"), "state", of=lambda one: one.state.value, shown=ANSWERS),
        Column("note", N_("Note")),
        Column("decided_by", N_("Decided by"), "own"),
        Column("decided_at", N_("Decided at"), "time"),
    ),
    filters=(
        Filter("state", N_("Answer"), inline=True, choices=tuple((name, said) for name, (said, _) in ANSWERS.items())),
    ),
    place=tuple[datetime, int],
    row_id=lambda one: one.offer_id,
)  # fmt: skip


@get("/console/offers/decided", opt=OPT)
async def list_decided(request: AnyRequest) -> Response[Any]:
    """What was accepted or refused, the last decided first."""
    door = door_of(request)
    asked = await tables.ask(request, DECIDED)
    found: list[Offer] = []
    if asked:
        state = None if asked["state"] is None else OfferState(asked["state"])
        before = {} if asked.place is None else {"before": asked.place}
        found = await suppliers.list_decided_offers(door.db, state=state, limit=asked.limit + 1, **before)
    shown = found[: asked.limit]
    last = (shown[-1].decided_at, shown[-1].offer_id) if len(found) > len(shown) else None
    async with door.db.connection() as connection:
        owners = await identity.organisations_by_id(connection, {one.org_id for one in shown})
        people = await identity.people_by_id(connection, {one.decided_by or 0 for one in shown})
    return listing.show(
        request, "console/offers_decided.html", Listed(asked, shown, last), owners=owners, people=people,
        skus=door.snapshot.catalogue.skus,
    )  # fmt: skip


@get("/console/offers/{offer_id:str}", opt=OPT)
async def show_offer(request: AnyRequest, offer_id: FromPath[str]) -> Response[Any]:
    return await _shown(request, asking.id_in(offer_id, NoSuchOffer))


async def _shown(request: AnyRequest, offer_id: int, *, status: int = 200, **more: Any) -> Response[Any]:
    door = door_of(request)
    one = await suppliers.find_offer(door.db, offer_id)
    async with door.db.connection() as connection:
        owner = (await identity.organisations_by_id(connection, {one.org_id}))[one.org_id]
        people = await identity.people_by_id(connection, {one.offered_by, one.decided_by or 0})
    values = {"form": forms.blank(viewer_of(request).words), **more}
    return page(
        request, "console/offer.html", status=status, offer=one, owner=owner, people=people,
        sku=door.snapshot.catalogue.skus.get(one.sku_id or 0), **values,
    )  # fmt: skip


@post("/console/offers/{offer_id:str}/decide", opt=OPT, status_code=200)
async def decide_offer(request: AnyRequest, offer_id: FromPath[str]) -> Response[Any]:
    """Goods that were new are accepted with the SKU that they became."""
    viewer, door, number = viewer_of(request), door_of(request), asking.id_in(offer_id, NoSuchOffer)
    form = await forms.read(request, viewer.words, DECIDE)
    if form:
        accept = form["verdict"] == "accept"
        try:
            await suppliers.decide_offer(
                door.db, number, accept=accept, note=form["note"], sku_id=form["sku"], actor_id=viewer.person_id
            )
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return way_on(request, "/console/offers", said=N_("Accepted.") if accept else N_("Refused."))
    return await _shown(request, number, status=422, form=form)
