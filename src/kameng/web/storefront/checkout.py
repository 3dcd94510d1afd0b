"""Checkout on one page: what is ordered, for whom, and how it is paid: from a member's wallet, or through a channel.

A form has a token of its own, which becomes the order's reference: pressed twice it is one order. An order that a
channel pays waits for it, and its buyer goes on to the till.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from litestar import Response, get, post

from kameng import access, catalogue, identity, ledger, orders, payments, shops
from kameng.channels import Method
from kameng.identity import Organisation
from kameng.kit import segments
from kameng.kit.errors import Refusal
from kameng.orders import Refused, ShownOrder
from kameng.web import forms, till
from kameng.web.answering import page, way_on
from kameng.web.errors import SwitchedOff
from kameng.web.forms import Filled
from kameng.web.parts import AnyRequest, door_of
from kameng.web.storefront import buying, guests, paying
from kameng.web.storefront.buying import Basket
from kameng.web.storefront.offering import is_shown
from kameng.web.till import Way
from kameng.web.viewing import viewer_of

SENT = ("quantity", "contact", "pay", "part")


@get("/checkout", opt={"face": "shop"})
async def ask(request: AnyRequest) -> Response[Any]:
    basket = await buying.basket_of(request, request.query_params, fresh=True)
    return await _page(request, basket, forms.blank(viewer_of(request).words, quantity=basket.quantity, part="on"))


@post("/checkout", opt={"face": "shop"}, status_code=200)
async def order(request: AnyRequest) -> Response[Any]:
    """Place the order, or show again what it would be (``act=look``: another quantity, a number typed elsewhere)."""
    data = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    viewer = viewer_of(request)
    form = Filled(viewer.words, {}, {name: data.get(name, "") for name in SENT}, {})
    try:
        basket = await buying.basket_of(request, data)
    except orders.CardTaken as refusal:
        basket = await buying.basket_of(request, {**data, "card": ""}, fresh=True)
        return await _page(request, basket, buying.say(form, refusal), status=409)
    form.sent["quantity"] = str(basket.quantity)
    account = await buying.account_of(request, basket.sku, data, form)
    again = await _again(request, basket, account)
    if data.get("act") == "look":
        form.errors = {name: text for name, text in form.errors.items() if data.get(name)}
        return await _page(request, basket, form, again=again)
    if not form:
        return await _page(request, basket, form, status=422, again=again)
    try:
        placed = await _place(request, basket, account, data, form)
    except access.NotSignedIn:
        raise  # shown the way to sign in, as everywhere
    except Refusal as refusal:
        return await _refused(request, data, form, refusal)
    if data.get("pay", "wallet") not in tuple(Method):
        if buying.is_buyer(viewer):
            return way_on(request, f"/orders/{placed.order_id}")
        return guests.way_to(request, placed.order_id)
    return await _to_the_till(request, placed, data["pay"], with_wallet=bool(data.get("part")))


async def _to_the_till(request: AnyRequest, placed: ShownOrder, method: str, *, with_wallet: bool) -> Response[Any]:
    """Its payment is begun; where that can't be, the till says so and offers what else there is."""
    due = await paying.due_of(request, placed.order_id, is_known=True)
    said = ""
    try:
        await till.begin(request, due, method, with_wallet=with_wallet)
    except payments.NotPayable:
        pass  # sent once more, when it was paid
    except Refusal:
        said = till.UNDONE
    if buying.is_buyer(viewer_of(request)):
        return way_on(request, due.path, said=said)
    return guests.way_to(request, placed.order_id, due.path, said=said)


