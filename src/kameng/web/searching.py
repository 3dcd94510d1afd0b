"""``/find``: one search box for pages, acts and things. The palette asks it for JSON; without script it is a page.

Each face lists its searches (``<face>/searching.py``) in ``SEARCHES``: a search gets what was typed, and finds what
belongs to the viewer's organisation. A hit that ``is_it`` (a whole number or reference) stands first, so that Enter
leads there.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Iterator
from typing import Any

import msgspec
from litestar import Response, get

from kameng import catalogue
from kameng.web import answering, faces
from kameng.web.console.searching import SEARCHES as CONSOLE
from kameng.web.merchant.searching import SEARCHES as MERCHANT
from kameng.web.navigation import Hit, Search
from kameng.web.parts import AnyRequest
from kameng.web.storefront import buying
from kameng.web.storefront.searching import ITEMS as SHOP_PAGES
from kameng.web.storefront.searching import SEARCHES as SHOP
from kameng.web.supplier.searching import SEARCHES as SUPPLIER
from kameng.web.viewing import Viewer, viewer_of
from kameng.web.wording import N_

SEARCHES: dict[str, tuple[Search, ...]] = {"merchant": MERCHANT, "supplier": SUPPLIER, "platform": CONSOLE}
"""By the name of the face; who has none and buys is searched for in the shop."""
TEXT_CHARS_MAX = 80
HITS_MAX = 6


class Group(msgspec.Struct, frozen=True):
    label: str
    hits: list[Hit]


class Found(msgspec.Struct, frozen=True):
    groups: list[Group]


@get("/find", opt={"face": "member"})
async def find(request: AnyRequest) -> Response[Any]:
    text = request.query_params.get("q", "").strip()[:TEXT_CHARS_MAX]
    found = Found(await _groups(request, text))
    if "application/json" in request.headers.get("accept", ""):
        headers = {"cache-control": "no-store"}
        return Response(msgspec.json.encode(found), media_type="application/json", headers=headers)
    return answering.page(request, "find.html", text=text, groups=found.groups)


async def _groups(request: AnyRequest, text: str) -> list[Group]:
    viewer = viewer_of(request)
    words = viewer.words
    things = await _things(request, viewer, text) if text else []
    pages, acts = list(_pages(viewer)), list(_acts(viewer, request.query_params.get("at", "/")))
    if text:  # beside the loop, for the first to be spelt has the tables of pinyin read
        pages, acts = await asyncio.to_thread(lambda: (_fitting(pages, text), _fitting(acts, text)))
    everything = [*things, Group(words.say("Pages"), pages), Group(words.say("Acts"), acts)]
    exact = [Group(group.label, [hit for hit in group.hits if hit.is_it]) for group in things]
    if any(group.hits for group in exact):
        everything = [*exact, *(Group(g.label, [hit for hit in g.hits if not hit.is_it]) for g in everything)]
    return [group for group in everything if group.hits]


async def _things(request: AnyRequest, viewer: Viewer, text: str) -> list[Group]:
    groups = []
    for search in _searches(viewer):
        if viewer.may(search.act):
            hits = await search.find(request, text, HITS_MAX)
            groups.append(Group(viewer.words.say(search.label), hits))
    return groups


def _searches(viewer: Viewer) -> list[Search]:
    own = [search for face in faces.of(viewer) for search in SEARCHES[face.name]]
    return own or (list(SHOP) if buying.is_buyer(viewer) else [])


def _pages(viewer: Viewer) -> Iterator[Hit]:
    say = viewer.words.say
    for face in faces.of(viewer):
        for group, items in faces.groups(face, viewer).items():
            for item in items:
                key = f"g {item.key}" if item.key else ""
                yield Hit(say(item.label), item.path, icon=item.icon, hint=say(group) if group else "", key=key)
    if not faces.of(viewer):
        for item in SHOP_PAGES:
            if item.act == "view" or viewer.may(item.act):
                yield Hit(say(item.label), item.path, icon=item.icon)
    yield Hit(say("Sign-in and security"), "/me/security", icon="shield")
    yield Hit(say("Open API"), "/developers", icon="code")


def _acts(viewer: Viewer, here: str) -> Iterator[Hit]:
    """What can be done from anywhere."""
    say, other = viewer.words.say, "en" if viewer.language == "zh" else "zh"
    back = {"next": here}
    yield Hit(say("Switch organisation"), "/places", icon="swap")
    yield Hit(say("Show these keys"), "", icon="help", key="?", opens="keys")
    for theme, label in (("dark", N_("Dark theme")), ("light", N_("Light theme")), ("auto", N_("Theme of the device"))):
        if theme != viewer.theme:
            yield Hit(say(label), "/prefer", icon="moon", post=True, fields={"theme": theme, **back})
    language = {"en": "English", "zh": "中文"}[other]
    yield Hit(language, "/prefer", icon="globe", post=True, fields={"lang": other, **back})
    yield Hit(say("Sign out"), "/signout", icon="out", post=True)


def _fitting(hits: list[Hit], text: str) -> list[Hit]:
    return [hit for hit in hits if _fits(hit, text)]


def _fits(hit: Hit, text: str) -> bool:
    """Every word of it stands in what is shown, or in how its label is spelt: ``dd`` and ``dingdan`` are 订单."""
    shown = f"{hit.label} {hit.hint} {hit.href} {' '.join(_spelt(hit.label))}".lower()
    return all(part in shown for part in text.lower().split())


_spelt = functools.cache(catalogue.spelt)  # of labels of the house: a few hundred
