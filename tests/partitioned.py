"""A migrated database with every lane table spread over lanes by LIST partitions, as Citus would spread it.

Citus can't be installed where this is tested. Plain PostgreSQL prunes partitions by the same rule that Citus routes
by: the distribution column must stand in the statement, for every table.
"""

from __future__ import annotations

import asyncpg

LANES = (0, 1, 2)
LANE_TABLES = """
SELECT t.relname FROM pg_class t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = 'lane'
WHERE t.relkind IN ('r', 'p') AND NOT t.relispartition AND NOT a.attisdropped
  AND t.relnamespace = 'public'::regnamespace ORDER BY 1
"""


async def lane_tables(url: str) -> list[str]:
    """Every table that has a lane, but not the parts of one."""
    connection = await asyncpg.connect(url)
    try:
        return [row["relname"] for row in await connection.fetch(LANE_TABLES)]
    finally:
        await connection.close()


async def spread(url: str) -> list[str]:
    """Put each lane table's like in its place, a partition a lane; returns the tables. Rows and triggers are lost."""
    tables = await lane_tables(url)
    connection = await asyncpg.connect(url)
    try:
        views = await connection.fetch("SELECT viewname, definition FROM pg_views WHERE schemaname = 'public'")
        for table in tables:
            await connection.execute(f"ALTER TABLE {table} RENAME TO {table}_before")
            await connection.execute(
                f"CREATE TABLE {table} (LIKE {table}_before INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)"
                " PARTITION BY LIST (lane)"
            )
            for lane in LANES:
                await connection.execute(
                    f"CREATE TABLE {part_of(table, lane)} PARTITION OF {table} FOR VALUES IN ({lane})"
                )
            await connection.execute(f"DROP TABLE {table}_before CASCADE")  # and the views of it
        for view in views:
            await connection.execute(f"CREATE VIEW {view['viewname']} AS {view['definition']}")
    finally:
        await connection.close()
    return tables


def part_of(table: str, lane: int) -> str:
    return f"{table}_of_lane_{lane}"


def lane_of_part(name: str) -> int | None:
    """The lane whose part of a table that is; None for other tables."""
    _, mark, lane = name.rpartition("_of_lane_")
    return int(lane) if mark else None
