"""Listing tasks: over all lanes, those that are due first at the top; accounts masked. A supplier sees his own only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from kameng import orders
from kameng.fulfilment import store
from kameng.fulfilment.errors import NoSuchTask
from kameng.fulfilment.model import LIVE, STAFF, Task, Worker
from kameng.fulfilment.store import Place
from kameng.kit import crypto, ids, lanes
from kameng.kit.db import Connection, Database

START = Place(datetime(2000, 1, 1, tzinfo=UTC), 0, 0)
"""Before every task."""


class ShownTask(msgspec.Struct, frozen=True):
    """A task with its order's account masked."""

    task: Task
    account: dict[str, str] | None


class TaskPage(msgspec.Struct, frozen=True):
    """Tasks by when they are due; ``next`` is where the next page begins, None on the last."""

    tasks: list[ShownTask]
    next: Place | None


async def list_tasks(
    db: Database, ring: crypto.KeyRing, worker: Worker, *, states: Sequence[str] = tuple(LIVE), after: Place = START,
    limit: int = 50, of_org: int | None = None, all_: bool = False,
) -> TaskPage:  # fmt: skip
    """A supplier's tasks; for the staff what is on its desk, or of one supplier, or with ``all_`` everything."""
    org_id = of_org if worker.is_staff else worker.org_id
    found: list[Task] = []
    async with db.connection() as connection:
        for lane in await lanes.lane_numbers(connection):
            if org_id is None or org_id == STAFF:
                found += await store.tasks_on_desk(connection, lane, states, after, limit + 1, all_=all_)
            else:
                found += await store.tasks_of_worker(connection, lane, org_id, states, after, limit + 1)
    found.sort(key=_place)
    page = found[:limit]
    last = Place(*_place(page[-1])) if len(found) > limit else None
    return TaskPage([_shown(ring, task) for task in page], last)


async def find_task(db: Database, ring: crypto.KeyRing, worker: Worker, task_id: int) -> ShownTask:
    """One task; ``NoSuchTask`` for somebody else's."""
    lane = ids.lane_of(task_id)
    async with db.connection() as connection:
        task = await store.read_task(connection, lane, task_id)
    if task is None or not task.concerns(worker):
        raise NoSuchTask
    return _shown(ring, task)


async def tasks_of(connection: Connection, lane: int, order_ids: Sequence[int]) -> list[Task]:
    """The tasks of some orders, for whoever divided them and for their story."""
    return await store.tasks_of_orders(connection, lane, order_ids)


def _place(task: Task) -> tuple[datetime, int, int]:
    return task.due_at, task.order_id, task.part_no


def _shown(ring: crypto.KeyRing, task: Task) -> ShownTask:
    return ShownTask(task, orders.masked_account(ring, task.order_id, task.account))
