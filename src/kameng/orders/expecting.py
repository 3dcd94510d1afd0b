"""The job that an order waits for, in each of its states. Pure.

A job is named after what must act: ``fulfilment.manual`` waits for people, ``fulfilment.topup`` for whoever tops up.
What nobody does yet rests as a due job, and is counted. A bundle has a job for each of its parts, with ``part_no``.
In a sandbox everything is played (``fulfilment.rehearse``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from kameng.catalogue import FROM_STOCK, KINDS
from kameng.kit import jobs
from kameng.orders.commands import Standing
from kameng.orders.model import NewOrder, OrderPart, PartState, State

FULFIL_JOBS = {kind: f"fulfilment.{kind}" for kind in KINDS if kind not in FROM_STOCK and kind != "bundle"}
"""Who has to act on an order of this kind."""
WITHDRAW_JOBS = {kind: f"{job}_withdraw" for kind, job in FULFIL_JOBS.items()}
"""Who is asked whether it can still be stopped."""
REHEARSE_JOB = "fulfilment.rehearse"
SETTLE_JOB = "orders.settle"

WAITING_FOR = {
    State.awaiting_payment: "orders.expire",
    State.held: "orders.decide",
    State.review: "orders.verify",
    State.failed: "orders.refund",
    State.refused: "orders.refund",
}
"""The job of states in which it does not matter what was bought."""

REHEARSED_AFTER = {
    State.fulfilling: timedelta(seconds=3),
    State.cancelling: timedelta(seconds=3),
    State.review: timedelta(seconds=15),
}
"""How long a sandbox's order stays in a state: long enough to be seen there."""


def first_job(order: NewOrder, at: datetime) -> jobs.NewJob:
    """Of an order that is paid, and held or not delivered from stock."""
    if order.state is State.held:
        return jobs.NewJob(WAITING_FOR[State.held], order.order_id, due_at=at)
    if order.wish.organisation.sandbox_of is not None:
        return jobs.NewJob(REHEARSE_JOB, order.order_id, due_at=at + REHEARSED_AFTER[State.fulfilling])
    return jobs.NewJob(FULFIL_JOBS[order.kind], order.order_id, due_at=at)


def first_part_jobs(order: NewOrder, at: datetime) -> list[jobs.NewJob]:
    """Of a bundle that was just placed. In a sandbox it is played as a whole; a person looks at a held one first."""
    is_whole = order.wish.organisation.sandbox or order.state is State.held
    return [] if is_whole else _part_jobs(FULFIL_JOBS, order.order_id, order.parts, at)


def jobs_of(order: Standing, kind: str, at: datetime) -> list[jobs.NewJob]:
    """What moves an order of this kind on: of a bundle under way, one for each part that is not there yet."""
    names = {State.fulfilling: FULFIL_JOBS, State.cancelling: WITHDRAW_JOBS}.get(order.state)
    if order.parts and names is not None and not order.is_sandbox:
        return _part_jobs(names, order.order_id, order.parts, at)
    one = job_of(order, kind, at)
    return [] if one is None else [one]


def _part_jobs(names: Mapping[str, str], order_id: int, parts: Sequence[OrderPart], at: datetime) -> list[jobs.NewJob]:
    """Each with the number of its part."""
    return [
        jobs.NewJob(names[part.kind], order_id, {"part_no": part.part_no}, at)
        for part in parts
        if part.state is PartState.waiting
    ]


def job_of(order: Standing, kind: str, at: datetime) -> jobs.NewJob | None:
    """What moves an order of this kind on, by itself or by a person; None if it may rest."""
    if order.confirm_until is not None:
        return jobs.NewJob(kind=SETTLE_JOB, subject_id=order.order_id, due_at=order.confirm_until)
    if order.is_sandbox and order.state in REHEARSED_AFTER:
        return jobs.NewJob(REHEARSE_JOB, order.order_id, due_at=at + REHEARSED_AFTER[order.state])
    if order.state is State.fulfilling:
        return jobs.NewJob(FULFIL_JOBS[kind], order.order_id, due_at=at)
    if order.state is State.cancelling:
        return jobs.NewJob(WITHDRAW_JOBS[kind], order.order_id, due_at=at)
    name = WAITING_FOR.get(order.state)
    if name is None:
        return None
    due_at = order.expires_at if order.state is State.awaiting_payment else at
    return jobs.NewJob(kind=name, subject_id=order.order_id, due_at=due_at)
