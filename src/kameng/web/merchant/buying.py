"""Buying one thing: the price list at one's own price, a SKU's form, and one press that orders it.

The form holds a token that is the order's reference: pressed twice, or sent again by a browser, it is one order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from kameng import catalogue, orders, pricing
from kameng.catalogue import Form, Sku
from kameng.kit import money
from kameng.kit.errors import Refusal
from kameng.orders import OrderBody, Refused
from kameng.pricing import Quote
from kameng.web import forms
from kameng.web.answering import page, way_on
from kameng.web.forms import Field, Filled
from kameng.web.merchant import cart, lists
from kameng.web.parts import AnyRequest, Door, door_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_, Words

ACCOUNT = "account."
TOKEN_FIELD = "token"  # noqa: S105 - the name of a field
FOUND_MAX = 12
FRESH_DAYS = 30


class Priced(msgspec.Struct, frozen=True):
    """A SKU with what one pays for it."""

    sku: Sku
    quote: Quote
    band: str

    @property
    def name(self) -> str:
        return f"{self.sku.product} {self.sku.spec}".strip()

    @property
    def is_open(self) -> bool:
        return self.sku.on_sale and not self.quote.below_cost and self.band != "none"


@get("/merchant/prices", opt={"face": "merchant"})
async def show_prices(request: AnyRequest) -> Response[Any]:
    """What is on sale, by code, at my price; the cursor is the last code seen."""
    door, query = door_of(request), request.query_params
    after, scene, text = query.get("after", ""), query.get("scene", ""), query.get("q", "").strip()
    after_id = int(after) if after.isascii() and after.isdecimal() and len(after) < 19 else 0
    found = [sku for sku in matching(door, text, scene) if sku.sku_id > after_id][: lists.PAGE + 1]
    next_id = found[lists.PAGE - 1].sku_id if len(found) > lists.PAGE else None
    shown = await priced(request, found[: lists.PAGE])
    scenes = dict.fromkeys(sku.scene for _, sku in sorted(door.snapshot.catalogue.skus.items()) if sku.on_sale)
    return page(
        request, "merchant/prices.html", shown=shown, next_id=next_id, scenes=list(scenes), scene=scene, text=text,
        is_later=bool(after_id), steps_of=lambda quote: pricing.steps_of(quote.trace),
    )  # fmt: skip


@get("/merchant/buy", opt={"face": "merchant", "act": "buy"})
async def choose(request: AnyRequest) -> Response[Any]:
    """Quick order: what is looked for, or what was bought lately."""
    viewer, door, text = viewer_of(request), door_of(request), request.query_params.get("q", "").strip()
    if text:
        skus = matching(door, text)[:FOUND_MAX]
    else:
        lately = await orders.browse(
            door.snapshot, viewer.me, orders.Filter(from_id=lists.start_of_day(lists.days_ago(FRESH_DAYS)))
        )
        known = door.snapshot.catalogue.skus
        bought = [known[sku_id] for sku_id in dict.fromkeys(o.sku_id for o in lately.orders) if sku_id in known]
        skus = [sku for sku in bought if sku.on_sale][:FOUND_MAX]
    return page(request, "merchant/buy.html", shown=await priced(request, skus), text=text)


def matching(door: Door, text: str, scene: str = "") -> list[Sku]:
    """SKUs on sale whose words are all in what somebody typed, by code."""
    words = text.casefold().split()
    return [
        sku
        for _, sku in sorted(door.snapshot.catalogue.skus.items())
        if sku.on_sale and scene in ("", sku.scene) and all(word in _text_of(sku) for word in words)
    ]


def _text_of(sku: Sku) -> str:
    return f"{sku.sku_id} {sku.brand} {sku.product} {sku.spec} {sku.note} {sku.scene}".casefold()


async def priced(request: AnyRequest, skus: list[Sku], quantity: int | None = None) -> list[Priced]:
    viewer, door = viewer_of(request), door_of(request)
    bands = await lists.bands_of(door, skus)
    return [
        Priced(sku, door.snapshot.quote(viewer.me, sku, quantity or sku.quantity_min), bands[sku.sku_id])
        for sku in skus
    ]


@get("/merchant/buy/{sku:str}", opt={"face": "merchant", "act": "buy"})
async def ask(request: AnyRequest, sku: FromPath[str]) -> Response[Any]:
    door = door_of(request)
    wanted = lists.sku_of(door.snapshot, sku)
    quantity = request.query_params.get("quantity", "")
    is_number = quantity.isascii() and quantity.isdecimal() and len(quantity) < 7 and int(quantity) > 0
    form = forms.blank(viewer_of(request).words, quantity=int(quantity) if is_number else wanted.quantity_min)
    return await _page(request, wanted, form, token=forms.new_token())


@get("/merchant/buy/{sku:str}/price", opt={"face": "merchant", "act": "buy"})
async def show_price(request: AnyRequest, sku: FromPath[str]) -> Response[Any]:
    """What so many cost: the part of the page that changes with the quantity."""
    wanted = lists.sku_of(door_of(request).snapshot, sku)
    (shown,) = await priced(request, [wanted], _count(request.query_params.get("quantity", ""), wanted))
    quantity = _count(request.query_params.get("quantity", ""), wanted)
    return page(
        request, "merchant/price_part.html", shown=shown, quantity=quantity,
        steps=pricing.steps_of(shown.quote.trace),
    )  # fmt: skip


def _count(text: str, sku: Sku) -> int:
    is_number = text.isascii() and text.isdecimal() and len(text) < 7
    return int(text) if is_number and sku.allows(int(text)) else sku.quantity_min


@post("/merchant/buy/{sku:str}", opt={"face": "merchant", "act": "buy"}, status_code=200)
async def buy(request: AnyRequest, sku: FromPath[str]) -> Response[Any]:
    """One press: the order, or everything that is wrong with the form. To the cart with the other button."""
    viewer, door = viewer_of(request), door_of(request)
    wanted = lists.sku_of(door.snapshot, sku)
    form = await forms.read(request, viewer.words, (*fields_of(wanted), Field("max_price", forms.text(30), False)))
    data = await request.form()
    token = str(data.get(TOKEN_FIELD, ""))[:64] or forms.new_token()
    account = account_of(wanted, form, viewer.words)
    if form and data.get("to") == "cart":
        return cart.put(request, wanted, form["quantity"], account)
    if form:
        body = OrderBody(token, str(wanted.sku_id), form["quantity"], account, form["max_price"])
        answer = await _place(door, viewer_of(request).caller, body)
        if not isinstance(answer, Refusal):
            said = N_("Ordered before: here it is.") if answer.replayed else N_("Ordered.")
            return way_on(request, f"/merchant/orders/{answer.order_id}", said=said)
        form.refused(answer)
    return await _page(request, wanted, form, token=token, status=422)


async def _place(door: Door, caller: Any, body: OrderBody) -> orders.ShownOrder | Refusal:
    """As the Open API places one."""
    try:
        answer = await door.lanes.place(orders.wish_from(door.snapshot, caller, body))
    except Refusal as refusal:
        return refusal
    return answer.refusal() if isinstance(answer, Refused) else answer


def fields_of(sku: Sku) -> tuple[Field, ...]:
    """What a SKU's order form asks for."""
    asked = catalogue.form_named(sku.form).fields if sku.form else ()
    return (
        Field("quantity", forms.whole(sku.quantity_min, sku.quantity_max)),
        *(Field(ACCOUNT + one.name, typed(one.max_length * 3 + 20), required=one.required, empty="") for one in asked),
    )


