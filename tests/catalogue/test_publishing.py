"""Publishing: what a file or a command changes, what is kept of it, and what no SKU may be."""

from __future__ import annotations

from typing import Any

import asyncpg
import msgspec
import pytest

from kameng import catalogue
from kameng.catalogue import BadSku, BundleWithoutParts, Sku, UnknownSku
from kameng.catalogue.checking import barcode_is_right
from laws.world import World

HEADER = "场景,品牌,商品,规格,类型,面值,成本,标价,下单表单,地区,备注"
CARD = "游戏,网易,网易一卡通,100,secret,100,{cost},{price},,全国,"


async def sku_named(world: World, product: str, spec: str = "100") -> Sku:
    async with world.db.connection() as connection:
        skus = (await catalogue.load(connection, None, 1 << 40)).skus.values()
    return next(sku for sku in skus if (sku.product, sku.spec) == (product, spec))


async def price_changes(world: World) -> list[tuple[Any, ...]]:
    rows = await world.rows("SELECT sku_id, what, before_e4, after_e4, actor_id FROM price_change ORDER BY change_id")
    return [tuple(row) for row in rows]


async def acts(world: World) -> list[tuple[Any, ...]]:
    rows = await world.rows(
        "SELECT act, subject_id, actor_id, data FROM audit_line WHERE act IN ('sku.set', 'catalogue.import')"
        " ORDER BY audit_id"
    )
    return [tuple(row) for row in rows]


async def test_every_price_of_a_sku_is_logged_as_it_changes(world: World) -> None:
    sku_id, before = world.card.sku_id, len(await acts(world))
    await catalogue.set_sku(world.db, sku_id, {"list_price_e4": 990_000, "cost_e4": 940_000}, actor_id=7)
    await catalogue.set_sku(world.db, sku_id, {"floor_e4": 960_000, "ceiling_e4": 999_000}, actor_id=8)
    await catalogue.set_sku(world.db, sku_id, {"floor_e4": None}, actor_id=9)
    assert await price_changes(world) == [
        (sku_id, "list", 985_000, 990_000, 7), (sku_id, "cost", 950_000, 940_000, 7),
        (sku_id, "floor", None, 960_000, 8), (sku_id, "ceiling", None, 999_000, 8),
        (sku_id, "floor", 960_000, None, 9),
    ]  # fmt: skip
    assert (await acts(world))[before:] == [
        ("sku.set", sku_id, 7, {"cost_e4": [950_000, 940_000], "list_price_e4": [985_000, 990_000]}),
        ("sku.set", sku_id, 8, {"floor_e4": [None, 960_000], "ceiling_e4": [None, 999_000]}),
        ("sku.set", sku_id, 9, {"floor_e4": [960_000, None]}),
    ]
    await world.assert_clean()


async def test_a_whole_sku_put_in_place_is_logged_too(world: World) -> None:
    changed = msgspec.structs.replace(world.card, list_price_e4=990_000, state="paused")
    kept = await catalogue.change_sku(world.db, changed, actor_id=7)
    assert kept == msgspec.structs.replace(changed, revision=2)
    assert await price_changes(world) == [(world.card.sku_id, "list", 985_000, 990_000, 7)]


async def test_a_file_logs_the_prices_that_it_changes(world: World) -> None:
    file = "\n".join([HEADER, CARD.format(cost="94", price="98.5"), "游戏,网易,新卡,10,secret,10,9,9.5,,全国,"])
    report = await catalogue.import_file(world.db, file.encode(), actor_id=7)
    assert (report.created, report.changed, report.unchanged) == (1, 1, 0)
    assert await price_changes(world) == [(world.card.sku_id, "cost", 950_000, 940_000, 7)]
    epoch = await world.scalar("SELECT value FROM epoch WHERE topic = 'catalogue'")
    assert (await acts(world))[-1] == ("catalogue.import", 0, 7, {"created": 1, "changed": 1, "epoch": epoch})
    noted = len(await acts(world))
    again = await catalogue.import_file(world.db, file.encode(), actor_id=7)
    assert (again.created, again.changed, again.unchanged) == (0, 0, 2)
    assert (len(await price_changes(world)), len(await acts(world))) == (1, noted)


