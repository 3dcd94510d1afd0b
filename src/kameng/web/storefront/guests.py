"""Guests: their order by its number and query password, and the browser that has just placed one.

That browser sees how its order stands without the password, by a cookie that only we can make; cards need the password
always. Wrong guesses wait longer and longer (``orders.find_as_guest``).
"""

from __future__ import annotations

import hmac
from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from kameng import orders
from kameng.kit import ids
from kameng.kit.errors import Refusal
from kameng.orders import ShownOrder
from kameng.web import forms, viewing
from kameng.web.answering import page, way_on
from kameng.web.forms import Field
from kameng.web.parts import AnyRequest, door_of
from kameng.web.storefront import telling
from kameng.web.viewing import viewer_of

COOKIE = "kameng_guest"
PROOF_CHARS = 32
COOKIE_S = 24 * 3600
QUERY = (Field("number", forms.text(30)), Field("query_password", forms.text(100), keep_spaces=True))


@get("/guest", opt={"face": "shop"})
async def ask(request: AnyRequest) -> Response[Any]:
    sent = request.query_params.get("number", "")[:30]
    return page(request, "storefront/guest.html", form=forms.blank(viewer_of(request).words, number=sent))


@post("/guest", opt={"face": "shop"}, status_code=200)
async def find(request: AnyRequest) -> Response[Any]:
    """The order with its cards; each look is written down."""
    viewer, door = viewer_of(request), door_of(request)
    form = await forms.read(request, viewer.words, QUERY)
    form.sent["query_password"] = ""
    if form:
        try:
            order_id = _number(form["number"])
            shown = await orders.find_as_guest(door.db, door.ring, order_id, form["query_password"])
        except orders.OrderNotFound:
            form.general = form.words.say("No order has this number and this query password. Look at both once more.")
        except Refusal as refusal:
            form.refused(refusal)
        else:
            values = telling.guest_values(request, shown, cards=telling.cards_of(shown))
            return page(request, "storefront/guest_order.html", **values)
    return page(request, "storefront/guest.html", status=422, form=form)


@get("/guest/orders/{order_id:str}", opt={"face": "shop"})
async def show(request: AnyRequest, order_id: FromPath[str]) -> Response[Any]:
    """How the order stands that this browser has placed; without its cards."""
    values = telling.guest_values(request, await _of_browser(request, order_id))
    return page(request, "storefront/guest_order.html", **values)


@get("/guest/orders/{order_id:str}/part", opt={"face": "shop"})
async def part(request: AnyRequest, order_id: FromPath[str]) -> Response[Any]:
    values = telling.guest_values(request, await _of_browser(request, order_id))
    return page(request, "storefront/order_part.html", **values)


@post("/guest/orders/{order_id:str}/cancel", opt={"face": "shop"}, status_code=200)
async def cancel(request: AnyRequest, order_id: FromPath[str]) -> Response[Any]:
    """Give back what was reserved, before it was paid."""
    shown, door = await _of_browser(request, order_id), door_of(request)
    instruction = orders.Instruction(
        order_id=shown.order_id, command=orders.Command.cancel, key="guest", by=orders.By.buyer,
        actor_id=0, org_id=await _owner(request, shown.order_id),
    )  # fmt: skip
    if shown.state == orders.State.awaiting_payment:
        await orders.act_on(door.db, door.ring, instruction, terms=door.snapshot.terms)
    return way_on(request, f"/guest/orders/{shown.order_id}")


def way_to(request: AnyRequest, order_id: int, path: str = "", *, said: str = "") -> Response[Any]:
    """To the order that was just placed, or where it is paid; the browser may look at it from now on."""
    door, viewer = door_of(request), viewer_of(request)
    value = f"{order_id}.{_proof(request, order_id, viewer.visitor)}"
    cookie = viewing.new_cookie(door, COOKIE, value, max_age_s=COOKIE_S)
    return way_on(request, path or f"/guest/orders/{order_id}", cookies=[cookie], said=said)


def _proof(request: AnyRequest, order_id: int, visitor: str) -> str:
    return door_of(request).ring.fingerprint(b"guest order", f"{visitor}\n{order_id}".encode()).hex()[:PROOF_CHARS]


def has_placed(request: AnyRequest, order_id: int) -> bool:
    """Whether this browser has just placed the order."""
    door, viewer = door_of(request), viewer_of(request)
    known, _, proof = request.cookies.get(viewing.cookie_name(door, COOKIE), "").partition(".")
    right = _proof(request, order_id, viewer.visitor)
    return bool(viewer.visitor) and known == str(order_id) and hmac.compare_digest(proof.encode(), right.encode())


async def _of_browser(request: AnyRequest, text: str) -> ShownOrder:
    order_id = _number(text)
    if not has_placed(request, order_id):
        raise orders.OrderNotFound
    return await _present(request, order_id)


async def _present(request: AnyRequest, order_id: int) -> ShownOrder:
    door, lane = door_of(request), ids.lane_of(order_id)
    owner = await _owner(request, order_id)
    async with door.db.connection() as connection:
        found = await orders.present(connection, lane, [order_id], currencies={owner: "CNY"})
    if order_id not in found:
        raise orders.OrderNotFound
    return msgspec.structs.replace(found[order_id], account=None)


async def _owner(request: AnyRequest, order_id: int) -> int:
    async with door_of(request).db.connection() as connection:
        standing = (await orders.read_standing(connection, ids.lane_of(order_id), [order_id])).get(order_id)
    if standing is None:
        raise orders.OrderNotFound
    return standing.org_id


def _number(text: str) -> int:
    try:
        return ids.parse(text.replace(" ", ""))
    except ValueError:
        raise orders.OrderNotFound from None
