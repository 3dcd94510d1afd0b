"""Opening: an order that people have to work becomes a task; one that is to be stopped is stopped, or its worker asked.

The handlers of jobs, and the same for whoever divides an order into parts. A task that is live stays as it is: the
order was held in between, or its job came twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from kameng import catalogue, orders
from kameng.catalogue import Sku
from kameng.fulfilment import deciding, store
from kameng.fulfilment.model import LIVE, STAFF, News, TaskState, Terms, Wanted, due_of, warn_of
from kameng.fulfilment.store import NewTask
from kameng.kit import clock, crypto
from kameng.kit.db import Connection
from kameng.kit.jobs import Job
from kameng.kit.lanes import Passage
from kameng.orders import Command, Instruction, PartState, State


async def open_orders(connection: Connection, passage: Passage, batch: Sequence[Job], terms: Terms) -> None:
    """The job of orders, or of parts of them, that people have to work."""
    standing = await orders.read_standing(connection, passage.lane, [job.subject_id for job in batch])
    divided = [job.subject_id for job in batch if part_no_of(job)]
    parts = await orders.read_parts(connection, passage.lane, divided) if divided else {}
    found = []
    for job in batch:
        order, number = standing.get(job.subject_id), part_no_of(job)
        if order is None or order.state is not State.fulfilling or order.is_sandbox:
            continue
        part = next((part for part in parts.get(job.subject_id, ()) if part.part_no == number), None)
        if part is not None and part.state is PartState.waiting:
            found.append((order, number, part.sku_id, part.sku_revision, part.quantity))
        elif not number:
            found.append((order, 0, order.sku_id, order.sku_revision, order.quantity))
    skus = await catalogue.read_revisions(connection, {(sku_id, revision) for _, _, sku_id, revision, _ in found})
    wanted = [
        wanted_of(order.order_id, skus[sku_id, revision], quantity, order.placed_at, part_no=number)
        for order, number, sku_id, revision, quantity in found
    ]
    await open_tasks(connection, passage.lane, iter(passage.ids), wanted, terms)


def part_no_of(job: Job) -> int:
    """Which part of its order a job is about; 0: all of it."""
    return int((job.payload or {}).get("part_no", 0))


async def open_tasks(
    connection: Connection, lane: int, fresh_ids: Iterator[int], wanted: Sequence[Wanted], terms: Terms
) -> None:
    """Tasks, one each, under the gate; each takes an id that was dealt there."""
    if wanted:
        at = clock.now()
        new = [_new(one, next(fresh_ids), at, terms) for one in wanted]
        await store.insert_tasks(connection, lane, at, new)


def wanted_of(order_id: int, sku: Sku, quantity: int, placed_at: datetime, *, part_no: int = 0) -> Wanted:
    """What is to be worked, by the words of its SKU."""
    minutes = sku.delivery_promise_minutes
    promised_by = None if minutes is None else placed_at + timedelta(minutes=minutes)
    return Wanted(order_id, sku.sku_id, sku.revision, quantity, sku.worked_by, promised_by, part_no)


def _new(one: Wanted, task_id: int, at: datetime, terms: Terms) -> NewTask:
    due_at, is_suppliers = due_of(one, at, terms), one.worker_org_id != STAFF
    return NewTask(
        one.order_id, one.part_no, task_id, one.sku_id, one.sku_revision, one.quantity, one.worker_org_id, due_at,
        warn_of(at, due_at) if is_suppliers else None, News.opened if is_suppliers else None,
    )  # fmt: skip


async def stop_orders(connection: Connection, ring: crypto.KeyRing, passage: Passage, batch: Sequence[Job]) -> None:
    """The job of orders, or parts of them, whose buyer wants them stopped: at once if nobody has begun, else whoever
    works it is asked, and refuses or answers."""
    standing = await orders.read_standing(connection, passage.lane, [job.subject_id for job in batch])
    stopped = [job for job in batch if standing[job.subject_id].state is State.cancelling]
    begun = await ask_to_stop(connection, passage.lane, list({job.subject_id for job in stopped}))
    instructions = [
        _stop(job.subject_id, part_no_of(job)) for job in stopped if (job.subject_id, part_no_of(job)) not in begun
    ]
    if instructions:
        await orders.act_within(connection, ring, passage, instructions)


def _stop(order_id: int, number: int) -> Instruction:
    if not number:
        return Instruction(order_id=order_id, command=Command.fail, key="stop")
    return Instruction(order_id=order_id, command=Command.fail_part, key=f"stop:{number}", part_no=number)


async def ask_to_stop(connection: Connection, lane: int, order_ids: Sequence[int]) -> set[tuple[int, int]]:
    """Close what nobody has begun, and ask the others to stop; returns the parts of orders (0: all of one) that are in
    hand, or were answered."""
    if not order_ids:
        return set()
    at, tasks = clock.now(), await store.tasks_of_orders(connection, lane, order_ids)
    live = [task for task in tasks if task.state in LIVE]
    if live:
        changed = [deciding.stop(task) if task.is_begun else deciding.close(task, at) for task in live]
        await store.set_tasks(connection, lane, changed)
    return {
        (task.order_id, task.part_no) for task in tasks if task.is_begun and task.state in LIVE | {TaskState.answered}
    }