async def _place(
    request: AnyRequest, basket: Basket, account: dict[str, str], data: Mapping[str, str], form: Filled
) -> ShownOrder:
    if not is_shown(request, basket.sku):
        raise orders.NotOnSale(field="sku")
    body, door = buying.body_of(basket, account, shown=data.get("price", "")), door_of(request)
    if buying.is_buyer(viewer_of(request)):
        if data.get("pay") not in tuple(Method):
            return await buying.place(request, body)
        wish = orders.wish_from(door.snapshot, buying.buyer(request, act="buy").caller, body)
        return _placed(await orders.await_payment(door.snapshot, wish))
    if not await door.switches.is_on("guest_checkout"):
        raise SwitchedOff
    if await door.sales.of(basket.sku.sku_id) is not None:
        raise access.NotSignedIn  # so many for each buyer: we have to know who he is
    guest = orders.guest_from(data.get("contact", ""), data.get("query_password", ""), language=form.words.language)
    organisation = await _organisation_of_guests(request)
    wish = orders.wish_from(door.snapshot, buying.caller_of_guest(request, organisation), body)
    return _placed(await orders.await_payment(door.snapshot, wish, guest=guest))


def _placed(answer: orders.Answer) -> ShownOrder:
    if isinstance(answer, Refused):
        raise answer.refusal()
    return answer


async def _organisation_of_guests(request: AnyRequest) -> Organisation:
    """Whose orders guests' are: the platform's own, or in an agent's shop a customer that stands for them."""
    door, shop = door_of(request), viewer_of(request).shop
    if shop is not None and shop.org_id in door.snapshot.directory.agents:
        return await shops.guests_of(door.db, shop)
    async with door.db.connection() as connection:
        house = await identity.find_house(connection)
    if house is None:
        raise orders.ShopClosed
    return house


async def _refused(request: AnyRequest, data: Mapping[str, str], form: Filled, refusal: Refusal) -> Response[Any]:
    """The same page with what became of it; a form that was used up gets a token of its own again."""
    if refusal.field == "password":  # a guest's, which our form calls otherwise
        form.sent["query_password"] = ""
        form.refused(refusal, {"password": "query_password"})
    else:
        buying.say(form, refusal)
    is_used = isinstance(refusal, orders.ReferenceReused | orders.CardTaken)
    again = {**data, "card": ""} if isinstance(refusal, orders.CardTaken) else data
    basket = await buying.basket_of(request, again, fresh=is_used)
    return await _page(request, basket, form, status=refusal.status)


async def _again(request: AnyRequest, basket: Basket, account: Mapping[str, str]) -> int:
    """How often a member has ordered this top-up for this number today."""
    viewer, phone = viewer_of(request), account.get("phone", "")
    if basket.sku.kind != "topup" or not phone or not buying.is_buyer(viewer):
        return 0
    return await orders.same_today(door_of(request).snapshot, viewer.caller, basket.sku.sku_id, phone)


def _chosen(form: Filled, wallet: ledger.Account | None, basket: Basket, offered: Sequence[Way]) -> str:
    """What is marked: what was sent, else the wallet if it suffices, else the first way there is."""
    if form.sent.get("pay"):
        return form.sent["pay"]
    if wallet is not None and (wallet.available_e4 >= basket.total_e4 or not offered):
        return "wallet"
    return offered[0].method if offered else ""


async def _page(
    request: AnyRequest, basket: Basket, form: Filled, *, status: int = 200, again: int = 0
) -> Response[Any]:
    viewer, door = viewer_of(request), door_of(request)
    wallet, payer = None, None
    if buying.is_buyer(viewer):
        me = payer = viewer.me
        async with door.db.connection() as connection:
            accounts = await ledger.read_accounts(connection, me.lane, [me.org_id])
        wallet = accounts[0] if accounts else None
    else:
        payer = await _organisation_of_guests(request)
    part_e4 = 0 if wallet is None else payments.part_of(basket.total_e4, wallet.available_e4)
    offered = await till.ways(request, payer, basket.total_e4)
    fields = catalogue.form_named(basket.sku.form).fields
    answer = page(
        request, "storefront/checkout.html", status=status, basket=basket, form=form, wallet=wallet, fields=fields,
        is_member=buying.is_buyer(viewer), may_buy=viewer.may("buy"), again=again,
        segment=segments.find(form.sent.get("account.phone", "")), ways=offered,
        chosen=_chosen(form, wallet, basket, offered), part_e4=part_e4,
    )  # fmt: skip
    if status == orders.Busy.status:
        answer.headers["retry-after"] = "1"
    return answer
