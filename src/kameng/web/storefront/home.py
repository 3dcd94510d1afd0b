"""The shop's first page: what is sold there, by scenes."""

from __future__ import annotations

from typing import Any

from litestar import Response, get

from kameng.web import caching
from kameng.web.caching import Shown
from kameng.web.parts import AnyRequest, door_of
from kameng.web.storefront.flash import tiles_of_sales
from kameng.web.storefront.offering import SCENE_ICONS, tiles_of

TILES_EACH = 8


@get("/", opt={"face": "shop"})
async def show(request: AnyRequest) -> Response[Any]:
    return await caching.shown(request, _home)


async def _home(request: AnyRequest) -> Shown:
    index = await door_of(request).finder.index()
    scenes = [
        (scene, SCENE_ICONS.get(scene, "tag"), await tiles_of(request, products[:TILES_EACH]), len(products))
        for scene, products in index.scenes.items()
    ]
    sales = await tiles_of_sales(request)
    return Shown("storefront/home.html", {"scenes": [one for one in scenes if one[2]], "sales": sales})
