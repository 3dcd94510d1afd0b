"""Working: a task is taken, given back, answered, refused, given more time; each in one transaction of its lane.

An answer goes to its buyer, and its order, or that part of it, is delivered, in the same transaction; a refusal pays
back. Whoever takes a task sees the account that he must act on, which is written down.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import msgspec

from kameng import catalogue, orders
from kameng.fulfilment import deciding, packing, store
from kameng.fulfilment.errors import BadAnswer, NoSuchTask
from kameng.fulfilment.model import EXTEND_MINUTES_MAX, Answer, Step, Task, Terms, Worker
from kameng.fulfilment.store import NewAnswer
from kameng.kit import audit, clock, crypto, ids, lanes
from kameng.kit.db import Connection, Database
from kameng.kit.lanes import Passage
from kameng.orders import IDS_EACH, Command, Instruction, Refused

OF_PARTS = {Command.deliver: Command.deliver_part, Command.fail: Command.fail_part}
"""What follows for a part of an order."""


class Taken(msgspec.Struct, frozen=True):
    """A task in hand, with the account that is to be acted on, in clear; ``repr`` does not show it."""

    task: Task
    account: dict[str, str] | None

    def __repr__(self) -> str:
        return f"Taken({self.task.task_id})"


async def take(db: Database, ring: crypto.KeyRing, worker: Worker, task_id: int, *, terms: Terms) -> Taken:
    """One takes it; whoever holds it gets the same once more."""
    async with _desk(db, worker, task_id, id_count=2) as (connection, passage, task):
        at = clock.now()
        taken = deciding.take(task, worker, at, at + timedelta(minutes=terms.manual_take_minutes))
        account = await _asked_of(connection, task, _open(ring, task))
        if taken is not task:
            await store.set_tasks(connection, passage.lane, [taken])
        lines = [_line(passage.ids[0], worker, taken, "task.take")] if taken is not task else []
        if account:
            lines.append(_line(passage.ids[1], worker, taken, "order.account.reveal", reason="task"))
        if lines:
            await audit.note(connection, passage.lane, at, lines)
    return Taken(taken, account)


async def give_back(db: Database, worker: Worker, task_id: int) -> Task:
    """Whoever holds it did nothing for it: it is open again."""
    async with _desk(db, worker, task_id, id_count=1) as (connection, passage, task):
        at = clock.now()
        given_back = deciding.give_back(task, worker, at)
        await store.set_tasks(connection, passage.lane, [given_back])
        await audit.note(connection, passage.lane, at, [_line(passage.ids[0], worker, task, "task.give_back")])
    return given_back


async def answer(
    db: Database, ring: crypto.KeyRing, worker: Worker, task_id: int, answer_: Answer, *, terms: orders.Terms
) -> Task:
    """The goods: sealed, and the order delivered. The same answer once more changes nothing."""
    packing.check(answer_)
    digest = packing.digest_of(ring, answer_)
    async with _desk(db, worker, task_id, id_count=IDS_EACH + 1) as (connection, passage, task):
        answered = deciding.end(task, worker, clock.now(), Step.answer, digest=digest)
        if answered is not task:
            sealed, image = packing.seal(ring, task.order_id, task.part_no, answer_)
            row = NewAnswer(
                task.order_id, task.part_no, sealed, image, packing.media_type_of(answer_.image), len(answer_.image)
            )
            await store.insert_answers(connection, passage.lane, clock.now(), [row])
            answered = await _end(connection, ring, passage, worker, answered, Command.deliver, terms)
    return answered


async def refuse(
    db: Database, ring: crypto.KeyRing, worker: Worker, task_id: int, reason: str, *, terms: orders.Terms
) -> Task:
    """There will be no goods, and why: the order fails and is paid back. Also the answer to a buyer who wants it
    stopped."""
    digest = ring.fingerprint(b"manual_refusal", reason.encode())
    async with _desk(db, worker, task_id, id_count=IDS_EACH + 1) as (connection, passage, task):
        orders.check_reason(reason, (_open(ring, task) or {}).values())
        refused = deciding.end(task, worker, clock.now(), Step.refuse, digest=digest, reason=reason)
        if refused is not task:
            refused = await _end(connection, ring, passage, worker, refused, Command.fail, terms)
    return refused


async def extend(
    db: Database, ring: crypto.KeyRing, worker: Worker, task_id: int, minutes: int, *, reason: str
) -> Task:
    """More time, once, with a reason."""
    if not 1 <= minutes <= EXTEND_MINUTES_MAX:
        raise BadAnswer(f"1 to {EXTEND_MINUTES_MAX}", field="minutes", detail_zh=f"应为 1 至 {EXTEND_MINUTES_MAX} 分钟")
    async with _desk(db, worker, task_id, id_count=1) as (connection, passage, task):
        orders.check_reason(reason, (_open(ring, task) or {}).values())
        at = clock.now()
        extended = deciding.extend(task, at, minutes)
        await store.set_tasks(connection, passage.lane, [extended])
        line = _line(passage.ids[0], worker, task, "task.extend", minutes=minutes, reason=reason)
        await audit.note(connection, passage.lane, at, [line])
    return extended


@asynccontextmanager
async def _desk(
    db: Database, worker: Worker, task_id: int, *, id_count: int
) -> AsyncIterator[tuple[Connection, Passage, Task]]:
    """A task under its lane's gate; ``NoSuchTask`` also for somebody else's."""
    lane = ids.lane_of(task_id)
    async with db.connection() as connection:
        if lane not in await lanes.lane_numbers(connection):
            raise NoSuchTask
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=id_count)
        task = await store.read_task(connection, lane, task_id)
        if task is None or not task.concerns(worker):
            raise NoSuchTask
        yield connection, passage, task


async def _end(
    connection: Connection, ring: crypto.KeyRing, passage: Passage, worker: Worker, task: Task, command: Command,
    terms: orders.Terms,
) -> Task:  # fmt: skip
    """What follows for the order, by its own verb; whatever that refuses undoes all of it. The task as it is then."""
    await store.set_tasks(connection, passage.lane, [task])
    line_id, rest = passage.ids[0], passage.ids[1:]
    await audit.note(connection, passage.lane, clock.now(), [_line(line_id, worker, task, f"task.{task.state}")])
    instruction = Instruction(
        order_id=task.order_id, command=OF_PARTS[command] if task.part_no else command, key=f"task:{task.task_id}",
        actor_id=worker.actor_id, reason=task.reason, part_no=task.part_no or None,
    )  # fmt: skip
    onward = msgspec.structs.replace(passage, ids=rest)
    (outcome,) = await orders.act_within(connection, ring, onward, [instruction], terms=terms)
    if isinstance(outcome, Refused):
        raise outcome.refusal()
    return msgspec.structs.replace(task, order_state=outcome.state)


async def _asked_of(connection: Connection, task: Task, account: dict[str, str] | None) -> dict[str, str] | None:
    """Of a part: what its own SKU asks for, and nothing that other parts need."""
    if not task.part_no or account is None:
        return account
    named = (task.sku_id, task.sku_revision)
    sku = (await catalogue.read_revisions(connection, [named]))[named]
    return catalogue.answers_of(sku.form, account) or None


def _open(ring: crypto.KeyRing, task: Task) -> dict[str, str] | None:
    """In clear; ``AccountNotOpened`` if that can't be, for nobody can work it then."""
    try:
        return None if task.account is None else orders.open_account(ring, task.order_id, task.account)
    except crypto.Unsealable:
        raise orders.AccountNotOpened(field="order") from None


def _line(audit_id: int, worker: Worker, task: Task, act: str, **more: Any) -> audit.Line:
    """In the name of the order's organisation, whose matter it is; who it was stands beside it."""
    data: Mapping[str, Any] = {"task": str(task.task_id), "worker": str(worker.org_id), **more}
    return audit.Line(audit_id, task.buyer_id, worker.actor_id, act, task.order_id, dict(data))
