"""Reusable cards (循环卡): sold as often as they may be and not once more, in whatever lanes their buyers are."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import pytest

from kameng import orders, stock
from kameng.catalogue import Sku
from kameng.kit import clock
from kameng.kit.crypto import KeyMaterial, KeyRing
from kameng.orders import By, Refused, ShownOrder, Terms
from kameng.orders.model import Command
from kameng.stock import AS_OFTEN_AS_ASKED, BadBatch, CardLine
from laws.lives import ask
from laws.world import World, cards_of, codes, placed, together


async def load(world: World, uses: int, *, count: int = 1, sku: Sku | None = None, first: int = 0) -> None:
    lines = [CardLine(n, f"R{first + n:05d}", f"SHARED-{first + n}", None, None) for n in range(count)]
    report = await stock.load_cards(
        world.db, world.ring, lines, sku_id=(sku or world.card).sku_id, file_name="r.txt", uses=uses
    )
    assert report.loaded == count


def numbers(answers: Any) -> Counter[str]:
    return Counter(msgspec.json.decode(text)["number"] for text in cards_of(answers))


async def test_200_at_once_against_10_uses(world: World) -> None:
    await load(world, 10)
    merchants = [await world.merchant(lane=lane) for lane in (0, 1)]
    async with world.gateway() as one, world.gateway() as two:
        answers = await together(
            *((one, two)[n % 2].place(merchants[n // 2 % 2].caller, f"r{n}", world.card) for n in range(200))
        )
    assert codes(answers) == {"placed": 10, "sold_out": 190}
    assert numbers(answers) == {"R00000": 10}
    assert await world.rows("SELECT uses, issued FROM reusable_card") == [(10, 10)]
    assert await stock.restock(world.db, world.ring) == 0
    await world.assert_clean()


async def test_shelves_say_what_is_left(world: World) -> None:
    await load(world, 7, count=3)
    merchant = await world.merchant()
    async with world.gateway() as gateway:
        answers = [await gateway.place(merchant.caller, f"r{n}", world.card, 4) for n in range(3)]
        async with world.db.connection() as connection:
            assert (await stock.on_hand_everywhere(connection))[world.card.sku_id] == 9
        answers.append(await gateway.place(merchant.caller, "too-many", world.card, 10))
        answers.append(await gateway.place(merchant.caller, "rest", world.card, 9))
    assert codes(answers) == {"placed": 4, "sold_out": 1}
    assert numbers(answers) == {"R00000": 7, "R00001": 7, "R00002": 7}
    await world.assert_clean()


async def test_without_a_limit_more_come_when_it_runs_short(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kameng.stock.reusing.STOCKED", 6)
    monkeypatch.setattr("kameng.stock.reusing.CHUNK_USES", 5)
    await load(world, AS_OFTEN_AS_ASKED)
    assert await world.scalar("SELECT issued FROM reusable_card") == 6
    merchants = [await world.merchant(lane=lane) for lane in (0, 1)]
    async with world.gateway(terms=Terms(reserve_share_percent=100)) as gateway:
        answers = await together(
            *(gateway.place(merchants[n % 2].caller, f"r{n}", world.card, 1 + n % 3) for n in range(80))
        )
        assert codes(answers) == {"placed": 80}
        assert numbers(answers) == {"R00000": sum(1 + n % 3 for n in range(80))}
        await world.assert_clean()
        await world.execute("UPDATE card SET state = 'void' WHERE state = 'on_shelf'")
        await world.execute("UPDATE allotment SET on_hand = 0")
        assert await stock.restock(world.db, world.ring) == 6
        assert await stock.restock(world.db, world.ring) == 0
    await world.assert_clean()


async def test_a_refund_does_not_give_a_use_back(world: World) -> None:
    await load(world, 2)
    merchant = await world.merchant()
    async with world.gateway() as gateway:
        (first,) = placed([await gateway.place(merchant.caller, "a", world.card)])
        acted = await ask(world, first.order_id, Command.refund, by=By.staff)
        assert not isinstance(acted, Refused)
        answers = [await gateway.place(merchant.caller, ref, world.card) for ref in ("b", "c")]
    assert codes(answers) == {"placed": 1, "sold_out": 1}
    assert await world.scalar("SELECT count(*) FROM card WHERE state = 'quarantined'") == 1
    await world.assert_clean()


async def test_a_reserved_use_comes_back_when_nobody_pays(world: World) -> None:
    await load(world, 1)
    merchant = await world.merchant()
    async with world.gateway(terms=Terms(reserve_share_percent=100)) as gateway:
        wish = await gateway.wish(merchant.caller, "channel", world.card)
        awaited = await orders.await_payment(gateway.snapshot, wish)
        assert isinstance(awaited, ShownOrder)
        assert codes([await gateway.place(merchant.caller, "a", world.card)]) == {"sold_out": 1}
        with clock.hold(clock.now_ms() + 700_000):
            expired = await ask(world, awaited.order_id, Command.expire)
        assert not isinstance(expired, Refused)
        assert codes([await gateway.place(merchant.caller, "b", world.card)]) == {"placed": 1}
    await world.assert_clean()


async def test_a_replacement_is_another_card(world: World) -> None:
    await load(world, 5)
    merchant = await world.merchant(lane=0)
    async with world.gateway() as gateway:
        (order,) = placed([await gateway.place(merchant.caller, "a", world.card, 2)])
        ids = await world.scalar("SELECT card_ids FROM orders")
        refused = await ask(world, order.order_id, Command.swap, "1", by=By.staff, card_ids=(ids[0],))
        assert isinstance(refused, Refused)
        assert refused.reason.code == "sold_out"
        await load(world, 3, first=100)
        acted = await ask(world, order.order_id, Command.swap, "2", by=By.staff, card_ids=(ids[0],))
        assert not isinstance(acted, Refused)
        shown = await orders.reveal(gateway.snapshot, merchant.caller, order.order_id)
    assert numbers([shown]) == {"R00100": 1, "R00000": 1}
    await world.assert_clean()


async def test_a_load_that_was_cut_off_is_finished_by_the_clock(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def cut_off(*_: Any, **__: Any) -> int:
        raise ConnectionError

    monkeypatch.setattr("kameng.stock.loading.restock", cut_off)
    with pytest.raises(ConnectionError):
        await load(world, 4, count=2)
    assert await world.scalar("SELECT count(*) FROM card") == 0
    await world.assert_clean()
    assert await stock.restock(world.db, world.ring) == 8
    merchant = await world.merchant()
    async with world.gateway() as gateway:
        answers = [await gateway.place(merchant.caller, f"r{n}", world.card, 4) for n in range(3)]
    assert codes(answers) == {"placed": 2, "sold_out": 1}
    await world.assert_clean()


async def test_issued_at_once_by_two_never_too_many(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kameng.stock.reusing.CHUNK_USES", 3)
    merchants = [await world.merchant(lane=lane) for lane in (0, 1)]
    async with world.gateway() as gateway:
        *answers, _ = await together(
            *(gateway.place(merchants[n % 2].caller, f"r{n}", world.card) for n in range(40)),
            load(world, 20),
            )  # fmt: skip
        await together(stock.restock(world.db, world.ring), stock.restock(world.db, world.ring))
        answers += await together(*(gateway.place(merchants[n % 2].caller, f"s{n}", world.card) for n in range(40)))
    assert codes(answers)["placed"] == 20
    assert await world.rows("SELECT uses, issued FROM reusable_card") == [(20, 20)]
    await world.assert_clean()


async def test_a_damaged_card_is_sold_no_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kameng.stock.reusing.STOCKED", 4)
    await load(world, AS_OFTEN_AS_ASKED)
    await world.execute("UPDATE reusable_card SET sealed = set_byte(sealed, 30, 255 - get_byte(sealed, 30))")
    merchant = await world.merchant()
    async with world.gateway() as gateway:
        answers = [await gateway.place(merchant.caller, f"r{n}", world.card) for n in range(5)]
    assert codes(answers) == {"placed": 4, "sold_out": 1}
    assert await world.scalar("SELECT state FROM reusable_card") == "void"


async def test_a_load_says_how_often(world: World) -> None:
    for uses, said in ((-1, "uses: 1 to 100000"), (100_001, "uses: 1 to 100000")):
        with pytest.raises(BadBatch) as refused:
            await load(world, uses)
        assert (refused.value.detail, refused.value.field) == (said, "uses")
    with pytest.raises(BadBatch) as refused:
        await load(world, 100_000, count=11)
    assert refused.value.detail == "uses: together at most 1000000"
    assert await world.scalar("SELECT count(*) FROM card_batch") == 0


async def test_a_rotation_seals_the_card_and_its_uses_anew(world: World) -> None:
    old = KeyMaterial(current=1, keys={1: b"1" * 32}, hash_key=b"h" * 32)
    world.ring = KeyRing(old)
    await load(world, 3)
    rotated = KeyMaterial(current=2, keys={1: b"1" * 32, 2: b"2" * 32}, hash_key=b"h" * 32)
    assert sum([await stock.reseal(world.db, KeyRing(rotated), lane) for lane in (0, 1)]) == 4
    world.ring = KeyRing(KeyMaterial(current=2, keys={2: b"2" * 32}, hash_key=b"h" * 32))
    merchant = await world.merchant()
    async with world.gateway() as gateway:
        assert codes([await gateway.place(merchant.caller, "a", world.card, 3)]) == {"placed": 1}
    await world.assert_clean()
