"""What goes in and out where orders are read: bodies, queries, answers."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from kameng.openapi.v1.model import (
    IDS_MAX,
    PAGE,
    Cursor,
    Id,
    Limit,
    Moment,
    Money,
    OrderState,
    PartState,
    SkuCode,
    StepBody,
)


class PartView(msgspec.Struct, frozen=True):
    """A part of an order of a bundle."""

    part_no: Annotated[int, Meta(ge=1, description="Its number among them.")]
    sku: SkuCode
    quantity: Annotated[int, Meta(description="Pieces, of all the bundles of the order.")]
    worth: Annotated[Money, Meta(description="Of the total; goes back if the part can't be delivered.")]
    state: PartState


class OrderView(msgspec.Struct, frozen=True):
    """An order without its cards: those are revealed, which leaves an audit line."""

    id: Id
    client_ref: str
    sku: SkuCode
    quantity: int
    unit_price: Money
    total: Money
    currency: str
    state: OrderState
    sequence: Annotated[int, Meta(description="Rises with every change; of two views the higher one is newer.")]
    placed_at: Moment
    trace: list[StepBody]
    refunded: Annotated[Money, Meta(description="What went back of the total.")] = "0.0000"
    confirm_until: Annotated[
        str | None, Meta(description="Until when you may confirm what came; the money rests in escrow. Null: never.")
    ] = None
    account: Annotated[
        dict[str, str] | None,
        Meta(
            description="Whom it is for, masked; null where there is nothing, or where it was removed.",
            examples=[{"phone": "138****8000"}],
        ),
    ] = None
    parts: Annotated[list[PartView], Meta(description="Of a bundle: each comes, or goes back, by itself.")] = []


class OrdersAnswer(msgspec.Struct, frozen=True):
    orders: list[OrderView]
    next_cursor: Annotated[str | None, Meta(description="Null on the last page.")] = None


class OrdersQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    client_ref: (
        Annotated[str, Meta(min_length=1, max_length=64, description="The one order of this reference.")] | UnsetType
    ) = UNSET
    ids: (
        Annotated[
            str,
            Meta(
                pattern=f"^[0-9]{{1,19}}(,[0-9]{{1,19}}){{0,{IDS_MAX - 1}}}$",
                description=f"At most {IDS_MAX} order ids with commas between them.",
            ),
        ]
        | UnsetType
    ) = UNSET
    cursor: Cursor | UnsetType = UNSET
    limit: Limit = PAGE
    state: Annotated[OrderState, Meta(description="Only orders in this state.")] | UnsetType = UNSET


class SearchBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """In a body and not in the address: addresses stand in the logs of proxies."""

    account: Annotated[
        str,
        Meta(
            min_length=4, max_length=254, examples=["138 0013 8000"],
            description="A phone number, account, e-mail address or identity number, whole, as people type it.",
        ),
    ]
    cursor: Cursor | UnsetType = UNSET
    limit: Limit = PAGE


class EventBody(msgspec.Struct, frozen=True):
    """Something that happened to an order."""

    sequence: int
    id: Id
    kind: Annotated[str, Meta(examples=["order.delivered"])]
    actor: Annotated[str, Meta(description="The id of the key or person that did it; 0: the platform itself.")]
    at: Moment
    data: dict[str, Any] | None


class EventsAnswer(msgspec.Struct, frozen=True):
    events: list[EventBody]
