"""One order of each kind of goods: what it asks for, what it comes back with, where its money lies."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from kameng import catalogue, orders
from kameng.catalogue import KINDS, Sku
from kameng.kit.errors import Refusal
from kameng.ledger import House, house_account
from kameng.orders import Answer, OrderBody
from kameng.orders.model import ACCOUNT
from laws.world import PHONE, Gateway, Merchant, World, codes, placed

ADDRESS = {
    "recipient": "王芳", "phone": "138 1234 5678", "province": "浙江省", "city": "杭州市", "district": "西湖区",
    "street": "文三路 90 号",
}  # fmt: skip
CSV = """场景,品牌,商品,规格,类型,面值,成本,标价,下单表单,地区,备注
教育,教辅,资料包,89,parcel,89,53,75,address,全国,
营销,代办,代办服务,1,manual,10,8,9,,全国,
营销,礼包,首充礼包,668,bundle,668,598,629,,全国,
"""


async def goods_of(world: World) -> dict[str, Sku]:
    """One SKU of each kind."""
    report = await catalogue.import_file(world.db, CSV.encode())
    assert (report.created, report.refused) == (3, ())
    async with world.db.connection() as connection:
        skus = (await catalogue.load(connection, None, 1 << 40)).skus.values()
    found = {sku.kind: sku for sku in skus}
    assert found.keys() == set(KINDS)
    return found | {"secret": world.card, "link": world.link}


async def order(gateway: Gateway, merchant: Merchant, sku: Sku, account: dict[str, str], ref: str = "a") -> Answer:
    caller = merchant.caller
    await gateway.snapshot.directory.key(caller.key.key_id)
    wish = orders.wish_from(gateway.snapshot, caller, OrderBody(ref, str(sku.sku_id), 1, account, None))
    return await gateway.queues.place(wish)


@pytest.mark.parametrize(
    ("kind", "account", "state"),
    [
        ("secret", {}, "delivered"), ("link", {}, "delivered"), ("topup", {"phone": PHONE}, "fulfilling"),
        ("manual", {}, "fulfilling"), ("parcel", ADDRESS, "fulfilling"),
    ],
)  # fmt: skip
async def test_one_of_each_kind(world: World, kind: str, account: dict[str, str], state: str) -> None:
    sku = (await goods_of(world))[kind]
    if sku.from_stock:
        await world.load(sku, 1)
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        (shown,) = placed([await order(gateway, merchant, sku, account)])
    assert (shown.state, shown.total_e4, len(shown.cards)) == (state, sku.list_price_e4, int(sku.from_stock))
    held = house_account(House.sales if sku.from_stock else House.escrow, "CNY")
    posted_e4 = await world.scalar("SELECT posted_e4 FROM account WHERE lane = 0 AND account_id = $1", held)
    assert posted_e4 == sku.list_price_e4
    jobs = await world.rows("SELECT kind, subject_id FROM job")
    assert [tuple(job) for job in jobs] == ([] if sku.from_stock else [(f"fulfilment.{kind}", shown.order_id)])
    await world.assert_clean()


async def test_a_parcels_address_is_cleaned_and_sealed(world: World) -> None:
    sku = (await goods_of(world))["parcel"]
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        (shown,) = placed([await order(gateway, merchant, sku, ADDRESS)])
    sealed = await world.scalar("SELECT account FROM orders WHERE order_id = $1", shown.order_id)
    assert "王芳".encode() not in sealed
    assert msgspec.json.decode(world.ring.open(ACCOUNT, shown.order_id, sealed)) == ADDRESS | {
        "phone": PHONE, "province": "浙江"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("account", "field", "zh"),
    [
        ({}, "account.recipient", "请填写收件人。"),
        ({"phone": PHONE}, "account.recipient", "请填写收件人。"),
        (ADDRESS | {"street": ""}, "account.street", "请填写详细地址。"),
        (ADDRESS | {"province": "加州"}, "account.province", "省份格式不正确，请核对。"),
        (ADDRESS | {"zip": "310000"}, "account.zip", "下单表单没有“zip”这一项。"),
    ],
)
async def test_a_parcel_without_its_address_is_refused(
    world: World, account: dict[str, str], field: str, zh: str
) -> None:
    sku = (await goods_of(world))["parcel"]
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        with pytest.raises(Refusal) as refused:
            await order(gateway, merchant, sku, account)
    assert (refused.value.code, refused.value.field) == ("bad_account", field)
    assert refused.value.detail_zh.startswith(zh)
    assert await world.scalar("SELECT count(*) FROM orders") == 0


@pytest.mark.parametrize("form", ["", "phone"])
async def test_no_parcel_comes_in_without_an_address_form(world: World, form: str) -> None:
    report = await catalogue.import_file(world.db, CSV.replace(",address,", f",{form},").encode())
    assert [(row.line, row.reason, row.message_zh) for row in report.refused] == [
        (2, "no_address", "下单表单：实物商品须收集收货地址（address）")
    ]
    assert await world.scalar("SELECT count(*) FROM sku WHERE kind = 'parcel'") == 0


async def test_a_bundle_is_not_sold(world: World) -> None:
    sku = (await goods_of(world))["bundle"]
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        answers: list[Any] = [await order(gateway, merchant, sku, {})]
    assert codes(answers) == {"not_on_sale": 1}
    assert answers[0].field == "sku"
    assert await world.scalar("SELECT count(*) FROM orders") == 0
    await world.assert_clean()