async def test_what_is_set_already_changes_nothing(world: World) -> None:
    before = (await acts(world), await price_changes(world))
    assert await catalogue.set_sku(world.db, world.card.sku_id, {"list_price_e4": 985_000}) == world.card
    assert await world.scalar("SELECT max(revision) FROM sku_revision") == 1
    assert (await acts(world), await price_changes(world)) == before


async def test_a_change_leaves_alone_what_it_does_not_name(world: World) -> None:
    """Two people who change a SKU at once don't undo each other."""
    await catalogue.set_sku(world.db, world.card.sku_id, {"floor_e4": 960_000})
    kept = await catalogue.set_sku(world.db, world.card.sku_id, {"quantity_max": 10})
    assert (kept.floor_e4, kept.quantity_max, kept.revision) == (960_000, 10, 3)


@pytest.mark.parametrize(
    ("changes", "field", "zh"),
    [
        ({"list_price_e4": 0}, "list_price", "标价：应为 0.0001 至"),
        ({"list_price_e4": 10**15 + 1}, "list_price", "标价：应为"),
        ({"cost_e4": -1}, "cost", "成本：应为 0.0000 至"),
        ({"floor_e4": -1}, "floor", "最低限价：应为"),
        ({"ceiling_e4": 0}, "ceiling", "最高限价：应为"),
        ({"floor_e4": 980_000, "ceiling_e4": 970_000}, "ceiling", "最高限价：不得低于最低限价 98.0000"),
        ({"quantity_min": 0}, "quantity_min", "最小数量：应为 1 至 1000"),
        ({"quantity_min": 101}, "quantity_max", "最大数量：应为 101（最小数量）至 1000"),
        ({"quantity_max": 1001}, "quantity_max", "最大数量：应为 1（最小数量）至 1000"),
        ({"quantity_step": 0}, "quantity_step", "数量步长：应为 1 至 1000"),
        ({"kind": "gift"}, "kind", "类型：应为 secret"),
        ({"state": "gone"}, "state", "状态：应为 on_sale, paused, withdrawn 之一"),
        ({"delivery_promise_minutes": -1}, "delivery_promise_minutes", "承诺交付分钟：应为 0 至 525600"),
        ({"redeem_instructions": "x" * 1001}, "redeem_instructions", "兑换说明：最多 1000 个可见字符"),
        ({"note": "a\nb"}, "note", "备注：最多 200 个可见字符"),
        ({"confirm_days": 61}, "confirm_days", "确认收货天数：应为 0 至 60"),
        ({"barcode": "6901234567893"}, "barcode", "条码：应为含校验位的"),
        ({"kind": "parcel"}, "form", "下单表单：实物商品须收集收货地址（address）"),
        ({"kind": "parcel", "form": "phone"}, "form", "下单表单：实物商品须收集收货地址（address）"),
    ],
)
async def test_what_no_sku_may_be_is_refused_by_its_field(
    world: World, changes: dict[str, Any], field: str, zh: str
) -> None:
    before = await acts(world)
    with pytest.raises(BadSku) as refused:
        await catalogue.set_sku(world.db, world.card.sku_id, changes)
    assert refused.value.field == field
    assert refused.value.detail.startswith(f"{field}: ")
    assert refused.value.detail_zh.startswith(zh)
    assert await sku_named(world, "网易一卡通") == world.card
    assert (await acts(world), await price_changes(world)) == (before, [])


async def test_a_sku_that_is_not_there_is_not_changed(world: World) -> None:
    with pytest.raises(UnknownSku):
        await catalogue.set_sku(world.db, 5, {"state": "paused"})


