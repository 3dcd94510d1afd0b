"""Voiding cards that nobody bought: by batch, by number, once; what was sold stays."""

from __future__ import annotations

import asyncio

import pytest

from kameng import stock
from kameng.catalogue import Sku
from kameng.stock import By, CardLine, NoSuchBatch, RefusedNumber, Voided
from laws.world import World, codes


async def load(world: World, sku: Sku, first: int, count: int, *, supplier: int = 0, uses: int = 1) -> int:
    lines = [CardLine(n, f"N{first + n:05d}", f"SECRET-{first + n}", None, None) for n in range(count)]
    report = await stock.load_cards(
        world.db, world.ring, lines, sku_id=sku.sku_id, file_name="b.txt", supplier_org_id=supplier, uses=uses
    )
    assert report.loaded == count
    return report.batch_id


async def states(world: World, batch_id: int) -> dict[str, int]:
    rows = await world.rows("SELECT state, count(*) AS n FROM card WHERE batch_id = $1 GROUP BY state", batch_id)
    return {row["state"]: row["n"] for row in rows}


async def test_a_batch_goes_but_for_what_was_sold(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kameng.stock.voiding.CHUNK_CARDS", 3)
    monkeypatch.setattr("kameng.stock.loading.CHUNK_CARDS", 4)
    batch, other = await load(world, world.card, 0, 10), await load(world, world.card, 100, 2)
    merchant = await world.merchant()
    async with world.gateway() as gateway:
        assert codes([await gateway.place(merchant.caller, "a", world.card, 3)]) == {"placed": 1}
    sold = (await states(world, batch))["sold"]
    by = By(actor_id=7, reason="printed wrongly")
    assert await stock.void_batch(world.db, batch, by) == Voided(10 - sold, 0, sold, 0)
    assert await stock.void_batch(world.db, batch, by) == Voided(0, 10 - sold, sold, 0)
    assert await states(world, batch) == {"sold": sold, "void": 10 - sold}
    assert (await states(world, other)).get("void") is None
    lines = await world.rows("SELECT actor_id, subject_id, data FROM audit_line WHERE act = 'stock.void'")
    assert {(line["actor_id"], line["subject_id"], line["data"]["reason"]) for line in lines} == {
        (7, batch, "printed wrongly")
    }
    assert sum(line["data"]["cards"] for line in lines) == 10 - sold
    await world.assert_clean()


async def test_numbers_are_told_line_by_line(world: World) -> None:
    await load(world, world.card, 0, 3)
    await load(world, world.half_card, 50, 1)
    merchant = await world.merchant()
    async with world.gateway() as gateway:
        await gateway.place(merchant.caller, "a", world.card)
    sold = await world.scalar("SELECT card_id FROM card WHERE state = 'sold' ORDER BY card_id LIMIT 1")
    ids = [row["card_id"] for row in await world.rows("SELECT card_id FROM card ORDER BY card_id")]
    gone = f"N{ids.index(sold):05d}"
    free = next(f"N{n:05d}" for n in range(3) if f"N{n:05d}" != gone)
    numbers = [free, gone, "N00050", "N99999", free]
    unknown = [RefusedNumber(line, number, "unknown") for line, number in ((3, "N00050"), (4, "N99999"))]
    told = (RefusedNumber(2, gone, "sold"), *unknown)
    done = await stock.void_numbers(world.db, world.ring, world.card.sku_id, numbers, By())
    assert done == Voided(1, 0, 1, 0, told)
    again = await stock.void_numbers(world.db, world.ring, world.card.sku_id, numbers, By())
    assert again == Voided(0, 1, 1, 0, told)
    await world.assert_clean()


async def test_only_his_own(world: World) -> None:
    one, two = [(await world.merchant(kind="supplier", money_e4=0)).org_id for _ in range(2)]
    batch = await load(world, world.card, 0, 2, supplier=one)
    with pytest.raises(NoSuchBatch):
        await stock.void_batch(world.db, batch, By(supplier_org_id=two))
    with pytest.raises(NoSuchBatch):
        await stock.void_batch(world.db, 4711, By())
    done = await stock.void_numbers(world.db, world.ring, world.card.sku_id, ["N00000"], By(supplier_org_id=two))
    assert done == Voided(0, 0, 0, 0, (RefusedNumber(1, "N00000", "unknown"),))
    assert await states(world, batch) == {"on_shelf": 2}
    assert await stock.stock_of_batches(world.db, two, before_id=1 << 62, limit=9) == []
    (shown,) = await stock.stock_of_batches(world.db, one, before_id=1 << 62, limit=9)
    assert (shown.batch_id, shown.on_shelf, shown.sold, shown.voided) == (batch, 2, 0, 0)


async def test_all_unsold_uses_of_a_reusable_card_go(world: World) -> None:
    batch = await load(world, world.card, 0, 2, uses=5)
    merchant = await world.merchant()
    async with world.gateway() as gateway:
        await gateway.place(merchant.caller, "a", world.card, 2)
    done = await stock.void_numbers(world.db, world.ring, world.card.sku_id, ["N00000", "N00001"], By())
    assert done == Voided(8, 0, 0, 0)
    assert await states(world, batch) == {"sold": 2, "void": 8}
    assert await stock.restock(world.db, world.ring) == 0
    assert await stock.void_batch(world.db, batch, By()) == Voided(0, 8, 2, 0)
    await world.assert_clean()


async def test_no_more_uses_come_of_a_batch_that_is_void(world: World) -> None:
    batch = await load(world, world.card, 0, 1, uses=stock.AS_OFTEN_AS_ASKED)
    done = await stock.void_batch(world.db, batch, By())
    assert done.voided == await world.scalar("SELECT issued FROM reusable_card") > 0
    merchant = await world.merchant()
    async with world.gateway() as gateway:
        assert codes([await gateway.place(merchant.caller, "a", world.card)]) == {"sold_out": 1}
    await world.assert_clean()


async def test_nothing_more_comes_of_a_card_whose_uses_were_all_sold(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kameng.stock.reusing.STOCKED", 2)
    await load(world, world.card, 0, 1, uses=stock.AS_OFTEN_AS_ASKED)
    merchant = await world.merchant()
    async with world.gateway() as gateway:
        assert codes([await gateway.place(merchant.caller, "a", world.card, 2)]) == {"placed": 1}
        done = await stock.void_numbers(world.db, world.ring, world.card.sku_id, ["N00000"], By())
        assert done == Voided(0, 0, 1, 0, (RefusedNumber(1, "N00000", "sold"),))
        assert codes([await gateway.place(merchant.caller, "b", world.card)]) == {"sold_out": 1}
    await world.assert_clean()


async def test_orders_and_voiding_at_once(world: World) -> None:
    """Each card goes one way."""
    batch = await load(world, world.card, 0, 60)
    merchants = [await world.merchant(lane=lane) for lane in (0, 1)]
    async with world.gateway() as gateway:
        *answers, done = await asyncio.gather(
            *(gateway.place(merchants[n % 2].caller, f"r{n}", world.card) for n in range(60)),
            stock.void_batch(world.db, batch, By()),
        )
    sold = codes(answers).get("placed", 0)
    assert done.voided + sold == 60
    assert await states(world, batch) == {state: n for state, n in (("sold", sold), ("void", 60 - sold)) if n}
    await world.assert_clean()
