"""The demo has what the example's spreadsheet orders: enough cards of the right kinds, and enough money."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from example_files import EXAMPLES, load
from kameng import catalogue, stock
from kameng.kit import crypto, db, money
from kameng.kit.settings import Settings
from kameng.ops import auditing, demo, founding, seeding
from kameng.ops.opening import Platform

NEEDS = {("京东E卡", "100"): 428}
SAMPLE_COST_E4 = 138_942 * money.E4 + 4600


@pytest.fixture
async def platform(database_url: str, tmp_path: Path) -> AsyncIterator[Platform]:
    opened = await db.open_database(database_url)
    await founding.open_platform(opened, lane_count=2)
    ring = crypto.KeyRing(crypto.KeyFile(tmp_path / "keyring.json").create())
    yield Platform(Settings(data_dir=tmp_path), opened, ring)
    await opened.close()


def listed(sku: catalogue.Sku) -> dict[str, Any]:
    fields = catalogue.form_named(sku.form).fields
    form = [{"name": field.name, "label": field.label} for field in fields]
    face_value = money.format_e4(sku.face_value_e4)
    return {"sku": str(sku.sku_id), "product": sku.product, "spec": sku.spec, "face_value": face_value, "form": form}


async def test_the_sample_orders_find_cards_and_money(platform: Platform) -> None:
    made = await demo.ensure(platform)
    skus = {str(sku.sku_id): sku for sku in await seeding.read_skus(platform.db)}
    rows, _ = load("orders_file").read_orders(
        (EXAMPLES / "data" / "orders_merchant.xlsx").read_bytes(), [listed(sku) for sku in skus.values()]
    )
    first_rows = [row.body for row in rows if not row.repeats_line]
    needed = Counter[str]()
    for body in first_rows:
        needed[body["sku"]] += body["quantity"] if skus[body["sku"]].from_stock else 0
    needs = {(skus[code].product, skus[code].spec): count for code, count in (+needed).items()}
    assert needs == NEEDS
    cost_e4 = sum(skus[body["sku"]].list_price_e4 * body["quantity"] for body in first_rows)
    assert cost_e4 == SAMPLE_COST_E4

    async with platform.db.connection() as connection:
        on_hand = await stock.on_hand_everywhere(connection)
        wallets = await connection.fetch(
            "SELECT posted_e4 FROM account WHERE account_id = $1", int(made.organisation)
        )
    assert {on_hand[int(code)] for code in needed if (+needed)[code]} == {500}
    # With the supplier's own, of which five were sold; the agent's shop sold some too.
    assert Counter(on_hand.values()) == Counter({20: 50, 15: 4, 500: 1, 140: 1, 55: 1})
    assert [row["posted_e4"] for row in wallets] == [1_000_000 * money.E4]
    assert (await auditing.run(platform.db, platform.ring)).broken == ()


async def test_made_up_cards_are_known_by_their_numbers(platform: Platform) -> None:
    await demo.ensure(platform)
    assert await stock.read_numbers(platform.db, platform.ring) == 0
    async with platform.db.connection() as connection:
        row = await connection.fetchrow("SELECT card_id, sku_id, sealed FROM card LIMIT 1")
    assert row is not None
    text = platform.ring.open(stock.CARD, row["card_id"], row["sealed"])
    card = msgspec.json.decode(text, type=stock.CardText)
    line = stock.CardLine(1, card.number, "another", None, None)
    report = await stock.load_cards(
        platform.db, platform.ring, [line], sku_id=row["sku_id"], file_name="made.txt"
    )
    assert [line.reason for line in report.refused] == ["number_loaded_before"]
