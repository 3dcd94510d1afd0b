"""Runs: looked at before they begin, begun as jobs, found by whoever began them, stopped, purged."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import msgspec

from kameng.kit import audit, clock, ids, jobs, lanes
from kameng.kit.db import Connection, Database
from kameng.lists import store
from kameng.lists.errors import BadRun, NoSuchRun, TooManyRuns
from kameng.lists.model import NewRun, Plan, Preview, Run

JOB = "lists.run"
CHUNK = 200
PREVIEW_MAX = 2000
"""So many rows are looked at before somebody decides; a run itself has no limit."""
WANTED_MAX = 1000
RUNS_MAX = 3
KEPT = timedelta(hours=24)
ID_MAX = (1 << 63) - 1


async def preview(tools: Any, plan: Plan, new: NewRun) -> Preview:
    """A dry run: what it would do, to how much, and what it can't do and why."""
    draft, place, total, amount_e4, refusals = _draft(new), None, 0, 0, Counter[str]()
    if plan.check is not None:
        await plan.check(tools, draft)
    while total < PREVIEW_MAX:
        found = await plan.find(tools, draft, place, CHUNK)
        total += len(found.rows)
        refusals.update(row.refusal for row in found.rows if row.refusal)
        amount_e4 += sum(row.amount_e4 for row in found.rows if not row.refusal)
        place = found.place
        if place is None:
            return Preview(total, amount_e4, refusals)
    return Preview(total, amount_e4, refusals, is_capped=True)


async def begin(db: Database, new: NewRun, *, total: int) -> Run:
    """Written down with its job and an audit line; a worker does the rest. ``total``: what the preview counted."""
    if new.wanted is not None and not 1 <= len(new.wanted) <= WANTED_MAX:
        raise BadRun(field="id", detail_zh=f"请选择 1 至 {WANTED_MAX} 条记录")
    if new.kind == "act" and not (1 <= len(new.reason.strip()) <= 500 and new.reason.isprintable()):
        raise BadRun(field="reason", detail_zh="请填写原因（500 字以内）")
    lane, at = ids.lane_of(new.org_id), clock.now()
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=3)
        run_id, job_id, audit_id = passage.ids
        if await store.count_running(connection, lane, new.org_id, new.person_id, at) >= RUNS_MAX:
            raise TooManyRuns
        await store.insert_run(connection, lane, run_id, new, total=total, at=at, until=at + KEPT)
        await jobs.add(connection, lane, [jobs.NewJob(JOB, run_id)], [job_id])
        data = {"plan": new.plan, "query": new.query, "total": total, "reason": new.reason}
        line = audit.Line(audit_id, new.org_id, new.person_id, f"list.{new.kind}", run_id, data)
        await audit.note(connection, lane, at, [line])
        run = await store.read_run(connection, lane, run_id)
    assert run is not None
    return run


async def find_run(connection: Connection, run_id: int, *, org_id: int, person_id: int) -> Run:
    """``NoSuchRun`` for everybody but its maker, and when its time is over."""
    lane = ids.lane_of(org_id)
    run = await store.read_run(connection, lane, run_id) if ids.lane_of(run_id) == lane else None
    if run is None or (run.org_id, run.person_id) != (org_id, person_id) or run.expires_at <= clock.now():
        raise NoSuchRun
    return run


async def list_runs(
    connection: Connection, *, org_id: int, person_id: int, before_id: int = ID_MAX, limit: int = 20
) -> list[Run]:
    """Newest first."""
    lane, at = ids.lane_of(org_id), clock.now()
    return await store.runs_of(connection, lane, org_id, person_id, before_id=before_id, at=at, limit=limit)


async def stop(db: Database, run_id: int, *, org_id: int, person_id: int) -> None:
    """It ends before its next rows; what is done stays done."""
    lane = ids.lane_of(org_id)
    async with db.transaction() as connection:
        await lanes.pass_gate(connection, lane)
        if not await store.ask_stop(connection, lane, run_id, org_id, person_id):
            raise NoSuchRun


async def purge(db: Database, lane: int) -> int:
    """Runs are kept for a day; returns how many went."""
    async with db.transaction() as connection:
        await lanes.pass_gate(connection, lane)
        return await store.purge_runs(connection, lane, clock.now())


def _draft(new: NewRun) -> Run:
    """As if it were begun now."""
    at = clock.now()
    return Run(
        **msgspec.structs.asdict(new), run_id=0, lane=ids.lane_of(new.org_id), up_to=ID_MAX, state="waiting", total=0,
        done=0, refused=0, amount_e4=0, refusals=[], place=None, pending=[], file_name="", file_bytes=0,
        is_stop_asked=False, created_at=at, ended_at=None, expires_at=at + KEPT,
    )  # fmt: skip