@pytest.mark.parametrize(
    "change",
    ["kind = 'bundle'", "kind = 'parcel'", "kind = 'parcel', form = 'phone'", "ceiling_e4 = 1, floor_e4 = 2",
     "barcode = '123'", "delivery_promise_minutes = -1", "quantity_max = 1001"],
)  # fmt: skip
async def test_the_table_refuses_the_same(world: World, change: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await world.execute(f"UPDATE sku SET {change} WHERE sku_id = $1", world.card.sku_id)


async def test_a_bundle_comes_in_paused_and_is_not_put_on_sale(world: World) -> None:
    file = f"{HEADER}\n营销,礼包,首充礼包,668,bundle,668,598,629,,全国,\n{CARD.format(cost='95', price='98.5')}\n"
    report = await catalogue.import_file(world.db, file.encode())
    assert (report.created, report.unchanged, report.refused, report.bundles) == (1, 1, (), 1)
    bundle = await sku_named(world, "首充礼包", "668")
    assert bundle.state == "paused"
    with pytest.raises(BundleWithoutParts) as refused:
        await catalogue.set_sku(world.db, bundle.sku_id, {"state": "on_sale"})
    assert (refused.value.status, refused.value.field) == (409, "state")
    with pytest.raises(BundleWithoutParts):
        await catalogue.set_sku(world.db, world.card.sku_id, {"kind": "bundle"})
    assert await catalogue.set_sku(world.db, bundle.sku_id, {"state": "withdrawn"})
    again = await catalogue.import_file(world.db, file.encode())
    assert (again.changed, again.unchanged) == (0, 2)


async def test_a_file_sets_what_its_further_columns_say_and_nothing_else(world: World) -> None:
    sku_id = world.card.sku_id
    await catalogue.set_sku(world.db, sku_id, {"floor_e4": 960_000, "refundable": True, "barcode": "96385074"})
    row = CARD.format(cost="95", price="98.5")
    plain = await catalogue.import_file(world.db, f"{HEADER}\n{row}\n".encode())
    assert (plain.changed, plain.unchanged) == (0, 1)
    further = "最低限价,数量步长,条码,兑换说明,承诺交付分钟"
    file = f"{HEADER},{further}\n{row},97,10,6901234567892,在官网兑换,0\n"
    assert (await catalogue.import_file(world.db, file.encode())).changed == 1
    sku = await sku_named(world, "网易一卡通")
    assert (sku.floor_e4, sku.quantity_step, sku.barcode, sku.refundable) == (970_000, 10, "6901234567892", True)
    assert (sku.redeem_instructions, sku.delivery_promise_minutes) == ("在官网兑换", 0)
    assert [row[1:4] for row in await price_changes(world)] == [("floor", None, 960_000), ("floor", 960_000, 970_000)]
    gone = await catalogue.import_file(world.db, f"{HEADER},最低限价,条码\n{row},,\n".encode())
    sku = await sku_named(world, "网易一卡通")
    assert (gone.changed, sku.floor_e4, sku.barcode, sku.quantity_step) == (1, None, "", 10)


async def test_a_row_against_what_its_sku_is_already_is_refused_and_the_others_stay(world: World) -> None:
    await catalogue.set_sku(world.db, world.card.sku_id, {"floor_e4": 960_000})
    file = f"{HEADER},最高限价\n{CARD.format(cost='95', price='98')},95\n游戏,网易,新卡,10,secret,10,9,9.5,,全国,,\n"
    report = await catalogue.import_file(world.db, file.encode())
    assert (report.created, report.changed) == (1, 0)
    assert [(r.line, r.reason, r.message, r.message_zh) for r in report.refused] == [
        (2, "bad_value", "ceiling: not below the floor, 96.0000", "最高限价：不得低于最低限价 96.0000")
    ]
    assert (await sku_named(world, "网易一卡通")).list_price_e4 == 985_000


async def test_old_revisions_are_read_without_what_they_did_not_know(world: World) -> None:
    snapshot = msgspec.to_builtins(world.card)
    for name in ("delivery_promise_minutes", "redeem_instructions", "barcode"):
        del snapshot[name]
    async with world.db.connection() as connection:
        await connection.execute(
            "INSERT INTO sku_revision VALUES ($1, 77, now(), $2)", world.card.sku_id, snapshot | {"revision": 77}
        )
        found = await catalogue.read_revisions(connection, [(world.card.sku_id, 77)])
    assert found[world.card.sku_id, 77] == msgspec.structs.replace(world.card, revision=77)


@pytest.mark.parametrize("code", ["96385074", "036000291452", "6901234567892", "4006381333931", "10012345000017"])
def test_barcodes_have_their_check_digit(code: str) -> None:
    assert barcode_is_right(code)
    for wrong in (code[:-1], code + "0", code[:-1] + str((int(code[-1]) + 1) % 10), code.replace(code[0], "１", 1)):
        assert not barcode_is_right(wrong), wrong
