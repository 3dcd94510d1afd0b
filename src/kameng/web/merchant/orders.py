"""Orders: filtered, found by whatever somebody knows of one, looked at, revealed, given back.

What the list shows, its bulk acts and its export: ``order_plans``.
"""

from __future__ import annotations

import base64
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kameng import fulfilment, orders, pricing
from kameng.identity import Caller
from kameng.kit import ids
from kameng.kit.errors import Refusal
from kameng.orders import Browsed, By, Command, Instruction, OrderNotFound, ShownOrder
from kameng.web import listing, tables
from kameng.web.answering import message_of, page, way_on
from kameng.web.listing import Listed
from kameng.web.merchant import exporting, lists
from kameng.web.merchant.order_plans import FOUND, ORDERS, PATH, buyer_of, look_for, read_page
from kameng.web.parts import AnyRequest, Door, door_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

COMMANDS = {"cancel": Command.cancel, "refund": Command.refund, "confirm": Command.settle}
SAID = {
    "cancel": N_("The cancellation was asked for."), "refund": N_("The order was refunded to your wallet."),
    "confirm": N_("Receipt confirmed."),
}  # fmt: skip


@get("/merchant/orders", opt={"face": "merchant"})
async def show_list(request: AnyRequest) -> Response[Any]:
    """By the list's filters; or, by ``q``, what somebody looks for."""
    door, text = door_of(request), request.query_params.get("q", "").strip()
    buyer = await _buyer(request)
    asked = await tables.ask(request, FOUND if text else ORDERS, choices=_named_sku(request))
    currency, found = buyer.organisation.currency, Browsed([], None)
    if asked:
        before_id = asked.place or orders.ID_MAX
        if text:
            found = await look_for(door.snapshot, buyer, text, before_id=before_id, limit=asked.limit)
        else:
            found = await read_page(door.snapshot, buyer, asked, before_id, asked.limit)
    return listing.show(
        request, "merchant/orders.html", Listed(asked, found.orders, found.next_id, currency=currency), text=text,
        names=lambda sku_id: lists.goods_name(door.snapshot, sku_id),
        looked_to=None if found.looked_to is None else lists.moment_of(found.looked_to),
    )  # fmt: skip


@get("/merchant/worklist", opt={"face": "merchant"})
async def lead_on(request: AnyRequest) -> Response[Any]:
    """Where the list with its acts was once."""
    query = request.scope["query_string"].decode("latin-1")
    return Response(b"", status_code=301, headers={"location": f"{PATH}?{query}" if query else PATH})


async def _buyer(request: AnyRequest) -> Caller:
    """Whose orders these pages are about: the organisation's, or with ``sandbox=1`` its sandbox's."""
    sandbox = request.query_params.get("sandbox") == "1"
    return await buyer_of(door_of(request).db, viewer_of(request).caller, sandbox=sandbox)


def _named_sku(request: AnyRequest) -> dict[str, tables.Choices]:
    """What the goods are called that the list is narrowed to."""
    text = request.query_params.get("sku", "").strip()
    is_number = text.isascii() and text.isdecimal() and len(text) < 19
    return {"sku": ((text, lists.goods_name(door_of(request).snapshot, int(text))),)} if is_number else {}


@get("/merchant/orders/{order_id:str}", opt={"face": "merchant"})
async def show(request: AnyRequest, order_id: FromPath[str]) -> Response[Any]:
    return await _page(request, lists.id_of(order_id))


@post("/merchant/orders/{order_id:str}/reveal", opt={"face": "merchant", "act": "reveal"}, status_code=200)
async def reveal(request: AnyRequest, order_id: FromPath[str]) -> Response[Any]:
    """The cards, on this one page; who looked is written down."""
    door, buyer, number = door_of(request), await _buyer(request), lists.id_of(order_id)
    try:
        shown, goods = await fulfilment.reveal(door.snapshot, buyer, number)
    except OrderNotFound:
        raise
    except Refusal as refusal:
        return await _page(request, number, refusal=refusal)
    return await _page(request, number, revealed=exporting.cards_of(shown), goods=goods)


@post(
    "/merchant/orders/{order_id:str}/parts/{part:str}/image", opt={"face": "merchant", "act": "reveal"}, status_code=200
)
async def reveal_image(request: AnyRequest, order_id: FromPath[str], part: FromPath[str]) -> Response[Any]:
    door, buyer, number = door_of(request), await _buyer(request), lists.id_of(order_id)
    part_no = int(part) if part.isascii() and part.isdecimal() and len(part) < 5 else -1
    image, media_type = await fulfilment.reveal_image(door.snapshot, buyer, number, part_no)
    return await _page(request, number, image=f"data:{media_type};base64,{base64.b64encode(image).decode()}")


@post("/merchant/orders/{order_id:str}/{command:str}", opt={"face": "merchant", "act": "orders"}, status_code=200)
async def change(request: AnyRequest, order_id: FromPath[str], command: FromPath[str]) -> Response[Any]:
    """A buyer's command. It has one key for ever: pressed again, it changes nothing."""
    viewer, door, number = viewer_of(request), door_of(request), lists.id_of(order_id)
    wanted, buyer = COMMANDS.get(command), await _buyer(request)
    if wanted is None or ids.lane_of(number) != viewer.me.lane:
        raise OrderNotFound
    instruction = Instruction(
        order_id=number, command=wanted, key="buyer", by=By.buyer, actor_id=viewer.person_id,
        org_id=buyer.organisation.org_id,
    )  # fmt: skip
    try:
        await orders.act_on(door.db, door.ring, instruction, terms=door.snapshot.terms)
    except OrderNotFound:
        raise
    except Refusal as refusal:
        return await _page(request, number, refusal=refusal)
    suffix = "?sandbox=1" if buyer.organisation.sandbox else ""
    return way_on(request, f"/merchant/orders/{number}{suffix}", said=SAID[command])


async def _page(
    request: AnyRequest, number: int, *, revealed: list[Any] | None = None, goods: Any = (), image: str = "",
    refusal: Refusal | None = None,
) -> Response[Any]:  # fmt: skip
    viewer, door, buyer = viewer_of(request), door_of(request), await _buyer(request)
    found = await orders.find(door.snapshot, buyer, [number])
    if not found:
        raise OrderNotFound
    order = found[0]
    told = await orders.timeline(door.snapshot, buyer, number)
    return page(
        request, "merchant/order.html", status=200 if refusal is None else refusal.status, order=order, told=told,
        name=lists.goods_name(door.snapshot, order.sku_id), sku=door.snapshot.catalogue.skus.get(order.sku_id),
        names=lambda sku_id: lists.goods_name(door.snapshot, sku_id), steps=pricing.steps_of(order.trace),
        revealed=revealed, goods=goods, image=image, open_to=_open_to(door, order),
        refused="" if refusal is None else message_of(refusal, viewer.words),
        shows_secrets=order.state in orders.SECRETS_VISIBLE,
    )  # fmt: skip


def _open_to(door: Door, order: ShownOrder) -> frozenset[str]:
    """What its buyer may ask of it as it stands; the verb has the last word."""
    sku = door.snapshot.catalogue.skus.get(order.sku_id)
    found = set()
    if order.state in ("awaiting_payment", "fulfilling"):
        found.add("cancel")
    if order.state in ("delivered", "partly_delivered"):
        if order.confirm_until is not None:
            found.add("confirm")
        if sku is not None and sku.refundable:
            found.add("refund")
    return frozenset(found)
