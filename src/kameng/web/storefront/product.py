"""A product's page: its SKUs as cards to choose from, what each costs this viewer, and all he should know before."""

from __future__ import annotations

from typing import Any

from litestar import Response, get
from litestar.params import FromPath

from kameng import shops, stock
from kameng.catalogue import Sku
from kameng.web import caching
from kameng.web.answering import way_on
from kameng.web.caching import Shown
from kameng.web.parts import AnyRequest, door_of
from kameng.web.storefront.offering import SCENE_ICONS, is_phone_topup, is_shown, offers_of, sku_at, steps_of

SKUS_MAX = 60
PICKS_MAX = 24
REVIEWS_SHOWN = 5


@get("/goods/{sku_id:str}", opt={"face": "shop"})
async def show(request: AnyRequest, sku_id: FromPath[str]) -> Response[Any]:
    sku = sku_at(request, sku_id)
    if is_phone_topup(sku):
        return way_on(request, f"/topup?sku={sku.sku_id}")

    async def render(request: AnyRequest) -> Shown:
        return await _product(request, sku)

    return await caching.shown(request, render)


async def _product(request: AnyRequest, sku: Sku) -> Shown:
    door = door_of(request)
    known = door.snapshot.catalogue.skus
    siblings = [one for one in siblings_of(list(known.values()), sku) if one is sku or is_shown(request, one)]
    offers = await offers_of(request, siblings[:SKUS_MAX])
    chosen = next((offer for offer in offers if offer.sku.sku_id == sku.sku_id), None)
    if chosen is None:
        (chosen,) = await offers_of(request, [sku])
    picks = await stock.list_displayed(door.db, sku.sku_id, after_id=0, limit=PICKS_MAX) if sku.pickable else []
    sku_ids = [one.sku_id for one in siblings]
    async with door.db.connection() as connection:
        score = await shops.score_of(connection, sku_ids)
        reviews = await shops.reviews_of(connection, sku_ids, before_id=shops.NEWEST, limit=REVIEWS_SHOWN)
    values: dict[str, Any] = {
        "pace": await door.paces.of(sku.sku_id),
        "sku": sku, "offer": chosen, "offers": offers, "steps": steps_of(request, sku), "picks": picks,
        "parts": [(part, known.get(part.sku_id)) for part in sku.parts], "score": score, "reviews": reviews,
        "scene_icon": SCENE_ICONS.get(sku.scene, "tag"), "cover_number": sum(sku.brand.encode()) % 6,
    }  # fmt: skip
    return Shown("storefront/product.html", values)


def siblings_of(skus: list[Sku], sku: Sku) -> list[Sku]:
    """The SKUs of the same product, by face value; the SKU itself even if it is not on sale just now."""
    same = [
        one
        for one in skus
        if (one.brand, one.product) == (sku.brand, sku.product) and (one.on_sale or one.sku_id == sku.sku_id)
    ]
    return sorted(same, key=lambda one: (one.face_value_e4, one.sku_id))
