"""Pages that are the same for everybody who is not signed in: rendered once, kept for a moment.

Kept by shop, address, language, theme and the epochs of goods and prices, with their gzip'd bytes. Nothing of a
visitor is in them: no form token, and no cookie is set with them.
"""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from litestar import MediaType, Response

from kameng.web import answering
from kameng.web.parts import AnyRequest, door_of
from kameng.web.viewing import Viewer, viewer_of

LIVES_S = 2.0
PAGES_MAX = 500
GZIP_LEVEL = 5

Key = tuple[object, ...]


class Shown(msgspec.Struct, frozen=True):
    """A page about to be rendered."""

    template: str
    values: dict[str, Any] = {}
    status: int = 200


class Kept(msgspec.Struct, frozen=True):
    until_s: float
    status: int
    body: bytes
    zipped: bytes


class Pages:
    """What is kept, and what is being made: of many who ask at once one renders."""

    def __init__(self) -> None:
        self._kept: dict[Key, Kept] = {}
        self._making: dict[Key, asyncio.Task[Kept]] = {}

    async def get(self, key: Key, make: Callable[[], Awaitable[Kept]]) -> Kept:
        kept = self._kept.get(key)
        if kept is not None and time.monotonic() < kept.until_s:
            return kept
        task = self._making.get(key)
        if task is None:
            task = self._making[key] = asyncio.ensure_future(self._make(key, make))
        return await asyncio.shield(task)

    async def _make(self, key: Key, make: Callable[[], Awaitable[Kept]]) -> Kept:
        try:
            kept = await make()
            if len(self._kept) >= PAGES_MAX:
                self._kept.clear()
            self._kept[key] = kept
            return kept
        finally:
            del self._making[key]


async def shown(request: AnyRequest, render: Callable[[AnyRequest], Awaitable[Shown]]) -> Response[Any]:
    """The page: from what is kept for whoever is nobody, else made for him."""
    viewer = viewer_of(request)
    if viewer.session is not None or "kameng_flash" in request.cookies:
        made = await render(request)
        return answering.page(request, made.template, status=made.status, **made.values)
    kept = await door_of(request).pages.get(_key(request, viewer), lambda: _kept(request, render))
    headers = {**answering.html_headers(viewer.language), "cache-control": "private, no-cache"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(
            kept.zipped, status_code=kept.status, media_type=MediaType.HTML,
            headers={**headers, "content-encoding": "gzip"},
        )  # fmt: skip
    return Response(kept.body, status_code=kept.status, media_type=MediaType.HTML, headers=headers)


def _key(request: AnyRequest, viewer: Viewer) -> Key:
    snapshot, shop = door_of(request).snapshot, viewer.shop
    return (
        None if shop is None else (shop.org_id, shop.changed),
        request.scope["path"], request.scope["query_string"], viewer.language, viewer.theme,
        snapshot.catalogue.epoch, snapshot.prices.epoch, "hx-request" in request.headers,
    )  # fmt: skip


async def _kept(request: AnyRequest, render: Callable[[AnyRequest], Awaitable[Shown]]) -> Kept:
    made = await render(request)
    body = answering.render(request, made.template, form_token="", **made.values)
    zipped = await asyncio.to_thread(gzip.compress, body, GZIP_LEVEL, mtime=0)
    return Kept(time.monotonic() + LIVES_S, made.status, body, zipped)
