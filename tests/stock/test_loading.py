"""Loading: sealed before the database, each card once for ever, and shelves that are kept in order."""

from __future__ import annotations

import os
from datetime import date, timedelta

import msgspec
import pytest

from kameng import stock
from kameng.kit import clock
from kameng.kit.crypto import KeyMaterial, KeyRing, Unsealable
from kameng.stock import CardLine
from laws.world import World, codes, together


def lines(first: int, last: int, *, expires_on: date | None = None) -> list[CardLine]:
    return [CardLine(n, f"N{n:09d}", f"secret{n:09d}", expires_on, None) for n in range(first, last + 1)]


async def load(world: World, cards: list[CardLine]) -> stock.LoadReport:
    return await stock.load_cards(world.db, world.ring, cards, sku_id=world.card.sku_id, file_name="made.txt")


async def test_a_card_is_loaded_once_for_ever(world: World) -> None:
    first = await load(world, lines(1, 1200))
    again = await load(world, lines(1000, 1400))
    assert (first.loaded, first.refused) == (1200, ())
    assert again.loaded == 200
    assert [(line.line, line.reason) for line in again.refused] == [(n, "loaded_before") for n in range(1000, 1201)]
    assert {line.preview for line in again.refused} == {"N000****"}
    assert await world.scalar("SELECT sum(on_hand) FROM allotment") == 1400
    batches = await world.rows("SELECT loaded, refused FROM card_batch ORDER BY batch_id")
    assert [tuple(row) for row in batches] == [(1200, 0), (200, 201)]
    await world.assert_clean()


async def test_it_spreads_over_the_lanes(world: World) -> None:
    await load(world, lines(1, 2000))
    assert [tuple(r) for r in await world.rows("SELECT lane, on_hand FROM allotment ORDER BY lane")] == [
        (0, 1000), (1, 1000),
    ]  # fmt: skip


async def test_two_loads_of_the_same_file_at_once_load_it_once(world: World) -> None:
    reports = await together(*(load(world, lines(1, 1500)) for _ in range(4)))
    assert sum(report.loaded for report in reports) == 1500
    assert sum(len(report.refused) for report in reports) == 4500
    await world.assert_clean()


async def test_nothing_of_a_card_stands_in_clear(world: World) -> None:
    await load(world, lines(1, 20))
    for row in await world.rows("SELECT card_id, sealed FROM card"):
        assert b"secret" not in row["sealed"]
        assert b"N0000" not in row["sealed"]
        text = msgspec.json.decode(world.ring.open(stock.CARD, row["card_id"], row["sealed"]), type=stock.CardText)
        assert text.secret.startswith("secret")
        with pytest.raises(Unsealable):
            world.ring.open(stock.CARD, row["card_id"] + 1, row["sealed"])


async def test_a_file_without_cards_is_refused(world: World) -> None:
    with pytest.raises(stock.NoCards):
        await stock.load_file(world.db, world.ring, b"", sku_id=world.card.sku_id, file_name="empty.txt")
    assert await world.scalar("SELECT count(*) FROM card_batch") == 0


async def test_the_earliest_expiry_is_sold_first(world: World) -> None:
    today = clock.china_day()
    days = [40, 10, 30, 20]
    for n, day in enumerate(days):
        await load(world, lines(10 * n + 1, 10 * n + 1, expires_on=today + timedelta(days=day)))
    await load(world, lines(99, 99))
    merchant = await world.merchant(lane=0)
    sold = []
    async with world.gateway() as gateway:
        for n in range(5):
            answer = await gateway.place(merchant.caller, f"r{n}", world.card)
            assert codes([answer]) == {"placed": 1}
            sold.append(answer.cards[0].expires_on)  # type: ignore[union-attr]
    assert sold == [*(today + timedelta(days=day) for day in sorted(days)), stock.NEVER]


LAST_DAY = date(2030, 12, 31)
LAST_MOMENT_MS = 1_924_963_199_999  # 2030-12-31 23:59:59.999 in China; in UTC it is still the afternoon
ITS_FIRST_MS = LAST_MOMENT_MS - 86_400_000 + 1


