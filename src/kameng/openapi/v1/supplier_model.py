"""What goes over the wire on the supplier's side."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

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
