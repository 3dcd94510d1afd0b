"""Bundles in the catalogue: what they are made of, and how form, cost and price follow that."""

from __future__ import annotations

import pytest

from kameng import catalogue
from kameng.catalogue import BadSku, BundleWithoutParts, Part, Sku, WantedPart
from kameng.catalogue.forms import joined
from laws.bundles import HEAD, bundle_of, by_hand, gift, goods_named, part
from laws.world import World


async def current(world: World, sku: Sku) -> Sku:
    return (await goods_named(world))[sku.product, sku.spec]


async def test_a_bundle_takes_form_and_cost_of_its_parts_and_keeps_them_in_its_revision(world: World) -> None:
    service, parcel = await by_hand(world)
    bundle = await bundle_of(
        world, part(world.card, 2, 6000), part(world.phone, 1, 3000), part(parcel, 1, 1000), gift(service, 3)
    )
    assert bundle.parts == (
        Part(world.card.sku_id, 2, 6000, 1, "secret", "", 950_000),
        Part(world.phone.sku_id, 1, 3000, 1, "topup", "phone", 980_000),
        Part(parcel.sku_id, 1, 1000, 1, "parcel", "address", 530_000),
        Part(service.sku_id, 3, 0, 1, "manual", "", 80_000),
    )
    assert bundle.form == "address"  # which asks for a phone too
    assert bundle.cost_e4 == 2 * 950_000 + 980_000 + 530_000 + 3 * 80_000
    assert (bundle.list_price_e4, bundle.on_sale, bundle.at_once, bundle.from_stock) == (1_500_000, True, False, False)
    async with world.db.connection() as connection:
        kept = await catalogue.read_revisions(connection, [(bundle.sku_id, bundle.revision)])
    assert kept[bundle.sku_id, bundle.revision] == bundle
    stock_only = await bundle_of(world, part(world.card), gift(world.link))
    assert (stock_only.at_once, stock_only.form) == (True, "")


async def test_shares_follow_the_list_prices_if_nobody_says_them(world: World) -> None:
    bundle = await bundle_of(world, part(world.card), part(world.half_card), part(world.phone), gift(world.link))
    # 98.5, 49 and 99.65 of 247.15
    assert [one.share_e4 for one in bundle.parts] == [3985, 1983, 4032, 0]


async def test_a_discounted_price_follows_its_parts_rounded_up_to_a_fen(world: World) -> None:
    bundle = await bundle_of(
        world, part(world.card), part(world.half_card, 2), gift(world.link), discount_percent_e4=133_700
    )
    assert bundle.list_price_e4 == 1_702_300  # of 196.50, 170.22795
    other = await bundle_of(world, part(world.card))
    changes = await world.scalar("SELECT count(*) FROM price_change")
    await catalogue.set_sku(world.db, world.half_card.sku_id, {"list_price_e4": 500_000, "cost_e4": 480_000})
    after = await current(world, bundle)
    assert (after.list_price_e4, after.cost_e4) == (1_719_700, 950_000 + 2 * 480_000 + 250_000)
    assert (after.revision, after.parts[1].revision, after.parts[0].revision) == (bundle.revision + 1, 2, 1)
    assert (await current(world, other)).revision == other.revision
    rows = await world.rows("SELECT sku_id, what, before_e4, after_e4 FROM price_change ORDER BY change_id")
    assert {tuple(row) for row in rows[changes:]} == {
        (world.half_card.sku_id, "list", 490_000, 500_000), (world.half_card.sku_id, "cost", 470_000, 480_000),
        (bundle.sku_id, "list", bundle.list_price_e4, 1_719_700),
        (bundle.sku_id, "cost", bundle.cost_e4, after.cost_e4),
    }  # fmt: skip
    await world.assert_clean()


async def test_a_file_moves_bundles_too_and_the_same_again_changes_nothing(world: World) -> None:
    bundle = await bundle_of(world, part(world.card), gift(world.link), discount_percent_e4=0)
    own_row = f"营销,礼包,{bundle.product},1,bundle,150,1,150,,全国,"
    file = f"{HEAD}\n游戏,网易,网易一卡通,100,secret,100,94,97.5,,全国,\n{own_row}\n".encode()
    report = await catalogue.import_file(world.db, file)
    assert (report.created, report.changed, report.unchanged, report.refused, report.bundles) == (0, 2, 0, (), 0)
    after = await current(world, bundle)
    assert (after.list_price_e4, after.cost_e4, after.state) == (975_000, 940_000 + 250_000, "on_sale")
    again = await catalogue.import_file(world.db, file)
    assert (again.changed, again.unchanged) == (0, 2)
    assert await current(world, bundle) == after


async def test_a_bundle_is_on_sale_for_as_long_as_its_parts_are(world: World) -> None:
    bundle = await bundle_of(world, part(world.card), gift(world.link))
    await catalogue.set_sku(world.db, world.link.sku_id, {"state": "paused"})
    paused = await current(world, bundle)
    assert (paused.state, paused.on_sale) == ("on_sale", False)
    await catalogue.set_sku(world.db, world.link.sku_id, {"state": "on_sale"})
    assert (await current(world, bundle)).on_sale


