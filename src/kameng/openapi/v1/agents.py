"""The agent's side: who buys from him, what he adds to a price, the orders of his shop, what he earned.

Only what is his: whoever buys from him directly, his own templates, bounds and named prices, his own margin of an
order. What those above him pay, and what those below keep to themselves, is not here.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import msgspec
from litestar import Response, get, post
from msgspec import UNSET

from kameng import catalogue, identity, ledger, orders, pricing
from kameng.identity import NoSuchOrganisation, Organisation, Scope
from kameng.kit import clock, ids, money
from kameng.kit.db import Connection
from kameng.openapi.errors import NotAgent
from kameng.openapi.v1 import examples
from kameng.openapi.v1.agents_model import (
    BoundBody,
    BoundsAnswer,
    BuyerBody,
    BuyerPriceBody,
    BuyerPricesAnswer,
    BuyersAnswer,
    BuyersQuery,
    EarningsAnswer,
    MarkupBody,
    ShopOrderBody,
    ShopOrdersAnswer,
    ShopOrdersQuery,
    TemplateBody,
    TemplatesAnswer,
)  # fmt: skip
from kameng.openapi.v1.arriving import AnyRequest, Arrival, answer, arrival_of, signed, spend
from kameng.openapi.v1.endpoints import Reply, says
from kameng.openapi.v1.goods import sku_named
from kameng.openapi.v1.reading import body_of, first_page, id_of, parse_cursor, query_of
from kameng.orders import ID_MAX
from kameng.pricing import EVERY_LEVEL, Bound, Markup, Template


@get(
    "/api/v1/agent/buyers",
    guards=[signed],
    opt=says(
        operation="listBuyers", tag="agents", zh="我的下级", en="Who buys from you",
        text="Directly; who buys from them is theirs.", scope=Scope.agents_read, query=BuyersQuery,
        refusals=(NotAgent,), replies=(Reply(200, BuyersAnswer, "A page of them, oldest first.", examples.BUYERS),),
    ),
)  # fmt: skip
async def list_buyers(request: AnyRequest) -> Response[bytes]:
    arrival = arrival_of(request)
    agent, query = _agent(arrival), query_of(arrival.query, BuyersQuery)
    after_id = 0 if query.cursor is UNSET else parse_cursor(query.cursor)
    async with arrival.parts.db.connection() as connection:
        every = [one for one in await identity.children(connection, agent.org_id) if one.org_id > after_id]
        page, next_cursor = first_page(every, query.limit, lambda one: one.org_id)
        wallets = await _wallets(connection, page)
    return answer(arrival, BuyersAnswer([_buyer(one, wallets[one.org_id]) for one in page], next_cursor))


@get(
    "/api/v1/agent/orders",
    guards=[signed],
    opt=says(
        operation="listShopOrders", tag="agents", zh="店铺订单", en="Orders of your shop",
        text="What your direct buyers bought from you, newest first, with your margin. Nothing of theirs: no cards, no "
        "account, no reference.",
        scope=Scope.agents_read, query=ShopOrdersQuery, refusals=(NotAgent, NoSuchOrganisation),
        replies=(Reply(200, ShopOrdersAnswer, "A page of orders.", examples.SHOP_ORDERS),),
    ),
)  # fmt: skip
async def list_shop_orders(request: AnyRequest) -> Response[bytes]:
    arrival = arrival_of(request)
    agent, query = _agent(arrival), query_of(arrival.query, ShopOrdersQuery)
    async with arrival.parts.db.connection() as connection:
        buyers = [one.org_id for one in await identity.children(connection, agent.org_id)]
    if query.buyer is not UNSET:
        wanted = id_of(query.buyer, NoSuchOrganisation)
        if wanted not in buyers:
            raise NoSuchOrganisation(field="buyer")
        buyers = [wanted]
    before_id = ID_MAX if query.cursor is UNSET else parse_cursor(query.cursor)
    found = await orders.list_of_shop(
        arrival.parts.db, agent.org_id, buyers, before_id=before_id, limit=query.limit + 1
    )
    page, next_cursor = first_page(found, query.limit, lambda one: one.order_id)
    return answer(arrival, ShopOrdersAnswer([_order(one) for one in page], next_cursor))


@get(
    "/api/v1/agent/earnings",
    guards=[signed],
    opt=says(
        operation="showEarnings", tag="agents", zh="我的收益", en="What you earned",
        text="Margins are booked when an order is delivered, and arrive in your wallet within minutes.",
        scope=Scope.agents_read, refusals=(NotAgent,),
        replies=(Reply(200, EarningsAnswer, "On its way, and in your wallet.", examples.EARNINGS),),
    ),
)  # fmt: skip
async def show_earnings(request: AnyRequest) -> Response[bytes]:
    arrival = arrival_of(request)
    agent = _agent(arrival)
    async with arrival.parts.db.connection() as connection:
        to_settle_e4 = sum(e4 for _, e4 in await ledger.unsettled_of(connection, agent.org_id))
        wallet = (await _wallets(connection, [agent]))[agent.org_id]
    shown = EarningsAnswer(wallet.currency, money.format_e4(to_settle_e4), money.format_e4(wallet.available_e4))
    return answer(arrival, shown)


@get(
    "/api/v1/agent/markups",
    guards=[signed],
    opt=says(
        operation="listMarkups", tag="agents", zh="加价模板", en="Your templates", scope=Scope.agents_read,
        refusals=(NotAgent,),
        replies=(Reply(200, TemplatesAnswer, "Those that hold for the fewest goods first.", examples.TEMPLATES),),
    ),
)  # fmt: skip
async def list_markups(request: AnyRequest) -> Response[bytes]:
    arrival = arrival_of(request)
    return answer(arrival, await _templates(arrival, _agent(arrival)))


@post(
    "/api/v1/agent/markups",
    status_code=200,
    guards=[signed],
    opt=says(
        operation="setMarkup", tag="agents", zh="设置加价模板", en="Set a template",
        text="What you add to what you pay, for your buyers' next orders. `markup: null` takes it away.",
        scope=Scope.agents_write, write=True, body=TemplateBody, body_example=examples.TEMPLATE_BODY,
        refusals=(NotAgent, pricing.BadPrice, pricing.NoSuchPrice, catalogue.UnknownSku),
        replies=(Reply(200, TemplatesAnswer, "All your templates.", examples.TEMPLATES),),
    ),
)  # fmt: skip
async def set_markup(request: AnyRequest) -> Response[bytes]:
    arrival = arrival_of(request)
    agent, sent = _agent(arrival), body_of(arrival.body, _template_decoder)
    if sent.scope == "sku":
        sku_named(arrival.parts.snapshot, sent.which)
    await spend(arrival)
    level, db, actor_id = EVERY_LEVEL if sent.level is None else sent.level, arrival.parts.db, arrival.caller.key.key_id
    if sent.markup is None:
        await pricing.remove_markup(db, agent.org_id, sent.scope, sent.which, level, actor_id=actor_id)
    else:
        template = Template(agent.org_id, sent.scope, sent.which, level, _markup(sent.markup))
        await pricing.set_markup(db, template, actor_id=actor_id)
    return answer(arrival, await _templates(arrival, agent))


@get(
    "/api/v1/agent/bounds",
    guards=[signed],
    opt=says(
        operation="listBounds", tag="agents", zh="限价", en="Your bounds", scope=Scope.agents_read,
        refusals=(NotAgent,), replies=(Reply(200, BoundsAnswer, "By SKU.", examples.BOUNDS),),
    ),
)  # fmt: skip
async def list_bounds(request: AnyRequest) -> Response[bytes]:
    arrival = arrival_of(request)
    return answer(arrival, await _bounds(arrival, _agent(arrival)))


@post(
    "/api/v1/agent/bounds",
    status_code=200,
    guards=[signed],
    opt=says(
        operation="setBound", tag="agents", zh="设置限价", en="Set a bound",
        text="What the agents below you may ask for a SKU. Without floor and ceiling the bound is taken away.",
        scope=Scope.agents_write, write=True, body=BoundBody, body_example=examples.BOUND_BODY,
        refusals=(NotAgent, pricing.BadPrice, pricing.NoSuchPrice, catalogue.UnknownSku),
        replies=(Reply(200, BoundsAnswer, "All your bounds.", examples.BOUNDS),),
    ),
)  # fmt: skip
async def set_bound(request: AnyRequest) -> Response[bytes]:
    arrival = arrival_of(request)
    agent, sent = _agent(arrival), body_of(arrival.body, _bound_decoder)
    sku = sku_named(arrival.parts.snapshot, sent.sku)
    await spend(arrival)
    await pricing.set_bound(
        arrival.parts.db, agent.org_id, sku.sku_id, Bound(_e4(sent.floor), _e4(sent.ceiling)),
        actor_id=arrival.caller.key.key_id,
    )  # fmt: skip
    return answer(arrival, await _bounds(arrival, agent))


@get(
    "/api/v1/agent/prices",
    guards=[signed],
    opt=says(
        operation="listBuyerPrices", tag="agents", zh="下级密价", en="Prices for one buyer", scope=Scope.agents_read,
        refusals=(NotAgent,), replies=(Reply(200, BuyerPricesAnswer, "By SKU.", examples.BUYER_PRICES),),
    ),
)  # fmt: skip
async def list_buyer_prices(request: AnyRequest) -> Response[bytes]:
    arrival = arrival_of(request)
    return answer(arrival, await _buyer_prices(arrival, _agent(arrival)))


@post(
    "/api/v1/agent/prices",
    status_code=200,
    guards=[signed],
    opt=says(
        operation="setBuyerPrice", tag="agents", zh="设置下级密价", en="Set a price for one buyer",
        text="Instead of your template, for as long as he buys from you. `price: null` takes it away.",
        scope=Scope.agents_write, write=True, body=BuyerPriceBody, body_example=examples.BUYER_PRICE_BODY,
        refusals=(NotAgent, NoSuchOrganisation, pricing.BadPrice, pricing.NoSuchPrice, catalogue.UnknownSku),
        replies=(Reply(200, BuyerPricesAnswer, "All such prices of yours.", examples.BUYER_PRICES),),
    ),
)  # fmt: skip
async def set_buyer_price(request: AnyRequest) -> Response[bytes]:
    arrival = arrival_of(request)
    agent, sent = _agent(arrival), body_of(arrival.body, _price_decoder)
    sku, buyer_id = sku_named(arrival.parts.snapshot, sent.sku), id_of(sent.buyer, NoSuchOrganisation)
    async with arrival.parts.db.connection() as connection:
        found = await identity.read_organisations(connection, ids.lane_of(buyer_id), [buyer_id])
        present = {(one.sku_id, one.org_id) for one in await pricing.named_by(connection, agent.org_id)}
    if not found or found[0].parent_id != agent.org_id:  # another's, or nobody's: the same to him
        raise NoSuchOrganisation(field="buyer")
    await spend(arrival)
    db, actor_id = arrival.parts.db, arrival.caller.key.key_id
    if sent.price is not None:
        await pricing.set_named_price(
            db, sku.sku_id, buyer_id, money.parse_e4(sent.price), seller_id=agent.org_id, actor_id=actor_id
        )
    elif (sku.sku_id, buyer_id) not in present:  # one that the platform set when it sold to him is not his
        raise pricing.NoSuchPrice(field="buyer")
    else:
        await pricing.remove_price(db, "named", sku.sku_id, buyer_id, actor_id=actor_id)
    return answer(arrival, await _buyer_prices(arrival, agent))


_template_decoder = msgspec.json.Decoder(TemplateBody)
_bound_decoder = msgspec.json.Decoder(BoundBody)
_price_decoder = msgspec.json.Decoder(BuyerPriceBody)


def _agent(arrival: Arrival) -> Organisation:
    """The caller's organisation, if others may buy from it."""
    organisation = arrival.caller.organisation
    if organisation.kind != "agent" or organisation.sandbox:
        raise NotAgent
    return organisation


