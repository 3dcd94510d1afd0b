"""Reading and loading files of cards, by a job: it goes on where it was cut off, and loads nothing twice.

How far it is moves in the transaction of each chunk, so counts are exact whatever happens in between; and each card is
once for ever, whoever brings it. The file is opened in memory only, and wiped when all is loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import msgspec

from kameng import stock
from kameng.kit import audit, blobs, clock, crypto, ids, lanes
from kameng.kit.db import Connection, Database
from kameng.kit.errors import Refusal
from kameng.kit.jobs import Handler, Job, Outside
from kameng.stock import CHUNK_CARDS, CardFile, CardLine, Load, RefusedLine
from kameng.suppliers import runs_store
from kameng.suppliers.model import CardRun, RunState, counts_of, preview_of
from kameng.suppliers.receiving import RUN_JOB

LINES_AT_ONCE = 1000
RUN_LIMIT_S = 1800.0
UNFINISHED_LASTS = timedelta(hours=1)
READY_LASTS = timedelta(days=1)
"""So long a file waits for its supplier's word; then it is wiped."""
REPORT_LASTS = timedelta(days=90)


class _TakenOver(Exception):
    """Somebody else goes on with this file."""


def handlers(db: Database, ring: crypto.KeyRing) -> list[Handler]:
    """For the worker. What a lost worker began is simply gone on with."""

    async def run(job: Job) -> None:
        await go_on(db, ring, job.subject_id)

    return [Outside(RUN_JOB, run, query=run, concurrency=2, timeout_s=RUN_LIMIT_S)]


async def go_on(db: Database, ring: crypto.KeyRing, run_id: int) -> None:
    """Whatever is to be done with a file next: read it, or load it to the end."""
    async with db.connection() as connection:
        found = await runs_store.read_run(connection, run_id)
    if found is None or found.state not in (RunState.reading, RunState.loading):
        return
    try:
        file = await _file_of(db, ring, found)
        if found.state is RunState.reading:
            await _note_read(db, ring, found, file)
        else:
            await _load(db, ring, found, file)
    except Refusal as refusal:
        await _refuse(db, found, refusal)
    except _TakenOver:
        return


async def _file_of(db: Database, ring: crypto.KeyRing, run: CardRun) -> CardFile:
    content = await blobs.read(db, ring, run.run_id)
    return await stock.read_for(
        db, content, sku_id=run.sku_id, file_name=run.file_name, today=run.today, cost_e4=run.cost_e4,
        expires_on=run.expires_on, uses=run.uses,
    )  # fmt: skip


async def _note_read(db: Database, ring: crypto.KeyRing, run: CardRun, file: CardFile) -> None:
    known = await stock.find_known(db, ring, file.cards, sku_id=run.sku_id)
    lines = [*file.refused, *known]
    for start in range(0, max(len(lines), 1), LINES_AT_ONCE):
        async with db.transaction() as connection:
            await lanes.pass_gate(connection, run.lane)
            if not start:
                await runs_store.forget_run_lines(connection, run.run_id)
            await runs_store.insert_run_lines(connection, run.run_id, lines[start : start + LINES_AT_ONCE])
    broken, repeated = counts_of(file)
    found = msgspec.structs.replace(
        run, format=file.format, encoding=file.encoding, cards=len(file.cards), broken=broken, repeated=repeated,
        known=len(known), preview=preview_of(file.cards),
    )  # fmt: skip
    async with db.transaction() as connection:
        await lanes.pass_gate(connection, run.lane)
        if not await runs_store.set_run_read(connection, found):
            raise _TakenOver


async def _refuse(db: Database, run: CardRun, refusal: Refusal) -> None:
    """The file as a whole can't be: its supplier reads why, and it is wiped."""
    async with db.transaction() as connection:
        await lanes.pass_gate(connection, run.lane)
        fault, fault_zh = refusal.detail or refusal.en(), refusal.detail_zh or refusal.zh
        if await runs_store.refuse_run(connection, run.run_id, fault, fault_zh, clock.now()):
            await blobs.wipe(connection, run.lane, [run.run_id])
        else:
            raise refusal  # it could be read before: a defect, for the desk


