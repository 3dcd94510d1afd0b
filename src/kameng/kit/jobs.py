"""Lane jobs: work written in the transaction that causes it, and done by a worker.

    waiting ──claim──► leased ──mark_sending──► sending ──complete──► gone
       ▲                 │ lost worker, NotDone     │ lost worker, or an error that is not NotDone:
       ├─────────────────┘                          │ asked about, never sent again
       └──────────── retry ──── dead | unknown ◄────┘ attempts used up, GiveUp, nobody to ask

A handler is either *inside* (its effects are rows: it runs and finishes in one gate transaction, so its jobs
never leave ``waiting``) or *outside* (it calls somebody: what it will do stands in the database first).
The lease token decides whose a job is; the clock only decides when somebody else may take it.
``working.Worker`` runs all this; the functions here need the lane's gate, which the caller holds.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from importlib import resources
from typing import Any, Literal

import msgspec

from kameng.kit import clock, copying, ids, logs, sql
from kameng.kit.db import Connection
from kameng.kit.lanes import Passage

statements = sql.parse("jobs.sql", resources.files("kameng.kit").joinpath("jobs.sql").read_text("utf-8"))

State = Literal["waiting", "leased", "sending", "dead", "unknown"]

BACKOFF_BASE_S = 1.0
BACKOFF_MAX_S = 3600.0
_random = secrets.SystemRandom()


class NotDone(Exception):
    """Raised by a handler: nothing happened outside, try again later."""


class GiveUp(Exception):
    """Raised by a handler: nothing happened and nothing will; a person must look."""


class NewJob(msgspec.Struct, frozen=True):
    kind: str  # "fulfilment.submit"
    subject_id: int
    payload: Any = None  # JSON; no clear secrets, ever
    due_at: datetime | None = None  # at once


class Job(msgspec.Struct, frozen=True):
    """A job in the hands of a worker; ``attempts`` counts this one."""

    lane: int
    job_id: int
    kind: str
    subject_id: int
    payload: Any
    attempts: int
    lease_token: int | None
    state: State


class DeskJob(msgspec.Struct, frozen=True):
    """A job that waits for a person. ``unknown``: it may have happened; look there before you retry it."""

    lane: int
    job_id: int
    kind: str
    subject_id: int
    payload: Any
    attempts: int
    state: State
    error: str | None
    since: datetime


class Inside(msgspec.Struct, frozen=True):
    """A handler whose effects are rows. It gets the open transaction and ``ids_per_job`` ids for each job."""

    kind: str
    run: Callable[[Connection, Passage, list[Job]], Awaitable[None]]
    ids_per_job: int = 0


class Outside(msgspec.Struct, frozen=True):
    """A handler that calls somebody.

    ``call`` sends and returns what came back. ``NotDone`` says that it certainly did not happen; after any
    other error nobody knows. ``query`` asks whether it happened, with the same answers; without it such a job
    goes to the desk. ``settle`` writes what came back, in the transaction that removes the jobs.
    """

    kind: str
    call: Callable[[Job], Awaitable[Any]]
    query: Callable[[Job], Awaitable[Any]] | None = None
    settle: Callable[[Connection, Passage, list[tuple[Job, Any]]], Awaitable[None]] | None = None
    ids_per_job: int = 0
    concurrency: int = 16  # calls at once, for each lane and process
    timeout_s: float = 30.0


Handler = Inside | Outside


_ROWS = copying.Rows(
    "job", {"lane": "h", "job_id": "q", "subject_id": "q", "due_at": "q"}, ["kind", "payload"]
)


async def add(connection: Connection, lane: int, jobs: Sequence[NewJob], job_ids: Sequence[int]) -> None:
    """Write jobs of one lane, in the transaction that causes them. The ids are dealt by the gate."""
    assert len(jobs) == len(job_ids), "each job needs its id"
    now = clock.now()
    await _ROWS.append(
        connection,
        (
            (
                lane, job_id, j.subject_id, copying.timestamp(j.due_at or now), j.kind.encode(),
                None if j.payload is None else b"\x01" + msgspec.json.encode(j.payload),
            )
            for j, job_id in zip(jobs, job_ids, strict=True)
        ),
    )  # fmt: skip


async def lay_on_desk(
    connection: Connection, lane: int, job_id: int, job: NewJob, *, error: str
) -> None:
    """What another way of trying has given up on: from the desk a person may let it be done as a job."""
    await connection.execute(
        statements.insert_desk_job, lane, job_id, job.kind, job.subject_id, job.payload, clock.now(), error
    )


async def due_kinds(connection: Connection, lane: int, kinds: Sequence[str]) -> list[str]:
    """Which of these kinds have work; the gate is not needed."""
    rows = await connection.fetch(statements.due_job_kinds, lane, list(kinds), clock.now())
    return [row["kind"] for row in rows]


async def waiting(
    connection: Connection, lane: int, kind: str, *, limit: int, only: Sequence[int] | None = None
) -> list[Job]:
    """What is due of one kind, for a handler that finishes before the gate is left."""
    rows = await connection.fetch(
        statements.waiting_jobs, lane, kind, clock.now(), limit, None if only is None else list(only)
    )
    return [Job(lane, *row.values()) for row in rows]


async def claim(connection: Connection, lane: int, kind: str, *, limit: int, lease_s: float) -> list[Job]:
    """Lease what is due of one kind. One that comes ``sending`` was left by a lost worker: never send it."""
    now = clock.now()
    rows = await connection.fetch(
        statements.claim_jobs, lane, kind, now, limit, ids.random_id(), now + timedelta(seconds=lease_s)
    )
    return [Job(lane, *row.values()) for row in rows]


async def mark_sending(
    connection: Connection, lane: int, jobs: Sequence[Job], *, lease_s: float
) -> list[Job]:
    """Say that an effect outside may exist from now on; commit before the call. Returns those still ours."""
    until = clock.now() + timedelta(seconds=lease_s)
    marked = await _touch(connection, statements.mark_jobs_sending, lane, jobs, until)
    return [msgspec.structs.replace(job, state="sending") for job in jobs if job.job_id in marked]


async def heartbeat(connection: Connection, lane: int, jobs: Sequence[Job], *, lease_s: float) -> set[int]:
    """Keep the leases; returns the ids of those that are still ours."""
    return await _touch(
        connection, statements.extend_jobs, lane, jobs, clock.now() + timedelta(seconds=lease_s)
    )


async def complete(connection: Connection, lane: int, jobs: Sequence[Job]) -> set[int]:
    """Remove what is done; returns the ids of those that were still ours, the others are somebody else's."""
    return await _touch(connection, statements.complete_jobs, lane, jobs)


