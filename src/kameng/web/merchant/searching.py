"""What the search box finds for a merchant: orders, by our number or by his own."""

from __future__ import annotations

from kameng import orders
from kameng.kit import ids
from kameng.orders import OrderNotFound, ShownOrder
from kameng.web.navigation import Hit, Search
from kameng.web.parts import AnyRequest, door_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

REF_CHARS_MAX = 64


async def find_orders(request: AnyRequest, text: str, limit: int) -> list[Hit]:
    viewer, snapshot = viewer_of(request), door_of(request).snapshot
    found: dict[int, ShownOrder] = {}
    try:
        order_id = ids.parse(text)
        found |= {one.order_id: one for one in await orders.find(snapshot, viewer.caller, [order_id])}
    except ValueError:
        order_id = 0
    if len(text) <= REF_CHARS_MAX:
        try:
            one = await orders.find_by_ref(snapshot, viewer.caller, text)
            found[one.order_id] = one
        except OrderNotFound:
            pass
    return [
        Hit(
            one.client_ref or str(one.order_id), f"/merchant/orders/{one.order_id}", icon="receipt",
            hint=str(one.order_id), is_it=True,
        )
        for one in found.values()
    ][:limit]  # fmt: skip


SEARCHES = (Search(N_("Orders"), find_orders),)
