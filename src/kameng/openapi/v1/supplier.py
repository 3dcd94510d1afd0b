"""The supplier's side: what he supplies, his batches, and cards of his put on the shelf.

He loads into SKUs that the platform took a batch of from him before (``kameng cards load --supplier``): that first
batch is the platform's consent, and so is an offer of his that it accepted. Nothing here shows who bought a card, or
anybody else's batches.
"""

from __future__ import annotations

import msgspec
from litestar import Response, get, post
from msgspec import UNSET

from kameng import catalogue, stock, suppliers
from kameng.catalogue import Sku
from kameng.identity import Caller, Scope
from kameng.kit import clock, money
from kameng.openapi.errors import BadRequest, NotSupplier
from kameng.openapi.v1 import examples
from kameng.openapi.v1.arriving import (
    UPLOAD,
    UPLOAD_BYTES_MAX,
    AnyRequest,
    Arrival,
    answer,
    arrival_of,
    signed,
    spend,
)  # fmt: skip
from kameng.openapi.v1.endpoints import Reply, says
from kameng.openapi.v1.goods import sku_named
from kameng.openapi.v1.reading import body_of, first_page, id_of, parse_cursor, query_of
from kameng.openapi.v1.supplier_model import (
    NUMBERS_MAX,
    BatchBody,
    BatchesAnswer,
    BatchesQuery,
    BatchStockBody,
    CardsQuery,
    LiveStockAnswer,
    LiveStockQuery,
    LoadedAnswer,
    RefusedLineBody,
    SuppliedAnswer,
    SuppliedSku,
    UnvoidedBody,
    VoidBody,
    VoidedAnswer,
)  # fmt: skip
from kameng.orders import ID_MAX


@get(
    "/api/v1/supplier/goods",
    guards=[signed],
    opt=says(
        operation="listSuppliedGoods", tag="supplier", zh="我供货的商品", en="What you supply",
        text="Every SKU that cards of yours were loaded for, with what came of all your batches together.",
        scope=Scope.supplier_goods, refusals=(NotSupplier,),
        replies=(Reply(200, SuppliedAnswer, "Your SKUs, by their code.", examples.SUPPLIED),),
    ),
)  # fmt: skip
async def list_supplied_goods(request: AnyRequest) -> Response[bytes]:
    arrival = arrival_of(request)
    org_id = supplier_of(arrival.caller)
    async with arrival.parts.db.connection() as connection:
        found = await stock.supplied(connection, org_id)
    skus = arrival.parts.snapshot.catalogue.skus
    return answer(arrival, SuppliedAnswer([_supplied(skus[one.sku_id], one) for one in found if one.sku_id in skus]))


@get(
    "/api/v1/supplier/batches",
    guards=[signed],
    opt=says(
        operation="listBatches", tag="supplier", zh="我的批次", en="Your batches",
        scope=Scope.supplier_goods, query=BatchesQuery, refusals=(NotSupplier,),
        replies=(Reply(200, BatchesAnswer, "A page of batches, newest first.", examples.BATCHES),),
    ),
)  # fmt: skip
async def list_batches(request: AnyRequest) -> Response[bytes]:
    arrival = arrival_of(request)
    org_id, query = supplier_of(arrival.caller), query_of(arrival.query, BatchesQuery)
    before_id = ID_MAX if query.cursor is UNSET else parse_cursor(query.cursor)
    async with arrival.parts.db.connection() as connection:
        found = await stock.batches_of(connection, org_id, before_id=before_id, limit=query.limit + 1)
    page, next_cursor = first_page(found, query.limit, lambda one: one.batch_id)
    return answer(arrival, BatchesAnswer([_batch(one) for one in page], next_cursor))


@post(
    UPLOAD,
    status_code=200,
    guards=[signed],
    opt=says(
        operation="loadCards", tag="supplier", zh="卡密入库", en="Load cards",
        text=f"The body is the file: TXT, CSV or Excel, at most {UPLOAD_BYTES_MAX >> 20} MiB, read as "
        "`kameng cards load` reads it. Good lines go on the shelf at once; bad ones and those loaded before are told "
        "one by one. Sent again it loads nothing twice. Only for SKUs that you supply already. Of the kind `link`, "
        "every secret must be an https link; of `pickable` SKUs the columns 自选展示 (label) and 自选加价 (surcharge) "
        "are read.",
        scope=Scope.supplier_cards, write=True, query=CardsQuery, upload="The card file.",
        refusals=(
            NotSupplier, catalogue.UnknownSku, stock.NoCards, stock.BadBatch, stock.FileNotReadable,
            stock.SeveralSheets, stock.ColumnsUnclear, stock.FileTooLarge,
        ),
        replies=(Reply(200, LoadedAnswer, "What became of each line.", examples.LOADED),),
    ),
)  # fmt: skip
async def load_cards(request: AnyRequest) -> Response[bytes]:
    arrival = arrival_of(request)
    org_id, query = supplier_of(arrival.caller), query_of(arrival.query, CardsQuery)
    sku = await _supplied_sku(arrival, org_id, query.sku)
    await spend(arrival)
    report = await stock.load_file(
        arrival.parts.db, arrival.parts.snapshot.ring, arrival.body, sku_id=sku.sku_id, file_name=query.name,
        actor_id=arrival.caller.key.key_id, supplier_org_id=org_id, uses=query.uses,
    )  # fmt: skip
    refused = [RefusedLineBody(r.line, r.reason, r.message, r.message_zh, r.preview) for r in report.refused]
    return answer(arrival, LoadedAnswer(str(report.batch_id), str(sku.sku_id), report.loaded, refused))


