"""Files of cards: read before anything is loaded, loaded with exact counts however often the worker is lost."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kameng import stock, suppliers
from kameng.catalogue import Sku
from kameng.kit import clock
from kameng.kit.jobs import Job
from kameng.suppliers import (
    BadCardFile,
    CardRun,
    NewOffer,
    NoSuchRun,
    NotSupplied,
    RunNotOpen,
    RunState,
    TooManyRuns,
    running,
)
from laws.world import Merchant, World

ACTOR = 9


def file_of(count: int, *, first: int = 0) -> bytes:
    lines = ["卡号,密码", *[f"WY{n:010d},MM{n:010d}KQ" for n in range(first, first + count)]]
    return "\r\n".join(lines).encode("gbk")


async def supplier_of(world: World, sku: Sku) -> Merchant:
    """One whom the platform agreed with."""
    one = await world.merchant(kind="supplier", money_e4=0)
    new = NewOffer(950_000, "有货", None, "网易", "一卡通", "100")
    offered = await suppliers.offer(world.db, one.caller.organisation, new, actor_id=ACTOR)
    await suppliers.decide_offer(world.db, offered.offer_id, accept=True, sku_id=sku.sku_id, actor_id=1)
    return one


async def send(world: World, one: Merchant, content: bytes, *, sku: Sku | None = None, name: str = "卡.csv") -> CardRun:
    return await suppliers.receive_cards(
        world.db, world.ring, one.caller.organisation, (sku or world.card).sku_id, content, file_name=name,
        actor_id=ACTOR,
    )  # fmt: skip


async def go_on(world: World, run: CardRun) -> CardRun:
    """What the worker does with its job."""
    (handler,) = suppliers.handlers(world.db, world.ring)
    assert isinstance(handler, running.Outside)
    await handler.call(Job(run.lane, 1, handler.kind, run.run_id, None, 1, 1, "sending"))
    return await suppliers.find_run(world.db, run.org_id, run.run_id)


async def load(world: World, one: Merchant, content: bytes) -> CardRun:
    run = await go_on(world, await send(world, one, content))
    assert run.state is RunState.ready
    return await go_on(world, await suppliers.confirm_run(world.db, one.org_id, run.run_id, actor_id=ACTOR))


async def on_shelf(world: World) -> int:
    return int(await world.scalar("SELECT coalesce(sum(on_hand), 0) FROM allotment"))


async def test_what_was_read_is_shown_and_nothing_is_loaded_before_a_word(world: World) -> None:
    one = await supplier_of(world, world.card)
    await load(world, one, file_of(3))
    content = file_of(5) + "\r\nWY0000000004,MM0000000004KQ\r\nWY0000000003,ANDERS99\r\nWY77777,\r\n".encode("gbk")
    run = await go_on(world, await send(world, one, content))
    assert (run.state, run.cards, run.broken, run.repeated, run.known, run.fresh) == ("ready", 5, 1, 2, 3, 2)
    assert (run.encoding, run.format) == ("gb18030", "csv") or run.encoding == "utf-8"
    assert run.preview[0] == {
        "line": 2, "number": "WY0****", "chars": 14, "expires_on": None, "cost_e4": 950_000, "label": ""
    }  # fmt: skip
    assert await on_shelf(world) == 3
    lines = await suppliers.run_lines(world.db, one.org_id, run.run_id)
    assert [(line.line, line.reason, line.first) for line in lines] == [
        (2, "loaded_before", 0), (3, "loaded_before", 0), (4, "loaded_before", 0), (7, "duplicate", 6),
        (8, "duplicate_number", 5), (9, "no_secret", 0),
    ]  # fmt: skip
    assert await suppliers.run_reasons(world.db, one.org_id, run.run_id) == {
        "loaded_before": 3, "duplicate": 1, "duplicate_number": 1, "no_secret": 1
    }  # fmt: skip
    done = await go_on(world, await suppliers.confirm_run(world.db, one.org_id, run.run_id, actor_id=ACTOR))
    assert (done.state, done.loaded, done.gone, done.known_now) == ("done", 2, 5, 3)
    assert await on_shelf(world) == 5
    assert await suppliers.run_lines(world.db, one.org_id, run.run_id) == lines
    await world.assert_clean()


async def test_a_load_that_is_cut_off_goes_on_where_it_was(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever chunk the worker is lost at, before its commit or after."""
    one = await supplier_of(world, world.card)
    run = await go_on(world, await send(world, one, file_of(1700)))
    await suppliers.confirm_run(world.db, one.org_id, run.run_id, actor_id=ACTOR)
    whole, lost = stock.load_chunk, [0]

    async def lose(*arguments: object, **more: object) -> object:
        lost[0] += 1
        if lost[0] in (1, 3):
            raise ConnectionError("before its commit")
        done = await whole(*arguments, **more)  # type: ignore[arg-type]
        if lost[0] in (4,):
            raise ConnectionError("after its commit")
        return done

    monkeypatch.setattr(stock, "load_chunk", lose)
    seen = []
    for _ in range(3):
        with pytest.raises(ConnectionError):
            await go_on(world, run)
        at = await suppliers.find_run(world.db, one.org_id, run.run_id)
        seen.append((at.state.value, at.gone, at.loaded, await on_shelf(world)))
    assert seen == [("loading", 0, 0, 0), ("loading", 500, 500, 500), ("loading", 1000, 1000, 1000)]
    done = await go_on(world, run)
    assert (done.state, done.gone, done.loaded, await on_shelf(world)) == ("done", 1700, 1700, 1700)
    async with world.db.connection() as connection:
        (batch,) = await stock.batches_of(connection, one.org_id, before_id=1 << 62, limit=5)
    assert (batch.loaded, batch.refused, batch.paid_e4) == (1700, 0, 1700 * 950_000)
    await world.assert_clean()


