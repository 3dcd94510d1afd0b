"""The statements of fulfilment, one thin function each. Callers hold the lane's gate when they write."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from kameng.fulfilment.model import CLOCKED, RUNNING, Task, TaskState
from kameng.kit import resealing, sql
from kameng.kit.db import Connection
from kameng.orders import SECRETS_VISIBLE, State

statements = sql.load("kameng.fulfilment")


class NewTask(msgspec.Struct, frozen=True):
    order_id: int
    part_no: int
    task_id: int
    sku_id: int
    sku_revision: int
    quantity: int
    worker_org_id: int
    due_at: datetime
    warn_at: datetime | None
    news: str | None


class Place(msgspec.Struct, frozen=True):
    """Where a page of tasks ended."""

    due_at: datetime
    order_id: int
    part_no: int


class Untold(msgspec.Struct, frozen=True):
    """What a supplier has to be told yet."""

    task_id: int
    order_id: int
    part_no: int
    sku_id: int
    quantity: int
    worker_org_id: int
    state: str
    due_at: datetime
    news: str


class Counted(msgspec.Struct, frozen=True):
    """Live tasks of a lane."""

    open: int
    taken: int
    overdue: int
    oldest: datetime | None


class NewAnswer(msgspec.Struct, frozen=True):
    order_id: int
    part_no: int
    sealed: bytes
    image: bytes | None
    media_type: str
    image_bytes: int


class AnswerRow(msgspec.Struct, frozen=True):
    """An answer as it lies there, without its image."""

    order_id: int
    part_no: int
    sealed: bytes
    media_type: str
    image_bytes: int
    answered_at: datetime


# tasks -----------------------------------------------------------------------------------------------------


async def insert_tasks(connection: Connection, lane: int, at: datetime, tasks: Sequence[NewTask]) -> None:
    columns = [list(column) for column in zip(*map(msgspec.structs.astuple, tasks), strict=True)]
    await connection.execute(statements.insert_tasks, lane, at, *columns)


async def read_task(connection: Connection, lane: int, task_id: int) -> Task | None:
    row = await connection.fetchrow(statements.read_task, lane, task_id)
    return None if row is None else _task(row)


async def tasks_of_orders(connection: Connection, lane: int, order_ids: Sequence[int]) -> list[Task]:
    return [_task(row) for row in await connection.fetch(statements.tasks_of_orders, lane, list(order_ids))]


async def tasks_of_worker(
    connection: Connection, lane: int, org_id: int, states: Sequence[str], after: Place, limit: int
) -> list[Task]:
    place = msgspec.structs.astuple(after)
    rows = await connection.fetch(statements.tasks_of_worker, lane, org_id, states, *place, limit, list(RUNNING))
    return [_task(row) for row in rows]


async def tasks_on_desk(
    connection: Connection, lane: int, states: Sequence[str], after: Place, limit: int, *, all_: bool
) -> list[Task]:
    place = msgspec.structs.astuple(after)
    rows = await connection.fetch(statements.tasks_on_desk, lane, all_, states, *place, limit, list(RUNNING))
    return [_task(row) for row in rows]


async def tasks_to_watch(connection: Connection, lane: int, at: datetime, limit: int) -> list[Task]:
    rows = await connection.fetch(statements.tasks_to_watch, lane, at, list(RUNNING), list(CLOCKED), limit)
    return [_task(row) for row in rows]


async def set_tasks(connection: Connection, lane: int, tasks: Sequence[Task]) -> None:
    rows = [
        (
            t.task_id, t.state, t.due_at, t.warn_at, t.is_overdue, t.is_extended, t.is_begun, t.is_stop_asked,
            t.taker_org_id, t.taken_by, t.taken_until, t.digest, t.ended_at, t.reason, t.news,
        )
        for t in tasks
    ]  # fmt: skip
    await connection.execute(statements.set_tasks, lane, *map(list, zip(*rows, strict=True)))


def _task(row: Any) -> Task:
    named = dict(row.items())
    named |= {
        "state": TaskState(named["state"]), "order_state": State(named["order_state"]),
        "buyer_id": named.pop("org_id"),
    }  # fmt: skip
    return Task(**named)


async def suppliers_to_tell(connection: Connection, lane: int) -> list[int]:
    return [row["worker_org_id"] for row in await connection.fetch(statements.suppliers_to_tell, lane)]


async def tasks_to_tell(connection: Connection, lane: int, org_ids: Sequence[int], limit: int) -> list[Untold]:
    return [Untold(*row) for row in await connection.fetch(statements.tasks_to_tell, lane, list(org_ids), limit)]


async def mark_told(connection: Connection, lane: int, task_ids: Sequence[int]) -> None:
    await connection.execute(statements.mark_told, lane, list(task_ids))


async def count_tasks(connection: Connection, lane: int, at: datetime) -> Counted:
    row = await connection.fetchrow(statements.count_tasks, lane, at)
    assert row is not None
    return Counted(*row)


async def task_mark(connection: Connection, lane: int, worker_org_id: int) -> tuple[int, int]:
    """Differs when a worker's live tasks of a lane do; the gate is not needed."""
    row = await connection.fetchrow(statements.task_mark, lane, worker_org_id)
    assert row is not None
    return row["tasks"], row["newest_id"]