def typed(most: int) -> Callable[[str], str]:
    """What is cleaned later: marks that can't be seen come along when people paste."""

    def parse(sent: str) -> str:
        if len(sent) > most or "\0" in sent:
            raise forms.Wrong(N_("At most %(count)s characters, please."), count=f"{most:,}")
        return sent

    return parse


def account_of(sku: Sku, form: Filled, words: Words) -> dict[str, str]:
    """The account as it was filled in; what is wrong with it stands at its fields."""
    if not sku.form:
        return {}
    wanted: Form = catalogue.form_named(sku.form)
    sent = {one.name: form.sent.get(ACCOUNT + one.name, "") for one in wanted.fields}
    sent = {name: text for name, text in sent.items() if text}
    clean, faults = catalogue.check_account(wanted, sent)
    for fault in faults:
        form.errors[ACCOUNT + fault.field] = fault.message_zh if words.language == "zh" else fault.message
    return clean


async def _page(request: AnyRequest, sku: Sku, form: Filled, *, token: str, status: int = 200) -> Response[Any]:
    quantity = _count(form.sent.get("quantity", ""), sku)
    (shown,) = await priced(request, [sku], quantity)
    asked = catalogue.form_named(sku.form).fields if sku.form else ()
    for one in asked:
        if one.data_class == "password":
            form.sent[ACCOUNT + one.name] = ""
    return page(
        request, "merchant/buy_one.html", status=status, shown=shown, sku=sku, form=form, token=token, asked=asked,
        quantity=quantity, steps=pricing.steps_of(shown.quote.trace),
        max_price=money.format_e4(shown.quote.unit_price_e4),
    )  # fmt: skip
