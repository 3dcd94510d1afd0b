"""Deciding what becomes of a task: pure. A task as it was read under the gate goes in, as it is then comes out.

Each refusal is exact, and leaves everything as it was. The same twice, by whoever did it first, changes nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

from kameng.fulfilment.errors import (
    AnswerDiffers,
    ClockFixed,
    NoSuchTask,
    TaskEnded,
    TaskNotTaken,
    TaskTaken,
    TaskWithSupplier,
)  # fmt: skip
from kameng.fulfilment.model import (
    CLOCKED,
    LIVE,
    RUNNING,
    STAFF,
    TRANSITIONS,
    WORKED,
    News,
    Step,
    Task,
    TaskState,
    Worker,
    warn_of,
)  # fmt: skip
from kameng.orders import State, StateForbids

_NOBODY: dict[str, Any] = {"taker_org_id": None, "taken_by": None, "taken_until": None}


def take(task: Task, worker: Worker, at: datetime, until: datetime) -> Task:
    """His from now on. The staff takes over what a supplier left until its time was up."""
    _check_worker(task, worker)
    _check_running(task)
    if task.is_held(at) and task.is_by(worker):
        return task
    if task.is_held(at) and not (worker.is_staff and task.is_overdue and task.taker_org_id != STAFF):
        raise TaskTaken
    told = News.taken_over if worker.is_staff and task.worker_org_id != STAFF else task.news
    return _step(
        task, Step.take, taker_org_id=worker.org_id, taken_by=worker.actor_id, taken_until=until, is_begun=True,
        news=told,
    )  # fmt: skip


def give_back(task: Task, worker: Worker, at: datetime) -> Task:
    """He did nothing for it. Where its buyer asked to stop it, he says so by refusing."""
    _check_running(task)
    _check_holder(task, worker, at)
    if task.order_state is State.cancelling:
        raise _not_now(task)
    return _step(task, Step.give_back, is_begun=False, **_NOBODY)


def end(task: Task, worker: Worker, at: datetime, step: Step, *, digest: bytes, reason: str = "") -> Task:
    """Answered or refused; the task as it was if this is what he said before."""
    if task.state in (TaskState.answered, TaskState.refused):
        if not task.is_by(worker):
            raise TaskTaken
        if task.digest != digest:
            raise AnswerDiffers(f"the task was {task.state}", detail_zh=f"任务状态为 {task.state}")
        return task
    _check_running(task)
    _check_holder(task, worker, at)
    return _step(task, step, digest=digest, reason=reason, ended_at=at, taken_until=None, warn_at=None)


def extend(task: Task, at: datetime, minutes: int) -> Task:
    """More time, once, for whoever asked in time."""
    _check_running(task)
    if task.is_extended or task.is_overdue or task.due_at <= at:
        raise ClockFixed
    due_at = task.due_at + timedelta(minutes=minutes)
    warn_at = None if task.worker_org_id == STAFF else warn_of(at, due_at)
    return msgspec.structs.replace(task, due_at=due_at, warn_at=warn_at, is_extended=True)


def stop(task: Task) -> Task:
    """Its buyer wants it stopped; whoever works it is told."""
    if task.state not in LIVE or task.is_stop_asked:
        return task
    return msgspec.structs.replace(task, is_stop_asked=True, news=_told(task, News.stop_asked))


def watch(task: Task, at: datetime) -> Task:
    """What the clock, or its order, makes of a live task."""
    if task.order_state not in RUNNING:
        return close(task, at)
    if task.state is TaskState.taken and not task.is_held(at):
        task = _step(task, Step.lapse, **_NOBODY)
    if not task.is_overdue and task.due_at <= at and task.order_state in CLOCKED:
        return msgspec.structs.replace(task, is_overdue=True, warn_at=None, news=_told(task, News.overdue))
    if task.warn_at is not None and task.warn_at <= at:
        return msgspec.structs.replace(task, warn_at=None, news=_told(task, News.due_soon))
    return task


def close(task: Task, at: datetime) -> Task:
    """Nobody has to work it any more."""
    return _step(task, Step.close, ended_at=at, warn_at=None, news=_told(task, News.closed), **_NOBODY)


def _step(task: Task, step: Step, **changes: Any) -> Task:
    return msgspec.structs.replace(task, state=TRANSITIONS[task.state, step], **changes)


def _told(task: Task, news: News) -> str | None:
    """The staff looks at its desk."""
    return None if task.worker_org_id == STAFF else news


def _check_worker(task: Task, worker: Worker) -> None:
    if not task.concerns(worker):
        raise NoSuchTask
    if worker.is_staff and not task.on_desk:
        raise TaskWithSupplier


def _check_running(task: Task) -> None:
    if task.state not in LIVE:
        raise TaskEnded(f"it was {task.state}", detail_zh=f"任务状态为 {task.state}")
    if task.order_state not in WORKED:
        raise _not_now(task)


def _check_holder(task: Task, worker: Worker, at: datetime) -> None:
    if not task.is_held(at):
        raise TaskNotTaken
    if not task.is_by(worker):
        raise TaskTaken


def _not_now(task: Task) -> StateForbids:
    return StateForbids(f"the order is {task.order_state}", detail_zh=f"订单当前状态为 {task.order_state}")
