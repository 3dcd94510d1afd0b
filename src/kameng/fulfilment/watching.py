"""Watching: the clock of tasks, looked at by the timetable, never by an order.

What was taken too long ago is open again, what is due soon is told its supplier, what is overdue is told its buyer
once and lies on the staff's desk from then on, and what belongs to an order that moved on is closed. News for a
supplier is written down with what happened, and becomes his event in a transaction of both lanes.
"""

from __future__ import annotations

from collections.abc import Sequence

from kameng import identity, orders
from kameng.fulfilment import deciding, store
from kameng.fulfilment.model import Task
from kameng.fulfilment.store import Counted, Untold
from kameng.kit import clock, crypto, events, ids, lanes, logs, metrics
from kameng.kit.db import Connection, Database
from kameng.kit.lanes import Passage
from kameng.orders import FULFIL_JOBS, IDS_EACH, WITHDRAW_JOBS, Command, Instruction

CHUNK_TASKS = 50

log = logs.get_logger(__name__)


async def watch(db: Database, ring: crypto.KeyRing, lane: int) -> int:
    """What came due in a lane; returns how many tasks changed."""
    changed = 0
    while True:
        async with db.connection() as connection:  # an idle lane costs one read
            due = await store.tasks_to_watch(connection, lane, clock.now(), CHUNK_TASKS)
        if not due:
            return changed
        async with db.transaction() as connection:
            passage = await lanes.pass_gate(connection, lane, id_count=CHUNK_TASKS * IDS_EACH)
            changed += await _watch_some(connection, ring, passage)


async def _watch_some(connection: Connection, ring: crypto.KeyRing, passage: Passage) -> int:
    at = clock.now()
    before = await store.tasks_to_watch(connection, passage.lane, at, CHUNK_TASKS)
    after = [deciding.watch(task, at) for task in before]
    if after:
        await store.set_tasks(connection, passage.lane, after)
    overdue = [new for old, new in zip(before, after, strict=True) if new.is_overdue and not old.is_overdue]
    if overdue:
        log.warning("tasks are overdue", in_lane=passage.lane, tasks_count=len(overdue))
        await orders.act_within(connection, ring, passage, [_tell_buyer(task) for task in overdue])
    return len(after)


def _tell_buyer(task: Task) -> Instruction:
    opened_ms = int(task.opened_at.timestamp() * 1000)
    return Instruction(order_id=task.order_id, command=Command.overdue, key=f"task:{task.task_id}:{opened_ms}")


async def tell_suppliers(db: Database, lane: int) -> int:
    """Events of suppliers, in their lanes, of what happened to their tasks in this one; returns how many."""
    async with db.connection() as connection:
        org_ids = await store.suppliers_to_tell(connection, lane)
    told = 0
    for home in sorted({ids.lane_of(org_id) for org_id in org_ids}):
        those = [org_id for org_id in org_ids if ids.lane_of(org_id) == home]
        async with db.transaction() as connection:
            passages = await lanes.pass_gates(connection, {lane, home}, id_counts={home: CHUNK_TASKS})
            told += await _tell(connection, passages[home], lane, those)
    return told


async def _tell(connection: Connection, home: Passage, lane: int, org_ids: Sequence[int]) -> int:
    untold = await store.tasks_to_tell(connection, lane, org_ids, CHUNK_TASKS)
    wants = {one.org_id: one.wants_events for one in await identity.read_organisations(connection, home.lane, org_ids)}
    numbers = await events.next_sequences(connection, home.lane, [one.task_id for one in untold])
    new = [
        events.NewEvent(
            event_id, one.worker_org_id, one.task_id, numbers[one.task_id], one.news, data=_data(one),
            due=wants.get(one.worker_org_id, False),
        )
        for event_id, one in zip(home.ids, untold, strict=False)
    ]  # fmt: skip
    if new:
        await events.emit(connection, home.lane, clock.now(), new)
        await store.mark_told(connection, lane, [one.task_id for one in untold])
    return len(new)


def _data(one: Untold) -> dict[str, object]:
    return {
        "task": str(one.task_id), "order": str(one.order_id), "part": one.part_no, "sku": str(one.sku_id),
        "quantity": one.quantity, "state": one.state, "due_at": clock.rfc3339(one.due_at),
    }  # fmt: skip


async def count(db: Database) -> None:
    """What is open, how old, and for whom orders wait: as the numbers of this process."""
    at, counted = clock.now(), await count_live(db)
    async with db.connection() as connection:
        waits = await waiting(connection)
    for name in ("open", "taken", "overdue"):
        metrics.tasks.labels(name).set(sum(getattr(one, name) for one in counted))
    oldest = min((one.oldest for one in counted if one.oldest is not None), default=at)
    metrics.task_age.set(max(0.0, (at - oldest).total_seconds()))
    for kind, orders_count in waits.items():
        metrics.waiting_orders.labels(kind).set(orders_count)


async def count_live(db: Database) -> list[Counted]:
    """Live tasks, lane by lane."""
    at = clock.now()
    async with db.connection() as connection:
        return [await store.count_tasks(connection, lane, at) for lane in await lanes.lane_numbers(connection)]


async def waiting(connection: Connection) -> dict[str, int]:
    """How many orders wait for each capability, by the name of their job."""
    kinds = [*FULFIL_JOBS.values(), *WITHDRAW_JOBS.values()]
    found = dict.fromkeys(kinds, 0)
    for lane in await lanes.lane_numbers(connection):
        for kind, orders_count in (await store.count_waiting(connection, lane, kinds)).items():
            found[kind] += orders_count
    return found
