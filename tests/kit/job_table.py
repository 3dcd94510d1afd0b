"""What the tests of the worker share: writing jobs, and reading what became of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from kameng.kit import jobs, metrics
from kameng.kit.db import Connection, Database
from kameng.kit.jobs import Handler, Job, NewJob
from kameng.kit.lanes import Passage, pass_gate
from kameng.kit.working import Limits, Worker

LANE = 1
LIMITS = Limits(batch=10, lease_s=60, attempts_max=3)


async def add(database: Database, *new: NewJob, lane: int = LANE) -> list[int]:
    async with database.transaction() as connection:
        passage = await pass_gate(connection, lane, id_count=len(new))
        await jobs.add(connection, lane, new, passage.ids)
    return passage.ids


async def done(database: Database) -> list[int]:
    async with database.connection() as connection:
        return [row[0] for row in await connection.fetch("SELECT subject_id FROM done ORDER BY 1")]


async def rows(database: Database) -> list[tuple[int, str, int, str | None]]:
    """Each job as (subject, state, attempts, error)."""
    async with database.connection() as connection:
        found = await connection.fetch(
            "SELECT subject_id, state, attempts, error FROM job ORDER BY lane, job_id"
        )
    return [tuple(row.values()) for row in found]


async def serial(database: Database) -> int:
    async with database.connection() as connection:
        return int(await connection.fetchval("SELECT serial FROM lane WHERE lane = $1", LANE))


def worker(database: Database, *handlers: Handler, limits: Limits = LIMITS) -> Worker:
    return Worker(database, handlers, lanes=[LANE], limits=limits)


async def write(connection: Connection, passage: Passage, batch: list[Job]) -> None:
    await connection.execute(
        "INSERT INTO done SELECT unnest($1::bigint[])", [job.subject_id for job in batch]
    )


async def write_pairs(connection: Connection, passage: Passage, pairs: list[tuple[Job, Any]]) -> None:
    await write(connection, passage, [job for job, _ in pairs])


async def eventually(look: Callable[[], Awaitable[object]], expected: object) -> None:
    async with asyncio.timeout(20):
        while await look() != expected:  # noqa: ASYNC110 - what is waited for happens in the database
            await asyncio.sleep(0.02)


def count(kind: str, outcome: str) -> float:
    return metrics.registry.get_sample_value("kameng_jobs_total", {"kind": kind, "outcome": outcome}) or 0.0
