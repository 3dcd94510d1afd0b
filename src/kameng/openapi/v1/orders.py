"""Orders after they were placed: found, listed, their story told, their cards revealed."""

from __future__ import annotations

import base64

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from msgspec import UNSET

from kameng import fulfilment, ledger, orders, pricing
from kameng.fulfilment import Goods
from kameng.identity import Scope
from kameng.kit import clock, events, ids, money
from kameng.openapi.errors import BadRequest
from kameng.openapi.intake import CardBody, order_answer
from kameng.openapi.v1 import examples
from kameng.openapi.v1.arriving import AnyRequest, Arrival, answer, arrival_of, signed, spend
from kameng.openapi.v1.endpoints import Reply, says
from kameng.openapi.v1.handwork_model import GoodsBody, ImageAnswer, ImageBody, RevealedAnswer
from kameng.openapi.v1.model import IDS_MAX
from kameng.openapi.v1.orders_model import (
    EventBody,
    EventsAnswer,
    OrdersAnswer,
    OrdersQuery,
    OrderView,
    PartView,
    SearchBody,
)  # fmt: skip
from kameng.openapi.v1.quotes import steps_shown
from kameng.openapi.v1.reading import body_of, cursor_of, id_of, parse_cursor, parse_ids, query_of
from kameng.orders import (
    By,
    CardsNotOpened,
    Command,
    Instruction,
    OrderNotFound,
    SecretsNotShown,
    ShownOrder,
    ShownPart,
)  # fmt: skip

SEARCH_DECODER = msgspec.json.Decoder(SearchBody)
ORDER_ID = {"order_id": "The order's id."}
PART_DIGITS_MAX = 4
CHANGING = (OrderNotFound, orders.StateForbids, ledger.LedgerRefused)
"""What may become of a command to an order, besides."""


@get(
    "/api/v1/orders",
    guards=[signed],
    opt=says(
        operation="listOrders", tag="orders", zh="查询订单", en="Find orders",
        text="By your reference (`client_ref`), by our ids (`ids`), or page by page, newest first (`cursor`, `limit`, "
        "`state`). One way at a time. What you have no order for is left out. After an outcome that you don't know, "
        "ask for the `client_ref`; if nothing stands there, send the order again: it can't double.",
        scope=Scope.orders_read, query=OrdersQuery,
        replies=(Reply(200, OrdersAnswer, "The orders.", examples.ORDERS),),
    ),
)  # fmt: skip
async def list_orders(request: AnyRequest) -> Response[bytes]:
    arrival = arrival_of(request)
    return answer(arrival, await _found(arrival, query_of(arrival.query, OrdersQuery)))


@get(
    "/api/v1/orders/{order_id:str}",
    guards=[signed],
    opt=says(
        operation="findOrder", tag="orders", zh="单笔订单", en="One order",
        scope=Scope.orders_read, path=ORDER_ID, refusals=(OrderNotFound,),
        replies=(Reply(200, OrderView, "The order as it stands, without its cards.", examples.ORDER),),
    ),
)  # fmt: skip
async def find_order(request: AnyRequest, order_id: FromPath[str]) -> Response[bytes]:
    arrival = arrival_of(request)
    found = await orders.find(arrival.parts.snapshot, arrival.caller, [_id(order_id)])
    if not found:
        raise OrderNotFound
    return answer(arrival, view(found[0]))


@post(
    "/api/v1/orders/search",
    status_code=200,
    guards=[signed],
    opt=says(
        operation="searchOrders", tag="orders", zh="按充值账号查询", en="Find orders by whom they are for",
        text="Your own orders for one phone number, account, e-mail address or identity number, newest first. It must "
        "be whole: what is kept of it is a keyed hash. Names, addresses and passwords find nothing. An order is found "
        "for as long as its `account` is kept.",
        scope=Scope.orders_read, body=SearchBody, body_example=examples.SEARCH_BODY,
        replies=(Reply(200, OrdersAnswer, "The orders.", examples.ORDERS),),
    ),
)  # fmt: skip
async def search_orders(request: AnyRequest) -> Response[bytes]:
    arrival = arrival_of(request)
    asked = body_of(arrival.body, SEARCH_DECODER)
    before_id = orders.ID_MAX if asked.cursor is UNSET else parse_cursor(asked.cursor)
    page = await orders.find_by_target(
        arrival.parts.snapshot, arrival.caller, asked.account, before_id=before_id, limit=asked.limit
    )
    return answer(arrival, _page(page))


