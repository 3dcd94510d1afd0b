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
from kameng.orders import Command, Instruction, Standing, State


async def open_orders(connection: Connection, passage: Passage, batch: Sequence[Job], terms: Terms) -> None:
    """The job of orders that people have to work."""
    standing = await orders.read_standing(connection, passage.lane, [job.subject_id for job in batch])
    wanted = [order for order in standing.values() if order.state is State.fulfilling and not order.is_sandbox]
    skus = await catalogue.read_revisions(connection, {(order.sku_id, order.sku_revision) for order in wanted})
    tasks = [_whole(order, skus[order.sku_id, order.sku_revision]) for order in wanted]
    await open_tasks(connection, passage.lane, iter(passage.ids), tasks, terms)


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


def _whole(order: Standing, sku: Sku) -> Wanted:
    return wanted_of(order.order_id, sku, order.quantity, order.placed_at)


def _new(one: Wanted, task_id: int, at: datetime, terms: Terms) -> NewTask:
    due_at, is_suppliers = due_of(one, at, terms), one.worker_org_id != STAFF
    return NewTask(
        one.order_id, one.part_no, task_id, one.sku_id, one.sku_revision, one.quantity, one.worker_org_id, due_at,
        warn_of(at, due_at) if is_suppliers else None, News.opened if is_suppliers else None,
    )  # fmt: skip


async def stop_orders(connection: Connection, ring: crypto.KeyRing, passage: Passage, batch: Sequence[Job]) -> None:
    """The job of orders whose buyer wants them stopped: at once if nobody has begun, else whoever works it is asked,
    and refuses or answers."""
    standing = await orders.read_standing(connection, passage.lane, [job.subject_id for job in batch])
    order_ids = [job.subject_id for job in batch if standing[job.subject_id].state is State.cancelling]
    begun = await ask_to_stop(connection, passage.lane, order_ids)
    instructions = [
        Instruction(order_id=order_id, command=Command.fail, key="stop")
        for order_id in order_ids
        if order_id not in begun
    ]
    if instructions:
        await orders.act_within(connection, ring, passage, instructions)


async def ask_to_stop(connection: Connection, lane: int, order_ids: Sequence[int]) -> set[int]:
    """Close what nobody has begun, and ask the others to stop; returns the orders of which something is in hand, or
    was answered."""
    if not order_ids:
        return set()
    at, tasks = clock.now(), await store.tasks_of_orders(connection, lane, order_ids)
    live = [task for task in tasks if task.state in LIVE]
    if live:
        changed = [deciding.stop(task) if task.is_begun else deciding.close(task, at) for task in live]
        await store.set_tasks(connection, lane, changed)
    return {task.order_id for task in tasks if task.is_begun and task.state in LIVE | {TaskState.answered}}
