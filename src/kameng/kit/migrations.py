"""Forward-only migrations: ``schema/NNNN_name.sql``, one number sequence, each split around a release.

Everything before the line ``-- after release`` runs before new code starts and must suit the old code too; the
rest runs once no old process is left. Each part is one transaction under an advisory lock and a lock time-out:
a migration that would make orders wait gives up and can be run again.

The application runs as a role of its own, where there is one: ``APP_ROLE`` may use the tables and owns none. After
each ``migrate`` it is granted what it needs (``schema/grants.sql``).
"""

from __future__ import annotations

import hashlib
import re
from importlib import resources
from typing import Any, Literal

import asyncpg
import msgspec

from kameng.kit.errors import Fault

LOCK_TIMEOUT = "5s"
ADVISORY_LOCK = 0x6B616D656E67  # "kameng"
APP_ROLE = "kameng_app"
_SPLIT = "\n-- after release\n"
_NAME = re.compile(r"(\d{4})_\w+\.sql")

Phase = Literal["before", "after"]


class Migration(msgspec.Struct, frozen=True):
    number: int
    name: str
    phase: Phase
    text: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def available() -> list[Migration]:
    """Every part of every migration file, in order."""
    found = []
    for file in sorted(resources.files("kameng.schema").iterdir(), key=lambda entry: entry.name):
        if match := _NAME.fullmatch(file.name):
            before, _, after = file.read_text("utf-8").partition(_SPLIT)
            found.append(Migration(int(match[1]), file.name, "before", before))
            if after.strip():
                found.append(Migration(int(match[1]), file.name, "after", after))
    return found


async def migrate(
    url: str, *, phases: tuple[Phase, ...] = ("before", "after"), make_role: bool = False
) -> list[str]:
    """Bring the database up to this code; returns what was applied. A changed old file is refused.

    ``make_role``: make the application's role too, on a server of our own; on others its owner does.
    """
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", ADVISORY_LOCK)
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migration (number int, phase text, name text NOT NULL,"
            " checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (number, phase))"
        )
        applied = [
            f"{migration.name} ({migration.phase})"
            for migration in await _pending(connection)
            if migration.phase in phases and await _apply(connection, migration)
        ]
        if make_role and not await has_role(connection):
            await connection.execute(f"CREATE ROLE {APP_ROLE} LOGIN")
        await connection.execute(resources.files("kameng.schema").joinpath("grants.sql").read_text("utf-8"))
        return applied
    finally:
        await connection.close()


async def pending(url: str) -> list[Migration]:
    """What ``migrate`` would apply; the doctor and a starting gateway ask."""
    connection = await asyncpg.connect(url)
    try:
        known = await connection.fetchval("SELECT to_regclass('schema_migration')")
        return await _pending(connection) if known else available()
    finally:
        await connection.close()


async def has_role(connection: asyncpg.Connection[Any]) -> bool:
    """Whether the server knows the application's role."""
    return bool(await connection.fetchval("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", APP_ROLE))


async def _pending(connection: asyncpg.Connection[Any]) -> list[Migration]:
    rows = await connection.fetch("SELECT number, phase, checksum FROM schema_migration")
    applied = {(row["number"], row["phase"]): row["checksum"] for row in rows}
    waiting = []
    for migration in available():
        checksum = applied.get((migration.number, migration.phase))
        if checksum is None:
            waiting.append(migration)
        elif checksum != migration.checksum:
            raise Fault(f"{migration.name} was changed after it was applied: restore it and add a new file instead.")
    return waiting


async def _apply(connection: asyncpg.Connection[Any], migration: Migration) -> bool:
    async with connection.transaction():
        await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        await connection.execute(migration.text)
        await connection.execute(
            "INSERT INTO schema_migration (number, phase, name, checksum) VALUES ($1, $2, $3, $4)",
            migration.number, migration.phase, migration.name, migration.checksum,
        )
    return True