@get(
    "/api/v1/orders/{order_id:str}/events",
    guards=[signed],
    opt=says(
        operation="listOrderEvents", tag="orders", zh="订单动态", en="What happened to an order",
        scope=Scope.orders_read, path=ORDER_ID, refusals=(OrderNotFound,),
        replies=(Reply(200, EventsAnswer, "Its events, oldest first.", examples.EVENTS),),
    ),
)  # fmt: skip
async def list_events(request: AnyRequest, order_id: FromPath[str]) -> Response[bytes]:
    arrival = arrival_of(request)
    found = await orders.timeline(arrival.parts.snapshot, arrival.caller, _id(order_id))
    return answer(arrival, EventsAnswer([_event(event) for event in found]))


@post(
    "/api/v1/orders/{order_id:str}/reveal",
    status_code=200,
    guards=[signed],
    opt=says(
        operation="revealOrder", tag="orders", zh="重新查看卡密", en="Show an order's cards again",
        text="For 7 days after the order, while it stands as delivered: cards from stock, and in `goods` what people "
        "answered. Each call leaves an audit line that names your key. Takes no body. Signed like a write.",
        scope=Scope.cards_read, write=True, path=ORDER_ID, refusals=(OrderNotFound, SecretsNotShown, CardsNotOpened),
        replies=(Reply(200, RevealedAnswer, "The order with all that was delivered.", examples.REVEALED),),
    ),
)  # fmt: skip
async def reveal_order(request: AnyRequest, order_id: FromPath[str]) -> Response[bytes]:
    arrival = arrival_of(request)
    await spend(arrival)
    shown, goods = await fulfilment.reveal(arrival.parts.snapshot, arrival.caller, _id(order_id))
    arrival.rehearsed("revealed")
    facts = msgspec.structs.asdict(order_answer(shown))
    return answer(arrival, RevealedAnswer(**facts, goods=[_goods(one) for one in goods]))


@post(
    "/api/v1/orders/{order_id:str}/parts/{part:str}/image",
    status_code=200,
    guards=[signed],
    opt=says(
        operation="revealImage", tag="orders", zh="查看图片", en="Show an image that came",
        text="Of the part that `goods` names, in base64; by the same rules, and with an audit line of its own. Takes "
        "no body. Signed like a write.",
        scope=Scope.cards_read, write=True, path={**ORDER_ID, "part": "The part; 0: the whole order."},
        refusals=(OrderNotFound, SecretsNotShown, CardsNotOpened, fulfilment.NoImage),
        replies=(Reply(200, ImageAnswer, "The image.", examples.IMAGE),),
    ),
)  # fmt: skip
async def reveal_image(request: AnyRequest, order_id: FromPath[str], part: FromPath[str]) -> Response[bytes]:
    arrival = arrival_of(request)
    await spend(arrival)
    if not (part.isascii() and part.isdecimal() and len(part) <= PART_DIGITS_MAX):
        raise fulfilment.NoImage
    image, media_type = await fulfilment.reveal_image(
        arrival.parts.snapshot, arrival.caller, _id(order_id), int(part)
    )
    data = base64.b64encode(image).decode()
    return answer(arrival, ImageAnswer(int(part), media_type, data))  # type: ignore[arg-type] # one of its types


@post(
    "/api/v1/orders/{order_id:str}/cancel",
    status_code=200,
    guards=[signed],
    opt=says(
        operation="cancelOrder", tag="orders", zh="申请退单", en="Cancel an order",
        text="One that awaits its payment is cancelled at once. One that is on its way becomes `cancelling`: whoever "
        "delivers it is asked to stop, and it ends as `refunded` or `delivered`. Takes no body. Signed like a write.",
        scope=Scope.orders_place, write=True, path=ORDER_ID, refusals=CHANGING,
        replies=(Reply(200, OrderView, "The order as it stands then.", examples.CANCELLING),),
    ),
)  # fmt: skip
async def cancel_order(request: AnyRequest, order_id: FromPath[str]) -> Response[bytes]:
    return await _change(arrival_of(request), order_id, Command.cancel)


@post(
    "/api/v1/orders/{order_id:str}/confirm",
    status_code=200,
    guards=[signed],
    opt=says(
        operation="confirmOrder", tag="orders", zh="确认收货", en="Confirm that it came",
        text="Lets the money leave escrow before `confirm_until`. Takes no body. Signed like a write.",
        scope=Scope.orders_place, write=True, path=ORDER_ID, refusals=CHANGING,
        replies=(Reply(200, OrderView, "The order as it stands then.", examples.SETTLED),),
    ),
)  # fmt: skip
async def confirm_order(request: AnyRequest, order_id: FromPath[str]) -> Response[bytes]:
    return await _change(arrival_of(request), order_id, Command.settle)


