"""Every statement the program can send: named, described, used, and good on both majors of PostgreSQL."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from house import PACKAGE, statements

from kameng.kit import migrations
from kameng.ops import embedded
from kameng.ops.embedded import Embedded
from postgres import MAJOR, SMALL

STATEMENTS = statements()
OTHER_MAJOR = 16 if MAJOR == 18 else 18

each_file = pytest.mark.parametrize("file", STATEMENTS)


@pytest.fixture(scope="module")
def other_postgres() -> Iterator[Embedded]:
    # Not tmp_path: as root the server's user must get there, and pytest's folders are closed.
    folder = Path(tempfile.mkdtemp(prefix="kameng-test-", dir="/tmp"))
    try:
        with embedded.start(folder, major=OTHER_MAJOR, extra_settings=SMALL) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@each_file
def test_every_statement_is_described(file: str) -> None:
    """In sentences between its name and itself: they begin large and end with a full stop."""
    undescribed = []
    for name, text in STATEMENTS[file].items():
        match = re.match(r"(?:-- .+\n)+", text)
        words = " ".join(line[3:] for line in match[0].splitlines()) if match else ""
        if not re.fullmatch(r"[A-Z].*\.", words):
            undescribed.append(name)
    assert undescribed == []


def test_nothing_stands_before_the_first_name() -> None:
    """It would be sent by nobody."""
    for file in STATEMENTS:
        text = (PACKAGE.parents[1] / file).read_text("utf-8")
        before = text.partition("-- name: ")[0]
        assert [line for line in before.splitlines() if line and not line.startswith("--")] == [], file


@each_file
def test_every_statement_is_used(file: str) -> None:
    """As an attribute, or by its name as text, somewhere in its context."""
    context = PACKAGE / file.split("/")[2]
    python = "\n".join(path.read_text("utf-8") for path in context.rglob("*.py"))
    used = set(re.findall(r"\bstatements\.(\w+)", python)) | set(re.findall(r"[\"'](\w+)[\"']", python))
    assert [name for name in STATEMENTS[file] if name not in used] == []


async def unprepared(url: str) -> list[str]:
    connection = await asyncpg.connect(url)
    faults = []
    try:
        for file, texts in STATEMENTS.items():
            for name, text in texts.items():
                try:
                    await connection.prepare(text)
                except asyncpg.PostgresError as error:
                    faults.append(f"{file} {name}: {error}")
    finally:
        await connection.close()
    return faults


async def test_every_statement_can_be_prepared(database_url: str) -> None:
    assert await unprepared(database_url) == []


async def test_every_statement_can_be_prepared_on_the_other_major(other_postgres: Embedded) -> None:
    await migrations.migrate(other_postgres.url)
    assert await unprepared(other_postgres.url) == []
