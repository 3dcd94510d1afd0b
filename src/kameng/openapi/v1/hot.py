"""The two hot routes as the document sees them. The gateway never sends them here: ``intake`` takes them.

They stand in the router so that other methods on their paths get 405 with the right Allow.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar import Response, post
from msgspec import UNSET, UnsetType

from kameng import catalogue, identity, ledger, orders, pricing, risk
from kameng.identity import Scope
from kameng.openapi.errors import NoSuchPath
from kameng.openapi.intake import BULK, PLACE, OrderAnswer
from kameng.openapi.problems import Problem
from kameng.openapi.v1 import examples
from kameng.openapi.v1.endpoints import Reply, says

PLACING = (
    orders.BadOrder, orders.BadAccount, catalogue.UnknownSku, orders.NotOnSale, orders.BadQuantity, orders.SoldOut,
    orders.ReferenceReused, ledger.InsufficientBalance, ledger.LedgerRefused, pricing.PriceChanged, pricing.BelowCost,
    risk.RiskRefused, risk.VelocityExceeded, risk.ShareUsed, identity.DailyLimitExceeded, orders.Busy,
    orders.OutcomeUnknown, orders.OrderNotPlaced, orders.CardTaken, orders.ShopClosed, orders.ShopPaused,
)  # fmt: skip
"""What may become of one order besides its standing."""


class BulkRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one row: the order, or the problem."""

    index: int
    status: int
    order: OrderAnswer | UnsetType = UNSET
    problem: Problem | UnsetType = UNSET


class BulkAnswer(msgspec.Struct, frozen=True):
    results: list[BulkRow]
    accepted: int
    refused: int


class BulkOrders(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Many orders of one caller. Each row as if it came alone, but with one signature for all."""

    orders: Annotated[list[orders.OrderBody], msgspec.Meta(min_length=1, max_length=orders.BULK_EACH_MAX)]
    mode: Annotated[
        Literal["each", "all"],
        msgspec.Meta(
            description=f"`each`: every row on its own, at most {orders.BULK_EACH_MAX}. "
            f"`all`: all rows or none, in one transaction, at most {orders.BULK_ALL_MAX}."
        ),
    ] = "each"


@post(
    PLACE,
    opt=says(
        operation="placeOrder", tag="orders", zh="下单", en="Place an order",
        text="Paid from your wallet. Goods from stock come in the answer (201, `delivered`, with `cards`: number and "
        "secret, or the redeem link as `url`); others are "
        "accepted (`fulfilling`). One that is `held` is paid, and a person looks at it before its goods come. The same "
        "`client_ref` with the same content is the same order for ever: 200 with "
        "`replayed`. After a time-out or a 503 send the same body again, signed afresh.",
        scope=Scope.orders_place, write=True, body=orders.OrderBody, body_example=examples.ORDER_BODY,
        refusals=PLACING,
        replies=(
            Reply(201, OrderAnswer, "Placed now.", examples.PLACED),
            Reply(200, OrderAnswer, "It stood already.", examples.REPLAYED),
        ),
    ),
)  # fmt: skip
async def place() -> Response[bytes]:
    raise NoSuchPath(f"{PLACE}, without a slash at its end", detail_zh="路径末尾请勿加斜杠")


@post(
    BULK,
    opt=says(
        operation="placeOrders", tag="orders", zh="批量下单", en="Place many orders",
        text="Answers 200 whenever the request itself was good; `results` says what became of each row, in order. "
        "Rows that were refused may be sent again with their references.",
        scope=Scope.orders_place, write=True, body=BulkOrders, body_example=examples.BULK_BODY,
        refusals=(orders.BadOrder, orders.Busy),
        replies=(Reply(200, BulkAnswer, "One result a row.", examples.BULK),),
    ),
)  # fmt: skip
async def place_bulk() -> Response[bytes]:
    raise NoSuchPath(f"{BULK}, without a slash at its end", detail_zh="路径末尾请勿加斜杠")
