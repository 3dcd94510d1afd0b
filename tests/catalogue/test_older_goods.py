"""Goods of an older version: what may be on sale no more is paused by the migration, as a revision like any other."""

from __future__ import annotations

import asyncpg
import msgspec
import pytest

from kameng import catalogue
from kameng.kit import db, migrations
from kameng.kit.migrations import Migration
from laws.goods import make_sku

OLD = [
    ("card", "secret", "", "on_sale"), ("bundle", "bundle", "qq", "on_sale"), ("gone", "bundle", "", "withdrawn"),
    ("parcel", "parcel", "", "on_sale"), ("phone parcel", "parcel", "phone", "on_sale"),
    ("good parcel", "parcel", "learner_name+address", "on_sale"),
]  # fmt: skip
NEW = ("delivery_promise_minutes", "redeem_instructions", "barcode", "confirm_days")


async def test_what_cant_be_sold_any_more_is_paused(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    everything = migrations.available()
    connection = await asyncpg.connect(database_url)
    await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    monkeypatch.setattr(migrations, "available", lambda: [m for m in everything if _was_there(m)])
    await migrations.migrate(database_url)
    await connection.execute("INSERT INTO scene (name) VALUES ('s'); INSERT INTO brand (name) VALUES ('b')")
    await connection.execute("INSERT INTO product (scene_id, brand_id, name) VALUES (1, 1, 'p')")
    for number, (spec, kind, form, state) in enumerate(OLD, 100_001):
        await connection.execute(
            "INSERT INTO sku (product_id, spec, kind, face_value_e4, cost_e4, list_price_e4, form, state, changed)"
            " VALUES (1, $1, $2, 1000000, 950000, 985000, $3, $4, 0)", spec, kind, form, state,
        )  # fmt: skip
        sku = make_sku(sku_id=number, scene="s", brand="b", product="p", spec=spec, kind=kind, form=form, state=state)
        snapshot = {name: value for name, value in msgspec.to_builtins(sku).items() if name not in NEW}
        text = msgspec.json.encode(snapshot).decode()
        await connection.execute("INSERT INTO sku_revision VALUES ($1, 1, now(), $2)", number, text)
    await connection.close()
    monkeypatch.setattr(migrations, "available", lambda: everything)
    await migrations.migrate(database_url)

    opened = await db.open_database(database_url)
    async with opened.connection() as reader:
        skus = (await catalogue.load(reader, None, 1)).skus
        kept = await catalogue.read_revisions(reader, [(sku.sku_id, sku.revision) for sku in skus.values()])
        epoch = await reader.fetchval("SELECT value FROM epoch WHERE topic = 'catalogue'")
    await opened.close()
    assert {sku.spec: (sku.state, sku.revision) for sku in skus.values()} == {
        "card": ("on_sale", 1), "bundle": ("paused", 2), "gone": ("withdrawn", 1), "parcel": ("paused", 2),
        "phone parcel": ("paused", 2), "good parcel": ("on_sale", 1),
    }  # fmt: skip
    assert {(sku.sku_id, sku.revision): sku for sku in skus.values()} == kept
    assert epoch == 1


def _was_there(migration: Migration) -> bool:
    return migration.number < 10 or (migration.number == 10 and migration.phase == "before")
