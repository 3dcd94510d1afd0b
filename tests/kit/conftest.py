"""What the kit's tests share: a migrated database with four lanes and a table for what handlers did."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from kameng.kit import db, lanes


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[db.Database]:
    opened = await db.open_database(database_url)
    async with opened.transaction() as connection:
        await lanes.create_lanes(connection, 4)
        await connection.execute("CREATE TABLE done (subject_id bigint)")
    yield opened
    await opened.close()
