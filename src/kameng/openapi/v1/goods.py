"""What can be ordered: the catalogue at the caller's prices, and stock in bands."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from litestar import Response, get
from litestar.params import FromPath
from msgspec import UNSET

from kameng import catalogue, stock
from kameng.catalogue import Sku
from kameng.identity import Scope
from kameng.kit import clock, epochs, money
from kameng.kit.db import Connection, Database
from kameng.kit.fresh import Fresh
from kameng.openapi.errors import BadRequest
from kameng.openapi.v1 import examples
from kameng.openapi.v1.arriving import AnyRequest, Arrival, answer, arrival_of, signed
from kameng.openapi.v1.endpoints import Reply, says
from kameng.openapi.v1.model import (
    SKUS_MAX,
    CardOnDisplay,
    CatalogueAnswer,
    CatalogueQuery,
    ChangesAnswer,
    ChangesQuery,
    DisplayAnswer,
    DisplayQuery,
    FormField,
    ProductChange,
    SkuBody,
    SkuDetail,
    SkuPart,
    SkuStock,
    StockAnswer,
    StockQuery,
)  # fmt: skip
from kameng.openapi.v1.reading import first_page, parse_cursor, parse_place, place_of, query_of
from kameng.orders import Snapshot

SKUS_AT_ONCE = 500
"""SKUs rendered before orders get their turn again."""
NEVER_OUT = 1 << 31
"""How many there are of what is not kept in stock."""


@get(
    "/api/v1/catalogue",
    guards=[signed],
    opt=says(
        operation="listCatalogue", tag="goods", zh="商品目录", en="The catalogue",
        text="Every SKU on sale, at your own price. Keep the answer and ask again with its `ETag` in `If-None-Match`: "
        "while nothing changed you get 304 and no body.",
        scope=Scope.catalogue_read, query=CatalogueQuery,
        replies=(
            Reply(200, CatalogueAnswer, "The SKUs, by their code.", examples.CATALOGUE),
            Reply(304, None, "Nothing changed since the answer with this ETag."),
        ),
    ),
)  # fmt: skip
async def list_catalogue(request: AnyRequest) -> Response[bytes]:
    arrival = arrival_of(request)
    query, tag = query_of(arrival.query, CatalogueQuery), _etag(arrival)
    known = tag in request.headers.get("if-none-match", "")
    found = None if known else CatalogueAnswer(await _listed(arrival, query))
    return answer(arrival, found, headers={"etag": tag, "cache-control": "private, no-cache"})


@get(
    "/api/v1/catalogue/{sku:str}",
    guards=[signed],
    opt=says(
        operation="findSku", tag="goods", zh="单个商品", en="One SKU",
        text="With the JSON Schema of what an order's `account` has to hold.",
        scope=Scope.catalogue_read, path={"sku": "The SKU's code."}, refusals=(catalogue.UnknownSku,),
        replies=(Reply(200, SkuDetail, "The SKU.", examples.SKU),),
    ),
)  # fmt: skip
async def find_sku(request: AnyRequest, sku: FromPath[str]) -> Response[bytes]:
    arrival = arrival_of(request)
    return answer(arrival, _detail(arrival, sku_named(arrival.parts.snapshot, sku)))


@get(
    "/api/v1/products/changes",
    guards=[signed],
    opt=says(
        operation="listProductChanges", tag="goods", zh="商品变更", en="What changed of the products",
        text="For an ERP that keeps a copy: every SKU, in the order of its latest change, also those that are paused "
        "or withdrawn. Keep `next_after` and ask again from there; nothing is missed, and a SKU that changed "
        "meanwhile comes again. Prices are your own; rules of prices alone (level, named, tiers) are no change here.",
        scope=Scope.catalogue_read, query=ChangesQuery,
        replies=(Reply(200, ChangesAnswer, "A page of changes, the oldest first.", examples.CHANGES),),
    ),
)  # fmt: skip
async def list_product_changes(request: AnyRequest) -> Response[bytes]:
    arrival = arrival_of(request)
    return answer(arrival, await _changes(arrival, query_of(arrival.query, ChangesQuery)))


@get(
    "/api/v1/stock",
    guards=[signed],
    opt=says(
        operation="showStock", tag="goods", zh="库存档位", en="Stock, in bands",
        text="At most a second old. Sandbox orders take nothing from stock and are never sold out.",
        scope=Scope.catalogue_read, query=StockQuery, refusals=(catalogue.UnknownSku,),
        replies=(Reply(200, StockAnswer, "A band for each SKU.", examples.STOCK),),
    ),
)  # fmt: skip
async def show_stock(request: AnyRequest) -> Response[bytes]:
    arrival = arrival_of(request)
    wanted = _wanted(arrival.parts.snapshot, query_of(arrival.query, StockQuery))
    return answer(arrival, StockAnswer(await request.scope["state"]["shelves"].bands(wanted)))


@get(
    "/api/v1/skus/{sku:str}/cards",
    guards=[signed],
    opt=says(
        operation="listCardsOnDisplay", tag="goods", zh="自选卡列表", en="Cards to choose from",
        text="Of a SKU that is `pickable`: the cards that are free now, by the number or label that is shown of them. "
        "Order one with its `id` as `card`; who comes second gets `card_taken`. Cards without a label are not here: "
        "an order without `card` gets one of those. Empty where nothing may be chosen.",
        scope=Scope.catalogue_read, path={"sku": "The SKU's code."}, query=DisplayQuery,
        refusals=(catalogue.UnknownSku,),
        replies=(Reply(200, DisplayAnswer, "A page of cards.", examples.DISPLAY),),
    ),
)  # fmt: skip
async def list_cards_on_display(request: AnyRequest, sku: FromPath[str]) -> Response[bytes]:
    arrival = arrival_of(request)
    query, found = query_of(arrival.query, DisplayQuery), sku_named(arrival.parts.snapshot, sku)
    after_id = 0 if query.cursor is UNSET else parse_cursor(query.cursor)
    cards = []
    if found.pickable and found.state == "on_sale":
        cards = await stock.list_displayed(arrival.parts.db, found.sku_id, after_id=after_id, limit=query.limit + 1)
    page, next_cursor = first_page(cards, query.limit, lambda one: one.card_id)
    return answer(arrival, DisplayAnswer([_on_display(arrival, found, card) for card in page], next_cursor))


def _on_display(arrival: Arrival, sku: Sku, card: stock.Displayed) -> CardOnDisplay:
    fee_e4 = sku.pick_fee_e4 if card.pick_fee_e4 is None else card.pick_fee_e4
    price_e4 = arrival.parts.snapshot.quote(arrival.caller.organisation, sku, 1).unit_price_e4 + fee_e4
    return CardOnDisplay(
        str(card.card_id), card.label, money.format_e4(fee_e4), money.format_e4(price_e4),
        None if card.expires_on == stock.NEVER else card.expires_on.isoformat(),
    )  # fmt: skip


def sku_named(snapshot: Snapshot, code: str, *, field: str = "sku") -> Sku:
    """The SKU of this code, whatever its state."""
    sku = snapshot.catalogue.skus.get(int(code)) if code.isascii() and code.isdecimal() and len(code) <= 18 else None
    if sku is None:
        raise catalogue.UnknownSku(code[:40], field=field)
    return sku


def _etag(arrival: Arrival) -> str:
    """Changes with whatever the answer is made from."""
    snapshot, organisation = arrival.parts.snapshot, arrival.caller.organisation
    made_from = (
        snapshot.catalogue.epoch, snapshot.prices.epoch, organisation.org_id, organisation.level,
        organisation.currency, snapshot.directory.chain_of(organisation).links, arrival.query,
    )  # fmt: skip
    return f'"{hashlib.blake2b(repr(made_from).encode(), digest_size=12).hexdigest()}"'


async def _listed(arrival: Arrival, query: CatalogueQuery) -> list[SkuBody]:
    words = query.q.casefold().split() if query.q else []
    everything = sorted(arrival.parts.snapshot.catalogue.skus.items())
    found = [sku for _, sku in everything if _matches(sku, query, words)]
    shown: list[SkuBody] = []
    for start in range(0, len(found), SKUS_AT_ONCE):
        shown += [SkuBody(**_facts(arrival, sku)) for sku in found[start : start + SKUS_AT_ONCE]]
        await asyncio.sleep(0)
    return shown


async def _changes(arrival: Arrival, query: ChangesQuery) -> ChangesAnswer:
    after = (-1, 0) if query.after is UNSET else parse_place(query.after)
    snapshot = arrival.parts.snapshot
    async with arrival.parts.db.connection() as connection:
        found = await catalogue.list_changes(connection, after=after, limit=query.limit + 1)
        # What the page names has to be known here, however lately it changed.
        await snapshot.refresh(connection, await epochs.read(connection))
    page = found[: query.limit]
    last = (page[-1].epoch, page[-1].sku_id) if page else after
    changes = [_change(arrival, snapshot.catalogue.skus[one.sku_id], one) for one in page]
    return ChangesAnswer(changes, place_of(last), len(found) > query.limit)


def _change(arrival: Arrival, sku: Sku, found: catalogue.Change) -> ProductChange:
    what: Any = "withdrawn" if sku.state == "withdrawn" else "published" if sku.revision == 1 else "changed"
    return ProductChange(what, sku.revision, clock.rfc3339(found.at), SkuBody(**_facts(arrival, sku)))


def _matches(sku: Sku, query: CatalogueQuery, words: list[str]) -> bool:
    if not sku.on_sale or query.scene not in (UNSET, sku.scene) or query.brand not in (UNSET, sku.brand):
        return False
    text = f"{sku.brand} {sku.product} {sku.spec} {sku.note}".casefold() if words else ""
    return query.kind in (UNSET, sku.kind) and all(word in text for word in words)


def _facts(arrival: Arrival, sku: Sku) -> dict[str, Any]:
    organisation = arrival.caller.organisation
    quote = arrival.parts.snapshot.quote(organisation, sku, 1)
    return {
        "sku": str(sku.sku_id), "scene": sku.scene, "brand": sku.brand, "product": sku.product, "spec": sku.spec,
        "kind": sku.kind, "face_value": money.format_e4(sku.face_value_e4), "face_currency": sku.face_currency,
        "price": money.format_e4(quote.unit_price_e4), "currency": organisation.currency, "form": _form(sku.form),
        "region": sku.region, "note": sku.note, "quantity_min": sku.quantity_min, "quantity_max": sku.quantity_max,
        "quantity_step": sku.quantity_step, "refundable": sku.refundable,
        # A bundle is not sold while one of its parts is not.
        "state": "paused" if sku.state == "on_sale" and not sku.on_sale else sku.state,
        "reversible": sku.reversible, "delivery_promise_minutes": sku.delivery_promise_minutes,
        "redeem_instructions": sku.redeem_instructions, "barcode": sku.barcode,
        "confirm_days": sku.confirm_days, "external_ref": sku.external_ref, "pickable": sku.pickable,
        "pick_fee": money.format_e4(sku.pick_fee_e4),
        "parts": [
            SkuPart(str(part.sku_id), part.quantity, part.kind, f"{part.share_e4 / 100:.2f}")  # type: ignore[arg-type]
            for part in sku.parts
        ],
    }  # fmt: skip


def _detail(arrival: Arrival, sku: Sku) -> SkuDetail:
    schema = catalogue.form_schema(catalogue.form_named(sku.form)) if sku.form else None
    return SkuDetail(**_facts(arrival, sku), form_schema=schema)


@cache
def _form(name: str) -> list[FormField]:
    return [
        FormField(
            field.name, field.label, field.label_en, field.widget, field.pattern, field.min_length, field.max_length,
            field.required, field.private, list(field.options),
        )
        for field in catalogue.form_named(name).fields
    ]  # fmt: skip


def _wanted(snapshot: Snapshot, query: StockQuery) -> list[Sku]:
    if query.skus is UNSET:
        everything = [sku for _, sku in sorted(snapshot.catalogue.skus.items()) if sku.on_sale]
        return [sku for sku in everything if sku.from_stock or any(part.from_stock for part in sku.parts)]
    codes = dict.fromkeys(query.skus.split(","))
    if len(codes) > SKUS_MAX:
        raise BadRequest(f"at most {SKUS_MAX}", field="skus", detail_zh=f"最多 {SKUS_MAX} 个")
    return [sku_named(snapshot, code, field="skus") for code in codes]


class Shelves(Fresh):
    """How much of everything lies on all shelves; asked of the database at most once a second."""

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        self._on_hand: dict[int, int] = {}

    async def _read(self, connection: Connection) -> None:
        self._on_hand = await stock.on_hand_everywhere(connection)

    async def bands(self, skus: list[Sku]) -> list[SkuStock]:
        await self.refresh()
        return [SkuStock(str(sku.sku_id), self.band(sku), sku.at_once) for sku in skus]  # type: ignore[arg-type]

    def band(self, sku: Sku) -> str:
        """As of the last refresh."""
        return stock.band(min(_counts(sku, self._on_hand))) if sku.from_stock or sku.parts else "plenty"


def _counts(sku: Sku, on_hand: Mapping[int, int]) -> Iterator[int]:
    """How many of a SKU the shelves hold; of a bundle, how many by each of its parts."""
    if not sku.parts:
        yield on_hand.get(sku.sku_id, 0)
        return
    yield NEVER_OUT
    needs = Counter[int]()
    for part in sku.parts:
        if part.from_stock:
            needs[part.sku_id] += part.quantity
    yield from (on_hand.get(sku_id, 0) // need for sku_id, need in needs.items())