async def _wallets(connection: Connection, some: Sequence[Organisation]) -> dict[int, ledger.Account]:
    found = {}
    for lane, group in groupby(sorted(some, key=lambda one: one.lane), key=lambda one: one.lane):
        accounts = await ledger.read_accounts(connection, lane, [one.org_id for one in group])
        found.update({account.account_id: account for account in accounts})
    return found


async def _templates(arrival: Arrival, agent: Organisation) -> TemplatesAnswer:
    async with arrival.parts.db.connection() as connection:
        return TemplatesAnswer([_template(one) for one in await pricing.templates_of(connection, agent.org_id)])


async def _bounds(arrival: Arrival, agent: Organisation) -> BoundsAnswer:
    async with arrival.parts.db.connection() as connection:
        found = await pricing.bounds_of(connection, agent.org_id)
    shown = [BoundBody(str(sku_id), _text(bound.floor_e4), _text(bound.ceiling_e4)) for sku_id, bound in found]
    return BoundsAnswer(shown)


async def _buyer_prices(arrival: Arrival, agent: Organisation) -> BuyerPricesAnswer:
    async with arrival.parts.db.connection() as connection:
        found = await pricing.named_by(connection, agent.org_id)
    return BuyerPricesAnswer([BuyerPriceBody(str(one.sku_id), str(one.org_id), _text(one.price_e4)) for one in found])