async def test_two_workers_at_one_file_load_it_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    one = await supplier_of(world, world.card)
    run = await go_on(world, await send(world, one, file_of(900)))
    await suppliers.confirm_run(world.db, one.org_id, run.run_id, actor_id=ACTOR)
    whole, is_first = stock.load_chunk, [True]

    async def meanwhile(*arguments: object, **more: object) -> object:
        if is_first.pop() if is_first else False:
            await go_on(world, run)  # somebody else does all of it
        return await whole(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(stock, "load_chunk", meanwhile)
    done = await go_on(world, run)
    assert (done.state, done.gone, done.loaded, await on_shelf(world)) == ("done", 900, 900, 900)


async def test_nothing_of_a_file_stays_but_counts_and_masks(world: World) -> None:
    one = await supplier_of(world, world.card)
    run = await send(world, one, file_of(300))
    assert await world.scalar("SELECT count(*) FROM blob_piece") == 1
    assert b"MM0000000007KQ" not in await world.scalar("SELECT sealed FROM blob_piece")
    run = await go_on(world, run)
    kept = await world.scalar("SELECT string_agg(r::text, '') FROM card_run r")
    assert "MM00000000" not in kept
    await go_on(world, await suppliers.confirm_run(world.db, one.org_id, run.run_id, actor_id=ACTOR))
    assert await world.scalar("SELECT count(*) FROM blob_piece") == 0


async def test_a_file_that_cannot_be_read_is_refused_in_words_and_wiped(world: World) -> None:
    one = await supplier_of(world, world.card)
    run = await go_on(world, await send(world, one, b"%PDF-1.7 not a card in it", name="cards.txt"))
    assert (run.state, run.fault_zh[:6]) == ("refused", "无法读取该文")
    assert await world.scalar("SELECT count(*) FROM blob_piece") == 0
    with pytest.raises(RunNotOpen):
        await suppliers.confirm_run(world.db, one.org_id, run.run_id, actor_id=ACTOR)


async def test_what_is_dropped_or_forgotten_is_wiped_unloaded(world: World) -> None:
    one = await supplier_of(world, world.card)
    dropped, forgotten = [await go_on(world, await send(world, one, file_of(3))) for _ in range(2)]
    gone = await suppliers.drop_run(world.db, one.org_id, dropped.run_id, actor_id=ACTOR)
    assert gone.state is RunState.dropped
    assert await suppliers.tidy_runs(world.db) == 0
    with clock.hold(clock.now_ms() + int(timedelta(days=1, minutes=1).total_seconds()) * 1000):
        assert await suppliers.tidy_runs(world.db) == 1
    left = await suppliers.find_run(world.db, one.org_id, forgotten.run_id)
    assert (left.state, await on_shelf(world)) == ("dropped", 0)
    assert await world.scalar("SELECT count(*) FROM blob_piece") == 0


async def test_reports_are_kept_for_a_while(world: World) -> None:
    one = await supplier_of(world, world.card)
    run = await load(world, one, file_of(2) + b"\r\nWY123456,\r\n")
    with clock.hold(clock.now_ms() + int(timedelta(days=89).total_seconds()) * 1000):
        await suppliers.tidy_runs(world.db)
    assert len(await suppliers.run_lines(world.db, one.org_id, run.run_id)) == 1
    with clock.hold(clock.now_ms() + int(timedelta(days=91).total_seconds()) * 1000):
        await suppliers.tidy_runs(world.db)
    assert await suppliers.run_lines(world.db, one.org_id, run.run_id) == []


async def test_nobody_else_finds_a_file(world: World) -> None:
    one, other = await supplier_of(world, world.card), await supplier_of(world, world.card)
    run = await go_on(world, await send(world, one, file_of(3)))
    for verb in (
        suppliers.find_run(world.db, other.org_id, run.run_id),
        suppliers.run_lines(world.db, other.org_id, run.run_id),
        suppliers.run_reasons(world.db, other.org_id, run.run_id),
        suppliers.confirm_run(world.db, other.org_id, run.run_id, actor_id=ACTOR),
        suppliers.drop_run(world.db, other.org_id, run.run_id, actor_id=ACTOR),
    ):
        with pytest.raises(NoSuchRun):
            await verb
    assert await suppliers.list_runs(world.db, other.org_id) == []
    assert (await suppliers.find_run(world.db, one.org_id, run.run_id)).state is RunState.ready


async def test_what_is_not_his_to_load_is_refused_and_leaves_nothing(world: World) -> None:
    one = await supplier_of(world, world.card)
    with pytest.raises(NotSupplied):
        await send(world, one, file_of(1), sku=world.half_card)
    with pytest.raises(BadCardFile):
        await send(world, one, b"")
    with pytest.raises(BadCardFile):
        await send(world, one, bytes(suppliers.FILE_BYTES_MAX + 1))
    for _ in range(5):
        await send(world, one, file_of(1))
    with pytest.raises(TooManyRuns):
        await send(world, one, file_of(1))
    assert await world.scalar("SELECT count(*) FROM card_run") == 5
