"""One thin function a statement. Who writes a run holds its lane's gate."""

from __future__ import annotations

from datetime import datetime

from kameng.kit import sql
from kameng.kit.db import Connection
from kameng.lists.model import NewRun, Run, SavedView

statements = sql.load("kameng.lists")


async def insert_view(
    connection: Connection, person_id: int, org_id: int, path: str, view: SavedView, at: datetime
) -> None:
    await connection.execute(
        statements.insert_view, person_id, view.view_id, org_id, path, view.name, view.query, at, view.is_shared
    )


async def views_of(connection: Connection, person_id: int, org_id: int, path: str) -> list[SavedView]:
    return [SavedView(*row) for row in await connection.fetch(statements.views_of, person_id, org_id, path)]


async def delete_view(
    connection: Connection, person_id: int, org_id: int, view_id: int, *, any_shared: bool
) -> str | None:
    path: str | None = await connection.fetchval(statements.delete_view, person_id, org_id, view_id, any_shared)
    return path


async def insert_run(
    connection: Connection, lane: int, run_id: int, new: NewRun, *, total: int, at: datetime, until: datetime
) -> None:
    await connection.execute(
        statements.insert_run, lane, run_id, new.org_id, new.person_id, new.kind, new.plan, new.query,
        None if new.wanted is None else list(new.wanted), run_id, new.reason, new.language, new.form, total, at, until,
    )  # fmt: skip


async def read_run(connection: Connection, lane: int, run_id: int) -> Run | None:
    row = await connection.fetchrow(statements.read_run, lane, run_id)
    return None if row is None else _run(dict(row))


async def runs_of(
    connection: Connection, lane: int, org_id: int, person_id: int, *, before_id: int, at: datetime, limit: int
) -> list[Run]:
    rows = await connection.fetch(statements.runs_of, lane, org_id, person_id, before_id, at, limit)
    return [_run(dict(row)) for row in rows]


async def count_running(connection: Connection, lane: int, org_id: int, person_id: int, at: datetime) -> int:
    return int(await connection.fetchval(statements.count_running, lane, org_id, person_id, at))


async def advance_run(connection: Connection, run: Run) -> bool | None:
    """Whether it was asked to stop; None if it has ended."""
    asked: bool | None = await connection.fetchval(
        statements.advance_run, run.lane, run.run_id, run.done, run.refused, run.amount_e4, run.refusals, run.place,
        run.pending,
    )  # fmt: skip
    return asked


async def end_run(connection: Connection, run: Run, at: datetime) -> None:
    await connection.execute(
        statements.end_run, run.lane, run.run_id, run.state, at, run.file_name, run.file_bytes
    )


async def ask_stop(connection: Connection, lane: int, run_id: int, org_id: int, person_id: int) -> bool:
    return await connection.fetchval(statements.ask_stop, lane, run_id, org_id, person_id) is not None


async def purge_runs(connection: Connection, lane: int, at: datetime) -> int:
    return len(await connection.fetch(statements.purge_runs, lane, at))


def _run(row: dict[str, object]) -> Run:
    wanted = row["wanted"]
    pairs = {name: [tuple(pair) for pair in row[name]] for name in ("refusals", "pending")}  # type: ignore[attr-defined]
    given = {**row, **pairs, "wanted": None if wanted is None else tuple(wanted)}  # type: ignore[arg-type]
    return Run(**given)  # type: ignore[arg-type] # one column a field