@post(
    "/api/v1/orders/{order_id:str}/refund",
    status_code=200,
    guards=[signed],
    opt=says(
        operation="refundOrder", tag="orders", zh="申请退款", en="Give an order back",
        text="All that is left of its money goes back to your wallet, if its SKU is `refundable` and you have not "
        "confirmed it; its cards are not shown any more. Takes no body. Signed like a write.",
        scope=Scope.orders_place, write=True, path=ORDER_ID, refusals=(*CHANGING, orders.NotRefundable),
        replies=(Reply(200, OrderView, "The order as it stands then.", examples.REFUNDED),),
    ),
)  # fmt: skip
async def refund_order(request: AnyRequest, order_id: FromPath[str]) -> Response[bytes]:
    return await _change(arrival_of(request), order_id, Command.refund)


async def _change(arrival: Arrival, order_id: str, command: Command) -> Response[bytes]:
    """A buyer's command. It has one key for ever: asked again, it changes nothing and shows the order."""
    caller, snapshot = arrival.caller, arrival.parts.snapshot
    instruction = Instruction(
        order_id=_id(order_id), command=command, key="buyer", by=By.buyer, actor_id=caller.key.key_id,
        org_id=caller.organisation.org_id,
    )  # fmt: skip
    await spend(arrival)
    if ids.lane_of(instruction.order_id) != caller.organisation.lane:
        raise OrderNotFound
    await orders.act_on(snapshot.db, snapshot.ring, instruction, terms=snapshot.terms)
    (found,) = await orders.find(snapshot, caller, [instruction.order_id])
    return answer(arrival, view(found))


def view(order: ShownOrder) -> OrderView:
    """The order as reads show it."""
    return OrderView(
        str(order.order_id), order.client_ref, str(order.sku_id), order.quantity,
        money.format_e4(order.unit_price_e4), money.format_e4(order.total_e4), order.currency,
        order.state,  # type: ignore[arg-type] # one of orders.State
        order.sequence, clock.rfc3339(order.placed_at), steps_shown(pricing.steps_of(order.trace)),
        money.format_e4(order.refunded_e4), None if order.confirm_until is None else clock.rfc3339(order.confirm_until),
        order.account,
        [_part(part) for part in order.parts],
    )  # fmt: skip


def _part(part: ShownPart) -> PartView:
    return PartView(
        part.part_no, str(part.sku_id), part.quantity, money.format_e4(part.worth_e4),
        part.state,  # type: ignore[arg-type] # one of orders.PartState
    )  # fmt: skip


def _goods(one: Goods) -> GoodsBody:
    cards = [CardBody(card.number, card.secret) for card in one.cards]
    image = ImageBody(one.media_type, one.image_bytes) if one.media_type else None  # type: ignore[arg-type] # as above
    return GoodsBody(one.part_no, one.text, cards, image, clock.rfc3339(one.answered_at))


def _id(text: str) -> int:
    return id_of(text, OrderNotFound)


async def _found(arrival: Arrival, query: OrdersQuery) -> OrdersAnswer:
    """By reference, by ids or page by page."""
    snapshot, caller = arrival.parts.snapshot, arrival.caller
    ways = [name for name in ("client_ref", "ids", "cursor") if getattr(query, name) is not UNSET]
    if len(ways) > 1 or (query.state is not UNSET and ways not in ([], ["cursor"])):
        raise BadRequest("one way of finding at a time", field=ways[-1], detail_zh="每次只能使用一种查询方式")
    if query.client_ref is not UNSET:
        try:
            found = await orders.find_by_ref(snapshot, caller, query.client_ref)
        except OrderNotFound:
            return OrdersAnswer([])
        arrival.rehearsed("found_by_ref")
        return OrdersAnswer([view(found)])
    if query.ids is not UNSET:
        wanted = parse_ids(query.ids, field="ids", count_max=IDS_MAX)
        return OrdersAnswer([view(order) for order in await orders.find(snapshot, caller, wanted)])
    before_id = orders.ID_MAX if query.cursor is UNSET else parse_cursor(query.cursor)
    state = None if query.state is UNSET else query.state
    page = await orders.list_orders(snapshot, caller, before_id=before_id, limit=query.limit, state=state)
    return _page(page)


def _page(page: orders.Page) -> OrdersAnswer:
    next_cursor = None if page.next_id is None else cursor_of(page.next_id)
    return OrdersAnswer([view(order) for order in page.orders], next_cursor)


def _event(event: events.Event) -> EventBody:
    return EventBody(
        event.sequence, str(event.event_id), event.kind, str(event.actor_id), clock.rfc3339(event.at), event.data
    )
