"""Files of cards, as their suppliers see them: handed in, looked at, loaded or dropped, with a report of each line."""

from __future__ import annotations

from datetime import date

from kameng import stock
from kameng.identity import Organisation
from kameng.kit import audit, blobs, clock, crypto, jobs, lanes
from kameng.kit.db import Connection, Database
from kameng.suppliers import runs_store
from kameng.suppliers.errors import NoSuchRun, RunNotOpen, TooManyRuns
from kameng.suppliers.model import OPEN_RUNS_MAX, CardRun, RunLine, RunState, check_file, file_name_of
from kameng.suppliers.supplying import agreed_cost, check_supplies

RUN_JOB = "suppliers.run"
ID_MAX = (1 << 63) - 1


async def receive_cards(
    db: Database, ring: crypto.KeyRing, organisation: Organisation, sku_id: int, content: bytes, *, file_name: str,
    actor_id: int, uses: int = 1, cost_e4: int | None = None, expires_on: date | None = None,
) -> CardRun:  # fmt: skip
    """Take a file, seal it and have it read; nothing of it is loaded until its supplier says so."""
    check_file(content)
    stock.check_terms(cost_e4, expires_on, uses)
    lane, org_id = organisation.lane, organisation.org_id
    await check_supplies(db, org_id, sku_id)
    cost_e4 = await agreed_cost(db, org_id, sku_id) if cost_e4 is None else cost_e4
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=1)
        if await runs_store.count_open_runs(connection, org_id) >= OPEN_RUNS_MAX:
            raise TooManyRuns
        new = CardRun(
            passage.ids[0], org_id, sku_id, file_name_of(file_name), len(content), uses, cost_e4, expires_on,
            RunState.arriving, "", "", 0, 0, 0, 0, [], "", "", None, 0, 0, 0, actor_id, clock.now(), None,
        )  # fmt: skip
        await runs_store.insert_run(connection, new)
    await blobs.put(db, ring, new.run_id, content)
    return await _hand_on(db, new, RunState.arriving, RunState.reading, actor_id)


async def confirm_run(db: Database, org_id: int, run_id: int, *, actor_id: int) -> CardRun:
    """Have what was read loaded. Said again it changes nothing."""
    found = await find_run(db, org_id, run_id)
    if found.state in (RunState.loading, RunState.done):
        return found
    if found.state is not RunState.ready or not found.cards:
        raise RunNotOpen
    return await _hand_on(db, found, RunState.ready, RunState.loading, actor_id)


async def drop_run(db: Database, org_id: int, run_id: int, *, actor_id: int = 0) -> CardRun:
    """Load nothing of it: its file is wiped."""
    found = await find_run(db, org_id, run_id)
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, found.lane, id_count=1)
        at = clock.now()
        if not await runs_store.set_run_state(connection, run_id, RunState.ready, RunState.dropped, ended_at=at):
            raise RunNotOpen
        await blobs.wipe(connection, found.lane, [run_id])
        await audit.note(connection, found.lane, at, [_line(passage.ids[0], found, "cards.drop", actor_id)])
        return await _read(connection, org_id, run_id)


async def find_run(db: Database, org_id: int, run_id: int) -> CardRun:
    async with db.connection() as connection:
        return await _read(connection, org_id, run_id)


async def list_runs(db: Database, org_id: int, *, before_id: int = ID_MAX, limit: int = 50) -> list[CardRun]:
    """A supplier's, newest first."""
    async with db.connection() as connection:
        return await runs_store.runs_of(connection, org_id, before_id=before_id, limit=limit)


async def run_lines(db: Database, org_id: int, run_id: int, *, after_line: int = 0, limit: int = 100) -> list[RunLine]:
    """The report: lines that are not loaded, in their order, beyond the last one seen."""
    async with db.connection() as connection:
        await _read(connection, org_id, run_id)
        return await runs_store.run_lines(connection, run_id, after_line=after_line, limit=limit)


async def run_reasons(db: Database, org_id: int, run_id: int) -> dict[str, int]:
    """How many lines are not loaded for which reason, the most frequent first."""
    async with db.connection() as connection:
        await _read(connection, org_id, run_id)
        return await runs_store.run_reasons(connection, run_id)


async def _read(connection: Connection, org_id: int, run_id: int) -> CardRun:
    found = await runs_store.read_run(connection, run_id)
    if found is None or found.org_id != org_id or found.state is RunState.arriving:
        raise NoSuchRun
    return found


async def _hand_on(db: Database, run: CardRun, before: RunState, after: RunState, actor_id: int) -> CardRun:
    """To whoever reads and loads, with a job."""
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, run.lane, id_count=2)
        if not await runs_store.set_run_state(connection, run.run_id, before, after):
            raise RunNotOpen
        await jobs.add(connection, run.lane, [jobs.NewJob(RUN_JOB, run.run_id)], passage.ids[:1])
        act = "cards.receive" if after is RunState.reading else "cards.confirm"
        await audit.note(connection, run.lane, clock.now(), [_line(passage.ids[1], run, act, actor_id)])
        return await _read(connection, run.org_id, run.run_id)


def _line(audit_id: int, run: CardRun, act: str, actor_id: int) -> audit.Line:
    data = {"sku_id": run.sku_id, "file": run.file_name}
    return audit.Line(audit_id, run.org_id, actor_id, act, run.run_id, data)
