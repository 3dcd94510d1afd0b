"""How far deliveries are, in the database: the lane's lease, late rows, cursors, the log. Written many at once.

A second store beside ``store``: these statements are the dispatcher's alone. A flush is one transaction that need not
wait for the disk: what is forgotten in a crash of the server is sent once more, under the same id.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from kameng.kit import clock, jobs
from kameng.kit.db import Connection
from kameng.kit.lanes import Passage
from kameng.notices.model import Attempt, Event
from kameng.notices.queueing import Queue, Stream
from kameng.notices.store import statements

LOG_ENTRIES_MAX = 100
"""Attempts in one row of the log."""
AGAIN_JOB = "webhook.again"
"""What an event that can't be delivered lies on the desk as; retried there, it is sent again."""


class Flushed(msgspec.Struct):
    """What a flush is about to write, taken out of the queues in one step, so that what comes meanwhile is not lost."""

    queues: list[Queue]
    logs: list[tuple[Queue, list[Attempt]]]
    rows: list[tuple[Queue, set[int]]]
    dead: list[tuple[Queue, Event]]

    @property
    def id_count(self) -> int:
        return len(self.logs) + len(self.dead)


async def hold_lane(connection: Connection, lane: int, token: int, *, now: datetime, until: datetime) -> bool:
    """Take or keep the lease; False if another process has it. The caller passed the gate."""
    return await connection.fetchval(statements.hold_lane, lane, token, now, until) is not None


async def leave_lane(connection: Connection, lane: int, token: int) -> None:
    await connection.execute(statements.leave_lane, lane, token)


async def has_endpoints(connection: Connection, lane: int) -> bool:
    return bool(await connection.fetchval(statements.lane_has_endpoints, lane))


async def restore(connection: Connection, lane: int, queues: Sequence[Queue]) -> None:
    """Bring late events and replays back into queues that were just made."""
    by_id = {queue.endpoint.endpoint_id: queue for queue in queues}
    for row in await connection.fetch(statements.late_events, lane, list(by_id)):
        endpoint_id, attempts, next_at, *event = row
        by_id[endpoint_id].restore_late(Event(*event), attempts=attempts, next_at=next_at)


async def read_replays(connection: Connection, lane: int, queues: Sequence[Queue]) -> None:
    """Replays that were asked for since."""
    by_id = {queue.endpoint.endpoint_id: queue for queue in queues}
    for row in await connection.fetch(statements.replays_of_endpoints, lane, list(by_id)):
        replays = by_id[row["endpoint_id"]].replays
        if row["replay_id"] not in replays:
            replays[row["replay_id"]] = Stream(
                row["after_id"], until_id=row["until_id"], replay_id=row["replay_id"]
            )


def collect(queues: Sequence[Queue]) -> Flushed:
    """What has changed since the last flush."""
    found = Flushed([queue for queue in queues if queue.is_changed], [], [], [])
    for queue in found.queues:
        for start in range(0, len(queue.log), LOG_ENTRIES_MAX):
            found.logs.append((queue, queue.log[start : start + LOG_ENTRIES_MAX]))
        found.rows.append((queue, queue.changed_rows))
        found.dead += [(queue, event) for event in queue.dead]
        queue.log, queue.changed_rows, queue.dead, queue.is_changed = [], set(), [], False
    return found


def put_back(flushed: Flushed) -> None:
    """It was not written: the next flush tries again."""
    for queue in flushed.queues:
        queue.is_changed = True
    for queue, attempts in reversed(flushed.logs):
        queue.log[:0] = attempts
    for queue, subjects in flushed.rows:
        queue.changed_rows |= subjects
    for queue, event in flushed.dead:
        queue.dead.append(event)


async def write(connection: Connection, passage: Passage, flushed: Flushed) -> None:
    """Everything of a flush. The caller passed the gate and still holds the lane's lease."""
    lane, row_ids, at = passage.lane, iter(passage.ids), clock.now()
    await connection.execute(
        statements.write_progress, lane,
        [q.endpoint.endpoint_id for q in flushed.queues], [q.live.cursor_id for q in flushed.queues],
        [q.failures for q in flushed.queues], [q.failing_since for q in flushed.queues],
        [q.paused_until for q in flushed.queues],
    )  # fmt: skip
    await _write_rows(connection, lane, flushed)
    for queue, attempts in flushed.logs:
        outcomes = [attempt.outcome for attempt in attempts]
        await connection.execute(
            statements.insert_log, lane, next(row_ids), queue.endpoint.endpoint_id, at,
            [attempt.event_id for attempt in attempts], [x.status for x in outcomes], [x.took_ms for x in outcomes],
            [attempt.attempt for attempt in attempts], [x.fault for x in outcomes],
        )  # fmt: skip
    for queue, event in flushed.dead:
        facts = {"webhook": str(queue.endpoint.endpoint_id), "event": str(event.event_id)}
        job = jobs.NewJob(AGAIN_JOB, event.subject_id, facts)
        await jobs.lay_on_desk(connection, lane, next(row_ids), job, error="no receiver took it for three days")
    await _write_replays(connection, lane, flushed.queues)


async def _write_rows(connection: Connection, lane: int, flushed: Flushed) -> None:
    late, gone = [], []
    for queue, subject_id in _rows_of(flushed):
        item = queue.late.get(subject_id)
        if item is not None:
            late.append((queue.endpoint.endpoint_id, subject_id, item.event.sequence, item.attempts, item.next_at))
        elif subject_id not in queue.flying and subject_id not in queue.waiting:
            gone.append((queue.endpoint.endpoint_id, subject_id))
            queue.has_row.discard(subject_id)
        else:
            queue.changed_rows.add(subject_id)  # its row stays until it is known what became of it
    if late:
        await connection.execute(statements.upsert_late, lane, *map(list, zip(*late, strict=True)))
    if gone:
        await connection.execute(statements.delete_late, lane, *map(list, zip(*gone, strict=True)))


def _rows_of(flushed: Flushed) -> Iterator[tuple[Queue, int]]:
    for queue, subjects in flushed.rows:
        for subject_id in subjects:
            yield queue, subject_id


async def _write_replays(connection: Connection, lane: int, queues: Sequence[Queue]) -> None:
    through = [replay.replay_id for queue in queues for replay in queue.replays.values() if replay.is_through]
    moved = [
        replay for queue in queues for replay in queue.replays.values()
        if not replay.is_through and replay.cursor_id != replay.written_id
    ]  # fmt: skip
    if through:
        await connection.execute(statements.delete_replays, lane, through)
    if moved:
        await connection.execute(
            statements.move_replays, lane, [r.replay_id for r in moved], [r.cursor_id for r in moved]
        )
