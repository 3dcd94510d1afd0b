"""The schema as it stands: ``schema/current.sql`` is what the migrations lead to, so changes are read as a diff."""

from __future__ import annotations

import runpy
from collections.abc import AsyncIterator

import asyncpg
import pytest
from house import PACKAGE, ROOT

from kameng.kit.db import Connection
from postgres import MAJOR

CURRENT = PACKAGE / "schema" / "current.sql"


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    opened = await asyncpg.connect(database_url)
    yield opened
    await opened.close()


@pytest.mark.skipif(MAJOR != 18, reason="PostgreSQL 18 writes current.sql")
def test_current_is_what_the_migrations_lead_to(database_url: str) -> None:
    dump = runpy.run_path(str(ROOT / "scripts" / "dump-schema"))["dump"]
    is_current = dump(database_url) == CURRENT.read_text("utf-8")
    assert is_current, "the schema has changed: run scripts/dump-schema and read what `git diff` says"


KEYS = """
SELECT t.relname AS table, i.relname AS index, x.indisprimary AS is_primary,
       array_agg(a.attname ORDER BY k.place) AS columns
FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
CROSS JOIN LATERAL unnest(x.indkey) WITH ORDINALITY AS k (number, place)
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number
WHERE x.indisunique AND t.relnamespace = 'public'::regnamespace
  AND EXISTS (SELECT FROM pg_attribute l WHERE l.attrelid = t.oid AND l.attname = 'lane' AND NOT l.attisdropped)
GROUP BY t.relname, i.relname, x.indisprimary
"""


async def test_keys_of_lane_tables_begin_with_the_lane(connection: Connection) -> None:
    """Or lanes could not be spread over machines: nothing is unique across them."""
    keys = await connection.fetch(KEYS)
    assert {"orders", "order_ref", "account", "transfer", "card", "event"} <= {key["table"] for key in keys}
    assert [key["index"] for key in keys if key["columns"][0] != "lane"] == []


async def test_every_table_has_a_key(connection: Connection) -> None:
    without = await connection.fetch(
        "SELECT relname FROM pg_class t WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
        " AND NOT EXISTS (SELECT FROM pg_index x WHERE x.indrelid = t.oid AND x.indisprimary)"
    )
    assert without == []
