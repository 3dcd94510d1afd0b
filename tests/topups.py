"""For the tests of private data: a game that asks for a password, orders of it, and what it takes to be delivered."""

from __future__ import annotations

from typing import Any

from kameng import catalogue, ledger, orders
from kameng.catalogue import Sku
from kameng.identity import Caller
from kameng.kit import clock, events, lanes
from kameng.orders import OrderBody, ShownOrder
from laws.world import Gateway, World, placed

CSV = """场景,品牌,商品,规格,类型,面值,成本,标价,下单表单,地区,备注
游戏,网易,代练,1,topup,10,8,9,game_account+game_password+phone,全国,
游戏,网易,实名,1,topup,10,8,9,real_name+identity_number,全国,
"""
GAME = {"game_account": "Fang-2026", "game_password": "s3cret-Passw0rd", "phone": "13800138000"}
NAMED = {"real_name": "王芳", "identity_number": "44030819900101123X"}
ESCROW, SALES = (ledger.house_account(code, "CNY") for code in (ledger.House.escrow, ledger.House.sales))


async def games(world: World) -> tuple[Sku, Sku]:
    """One that asks for a password, one that asks for an identity number."""
    report = await catalogue.import_file(world.db, CSV.encode())
    assert (report.created, report.refused) == (2, ())
    async with world.db.connection() as connection:
        skus = (await catalogue.load(connection, None, 1 << 40)).skus.values()
    by_product = {sku.product: sku for sku in skus}
    return by_product["代练"], by_product["实名"]


async def top_up(gateway: Gateway, caller: Caller, ref: str, sku: Sku, account: dict[str, str]) -> ShownOrder:
    wish = orders.wish_from(gateway.snapshot, caller, OrderBody(ref, str(sku.sku_id), 1, account))
    return placed([await gateway.queues.place(wish)])[0]


async def deliver(world: World, *some: ShownOrder) -> None:
    """As fulfilment would: the state with its event, the money out of escrow, no job left."""
    for order in some:
        lane = order.order_id >> 12 & 1023
        org_id = await world.scalar("SELECT org_id FROM orders WHERE order_id = $1", order.order_id)
        async with world.db.transaction() as connection:
            passage = await lanes.pass_gate(connection, lane, id_count=1)
            await connection.execute(
                "UPDATE orders SET state = 'delivered', sequence = 2 WHERE lane = $1 AND order_id = $2",
                lane, order.order_id,
            )  # fmt: skip
            event = events.NewEvent(passage.ids[0], org_id, order.order_id, 2, "order.delivered")
            await events.emit(connection, lane, clock.now(), [event])
            await connection.execute("DELETE FROM job WHERE subject_id = $1", order.order_id)
        await ledger.transfer(
            world.db, lane, ESCROW, SALES, order.total_e4, key=f"deliver:{order.order_id}", code="delivery",
            subject_id=order.order_id, kind="posted",
        )  # fmt: skip


async def texts(world: World) -> dict[str, str]:
    """Every row of every table, as text."""
    tables = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    names = await world.rows(tables)
    found: dict[str, str] = {}
    for (name,) in names:
        rows: list[Any] = await world.rows(f"SELECT t::text FROM {name} AS t")
        found |= {f"{name} {n}": row[0] for n, row in enumerate(rows)}
    return found
