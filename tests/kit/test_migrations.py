"""Migrations: applied once, in order, each part in one transaction; a file changed later is refused."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from kameng.kit import migrations
from kameng.kit.errors import Fault
from kameng.kit.migrations import Migration


@pytest.fixture
async def empty_url(database_url: str) -> str:
    """A database without Kameng's tables."""
    await execute(database_url, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    return database_url


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def fetchval(url: str, statement: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


def use(monkeypatch: pytest.MonkeyPatch, *some: Migration) -> None:
    monkeypatch.setattr(migrations, "available", lambda: list(some))


ONE = Migration(1, "0001_one.sql", "before", "CREATE TABLE one (x int)")
TWO = Migration(2, "0002_two.sql", "before", "CREATE TABLE two (x int)")
TWO_AFTER = Migration(2, "0002_two.sql", "after", "DROP TABLE one")


def test_the_files_are_numbered_without_gaps() -> None:
    numbers = [m.number for m in migrations.available() if m.phase == "before"]
    assert numbers == list(range(1, len(numbers) + 1))
    assert migrations.available()[0].name == "0001_kit.sql"


async def test_all_of_it_and_nothing_twice(empty_url: str) -> None:
    names = [f"{m.name} ({m.phase})" for m in migrations.available()]
    assert [m.name for m in await migrations.pending(empty_url)] == [m.name for m in migrations.available()]
    assert await migrations.migrate(empty_url) == names
    assert await migrations.migrate(empty_url) == []
    assert await migrations.pending(empty_url) == []


async def test_two_at_once_apply_it_once(empty_url: str) -> None:
    done = await asyncio.gather(*(migrations.migrate(empty_url) for _ in range(4)))
    assert sorted(map(len, done)) == [0, 0, 0, len(migrations.available())]


async def test_a_part_that_fails_leaves_nothing(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Migration(2, "0002_two.sql", "before", "CREATE TABLE two (x int); SELECT 1/0")
    use(monkeypatch, ONE, broken)
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrations.migrate(empty_url)
    assert await fetchval(empty_url, "SELECT to_regclass('one')") == "one"
    assert await fetchval(empty_url, "SELECT to_regclass('two')") is None
    use(monkeypatch, ONE, TWO)
    assert await migrations.migrate(empty_url) == ["0002_two.sql (before)"]


async def test_what_comes_after_the_release_can_wait(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, ONE, TWO, TWO_AFTER)
    assert await migrations.migrate(empty_url, phases=("before",)) == [
        "0001_one.sql (before)",
        "0002_two.sql (before)",
    ]
    assert await fetchval(empty_url, "SELECT to_regclass('one')") == "one"
    assert await migrations.pending(empty_url) == [TWO_AFTER]
    assert await migrations.migrate(empty_url) == ["0002_two.sql (after)"]
    assert await fetchval(empty_url, "SELECT to_regclass('one')") is None


async def test_a_changed_file_is_refused(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, ONE)
    await migrations.migrate(empty_url)
    use(monkeypatch, Migration(1, "0001_one.sql", "before", "CREATE TABLE one (x bigint)"), TWO)
    with pytest.raises(Fault, match=r"0001_one\.sql was changed after it was applied: restore it"):
        await migrations.migrate(empty_url)
    assert await fetchval(empty_url, "SELECT to_regclass('two')") is None


async def test_it_gives_up_rather_than_make_orders_wait(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT", "50ms")
    use(monkeypatch, ONE)
    await migrations.migrate(empty_url)
    use(monkeypatch, ONE, Migration(2, "0002_two.sql", "before", "ALTER TABLE one ADD y int"))
    holder = await asyncpg.connect(empty_url)
    try:
        async with holder.transaction():
            await holder.execute("SELECT * FROM one")
            with pytest.raises(asyncpg.LockNotAvailableError):
                await migrations.migrate(empty_url)
    finally:
        await holder.close()
    assert await migrations.migrate(empty_url) == ["0002_two.sql (before)"]
