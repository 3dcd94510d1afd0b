"""Card files of goods whose cards can be chosen: by which label, for how much more, and what a label may not be."""

from __future__ import annotations

from datetime import date

from kameng import catalogue, stock
from kameng.stock import CardLine, read_cards
from kameng.stock.model import Goods
from laws.world import World

TODAY = date(2026, 11, 23)
PICKABLE = Goods(pickable=True)
DATA = """卡号,卡密,靓号,自选加价
13800001111,SECRET-1,尾号 1111,20
13800002222,SECRET-2,,
13800003333,SECRET-3,看 SECRET-3,
13800004444,SECRET-4,尾号 4444,二十
13800005555,SECRET-5,{long},
""".format(long="长" * 65)


def test_a_card_is_chosen_by_its_label_or_its_number() -> None:
    file = read_cards(DATA.encode(), today=TODAY, goods=PICKABLE)
    assert file.cards == (
        CardLine(2, "13800001111", "SECRET-1", None, None, "尾号 1111", 200_000),
        CardLine(3, "13800002222", "SECRET-2", None, None, "13800002222", None),
    )
    assert [(line.line, line.reason) for line in file.refused] == [(4, "bad_label"), (5, "bad_fee"), (6, "bad_label")]
    assert "SECRET" not in str(file.refused)


async def test_a_short_secret_stands_in_its_number_by_chance(world: World) -> None:
    """The audit, which looks for secrets in labels, knows that too."""
    await catalogue.set_sku(world.db, world.card.sku_id, {"pickable": True})
    data = "卡号,卡密\n13800001111,111\n".encode()
    report = await stock.load_file(world.db, world.ring, data, sku_id=world.card.sku_id, file_name="f.csv")
    assert (report.loaded, report.refused) == (1, ())
    await world.assert_clean()


def test_elsewhere_these_columns_are_passed_over() -> None:
    file = read_cards(DATA.encode(), today=TODAY)
    assert [(card.label, card.pick_fee_e4) for card in file.cards] == [("", None)] * 5
    assert file.refused == ()


def test_a_card_that_is_a_code_only_has_no_label() -> None:
    file = read_cards(b"SECRET-1\nSECRET-2\n", today=TODAY, goods=PICKABLE)
    assert [(card.number, card.label) for card in file.cards] == [("", ""), ("", "")]
