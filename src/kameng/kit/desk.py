"""The dead-letter desk over all lanes: what gave up or may have happened, and what a person makes of it."""

from __future__ import annotations

from collections.abc import Sequence

from kameng.kit import audit, clock, ids, jobs, lanes
from kameng.kit.db import Database
from kameng.kit.errors import BadStaffAct
from kameng.kit.jobs import DeskJob

REASON_CHARS_MAX = 500


async def lying(db: Database, *, limit: int = 200) -> list[DeskJob]:
    """What waits for a person, oldest first."""
    found: list[DeskJob] = []
    async with db.connection() as connection:
        for lane in await lanes.lane_numbers(connection):
            found += await jobs.desk(connection, lane, limit=limit)
    return sorted(found, key=lambda job: job.job_id)[:limit]


async def retry(
    db: Database, job_ids: Sequence[int], *, even_unknown: bool = False, reason: str, actor_id: int
) -> list[int]:
    """Back to work; those of unknown outcome only if the person made sure that nothing happened."""
    return await _act(db, job_ids, "job.retry", reason=reason, actor_id=actor_id, even_unknown=even_unknown)


async def drop(db: Database, job_ids: Sequence[int], *, reason: str, actor_id: int) -> list[int]:
    """Off the desk for good: a person settled it, and says how."""
    return await _act(db, job_ids, "job.drop", reason=reason, actor_id=actor_id)


async def _act(
    db: Database, job_ids: Sequence[int], act: str, *, reason: str, actor_id: int, even_unknown: bool = False
) -> list[int]:
    if not (reason.strip() and len(reason) <= REASON_CHARS_MAX and reason.isprintable()):
        raise BadStaffAct(
            f"reason: 1 to {REASON_CHARS_MAX} printable characters", field="reason",
            detail_zh=f"原因：应为 1 至 {REASON_CHARS_MAX} 个可见字符",
        )  # fmt: skip
    done: list[int] = []
    async with db.connection() as connection:
        there = set(await lanes.lane_numbers(connection))
    for lane in sorted({ids.lane_of(job_id) for job_id in job_ids} & there):
        some = [job_id for job_id in job_ids if ids.lane_of(job_id) == lane]
        async with db.transaction() as connection:
            passage = await lanes.pass_gate(connection, lane, id_count=len(some))
            if act == "job.retry":
                moved = await jobs.retry(connection, lane, some, even_unknown=even_unknown)
            else:
                moved = await jobs.discard(connection, lane, some)
            lines = [
                audit.Line(audit_id, 0, actor_id, act, job_id, {"reason": reason})
                for audit_id, job_id in zip(passage.ids, moved, strict=False)
            ]
            if lines:
                await audit.note(connection, lane, clock.now(), lines)
            done += moved
    return done
