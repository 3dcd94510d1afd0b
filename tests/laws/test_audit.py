"""The audit finds what it is there for: each test breaks one law by hand and expects that finding and no other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count

import asyncpg
import msgspec
import pytest

from kameng import identity, ledger
from kameng.kit import db
from kameng.kit.crypto import KeyRing
from kameng.ledger import House, house_account
from kameng.ops import auditing
from kameng.ops.embedded import Embedded
from laws.world import World, cards_of, new_world, placed, together

CLEARING = house_account(House.clearing, "CNY")
_copies = count(1)

# (SELECT order_id …): orders of one kind, always the same one.
CARD_ORDER = "(SELECT order_id FROM orders WHERE cardinality(card_ids) = 2 ORDER BY order_id LIMIT 1)"
PHONE_ORDER = "(SELECT order_id FROM orders WHERE account IS NOT NULL ORDER BY order_id LIMIT 1)"
SANDBOX_ORDER = "(SELECT order_id FROM orders JOIN organisation g USING (org_id) WHERE sandbox_of IS NOT NULL LIMIT 1)"
SOLD = "(SELECT min(card_id) FROM card WHERE state = 'sold')"
LYING = "(SELECT min(card_id) FROM card WHERE state = 'on_shelf')"
MOVED = "(SELECT max(card_id) FROM card WHERE state = 'on_shelf')"
HELD = "(SELECT min(transfer_id) FROM transfer WHERE kind = 'hold')"
VOID = "(SELECT min(transfer_id) FROM transfer WHERE kind = 'void')"
SALE = "(SELECT min(transfer_id) FROM transfer WHERE code = 'sale')"
POOR = "(SELECT min(account_id) FROM account WHERE code = 'wallet' AND posted_e4 = 0)"

BREAKING: list[tuple[str, str]] = [
    ("orders_have_their_cards", f"UPDATE card SET state = 'quarantined' WHERE card_id = {SOLD}"),
    ("orders_have_their_cards", f"UPDATE card SET sku_id = sku_id + 1 WHERE card_id = {SOLD}"),
    (
        "orders_have_their_cards cards_have_their_order",
        f"UPDATE orders SET card_ids = card_ids[1:1] WHERE order_id = {CARD_ORDER}",
    ),
    (
        "cards_have_their_order",
        f"UPDATE allotment SET on_hand = on_hand - 1 WHERE (lane, sku_id) IN"
        f" (SELECT lane, sku_id FROM card WHERE card_id = {LYING});"
        f"UPDATE card SET state = 'sold', order_id = 4711 WHERE card_id = {LYING}",
    ),
    ("cards_delivered_once", f"UPDATE orders SET card_ids = ARRAY[{SOLD}] WHERE order_id = {PHONE_ORDER}"),
    (
        "cards_exist_once",
        f"INSERT INTO card (lane, card_id, sku_id, batch_id, sealed, state)"
        f" SELECT 1 - lane, card_id, sku_id, batch_id, sealed, 'void' FROM card WHERE card_id = {SOLD}",
    ),
    ("cards_exist_once", "INSERT INTO card_fingerprint VALUES (decode('00', 'hex'), 4711)"),
    ("cards_exist_once samples_open", f"DELETE FROM card_fingerprint WHERE card_id = {SOLD}"),
    ("shelves_are_counted", "UPDATE allotment SET on_hand = on_hand + 1 WHERE lane = 0"),
    ("sandboxes_take_no_cards", f"UPDATE orders SET card_ids = '{{4711}}' WHERE order_id = {SANDBOX_ORDER}"),
    (
        "ledger_sums_to_zero balances_follow_transfers",
        f"UPDATE account SET posted_e4 = posted_e4 + 1 WHERE lane = 0 AND account_id = {CLEARING}",
    ),
    (
        "balances_follow_transfers",
        f"UPDATE account SET posted_e4 = posted_e4 + CASE account_id WHEN 1 THEN 1 ELSE -1 END"
        f" WHERE lane = 0 AND account_id IN (1, {CLEARING})",
    ),
    ("holds_are_open", "UPDATE account SET held_e4 = held_e4 + 1 WHERE posted_e4 > 0 AND code = 'wallet'"),
    ("holds_are_open", "UPDATE account SET held_e4 = 0 WHERE held_e4 > 0"),
    ("holds_resolve_once", f"UPDATE transfer SET amount_e4 = 10 ^ 12 WHERE transfer_id = {VOID}"),
    ("holds_resolve_once", f"UPDATE transfer SET pending_id = {SALE} WHERE transfer_id = {VOID};"
                           f"UPDATE account SET held_e4 = held_e4 + 500 WHERE held_e4 > 0"),
    (
        "holds_resolve_once",
        f"DROP INDEX transfer_resolution; INSERT INTO transfer SELECT lane, transfer_id - (1 << 22), debit_account,"
        f" credit_account, amount_e4, kind, code, pending_id, subject_id, debit_after_e4, credit_after_e4, at"
        f" FROM transfer WHERE transfer_id = {VOID}",
    ),
    (
        "no_wallet_below_its_line",
        f"ALTER TABLE account DROP CONSTRAINT account_not_overdrawn;"
        f"INSERT INTO transfer SELECT a.lane, a.lane << 12 | 7, a.account_id, {CLEARING}, 5, 'posted', 'fee', NULL, 0,"
        f" -5, 0, now() FROM account a WHERE a.account_id = {POOR};"
        f"UPDATE account SET posted_e4 = posted_e4 + 5 WHERE account_id = {CLEARING}"
        f" AND lane = (SELECT lane FROM account WHERE account_id = {POOR});"
        f"UPDATE account SET posted_e4 = -5 WHERE account_id = {POOR}",
    ),
    ("transfers_join_accounts", "INSERT INTO transfer_key VALUES (0, 'lost', 4711)"),
    (
        "transfers_join_accounts ledger_sums_to_zero",
        "INSERT INTO transfer VALUES (0, 7, 4, 999, 5, 'posted', 'fee', NULL, 0, -5, 5, now());"
        "UPDATE account SET posted_e4 = posted_e4 - 5 WHERE lane = 0 AND account_id = 4",
    ),
    (
        "statements_add_up",
        f"UPDATE transfer SET debit_after_e4 = debit_after_e4 + 1 WHERE transfer_id = {SALE}",
    ),
    (
        "statements_add_up",
        "UPDATE transfer SET credit_after_e4 = credit_after_e4 + 1 WHERE transfer_id ="
        " (SELECT max(transfer_id) FROM transfer WHERE code = 'recharge')",
    ),
    ("orders_have_one_sale", f"UPDATE transfer SET code = 'sold' WHERE transfer_id = {SALE}"),
    ("orders_have_one_sale sales_have_their_order",
     f"UPDATE transfer SET subject_id = 4711 WHERE transfer_id = {SALE}"),
    (
        "sales_have_their_order",
        "UPDATE transfer SET code = 'sale' WHERE transfer_id ="
        " (SELECT min(transfer_id) FROM transfer WHERE code = 'recharge')",
    ),
    ("escrow_holds_the_undelivered", f"UPDATE orders SET state = 'delivered' WHERE order_id = {PHONE_ORDER}"),
    ("orders_have_one_reference", f"DELETE FROM order_ref WHERE order_id = {PHONE_ORDER}"),
    (
        "orders_have_one_reference samples_open",
        f"INSERT INTO order_ref SELECT lane, org_id, decode('00', 'hex'), digest, order_id FROM order_ref"
        f" WHERE order_id = {PHONE_ORDER}",
    ),
    (
        "orders_have_one_reference",
        f"UPDATE order_ref SET org_id = org_id + 1 WHERE order_id = {PHONE_ORDER}",
    ),
    (
        "orders_belong_to_their_caller",
        f"UPDATE orders o SET key_id = k.key_id FROM api_key k"
        f" WHERE o.order_id = {CARD_ORDER} AND k.lane = o.lane AND k.org_id <> o.org_id",
    ),
    ("prices_follow_their_trace", f"UPDATE orders SET trace = 'list=1' WHERE order_id = {CARD_ORDER}"),
    ("prices_follow_their_trace", f"UPDATE orders SET sku_revision = 99 WHERE order_id = {CARD_ORDER}"),
    ("events_have_no_gap", f"DELETE FROM event WHERE subject_id = {CARD_ORDER}"),
    ("events_have_no_gap", f"UPDATE event SET sequence = 2 WHERE subject_id = {CARD_ORDER}"),
    ("events_have_no_gap", f"UPDATE orders SET sequence = 2 WHERE order_id = {CARD_ORDER}"),
    ("events_have_no_gap", f"UPDATE event SET org_id = 4711 WHERE subject_id = {CARD_ORDER}"),
    ("no_order_rests", f"DELETE FROM job WHERE subject_id = {PHONE_ORDER}"),
    ("organisations_have_one_wallet", f"UPDATE account SET code = 'purse' WHERE account_id = {POOR}"),
    ("ids_bear_their_lane", "UPDATE lane SET last_tick = 1 WHERE lane = 0"),
    ("ids_bear_their_lane", "UPDATE job SET job_id = job_id # 4096"),
    (
        "nonces_lie_in_drawers",
        "CREATE TABLE nonce_9 PARTITION OF nonce FOR VALUES IN (9);"
        "INSERT INTO nonce VALUES (0, 9, decode('00112233445566778899aabbccddeeff', 'hex'))",
    ),
    ("secrets_are_sealed samples_open", f"UPDATE card SET sealed = set_byte(sealed, 0, 0) WHERE card_id = {LYING}"),
    ("secrets_are_sealed samples_open", f"UPDATE card SET sealed = set_byte(sealed, 2, 9) WHERE card_id = {LYING}"),
    ("secrets_are_sealed samples_open", "UPDATE api_key SET sealed_secret = 'ks_clear' WHERE lane = 0"),
    ("secrets_are_sealed samples_open",
     f"UPDATE orders SET account = '{{\"phone\":\"13812345678\"}}' WHERE order_id = {PHONE_ORDER}"),
    ("samples_open",
     f"UPDATE card SET sealed = set_byte(sealed, 30, 255 - get_byte(sealed, 30)) WHERE card_id = {LYING}"),
    ("samples_open", f"UPDATE orders SET client_ref = 'another' WHERE order_id = {CARD_ORDER}"),
    (
        "samples_open",  # a sealed card laid into another's row
        f"UPDATE card SET sealed = (SELECT sealed FROM card WHERE card_id = {MOVED}) WHERE card_id = {LYING}",
    ),
    (
        "samples_open",
        f"UPDATE card_fingerprint f SET card_id = {LYING} + {MOVED} - card_id WHERE card_id IN ({LYING}, {MOVED})",
    ),
    ("nothing_changes_what_was_written", "ALTER TABLE transfer DISABLE TRIGGER transfer_stands"),
    ("nothing_changes_what_was_written", "DROP TRIGGER audit_line_stands ON audit_line"),
    ("database_is_durable", "ALTER DATABASE {database} SET synchronous_commit = off"),
]  # fmt: skip


@pytest.fixture(scope="module")
async def lived_in(postgres: Embedded, template_database: str) -> tuple[str, KeyRing, bytes]:
    """A database in which everything happened once; its ring; the text of a card that was sold."""
    await _sql(postgres.url, f"CREATE DATABASE lived_in TEMPLATE {template_database}")
    async with new_world(postgres.url_for("lived_in")) as world:
        sold = await _live(world)
    return "lived_in", world.ring, sold


async def _live(world: World) -> bytes:
    await world.load(world.card, 40)
    await world.load(world.link, 10, lane=1)
    merchants = [await world.merchant(lane=lane) for lane in (0, 0, 1)]
    await world.merchant(lane=0, money_e4=0)
    nonce = identity.nonce_of(merchants[0].caller.key.key_id, b"n" * 16, 1_800_000_000)
    async with world.gateway() as gateway:
        answers = [await gateway.place(merchants[0].caller, "with-a-nonce", world.card, nonce=nonce)]
        for merchant in merchants:
            answers += await together(
                *(gateway.place(merchant.caller, f"cards-{n}", world.card, 2) for n in range(4)),
                *(gateway.place(merchant.caller, f"phone-{n}", world.phone) for n in range(3)),
                gateway.place(merchant.caller, "link", world.link),
                gateway.place(merchant.sandbox, "cards-0", world.card),
                gateway.place(merchant.sandbox, "phone-0", world.phone),
            )
    assert len(placed(answers)) == 31
    first = merchants[0]
    for key, kind, amount_e4 in (("a", "hold", 500), ("b", "hold", 300), ("c", "hold", 200)):
        await _hold(world, first.org_id, amount_e4, key=key, kind=kind)
    holds = await world.rows("SELECT transfer_id, amount_e4 FROM transfer WHERE kind = 'hold' ORDER BY 1")
    await _hold(world, first.org_id, 500, key="d", kind="void", pending_id=holds[0][0])
    await _hold(world, first.org_id, 100, key="e", kind="post", pending_id=holds[1][0])
    return cards_of(answers)[0]


async def _hold(
    world: World, org_id: int, amount_e4: int, *, key: str, kind: str, pending_id: int | None = None
) -> None:
    await ledger.transfer(
        world.db, 0, org_id, CLEARING, amount_e4, key=key, code="withdrawal", subject_id=org_id, kind=kind,
        pending_id=pending_id,
    )  # fmt: skip


@pytest.fixture
async def copy(postgres: Embedded, lived_in: tuple[str, KeyRing, bytes]) -> AsyncIterator[str]:
    name = f"copy_{next(_copies)}"
    await _sql(postgres.url, f"CREATE DATABASE {name} TEMPLATE {lived_in[0]} STRATEGY file_copy")
    yield name
    await _sql(postgres.url, f"DROP DATABASE {name} WITH (FORCE)")


async def _sql(url: str, statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statements)
    finally:
        await connection.close()


async def _audit(url: str, ring: KeyRing | None) -> auditing.Report:
    opened = await db.open_database(url)
    try:
        return await auditing.run(opened, ring, sample_per_lane=1000)
    finally:
        await opened.close()


async def test_a_platform_that_lived_is_clean_and_every_law_looked_at_something(
    postgres: Embedded, copy: str, lived_in: tuple[str, KeyRing, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    report = await _audit(postgres.url_for(copy), lived_in[1])
    assert report.broken == ()
    assert report.clean
    assert [finding.law for finding in report.findings if not finding.checked] == []
    counts = {finding.law: finding.checked for finding in report.findings}
    assert counts["orders_have_their_cards"] == 16
    assert counts["cards_have_their_order"] == counts["cards_delivered_once"] == 28
    assert counts["cards_exist_once"] == 50
    assert counts["orders_have_one_sale"] == counts["sales_have_their_order"] == 31
    assert counts["holds_resolve_once"] == 2
    assert counts["nonces_lie_in_drawers"] == 1
    auditing.print_report(report)
    said = capsys.readouterr().out
    assert said.splitlines()[-1] == "28 laws hold. 全部 28 条规则成立。"


@pytest.mark.parametrize(("laws", "breaking"), BREAKING, ids=[f"{i}-{laws}" for i, (laws, _) in enumerate(BREAKING)])
async def test_what_is_broken_is_found_and_nothing_else(
    postgres: Embedded, copy: str, lived_in: tuple[str, KeyRing, bytes], laws: str, breaking: str
) -> None:
    breaking = breaking.replace("{database}", copy)
    await _sql(postgres.url_for(copy), f"SET session_replication_role = replica; {breaking}")
    report = await _audit(postgres.url_for(copy), lived_in[1])
    assert {finding.law for finding in report.broken} == set(laws.split())
    assert not report.clean
    assert all(finding.examples for finding in report.broken)


async def test_a_secret_written_down_in_clear_is_found(
    postgres: Embedded, copy: str, lived_in: tuple[str, KeyRing, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    secret = msgspec.json.decode(lived_in[2])["secret"]
    await _sql(
        postgres.url_for(copy),
        f"UPDATE event SET data = jsonb_build_object('said', 'it is {secret}!')"
        " WHERE subject_id IN (SELECT order_id FROM card WHERE state = 'sold')",
    )
    report = await _audit(postgres.url_for(copy), lived_in[1])
    assert [finding.law for finding in report.broken] == ["samples_open"]
    auditing.print_report(report)
    said = capsys.readouterr().out
    assert secret not in said
    assert said.splitlines()[-1] == "1 of 28 laws are broken. 28 条规则中有 1 条被违反。"


async def test_without_the_ring_nothing_is_opened(
    postgres: Embedded, copy: str, lived_in: tuple[str, KeyRing, bytes]
) -> None:
    await _sql(postgres.url_for(copy), f"UPDATE card SET sealed = set_byte(sealed, 2, 9) WHERE card_id = {LYING}")
    report = await _audit(postgres.url_for(copy), None)
    assert report.clean
    assert len(report.findings) == 27
    await _sql(postgres.url_for(copy), f"UPDATE card SET sealed = set_byte(sealed, 0, 9) WHERE card_id = {LYING}")
    report = await _audit(postgres.url_for(copy), None)
    assert [finding.law for finding in report.broken] == ["secrets_are_sealed"]


def test_every_law_is_broken_by_some_test() -> None:
    broken = {law for laws, _ in BREAKING for law in laws.split()}
    assert broken == {*auditing.LAWS, "samples_open", "database_is_durable"}
