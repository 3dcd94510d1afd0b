"""Where an order is paid that waits for it: ``/pay/{order}``, for whom it belongs to, or the browser that placed it."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from kameng import access, identity, ledger, orders, payments
from kameng.identity import Organisation
from kameng.kit import ids
from kameng.orders import State
from kameng.web import till, within
from kameng.web.parts import AnyRequest, door_of
from kameng.web.storefront import buying, guests
from kameng.web.till import Due
from kameng.web.viewing import viewer_of

ENDED = {State.expired: "expired", State.cancelled: "cancelled", State.awaiting_payment: "open"}
"""Whatever else it is: it was paid."""


@get("/pay/{order_id:str}", opt={"face": "shop"})
async def show(request: AnyRequest, order_id: FromPath[str]) -> Response[Any]:
    return await within.show(request, await due_of(request, buying.order_id_of(order_id)))


@post("/pay/{order_id:str}", opt={"face": "shop"}, status_code=200)
async def choose(request: AnyRequest, order_id: FromPath[str]) -> Response[Any]:
    """Another way to pay (``method``), or 我已支付 (``act=look``)."""
    due, viewer = await due_of(request, buying.order_id_of(order_id)), viewer_of(request)
    if due.organisation == viewer.organisation and not viewer.may("buy"):
        raise access.Forbidden
    if (await request.form()).get("act") == "look":
        return await till.look(request, due)
    return await till.choose(request, due)


async def due_of(request: AnyRequest, order_id: int, *, is_known: bool = False) -> Due:
    """``OrderNotFound`` for everybody else's. ``is_known``: this request has just placed it."""
    door, viewer = door_of(request), viewer_of(request)
    async with door.db.connection() as connection:
        standing = (await orders.read_standing(connection, ids.lane_of(order_id), [order_id])).get(order_id)
        if standing is None:
            raise orders.OrderNotFound
        is_own = buying.is_buyer(viewer) and viewer.me.org_id == standing.org_id
        if not (is_known or is_own or (standing.is_guest and guests.has_placed(request, order_id))):
            raise orders.OrderNotFound
        organisation = await identity.find_organisation(connection, standing.org_id)
    assert organisation is not None, "no organisation is ever removed"
    sku = door.snapshot.catalogue.skus[standing.sku_id]
    held_e4, part_e4 = 0, 0
    if standing.is_awaited and not standing.is_guest and standing.payer_id == standing.org_id:
        held_e4, part_e4 = await _of_wallet(request, organisation, order_id, standing.total_e4)
    return Due(
        payable_id=order_id, organisation=organisation, amount_e4=standing.total_e4, currency=standing.currency,
        state=ENDED.get(standing.state, "paid"), title=f"{sku.product} {sku.spec}".strip(), path=f"/pay/{order_id}",
        back=f"/guest/orders/{order_id}" if standing.is_guest else f"/orders/{order_id}",
        again=f"/checkout?sku={sku.sku_id}&quantity={standing.quantity}", expires_at=standing.expires_at,
        wallet_e4=held_e4, part_e4=part_e4,
    )  # fmt: skip


async def _of_wallet(request: AnyRequest, organisation: Organisation, order_id: int, total_e4: int) -> tuple[int, int]:
    """What the wallet holds for it, or could add to it as long as nobody has begun to pay."""
    door = door_of(request)
    payable = await payments.find_payable(door.cashier, organisation, order_id)
    if payable is not None:
        return payable.wallet_e4, 0
    async with door.db.connection() as connection:
        wallets = await ledger.read_accounts(connection, organisation.lane, [organisation.org_id])
    return 0, payments.part_of(total_e4, wallets[0].available_e4) if wallets else 0
