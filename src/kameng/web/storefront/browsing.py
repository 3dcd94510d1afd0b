"""Categories and search: one page with what is found, narrowed by facets, sorted, a page at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Response, get

from kameng.catalogue import Product, Sku
from kameng.web import answering, caching
from kameng.web.caching import Shown
from kameng.web.parts import AnyRequest, door_of
from kameng.web.storefront.offering import SCENE_ICONS, Tile, is_shown, tiles_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

PAGE_TILES = 24
FACETS_MAX = 12
SORTS = {"": N_("Recommended"), "low": N_("Price, low first"), "high": N_("Price, high first")}
DELIVERIES = {"now": N_("At once"), "later": N_("Worked on by people or suppliers")}


class Asked(msgspec.Struct, frozen=True):
    """What the address asks for; all of it may be absent."""

    q: str = ""
    scene: str = ""
    brand: str = ""
    face: str = ""
    delivery: str = ""
    stock: str = ""
    sort: str = ""
    after: str = ""

    def but(self, **changes: str) -> str:
        """The address of the same with something changed, from its first page on."""
        facts = {**msgspec.structs.asdict(self), "after": "", **changes}
        return "/search?" + urlencode({name: value for name, value in facts.items() if value})


class Choice(msgspec.Struct, frozen=True):
    value: str
    label: str
    count: int
    path: str
    is_chosen: bool


@get("/search", opt={"face": "shop"})
async def show(request: AnyRequest) -> Response[Any]:
    return await caching.shown(request, _listing)


@get("/search/suggest", opt={"face": "shop"})
async def suggest(request: AnyRequest) -> Response[Any]:
    """Names as options of a list, while somebody types."""
    index = await door_of(request).finder.index()
    names = index.suggest(request.query_params.get("q", "")[:60])
    body = answering.render(request, "storefront/suggestions.html", form_token="", names=names)
    return answering.html(request, body, language=viewer_of(request).language)


def asked_of(request: AnyRequest) -> Asked:
    sent = {name: request.query_params.get(name, "")[:60].strip() for name in Asked.__struct_fields__}
    sorted_by = sent["sort"] if sent["sort"] in SORTS else ""
    return Asked(**{**sent, "sort": sorted_by})


async def _listing(request: AnyRequest) -> Shown:
    asked, door = asked_of(request), door_of(request)
    index, known = await door.finder.index(), door.snapshot.catalogue.skus
    found = index.search(asked.q) if asked.q else None
    everything = index.products if found is None else found.products
    here = {sku_id: sku for sku_id, sku in known.items() if is_shown(request, sku)}
    goods = [
        (product, [here[sku_id] for sku_id in product.sku_ids if sku_id in here])
        for product in (index.scenes.get(asked.scene, []) if found is None and asked.scene else everything)
    ]
    await door.shelves.refresh()
    goods = [one for one in goods if one[1]]
    narrowed = [one for one in goods if _suits(asked, *one, band=door.shelves.band)]
    tiles, next_path = await _page(request, asked, narrowed)
    values: dict[str, Any] = {
        "asked": asked, "tiles": tiles, "next_path": next_path, "nearly": found is not None and found.nearly,
        "scenes": _scenes(asked, index.scenes, everything), "brands": _brands(asked, goods),
        "faces_of": _faces(asked, goods), "sorts": SORTS, "deliveries": DELIVERIES, "count": len(narrowed),
        "icons": SCENE_ICONS,
    }  # fmt: skip
    return Shown("storefront/listing.html", values)


def _suits(asked: Asked, product: Product, skus: list[Sku], *, band: Callable[[Sku], str]) -> bool:
    return (
        (not asked.scene or product.scene == asked.scene)
        and (not asked.brand or product.brand == asked.brand)
        and (not asked.face or any(_face_of(sku) == asked.face for sku in skus))
        and (asked.delivery not in DELIVERIES or any(sku.at_once == (asked.delivery == "now") for sku in skus))
        and (not asked.stock or any(band(sku) != "none" for sku in skus))
    )


async def _page(
    request: AnyRequest, asked: Asked, goods: list[tuple[Product, list[Sku]]]
) -> tuple[list[Tile], str | None]:
    """The tiles after the place in the address, and the address of what follows them. Sorted by list prices: they
    place goods alike for every buyer, and a place in the list stays what it was."""
    placed = [(_place(asked, rank, product, skus), product) for rank, (product, skus) in enumerate(goods)]
    if asked.sort:
        placed.sort(key=lambda one: one[0], reverse=asked.sort == "high")
    products = [product for _, product in placed]
    numbers = {str(product.number): at for at, product in enumerate(products)}
    start = numbers.get(asked.after, -1) + 1
    chosen = products[start : start + PAGE_TILES]
    more = len(products) > start + PAGE_TILES
    next_path = asked.but(after=str(chosen[-1].number)) if more and chosen else None
    return await tiles_of(request, chosen), next_path


def _place(asked: Asked, rank: int, product: Product, skus: list[Sku]) -> tuple[int, int]:
    least_e4 = min((sku.list_price_e4 for sku in skus if sku.on_sale), default=0)
    return (least_e4, product.number) if asked.sort else (rank, product.number)


def _face_of(sku: Sku) -> str:
    whole, rest = divmod(sku.face_value_e4, 10_000)
    return str(whole) if sku.face_value_e4 and not rest else ""


def _scenes(asked: Asked, scenes: dict[str, list[Product]], found: Iterable[Product]) -> list[Choice]:
    counts = Counter(product.scene for product in found) if asked.q else Counter({k: len(v) for k, v in scenes.items()})
    return [
        Choice(scene, scene, counts[scene], asked.but(scene=scene, brand="", face=""), scene == asked.scene)
        for scene in scenes
        if counts[scene]
    ]


def _brands(asked: Asked, goods: list[tuple[Product, list[Sku]]]) -> list[Choice]:
    counts = Counter(product.brand for product, _ in goods if not asked.scene or product.scene == asked.scene)
    names = [name for name, _ in counts.most_common(FACETS_MAX)]
    if asked.brand and asked.brand not in names:
        names.append(asked.brand)
    return [
        Choice(name, name, counts[name], asked.but(brand="" if name == asked.brand else name), name == asked.brand)
        for name in names
    ]


def _faces(asked: Asked, goods: list[tuple[Product, list[Sku]]]) -> list[Choice]:
    counts = Counter(
        face
        for product, skus in goods
        if (not asked.scene or product.scene == asked.scene) and (not asked.brand or product.brand == asked.brand)
        for face in {_face_of(sku) for sku in skus} - {""}
    )
    common = sorted((face for face, _ in counts.most_common(FACETS_MAX)), key=int)
    return [
        Choice(face, f"¥{face}", counts[face], asked.but(face="" if face == asked.face else face), face == asked.face)
        for face in common
    ]