def _buyer(one: Organisation, wallet: ledger.Account) -> BuyerBody:
    return BuyerBody(
        str(one.org_id), one.name,
        one.kind,  # type: ignore[arg-type] # one of their kinds
        one.level,
        one.state,  # type: ignore[arg-type] # one of their states
        one.currency, money.format_e4(wallet.available_e4), one.self_collected, _text(one.minimum_balance_e4),
        _text(one.day_budget_e4), _text(one.month_budget_e4),
    )  # fmt: skip


def _order(one: orders.ShopOrder) -> ShopOrderBody:
    return ShopOrderBody(
        str(one.order_id), str(one.org_id), str(one.sku_id), one.quantity, money.format_e4(one.unit_price_e4),
        money.format_e4(one.total_e4), money.format_e4(one.refunded_e4), money.format_e4(one.margin_e4),
        one.state,  # type: ignore[arg-type] # one of orders.State
        clock.rfc3339(one.placed_at),
    )  # fmt: skip


def _template(one: Template) -> TemplateBody:
    m = one.markup
    markup = MarkupBody(
        money.format_e4(m.fixed_e4), money.format_e4(m.percent_e4),
        _UNITS[m.unit_e4],  # type: ignore[arg-type] # one of the four
        m.rounding, money.format_e4(m.ending_e4),
    )  # fmt: skip
    return TemplateBody(one.scope, markup, one.which, None if one.level == EVERY_LEVEL else one.level)


def _markup(sent: MarkupBody) -> Markup:
    return Markup(
        _signed_e4(sent.fixed), _signed_e4(sent.percent), money.parse_e4(sent.unit), sent.rounding,
        money.parse_e4(sent.ending),
    )  # fmt: skip


_UNITS = {1: "0.0001", 100: "0.01", 1_000: "0.1", 10_000: "1"}


def _signed_e4(text: str) -> int:
    return -money.parse_e4(text[1:]) if text.startswith("-") else money.parse_e4(text)


def _e4(text: str | None) -> int | None:
    return None if text is None else money.parse_e4(text)


def _text(value_e4: int | None) -> str | None:
    return None if value_e4 is None else money.format_e4(value_e4)
