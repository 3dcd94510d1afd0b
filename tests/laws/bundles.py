"""Bundles made up for tests: of the world's goods, with a share each."""

from __future__ import annotations

from itertools import count
from typing import Any

from kameng import catalogue
from kameng.catalogue import Sku, WantedPart
from laws.world import World

HEAD = "场景,品牌,商品,规格,类型,面值,成本,标价,下单表单,地区,备注"
MORE = f"""{HEAD}
营销,代办,代办服务,1,manual,10,8,9,,全国,
教育,教辅,资料包,89,parcel,89,53,75,address,全国,
"""
PRICE_E4 = 1_500_000
_numbers = count(1)


async def goods_named(world: World) -> dict[tuple[str, str], Sku]:
    async with world.db.connection() as connection:
        skus = (await catalogue.load(connection, None, 1 << 40)).skus.values()
    return {(sku.product, sku.spec): sku for sku in skus}


async def by_hand(world: World) -> tuple[Sku, Sku]:
    """Something that people work, and a parcel."""
    await catalogue.import_file(world.db, MORE.encode())
    goods = await goods_named(world)
    return goods["代办服务", "1"], goods["资料包", "89"]


async def bundle_of(world: World, *wanted: WantedPart, discount_percent_e4: int | None = None, **changes: Any) -> Sku:
    """A bundle on sale for 150 yuan, whatever its parts cost, or with a discount on them."""
    name = f"礼包 {next(_numbers)}"
    row = f"营销,礼包,{name},1,bundle,150,0,150,,全国,"
    report = await catalogue.import_file(world.db, f"{HEAD}\n{row}\n".encode())
    assert report.created == report.bundles == 1
    sku_id = (await goods_named(world))[name, "1"].sku_id
    await catalogue.set_parts(world.db, sku_id, wanted, discount_percent_e4=discount_percent_e4)
    changes |= {"state": "on_sale", "below_cost_allowed": discount_percent_e4 is None}
    return await catalogue.set_sku(world.db, sku_id, changes)


def part(sku: Sku, quantity: int = 1, share_e4: int | None = None) -> WantedPart:
    return WantedPart(sku.sku_id, quantity, share_e4)


def gift(sku: Sku, quantity: int = 1) -> WantedPart:
    return WantedPart(sku.sku_id, quantity, 0)