async def count_waiting(connection: Connection, lane: int, kinds: Sequence[str]) -> dict[str, int]:
    rows = await connection.fetch(statements.count_waiting, lane, list(kinds))
    return {row["kind"]: row["orders"] for row in rows}


# answers ---------------------------------------------------------------------------------------------------


async def insert_answers(connection: Connection, lane: int, at: datetime, answers: Sequence[NewAnswer]) -> None:
    columns = [list(column) for column in zip(*map(msgspec.structs.astuple, answers), strict=True)]
    await connection.execute(statements.insert_answers, lane, at, *columns)


async def read_answers(connection: Connection, lane: int, order_ids: Sequence[int]) -> list[AnswerRow]:
    return [AnswerRow(*row) for row in await connection.fetch(statements.read_answers, lane, list(order_ids))]


async def shown_answers(
    connection: Connection, lane: int, order_id: int, org_id: int, since: datetime
) -> list[AnswerRow]:
    rows = await connection.fetch(statements.shown_answers, lane, order_id, org_id, list(SECRETS_VISIBLE), since)
    return [AnswerRow(*row) for row in rows]


async def shown_image(
    connection: Connection, lane: int, order_id: int, org_id: int, since: datetime, part_no: int
) -> tuple[bytes, str] | None:
    """The sealed image and what it is."""
    row = await connection.fetchrow(
        statements.shown_image, lane, order_id, org_id, list(SECRETS_VISIBLE), since, part_no
    )
    return None if row is None else (row["image"], row["media_type"])


async def read_image(connection: Connection, lane: int, order_id: int, part_no: int) -> tuple[bytes, str] | None:
    row = await connection.fetchrow(statements.read_image, lane, order_id, part_no)
    return None if row is None else (row["image"], row["media_type"])


async def forget_answers(connection: Connection, lane: int, order_ids: Sequence[int]) -> list[int]:
    rows = await connection.fetch(statements.forget_answers, lane, list(order_ids))
    return [row["order_id"] for row in rows]


async def forget_old_answers(connection: Connection, lane: int, before_id: int, limit: int) -> int:
    status = await connection.execute(statements.forget_old_answers, lane, before_id, limit)
    return int(status.rpartition(" ")[2])


async def parts_answered(connection: Connection, lane: int) -> list[int]:
    return [row["part_no"] for row in await connection.fetch(statements.parts_answered, lane)]


async def under_other_keys(
    connection: Connection, lane: int, after_id: int, key_number: int, limit: int, *, part_no: int, images: bool
) -> list[tuple[int, bytes]]:
    statement = statements.images_under_other_keys if images else statements.answers_under_other_keys
    rows = await connection.fetch(
        statement, lane, after_id, key_number, limit, part_no, timeout=resealing.LOOK_TIMEOUT_S
    )
    return [(row[0], row[1]) for row in rows]


async def reseal(
    connection: Connection, lane: int, sealed: Sequence[tuple[int, bytes, bytes]], *, part_no: int, images: bool
) -> None:
    """(order id, fresh, old) each; a row that changed since it was read is left alone."""
    statement = statements.reseal_images if images else statements.reseal_answers
    await connection.execute(statement, lane, part_no, *map(list, zip(*sealed, strict=True)))