@get(
    "/api/v1/supplier/stock",
    guards=[signed],
    opt=says(
        operation="showLiveStock", tag="supplier", zh="实时库存", en="Your stock, live",
        text="What became of the cards of each of your batches: on the shelf or on display, reserved for an order that "
        "is not paid yet, sold, set aside because they do not open or came back, voided. A reusable card counts by its "
        "uses. Counted when you ask: large batches take a moment.",
        scope=Scope.supplier_goods, query=LiveStockQuery, refusals=(NotSupplier, catalogue.UnknownSku),
        replies=(Reply(200, LiveStockAnswer, "A page of batches, newest first.", examples.LIVE_STOCK),),
    ),
)  # fmt: skip
async def show_live_stock(request: AnyRequest) -> Response[bytes]:
    arrival = arrival_of(request)
    org_id, query = supplier_of(arrival.caller), query_of(arrival.query, LiveStockQuery)
    sku_id = None if query.sku is UNSET else (await _supplied_sku(arrival, org_id, query.sku)).sku_id
    before_id = ID_MAX if query.cursor is UNSET else parse_cursor(query.cursor)
    found = await stock.stock_of_batches(
        arrival.parts.db, org_id, sku_id=sku_id, before_id=before_id, limit=query.limit + 1
    )
    page, next_cursor = first_page(found, query.limit, lambda one: one.batch_id)
    return answer(arrival, LiveStockAnswer([_batch_stock(one) for one in page], next_cursor))


@post(
    "/api/v1/supplier/cards/void",
    status_code=200,
    guards=[signed],
    opt=says(
        operation="voidCards", tag="supplier", zh="作废卡密", en="Void cards",
        text="Takes unsold cards of yours off for good: a whole `batch`, or of one `sku` those with these `numbers`, "
        f"at most {NUMBERS_MAX}. What was sold or awaits its payment stays, and is told line by line. Of a reusable "
        "card all unsold uses go. Asked again it changes nothing.",
        scope=Scope.supplier_cards, write=True, body=VoidBody, body_example=examples.VOID_BODY,
        refusals=(NotSupplier, catalogue.UnknownSku, stock.NoSuchBatch),
        replies=(Reply(200, VoidedAnswer, "What is void now, and what is not.", examples.VOIDED),),
    ),
)  # fmt: skip
async def void_cards(request: AnyRequest) -> Response[bytes]:
    arrival = arrival_of(request)
    org_id, sent = supplier_of(arrival.caller), body_of(arrival.body, _void_decoder)
    by = stock.By(arrival.caller.key.key_id, org_id, sent.reason)
    db, ring = arrival.parts.db, arrival.parts.snapshot.ring
    if sent.batch is not UNSET and sent.sku is UNSET and sent.numbers is UNSET:
        batch_id = id_of(sent.batch, stock.NoSuchBatch)
        await spend(arrival)
        return answer(arrival, _voided(await stock.void_batch(db, batch_id, by)))
    if sent.batch is not UNSET or sent.sku is UNSET or sent.numbers is UNSET:
        raise BadRequest(
            "either a batch, or a sku and numbers", field="batch", detail_zh="须填写 batch，或同时填写 sku 与 numbers"
        )
    sku = await _supplied_sku(arrival, org_id, sent.sku)
    await spend(arrival)
    return answer(arrival, _voided(await stock.void_numbers(db, ring, sku.sku_id, sent.numbers, by)))


_void_decoder: msgspec.json.Decoder[VoidBody] = msgspec.json.Decoder(VoidBody)


def _voided(done: stock.Voided) -> VoidedAnswer:
    refused = [
        UnvoidedBody(one.line, one.why, *stock.VOID_REASONS[one.why], stock.masked(one.number)) for one in done.refused
    ]
    return VoidedAnswer(done.voided, done.already, done.sold, done.reserved, refused)


def _batch_stock(one: stock.BatchStock) -> BatchStockBody:
    return BatchStockBody(
        str(one.batch_id), str(one.sku_id), one.file_name, clock.rfc3339(one.loaded_at), one.on_shelf, one.reserved,
        one.sold, one.quarantined, one.voided,
    )  # fmt: skip


def supplier_of(caller: Caller) -> int:
    """The caller's organisation, if cards may come from it."""
    organisation = caller.organisation
    if organisation.kind != "supplier" or organisation.sandbox:
        raise NotSupplier
    return organisation.org_id


async def _supplied_sku(arrival: Arrival, org_id: int, code: str) -> Sku:
    """The SKU of this code, if he supplies it; else there is none for him."""
    sku = sku_named(arrival.parts.snapshot, code)
    async with arrival.parts.db.connection() as connection:
        if not await suppliers.may_load(connection, org_id, sku.sku_id):
            raise catalogue.UnknownSku(code[:40], field="sku")
    return sku


def _supplied(sku: Sku, found: stock.Supplied) -> SuppliedSku:
    return SuppliedSku(
        str(sku.sku_id), sku.brand, sku.product, sku.spec, sku.state,  # type: ignore[arg-type] # one of its STATES
        sku.external_ref, found.batches, found.loaded, found.refused, clock.rfc3339(found.last_at),
    )  # fmt: skip


def _batch(one: stock.Batch) -> BatchBody:
    return BatchBody(
        str(one.batch_id), str(one.sku_id), one.file_name, one.loaded, one.refused,
        None if one.paid_e4 is None else money.format_e4(one.paid_e4),
        None if one.expires_on is None else one.expires_on.isoformat(), clock.rfc3339(one.loaded_at), one.hosts,
    )  # fmt: skip
