"""What a card is known by: its number within its brand, or number and secret together, or its secret alone."""

from __future__ import annotations

from kameng import catalogue, stock
from kameng.catalogue import Sku
from kameng.stock import CardLine, LoadReport
from kameng.stock.errors import LINE_REASONS
from laws.world import World, together

OTHER_BRAND = """场景,品牌,商品,规格,类型,面值,成本,标价,下单表单,地区,备注
游戏,腾讯,腾讯卡,100,secret,100,95,98.5,,全国,
"""
PRINTS = "SELECT card_id, number_print FROM card_fingerprint ORDER BY card_id"
AS_OLD_CODE_LOADED = "UPDATE card_fingerprint SET number_print = NULL"


async def load(world: World, sku: Sku, *cards: tuple[str, str]) -> LoadReport:
    lines = [CardLine(n, number, secret, None, None) for n, (number, secret) in enumerate(cards, 1)]
    return await stock.load_cards(world.db, world.ring, lines, sku_id=sku.sku_id, file_name="made.txt")


def reasons(report: LoadReport) -> list[tuple[int, str]]:
    return [(line.line, line.reason) for line in report.refused]


async def other_brand(world: World) -> Sku:
    await catalogue.import_file(world.db, OTHER_BRAND.encode())
    async with world.db.connection() as connection:
        skus = (await catalogue.load(connection, None, 1 << 62)).skus.values()
    return next(sku for sku in skus if sku.brand == "腾讯")


async def test_a_known_number_with_another_secret_is_refused_with_its_own_reason(world: World) -> None:
    assert (await load(world, world.card, ("A1", "s1"), ("A2", "s2"))).loaded == 2
    again = await load(world, world.card, ("A1", "s-not-told"), ("A2", "s2"), ("A3", "s3"))
    assert (again.loaded, reasons(again)) == (1, [(1, "number_loaded_before"), (2, "loaded_before")])
    first = again.refused[0]
    assert (first.message, first.message_zh) == LINE_REASONS["number_loaded_before"]
    assert first.message_zh == "同品牌下卡号已存在，但卡密不同。"
    assert "s-not-told" not in repr(again)
    assert await world.scalar("SELECT count(*) FROM card") == 3
    assert await world.scalar("SELECT sum(on_hand) FROM allotment") == 3
    assert [tuple(r) for r in await world.rows("SELECT loaded, refused FROM card_batch ORDER BY batch_id")] == [
        (2, 0), (1, 2),
    ]  # fmt: skip
    await world.assert_clean()


async def test_the_number_counts_in_every_sku_of_its_brand_and_in_no_other_brand(world: World) -> None:
    other = await other_brand(world)
    await load(world, world.card, ("A1", "s1"))
    assert reasons(await load(world, world.half_card, ("A1", "s2"))) == [(1, "number_loaded_before")]
    assert (await load(world, other, ("A1", "s3"))).loaded == 1
    # The same number and secret are the same card, whatever brand it is said to be of.
    assert reasons(await load(world, other, ("A1", "s1"))) == [(1, "loaded_before")]
    await world.assert_clean()


async def test_cards_without_a_number_are_known_by_their_secret(world: World) -> None:
    assert (await load(world, world.card, ("", "s1"), ("", "s2"))).loaded == 2
    again = await load(world, world.half_card, ("", "s2"), ("", "s3"))
    assert (again.loaded, reasons(again)) == (1, [(1, "loaded_before")])
    assert [row["number_print"] for row in await world.rows(PRINTS)] == [b"", b"", b""]
    await world.assert_clean()


async def test_of_two_lines_with_one_number_one_is_loaded(world: World) -> None:
    report = await load(world, world.card, ("A1", "s1"), ("A1", "s2"))
    assert (report.loaded, reasons(report)) == (1, [(2, "number_loaded_before")])
    await world.assert_clean()


async def test_loads_of_the_same_numbers_at_once_load_each_number_once(world: World) -> None:
    def cards(load_number: int) -> list[tuple[str, str]]:
        made = [(f"N{n:06d}", f"s{load_number}-{n}") for n in range(1200)]
        return made if load_number % 2 else made[::-1]

    reports = await together(*(load(world, world.card, *cards(n)) for n in range(4)))
    assert sum(report.loaded for report in reports) == 1200
    refused = [line.reason for report in reports for line in report.refused]
    assert (len(refused), set(refused)) == (3600, {"number_loaded_before"})
    await world.assert_clean()


