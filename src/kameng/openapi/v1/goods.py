"""What can be ordered: the catalogue at the caller's prices, stock in bands, quotes with their trace."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from msgspec import UNSET

from kameng import catalogue, stock
from kameng.catalogue import Sku
from kameng.identity import Caller, Scope
from kameng.kit import money
from kameng.kit.db import Database
from kameng.kit.errors import Refusal
from kameng.openapi.errors import BadRequest
from kameng.openapi.problems import problem_of
from kameng.openapi.v1 import examples
from kameng.openapi.v1.arriving import JSON, AnyRequest, answer, arrival_of, signed
from kameng.openapi.v1.endpoints import Reply, says
from kameng.openapi.v1.model import (
    QUOTES_MAX,
    SKUS_MAX,
    CatalogueAnswer,
    CatalogueQuery,
    FormField,
    QuoteAnswer,
    QuoteBodies,
    QuoteBody,
    QuoteRow,
    QuotesAnswer,
    SkuBody,
    SkuDetail,
    SkuStock,
    StepBody,
    StockAnswer,
    StockQuery,
)  # fmt: skip
from kameng.openapi.v1.reading import body_of, query_of
from kameng.orders import BadQuantity, NotOnSale, Snapshot
from kameng.pricing import BelowCost, Step

SKUS_AT_ONCE = 500
"""SKUs rendered before orders get their turn again."""


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
    query = query_of(arrival.query, CatalogueQuery)
    headers = {"etag": _etag(arrival.parts.snapshot, arrival.caller, arrival.query), "cache-control": "private, no-cache"}
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(b"", status_code=304, media_type=JSON, headers=headers)
    return answer(arrival, CatalogueAnswer(await _listed(arrival.parts.snapshot, arrival.caller, query)), headers=headers)


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
    return answer(arrival, _detail(arrival.parts.snapshot, arrival.caller, sku_named(arrival.parts.snapshot, sku)))


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
    return answer(arrival, StockAnswer(await request.app.state.shelves.bands(wanted)))


@post(
    "/api/v1/quotes",
    status_code=200,
    guards=[signed],
    opt=says(
        operation="quote", tag="goods", zh="询价", en="Ask for prices",
        text=f"One `{{sku, quantity}}`, or a list of at most {QUOTES_MAX}, each answered on its own. "
        "Changes nothing, so it is signed like a read (±30 s).",
        scope=Scope.catalogue_read, body=QuoteBody | QuoteBodies, body_example=examples.QUOTE_BODY,
        refusals=(catalogue.UnknownSku, NotOnSale, BadQuantity, BelowCost),
        replies=(Reply(200, (QuoteAnswer, QuotesAnswer), "The price now, and how it came about.", examples.QUOTE),),
    ),
)  # fmt: skip
async def quote(request: AnyRequest) -> Response[bytes]:
    arrival = arrival_of(request)
    sent = body_of(arrival.body, _quotes_decoder)
    if isinstance(sent, QuoteBody):
        return answer(arrival, _quoted(arrival.parts.snapshot, arrival.caller, sent))
    return answer(arrival, QuotesAnswer(list(_rows(arrival.parts.snapshot, arrival.caller, sent))))


_quotes_decoder: msgspec.json.Decoder[QuoteBody | list[QuoteBody]] = msgspec.json.Decoder(QuoteBody | QuoteBodies)


def sku_named(snapshot: Snapshot, code: str, *, field: str = "sku") -> Sku:
    """The SKU of this code, whatever its state."""
    sku = snapshot.catalogue.skus.get(int(code)) if code.isascii() and code.isdecimal() and len(code) <= 18 else None
    if sku is None:
        raise catalogue.UnknownSku(code[:40], field=field)
    return sku


def _etag(snapshot: Snapshot, caller: Caller, query: bytes) -> str:
    """Changes with whatever the answer is made from."""
    organisation = caller.organisation
    made_from = (
        snapshot.catalogue.epoch, snapshot.prices.epoch, organisation.org_id, organisation.level,
        organisation.currency, query,
    )  # fmt: skip
    return f'"{hashlib.blake2b(repr(made_from).encode(), digest_size=12).hexdigest()}"'


async def _listed(snapshot: Snapshot, caller: Caller, query: CatalogueQuery) -> list[SkuBody]:
    words = query.q.casefold().split() if query.q else []
    found = [sku for _, sku in sorted(snapshot.catalogue.skus.items()) if _matches(sku, query, words)]
    shown: list[SkuBody] = []
    for start in range(0, len(found), SKUS_AT_ONCE):
        shown += [SkuBody(**_facts(snapshot, caller, sku)) for sku in found[start : start + SKUS_AT_ONCE]]
        await asyncio.sleep(0)
    return shown


def _matches(sku: Sku, query: CatalogueQuery, words: list[str]) -> bool:
    if sku.state != "on_sale" or query.scene not in (UNSET, sku.scene) or query.brand not in (UNSET, sku.brand):
        return False
    text = f"{sku.brand} {sku.product} {sku.spec} {sku.note}".casefold() if words else ""
    return query.kind in (UNSET, sku.kind) and all(word in text for word in words)


def _facts(snapshot: Snapshot, caller: Caller, sku: Sku) -> dict[str, Any]:
    organisation = caller.organisation
    quote = snapshot.prices.quote(sku, org_id=organisation.org_id, level=organisation.level, quantity=1)
    return {
        "sku": str(sku.sku_id), "scene": sku.scene, "brand": sku.brand, "product": sku.product, "spec": sku.spec,
        "kind": sku.kind, "face_value": money.format_e4(sku.face_value_e4), "face_currency": sku.face_currency,
        "price": money.format_e4(quote.unit_price_e4), "currency": organisation.currency, "form": _form(sku.form),
        "region": sku.region, "note": sku.note, "quantity_min": sku.quantity_min, "quantity_max": sku.quantity_max,
        "quantity_step": sku.quantity_step, "state": sku.state,
    }  # fmt: skip


def _detail(snapshot: Snapshot, caller: Caller, sku: Sku) -> SkuDetail:
    schema = catalogue.form_schema(catalogue.form_named(sku.form)) if sku.form else None
    return SkuDetail(**_facts(snapshot, caller, sku), form_schema=schema)


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
        return [sku for _, sku in sorted(snapshot.catalogue.skus.items()) if sku.from_stock and sku.state == "on_sale"]
    codes = dict.fromkeys(query.skus.split(","))
    if len(codes) > SKUS_MAX:
        raise BadRequest(f"at most {SKUS_MAX}", field="skus", detail_zh=f"最多 {SKUS_MAX} 个")
    return [sku_named(snapshot, code, field="skus") for code in codes]


class Shelves:
    """How much of everything lies on all shelves; asked of the database at most once a second."""

    AGE_MAX_S = 1.0

    def __init__(self, db: Database) -> None:
        self._db = db
        self._on_hand: dict[int, int] = {}
        self._read_at = -self.AGE_MAX_S
        self._reading = asyncio.Lock()

    async def bands(self, skus: list[Sku]) -> list[SkuStock]:
        async with self._reading:
            if time.monotonic() - self._read_at >= self.AGE_MAX_S:
                asked_at = time.monotonic()
                async with self._db.connection() as connection:
                    self._on_hand = await stock.on_hand_everywhere(connection)
                self._read_at = asked_at
        return [
            SkuStock(
                str(sku.sku_id),
                stock.band(self._on_hand.get(sku.sku_id, 0)) if sku.from_stock else "plenty",  # type: ignore[arg-type]
                sku.from_stock,
            )
            for sku in skus
        ]


def _quoted(snapshot: Snapshot, caller: Caller, sent: QuoteBody) -> QuoteAnswer:
    """The price, or the refusal that an order of this would meet."""
    sku = sku_named(snapshot, sent.sku)
    if sku.state != "on_sale":
        raise NotOnSale(field="sku")
    if not sku.quantity_min <= sent.quantity <= sku.quantity_max or (sent.quantity - sku.quantity_min) % sku.quantity_step:
        allowed = f"{sku.quantity_min} to {sku.quantity_max} in steps of {sku.quantity_step}"
        raise BadQuantity(allowed, field="quantity")
    organisation = caller.organisation
    quote = snapshot.prices.quote(
        sku, org_id=organisation.org_id, level=organisation.level, quantity=sent.quantity
    )
    if quote.below_cost:
        raise BelowCost(field="sku")
    return QuoteAnswer(
        sent.sku, sent.quantity, organisation.currency, money.format_e4(quote.unit_price_e4),
        money.format_e4(quote.unit_price_e4 * sent.quantity), steps_shown(quote.steps),
    )  # fmt: skip


def steps_shown(steps: Iterable[Step]) -> list[StepBody]:
    return [StepBody(step.rule, money.format_e4(step.unit_price_e4)) for step in steps]


def _rows(snapshot: Snapshot, caller: Caller, sent: list[QuoteBody]) -> Iterator[QuoteRow]:
    for index, body in enumerate(sent):
        try:
            yield QuoteRow(index, 200, quote=_quoted(snapshot, caller, body))
        except Refusal as refusal:
            yield QuoteRow(index, refusal.status, problem=problem_of(refusal))
