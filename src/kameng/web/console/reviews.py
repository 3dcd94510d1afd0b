"""Reviews that look like an advertisement or lead away: each is shown or hidden by a person."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kameng import identity, shops
from kameng.shops import NoSuchReview
from kameng.web import forms
from kameng.web.answering import page, way_on
from kameng.web.console import asking
from kameng.web.forms import Field
from kameng.web.parts import AnyRequest, door_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

FILTERS = (Field("before", asking.number, required=False),)
JUDGE = (Field("verdict", forms.one_of("shown", "hidden")),)
OPT = {"face": "platform", "act": "shop"}


@get("/console/reviews", opt=OPT)
async def list_reviews(request: AnyRequest) -> Response[Any]:
    door, form = door_of(request), asking.asked(request, FILTERS)
    async with door.db.connection() as connection:
        found = await shops.pending_reviews(connection, before_id=form["before"] or shops.NEWEST, limit=asking.PAGE + 1)
        shown = found[: asking.PAGE]
        wanted = {one.org_id for one in shown} | {one.seller_id for one in shown if one.seller_id}
        owners = await identity.organisations_by_id(connection, wanted)
    onward = asking.address("/console/reviews", form, before=shown[-1].order_id) if len(found) > len(
        shown) else None  # fmt: skip
    return page(
        request, "console/reviews.html", reviews=shown, owners=owners, skus=door.snapshot.catalogue.skus,
        onward=onward, is_first=form["before"] is None,
    )  # fmt: skip


@post("/console/reviews/{order_id:str}", opt=OPT, status_code=200)
async def judge_review(request: AnyRequest, order_id: FromPath[str]) -> Response[Any]:
    viewer, number = viewer_of(request), asking.id_in(order_id, NoSuchReview)
    form = await forms.read(request, viewer.words, JUDGE)
    if not form:
        return way_on(request, "/console/reviews")
    await shops.judge_review(door_of(request).db, number, form["verdict"], actor_id=viewer.person_id)
    said = N_("Buyers see it now.") if form["verdict"] == "shown" else N_("Nobody sees it.")
    return way_on(request, "/console/reviews", said=said)
