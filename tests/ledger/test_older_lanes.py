"""Lanes of an older version get the house accounts of bonuses, bank transfers and fees."""

from __future__ import annotations

import asyncpg
import pytest

from kameng.kit import migrations


async def test_lanes_that_were_there_get_the_newer_house_accounts(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = migrations.available()
    connection = await asyncpg.connect(database_url)
    await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    monkeypatch.setattr(migrations, "available", lambda: [m for m in everything if m.number < 11])
    await migrations.migrate(database_url)
    await connection.execute("INSERT INTO lane (lane) VALUES (0), (3)")
    monkeypatch.setattr(migrations, "available", lambda: everything)
    await migrations.migrate(database_url)
    rows = await connection.fetch(
        "SELECT lane, account_id, org_id, code, currency, unbounded FROM account ORDER BY lane, account_id"
    )
    await connection.close()
    assert [tuple(row) for row in rows] == [
        (lane, number + offset, 0, code, currency, True)
        for lane in (0, 3)
        for offset, currency in ((0, "CNY"), (500, "XTS"))
        for number, code in ((5, "cashback"), (16, "bank"), (17, "fees"))
    ]
