"""One who buys from an agent: level, limits, wallet, and the prices agreed with him."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kameng import identity, pricing, shops
from kameng.identity import BadOrganisationSettings, Organisation
from kameng.pricing import BadPrice, NoSuchPrice
from kameng.web import forms
from kameng.web.answering import page, way_on
from kameng.web.forms import Field, Filled
from kameng.web.merchant.shop_own import PAGE, SAVED, catch_up, id_asked, number
from kameng.web.merchant.shop_sales import wallets_of
from kameng.web.parts import AnyRequest, door_of
from kameng.web.templating import format_amount
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

BUYER, PATH = "/merchant/agents", "/merchant/agents/{buyer:str}"
REASON = Field("reason", forms.text(200))
LEVEL = (Field("level", forms.whole(0, 99)), REASON)
LIMITS = ("minimum_balance", "day_budget", "month_budget")
TERMS = (*(Field(name, forms.amount(), required=False) for name in LIMITS), REASON)
NAMED = (Field("sku", forms.whole(1, (1 << 31) - 1)), Field("price", forms.amount()))


async def _buyer(request: AnyRequest, text: str) -> Organisation:
    """``NoSuchOrganisation`` for anybody else's, as for nobody's."""
    async with door_of(request).db.connection() as connection:
        return await shops.buyer_of(connection, viewer_of(request).me, number(text))


@get(PATH, opt={"face": "agent", "act": "agents"})
async def show_buyer(request: AnyRequest, buyer: FromPath[str]) -> Response[Any]:
    return await _page(request, await _buyer(request, buyer))


@post(f"{PATH}/level", opt={"face": "agent", "act": "agents"}, status_code=200)
async def set_level(request: AnyRequest, buyer: FromPath[str]) -> Response[Any]:
    viewer, one = viewer_of(request), await _buyer(request, buyer)
    form = await forms.read(request, viewer.words, LEVEL)
    if form:
        try:
            await identity.set_organisation(
                door_of(request).db, one.org_id, level=form["level"], reason=form["reason"], actor_id=viewer.person_id
            )
        except BadOrganisationSettings as refusal:
            form.refused(refusal)
        else:
            return way_on(request, f"{BUYER}/{one.org_id}", said=SAVED)
    return await _page(request, one, level=form)


@post(f"{PATH}/terms", opt={"face": "agent", "act": "agents"}, status_code=200)
async def set_terms(request: AnyRequest, buyer: FromPath[str]) -> Response[Any]:
    """What he may spend. His credit, and whether he collects himself, are between him and the platform."""
    viewer, one = viewer_of(request), await _buyer(request, buyer)
    form = await forms.read(request, viewer.words, TERMS)
    if form:
        changes = {f"{name}_e4": form[name] for name in LIMITS}
        try:
            await identity.set_terms(
                door_of(request).db, one.org_id, changes, reason=form["reason"], actor_id=viewer.person_id
            )
        except BadOrganisationSettings as refusal:
            form.refused(refusal)
        else:
            return way_on(request, f"{BUYER}/{one.org_id}", said=SAVED)
    return await _page(request, one, terms=form)


@post(f"{PATH}/prices", opt={"face": "agent", "act": "prices"}, status_code=200)
async def set_price(request: AnyRequest, buyer: FromPath[str]) -> Response[Any]:
    viewer, door, one = viewer_of(request), door_of(request), await _buyer(request, buyer)
    form = await forms.read(request, viewer.words, NAMED)
    if form and form["sku"] not in door.snapshot.catalogue.skus:
        form.wrong("sku", N_("There is no such SKU."))
    if form:
        try:
            await pricing.set_named_price(
                door.db, form["sku"], one.org_id, form["price"], seller_id=viewer.me.org_id, actor_id=viewer.person_id
            )
        except BadPrice as refusal:
            form.refused(refusal)
        else:
            return way_on(request, f"{BUYER}/{one.org_id}#prices", said=SAVED)
    return await _page(request, one, named=form)


@post(f"{PATH}/prices/remove", opt={"face": "agent", "act": "prices"}, status_code=200)
async def remove_price(request: AnyRequest, buyer: FromPath[str]) -> Response[Any]:
    viewer, door, one = viewer_of(request), door_of(request), await _buyer(request, buyer)
    form = await forms.read(request, viewer.words, NAMED[:1])
    if form:
        async with door.db.connection() as connection:
            present = await pricing.named_for(
                connection, viewer.me.org_id, one.org_id, after_id=form["sku"] - 1, limit=1
            )
        if present and present[0].sku_id == form["sku"]:  # one that the platform agreed with him is not ours
            try:
                await pricing.remove_price(door.db, "named", form["sku"], one.org_id, actor_id=viewer.person_id)
            except NoSuchPrice:
                return way_on(request, f"{BUYER}/{one.org_id}#prices")  # somebody else was quicker
    return way_on(request, f"{BUYER}/{one.org_id}#prices", said=N_("Taken away."))


async def _page(
    request: AnyRequest, one: Organisation, *, level: Filled | None = None, terms: Filled | None = None,
    named: Filled | None = None,
) -> Response[Any]:  # fmt: skip
    await catch_up(request)
    viewer, door = viewer_of(request), door_of(request)
    after_id = id_asked(request, "after", 0)
    async with door.db.connection() as connection:
        wallet = (await wallets_of(connection, [one]))[one.org_id]
        prices = await pricing.named_for(connection, viewer.me.org_id, one.org_id, after_id=after_id, limit=PAGE + 1)
    skus = door.snapshot.catalogue.skus
    chain = door.snapshot.directory.chain_of(one).links
    looks = pricing.preview(
        door.snapshot.prices, door.snapshot.prices, [skus[price.sku_id] for price in prices[:PAGE]],
        org_id=one.org_id, level=one.level, chain=chain,
    )  # fmt: skip
    limits = {name: _plain(getattr(one, f"{name}_e4")) for name in LIMITS}
    return page(
        request, "agent/buyer.html", one=one, wallet=wallet, looks=looks, skus=skus,
        status=200 if level is terms is named is None else 422,
        level=forms.blank(viewer.words, level=one.level) if level is None else level,
        terms=forms.blank(viewer.words, **limits) if terms is None else terms,
        named=forms.blank(viewer.words, sku=request.query_params.get("sku", "")) if named is None else named,
        next_id=prices[PAGE - 1].sku_id if len(prices) > PAGE else None,
    )  # fmt: skip


def _plain(value_e4: int | None) -> str | None:
    return None if value_e4 is None else format_amount(value_e4).replace(",", "")
