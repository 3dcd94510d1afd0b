"""What the search box finds for a supplier: orders by hand, batches of cards by number, and the goods he brings."""

from __future__ import annotations

from kameng import fulfilment, stock, suppliers
from kameng.fulfilment import NoSuchTask
from kameng.kit import ids
from kameng.web.navigation import Hit, Search
from kameng.web.parts import AnyRequest, door_of
from kameng.web.supplier.common import goods_of, name_of, worker_of
from kameng.web.viewing import viewer_of
from kameng.web.wording import N_


async def find_tasks(request: AnyRequest, text: str, limit: int) -> list[Hit]:
    """By its whole number; of his own desk alone."""
    door = door_of(request)
    try:
        found = await fulfilment.find_task(door.db, door.ring, worker_of(viewer_of(request)), ids.parse(text))
    except (ValueError, NoSuchTask):
        return []
    task = found.task
    name = name_of(goods_of(door).get(task.sku_id))
    return [Hit(name, f"/supplier/orders/{task.task_id}", icon="list", hint=str(task.task_id), is_it=True)][:limit]


async def find_batches(request: AnyRequest, text: str, limit: int) -> list[Hit]:
    try:
        number = ids.parse(text)
    except ValueError:
        return []
    door, org_id = door_of(request), viewer_of(request).me.org_id
    async with door.db.connection() as connection:
        found = await stock.batches_of(connection, org_id, before_id=number + 1, limit=1)
    return [
        Hit(
            name_of(goods_of(door).get(one.sku_id)), f"/supplier/stock/{one.batch_id}", icon="box",
            hint=str(one.batch_id), is_it=True,
        )
        for one in found
        if one.batch_id == number
    ][:limit]  # fmt: skip


async def find_goods(request: AnyRequest, text: str, limit: int) -> list[Hit]:
    """Goods of his that have all the words, or that number: their cards are loaded from there."""
    door, words = door_of(request), text.casefold().split()
    known = goods_of(door)
    skus = [known[one.sku_id] for one in await suppliers.supplied(door.db, viewer_of(request).me.org_id)
            if one.sku_id in known]  # fmt: skip
    fitting = [
        sku
        for sku in skus
        if all(word in f"{sku.brand} {sku.product} {sku.spec} {sku.sku_id}".casefold() for word in words)
    ]
    return [
        Hit(name_of(sku), f"/supplier/stock?sku={sku.sku_id}", icon="tag", hint=str(sku.sku_id)) for sku in fitting
    ][:limit]


SEARCHES = (
    Search(N_("Orders by hand"), find_tasks, act="tasks"),
    Search(N_("Batches"), find_batches, act="goods"),
    Search(N_("My goods"), find_goods, act="goods"),
)
