"""Made-up merchants, cards and history: as much as was asked for, and nothing that the audit would find."""

from __future__ import annotations

import json
import stat
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from command import data_folder, kameng

from kameng import identity, orders, stock
from kameng.kit import clock, crypto, db, ids
from kameng.kit.db import Database
from kameng.kit.errors import Fault
from kameng.ops import auditing, founding, history, seeding

MATERIAL = crypto.KeyMaterial(1, {1: b"k" * 32}, b"h" * 32)


@pytest.fixture
def ring() -> crypto.KeyRing:
    return crypto.KeyRing(MATERIAL)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await db.open_database(database_url)
    await founding.open_platform(opened, lane_count=2)
    yield opened
    await opened.close()


async def fetch(database: Database, query: str) -> list[tuple[object, ...]]:
    async with database.connection() as connection:
        return [tuple(row) for row in await connection.fetch(query)]


async def test_merchants(database: Database, ring: crypto.KeyRing, tmp_path: Path) -> None:
    file = tmp_path / "seed-keys.json"
    told: list[int] = []
    keys = await seeding.seed_merchants(database, ring, 450, file, tell=told.append)
    assert sum(told) == len(keys) == 450
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text()) == [{"key": key.key, "secret": key.secret} for key in keys]
    assert await fetch(database, "SELECT lane, organisations FROM lane ORDER BY lane") == [(0, 225), (1, 225)]
    assert await fetch(database, "SELECT level, count(*) FROM organisation GROUP BY 1 ORDER BY 1") == [
        (0, 112), (1, 113), (2, 113), (3, 112)
    ]  # fmt: skip
    assert await fetch(database, "SELECT count(*) FROM organisation WHERE wants_events") == [(90,)]
    assert await fetch(database, "SELECT DISTINCT posted_e4 FROM account WHERE code = 'wallet'") == [
        (seeding.WALLET_E4,)
    ]
    directory = identity.Directory(database, ring)
    for key in keys[::50]:
        found = await directory.key(identity.parse_key_id(key.key)[0])
        assert found is not None
        assert (found.secret, found.scopes) == (key.secret.encode(), identity.scopes_of("merchant"))

    assert await seeding.seed_merchants(database, ring, 450, file) == keys
    more = await seeding.seed_merchants(database, ring, 451, file)
    assert (more[:450], len(more)) == (keys, 451)
    assert (await auditing.run(database, ring)).broken == ()


async def test_keys_of_another_database_are_forgotten(
    database: Database, ring: crypto.KeyRing, tmp_path: Path
) -> None:
    file = tmp_path / "seed-keys.json"
    file.write_text('[{"key": "ak_5", "secret": "ks_x"}]')
    keys = await seeding.seed_merchants(database, ring, 3, file)
    assert len(keys) == 3
    assert "ak_5" not in file.read_text()


async def test_cards(database: Database, ring: crypto.KeyRing) -> None:
    await seeding.seed_catalogue(database)
    assert await seeding.seed_cards(database, ring, 2345) == 2345
    shelves = await fetch(database, "SELECT sku_id, sum(on_hand) FROM allotment GROUP BY 1")
    on_sale = [sku for sku in await seeding.read_skus(database) if sku.from_stock]
    assert len(shelves) == len(on_sale) == 55
    assert Counter(number for _, number in shelves) == Counter({42: 20, 43: 35})
    assert [lane for lane, in await fetch(database, "SELECT lane FROM card GROUP BY 1 ORDER BY 1")] == [0, 1]
    plain = "SELECT c.card_id, c.sealed FROM card c JOIN sku s USING (sku_id) WHERE s.kind = 'secret' LIMIT 1"
    (row,) = await fetch(database, plain)
    text = ring.open(stock.CARD, int(str(row[0])), row[1])  # type: ignore[arg-type]
    assert json.loads(text).keys() == {"number", "secret"}

    sku = on_sale[0].sku_id
    assert await seeding.seed_cards(database, ring, 600, sku_ids=[sku]) == 600
    ((number,),) = await fetch(database, f"SELECT sum(on_hand) FROM allotment WHERE sku_id = {sku}")
    assert number in (642, 643)
    assert await fetch(database, "SELECT sum(loaded) FROM card_batch") == [(2945,)]
    assert (await auditing.run(database, ring)).broken == ()


