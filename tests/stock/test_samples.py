"""The three sample files as a supplier sends them, one after the other, into one database."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from kameng import catalogue, stock
from kameng.catalogue import Sku
from kameng.ops import founding
from kameng.stock import LoadReport
from laws.world import World

SAMPLES = Path(__file__).parent / "samples"
TXT, CSV, XLSX = "cards_wangyi_100.txt", "cards_jd_200_gbk.csv", "cards_steam_100.xlsx"
MORE_GOODS = """场景,品牌,商品,规格,类型,面值,成本,标价,下单表单,地区,备注
生活,京东,京东E卡,200,secret,200,193,197,,全国,
游戏,Steam,Steam充值码,100,secret,100,96,98.5,,全国,
"""
COST_E4 = 960_000
"""What the supplier says that a card costs; the CSV names 193 yuan itself."""


async def goods(world: World) -> dict[str, Sku]:
    """What each file is to be loaded as."""
    await catalogue.import_file(world.db, MORE_GOODS.encode())
    async with world.db.connection() as connection:
        skus = (await catalogue.load(connection, None, 1)).skus.values()
    named = {sku.product: sku for sku in skus}
    return {TXT: world.card, CSV: named["京东E卡"], XLSX: named["Steam充值码"]}


async def supplier(world: World) -> int:
    member = await founding.found_member(world.db, world.ring, "卡商", kind="supplier")
    return member.organisation.org_id


async def load_all(world: World, skus: dict[str, Sku], supplier_org_id: int) -> list[LoadReport]:
    return [
        await stock.load_file(
            world.db, world.ring, (SAMPLES / name).read_bytes(), sku_id=sku.sku_id, file_name=name,
            supplier_org_id=supplier_org_id, cost_e4=COST_E4,
        )
        for name, sku in skus.items()
    ]  # fmt: skip


def reasons(report: LoadReport) -> list[tuple[int, str]]:
    return [(line.line, line.reason) for line in report.refused]


async def test_they_load_as_they_are(world: World) -> None:
    skus, supplier_org_id = await goods(world), await supplier(world)
    txt, csv, xlsx = await load_all(world, skus, supplier_org_id)

    assert (txt.loaded, csv.loaded, xlsx.loaded) == (2000, 2000, 1000)
    assert reasons(txt) == [*((line, "duplicate") for line in range(2002, 2009)), (2010, "no_secret")]
    assert [line.message_zh for line in txt.refused] == [
        *(f"与第{first}行重复。" for first in range(2, 9)), "只有卡号，没有卡密。"
    ]  # fmt: skip
    assert reasons(csv) == [(2002, "loaded_before")]
    assert (csv.refused[0].message_zh, csv.refused[0].preview) == ("该卡此前已入库。", "3471****")
    assert reasons(xlsx) == [(1003, "digits_lost"), (1004, "formula")]

    rows = await world.rows(
        "SELECT batch_id, sku_id, supplier_org_id, file_name, loaded, refused, paid_e4, cost_e4, expires_on"
        " FROM card_batch ORDER BY batch_id"
    )
    assert [tuple(row) for row in rows] == [
        (txt.batch_id, skus[TXT].sku_id, supplier_org_id, TXT, 2000, 8, 1_920_000_000, 960_000, date(2028, 12, 31)),
        (csv.batch_id, skus[CSV].sku_id, supplier_org_id, CSV, 2000, 1, 3_860_000_000, 1_930_000, date(2027, 12, 31)),
        (xlsx.batch_id, skus[XLSX].sku_id, supplier_org_id, XLSX, 1000, 2, 960_000_000, 960_000, date(2028, 6, 30)),
    ]
    shelves = await world.rows("SELECT sku_id, sum(on_hand)::int FROM allotment GROUP BY sku_id")
    assert dict(shelves) == {
        skus[TXT].sku_id: 2000, skus[CSV].sku_id: 2000, skus[XLSX].sku_id: 1000,
    }  # fmt: skip
    cards = await world.rows("SELECT DISTINCT batch_id, sku_id, expires_on, state FROM card ORDER BY batch_id")
    assert [tuple(row) for row in cards] == [(*row[:2], row["expires_on"], "on_shelf") for row in rows]
    await world.assert_clean()


async def test_sent_again_nothing_is_loaded_and_every_card_is_told(world: World) -> None:
    skus, supplier_org_id = await goods(world), await supplier(world)
    firsts = await load_all(world, skus, supplier_org_id)
    agains = await load_all(world, skus, supplier_org_id)
    for first, again in zip(firsts, agains, strict=True):
        assert again.loaded == 0
        known = {line.line for line in again.refused if line.reason == "loaded_before"}
        assert len(known) == first.loaded + sum(line.reason == "loaded_before" for line in first.refused)
        assert [line for line in again.refused if line.line not in known] == [
            line for line in first.refused if line.reason != "loaded_before"
        ]
    assert await world.scalar("SELECT count(*) FROM card") == 5000
    assert await world.scalar("SELECT sum(on_hand) FROM allotment") == 5000
    assert await world.scalar("SELECT count(*) FROM audit_line WHERE act = 'stock.load'") == 6
    batches = await world.rows("SELECT loaded, refused, paid_e4, cost_e4, expires_on FROM card_batch ORDER BY batch_id")
    assert [tuple(row) for row in batches[3:]] == [
        (0, 2008, None, None, None), (0, 2001, None, None, None), (0, 1002, None, None, None),
    ]  # fmt: skip
    await world.assert_clean()
