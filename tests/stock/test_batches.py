"""What a batch knows of its cards: who brought them, what they cost, when the first of them is over."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from kameng import stock
from kameng.kit import clock
from kameng.kit.money import AMOUNT_E4_MAX
from kameng.ops import founding
from kameng.stock import CardLine, LoadReport
from laws.world import World

LAST_DAY = date(2030, 12, 31)
NOON_MS = 1_924_920_000_000  # of that day in China
TXT = "a1----b1\na2----b2\na3----b3\n"
FULL = "卡号,卡密,有效期,成本\na1,b1,2031-06-30,95.5\na2,b2,,\na3,b3,永久,0\na4,b4,2031-03-31,95.5\n"


async def load(world: World, text: str, **said: Any) -> LoadReport:
    return await stock.load_file(
        world.db, world.ring, text.encode(), sku_id=world.card.sku_id, file_name="made.csv", **said
    )


async def batches(world: World) -> list[tuple[Any, ...]]:
    rows = await world.rows(
        "SELECT supplier_org_id, loaded, refused, paid_e4, cost_e4, expires_on FROM card_batch ORDER BY batch_id"
    )
    return [tuple(row) for row in rows]


async def last_days(world: World) -> list[date]:
    return [row["expires_on"] for row in await world.rows("SELECT expires_on FROM card ORDER BY card_id")]


async def test_a_file_that_says_nothing_has_what_is_said_of_it(world: World) -> None:
    member = await founding.found_member(world.db, world.ring, "卡商", kind="supplier")
    org_id = member.organisation.org_id
    await load(world, TXT, cost_e4=950_000, expires_on=date(2031, 1, 31), supplier_org_id=org_id)
    assert await batches(world) == [(org_id, 3, 0, 2_850_000, 950_000, date(2031, 1, 31))]
    assert await last_days(world) == [date(2031, 1, 31)] * 3
    assert await world.scalar("SELECT org_id FROM audit_line WHERE act = 'stock.load'") == org_id
    await world.assert_clean()


async def test_nothing_said_is_not_known(world: World) -> None:
    await load(world, TXT)
    assert await batches(world) == [(0, 3, 0, None, None, None)]
    assert await last_days(world) == [stock.NEVER] * 3


async def test_what_the_file_says_of_a_card_wins(world: World) -> None:
    await load(world, FULL, cost_e4=970_000, expires_on=date(2031, 1, 31))
    assert await batches(world) == [(0, 4, 0, 955_000 + 970_000 + 0 + 955_000, None, date(2031, 1, 31))]
    assert await last_days(world) == [date(2031, 6, 30), date(2031, 1, 31), stock.NEVER, date(2031, 3, 31)]


async def test_one_card_without_a_cost_leaves_the_total_unknown(world: World) -> None:
    await load(world, FULL)
    assert await batches(world) == [(0, 4, 0, None, None, date(2031, 3, 31))]


async def test_what_was_not_loaded_was_not_paid(world: World) -> None:
    await load(world, "a2----b2\n", cost_e4=1)
    report = await load(world, FULL.replace("0\n", "90\n"), cost_e4=970_000, expires_on=date(2031, 1, 31))
    assert [(line.line, line.reason) for line in report.refused] == [(3, "loaded_before")]
    total_e4 = 955_000 + 900_000 + 955_000
    assert (await batches(world))[1] == (0, 3, 1, total_e4, None, date(2031, 3, 31))


async def test_a_large_file_is_added_up_from_its_parts_and_read_with_what_is_said(world: World) -> None:
    """Read in a process of its own, loaded in several transactions; the second chunk is known already."""
    padding = "x" * 60
    texts = [f"N{n:09d}{padding}----secret{n:09d}\n" for n in range(1200)]
    await load(world, "".join(texts[500:1000]), cost_e4=7)
    cost_lines = ["卡号,卡密,成本\n", *(text.replace("----", ",").replace("\n", ",\n") for text in texts)]
    cost_lines[-1] = cost_lines[-1].replace(",\n", ",0.0009\n")
    assert sum(map(len, cost_lines)) > 64 * 1024
    await load(world, "".join(cost_lines), cost_e4=8, expires_on=LAST_DAY)
    assert await batches(world) == [
        (0, 500, 0, 3500, 7, None), (0, 700, 500, 699 * 8 + 9, None, LAST_DAY)
    ]  # fmt: skip
    await world.assert_clean()


def line(n: int, cost_e4: int, last_day: date) -> CardLine:
    return CardLine(n, f"N{n:09d}", f"secret{n:09d}", last_day, cost_e4)


async def load_lines(world: World, lines: list[CardLine]) -> None:
    await stock.load_cards(world.db, world.ring, lines, sku_id=world.card.sku_id, file_name="made.txt")


async def test_parts_that_cost_the_same_leave_one_cost_and_a_known_one_changes_nothing(world: World) -> None:
    lines = [line(n, 8, LAST_DAY) for n in range(1500)]
    await load_lines(world, lines[500:1000])
    await load_lines(world, lines)
    assert await batches(world) == [(0, 500, 0, 4000, 8, LAST_DAY), (0, 1000, 500, 8000, 8, LAST_DAY)]


async def test_parts_that_differ_leave_no_one_cost_and_the_earliest_day(world: World) -> None:
    early, late = [line(n, 8, LAST_DAY) for n in range(500)], [line(n, 9, date(2031, 6, 30)) for n in range(500, 1100)]
    await load_lines(world, early + late)
    assert await batches(world) == [(0, 1100, 0, 4000 + 5400, None, LAST_DAY)]


async def test_lines_that_were_read_are_completed_too(world: World) -> None:
    cards = [CardLine(1, "a1", "b1", None, None), CardLine(2, "a2", "b2", date(2031, 6, 30), 5)]
    await stock.load_cards(
        world.db, world.ring, cards, sku_id=world.card.sku_id, file_name="x", cost_e4=7, expires_on=date(2031, 9, 9)
    )
    assert await batches(world) == [(0, 2, 0, 12, None, date(2031, 6, 30))]
    assert await last_days(world) == [date(2031, 9, 9), date(2031, 6, 30)]


@pytest.mark.parametrize(
    ("said", "field", "en", "zh"),
    [
        ({"cost_e4": -1}, "cost", "cost: 0 to 100000000000.0000", "成本：应为 0 至 100000000000.0000"),
        ({"cost_e4": AMOUNT_E4_MAX + 1}, "cost", "cost: 0 to 100000000000.0000", "成本：应为 0 至 100000000000.0000"),
        (
            {"cost_e4": AMOUNT_E4_MAX // 2}, "cost", "cost: together at most 100000000000.0000",
            "成本：合计不得超过 100000000000.0000",
        ),
        (
            {"expires_on": date(2030, 12, 30)}, "expires", "expires: not before 2030-12-31",
            "到期日：不得早于今天 2030-12-31",
        ),
        ({"supplier_org_id": 77}, "supplier", "supplier: 77 is no active supplier", "供货商：77 不是有效的供货商"),
    ],
)  # fmt: skip
async def test_what_no_batch_may_be_is_told_by_its_field(
    world: World, said: dict[str, Any], field: str, en: str, zh: str
) -> None:
    with clock.hold(NOON_MS):
        with pytest.raises(stock.BadBatch) as refusal:
            await load(world, TXT, **said)
        lines = [CardLine(n, f"a{n}", f"b{n}", None, None) for n in (1, 2, 3)]
        with pytest.raises(stock.BadBatch):
            await stock.load_cards(world.db, world.ring, lines, sku_id=world.card.sku_id, file_name="x", **said)
    assert (refusal.value.field, refusal.value.detail, refusal.value.detail_zh) == (field, en, zh)
    assert await batches(world) == []
    assert await world.scalar("SELECT count(*) FROM card_fingerprint") == 0
    assert await world.scalar("SELECT count(*) FROM audit_line WHERE act = 'stock.load'") == 0


async def test_today_is_a_good_last_day_and_nothing_a_good_cost(world: World) -> None:
    with clock.hold(NOON_MS):
        await load(world, TXT, expires_on=LAST_DAY, cost_e4=0)
    assert await batches(world) == [(0, 3, 0, 0, 0, LAST_DAY)]


async def test_cards_come_from_suppliers_that_are_at_work(world: World) -> None:
    merchant = await world.merchant()
    supplier = await founding.found_member(world.db, world.ring, "卡商", kind="supplier")
    org_id = supplier.organisation.org_id
    for wrong in (merchant.org_id, supplier.sandbox.org_id):
        with pytest.raises(stock.BadBatch):
            await load(world, TXT, supplier_org_id=wrong)
    await world.execute("UPDATE organisation SET state = 'suspended' WHERE org_id = $1", org_id)
    with pytest.raises(stock.BadBatch):
        await load(world, TXT, supplier_org_id=org_id)
    assert await batches(world) == []


async def test_a_cost_that_nobody_means_refuses_its_line(world: World) -> None:
    report = await load(world, "卡号,卡密,成本\na1,b1,100000000000.0001\na2,b2,95\n")
    assert [(line.line, line.reason) for line in report.refused] == [(2, "bad_cost")]
    assert await batches(world) == [(0, 1, 1, 950_000, 950_000, None)]