async def _load(db: Database, ring: crypto.KeyRing, run: CardRun, file: CardFile) -> None:
    load = await _load_of(db, ring, run, file)
    async with db.connection() as connection:
        numbers = await lanes.lane_numbers(connection)
    cards = [card for card in file.cards if card.line > run.cursor_line]
    gone, from_line = run.gone, run.cursor_line
    for start in range(0, len(cards), CHUNK_CARDS):
        chunk = cards[start : start + CHUNK_CARDS]
        lane = numbers[gone // CHUNK_CARDS % len(numbers)]
        await _load_some(db, ring, lane, load, run, chunk, from_line)
        gone, from_line = gone + len(chunk), chunk[-1].line
    if run.uses != 1:
        await stock.restock(db, ring, sku_id=run.sku_id)
    await _end(db, run)


async def _load_of(db: Database, ring: crypto.KeyRing, run: CardRun, file: CardFile) -> Load:
    """Its batch: begun with the first of its cards, gone on with after."""
    if run.batch_id is not None:
        return await stock.resume_load(db, sku_id=run.sku_id, batch_id=run.batch_id, uses=run.uses)

    async def note(connection: Connection, load: Load) -> None:
        if not await runs_store.set_run_batch(connection, run.run_id, load.batch_id):
            raise _TakenOver

    return await stock.begin_load(
        db, ring, sku_id=run.sku_id, file_name=run.file_name, actor_id=run.created_by, supplier_org_id=run.org_id,
        card_count=len(file.cards), refused_count=len(file.refused), uses=run.uses, along=note,
    )  # fmt: skip


async def _load_some(
    db: Database, ring: crypto.KeyRing, lane: int, load: Load, run: CardRun, chunk: Sequence[CardLine], from_line: int
) -> None:
    async def note(connection: Connection, refused: Sequence[RefusedLine]) -> None:
        is_ours = await runs_store.advance_run(
            connection, run.run_id, from_line=from_line, to_line=chunk[-1].line, gone=len(chunk),
            loaded=len(chunk) - len(refused),
        )  # fmt: skip
        if not is_ours:
            raise _TakenOver
        if refused:
            await runs_store.insert_run_lines(connection, run.run_id, refused)

    await stock.load_chunk(db, ring, lane, chunk, load, along=note)


async def _end(db: Database, run: CardRun) -> None:
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, run.lane, id_count=1)
        at = clock.now()
        if await runs_store.set_run_state(connection, run.run_id, RunState.loading, RunState.done, ended_at=at):
            await blobs.wipe(connection, run.lane, [run.run_id])
            line = audit.Line(passage.ids[0], run.org_id, run.created_by, "cards.loaded", run.run_id)
            await audit.note(connection, run.lane, at, [line])


async def tidy_runs(db: Database) -> int:
    """By the clock: files that never came whole, or that nobody said a word about for a day, are wiped; old reports go.
    Returns how many files."""
    at = clock.now()
    async with db.connection() as connection:
        stale = await runs_store.stale_runs(connection, at - UNFINISHED_LASTS, at - READY_LASTS, LINES_AT_ONCE)
    for run_id, state in stale:
        lane = ids.lane_of(run_id)
        async with db.transaction() as connection:
            await lanes.pass_gate(connection, lane)
            if await runs_store.set_run_state(connection, run_id, state, RunState.dropped, ended_at=at):
                await blobs.wipe(connection, lane, [run_id])
    async with db.connection() as connection:
        first = (await lanes.lane_numbers(connection))[0]  # reports have no lane: the first keeps them
    more = LINES_AT_ONCE
    while more == LINES_AT_ONCE:
        async with db.transaction() as connection:
            await lanes.pass_gate(connection, first)
            more = await runs_store.forget_old_lines(connection, at - REPORT_LASTS, LINES_AT_ONCE)
    return len(stale)
