"""What a shop looks like: its picture and its own small style sheet, each below an address that is kept for ever."""

from __future__ import annotations

from typing import Any

from litestar import Response, get
from litestar.params import FromPath

from kameng import shops
from kameng.shops import Shop
from kameng.web.assets import FOR_EVER
from kameng.web.errors import NoSuchPage
from kameng.web.parts import AnyRequest, Door, door_of
from kameng.web.viewing import viewer_of

PICTURE_CSP = "default-src 'none'; sandbox"
"""A picture is looked at; it is no page."""


@get("/shop/style/{name:str}", opt={"face": "any"})
async def show_style(request: AnyRequest, name: FromPath[str]) -> Response[Any]:
    shop = viewer_of(request).shop
    if shop is None or name != shop.style_name:
        raise NoSuchPage
    return Response(shop.style.encode(), media_type="text/css", headers={"cache-control": FOR_EVER})


@get("/shop/logo/{name:str}", opt={"face": "any"})
async def show_logo(request: AnyRequest, name: FromPath[str]) -> Response[Any]:
    return await picture(door_of(request), viewer_of(request).shop, name)


async def picture(door: Door, shop: Shop | None, name: str) -> Response[Any]:
    """A shop's picture, if it is called that now."""
    async with door.db.connection() as connection:
        found = None if shop is None else await shops.read_logo(connection, shop, name)
    if found is None:
        raise NoSuchPage
    content, media_type = found
    headers = {"cache-control": FOR_EVER, "content-security-policy": PICTURE_CSP}
    return Response(content, media_type=media_type, headers=headers)
