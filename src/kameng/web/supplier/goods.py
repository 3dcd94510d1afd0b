"""What a supplier brings, at which cost; offers of other costs and of goods that are not there yet."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kameng import suppliers
from kameng.kit.errors import Refusal
from kameng.suppliers import NewOffer, NoSuchOffer, OfferState
from kameng.web import forms
from kameng.web.answering import page, way_on
from kameng.web.forms import Field, Filled
from kameng.web.parts import AnyRequest, door_of
from kameng.web.supplier.common import PAGE_ROWS, before_of, cut, goods_of, id_of, name_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

OTHER_COST = (
    Field("sku", forms.text(20)), Field("cost", forms.amount()), Field("reason", forms.text(500, lines=True)),
)  # fmt: skip
NEW_GOODS = (
    Field("brand", forms.text(60)), Field("product", forms.text(60)), Field("spec", forms.text(60)),
    Field("cost", forms.amount()), Field("reason", forms.text(500, lines=True)),
)  # fmt: skip


OFFER_VIEWS = {
    "waiting": (OfferState.waiting,), "decided": (OfferState.accepted, OfferState.refused),
    "accepted": (OfferState.accepted,), "refused": (OfferState.refused,),
}  # fmt: skip


@get("/supplier/goods", opt={"face": "supplier"})
async def list_goods(request: AnyRequest) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    found, skus = await suppliers.supplied(door.db, viewer.me.org_id), goods_of(door)
    shown = [(one, skus[one.sku_id]) for one in found if one.sku_id in skus]
    return page(request, "supplier/goods.html", supplied=shown)


@get("/supplier/offers", opt={"face": "supplier", "act": "prices"})
async def list_offers(request: AnyRequest) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    view = request.query_params.get("view", "")
    found = await suppliers.list_offers(
        door.db, viewer.me.org_id, before_id=before_of(request), limit=PAGE_ROWS + 1, states=OFFER_VIEWS.get(view, ())
    )
    shown, following = cut(found, lambda one: one.offer_id)
    return page(request, "supplier/offers.html", offers=shown, following=following, goods=goods_of(door), view=view)


@get("/supplier/offers/new", opt={"face": "supplier", "act": "prices"})
async def ask_offer(request: AnyRequest) -> Response[Any]:
    """For another cost of a SKU (``?sku=``, or one of his), or for goods that are new (``?new=1``)."""
    viewer = viewer_of(request)
    form = forms.blank(viewer.words, sku=request.query_params.get("sku", ""))
    return await _offer_page(request, form, is_new="new" in request.query_params)


@post("/supplier/offers/new", opt={"face": "supplier", "act": "prices"}, status_code=200)
async def make_offer(request: AnyRequest) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    is_new = "new" in await request.form()
    form = await forms.read(request, viewer.words, NEW_GOODS if is_new else OTHER_COST)
    if form:
        try:
            await suppliers.offer(door.db, viewer.me, _offer_of(form, is_new=is_new), actor_id=viewer.person_id)
        except Refusal as refusal:
            form.refused(refusal)
        else:
            return way_on(request, "/supplier/offers", said=N_("Your offer is on its way."))
    return await _offer_page(request, form, is_new=is_new, status=422)


@post("/supplier/offers/{offer_id:str}/withdraw", opt={"face": "supplier", "act": "prices"}, status_code=200)
async def withdraw_offer(request: AnyRequest, offer_id: FromPath[str]) -> Response[Any]:
    viewer, number = viewer_of(request), id_of(offer_id, NoSuchOffer)
    await suppliers.withdraw_offer(door_of(request).db, viewer.me.org_id, number, actor_id=viewer.person_id)
    return way_on(request, "/supplier/offers", said=N_("The offer was taken back."))


def _offer_of(form: Filled, *, is_new: bool) -> NewOffer:
    if is_new:
        return NewOffer(form["cost"], form["reason"], None, form["brand"], form["product"], form["spec"])
    return NewOffer(form["cost"], form["reason"], id_of(form["sku"], suppliers.NotSupplied))


async def _offer_page(request: AnyRequest, form: Filled, *, is_new: bool, status: int = 200) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    found, skus = await suppliers.supplied(door.db, viewer.me.org_id), goods_of(door)
    choices = [(str(one.sku_id), name_of(skus.get(one.sku_id))) for one in found]
    costs = {str(one.sku_id): one.cost_e4 for one in found}
    return page(
        request, "supplier/offer.html", status=status, form=form, is_new=is_new, choices=choices,
        cost_e4=costs.get(form.sent.get("sku", "")),
    )  # fmt: skip
