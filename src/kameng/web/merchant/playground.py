"""The signing playground: a request built, signed in the browser, shown as code, and sent to this very host.

The page gets the API's document and signs by itself: neither key nor secret comes here but as a signature.
"""

from __future__ import annotations

from typing import Any

from litestar import Response, get

from kameng import identity
from kameng.kit import clock
from kameng.web.answering import page
from kameng.web.parts import AnyRequest, door_of
from kameng.web.viewing import viewer_of


@get("/merchant/playground", opt={"face": "merchant"})
async def show(request: AnyRequest) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    keys = await identity.list_keys(door.db, viewer.me) if viewer.may("keys") else []
    known = [sku for _, sku in sorted(door.snapshot.catalogue.skus.items()) if sku.on_sale]
    first = next((sku.sku_id for sku in known if sku.from_stock and not sku.form), 100001)
    base = door.settings.public_url.rstrip("/") or f"{request.scope['scheme']}://{request.headers.get('host', '')}"
    return page(
        request, "merchant/playground.html", keys=[key for key in keys if key.works_at(clock.now())], sku=first,
        base=base,
    )  # fmt: skip
