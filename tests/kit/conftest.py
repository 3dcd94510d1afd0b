"""What the kit's tests share: a migrated database with four lanes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from kameng.kit import db, lanes


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[db.Database]:
    opened = await db.open_database(database_url)
    async with opened.transaction() as connection:
        await lanes.create_lanes(connection, 4)
    yield opened
    await opened.close()
