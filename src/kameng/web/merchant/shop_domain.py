"""The domain of an agent's shop: asked for here, decided by the platform's staff."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post

from kameng import shops
from kameng.shops import PROOF_NAME, BadShop, Shop
from kameng.web import forms
from kameng.web.answering import page, way_on
from kameng.web.forms import Field, Filled
from kameng.web.merchant.shop_look import LOOK
from kameng.web.merchant.shop_own import SAVED, opening, own_shop
from kameng.web.parts import AnyRequest, door_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

DOMAIN = "/merchant/shop/domain"
FORM = (Field("domain", forms.text(253)),)


@get(DOMAIN, opt={"face": "agent", "act": "shop"})
async def ask_domain(request: AnyRequest) -> Response[Any]:
    shop = await own_shop(request)
    return opening(request) if shop is None else _page(request, shop, forms.blank(viewer_of(request).words))


@post(DOMAIN, opt={"face": "agent", "act": "shop"}, status_code=200)
async def want_domain(request: AnyRequest) -> Response[Any]:
    viewer, shop = viewer_of(request), await own_shop(request)
    if shop is None:
        return way_on(request, LOOK)
    form = await forms.read(request, viewer.words, FORM)
    if form:
        try:
            await shops.ask_domain(door_of(request).db, shop.org_id, form["domain"], actor_id=viewer.person_id)
        except BadShop as refusal:
            form.refused(refusal)
        else:
            return way_on(request, DOMAIN, said=N_("Asked for. Set the record below, then we look at it."))
    return _page(request, shop, form, status=422)


@post("/merchant/shop/domain/drop", opt={"face": "agent", "act": "shop", "proof": True}, status_code=200)
async def drop_domain(request: AnyRequest) -> Response[Any]:
    viewer = viewer_of(request)
    await shops.drop_domain(door_of(request).db, viewer.me.org_id, actor_id=viewer.person_id)
    return way_on(request, DOMAIN, said=SAVED)


def _page(request: AnyRequest, shop: Shop, form: Filled, *, status: int = 200) -> Response[Any]:
    return page(request, "agent/domain.html", status=status, own=shop, form=form, proof_name=PROOF_NAME)