# Cards that older code loaded.


async def test_cards_of_before_are_read_when_the_next_are_loaded(world: World) -> None:
    await load(world, world.card, *((f"A{n}", f"s{n}") for n in range(600)), ("", "alone"))
    before = [tuple(row) for row in await world.rows(PRINTS)]
    await world.execute(AS_OLD_CODE_LOADED)
    await world.gather(world.card, 1)
    again = await load(world, world.card, ("A0", "another"), ("A599", "s599"), ("", "alone"), ("A600", "s600"))
    assert (again.loaded, reasons(again)) == (
        1, [(1, "number_loaded_before"), (2, "loaded_before"), (3, "loaded_before")],
    )  # fmt: skip
    after = [tuple(row) for row in await world.rows(PRINTS)]
    assert [row for row in after if row in before] == before
    assert await stock.read_numbers(world.db, world.ring) == 0
    await world.assert_clean()


async def test_two_cards_of_before_may_share_a_number(world: World) -> None:
    other = await other_brand(world)
    await load(world, world.card, ("A1", "s1"), ("A2", "s2"))
    await load(world, other, ("A1", "s3"))  # what only another brand may do now, any card could
    await world.execute(AS_OLD_CODE_LOADED)
    await world.execute("UPDATE card SET sku_id = $1", world.half_card.sku_id)
    assert await stock.read_numbers(world.db, world.ring) == 3
    prints = [len(row["number_print"]) for row in await world.rows(PRINTS)]
    assert (sorted(prints), await world.scalar("SELECT count(*) FROM card")) == ([0, 12, 12], 3)
    assert reasons(await load(world, world.card, ("A1", "s4"))) == [(1, "number_loaded_before")]


async def test_a_card_of_before_that_meets_a_known_number_keeps_standing(world: World) -> None:
    await load(world, world.card, ("A1", "s1"))
    await load(world, await other_brand(world), ("A1", "s2"))
    await world.execute(
        f"{AS_OLD_CODE_LOADED} WHERE card_id IN (SELECT card_id FROM card WHERE sku_id <> $1)", world.card.sku_id
    )
    await world.execute("UPDATE card SET sku_id = $1", world.card.sku_id)
    assert await stock.read_numbers(world.db, world.ring) == 1
    assert sorted(len(row["number_print"]) for row in await world.rows(PRINTS)) == [0, 12]
    again = await load(world, world.card, ("A1", "s1"), ("A1", "s2"))
    assert (again.loaded, reasons(again)) == (0, [(1, "loaded_before"), (2, "loaded_before")])


async def test_a_card_that_does_not_open_stays_known_by_what_it_was_loaded_as(world: World) -> None:
    await load(world, world.card, ("A1", "s1"), ("A2", "s2"))
    await world.execute(AS_OLD_CODE_LOADED)
    await world.execute("UPDATE card SET sealed = set_byte(sealed, 20, 255 - get_byte(sealed, 20))")
    assert await stock.read_numbers(world.db, world.ring) == 2
    again = await load(world, world.card, ("A1", "s1"), ("A2", "another"))
    assert (again.loaded, reasons(again)) == (1, [(1, "loaded_before")])


async def test_cards_under_a_key_that_is_not_here_wait_for_who_has_it(world: World) -> None:
    await load(world, world.card, ("A1", "s1"))
    await world.execute(AS_OLD_CODE_LOADED)
    await world.execute("UPDATE card SET sealed = set_byte(sealed, 2, 9)")
    assert await stock.read_numbers(world.db, world.ring) == 0
    assert (await load(world, world.card, ("A2", "s2"))).loaded == 1
    await world.execute("UPDATE card SET sealed = set_byte(sealed, 2, 1) WHERE get_byte(sealed, 2) = 9")
    assert await stock.read_numbers(world.db, world.ring) == 1
    assert reasons(await load(world, world.card, ("A1", "another"))) == [(1, "number_loaded_before")]
    await world.assert_clean()
