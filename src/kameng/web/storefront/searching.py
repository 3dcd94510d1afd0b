"""What the search box finds for who buys at a shop: his own orders, and the goods that this shop shows."""

from __future__ import annotations

from contextlib import suppress

from kameng import orders
from kameng.kit import ids
from kameng.orders import ShownOrder
from kameng.web.navigation import Hit, Item, Search
from kameng.web.parts import AnyRequest, door_of
from kameng.web.storefront.offering import is_shown
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_

ITEMS = (
    Item("/", N_("Home"), "home"), Item("/search", N_("Categories"), "grid"),
    Item("/topup", N_("Phone top-up"), "phone"), Item("/flash", N_("Flash sale"), "bolt"),
    Item("/orders", N_("My orders"), "receipt"), Item("/cards", N_("My cards"), "card"),
    Item("/wallet", N_("Wallet"), "wallet", act="money.view"),
    Item("/me", N_("Account"), "user"), Item("/help", N_("Help"), "help"), Item("/notices", N_("Notices"), "megaphone"),
)  # fmt: skip
"""The pages of a shop, for who has no side bar."""


async def find_orders(request: AnyRequest, text: str, limit: int) -> list[Hit]:
    """By its number, or by the phone or account that it was for; his own alone."""
    viewer, snapshot = viewer_of(request), door_of(request).snapshot
    found: list[ShownOrder] = []
    with suppress(ValueError):
        found = await orders.find(snapshot, viewer.caller, [ids.parse(text.replace(" ", ""))])
    is_it = bool(found)
    if not found:
        found = (await orders.find_by_target(snapshot, viewer.caller, text, limit=limit)).orders
    known = snapshot.catalogue.skus
    return [
        Hit(
            f"{known[one.sku_id].product} {known[one.sku_id].spec}", f"/orders/{one.order_id}", icon="receipt",
            hint=str(one.order_id), is_it=is_it,
        )
        for one in found
        if one.sku_id in known
    ][:limit]  # fmt: skip


async def find_goods(request: AnyRequest, text: str, limit: int) -> list[Hit]:
    """As the shop's own search does: Chinese, initials, with a letter wrong."""
    door = door_of(request)
    known, index = door.snapshot.catalogue.skus, await door.finder.index()
    hits = []
    for product in index.search(text).products:
        here = [sku_id for sku_id in product.sku_ids if sku_id in known and is_shown(request, known[sku_id])]
        if here:
            hits.append(Hit(known[here[0]].product, f"/goods/{here[0]}", icon="tag", hint=known[here[0]].brand))
        if len(hits) == limit:
            break
    return hits


SEARCHES = (Search(N_("My orders"), find_orders), Search(N_("Goods"), find_goods))
