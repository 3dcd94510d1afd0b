"""What Kameng does by the clock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kameng import fulfilment, identity, orders, payments, risk
from kameng.identity import Nonce
from kameng.kit import clock, crypto, db, ids, lanes
from kameng.kit.db import Database
from kameng.kit.errors import Fault
from kameng.kit.timetable import Timetable
from kameng.ops import auditing, founding, seeding, upkeep

OLD = crypto.KeyMaterial(1, {1: b"k" * 32}, b"h" * 32)
NEW = crypto.KeyMaterial(2, {1: b"k" * 32, 2: b"n" * 32}, b"h" * 32)
AT_MS = ids.EPOCH_MS + 700 * 86_400_000


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await db.open_database(database_url)
    await founding.open_platform(opened, lane_count=2)
    yield opened
    await opened.close()


async def count(database: Database, query: str, *values: object) -> int:
    async with database.connection() as connection:
        number: int = await connection.fetchval(query, *values)
        return number


async def test_everything_on_the_timetable_runs(database: Database) -> None:
    timetable = Timetable(database, upkeep.entries(crypto.KeyRing(OLD)))
    await timetable.enrol()
    assert sorted(await timetable.run_due()) == [
        "access.purge", "access.purge_invitations", "documents.watch", "finance.watch_balances", "fulfilment.count",
        "fulfilment.purge_answers", "fulfilment.watch", "identity.empty_drawer", "ledger.sweep", "lists.purge",
        "notices.purge", "notices.watch_desk", "notices.watch_work", "orders.mark_older", "orders.measure_pace",
        "orders.purge_accounts", "orders.tally", "orders.wipe_passwords", "payments.estimate",
        "payments.purge_messages", "payments.watch_papers", "pricing.tell", "reseal", "risk.purge",
        "shops.turn_sales", "stock.read_numbers", "stock.restock", "stock.void_expired", "stock.watch",
        "suppliers.measure", "suppliers.tidy", "telling.watch_keys",
    ]  # fmt: skip
    assert await count(database, "SELECT count(*) FROM timetable WHERE last_error IS NOT NULL") == 0


async def test_accounts_are_kept_as_long_as_the_setting_says(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    async def purge(_: Database, __: crypto.KeyRing, lane: int, *, kept_days: int) -> int:
        asked.append(kept_days)
        return 0

    async def purge_answers(_: Database, lane: int, *, kept_days: int) -> int:
        asked.append(kept_days)
        return 0

    monkeypatch.setattr(orders, "purge_accounts", purge)
    monkeypatch.setattr(fulfilment, "purge_answers", purge_answers)
    monkeypatch.setattr(payments, "purge_messages", purge_answers)
    for entry in upkeep.entries(crypto.KeyRing(OLD), private_days=7):
        if entry.name in ("orders.purge_accounts", "fulfilment.purge_answers", "payments.purge_messages"):
            await entry.work(database)
    assert asked == [7, 7, 7, 7, 7, 7]  # each in each lane


def signed_at(at_s: int) -> Nonce:
    return identity.nonce_of(5, b"k3Jx0_pQ9-vTz7LmWc2a", at_s)


async def spend(database: Database, nonce: Nonce) -> None:
    async with database.transaction() as connection:
        await lanes.pass_gate(connection, 0)
        await identity.spend_nonces(connection, 0, [nonce])


async def test_no_nonce_that_still_protects_is_forgotten(database: Database) -> None:
    """At every minute of an hour: what may still be signed for is still there."""
    begin_s = AT_MS // 1000
    for now_s in range(begin_s, begin_s + 3600, 60):
        protecting = {n.drawer: n for n in (signed_at(now_s - 300), signed_at(now_s), signed_at(now_s + 300))}
        for nonce in protecting.values():
            await spend(database, nonce)
        with clock.hold(now_s * 1000):
            await upkeep.empty_drawer(database)
        assert await count(database, "SELECT count(*) FROM nonce") == len(protecting)
        async with database.transaction() as connection:
            await connection.execute("DELETE FROM nonce")


async def test_a_drawer_is_empty_when_its_time_comes_again(database: Database) -> None:
    await spend(database, signed_at(AT_MS // 1000))
    for slot in range(1, 5):
        with clock.hold(AT_MS + slot * 600_000):
            await upkeep.empty_drawer(database)
        assert await count(database, "SELECT count(*) FROM nonce") == (1 if slot < 2 else 0)


async def test_a_drawer_whose_time_came_meanwhile_is_left_alone(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn_ms = AT_MS // 600_000 * 600_000 + 600_000
    drawer = identity.drawer_to_empty(turn_ms // 1000 - 1)
    seconds = range(AT_MS // 1000, AT_MS // 1000 + 2400, 60)
    await spend(database, next(signed_at(s) for s in seconds if signed_at(s).drawer == drawer))
    looks = iter([turn_ms - 1, turn_ms])
    monkeypatch.setattr(clock, "now_ms", lambda: next(looks))
    with pytest.raises(Fault, match="emptied by a later run"):
        await upkeep.empty_drawer(database)
    assert await count(database, "SELECT count(*) FROM nonce") == 1


async def test_counters_of_ended_windows_go(database: Database) -> None:
    now_s = AT_MS // 1000
    for start_s in (now_s - 3 * 86_400, now_s - 3600):
        async with database.transaction() as connection:
            for lane in (0, 1):
                claim = (b"\0" * 7 + b"\5", risk.KEY_DAY, start_s)
                counters = risk.Counters({claim: (1, 1)})
                counters.touched.add(claim)
                await risk.write_lane_counters(connection, lane, counters)
            await connection.execute(
                "INSERT INTO counter (entity_hash, rule_id, window_start) VALUES ('x', 1, $1)", start_s
            )
    with clock.hold(AT_MS):
        await risk.purge(database)
    assert await count(database, "SELECT count(*) FROM counter") == 1
    assert await count(database, "SELECT count(*) FROM lane_counter") == 2
    assert await count(database, "SELECT min(window_start) FROM lane_counter") == now_s - 3600


async def test_after_a_rotation_everything_is_sealed_anew(database: Database, tmp_path: Path) -> None:
    old, new = crypto.KeyRing(OLD), crypto.KeyRing(NEW)
    await seeding.seed_catalogue(database)
    await seeding.seed_merchants(database, old, 450, tmp_path / "keys.json")
    await seeding.seed_cards(database, old, 1300)
    under_new = (
        "SELECT (SELECT count(*) FROM card WHERE get_byte(sealed, 2) = 2)"
        " + (SELECT count(*) FROM api_key WHERE get_byte(sealed_secret, 2) = 2)"
    )
    await upkeep.reseal(database, ring=old)
    assert await count(database, under_new) == 0
    await upkeep.reseal(database, ring=new)
    assert await count(database, under_new) == 1750
    assert (await auditing.run(database, crypto.KeyRing(crypto.KeyMaterial(2, {2: b"n" * 32}, b"h" * 32)))).broken == ()