@pytest.mark.parametrize(
    ("wanted", "en", "zh"),
    [
        ([], "parts: at least one", "组成内容：至少一项"),
        ([("nothing", 1, None)], "parts: 5 × 1: a SKU that is no bundle", "组成内容：5 × 1：须为非组合商品"),
        ([("bundle", 1, None)], "parts: 100005 × 1: a SKU that is no bundle", "组成内容：100005 × 1"),
        ([("card", 0, None)], "parts: 100001 × 0: a SKU that is no bundle, at least one", "组成内容：100001 × 0"),
        ([("card", 11, None)], "parts: at most 10 of each", "组成内容：每项最多 10 件"),
        ([("card", 1, 5000), ("link", 1, 4999)], "parts: the shares of all together", "组成内容：各项份额合计"),
        ([("card", 1, 5000), ("link", 1, None)], "parts: a share for each", "组成内容：份额须全部填写"),
        ([("card", 1, 0)], "parts: the shares of all together", "组成内容：各项份额合计"),
        ([("card", 1, 10_001), ("link", 1, -1)], "parts: the shares of all together", "组成内容：各项份额合计"),
        ([("card", 1, None)] * 11, "parts: at most 10", "组成内容：最多 10 项"),
    ],
)
async def test_what_no_bundle_is_made_of(
    world: World, wanted: list[tuple[str, int, int | None]], en: str, zh: str
) -> None:
    bundle = await bundle_of(world, part(world.card))
    codes = {
        "card": world.card.sku_id, "link": world.link.sku_id, "bundle": bundle.sku_id, "nothing": 5
    }  # fmt: skip
    with pytest.raises(BadSku) as refused:
        await catalogue.set_parts(
            world.db, bundle.sku_id, [WantedPart(codes[name], quantity, share) for name, quantity, share in wanted]
        )
    assert refused.value.field == "parts"
    assert refused.value.detail.startswith(en)
    assert refused.value.detail_zh.startswith(zh)
    assert await current(world, bundle) == bundle


async def test_what_follows_from_its_parts_is_not_set_by_hand(world: World) -> None:
    bundle = await bundle_of(world, part(world.phone), discount_percent_e4=0)
    for name, value, field in (("cost_e4", 1, "cost"), ("form", "", "form"), ("list_price_e4", 1, "list_price")):
        with pytest.raises(BadSku) as refused:
            await catalogue.set_sku(world.db, bundle.sku_id, {name: value})
        assert refused.value.field == field
        assert refused.value.detail_zh.endswith("：随组成内容而定，不能单独修改")
    own = await catalogue.set_parts(world.db, bundle.sku_id, [part(world.phone)])
    assert (await catalogue.set_sku(world.db, own.sku_id, {"list_price_e4": 7})).list_price_e4 == 7


async def test_a_bundle_stays_one_and_none_is_in_another(world: World) -> None:
    bundle = await bundle_of(world, part(world.card))
    for sku, kind in ((bundle, "secret"), (world.card, "bundle")):
        await catalogue.set_sku(world.db, sku.sku_id, {"state": "paused"})
        with pytest.raises(BadSku) as refused:
            await catalogue.set_sku(world.db, sku.sku_id, {"kind": kind})
        assert refused.value.field == "kind"
    with pytest.raises(BadSku) as refused:
        await catalogue.set_parts(world.db, world.link.sku_id, [part(world.card)])
    assert refused.value.field == "kind"
    report = await catalogue.import_file(world.db, f"{HEAD}\n营销,礼包,{bundle.product},1,link,1,1,1,,全国,\n".encode())
    assert [row.message_zh for row in report.refused] == ["类型：已有组成内容的组合商品不能改为其他类型"]


async def test_a_bundle_without_parts_is_not_put_on_sale(world: World) -> None:
    await catalogue.import_file(world.db, f"{HEAD}\n营销,礼包,空礼包,1,bundle,9,8,9,,全国,\n".encode())
    empty = (await goods_named(world))["空礼包", "1"]
    with pytest.raises(BundleWithoutParts):
        await catalogue.set_sku(world.db, empty.sku_id, {"state": "on_sale"})


@pytest.mark.parametrize(
    ("forms", "form"),
    [(["", ""], ""), (["phone", "phone"], "phone"), (["qq+zone", "phone"], "qq+zone+phone"),
     (["phone", "address"], "address"), (["address", "uid+server", "phone+city"], "address+uid+server")],
)  # fmt: skip
def test_forms_are_joined_with_each_field_once(forms: list[str], form: str) -> None:
    assert joined(forms) == form
    names = [field.name for field in catalogue.form_named(form).fields]
    assert sorted(names) == sorted({field.name for one in forms for field in catalogue.form_named(one).fields})
    account = {name: name for name in names}
    assert catalogue.answers_of("phone", account) == ({"phone": "phone"} if "phone" in names else {})


@pytest.mark.parametrize(("text", "share_e4"), [("60", 6000), ("33.34", 3334), ("100", 10_000), ("0.01", 1)])
def test_a_share_is_a_percentage(text: str, share_e4: int) -> None:
    assert catalogue.share_of(text) == share_e4
    for wrong in (f"{text}1.", "0", "101", "1.001", "x", ""):
        with pytest.raises(BadSku):
            catalogue.share_of(wrong)
