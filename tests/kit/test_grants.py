"""The application's role may do what its statements ask for, and nothing to what is written once or to the tables."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from kameng.kit import migrations
from kameng.kit.db import Connection
from kameng.kit.migrations import APP_ROLE
from postgres import FreshDatabase

WRITTEN_ONCE = (
    "transfer", "transfer_key", "audit_line", "sku_revision", "price_change", "month_sum", "month_close",
    "order_command", "order_ref", "payment_reference", "payment_return", "payment_notice",
    "routing_book",
)  # fmt: skip


@pytest.fixture
async def as_app(fresh_database: FreshDatabase) -> AsyncIterator[Connection]:
    """A connection that is the application's."""
    url = await fresh_database()
    await migrations.migrate(url, make_role=True)
    connection = await asyncpg.connect(url)
    await connection.execute(f"SET ROLE {APP_ROLE}")
    yield connection
    await connection.close()


async def test_it_owns_nothing(as_app: Connection) -> None:
    for statement in (
        "ALTER TABLE orders ADD COLUMN x int", "DROP TABLE orders", "CREATE TABLE mine (x int)",
        "ALTER TABLE transfer DISABLE TRIGGER transfer_stands", "DROP TRIGGER audit_line_stands ON audit_line",
        "TRUNCATE orders", "CREATE ROLE other", "DELETE FROM schema_migration", "DELETE FROM organisation",
        "DELETE FROM account",
    ):  # fmt: skip
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await as_app.execute(statement)


@pytest.mark.parametrize("table", [*WRITTEN_ONCE, "event"])
async def test_what_is_written_once_it_can_only_add_to(as_app: Connection, table: str) -> None:
    column = await as_app.fetchval(
        "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum = 2", table
    )
    assert await as_app.fetchval(f"SELECT count(*) FROM {table}") == 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await as_app.execute(f"UPDATE {table} SET {column} = {column}")
    if table != "event":  # those move to the archive
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await as_app.execute(f"DELETE FROM {table}")
    privileges = await as_app.fetchval("SELECT has_table_privilege($1, $2, 'INSERT')", APP_ROLE, table)
    assert privileges


async def test_every_table_that_a_trigger_protects_is_among_them(as_app: Connection) -> None:
    rows = await as_app.fetch(
        "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgfoid = to_regproc('refuse_change')"
    )
    assert {row[0] for row in rows} <= set(WRITTEN_ONCE)


async def test_drawers_of_nonces_are_emptied_and_other_tables_later_are_usable(as_app: Connection) -> None:
    await as_app.execute("TRUNCATE nonce_2")
    await as_app.execute("RESET ROLE")
    await as_app.execute("CREATE TABLE later (x int)")
    await as_app.execute(f"SET ROLE {APP_ROLE}")
    await as_app.execute("INSERT INTO later VALUES (1)")
    assert await as_app.fetchval("SELECT x FROM later") == 1


async def test_without_the_role_nothing_is_granted(fresh_database: FreshDatabase) -> None:
    """On an operator's own server that has none, migrating is what it was."""
    url = await fresh_database()
    assert await migrations.migrate(url) == []
