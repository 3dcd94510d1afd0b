"""The cart: a few lines in a sealed cookie of this browser, ordered together, each once.

Nothing of it stands on the server until it is ordered. Each line's reference is made of the cart's name and the line's
number, so a cart that is sent twice is ordered once; what was ordered leaves it, what was refused stays and says why.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.datastructures import Cookie

from kameng import orders
from kameng.catalogue import Sku
from kameng.kit import crypto
from kameng.kit.errors import Refusal
from kameng.orders import OrderBody, Refused
from kameng.web import viewing
from kameng.web.answering import message_of, page, way_on
from kameng.web.merchant import lists
from kameng.web.parts import AnyRequest, Door, door_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

COOKIE = "kameng_cart"
SEALED_AS = b"cart"
LINES_MAX = 20
COOKIE_CHARS_MAX = 3600
KEPT_S = 7 * 24 * 3600


class Line(msgspec.Struct, frozen=True, array_like=True):
    number: int
    sku_id: int
    quantity: int
    account: dict[str, str] = {}


class Cart(msgspec.Struct, frozen=True, array_like=True):
    """``name`` begins its orders' references; ``last`` is the number of the newest line there ever was."""

    name: str = ""
    last: int = 0
    lines: tuple[Line, ...] = ()


def read(request: AnyRequest) -> Cart:
    """The cart of this browser and organisation; empty where there is none, or none that opens."""
    viewer, door = viewer_of(request), door_of(request)
    text = request.cookies.get(viewing.cookie_name(door, COOKIE), "")
    try:
        sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return msgspec.json.decode(door.ring.open(SEALED_AS, viewer.me.org_id, sealed), type=Cart)
    except (crypto.Unsealable, msgspec.DecodeError, binascii.Error, ValueError, IndexError):
        return Cart()


def _cookie(door: Door, org_id: int, cart: Cart) -> Cookie:
    if not cart.lines:
        return viewing.new_cookie(door, COOKIE, "", max_age_s=0)
    sealed = door.ring.seal(SEALED_AS, org_id, msgspec.json.encode(cart))
    text = base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()
    return viewing.new_cookie(door, COOKIE, text, max_age_s=KEPT_S)


def put(request: AnyRequest, sku: Sku, quantity: int, account: dict[str, str]) -> Response[Any]:
    """One line more. A full cart says so."""
    viewer, door, old = viewer_of(request), door_of(request), read(request)
    line = Line(old.last + 1, sku.sku_id, quantity, account)
    new = Cart(old.name or secrets.token_urlsafe(9), line.number, (*old.lines, line))
    cookie = _cookie(door, viewer.me.org_id, new)
    if len(new.lines) > LINES_MAX or len(cookie.to_header(header="")) > COOKIE_CHARS_MAX:
        return way_on(request, "/merchant/cart", said=N_("The cart is full: order it first."))
    return way_on(request, "/merchant/cart", cookies=[cookie], said=N_("Put into the cart."))


@get("/merchant/cart", opt={"face": "merchant", "act": "buy"})
async def show(request: AnyRequest) -> Response[Any]:
    return _page(request, read(request))


@post("/merchant/cart/remove", opt={"face": "merchant", "act": "buy"}, status_code=200)
async def remove(request: AnyRequest) -> Response[Any]:
    viewer, door, old = viewer_of(request), door_of(request), read(request)
    number = str((await request.form()).get("line", ""))
    left = tuple(line for line in old.lines if str(line.number) != number)
    cookie = _cookie(door, viewer.me.org_id, msgspec.structs.replace(old, lines=left))
    return way_on(request, "/merchant/cart", cookies=[cookie])


@post("/merchant/cart/order", opt={"face": "merchant", "act": "buy"}, status_code=200)
async def order(request: AnyRequest) -> Response[Any]:
    """Everything in it, each line on its own, as a bulk request's rows are."""
    viewer, door, cart = viewer_of(request), door_of(request), read(request)
    sent = str((await request.form()).get("total", ""))
    if not cart.lines or sent != str(sum(price_e4 * line.quantity for line, _, price_e4 in _priced(request, cart))):
        return way_on(request, "/merchant/cart", said=N_("A price changed: look at the cart again."))
    results = await _place(door, viewer.caller, cart)
    refused = {line.number: result for line, result in zip(cart.lines, results, strict=True)
               if isinstance(result, Refusal)}  # fmt: skip
    left = msgspec.structs.replace(cart, lines=tuple(line for line in cart.lines if line.number in refused))
    placed = [result for result in results if isinstance(result, orders.ShownOrder)]
    answer = _page(
        request, left, placed=placed,
        refused={number: message_of(refusal, viewer.words) for number, refusal in refused.items()},
    )  # fmt: skip
    answer.set_cookie(_cookie(door, viewer.me.org_id, left))
    return answer


async def _place(door: Door, caller: Any, cart: Cart) -> list[orders.ShownOrder | Refusal]:
    results: list[orders.ShownOrder | Refusal | None] = []
    wishes = []
    for line in cart.lines:
        body = OrderBody(f"cart-{cart.name}-{line.number}", str(line.sku_id), line.quantity, line.account)
        try:
            wishes.append(orders.wish_from(door.snapshot, caller, body))
            results.append(None)
        except Refusal as refusal:
            results.append(refusal)
    answers = iter(await door.lanes.place_many(wishes))
    return [_result(next(answers)) if result is None else result for result in results]


def _result(answer: orders.Answer) -> orders.ShownOrder | Refusal:
    return answer.refusal() if isinstance(answer, Refused) else answer


def _page(
    request: AnyRequest, cart: Cart, *, placed: list[orders.ShownOrder] | None = None,
    refused: dict[int, str] | None = None,
) -> Response[Any]:  # fmt: skip
    door = door_of(request)
    lines = _priced(request, cart)
    return page(
        request, "merchant/cart.html", lines=lines, placed=placed, refused=refused or {},
        total_e4=sum(line.quantity * price_e4 for line, _, price_e4 in lines),
        names=lambda sku_id: lists.goods_name(door.snapshot, sku_id),
    )  # fmt: skip


def _priced(request: AnyRequest, cart: Cart) -> list[tuple[Line, str, int]]:
    """Each line with what it is called and costs a piece."""
    viewer, snapshot = viewer_of(request), door_of(request).snapshot
    known = snapshot.catalogue.skus
    return [
        (
            line, lists.goods_name(snapshot, line.sku_id),
            snapshot.quote(viewer.me, known[line.sku_id], line.quantity).unit_price_e4,
        )
        for line in cart.lines
        if line.sku_id in known
    ]  # fmt: skip
