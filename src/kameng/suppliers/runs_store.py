"""One thin function a statement, of files of cards. Callers hold a lane's gate when they write."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from importlib import resources
from typing import Any

from kameng.kit import sql
from kameng.kit.db import Connection
from kameng.stock import RefusedLine
from kameng.suppliers.model import CardRun, RunLine, RunState

statements = sql.parse("runs.sql", resources.files("kameng.suppliers").joinpath("runs.sql").read_text("utf-8"))


async def insert_run(connection: Connection, new: CardRun) -> None:
    await connection.execute(
        statements.insert_run, new.run_id, new.org_id, new.sku_id, new.file_name, new.file_bytes, new.uses,
        new.cost_e4, new.expires_on, new.created_by, new.created_at,
    )  # fmt: skip


async def count_open_runs(connection: Connection, org_id: int) -> int:
    return int(await connection.fetchval(statements.count_open_runs, org_id))


async def read_run(connection: Connection, run_id: int) -> CardRun | None:
    row = await connection.fetchrow(statements.read_run, run_id)
    return None if row is None else _run(row)


async def runs_of(connection: Connection, org_id: int, *, before_id: int, limit: int) -> list[CardRun]:
    return [_run(row) for row in await connection.fetch(statements.runs_of, org_id, before_id, limit)]


async def set_run_state(
    connection: Connection, run_id: int, before: RunState, after: RunState, *, ended_at: datetime | None = None
) -> bool:
    """Whether it was still where it is led from."""
    return await connection.fetchval(statements.set_run_state, run_id, before, after, ended_at) is not None


async def refuse_run(connection: Connection, run_id: int, fault: str, fault_zh: str, at: datetime) -> bool:
    return await connection.fetchval(statements.refuse_run, run_id, fault, fault_zh, at) is not None


async def set_run_read(connection: Connection, run: CardRun) -> bool:
    found = await connection.fetchval(
        statements.set_run_read, run.run_id, run.format, run.encoding, run.cards, run.broken, run.repeated, run.known,
        run.preview,
    )  # fmt: skip
    return found is not None


async def set_run_batch(connection: Connection, run_id: int, batch_id: int) -> bool:
    return await connection.fetchval(statements.set_run_batch, run_id, batch_id) is not None


async def advance_run(
    connection: Connection, run_id: int, *, from_line: int, to_line: int, gone: int, loaded: int
) -> bool:
    """False, if somebody else went on with it."""
    return await connection.fetchval(statements.advance_run, run_id, from_line, to_line, gone, loaded) is not None


async def insert_run_lines(connection: Connection, run_id: int, lines: Sequence[RefusedLine]) -> None:
    await connection.execute(
        statements.insert_run_lines, run_id, [one.line for one in lines], [one.reason for one in lines],
        [one.preview for one in lines], [one.first for one in lines],
    )  # fmt: skip


async def forget_run_lines(connection: Connection, run_id: int) -> None:
    await connection.execute(statements.forget_run_lines, run_id)


async def run_lines(connection: Connection, run_id: int, *, after_line: int, limit: int) -> list[RunLine]:
    return [RunLine(*row) for row in await connection.fetch(statements.run_lines, run_id, after_line, limit)]


async def run_reasons(connection: Connection, run_id: int) -> dict[str, int]:
    return {row["reason"]: row["lines"] for row in await connection.fetch(statements.run_reasons, run_id)}


async def stale_runs(
    connection: Connection, unfinished_since: datetime, waiting_since: datetime, limit: int
) -> list[tuple[int, RunState]]:
    rows = await connection.fetch(statements.stale_runs, unfinished_since, waiting_since, limit)
    return [(row["run_id"], RunState(row["state"])) for row in rows]


async def forget_old_lines(connection: Connection, before: datetime, limit: int) -> int:
    done: str = await connection.execute(statements.forget_old_lines, before, limit)
    return int(done.rpartition(" ")[2])


def _run(row: Any) -> CardRun:
    return CardRun(**{**row, "state": RunState(row["state"])})
