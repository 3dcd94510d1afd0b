"""What goes over the wire on the agent's side: who buys from him, what he adds, what he earned."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from kameng.openapi.v1.model import PAGE, Cursor, Id, Limit, Moment, Money, OrderState, SkuCode

Price = Annotated[str, Meta(pattern=r"^[0-9]{1,9}(\.[0-9]{1,4})?$", description="Above zero.", examples=["98.5000"])]
Signed = Annotated[
    str, Meta(pattern=r"^-?[0-9]{1,9}(\.[0-9]{1,4})?$", description="May be below zero.", examples=["1.5"])
]
Level = Annotated[int, Meta(ge=0, le=99)]
Next = Annotated[str | None, Meta(description="Null on the last page.")]


class BuyerBody(msgspec.Struct, frozen=True):
    """An organisation that buys from you, and from nobody between."""

    id: Id
    name: str
    kind: Literal["merchant", "agent", "supplier", "platform"]
    level: Annotated[int, Meta(description="Which of your templates hold for it.")]
    state: Literal["active", "suspended", "closed"]
    currency: str
    available: Annotated[Money, Meta(description="What an order of its own may cost now.")]
    self_collected: bool
    minimum_balance: Money | None
    day_budget: Money | None
    month_budget: Money | None


class BuyersAnswer(msgspec.Struct, frozen=True):
    buyers: list[BuyerBody]
    next_cursor: Next = None


class BuyersQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    cursor: Cursor | UnsetType = UNSET
    limit: Limit = PAGE


class ShopOrderBody(msgspec.Struct, frozen=True):
    """An order of your shop, without what is its buyer's own: no cards, no account, no reference."""

    id: Id
    buyer: Id
    sku: SkuCode
    quantity: int
    unit_price: Money
    total: Money
    refunded: Money
    margin: Annotated[Money, Meta(description="What you keep of the total; a refund takes its share back.")]
    state: OrderState
    placed_at: Moment


class ShopOrdersAnswer(msgspec.Struct, frozen=True):
    orders: list[ShopOrderBody]
    next_cursor: Next = None


class ShopOrdersQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    buyer: Annotated[Id, Meta(description="Only of this one.")] | UnsetType = UNSET
    cursor: Cursor | UnsetType = UNSET
    limit: Limit = PAGE


class EarningsAnswer(msgspec.Struct, frozen=True):
    currency: str
    to_settle: Annotated[Money, Meta(description="Margins that are not in your wallet yet; below zero: you owe them.")]
    available: Annotated[Money, Meta(description="What your wallet has, margins that arrived too.")]


class MarkupBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is added to what you pay, rounded once at its end."""

    fixed: Signed = "0"
    percent: Signed = "0"
    unit: Annotated[Literal["0.0001", "0.01", "0.1", "1"], Meta(description="Prices are rounded to so much.")] = (
        "0.0001"
    )
    rounding: Literal["up", "half_even", "down"] = "up"
    ending: Annotated[
        str, Meta(pattern=r"^0(\.[0-9]{1,4})?$", description="What prices end in, below the unit: 0.9.")
    ] = "0"


class TemplateBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A template and where it holds. The nearest speaks: of the SKU, its brand, its scene, all."""

    scope: Literal["sku", "brand", "scene", "all"]
    markup: MarkupBody | None
    which: Annotated[str, Meta(max_length=80, description="The SKU, brand or scene; empty for `all`.")] = ""
    level: Annotated[Level | None, Meta(description="Only for buyers of that level; null: of every level.")] = None


class TemplatesAnswer(msgspec.Struct, frozen=True):
    templates: list[TemplateBody]


class BoundBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the agents below you may ask for a SKU; neither takes the bound away."""

    sku: SkuCode
    floor: Price | None = None
    ceiling: Price | None = None


class BoundsAnswer(msgspec.Struct, frozen=True):
    bounds: list[BoundBody]


class BuyerPriceBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """密价: the price of a SKU for one of your buyers; null takes it away."""

    sku: SkuCode
    buyer: Id
    price: Price | None


class BuyerPricesAnswer(msgspec.Struct, frozen=True):
    prices: list[BuyerPriceBody]
