"""The search box of every face: each finds what is its own, and nothing that is another's."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from kameng import catalogue, fulfilment, orders, stock
from kameng.identity import Organisation
from kameng.kit import epochs, ids
from kameng.kit.working import Worker
from kameng.ops import founding
from kameng.stock import CardLine
from laws import handwork
from pages import Visitor, signed_in
from running import ALL_SCOPES, Platform

PHONE = "13800138000"


async def hits(visitor: Visitor, text: str) -> list[tuple[str, str]]:
    """(address, label) of what was found, apart from pages and acts."""
    answer = await visitor.get(f"/find?q={quote(text)}", accept="application/json")
    assert answer.status == 200, answer
    groups = json.loads(answer.body)["groups"]
    return [
        (hit["href"], hit["label"])
        for group in groups
        if group["label"] not in ("页面", "操作")
        for hit in group["hits"]
    ]


async def member(platform: Platform, name: str, kind: str) -> Organisation:
    made = await founding.found_member(platform.db, platform.ring, name, kind=kind, scopes=ALL_SCOPES)
    return made.organisation


async def test_a_customer_finds_his_orders_and_goods(platform: Platform) -> None:
    card = platform.goods.card
    placed = (await platform.place("mine", card)).json
    await platform.place("top-1", platform.goods.phone, account={"phone": PHONE})
    mine = await signed_in(platform, await member(platform, "周女士", "customer"))
    assert await hits(mine, placed["id"]) == []
    assert await hits(mine, PHONE) == []
    found = await hits(mine, card.product)
    assert found
    assert all(href.startswith("/goods/") for href, _ in found)
    assert (card.product in {label for _, label in found}, await hits(mine, "zzzzqqqq")) == (True, [])
    pages = json.loads((await mine.get("/find?q=", accept="application/json")).body)["groups"][0]["hits"]
    assert {"/orders", "/cards", "/wallet"} <= {hit["href"] for hit in pages}
    assert "<command-palette" in (await mine.get("/me")).body.decode()


@pytest.mark.parametrize("typed", ["订单", "dingdan", "dd", "DD"])
async def test_a_page_is_found_as_it_is_spelt(platform: Platform, typed: str) -> None:
    mine = await signed_in(platform, await member(platform, "周女士", "customer"))
    groups = json.loads((await mine.get(f"/find?q={quote(typed)}", accept="application/json")).body)["groups"]
    found = [hit["href"] for group in groups if group["label"] == "页面" for hit in group["hits"]]
    assert "/orders" in found
    assert "/wallet" not in found


async def test_a_supplier_finds_its_tasks_goods_and_batches(platform: Platform) -> None:
    one, other = await member(platform, "海星供货", "supplier"), await member(platform, "海马供货", "supplier")
    card = platform.goods.bare
    lines = [CardLine(1, "N-1", "S-1", None, None)]
    batch = await stock.load_cards(
        platform.db, platform.ring, lines, sku_id=card.sku_id, file_name="a.txt", supplier_org_id=one.org_id
    )
    mine, theirs = await signed_in(platform, one), await signed_in(platform, other)
    number = str(batch.batch_id)
    assert [href for href, _ in await hits(mine, number)] == [f"/supplier/stock/{number}"]
    assert await hits(theirs, number) == []
    assert [href for href, _ in await hits(mine, card.product)] == [f"/supplier/stock?sku={card.sku_id}"]
    assert await hits(theirs, card.product) == []
    assert await hits(mine, "100001") == []


async def test_a_supplier_finds_the_orders_that_it_works_by_hand(platform: Platform) -> None:
    one, other = await member(platform, "海星供货", "supplier"), await member(platform, "海马供货", "supplier")
    await catalogue.import_file(platform.db, handwork.CSV.encode())
    async with platform.db.connection() as connection:
        skus = (await catalogue.load(connection, None, 1 << 40)).skus.values()
        current = await epochs.read(connection)
    plain = next(sku for sku in skus if sku.product == "代办服务")
    await catalogue.set_sku(platform.db, plain.sku_id, {"worked_by": one.org_id})
    snapshot = platform.gateway._parts.snapshot  # type: ignore[union-attr]
    async with platform.db.connection() as connection:
        await snapshot.refresh(connection, await epochs.read(connection))
    assert snapshot.catalogue.epoch > current["catalogue"]
    order_id = int((await platform.place("by-hand", plain)).json["id"])
    handlers = fulfilment.handlers(platform.ring, handwork.TERMS, orders.Terms())
    await Worker(platform.db, handlers, lanes=[ids.lane_of(order_id)]).work_once()
    async with platform.db.connection() as connection:
        (task,) = await fulfilment.tasks_of(connection, ids.lane_of(order_id), [order_id])
    mine, theirs = await signed_in(platform, one), await signed_in(platform, other)
    assert [href for href, _ in await hits(mine, str(task.task_id))] == [f"/supplier/orders/{task.task_id}"]
    assert await hits(theirs, str(task.task_id)) == []
    finance = await signed_in(platform, one, "finance")
    assert await hits(finance, str(task.task_id)) == []  # his role works no orders


async def test_the_console_finds_everything_and_others_find_nothing_of_it(platform: Platform) -> None:
    placed = (await platform.place("mine", platform.goods.card)).json
    house = await signed_in(platform, await founding.found_house(platform.db))
    order = f"/console/orders/{placed['id']}"
    assert (await hits(house, placed["id"]))[0][0] == order
    assert order in {href for href, _ in await hits(house, "mine")}
    shop = platform.seed.shop.organisation
    assert f"/console/organisations/{shop.org_id}" in {href for href, _ in await hits(house, shop.name)}
    other = await signed_in(platform, platform.seed.other.organisation)
    for text in (placed["id"], "mine", shop.name):
        assert await hits(other, text) == []


@pytest.mark.parametrize("kind", ["merchant", "customer", "supplier", "agent"])
async def test_nonsense_finds_no_things(platform: Platform, kind: str) -> None:
    one = await member(platform, "某人", kind)
    visitor = await signed_in(platform, one)
    for text in ("\0", "%", "9" * 30, "' OR 1=1", "一" * 90):
        found = await hits(visitor, text)  # the shop offers goods that may have been meant
        assert [href for href, _ in found if not href.startswith("/goods/")] == [], text
