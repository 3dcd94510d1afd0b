"""From a form to an order: who buys, with which reference, and what is said where it was refused."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import msgspec

from kameng import access, catalogue, ledger, orders, pricing, stock
from kameng.catalogue import Sku
from kameng.identity import Caller, Organisation
from kameng.kit import ids, money
from kameng.kit.errors import Refusal
from kameng.orders import OrderBody, Refused, ShownOrder
from kameng.web.forms import Filled
from kameng.web.parts import AnyRequest, door_of
from kameng.web.storefront.offering import BUYERS, Offer, offers_of, sku_at
from kameng.web.viewing import Viewer, viewer_of
from kameng.web.wording import N_

REFERENCE = "web-"
"""What references of orders from pages begin with; a form's own token follows."""
ONCE_CHARS = 24
SAID: dict[type[Refusal], str] = {
    pricing.PriceChanged: N_("The price has just changed. The new one is shown below: look at it and order again."),
    orders.SoldOut: N_("It has just been sold out. Nothing was charged; look at what else there is."),
    orders.CardTaken: N_("Somebody was quicker with this card. Nothing was charged; choose another one."),
    orders.Busy: N_("Many are buying just now. Nothing was charged; press once more in a moment, it can't be doubled."),
    ledger.InsufficientBalance: N_("There is not enough in your wallet. Recharge it, then order again."),
    orders.ReferenceReused: N_("This form has already placed an order. If you want another one, press once more."),
    orders.ShopPaused: N_("The shop can't sell this just now. Nothing was charged; please ask it, or come again."),
    orders.TooManyUnpaid: N_("Too much of this waits for payment just now. Pay or cancel those first, or come again."),
}
"""What became of an order, said to a person: always whether he was charged, and how to go on."""


class Basket(msgspec.Struct, frozen=True):
    """What somebody is about to order."""

    offer: Offer
    quantity: int
    card: str
    total_e4: int
    once: str

    @property
    def sku(self) -> Sku:
        return self.offer.sku


def once_of(sent: str) -> str:
    """A form's own token: the one it brought, or a fresh one."""
    is_ours = len(sent) == ONCE_CHARS and sent.isascii() and sent.isalnum()
    return sent if is_ours else secrets.token_hex(ONCE_CHARS // 2)


async def basket_of(request: AnyRequest, data: Mapping[str, Any], *, fresh: bool = False) -> Basket:
    """What the form or the address asks for, with its price now; a quantity that can't be is the nearest that can."""
    sku = sku_at(request, str(data.get("sku", "")))
    typed = str(data.get("quantity", ""))
    quantity = int(typed) if typed.isascii() and typed.isdecimal() and len(typed) <= 6 else sku.quantity_min
    card = str(data.get("card", ""))[:20]
    quantity = 1 if card else near(sku, quantity)
    (offer,) = await offers_of(request, [sku], quantity=quantity)
    fee_e4 = await _pick_fee(request, sku, card) if card else 0
    offer = msgspec.structs.replace(offer, unit_price_e4=offer.unit_price_e4 + fee_e4)
    if card:  # it lies apart from the shelf
        offer = msgspec.structs.replace(offer, band="some")
    once = once_of("" if fresh else str(data.get("once", "")))
    return Basket(offer, quantity, card, offer.unit_price_e4 * quantity, once)


def near(sku: Sku, quantity: int) -> int:
    """The quantity itself if it is allowed, else the nearest below it that is."""
    within = max(sku.quantity_min, min(quantity, sku.quantity_max))
    return within - (within - sku.quantity_min) % sku.quantity_step


async def _pick_fee(request: AnyRequest, sku: Sku, card: str) -> int:
    try:
        card_id = ids.parse(card)
    except ValueError:
        raise orders.CardTaken(field="card") from None
    one = (await stock.find_displayed(door_of(request).db, [card_id])).get(card_id)
    if one is None or one.sku_id != sku.sku_id:
        raise orders.CardTaken(field="card")
    return sku.pick_fee_e4 if one.pick_fee_e4 is None else one.pick_fee_e4


async def account_of(request: AnyRequest, sku: Sku, data: Mapping[str, Any], form: Filled) -> dict[str, str]:
    """What the SKU's form asks for, with every fault at its field. ``recent``: an order of his own that says it."""
    asked = catalogue.form_named(sku.form)
    sent = {field.name: str(data.get(f"account.{field.name}", "")).strip() for field in asked.fields}
    recent = str(data.get("recent", ""))
    if recent and "phone" in sent and not sent["phone"] and is_buyer(viewer_of(request)):
        caller = viewer_of(request).caller
        phone = await orders.recall_target(door_of(request).snapshot, caller, order_id_of(recent), "phone")
        form.sent["recent"], form.sent["recent_shown"] = recent, catalogue.masked({"phone": phone})["phone"]
        return {"phone": phone}
    form.sent |= {
        f"account.{field.name}": "" if field.widget == "password" else sent[field.name] for field in asked.fields
    }
    _, faults = catalogue.check_account(asked, sent)
    for fault in faults:
        form.errors[f"account.{fault.field}"] = fault.message_zh if form.words.language == "zh" else fault.message
    return {name: text for name, text in sent.items() if text}


def order_id_of(text: str) -> int:
    """The order that a form names; ``OrderNotFound`` if it names none."""
    try:
        return ids.parse(text)
    except ValueError:
        raise orders.OrderNotFound from None


def body_of(basket: Basket, account: dict[str, str], *, shown: str) -> OrderBody:
    """The order; never dearer than what its form showed (``shown``, as the form brings it back)."""
    try:
        shown_e4 = min(money.parse_e4(shown), basket.offer.unit_price_e4)
    except ValueError:
        shown_e4 = 0
    if shown_e4 < basket.offer.unit_price_e4:
        raise pricing.PriceChanged(field="max_price")
    return OrderBody(
        REFERENCE + basket.once, str(basket.sku.sku_id), basket.quantity, account, money.format_e4(shown_e4),
        basket.card or None,
    )  # fmt: skip


async def place(request: AnyRequest, body: OrderBody) -> ShownOrder:
    """A member's order, through the lane's queue like any other; a refusal is raised."""
    door, caller = door_of(request), buyer(request, act="buy").caller
    answer = await door.lanes.place(orders.wish_from(door.snapshot, caller, body))
    if isinstance(answer, Refused):
        raise answer.refusal()
    return answer


def say(form: Filled, refusal: Refusal) -> Filled:
    """What became of it, kindly, above the form or at its field."""
    said = SAID.get(type(refusal))
    if said is None:
        return form.refused(refusal)
    form.general = form.words.say(said)
    return form


def buyer(request: AnyRequest, *, act: str = "view") -> Viewer:
    """The viewer, if he works for somebody who buys and may do this; ``Forbidden`` else."""
    viewer = viewer_of(request)
    if not is_buyer(viewer) or not viewer.may(act):
        raise access.Forbidden
    return viewer


def is_buyer(viewer: Viewer) -> bool:
    return viewer.organisation is not None and viewer.organisation.kind in BUYERS


def caller_of_guest(request: AnyRequest, organisation: Organisation) -> Caller:
    return Caller(orders.key_of_guest(organisation), organisation, viewer_of(request).ip)
