"""A member's orders: the list, one of them as it goes on, its cards shown and downloaded, and what he may ask for."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kameng import fulfilment, orders, shops
from kameng.kit import ids
from kameng.kit.errors import Refusal
from kameng.orders import Command, ShownOrder, State
from kameng.web import forms
from kameng.web.answering import page, way_on
from kameng.web.forms import Filled
from kameng.web.parts import AnyRequest, door_of
from kameng.web.storefront import buying, telling
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

PAGE_ORDERS = 20
TABS = (
    ("", N_("All")), (State.awaiting_payment, N_("Awaiting payment")), (State.fulfilling, N_("In progress")),
    (State.delivered, N_("Delivered")), (State.refunded, N_("Refunded")),
)  # fmt: skip
COMMANDS = {"cancel": Command.cancel, "confirm": Command.settle, "refund": Command.refund}
SAID = {
    "cancel": N_("It was asked to be cancelled."), "confirm": N_("Confirmed. Thank you!"),
    "refund": N_("Refunded to your wallet."),
}  # fmt: skip


@get("/orders", opt={"face": "shop"})
async def list_mine(request: AnyRequest) -> Response[Any]:
    """Who is nobody is asked for the number of his order."""
    viewer, door = viewer_of(request), door_of(request)
    if viewer.session is None:
        return way_on(request, "/guest")
    caller = buying.buyer(request).caller
    state, typed = request.query_params.get("state", ""), request.query_params.get("q", "")[:40].strip()
    state = state if state in set(State) else ""
    before_id = _cursor(request.query_params.get("before", ""))
    if typed:
        found = await _typed(request, typed, before_id)
    else:
        found = await orders.list_orders(
            door.snapshot, caller, before_id=before_id, limit=PAGE_ORDERS, state=state or None
        )
    skus = door.snapshot.catalogue.skus
    return page(
        request, "storefront/orders.html", orders=[(one, skus[one.sku_id]) for one in found.orders],
        next_id=found.next_id, state=state, tabs=TABS, typed=typed,
    )  # fmt: skip


async def _typed(request: AnyRequest, typed: str, before_id: int) -> orders.Page:
    """By the order's number, or by whom it is for."""
    door, caller = door_of(request), buying.buyer(request).caller
    number = typed.replace(" ", "")
    if number.isascii() and number.isdecimal() and len(number) >= 15:
        found = await orders.find(door.snapshot, caller, [ids.parse(number)]) if len(number) < 19 else []
        if found:
            return orders.Page(found, None)
    return await orders.find_by_target(door.snapshot, caller, typed, before_id=before_id, limit=PAGE_ORDERS)


@get("/orders/{order_id:str}", opt={"face": "member"})
async def show(request: AnyRequest, order_id: FromPath[str]) -> Response[Any]:
    return page(request, "storefront/order.html", **await _values(request, await _mine(request, order_id)))


@get("/orders/{order_id:str}/part", opt={"face": "member"})
async def part(request: AnyRequest, order_id: FromPath[str]) -> Response[Any]:
    """The piece of the page that goes on while somebody looks."""
    return page(request, "storefront/order_part.html", **await _values(request, await _mine(request, order_id)))


@post("/orders/{order_id:str}/reveal", opt={"face": "member"}, status_code=200)
async def reveal(request: AnyRequest, order_id: FromPath[str]) -> Response[Any]:
    """The order with its cards in clear; who asked is written down."""
    viewer, door = buying.buyer(request, act="reveal"), door_of(request)
    number = buying.order_id_of(order_id)
    try:
        shown, goods = await fulfilment.reveal(door.snapshot, viewer.caller, number)
    except (orders.SecretsNotShown, orders.CardsNotOpened) as refusal:
        mine = await _mine(request, order_id)
        form = forms.blank(viewer.words).refused(refusal)
        return page(request, "storefront/order.html", status=refusal.status, **await _values(request, mine, form=form))
    mine_values = await _values(request, shown, cards=telling.cards_of(shown), goods=goods)
    return page(request, "storefront/order.html", **mine_values)


@post("/orders/{order_id:str}/download", opt={"face": "member"}, status_code=200)
async def download(request: AnyRequest, order_id: FromPath[str]) -> Response[Any]:
    """The cards as a text file; written down like any other look."""
    viewer, door = buying.buyer(request, act="reveal"), door_of(request)
    shown, goods = await fulfilment.reveal(door.snapshot, viewer.caller, buying.order_id_of(order_id))
    sku = door.snapshot.catalogue.skus[shown.sku_id]
    lines = [f"{sku.product} {sku.spec} · {shown.order_id}", ""]
    lines += [card.line for card in telling.cards_of(shown)]
    for one in goods:
        lines += [one.text, *(f"{card.number} {card.secret}".strip() for card in one.cards)]
    headers = {
        "content-disposition": f'attachment; filename="{shown.order_id}.txt"', "cache-control": "no-store",
        "x-content-type-options": "nosniff",
    }  # fmt: skip
    body = "\ufeff" + "\r\n".join(line for line in lines if line is not None) + "\r\n"
    return Response(body.encode(), media_type="text/plain; charset=utf-8", headers=headers)


@post("/orders/{order_id:str}/{act:str}", opt={"face": "member"}, status_code=200)
async def act(request: AnyRequest, order_id: FromPath[str], act: FromPath[str]) -> Response[Any]:
    """Cancel, confirm or give back: a buyer's command has one key for ever, so a second press changes nothing."""
    viewer, door = buying.buyer(request, act="buy"), door_of(request)
    if act not in COMMANDS:
        raise orders.OrderNotFound
    mine = await _mine(request, order_id)
    instruction = orders.Instruction(
        order_id=mine.order_id, command=COMMANDS[act], key="buyer", by=orders.By.buyer,
        actor_id=viewer.person_id, org_id=viewer.me.org_id,
    )  # fmt: skip
    try:
        await orders.act_on(door.db, door.ring, instruction, terms=door.snapshot.terms)
    except Refusal as refusal:
        form = forms.blank(viewer.words).refused(refusal)
        values = await _values(request, await _mine(request, order_id), form=form)
        return page(request, "storefront/order.html", status=refusal.status, **values)
    return way_on(request, f"/orders/{mine.order_id}", said=SAID[act])


async def _mine(request: AnyRequest, text: str) -> ShownOrder:
    found = await orders.find(door_of(request).snapshot, buying.buyer(request).caller, [buying.order_id_of(text)])
    if not found:
        raise orders.OrderNotFound
    return found[0]


async def _values(request: AnyRequest, shown: ShownOrder, *, form: Filled | None = None, **more: Any) -> dict[str, Any]:
    door, viewer = door_of(request), viewer_of(request)
    happened = await orders.timeline(door.snapshot, viewer.caller, shown.order_id)
    told = telling.values(request, shown, happened, **more)
    async with door.db.connection() as connection:
        review = await shops.review_of(connection, ids.lane_of(shown.order_id), shown.order_id)
    return {**told, "form": form or forms.blank(viewer.words), "review": review, "may_reveal": viewer.may("reveal"),
            "may_buy": viewer.may("buy")}  # fmt: skip


def _cursor(text: str) -> int:
    try:
        return ids.parse(text)
    except ValueError:
        return orders.ID_MAX
