"""Flash sales with their count-down, by the server's clock."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from litestar import Response, get

from kameng.kit import clock
from kameng.shops import Sale
from kameng.web import caching
from kameng.web.caching import Shown
from kameng.web.parts import AnyRequest, door_of
from kameng.web.storefront.offering import SCENE_ICONS, Offer, offers_of


class SaleTile(msgspec.Struct, frozen=True):
    """A sale in a list. ``left_s``: until it begins or ends, as of now."""

    sale: Sale
    offer: Offer
    left_s: int
    is_running: bool

    @property
    def icon(self) -> str:
        return SCENE_ICONS.get(self.offer.sku.scene, "tag")

    @property
    def cover(self) -> int:
        return sum(self.offer.sku.brand.encode()) % 6

    @property
    def face_e4(self) -> int | None:
        """What it is worth, where that is more than what it costs."""
        face_e4 = self.offer.sku.face_value_e4
        return face_e4 if face_e4 > self.offer.unit_price_e4 else None


@get("/flash", opt={"face": "shop"})
async def show(request: AnyRequest) -> Response[Any]:
    return await caching.shown(request, _sales)


async def _sales(request: AnyRequest) -> Shown:
    tiles = await tiles_of_sales(request)
    running = [tile for tile in tiles if tile.is_running]
    coming = [tile for tile in tiles if not tile.is_running]
    return Shown("storefront/flash.html", {"running": running, "coming": coming})


async def tiles_of_sales(request: AnyRequest) -> list[SaleTile]:
    door, now = door_of(request), clock.now()
    known = door.snapshot.catalogue.skus
    sales = [sale for sale in await door.sales.open() if sale.sku_id in known]
    offers = await offers_of(request, [known[sale.sku_id] for sale in sales])
    return [_tile(sale, offer, now) for sale, offer in zip(sales, offers, strict=True)]


def _tile(sale: Sale, offer: Offer, now: datetime) -> SaleTile:
    is_running = sale.starts_at <= now
    left = (sale.ends_at if is_running else sale.starts_at) - now
    return SaleTile(sale, offer, max(0, int(left.total_seconds())), is_running)
