"""What goes over the wire on the supplier's side."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from kameng import stock
from kameng.openapi.v1.model import PAGE, Cursor, Id, Limit, Moment, SkuCode, SkuState


class SuppliedSku(msgspec.Struct, frozen=True):
    """A SKU that cards of yours were loaded for."""

    sku: SkuCode
    brand: str
    product: str
    spec: str
    state: SkuState
    external_ref: str
    batches: int
    loaded: Annotated[int, Meta(description="Cards that went on the shelf, of all your batches.")]
    refused: int
    last_loaded_at: Moment


class SuppliedAnswer(msgspec.Struct, frozen=True):
    skus: list[SuppliedSku]


class BatchBody(msgspec.Struct, frozen=True):
    """One load of cards."""

    id: Id
    sku: SkuCode
    name: str
    loaded: int
    refused: int
    paid: Annotated[str | None, Meta(description="What its cards cost together; null: not said of every one.")]
    expires_on: Annotated[str | None, Meta(description="The earliest of their last days.")]
    loaded_at: Moment
    hosts: Annotated[list[str], Meta(description="Where its links lead; empty for cards that are no links.")]


class BatchesAnswer(msgspec.Struct, frozen=True):
    batches: list[BatchBody]
    next_cursor: Annotated[str | None, Meta(description="Null on the last page.")] = None


class BatchesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    cursor: Cursor | UnsetType = UNSET
    limit: Limit = PAGE


class CardsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sku: SkuCode
    name: Annotated[
        str,
        Meta(
            min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$",
            description="The file's name; its ending may say what it is.",
        ),
    ] = "cards.txt"  # fmt: skip
    uses: Annotated[
        int,
        Meta(
            ge=0, le=stock.USES_MAX,
            description="How often each card is sold (循环卡): 1, a number, or 0 for as often as it is asked for.",
        ),
    ] = 1  # fmt: skip


class RefusedLineBody(msgspec.Struct, frozen=True):
    """A line that was not loaded, and why; `preview` is masked."""

    line: int
    reason: str
    en: str
    zh: str
    preview: str


class LoadedAnswer(msgspec.Struct, frozen=True):
    batch: Id
    sku: SkuCode
    loaded: int
    refused: list[RefusedLineBody]


class BatchStockBody(msgspec.Struct, frozen=True):
    """What became of the cards of one batch; of reusable cards, of their uses."""

    batch: Id
    sku: SkuCode
    name: str
    loaded_at: Moment
    on_shelf: Annotated[int, Meta(description="To be sold: on the shelf, or on display to be chosen.")]
    reserved: Annotated[int, Meta(description="For orders that await their payment.")]
    sold: int
    quarantined: Annotated[int, Meta(description="Set aside: they do not open, or were given back or replaced.")]
    voided: Annotated[int, Meta(description="Voided, or past their last day.")]


class LiveStockAnswer(msgspec.Struct, frozen=True):
    stock: list[BatchStockBody]
    next_cursor: Annotated[str | None, Meta(description="Null on the last page.")] = None


class LiveStockQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sku: Annotated[SkuCode, Meta(description="Only batches for this SKU.")] | UnsetType = UNSET
    cursor: Cursor | UnsetType = UNSET
    limit: Limit = PAGE


NUMBERS_MAX = 1000


class VoidBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Either `batch`, or `sku` and `numbers`."""

    batch: Id | UnsetType = UNSET
    sku: SkuCode | UnsetType = UNSET
    numbers: (
        Annotated[
            list[Annotated[str, Meta(min_length=1, max_length=200)]],
            Meta(min_length=1, max_length=NUMBERS_MAX, description="Card numbers; secrets are never asked for."),
        ]
        | UnsetType
    ) = UNSET
    reason: Annotated[
        str, Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$", description="Why; kept in the audit log.")
    ] = ""


class UnvoidedBody(msgspec.Struct, frozen=True):
    """A number of which nothing is void, and why; `preview` is masked."""

    line: Annotated[int, Meta(description="Its place among `numbers`, from 1.")]
    reason: Literal["sold", "reserved", "unknown"]
    en: str
    zh: str
    preview: str


class VoidedAnswer(msgspec.Struct, frozen=True):
    voided: Annotated[int, Meta(description="Cards that are void now.")]
    already_voided: Annotated[int, Meta(description="That were void before.")]
    sold: Annotated[int, Meta(description="That stay: they were sold.")]
    reserved: Annotated[int, Meta(description="That stay: they await a payment.")]
    refused: Annotated[list[UnvoidedBody], Meta(description="Of `numbers`: each of which nothing is void.")]
