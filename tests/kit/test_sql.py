"""The statement files: how they are read, and that PostgreSQL takes every statement of the kit."""

from __future__ import annotations

from importlib import resources

import pytest

from kameng.kit import db, sql

TEXT = """-- A file of statements.

-- name: one
-- Says one.
SELECT 1;

-- name: two
-- Says two;
-- in two lines.
SELECT
  2;
"""


def test_parse() -> None:
    parsed = sql.parse("x.sql", TEXT)
    assert parsed.texts == {
        "one": "-- Says one.\nSELECT 1",
        "two": "-- Says two;\n-- in two lines.\nSELECT\n  2",
    }
    assert parsed.one == "-- Says one.\nSELECT 1"


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match=r"x\.sql has no statement named three"):
        _ = sql.parse("x.sql", TEXT).three


def test_a_name_that_stands_twice() -> None:
    with pytest.raises(AssertionError, match=r"x\.sql: a name stands twice"):
        sql.parse("x.sql", TEXT + TEXT)


@pytest.mark.parametrize("file", ["kit.sql", "jobs.sql"])
async def test_every_statement_is_described_and_can_be_prepared(file: str, database_url: str) -> None:
    statements = sql.parse(file, resources.files("kameng.kit").joinpath(file).read_text("utf-8"))
    assert [name for name, text in statements.texts.items() if not text.startswith("-- ")] == []
    database = await db.open_database(database_url, size=1)
    try:
        async with database.connection() as connection:
            for text in statements.texts.values():
                await connection.prepare(text)
    finally:
        await database.close()
