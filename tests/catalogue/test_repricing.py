"""Many prices at once: looked at, put in place as looked at, taken back unless somebody moved them since."""

from __future__ import annotations

import pytest

from kameng import catalogue
from kameng.catalogue import (
    BadRepricing,
    NoSuchPriceRun,
    PriceRunUndone,
    PricesMoved,
    Repricing,
    Sku,
)
from laws.world import World

CARD_E4 = 985_000


def changes(skus: list[Sku], rule: Repricing) -> list[tuple[int, int, int]]:
    return [(one.sku.sku_id, one.before_e4, one.after_e4) for one in catalogue.plan(skus, rule) if one.is_change]


async def present(world: World) -> dict[int, Sku]:
    async with world.db.connection() as connection:
        return (await catalogue.load(connection, None, 1 << 40)).skus


@pytest.mark.parametrize(
    ("rule", "after_e4"),
    [
        (Repricing("percent", 50_000), 1_034_300),  # 98.50 × 1.05 = 103.425, up to 103.43
        (Repricing("percent", 50_000, 10_000), 1_040_000),
        (Repricing("percent", 50_000, 1), 1_034_250),
        (Repricing("fixed", 12_345, 1), 997_345),
        (Repricing("fixed", 0), 985_000),
        (Repricing("margin", 100_000, 100), None),  # a tenth above cost
    ],
)
async def test_what_a_rule_makes_of_a_price(world: World, rule: Repricing, after_e4: int | None) -> None:
    sku = (await present(world))[world.card.sku_id]
    assert sku.list_price_e4 == CARD_E4
    (planned,) = catalogue.plan([sku], rule)
    wanted_e4 = -(-sku.cost_e4 * 11 // 1000) * 100 if after_e4 is None else after_e4
    assert (planned.before_e4, planned.after_e4) == (CARD_E4, wanted_e4)
    assert planned.margin_e4 == wanted_e4 - sku.cost_e4


async def test_below_cost_is_left_alone_and_said(world: World) -> None:
    sku = (await present(world))[world.card.sku_id]
    (planned,) = catalogue.plan([sku], Repricing("percent", -900_000))
    assert planned.refused == ("低于成本", "below cost")
    assert not planned.is_change


@pytest.mark.parametrize(
    "rule",
    [Repricing("percent", -1_000_000), Repricing("fixed", 1, 7), Repricing("other", 1)],  # type: ignore[arg-type]
)
async def test_rules_that_are_none(rule: Repricing) -> None:
    with pytest.raises(BadRepricing):
        catalogue.plan([], rule)


async def test_put_in_place_together_logged_and_taken_back(world: World) -> None:
    before = await present(world)
    skus, rule = [before[world.card.sku_id], before[world.phone.sku_id]], Repricing("percent", 100_000)
    wanted = changes(skus, rule)
    run = await catalogue.reprice(world.db, wanted, rule, reason="旺季", actor_id=7)
    now = await present(world)
    assert [now[sku_id].list_price_e4 for sku_id, _, _ in wanted] == [after_e4 for _, _, after_e4 in wanted]
    assert [now[sku.sku_id].revision for sku in skus] == [sku.revision + 1 for sku in skus]
    logged = "SELECT count(*) FROM price_change WHERE what = 'list' AND actor_id = 7"
    assert await world.scalar(logged) == 2
    assert (await catalogue.price_runs(world.db))[0] == run

    assert await catalogue.undo(world.db, run.run_id, actor_id=8) == []
    back = await present(world)
    assert [back[sku.sku_id].list_price_e4 for sku in skus] == [sku.list_price_e4 for sku in skus]
    assert (await catalogue.price_runs(world.db))[0].undone_by == 8
    with pytest.raises(PriceRunUndone):
        await catalogue.undo(world.db, run.run_id, actor_id=8)
    with pytest.raises(NoSuchPriceRun):
        await catalogue.undo(world.db, 1, actor_id=8)
    await world.assert_clean()


async def test_what_moved_since_is_refused_and_left(world: World) -> None:
    before = await present(world)
    skus, rule = [before[world.card.sku_id], before[world.phone.sku_id]], Repricing("fixed", 10_000)
    wanted = changes(skus, rule)
    await catalogue.set_sku(world.db, world.card.sku_id, {"list_price_e4": CARD_E4 + 1})
    with pytest.raises(PricesMoved):
        await catalogue.reprice(world.db, wanted, rule, reason="x", actor_id=1)
    unmoved = (await present(world))[world.phone.sku_id]
    assert unmoved == before[world.phone.sku_id]

    await catalogue.set_sku(world.db, world.card.sku_id, {"list_price_e4": CARD_E4})
    run = await catalogue.reprice(world.db, wanted, rule, reason="x", actor_id=1)
    await catalogue.set_sku(world.db, world.card.sku_id, {"list_price_e4": CARD_E4 + 5})
    assert await catalogue.undo(world.db, run.run_id, actor_id=1) == [world.card.sku_id]
    after = await present(world)
    assert after[world.card.sku_id].list_price_e4 == CARD_E4 + 5
    assert after[world.phone.sku_id].list_price_e4 == before[world.phone.sku_id].list_price_e4


async def test_a_run_needs_goods_and_a_reason(world: World) -> None:
    for wanted, reason in (([], "x"), ([(world.card.sku_id, CARD_E4, CARD_E4 + 1)], " ")):
        with pytest.raises(BadRepricing):
            await catalogue.reprice(world.db, wanted, Repricing("fixed", 1), reason=reason, actor_id=1)