async def _touch(
    connection: Connection, statement: str, lane: int, jobs: Sequence[Job], *rest: Any
) -> set[int]:
    rows = await connection.fetch(
        statement, lane, [job.job_id for job in jobs], [job.lease_token for job in jobs], *rest
    )
    return {row["job_id"] for row in rows}


class Verdict(msgspec.Struct, frozen=True):
    """What becomes of a job that failed."""

    job: Job
    state: State
    due_at: datetime
    error: str


def judge(job: Job, error: Exception, *, attempts_max: int, can_ask: bool = False) -> Verdict:
    """Try again with back-off, ask again with back-off, or leave it to a person. Unknown is not failed."""
    now = clock.now()
    later = now + timedelta(seconds=backoff_s(job.attempts))
    reason = logs.error_text(error)
    if isinstance(error, GiveUp):
        return Verdict(job, "dead", now, reason)
    if job.state == "sending" and not isinstance(error, NotDone):
        ask = can_ask and not is_exhausted(job, attempts_max=attempts_max, can_ask=True)
        return Verdict(job, "sending" if ask else "unknown", later if ask else now, reason)
    if is_exhausted(job, attempts_max=attempts_max):
        return Verdict(job, "dead", now, reason)
    return Verdict(job, "waiting", later, reason)


def is_exhausted(job: Job, *, attempts_max: int, can_ask: bool = False) -> bool:
    """Asking gets as many attempts again: what was sent with the last one is worth asking about."""
    return job.attempts >= attempts_max * (2 if can_ask else 1)


def backoff_s(attempts: int, *, draw: Callable[[], float] = _random.random) -> float:
    """Anything up to 1, 2, 4, 8 … seconds (full jitter), so that what failed together comes back apart."""
    return draw() * min(BACKOFF_MAX_S, BACKOFF_BASE_S * 2.0 ** min(attempts - 1, 30))


async def fail(connection: Connection, lane: int, verdicts: Sequence[Verdict]) -> set[int]:
    """Write what becomes of failed jobs; returns the ids of those that were still ours."""
    rows = await connection.fetch(
        statements.fail_jobs, lane,
        [v.job.job_id for v in verdicts], [v.job.lease_token for v in verdicts], [v.state for v in verdicts],
        [v.job.attempts for v in verdicts], [v.due_at for v in verdicts], [v.error for v in verdicts],
        ids.random_id(),
    )  # fmt: skip
    return {row["job_id"] for row in rows}


async def desk(connection: Connection, lane: int, *, after_id: int = 0, limit: int = 100) -> list[DeskJob]:
    """The dead-letter desk of a lane; the gate is not needed."""
    rows = await connection.fetch(statements.desk_jobs, lane, after_id, limit)
    return [DeskJob(lane, *row.values()) for row in rows]


async def desk_mark(connection: Connection, lane: int) -> tuple[int, int]:
    """Differs when something came to the desk of a lane or left it; the gate is not needed."""
    row = await connection.fetchrow(statements.desk_mark, lane)
    assert row is not None
    return row["jobs"], row["newest_id"]


async def of_subject(connection: Connection, lane: int, subject_id: int) -> list[tuple[str, str]]:
    """What waits for a subject, each with its state; the gate is not needed."""
    return [(row["kind"], row["state"]) for row in await connection.fetch(statements.jobs_of_subject, lane, subject_id)]


async def retry(
    connection: Connection, lane: int, job_ids: Iterable[int], *, even_unknown: bool = False
) -> list[int]:
    """Back to work, with fresh attempts. ``even_unknown``: a person made sure that it did not happen."""
    rows = await connection.fetch(statements.retry_jobs, lane, list(job_ids), clock.now(), even_unknown)
    return sorted(row["job_id"] for row in rows)


async def discard(connection: Connection, lane: int, job_ids: Iterable[int]) -> list[int]:
    """Off the desk for good: a person settled it."""
    rows = await connection.fetch(statements.discard_jobs, lane, list(job_ids))
    return sorted(row["job_id"] for row in rows)


async def withdraw(connection: Connection, lane: int, gone: Sequence[NewJob]) -> None:
    """Take away jobs of these subjects and kinds, with all that these payloads say, whose work is not wanted any more.
    What a worker has in hand stays, and so does what nobody knows the outcome of."""
    await connection.execute(
        statements.withdraw_jobs, lane, [job.subject_id for job in gone], [job.kind for job in gone],
        [job.payload for job in gone],
    )  # fmt: skip