async def test_expired_cards_come_off_the_shelf_when_their_day_in_china_is_over(world: World) -> None:
    await load(world, lines(1, 600, expires_on=LAST_DAY))
    await load(world, lines(601, 610))
    with clock.hold(LAST_MOMENT_MS):
        assert [await stock.void_expired(world.db, lane) for lane in (0, 1)] == [0, 0]
    with clock.hold(LAST_MOMENT_MS + 1):
        assert sum([await stock.void_expired(world.db, lane) for lane in (0, 1)]) == 600
    assert await world.scalar("SELECT sum(on_hand) FROM allotment") == 10
    await world.assert_clean()


@pytest.mark.parametrize("at_ms", [ITS_FIRST_MS, LAST_MOMENT_MS])
async def test_a_card_is_sold_and_stolen_until_its_day_in_china_is_over(world: World, at_ms: int) -> None:
    await load(world, lines(1, 4, expires_on=LAST_DAY))
    await world.gather(world.card, 1)
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        with clock.hold(at_ms):
            assert codes([await gateway.place(merchant.caller, "a", world.card)]) == {"placed": 1}
    assert await world.scalar("SELECT count(*) FROM card WHERE lane = 0 AND state = 'sold'") == 1
    await world.assert_clean()


async def test_a_card_is_neither_sold_nor_stolen_from_chinas_midnight_on(world: World) -> None:
    await load(world, lines(1, 4, expires_on=LAST_DAY))
    await world.gather(world.card, 1)
    own, other = await world.merchant(lane=1), await world.merchant(lane=0)
    async with world.gateway() as gateway:
        with clock.hold(LAST_MOMENT_MS + 1):
            answers = [await gateway.place(one.caller, "a", world.card) for one in (own, other)]
    assert codes(answers) == {"sold_out": 2}
    assert await world.scalar("SELECT count(*) FROM card WHERE lane = 1 AND state = 'on_shelf'") == 4
    await world.assert_clean()


async def test_a_file_is_read_by_chinas_day(world: World) -> None:
    data = "卡号,卡密,有效期\na1,b1,2030-12-30\na2,b2,2030-12-31\n".encode()
    with clock.hold(ITS_FIRST_MS):
        report = await stock.load_file(world.db, world.ring, data, sku_id=world.card.sku_id, file_name="c.csv")
    assert (report.loaded, [(line.line, line.reason) for line in report.refused]) == (1, [(2, "expired")])


async def test_a_rotated_ring_reseals_what_lies_there(world: World) -> None:
    await load(world, lines(1, 1100))
    old = world.ring.numbers
    material = KeyMaterial(2, {1: os.urandom(32), 2: os.urandom(32)}, os.urandom(32))
    with pytest.raises(Unsealable):
        await stock.reseal(world.db, KeyRing(material), 0)
    ciphers = world.ring._ciphers
    fresh = KeyRing(material)
    fresh._ciphers[1] = ciphers[1]
    fresh._hash_key = world.ring._hash_key
    assert old == {1}
    assert sum([await stock.reseal(world.db, fresh, lane) for lane in (0, 1)]) == 1100
    assert sum([await stock.reseal(world.db, fresh, lane) for lane in (0, 1)]) == 0
    del fresh._ciphers[1]
    world.ring = fresh
    keys = await world.scalar("SELECT count(DISTINCT get_byte(sealed, 2)) FROM card")
    assert keys == 1
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        assert codes([await gateway.place(merchant.caller, "a", world.card, 3)]) == {"placed": 1}


@pytest.mark.parametrize(
    ("on_hand", "band"),
    [(0, "none"), (1, "few"), (9, "few"), (10, "some"), (99, "some"), (100, "plenty"), (10**6, "plenty")],
)
def test_buyers_see_bands(on_hand: int, band: str) -> None:
    assert stock.band(on_hand) == band