async def test_level_prices_are_made_where_there_are_none(database: Database) -> None:
    await seeding.seed_catalogue(database)
    sku = (await seeding.read_skus(database))[0]
    rows = await fetch(database, f"SELECT level, price_e4 FROM level_price WHERE sku_id = {sku.sku_id} ORDER BY 1")
    assert rows == [
        (level, max(sku.cost_e4, -(-sku.list_price_e4 * off // 1000))) for level, off in ((1, 985), (2, 970), (3, 955))
    ]
    async with database.transaction() as connection:
        await connection.execute("UPDATE level_price SET price_e4 = 7 WHERE sku_id = $1", sku.sku_id)
    await seeding.seed_catalogue(database)
    assert await fetch(database, f"SELECT DISTINCT price_e4 FROM level_price WHERE sku_id = {sku.sku_id}") == [(7,)]


async def test_history_stands_before_everything_and_moves_nothing(
    database: Database, ring: crypto.KeyRing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "SLICE_ORDERS", 700)
    await seeding.seed_catalogue(database)
    await seeding.seed_merchants(database, ring, 60, tmp_path / "keys.json")
    balances = "SELECT lane, account_id, posted_e4 FROM account ORDER BY 1, 2"
    before = await fetch(database, balances)
    ((first_id,),) = await fetch(database, "SELECT min(transfer_id) FROM transfer")

    assert await history.seed_orders(database, ring, 2000, keys=MATERIAL) == 2000
    assert await fetch(database, balances) == before
    assert await fetch(database, "SELECT lane, count(*) FROM orders GROUP BY 1 ORDER BY 1") == [(0, 1000), (1, 1000)]
    ((newest,), (oldest,)) = await fetch(
        database, "SELECT max(order_id) FROM orders UNION ALL SELECT min(order_id) FROM orders"
    )
    assert int(str(newest)) < int(str(first_id))
    assert 89 * 86_400_000 < ids.ms_of(int(str(newest))) - ids.ms_of(int(str(oldest))) < history.SPAN_MS
    assert await fetch(database, "SELECT quantity, count(*) FROM orders GROUP BY 1 ORDER BY 1") == [(1, 1800), (2, 200)]
    assert await fetch(database, "SELECT count(*) FROM card WHERE state = 'sold'") == [(2200,)]
    assert await fetch(database, "SELECT sum(loaded) FROM card_batch") == [(2200,)]
    assert (await auditing.run(database, ring)).broken == ()

    assert await history.seed_orders(database, ring, 301, keys=MATERIAL) == 301  # once more, before that
    ((newer,),) = await fetch(database, f"SELECT count(*) FROM orders WHERE order_id < {oldest}")
    assert newer == 301
    assert (await auditing.run(database, ring)).broken == ()


async def test_an_order_of_the_past_is_known_by_its_reference(
    database: Database, ring: crypto.KeyRing, tmp_path: Path
) -> None:
    await seeding.seed_catalogue(database)
    await seeding.seed_merchants(database, ring, 4, tmp_path / "keys.json")
    await history.seed_orders(database, ring, 40, keys=MATERIAL)
    snapshot = orders.Snapshot(database, ring)
    await snapshot.start()
    queues = orders.Lanes(snapshot, [0, 1])
    queues.start()
    rows = await fetch(database, "SELECT order_id, key_id, client_ref, sku_id, quantity FROM orders")
    for order_id, key_id, client_ref, sku_id, quantity in rows:
        key = await snapshot.directory.key(int(str(key_id)))
        assert key is not None
        caller = identity.Caller(key, snapshot.directory.organisations[key.org_id], "127.0.0.1")
        body = orders.OrderBody(str(client_ref), str(sku_id), int(str(quantity)))
        answer = await queues.place(orders.wish_from(snapshot, caller, body))
        assert isinstance(answer, orders.ShownOrder)
        assert (answer.order_id, answer.replayed, answer.state) == (order_id, True, "delivered")
    await queues.stop()
    assert await fetch(database, "SELECT count(*) FROM orders") == [(40,)]


async def test_history_needs_merchants(database: Database, ring: crypto.KeyRing) -> None:
    with pytest.raises(Fault, match="History needs made-up merchants"):
        await history.seed_orders(database, ring, 10, keys=MATERIAL)


async def test_there_is_no_history_before_the_first_day(
    database: Database, ring: crypto.KeyRing, tmp_path: Path
) -> None:
    async with database.transaction() as connection:
        await connection.execute("UPDATE lane SET last_tick = 0")  # as if it were new then
    with clock.hold(ids.EPOCH_MS + 30 * 86_400_000):
        await seeding.seed_catalogue(database)
        await seeding.seed_merchants(database, ring, 2, tmp_path / "keys.json")
        with pytest.raises(Fault, match="no time left before 2025"):
            await history.seed_orders(database, ring, 10, keys=MATERIAL)
    assert await fetch(database, "SELECT count(*) FROM orders") == [(0,)]


def test_the_command() -> None:
    with data_folder() as data:
        assert kameng(data, "init").returncode == 0
        for _ in range(2):
            done = kameng(data, "seed", "--merchants", "200", "--cards", "2000")
            assert done.returncode == 0, done.stderr
            assert "商户 merchants: 200，" in done.stdout
            assert "卡密 cards: 2000\n" in done.stdout
        done = kameng(data, "seed", "--merchants", "200", "--cards", "0", "--orders", "5000")
        assert done.returncode == 0, done.stderr
        assert "卡密 cards: 2000\n" in done.stdout
        assert "历史订单 orders of the past: 5000" in done.stdout
        assert len(json.loads((data / "seed-keys.json").read_text())) == 200
        audit = kameng(data, "audit")
        assert audit.returncode == 0, audit.stdout
