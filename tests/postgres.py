"""Fixtures: a PostgreSQL of the tests' own, with everything as in earnest (fsync on), and databases in it.

``postgres`` is the server, one a session; KAMENG_TEST_PG=16 takes that major. ``fresh_database`` makes
migrated databases for one test; ``database_url`` is one. ``conftest.py`` has to import this module.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

import asyncpg
import pytest

from kameng.ops import embedded
from kameng.ops.embedded import Embedded

MAJOR = int(os.environ.get("KAMENG_TEST_PG", "18"))
TEMPLATE = "migrated"
SMALL = {"shared_buffers": "128MB", "max_wal_size": "1GB"}
MEMORY, ROOM_BYTES = "/dev/shm", 4 << 30
FreshDatabase = Callable[..., Awaitable[str]]

_numbers = count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Embedded]:
    # Not tmp_path: as root the server's user must get there, and pytest's folders are closed.
    folder = Path(tempfile.mkdtemp(prefix=f"kameng-test-{os.getpid()}-", dir=_ground()))
    try:
        with embedded.start(folder, major=MAJOR, extra_settings=SMALL) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _ground() -> str:
    """Memory, where there is room: a database is made for nearly every test, and the disk is not what they look at.

    Those that kill servers, or restore them, have servers of their own, on the disk.
    """
    for left in Path(MEMORY).glob("kameng-test-*-*"):  # by a run that was killed
        if not Path("/proc", left.name.split("-")[2]).exists():
            shutil.rmtree(left, ignore_errors=True)
    with suppress(OSError):
        if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM_BYTES:
            return MEMORY
    return "/tmp"


@pytest.fixture(scope="session")
async def template_database(postgres: Embedded) -> str:
    from kameng.kit import migrations

    await execute(postgres.url, f"CREATE DATABASE {TEMPLATE}")
    await migrations.migrate(postgres.url_for(TEMPLATE))
    return TEMPLATE


@pytest.fixture
async def fresh_database(postgres: Embedded, template_database: str) -> AsyncIterator[FreshDatabase]:
    """Call it for the URL of a new migrated database, or a copy of another; all go with the test, connected or not."""
    names: list[str] = []

    async def make(template: str = template_database) -> str:
        name = f"test_{next(_numbers)}"
        # Copying files took 0.12 s for 60 tables, going through the write-ahead log 0.15 s.
        copying = f"TEMPLATE {template} STRATEGY file_copy"
        await execute(postgres.url, f"CREATE DATABASE {name} {copying}")
        names.append(name)
        return postgres.url_for(name)

    yield make
    for name in names:
        await execute(postgres.url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database_url(fresh_database: FreshDatabase) -> str:
    return await fresh_database()


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
