"""The router: every endpoint and page that is not on the hot path, as one Litestar app behind ``Front``."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec
from litestar import Litestar, Request, Response, get

from kameng.openapi import pages
from kameng.openapi.headers import security_headers
from kameng.openapi.v1 import (
    agents,
    checklist,
    desk,
    feed,
    goods,
    handwork,
    hot,
    money,
    orders,
    payments,
    quotes,
    service,
    statements,
    supplier,
    webhooks,
)  # fmt: skip
from kameng.openapi.v1.arriving import Front, on_error
from kameng.openapi.v1.document import build

if TYPE_CHECKING:
    from kameng.openapi.app import Parts


@get("/api/v1/openapi.json", opt={"hidden": True})
async def show_document(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The OpenAPI document; ``?lang=en`` for English summaries."""
    language = "en" if request.query_params.get("lang") == "en" else "zh"
    headers = {"cache-control": "public, max-age=300"}
    return Response(request.scope["state"]["documents"][language], media_type="application/json", headers=headers)


ENDPOINTS = [
    hot.place, hot.place_bulk, orders.list_orders, orders.find_order, orders.list_events, orders.reveal_order,
    orders.search_orders,
    orders.reveal_image, orders.cancel_order, orders.confirm_order, orders.refund_order,
    goods.list_catalogue, goods.find_sku, goods.list_product_changes, goods.show_stock,
    goods.list_cards_on_display,
    quotes.ask_quotes, money.show_balance, money.list_statement,
    feed.list_events, webhooks.list_webhooks, webhooks.create_webhook, webhooks.change_webhook,
    webhooks.remove_webhook, webhooks.rotate_webhook, webhooks.test_webhook, webhooks.replay_webhook,
    webhooks.list_deliveries,
    statements.show_statements, statements.show_statements_csv, desk.ask_withdrawal, desk.list_withdrawals,
    desk.find_withdrawal, desk.cancel_withdrawal, desk.list_price_changes,
    payments.pay_order, payments.list_payments, payments.recharge, payments.list_recharges, payments.find_recharge,
    agents.list_buyers, agents.list_shop_orders, agents.show_earnings, agents.list_markups, agents.set_markup,
    agents.list_bounds, agents.set_bound, agents.list_buyer_prices, agents.set_buyer_price,
    supplier.list_supplied_goods, supplier.list_batches, supplier.load_cards, supplier.show_live_stock,
    supplier.void_cards,
    handwork.list_tasks, handwork.find_task, handwork.take_task, handwork.give_back_task, handwork.answer_task,
    handwork.refuse_task, checklist.check_go_live,
    service.self_test, service.list_errors, service.health, service.show_metrics, show_document,
]  # fmt: skip
"""Every handler of the API."""


@cache
def document(language: str, *, server: str = "") -> bytes:
    """The OpenAPI document as it is served."""
    return msgspec.json.encode(build(ENDPOINTS, language=language, server=server))


def create_router_app(parts: Parts) -> Front:
    """The ASGI app behind the hot door."""
    server = parts.settings.public_url.rstrip("/")
    shared = {
        "parts": parts,
        "shelves": goods.Shelves(parts.db),
        "pulse": service.Pulse(parts.db),
        "documents": {language: document(language, server=server) for language in ("zh", "en")},
        "library": pages.Library(),
    }
    headers = security_headers(parts.settings)
    return Front(_app(), shared=shared, headers=headers, timeout_s=parts.settings.request_timeout_s)


@cache
def _app() -> Litestar:
    """The routes, which are the same for every platform."""
    return Litestar(
        route_handlers=[*ENDPOINTS, *pages.PAGES],
        exception_handlers={Exception: on_error},
        openapi_config=None,
        logging_config=None,
        debug=False,
    )
