"""Doing runs: rows by rows, each step written down, so that a lost worker's run goes on where it was.

A run is one job that calls nobody outside, but takes long and commits on its way: so it is an *outside* job, and asking
about one that was left means to go on with it. An act does the same rows once, however often it is asked (its plan's
promise); an export begins its file anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from kameng.kit import clock, lanes, logs
from kameng.kit.db import Database
from kameng.kit.errors import Refusal
from kameng.kit.jobs import Job, Outside
from kameng.lists import store
from kameng.lists.files import Sheet
from kameng.lists.model import Plan, Plans, Row, Run
from kameng.lists.running import CHUNK, JOB, KEPT

EXPORT_CHUNK = 500
REFUSALS_MAX = 100
"""So many are listed one by one."""
TIMEOUT_S = 3600.0
MakeTools = Callable[[], Awaitable[Any]]
log = logs.get_logger(__name__)


def handlers(db: Database, folder: Path, plans: Plans, make_tools: MakeTools) -> list[Outside]:
    """``make_tools`` gives plans what they work with, fresh for each run."""

    async def run(job: Job) -> None:
        await _work(db, folder, plans, make_tools, job)

    return [Outside(JOB, run, query=run, concurrency=2, timeout_s=TIMEOUT_S)]


def path_of(folder: Path, run: Run) -> Path:
    """Where the file of an export lies. Its number is ours, so it leads nowhere else."""
    return folder / f"{run.run_id}.{run.form}"


def sweep_files(folder: Path) -> None:
    """Make the folder, and take away files whose time is over."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    oldest_s = (clock.now() - KEPT).timestamp()
    for path in folder.glob("*.*"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < oldest_s:
                path.unlink()


async def _work(db: Database, folder: Path, plans: Plans, make_tools: MakeTools, job: Job) -> None:
    async with db.connection() as connection:
        run = await store.read_run(connection, job.lane, job.subject_id)
    if run is None or run.is_over:
        return
    plan = plans.get(run.plan)
    if plan is None:  # a plan of a version that is no more
        await _advance(db, msgspec.structs.replace(run, state="failed"))
        return
    tools = await make_tools()
    try:
        if plan.check is not None:
            await plan.check(tools, run)
        ended = await (_export(db, folder, plan, tools, run) if run.kind == "export" else _act(db, plan, tools, run))
    except Refusal as refusal:  # he may not any more, or the list is none
        log.warning("a run was refused", plan=run.plan, code=refusal.code)
        ended = msgspec.structs.replace(run, state="failed", refusals=[(0, refusal.code)])
    await _advance(db, ended)


async def _act(db: Database, plan: Plan, tools: Any, run: Run) -> Run:
    """Rows are written down before they are done: afterwards the list may not find them any more, and whoever goes on
    has to know what became of each."""
    assert plan.act is not None, f"{plan.name} acts on nothing"
    while True:
        if not run.pending:
            found = await plan.find(tools, run, run.place, CHUNK)
            pending = [(row.row_id, row.amount_e4) for row in found.rows]
            run = msgspec.structs.replace(run, pending=pending, place=found.place)
            await _advance(db, run)
        rows = [Row(row_id, amount_e4) for row_id, amount_e4 in run.pending]
        said = await plan.act(tools, run, rows) if rows else []
        refused = [(row.row_id, code) for row, code in zip(rows, said, strict=True) if code]
        amount_e4 = sum(row.amount_e4 for row, code in zip(rows, said, strict=True) if not code)
        run = msgspec.structs.replace(
            run, done=run.done + len(rows) - len(refused), refused=run.refused + len(refused), pending=[],
            amount_e4=run.amount_e4 + amount_e4, refusals=[*run.refusals, *refused][:REFUSALS_MAX],
            state="done" if run.place is None else "running",
        )  # fmt: skip
        is_stopped = await _advance(db, run)
        if run.is_over:
            return run
        if is_stopped:
            return msgspec.structs.replace(run, state="stopped")


async def _export(db: Database, folder: Path, plan: Plan, tools: Any, run: Run) -> Run:
    assert plan.head is not None, f"{plan.name} has no columns"
    await asyncio.to_thread(sweep_files, folder)
    path, place, done = path_of(folder, run), None, 0
    half = path.with_suffix(f".{run.form}.part")
    with Sheet(half, run.form, plan.head(run.language)) as sheet:
        while True:
            found = await plan.find(tools, run, place, EXPORT_CHUNK)
            await asyncio.to_thread(sheet.add, [row.cells for row in found.rows])
            place, done = found.place, done + len(found.rows)
            is_stopped = await _advance(db, msgspec.structs.replace(run, done=done, place=place))
            if place is None or is_stopped:
                break
        await asyncio.to_thread(sheet.close)
    if is_stopped and place is not None:
        half.unlink()
        return msgspec.structs.replace(run, state="stopped", done=done)
    half.rename(path)
    name = f"{run.plan.replace('.', '-')}-{clock.china_day():%Y%m%d}.{run.form}"
    return msgspec.structs.replace(run, state="done", done=done, file_name=name, file_bytes=path.stat().st_size)


async def _advance(db: Database, run: Run) -> bool:
    """Write down how far it is, and its end with its last rows; whether it has to stop."""
    async with db.transaction() as connection:
        await lanes.pass_gate(connection, run.lane)
        has_to_stop = await store.advance_run(connection, run) is not False
        if run.is_over:
            await store.end_run(connection, run, clock.now())
    return has_to_stop
