"""The scripts for Citus, run on plain PostgreSQL with stand-ins for its functions: where each table would lie."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest
from house import PACKAGE

from kameng.kit.db import Connection
from partitioned import lane_tables
from postgres import FreshDatabase

SCRIPT = (PACKAGE / "schema" / "citus" / "distribute.sql").read_text("utf-8")

STAND_INS = """
CREATE SCHEMA citus_like;
CREATE TABLE citus_like.pg_dist_partition (logicalrelid regclass, way text, key text, beside text);
CREATE FUNCTION citus_like.create_distributed_table(name regclass, key text, colocate_with text) RETURNS void
  LANGUAGE sql AS $$ INSERT INTO citus_like.pg_dist_partition VALUES (name, 'distributed', key, colocate_with) $$;
CREATE FUNCTION citus_like.create_reference_table(name regclass) RETURNS void
  LANGUAGE sql AS $$ INSERT INTO citus_like.pg_dist_partition VALUES (name, 'reference', NULL, NULL) $$;
CREATE FUNCTION citus_like.citus_add_local_table_to_metadata(name regclass) RETURNS void
  LANGUAGE sql AS $$ INSERT INTO citus_like.pg_dist_partition VALUES (name, 'local', NULL, NULL) $$;
"""
TABLES = """
SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition
  AND relnamespace = 'public'::regnamespace ORDER BY 1
"""
KEYS_WITHOUT_IT = """
SELECT x.indexrelid::regclass::text AS key FROM pg_index x JOIN pg_dist_partition p ON p.logicalrelid = x.indrelid
WHERE x.indisunique AND p.key IS NOT NULL AND NOT EXISTS (
  SELECT FROM pg_attribute a WHERE a.attrelid = x.indrelid AND a.attname = p.key AND a.attnum = ANY (x.indkey))
"""
POINTERS_ASTRAY = """
SELECT c.conname FROM pg_constraint c
JOIN pg_dist_partition one ON one.logicalrelid = c.conrelid
JOIN pg_dist_partition other ON other.logicalrelid = c.confrelid
WHERE c.contype = 'f' AND other.way <> 'reference'
  AND (one.way, one.key, other.key) IS DISTINCT FROM ('distributed', 'lane', 'lane')
"""


@pytest.fixture
async def spread(fresh_database: FreshDatabase) -> AsyncIterator[Connection]:
    """A migrated database with two brands in it, after the script."""
    url = await fresh_database()
    connection = await asyncpg.connect(url)
    await connection.execute("INSERT INTO brand (name) VALUES ('一家'), ('另一家')")
    await connection.execute(STAND_INS)
    await connection.execute("SET search_path TO public, citus_like")
    await connection.execute(SCRIPT)
    yield connection
    await connection.close()


async def placed(spread: Connection) -> dict[str, tuple[str, str | None, str | None]]:
    rows = await spread.fetch("SELECT logicalrelid::text AS name, way, key, beside FROM pg_dist_partition")
    assert len(rows) == len({row["name"] for row in rows})
    return {row["name"]: (row["way"], row["key"], row["beside"]) for row in rows}


async def test_every_table_is_placed_once(spread: Connection, database_url: str) -> None:
    where = await placed(spread)
    assert sorted(where) == [row["relname"] for row in await spread.fetch(TABLES)]
    lanes = {name for name, (_, key, _) in where.items() if key == "lane"}
    assert lanes == set(await lane_tables(database_url)) - {"archived_orders", "archived_event"}
    assert {where[name] for name in lanes - {"lane"}} == {("distributed", "lane", "lane")}
    assert where["lane"] == ("distributed", "lane", "none")
    assert where["counter"] == ("distributed", "entity_hash", "none")
    assert where["card_fingerprint"] == where["person"] == ("distributed", None, "none")


async def test_keys_hold_the_column_that_a_table_is_spread_by(spread: Connection) -> None:
    """Citus refuses others: no node could tell whether a value is unique."""
    assert [row["key"] for row in await spread.fetch(KEYS_WITHOUT_IT)] == []


async def test_foreign_keys_lead_to_what_is_on_every_node(spread: Connection) -> None:
    assert [row["conname"] for row in await spread.fetch(POINTERS_ASTRAY)] == []


async def test_what_is_archived_is_not_thrown_away(fresh_database: FreshDatabase) -> None:
    connection = await asyncpg.connect(await fresh_database())
    try:
        await connection.execute("INSERT INTO archived_event SELECT 0, 1, 1, 1, 1, 'order.delivered', 0, now()")
        with pytest.raises(asyncpg.RaiseError, match="kameng archive back"):
            await connection.execute(SCRIPT)
        assert await connection.fetchval("SELECT count(*) FROM archived_event") == 1
    finally:
        await connection.close()


async def test_numbers_go_on_where_they_were(spread: Connection) -> None:
    assert await spread.fetchval("INSERT INTO brand (name) VALUES ('又一家') RETURNING brand_id") == 3
    left = "SELECT attrelid::regclass::text FROM pg_attribute WHERE attidentity <> '' AND atttypid = 'int'::regtype"
    assert await spread.fetch(left) == []


async def test_again_it_changes_nothing_and_places_what_is_new(spread: Connection) -> None:
    before = await placed(spread)
    await spread.execute(SCRIPT)
    assert await placed(spread) == before
    await spread.execute("CREATE TABLE fresh (lane smallint PRIMARY KEY)")
    await spread.execute(
        SCRIPT.replace("('lane', 'lane', 'lane'),", "('lane', 'lane', 'lane'), ('fresh', 'lane', 'lane'),")
    )
    assert await placed(spread) == before | {"fresh": ("distributed", "lane", "lane")}
