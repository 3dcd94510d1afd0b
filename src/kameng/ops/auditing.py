"""The audit: every law that can be read off the database, each with how much it looked at and what broke it.

It looks and changes nothing, next to running gateways: each law is one statement, so it sees one moment of
the database and no half-written batch. Big tables are read whole, in few passes, hashed or sorted, never row by
row; only what must be opened is a sample, and the report says of what. Examples are ids, never what they hide.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources

import msgspec

from kameng.kit import crypto, sql
from kameng.kit.db import Connection, Database
from kameng.ops import doctor, sampling
from kameng.ops.laws import CLEAR, DURABLE, LAWS, OPEN

statements = sql.parse("audit.sql", resources.files("kameng.ops").joinpath("audit.sql").read_text("utf-8"))

TIMEOUT_S = 6 * 3600.0
SAMPLE_PER_LANE = 1000
EXAMPLES_MAX = 5


class Finding(msgspec.Struct, frozen=True):
    """What came of one law. ``examples`` are ids; ``note`` says what was sampled, where not all was looked at."""

    law: str
    what: str
    zh: str
    checked: int
    broken: int
    examples: tuple[str, ...]
    took_ms: int
    note: str = ""


class Report(msgspec.Struct, frozen=True):
    findings: tuple[Finding, ...]

    @property
    def clean(self) -> bool:
        return all(finding.broken == 0 for finding in self.findings)

    @property
    def broken(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.broken)


async def run(
    db: Database, ring: crypto.KeyRing | None = None, *, sample_per_lane: int = SAMPLE_PER_LANE
) -> Report:
    """Look at everything. Without the key ring nothing sealed is opened."""
    numbers = None if ring is None else sorted(ring.numbers)
    findings = []
    for law, (what, zh) in LAWS.items():
        started = time.monotonic()
        async with _reading(db) as connection:
            arguments = [numbers] if law == "secrets_are_sealed" else []
            row = await connection.fetchrow(getattr(statements, law), *arguments, timeout=TIMEOUT_S)
        assert row is not None
        examples = tuple(row["examples"] or ())
        findings.append(Finding(law, what, zh, row["checked"], row["broken"], examples, _ms_since(started)))
    started = time.monotonic()
    off = await _settings_off(db)
    findings.append(
        Finding("database_is_durable", *DURABLE, len(doctor.DURABLE), len(off), tuple(off), _ms_since(started))
    )
    if ring is not None:
        findings += await _samples(db, ring, sample_per_lane)
    return Report(tuple(findings))


def print_report(report: Report) -> None:
    """One line for each law, the broken ones with examples below."""
    for finding in report.findings:
        mark = "ok    " if not finding.broken else "BROKEN"
        print(f"{mark} {finding.checked:>12,}  {finding.took_ms / 1000:>7.1f} s  {finding.what} {finding.zh}")
        if finding.note:
            print(f"       sampled 抽样: {finding.note}")
        if finding.broken:
            print(f"       {finding.broken:,} broken 违反: {finding.law}: {', '.join(finding.examples)}")
    laws, broken = len(report.findings), len(report.broken)
    if broken:
        print(f"{broken} of {laws} laws are broken. {laws} 条规则中有 {broken} 条被违反。")
    else:
        print(f"{laws} laws hold. 全部 {laws} 条规则成立。")


async def _samples(db: Database, ring: crypto.KeyRing, per_lane: int) -> list[Finding]:
    async with _reading(db) as connection:
        looked = await sampling.look(connection, ring, per_lane=per_lane, timeout_s=TIMEOUT_S)
    return [
        Finding(law, *words, one.checked, len(one.wrong), one.wrong[:EXAMPLES_MAX], one.took_ms, one.note)
        for law, words, one in zip(("samples_open", "no_clear_secret"), (OPEN, CLEAR), looked, strict=True)
    ]


def _ms_since(started: float) -> int:
    return int((time.monotonic() - started) * 1000)


@asynccontextmanager
async def _reading(db: Database) -> AsyncIterator[Connection]:
    """A read-only transaction that may take its time and memory, and never looks up rows one by one."""
    async with db.connection() as connection, connection.transaction(readonly=True):
        await connection.execute(
            "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;"
            " SET LOCAL plan_cache_mode = auto; SET LOCAL work_mem = '256MB'; SET LOCAL enable_nestloop = off"
        )
        yield connection


async def _settings_off(db: Database) -> list[str]:
    async with db.connection() as connection:
        values = {
            name: await connection.fetchval("SELECT current_setting($1)", name) for name in doctor.DURABLE
        }
    return [name for name, value in values.items() if not doctor.durable(name, value).ok]
