"""One search box: a number or the end of one, a phone or an account, a card, an organisation, a person, goods."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Response, get

from kameng import identity, orders, stock
from kameng.catalogue import Sku
from kameng.identity import Organisation, Person
from kameng.kit import ids
from kameng.orders import Overseen
from kameng.web.answering import page
from kameng.web.console import FACE
from kameng.web.navigation import Hit, Item, Search
from kameng.web.parts import AnyRequest, Door, door_of
from kameng.web.viewing import Viewer, viewer_of
from kameng.web.wording import N_

TEXT_CHARS_MAX = 200
EACH_MAX = 10
OWNERS_MAX = 2000
REFERENCE_CHARS_MAX = 64


class CardFound(msgspec.Struct, frozen=True):
    """Where a card is that was read out; nothing of what is on it."""

    card_id: int
    sku_id: int
    state: str
    order_id: int | None


class Results(msgspec.Struct):
    orders: list[Overseen] = []
    targets: list[Overseen] = []
    cards: list[CardFound] = []
    organisations: list[Organisation] = []
    people: list[Person] = []
    skus: list[Sku] = []
    pages: list[Item] = []

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__struct_fields__)


@get("/console/search", opt={"face": "platform"})
async def search(request: AnyRequest) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    text = request.query_params.get("q", "").strip()[:TEXT_CHARS_MAX].replace("\0", "")
    found = await look_for(door, viewer, text) if text else Results()
    template = "console/search_results.html" if "hx-request" in request.headers else "console/search.html"
    return page(request, template, text=text, found=found, skus=door.snapshot.catalogue.skus)


async def look_for(door: Door, viewer: Viewer, text: str) -> Results:
    """Everything that the text may be; each look by an index, and short."""
    found, digits = Results(), re.sub(r"[\s#-]", "", text)
    if digits.isascii() and digits.isdecimal():
        found.orders = await orders.find_by_fragment(door.db, digits, limit=EACH_MAX)
        await _by_number(door, digits, found)
    if not found.orders and len(text) <= REFERENCE_CHARS_MAX:
        found.orders = await _by_reference(door, text)
    if len(text) >= 4:
        known = {one.order_id for one in found.orders}
        marked = await orders.search(door.db, door.ring, text, limit=EACH_MAX)
        found.targets = [one for one in await orders.oversee_these(door.db, [one.order_id for one in marked])
                         if one.order_id not in known][:EACH_MAX]  # fmt: skip
        cards = await stock.find_card(door.db, door.ring, text)
        found.cards = [CardFound(one.card_id, one.sku_id, one.state, one.order_id) for one in cards[:EACH_MAX]]
    found.organisations = found.organisations or await identity.organisations(door.db, text=text, limit=EACH_MAX)
    found.people = found.people or await identity.people_beginning(door.db, text, limit=EACH_MAX)
    found.skus = _skus(door, text)
    words = text.casefold()
    found.pages = [item for item in FACE.items if viewer.may(item.act)
                   and words in (viewer.words.say(item.label).casefold(), item.label.casefold())]  # fmt: skip
    return found


async def _by_number(door: Door, digits: str, found: Results) -> None:
    """An id of an organisation or a person, whole."""
    try:
        number = ids.parse(digits)
    except ValueError:
        return
    async with door.db.connection() as connection:
        found.organisations = list((await identity.organisations_by_id(connection, [number])).values())
        found.people = list((await identity.people_by_id(connection, [number])).values())


async def _by_reference(door: Door, text: str) -> list[Overseen]:
    """A buyer's own reference, whole: asked of the newest organisations."""
    owners = await identity.organisations(door.db, limit=OWNERS_MAX)
    return (await orders.find_by_reference(door.db, text, [one.org_id for one in owners]))[:EACH_MAX]


def _skus(door: Door, text: str) -> list[Sku]:
    """Goods whose name or code has all the words."""
    words = text.casefold().split()
    found = []
    for sku in door.snapshot.catalogue.skus.values():
        name = f"{sku.brand} {sku.product} {sku.spec} {sku.sku_id} {sku.external_ref} {sku.barcode}".casefold()
        if all(word in name for word in words):
            found.append(sku)
            if len(found) == EACH_MAX:
                break
    return found


# the palette -------------------------------------------------------------------------------------------------


async def find_anything(request: AnyRequest, text: str, limit: int) -> list[Hit]:
    """The same, as a list to choose from; all of it, with its ways, stands on the page."""
    found = await look_for(door_of(request), viewer_of(request), text)
    known = door_of(request).snapshot.catalogue.skus
    hits = [
        *(_order_hit(one, known, is_it=text.strip() in (str(one.order_id), one.client_ref)) for one in found.orders),
        *(_order_hit(one, known, is_it=False) for one in found.targets),
        *(Hit(str(one.card_id), f"/console/orders/{one.order_id}" if one.order_id else f"/console/goods/{one.sku_id}",
              icon="card", hint=viewer_of(request).words.say("Card")) for one in found.cards),
        *(Hit(one.name, f"/console/organisations/{one.org_id}", icon="users", hint=str(one.org_id),
              is_it=text == str(one.org_id)) for one in found.organisations),
        *(Hit(one.name or one.sign_in, f"/console/people/{one.person_id}", icon="user", hint=one.sign_in,
              is_it=text == str(one.person_id)) for one in found.people),
        *(Hit(f"{one.product} {one.spec}", f"/console/goods/{one.sku_id}", icon="tag", hint=str(one.sku_id),
              is_it=text == str(one.sku_id)) for one in found.skus),
    ]  # fmt: skip
    return hits[: limit * 2]


def _order_hit(one: Overseen, known: Mapping[int, Sku], *, is_it: bool) -> Hit:
    sku = known.get(one.sku_id)
    name = str(one.sku_id) if sku is None else f"{sku.product} {sku.spec}"
    return Hit(
        f"{name} · {one.buyer}", f"/console/orders/{one.order_id}", icon="receipt", hint=str(one.order_id), is_it=is_it
    )


SEARCHES = (Search(N_("Found"), find_anything),)
