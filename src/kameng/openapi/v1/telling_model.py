"""What goes over the wire about webhooks and events."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from kameng.openapi.v1.model import PAGE, Cursor, Id, Limit, Moment

Url = Annotated[str, Meta(max_length=500, description="https, and a public address.")]
Kinds = Annotated[
    list[Annotated[str, Meta(max_length=72)]],
    Meta(max_length=20, description="Which events, like `order.delivered`, `order.*` or `recharge.paid`; empty: all."),
]
Name = Annotated[str, Meta(max_length=60, description="For you; it is not sent.")]


class WebhookBody(msgspec.Struct, frozen=True):
    """An endpoint of yours."""

    id: Id
    name: str
    url: str
    kinds: list[str]
    state: Annotated[
        Literal["active", "disabled"], Meta(description="`disabled`: nothing is sent, and what happens is not kept.")
    ]
    reason: Annotated[str, Meta(description="Why it is disabled: `gone` (it answered 410), `failing`, or your own.")]
    created_at: Moment
    failures: Annotated[int, Meta(description="Failures in a row, as of a moment ago.")]
    failing_since: str | None
    paused_until: Annotated[
        str | None, Meta(description="It fails too often: one message is tried then, all others wait for that one.")
    ]


class WebhooksAnswer(msgspec.Struct, frozen=True):
    webhooks: list[WebhookBody]


class NewWebhookAnswer(msgspec.Struct, frozen=True):
    """An endpoint with its secret, which is never shown again."""

    webhook: WebhookBody
    secret: Annotated[str, Meta(description="`whsec_…`: verify `webhook-signature` with it (Standard Webhooks 1.0).")]


class NewWebhook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    url: Url
    kinds: Kinds = []
    name: Name = ""


class WebhookChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be changed; the rest stays."""

    url: Url | UnsetType = UNSET
    kinds: Kinds | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    state: (
        Annotated[
            Literal["active", "disabled"], Meta(description="`active` also ends a pause: it is tried at once.")
        ]
        | UnsetType
    ) = UNSET


class WebhookRemoved(msgspec.Struct, frozen=True):
    id: Id
    state: Literal["removed"]


class WebhookTested(msgspec.Struct, frozen=True):
    """What came of a test message."""

    delivered: bool
    status: Annotated[int, Meta(description="The receiver's HTTP status; 0: it gave none.")]
    took_ms: int
    fault: Annotated[str, Meta(description="Why it was not delivered; empty if it was.")]


class ReplayBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Either ``event``, or ``since`` and perhaps ``until``."""

    event: Id | UnsetType = UNSET
    since: Annotated[str, Meta(max_length=40, description="RFC 3339.")] | UnsetType = UNSET
    until: Annotated[str, Meta(max_length=40, description="At most a day after `since`.")] | UnsetType = UNSET


class ReplayAnswer(msgspec.Struct, frozen=True):
    id: Id
    state: Literal["replaying"]


class DeliveryBody(msgspec.Struct, frozen=True):
    """One attempt."""

    event: Id
    attempt: int
    at: Moment
    status: Annotated[int, Meta(description="0: no answer.")]
    took_ms: int
    fault: str


class DeliveriesAnswer(msgspec.Struct, frozen=True):
    deliveries: list[DeliveryBody]
    next_cursor: Annotated[str | None, Meta(description="Null on the last page.")] = None


class DeliveriesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    cursor: Cursor | UnsetType = UNSET
    limit: Limit = PAGE


class FeedEvent(msgspec.Struct, frozen=True):
    """The body of a webhook, with its event's id."""

    id: Id
    type: Annotated[str, Meta(examples=["order.delivered"])]
    timestamp: Moment
    data: Annotated[dict[str, Any], Meta(description="The subject as it stands now, with its own `sequence`.")]


class FeedAnswer(msgspec.Struct, frozen=True):
    events: list[FeedEvent]
    next_cursor: Annotated[str, Meta(description="Go on from here, also after the last page: later, for what is new.")]
    more: Annotated[bool, Meta(description="Whether there is more at once.")]


class FeedQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    cursor: Cursor | UnsetType = UNSET
    limit: Limit = PAGE
