"""What an agent's shop looks like: name, picture, colour, words; each seen before it is saved."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.datastructures import UploadFile
from litestar.params import FromPath

from kameng import shops
from kameng.shops import BadShop, Shop
from kameng.web import forms
from kameng.web.answering import page, way_on
from kameng.web.forms import Field, Filled, Wrong
from kameng.web.merchant.shop_own import SAVED, opening, own_shop
from kameng.web.parts import AnyRequest, door_of
from kameng.web.storefront.look import picture
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

LOOK = "/merchant/shop/look"
HOUSE_ACCENT = "#0f766e"
"""Shown in the picker while none is chosen."""
TRIAL = ".trial"
"""Where the colours that are tried out hold, and nowhere else on the page."""


def colour(sent: str) -> str:
    accent = sent.lower()
    if len(accent) != 7 or accent[0] != "#" or any(one not in "0123456789abcdef" for one in accent[1:]):
        raise Wrong(N_("A colour like #0f766e, please."))
    return accent


FORM = (
    Field("name", forms.text(40)),
    Field("tagline", forms.text(100), required=False, empty=""),
    Field("accent", colour, required=False, empty=""),
    Field("contact", forms.text(200), required=False, empty=""),
    Field("footer", forms.text(200), required=False, empty=""),
    Field("icp", forms.text(40), required=False, empty=""),
)
OPENING = (FORM[0], FORM[1])
NOTICE = (
    Field("notice", forms.text(500, lines=True), required=False, empty=""),
    Field("state", forms.one_of("open", "closed")),
)


@get("/merchant/shop", opt={"face": "agent", "act": "shop"})
async def lead_on(request: AnyRequest) -> Response[Any]:
    return way_on(request, LOOK)


@get(LOOK, opt={"face": "agent", "act": "shop"})
async def ask_look(request: AnyRequest) -> Response[Any]:
    viewer, shop = viewer_of(request), await own_shop(request)
    if shop is None:
        return opening(request)
    return _look(request, shop, forms.blank(viewer.words, **{field.name: getattr(shop, field.name) for field in FORM}))


def _look(request: AnyRequest, shop: Shop, form: Filled, *, status: int = 200) -> Response[Any]:
    return page(
        request, "agent/look.html", status=status, own=shop, form=form, trial=_trial(form), house_accent=HOUSE_ACCENT
    )


@post("/merchant/shop/open", opt={"face": "agent", "act": "shop"}, status_code=200)
async def open_shop(request: AnyRequest) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    form = await forms.read(request, viewer.words, OPENING)
    if form:
        shop = Shop(viewer.me.org_id, None, form["name"], form["tagline"])
        try:
            await shops.open_shop(door.db, shop, actor_id=viewer.person_id)
        except BadShop as refusal:
            form.refused(refusal)
        else:
            return way_on(request, LOOK, said=N_("Your shop is open. Give it a look, goods and prices."))
    return page(request, "agent/open.html", status=422, form=form)


@post(LOOK, opt={"face": "agent", "act": "shop"}, status_code=200)
async def set_look(request: AnyRequest) -> Response[Any]:
    viewer, door, shop = viewer_of(request), door_of(request), await own_shop(request)
    if shop is None:
        return way_on(request, LOOK)
    form = await forms.read(request, viewer.words, FORM)
    if (await request.form()).get("do") == "house":
        form.values["accent"] = form.sent["accent"] = ""
        form.errors.pop("accent", None)
    elif (await request.form()).get("do") == "preview":
        return _look(request, shop, form)
    if form:
        try:
            await shops.set_shop(door.db, shop.org_id, actor_id=viewer.person_id, **form.values)
        except BadShop as refusal:
            form.refused(refusal)
        else:
            return way_on(request, LOOK, said=SAVED)
    return _look(request, shop, form, status=422)


@get("/merchant/shop/look/preview", opt={"face": "agent", "act": "shop"})
async def preview_look(request: AnyRequest) -> Response[Any]:
    """What the form would make of it, as a part of the page; nothing is saved."""
    viewer, shop = viewer_of(request), await own_shop(request)
    form = forms.parse(dict(request.query_params), viewer.words, FORM)
    return page(request, "agent/_look.html", own=shop, form=form, trial=_trial(form))


def _trial(form: Filled) -> dict[str, Any]:
    """The accent as it would be shown, and whether it would be darkened for it."""
    accent = form.sent.get("accent", "").lower()
    try:
        accent = colour(accent) if accent else ""
    except Wrong:
        accent = ""
    if not accent:
        return {"accent": "", "theme": None, "is_kept": True, "contrast": 0.0}
    theme = shops.theme_of(accent)
    return {
        "accent": accent, "theme": theme, "is_kept": shops.is_kept(accent),
        "contrast": shops.contrast(theme.day.accent, theme.day.on_accent),
    }  # fmt: skip


@get("/merchant/shop/trial/{name:str}", opt={"face": "agent", "act": "shop"})
async def show_trial_style(name: FromPath[str]) -> Response[Any]:
    """``0f766e.css``: the colours that are tried out, for the part of the page that tries them."""
    try:
        theme = shops.theme_of(colour(f"#{name.removesuffix('.css')}"))
    except Wrong:
        return Response(b"", status_code=404, media_type="text/css")
    style = shops.style_sheet(theme, scope=TRIAL).encode()
    return Response(style, media_type="text/css", headers={"cache-control": "private, max-age=600"})


@post("/merchant/shop/logo/upload", opt={"face": "agent", "act": "shop"}, status_code=200)
async def set_logo(request: AnyRequest) -> Response[Any]:
    viewer, door, shop = viewer_of(request), door_of(request), await own_shop(request)
    sent = (await request.form()).get("logo")
    if shop is None:
        return way_on(request, LOOK)
    form = forms.blank(viewer.words, logo="", **{field.name: getattr(shop, field.name) for field in FORM})
    content = await sent.read() if isinstance(sent, UploadFile) else b""
    if not content:
        return _look(request, shop, form.wrong("logo", N_("Choose a picture first.")), status=422)
    try:
        await shops.set_logo(door.db, shop.org_id, content, actor_id=viewer.person_id)
    except BadShop as refusal:
        return _look(request, shop, form.refused(refusal), status=422)
    return way_on(request, LOOK, said=SAVED)


@post("/merchant/shop/logo/remove", opt={"face": "agent", "act": "shop"}, status_code=200)
async def remove_logo(request: AnyRequest) -> Response[Any]:
    viewer = viewer_of(request)
    await shops.set_logo(door_of(request).db, viewer.me.org_id, None, actor_id=viewer.person_id)
    return way_on(request, LOOK, said=SAVED)


@get("/merchant/shop/logo/{name:str}", opt={"face": "agent", "act": "shop"})
async def show_logo(request: AnyRequest, name: FromPath[str]) -> Response[Any]:
    """The agent's own picture, at whatever address he works."""
    return await picture(door_of(request), await own_shop(request), name)


@get("/merchant/shop/notice", opt={"face": "agent", "act": "shop"})
async def ask_notice(request: AnyRequest) -> Response[Any]:
    viewer, shop = viewer_of(request), await own_shop(request)
    if shop is None:
        return opening(request)
    form = forms.blank(viewer.words, notice=shop.notice, state=shop.state)
    return page(request, "agent/notice.html", own=shop, form=form)


@post("/merchant/shop/notice", opt={"face": "agent", "act": "shop"}, status_code=200)
async def set_notice(request: AnyRequest) -> Response[Any]:
    viewer, shop = viewer_of(request), await own_shop(request)
    if shop is None:
        return way_on(request, LOOK)
    form = await forms.read(request, viewer.words, NOTICE)
    if form:
        try:
            await shops.set_shop(door_of(request).db, shop.org_id, actor_id=viewer.person_id, **form.values)
        except BadShop as refusal:
            form.refused(refusal)
        else:
            return way_on(request, "/merchant/shop/notice", said=SAVED)
    return page(request, "agent/notice.html", status=422, own=shop, form=form)
