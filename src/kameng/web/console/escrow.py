"""担保: orders whose money waits until their buyers confirm, added up by who delivers, beside the ledger's account."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from kameng import identity, ledger, orders
from kameng.kit.errors import Refusal
from kameng.orders import By, Command, Escrow, Instruction, OrderNotFound
from kameng.web import forms
from kameng.web.answering import page, way_on
from kameng.web.console import asking
from kameng.web.forms import Field
from kameng.web.parts import AnyRequest, Door, door_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

HOME = "/console/escrow"
LIST = (Field("supplier", asking.number, required=False), Field("after", asking.number, required=False))
RELEASE = (Field("reason", forms.text(500)), Field("key", forms.text(64)))
CURRENCY = "CNY"


class Share(msgspec.Struct):
    """What waits for one supplier's goods; 0: the platform's own."""

    supplier_id: int
    name: str
    orders: int
    escrow_e4: int
    since: datetime


@get(HOME, opt={"face": "platform", "act": "money.view"})
async def list_escrow(request: AnyRequest) -> Response[Any]:
    return await _shown(request)


async def _shown(request: AnyRequest, *, status: int = 200, **more: Any) -> Response[Any]:
    door, form = door_of(request), asking.asked(request, LIST)
    escrow = await orders.sum_escrow(door.db)
    kept_e4 = sum(
        one.posted_e4 for one in await ledger.house_sums(door.db)
        if one.code == "escrow" and one.currency == CURRENCY
    )  # fmt: skip
    skus = door.snapshot.catalogue.skus
    only = None
    if form["supplier"] is not None:
        only = [sku.sku_id for sku in skus.values() if sku.worked_by == form["supplier"]]
    found = await orders.list_confirming(
        door.db, sku_ids=only, supplier_id=form["supplier"] or 0, after_id=form["after"] or 0, limit=asking.PAGE + 1
    )  # fmt: skip
    shown = found[: asking.PAGE]
    onward = asking.address(HOME, form, after=shown[-1].order_id) if len(found) > len(shown) else None
    values = {"releasing": forms.blank(viewer_of(request).words), "refused_id": 0, **more}
    return page(
        request, "console/escrow.html", status=status, form=form, orders=shown, skus=skus, escrow=escrow,
        total_e4=escrow.total_e4(CURRENCY), kept_e4=kept_e4, shares=await _shares(door, escrow), onward=onward,
        is_first=form["after"] is None, key=forms.new_token(), undelivered=_in(escrow.undelivered), **values,
    )  # fmt: skip


def _in(sums: list[Any]) -> list[Any]:
    return [one for one in sums if one.currency == CURRENCY]


async def _shares(door: Door, escrow: Escrow) -> list[Share]:
    """By who delivers, the most first."""
    skus, shares = door.snapshot.catalogue.skus, dict[int, Share]()
    for one in _in(escrow.confirming):
        sku = skus.get(one.sku_id)
        supplier_id = one.supplier_id or (0 if sku is None else sku.worked_by)
        share = shares.setdefault(supplier_id, Share(supplier_id, "", 0, 0, one.since))
        share.orders += one.orders
        share.escrow_e4 += one.escrow_e4
        share.since = min(share.since, one.since)
    async with door.db.connection() as connection:
        owners = await identity.organisations_by_id(connection, {number for number in shares if number})
    for number, share in shares.items():
        share.name = owners[number].name if number in owners else ""
    return sorted(shares.values(), key=lambda share: -share.escrow_e4)


@post(
    f"{HOME}/{{order_id:str}}/release",
    opt={"face": "platform", "act": "money.move", "proof": True},
    status_code=200,
)
async def release(request: AnyRequest, order_id: FromPath[str]) -> Response[Any]:
    """The staff confirms in the buyer's place: its money leaves escrow now."""
    viewer, door, number = viewer_of(request), door_of(request), asking.id_in(order_id, OrderNotFound)
    form = await forms.read(request, viewer.words, RELEASE)
    if form:
        asked = Instruction(
            order_id=number, command=Command.settle, key=form["key"], by=By.staff, actor_id=viewer.person_id,
            reason=form["reason"],
        )  # fmt: skip
        try:
            await orders.act_on(door.db, door.ring, asked, terms=door.snapshot.terms)
        except Refusal as refusal:
            form.refused(refusal, {"key": "reason"})
        else:
            return way_on(request, HOME, said=N_("Its money left escrow."))
    return await _shown(request, status=422, releasing=form, refused_id=number)
