"""Domains that shops ask for: an operator looks at the record that shows whose one is, and decides."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kameng import identity, shops
from kameng.kit.errors import Refusal
from kameng.shops import NoSuchShop, Shop
from kameng.web import forms
from kameng.web.answering import page, way_on
from kameng.web.console import asking
from kameng.web.forms import Field
from kameng.web.parts import AnyRequest, Door, door_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

DECIDE = (
    asking.VERDICT, Field("domain", forms.text(253)), Field("reason", forms.text(200), required=False, empty=""),
)  # fmt: skip
OPT = {"face": "platform", "act": "shop"}


@get("/console/domains", opt=OPT)
async def list_domains(request: AnyRequest) -> Response[Any]:
    return await _shown(request)


async def _shown(request: AnyRequest, *, status: int = 200, **more: Any) -> Response[Any]:
    door = door_of(request)
    waiting = await _waiting(door)
    async with door.db.connection() as connection:
        owners = await identity.organisations_by_id(connection, {one.org_id for one in waiting})
    values = {"form": forms.blank(viewer_of(request).words), "refused_id": 0, **more}
    return page(
        request, "console/domains.html", status=status, waiting=waiting, owners=owners, proof_name=shops.PROOF_NAME,
        **values,
    )  # fmt: skip


async def _waiting(door: Door) -> list[Shop]:
    """The first of them as they stand now: those in memory may be a second old, and decided since."""
    candidates = door.shops.waiting()[: asking.PAGE]
    async with door.db.connection() as connection:
        found = [await shops.find_shop(connection, one.org_id) for one in candidates]
    return [one for one in found if one is not None and one.domain_wanted is not None]


@post("/console/domains/{org_id:str}", opt=OPT, status_code=200)
async def decide_domain(request: AnyRequest, org_id: FromPath[str]) -> Response[Any]:
    """About the domain that stood on the page: its owner may ask for another one meanwhile."""
    viewer, door, number = viewer_of(request), door_of(request), asking.id_in(org_id, NoSuchShop)
    form = await forms.read(request, viewer.words, DECIDE)
    if form:
        accept = form["verdict"] == "accept"
        try:
            await shops.decide_domain(
                door.db, number, form["domain"], accept=accept, reason=form["reason"], actor_id=viewer.person_id
            )
        except Refusal as refusal:
            form.refused(refusal, {"domain": "general"})
        else:
            return way_on(request, "/console/domains", said=N_("Accepted.") if accept else N_("Refused."))
    return await _shown(request, status=422, form=form, refused_id=number)
