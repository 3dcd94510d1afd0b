"""What of all goods an agent's shop shows: all or what was chosen, and by scene, brand and SKU what differs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from litestar import Response, get, post

from kameng import shops
from kameng.catalogue import Sku
from kameng.shops import BadShop, Shop
from kameng.web.answering import message_of, page, way_on
from kameng.web.merchant.shop_look import LOOK
from kameng.web.merchant.shop_own import PAGE, SAVED, id_asked, opening, own_shop
from kameng.web.parts import AnyRequest, door_of
from kameng.web.viewing import viewer_of

GOODS = "/merchant/shop/goods"
CHOICES = {"show": True, "hide": False}


class Place(msgspec.Struct, frozen=True):
    """A scene or brand with what is said of it."""

    name: str
    said: str  # "show", "hide" or ""
    count: int


@get(GOODS, opt={"face": "agent", "act": "shop"})
async def ask_goods(request: AnyRequest) -> Response[Any]:
    shop = await own_shop(request)
    return opening(request) if shop is None else _page(request, shop)


@post(GOODS, opt={"face": "agent", "act": "shop"}, status_code=200)
async def set_goods(request: AnyRequest) -> Response[Any]:
    """Only what stands on the page that was sent is changed; rules about other goods stay."""
    viewer, shop = viewer_of(request), await own_shop(request)
    if shop is None:
        return way_on(request, LOOK)
    sent = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    rules = dict(shop.rules)
    for place, choice in _chosen(request, sent):
        rules.pop(place, None)
        if choice in CHOICES:
            rules[place] = CHOICES[choice]
    sells = sent.get("sells", shop.sells)
    try:
        await shops.choose_goods(door_of(request).db, shop.org_id, sells, rules, actor_id=viewer.person_id)
    except BadShop as refusal:
        return _page(request, shop, fault=message_of(refusal, viewer.words), status=422)
    query = request.scope["query_string"].decode("latin-1")
    return way_on(request, f"{GOODS}?{query}" if query else GOODS, said=SAVED)


def _chosen(request: AnyRequest, sent: dict[str, str]) -> Iterable[tuple[tuple[str, str], str]]:
    """``scene:游戏`` → ``hide``, of scenes, brands and SKUs that there are."""
    skus = door_of(request).snapshot.catalogue.skus.values()
    known = {("scene", sku.scene) for sku in skus} | {("brand", sku.brand) for sku in skus}
    known |= {("sku", str(sku.sku_id)) for sku in skus}
    for name, choice in sent.items():
        scope, _, which = name.partition(":")
        if (scope, which) in known:
            yield (scope, which), choice


def _page(request: AnyRequest, shop: Shop, *, fault: str = "", status: int = 200) -> Response[Any]:
    on_sale = [sku for sku in door_of(request).snapshot.catalogue.skus.values() if sku.on_sale]
    scene, asked = request.query_params.get("scene", ""), request.query_params.get("q", "").strip().lower()
    after_id = id_asked(request, "after", 0)
    found = sorted((sku for sku in on_sale if _is_asked(sku, scene, asked)), key=lambda sku: sku.sku_id)
    rest = [sku for sku in found if sku.sku_id > after_id]
    return page(
        request, "agent/goods.html", status=status, own=shop, fault=fault, skus=rest[:PAGE], scene=scene,
        scenes=_places(shop, "scene", (sku.scene for sku in on_sale)),
        brands=_places(shop, "brand", (sku.brand for sku in on_sale)),
        said=lambda sku: _said(shop, "sku", str(sku.sku_id)), shown_count=sum(map(shop.shows, on_sale)),
        count=len(on_sale), found_count=len(found), next_id=rest[PAGE - 1].sku_id if len(rest) > PAGE else None,
    )  # fmt: skip


def _is_asked(sku: Sku, scene: str, asked: str) -> bool:
    return scene in ("", sku.scene) and asked in f"{sku.brand} {sku.product} {sku.spec}".lower()


def _places(shop: Shop, scope: str, names: Iterable[str]) -> list[Place]:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return [Place(name, _said(shop, scope, name), count) for name, count in sorted(counts.items())]


def _said(shop: Shop, scope: str, which: str) -> str:
    shown = shop.rules.get((scope, which))
    return "" if shown is None else "show" if shown else "hide"
