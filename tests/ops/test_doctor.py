"""The doctor: well on our own server, and each ailment found on one that has it."""

from __future__ import annotations

import resource
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from kameng.ops import doctor, embedded
from kameng.ops.doctor import Finding
from kameng.ops.embedded import Embedded

ILL = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "20",
    "shared_buffers": "128MB",
}
ALL = [
    "fsync", "full_page_writes", "synchronous_commit", "version", "encoding", "data_checksums", "clock",
    "max_connections", "open_files", "disk",
]  # fmt: skip


@pytest.fixture(scope="module")
def ill() -> Iterator[Embedded]:
    folder = Path(tempfile.mkdtemp(prefix="kameng-test-", dir="/tmp"))
    with embedded.start(folder, extra_settings=ILL) as server:
        yield server
    shutil.rmtree(folder)


async def examine(url: str) -> dict[str, Finding]:
    connection = await asyncpg.connect(url)
    try:
        return {finding.name: finding for finding in await doctor.check(connection)}
    finally:
        await connection.close()


async def test_our_own_server_is_well(postgres: Embedded) -> None:
    findings = await examine(postgres.url)
    assert list(findings) == ALL
    assert [finding.what for finding in findings.values() if not finding.ok] == []


async def test_what_can_lose_an_order_is_fatal(ill: Embedded) -> None:
    findings = await examine(ill.url)
    assert [name for name in ALL if not findings[name].ok] == [
        "fsync", "full_page_writes", "synchronous_commit", "max_connections",
    ]  # fmt: skip
    assert [name for name in ALL if findings[name].is_fatal] == [
        "fsync", "full_page_writes", "synchronous_commit",
    ]  # fmt: skip
    assert findings["fsync"] == Finding(
        "fsync",
        False,
        "fsync is off; without it an acknowledged order can be lost.",
        "fsync 为 off；若不开启，已确认的订单可能丢失。",
        "ALTER SYSTEM SET fsync = on; SELECT pg_reload_conf();",
    )


async def test_the_remedy_of_the_fatal_ones_cures(ill: Embedded) -> None:
    connection = await asyncpg.connect(ill.url)
    for finding in await doctor.check(connection):
        if finding.is_fatal:
            for statement in finding.remedy.removesuffix(";").split(";"):
                await connection.execute(statement)
    await connection.close()
    findings = await examine(ill.url)
    assert [name for name in ALL if findings[name].is_fatal] == []


async def test_a_database_that_can_not_hold_chinese_is_found(postgres: Embedded) -> None:
    connection = await asyncpg.connect(postgres.url)
    plain = "ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0"
    await connection.execute(f"CREATE DATABASE ascii {plain}")
    assert (await examine(postgres.url_for("ascii")))["encoding"].ok is False
    await connection.execute("DROP DATABASE ascii")
    await connection.close()


async def test_a_role_with_few_rights_can_ask(postgres: Embedded) -> None:
    connection = await asyncpg.connect(postgres.url)
    await connection.execute("CREATE ROLE humble")
    await connection.execute("SET ROLE humble")
    assert [finding.name for finding in await doctor.check(connection)] == ALL[:-1]
    await connection.execute("RESET ROLE; DROP ROLE humble")
    await connection.close()


@pytest.mark.parametrize("value", ["on", "local", "remote_write", "remote_apply"])
def test_every_commit_that_waits_for_the_disk_will_do(value: str) -> None:
    assert doctor.durable("synchronous_commit", value).ok


@pytest.mark.parametrize(
    ("finding", "ok"),
    [
        (doctor.version(15), False), (doctor.version(16), True), (doctor.version(18), True),
        (doctor.checksums("on"), True), (doctor.checksums("off"), False),
        (doctor.skew(1000), True), (doctor.skew(-1001), False), (doctor.skew(1001), False),
        (doctor.connections(39), False), (doctor.connections(40), True),
        (doctor.open_files(4095), False), (doctor.open_files(4096), True),
        (doctor.open_files(resource.RLIM_INFINITY), True),
        (doctor.disk_free((2 << 30) - 1), False), (doctor.disk_free(2 << 30), True),
    ],
)  # fmt: skip
def test_bounds(finding: Finding, ok: bool) -> None:
    assert finding.ok is ok
    assert not finding.is_fatal
    assert finding.what
    assert finding.zh
    assert finding.remedy
