"""My cards (我的卡包): every card and link ever bought, what is still good, and what is used."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from litestar import Response, get, post

from kameng import orders
from kameng.kit import clock, ids
from kameng.web.answering import page, way_on
from kameng.web.parts import AnyRequest, door_of
from kameng.web.storefront import buying
from kameng.web.wording import N_

PAGE_CARDS = 30
SOON = timedelta(days=30)
USED = {"": None, "no": False, "yes": True}
TABS = (("", N_("All")), ("no", N_("Unused")), ("yes", N_("Used")))


@get("/cards", opt={"face": "member"})
async def show(request: AnyRequest) -> Response[Any]:
    viewer, door = buying.buyer(request), door_of(request)
    typed, used = request.query_params.get("q", "")[:60].strip(), request.query_params.get("used", "")
    used = used if used in USED else ""
    sku_ids = None
    if typed:
        index = await door.finder.index()
        sku_ids = {sku_id for product in index.search(typed).products for sku_id in product.sku_ids}
    found = await orders.list_cards(
        door.snapshot, viewer.caller, before_id=_cursor(request.query_params.get("before", "")), limit=PAGE_CARDS,
        sku_ids=sku_ids, used=USED[used],
    )  # fmt: skip
    next_path = None
    if found.next_id is not None:
        facts = {"q": typed, "used": used, "before": str(found.next_id)}
        next_path = "/cards?" + urlencode({name: value for name, value in facts.items() if value})
    skus, today = door.snapshot.catalogue.skus, clock.china_day()
    return page(
        request, "storefront/cards.html", cards=[(card, skus[card.sku_id]) for card in found.cards], typed=typed,
        used=used, tabs=TABS, next_path=next_path, today=today, soon=today + SOON, may_mark=viewer.may("buy"),
    )  # fmt: skip


@post("/cards/mark", opt={"face": "member"}, status_code=200)
async def mark(request: AnyRequest) -> Response[Any]:
    viewer, data = buying.buyer(request, act="buy"), await request.form()
    try:
        order_id, card_id = ids.parse(str(data.get("order", ""))), ids.parse(str(data.get("card", "")))
    except ValueError:
        raise orders.NoSuchCard from None
    is_used = data.get("used") == "yes"
    await orders.mark_card(door_of(request).snapshot, viewer.caller, order_id, card_id, used=is_used)
    return way_on(request, "/cards", said=N_("Marked as used.") if is_used else N_("Marked as unused."))


def _cursor(text: str) -> int:
    try:
        return ids.parse(text)
    except ValueError:
        return orders.ID_MAX
