"""What goes over the wire of goods that people work: tasks for suppliers, and what came for their buyers."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from kameng.fulfilment import CARDS_MAX, IMAGE_BYTES_MAX, TEXT_CHARS_MAX
from kameng.openapi.intake import CardBody, OrderAnswer
from kameng.openapi.v1.model import PAGE, Id, Limit, Moment, OrderState, SkuCode

BASE64_CHARS_MAX = -(-IMAGE_BYTES_MAX // 3) * 4
TaskStateWord = Literal["open", "taken", "answered", "refused", "closed"]
MediaType = Literal["image/png", "image/jpeg", "image/webp"]
Base64 = Annotated[
    str,
    Meta(pattern="^[A-Za-z0-9+/]*={0,2}$", max_length=BASE64_CHARS_MAX, description="A file in base64, on one line."),
]
Place = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{24}$", description="`next_cursor` of the page before. Opaque.")]


class ImageBody(msgspec.Struct, frozen=True):
    """An image that came; `revealImage` shows it."""

    media_type: MediaType
    bytes: int


class GoodsBody(msgspec.Struct, frozen=True):
    """What came by hand for an order, or for one part of it."""

    part: Annotated[int, Meta(description="0: the whole order.")]
    text: str
    cards: list[CardBody]
    image: ImageBody | None
    answered_at: Moment


class RevealedAnswer(OrderAnswer, frozen=True, gc=False):
    """An order with all that was delivered for it."""

    goods: Annotated[list[GoodsBody], Meta(description="What people answered; empty for goods from stock.")] = (
        msgspec.field(default_factory=list)
    )


class ImageAnswer(msgspec.Struct, frozen=True):
    part: int
    media_type: MediaType
    data: Annotated[str, Meta(description="The file in base64.")]


class TaskBody(msgspec.Struct, frozen=True):
    """Something for you to work: an order, or a part of one."""

    id: Annotated[Id, Meta(description="Of the task; in `take`, `answer`, `refuse`.")]
    order: Id
    part: Annotated[int, Meta(description="0: the whole order.")]
    sku: SkuCode
    product: str
    spec: str
    quantity: int
    state: TaskStateWord
    order_state: OrderState
    opened_at: Moment
    due_at: Annotated[Moment, Meta(description="Answer before; afterwards the platform may take it over.")]
    overdue: bool
    taken_until: Annotated[str | None, Meta(description="Till then it is yours; then it is open again.")]
    stop_asked: Annotated[bool, Meta(description="Its buyer wants it stopped: refuse it, or answer if it is done.")]
    account: Annotated[
        dict[str, str] | None,
        Meta(description="Whom it is for: masked, and in clear in the answer to `take`. Null where there is nothing."),
    ]


class TasksAnswer(msgspec.Struct, frozen=True):
    orders: list[TaskBody]
    next_cursor: Annotated[str | None, Meta(description="Null on the last page.")] = None


class TasksQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    cursor: Place | UnsetType = UNSET
    limit: Limit = PAGE
    state: Annotated[TaskStateWord, Meta(description="Only these; without it, open and taken ones.")] | UnsetType = (
        UNSET
    )


class CardIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    secret: Annotated[str, Meta(min_length=1, max_length=500)]
    number: Annotated[str, Meta(max_length=500, description="Empty for cards that are a code only.")] = ""


class AnswerBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At least one of the three."""

    text: Annotated[str, Meta(max_length=TEXT_CHARS_MAX)] = ""
    cards: Annotated[list[CardIn], Meta(max_length=CARDS_MAX)] = []
    image: Annotated[Base64, Meta(description="PNG, JPEG or WebP of at most 1 MiB, in base64.")] = ""


class RefusalBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reason: Annotated[
        str, Meta(min_length=1, max_length=500, description="Its buyer reads it. Without the account itself.")
    ]
