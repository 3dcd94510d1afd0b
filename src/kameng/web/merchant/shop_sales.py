"""What an agent's shop sold, what that earned, and who buys there. His own only, and nothing that is his buyers'."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any

from litestar import Response, get
from litestar.params import FromPath

from kameng import identity, ledger, orders, shops
from kameng.identity import Organisation
from kameng.kit import clock, ids, privacy
from kameng.kit.db import Connection
from kameng.kit.ids import ID_MAX
from kameng.orders import ShopOrder, State
from kameng.web.answering import page
from kameng.web.merchant.shop_own import PAGE, id_asked, number
from kameng.web.parts import AnyRequest, door_of
from kameng.web.viewing import viewer_of

EARNED = (State.delivered, State.settled, State.partly_delivered, State.refunded)
"""States in which a margin was booked, or taken back."""
DAYS = (7, 30)


@get("/merchant/shop/orders", opt={"face": "agent", "act": "view"})
async def list_orders(request: AnyRequest) -> Response[Any]:
    """Newest first; ``?buyer=`` only of one who buys from him."""
    agent, db = viewer_of(request).me, door_of(request).db
    before_id, buyer_id = id_asked(request, "before", ID_MAX), id_asked(request, "buyer", 0)
    buyer = None
    if buyer_id:
        async with db.connection() as connection:
            buyer = await shops.buyer_of(connection, agent, buyer_id)
        found = await orders.list_of_shop(db, agent.org_id, [buyer_id], before_id=before_id, limit=PAGE + 1)
    else:
        found = await orders.list_sold(db, agent.org_id, before_id=before_id, limit=PAGE + 1)
    async with db.connection() as connection:
        names = await names_of(connection, {one.org_id for one in found})
    return page(
        request, "agent/orders.html", buyer=buyer, names=names, booked=EARNED, **_paged(found),
        skus=door_of(request).snapshot.catalogue.skus,
    )  # fmt: skip


@get("/merchant/shop/orders/{order_id:str}", opt={"face": "agent", "act": "view"})
async def show_order(request: AnyRequest, order_id: FromPath[str]) -> Response[Any]:
    """One that he sold: what it earns him and how it goes. Of its buyer a masked name, for it is not his order."""
    agent, door = viewer_of(request).me, door_of(request)
    order, told = await orders.find_sold(door.db, agent.org_id, number(order_id))
    async with door.db.connection() as connection:
        names = await names_of(connection, [order.org_id])
    return page(
        request, "agent/order.html", order=order, told=told, booked=EARNED,
        buyer=privacy.mask("name", names.get(order.org_id, "")), sku=door.snapshot.catalogue.skus.get(order.sku_id),
    )  # fmt: skip


def _paged(found: Sequence[ShopOrder]) -> dict[str, Any]:
    return {"orders": found[:PAGE], "next_id": found[PAGE - 1].order_id if len(found) > PAGE else None}


@get("/merchant/shop/earnings", opt={"face": "agent", "act": "money.view"})
async def show_earnings(request: AnyRequest) -> Response[Any]:
    agent, db = viewer_of(request).me, door_of(request).db
    days = 30 if request.query_params.get("days") == "30" else 7
    today = clock.china_day()
    earned = await orders.earned_by_day(db, agent.org_id, today - timedelta(days=days - 1), today)
    async with db.connection() as connection:
        to_settle_e4 = sum(e4 for _, e4 in await ledger.unsettled_of(connection, agent.org_id))
        wallet = (await wallets_of(connection, [agent]))[agent.org_id]
    newest = await orders.list_sold(db, agent.org_id, before_id=ID_MAX, limit=10)
    return page(
        request, "agent/earnings.html", earned=sorted(earned.items(), reverse=True), days=days, offered=DAYS,
        total_e4=sum(earned.values()), to_settle_e4=to_settle_e4, wallet=wallet, orders=newest, booked=EARNED,
        skus=door_of(request).snapshot.catalogue.skus,
    )  # fmt: skip


@get("/merchant/shop/customers", opt={"face": "agent", "act": "view"})
async def list_customers(request: AnyRequest) -> Response[Any]:
    """Who buys from him and is no agent: newest first."""
    agent, asked = viewer_of(request).me, request.query_params.get("q", "").strip()[:40]
    async with door_of(request).db.connection() as connection:
        found = await identity.list_children(
            connection, agent.org_id, kinds=("customer", "merchant"), before_id=id_asked(request, "before", ID_MAX),
            limit=PAGE + 1, name=asked,
        )  # fmt: skip
        wallets = await wallets_of(connection, found[:PAGE])
    next_id = found[PAGE - 1].org_id if len(found) > PAGE else None
    return page(request, "agent/customers.html", buyers=found[:PAGE], wallets=wallets, next_id=next_id, asked=asked)


async def wallets_of(connection: Connection, some: Iterable[Organisation]) -> dict[int, ledger.Account]:
    found = {}
    for lane, group in _by_lane(one.org_id for one in some):
        accounts = await ledger.read_accounts(connection, lane, group)
        found.update({account.account_id: account for account in accounts})
    return found


async def names_of(connection: Connection, org_ids: Iterable[int]) -> dict[int, str]:
    found = {}
    for lane, group in _by_lane(org_ids):
        for one in await identity.read_organisations(connection, lane, group):
            found[one.org_id] = one.name
    return found


def _by_lane(org_ids: Iterable[int]) -> list[tuple[int, list[int]]]:
    ordered = sorted(org_ids, key=lambda org_id: (ids.lane_of(org_id), org_id))
    return [(lane, list(group)) for lane, group in groupby(ordered, key=ids.lane_of)]
