"""The jobs of orders: what comes due for an order by itself, and what waits on the desk for a person.

All of them are rows only. A job that comes when its order has moved on finds nothing to do.
"""

from __future__ import annotations

from collections.abc import Sequence

from kameng.kit import crypto, jobs
from kameng.kit.db import Connection
from kameng.kit.jobs import Handler, Inside, Job
from kameng.kit.lanes import Passage
from kameng.ledger import LedgerRefused
from kameng.orders.acting import IDS_EACH, act_within
from kameng.orders.commands import Instruction, Terms
from kameng.orders.drafting import MISMATCH_JOB, RETURN_JOB
from kameng.orders.expecting import SETTLE_JOB
from kameng.orders.model import Command, Refused
from kameng.orders.telling import TELL_JOB, Reach, tell_guests

DUE = {
    "orders.expire": Command.expire,
    "orders.refund": Command.refund,
    SETTLE_JOB: Command.settle,
}
"""What is done when a job comes due."""

DESK = {
    "orders.decide": "订单已冻结待审：放行或拒绝 The order is held: release or refuse it (`kameng order decide`).",
    "orders.verify": "结果未知，请人工核实 The outcome is unknown: find out, then deliver, fail or resubmit it.",
    RETURN_JOB: "须原路退回顾客付款 Return the guest's money through its channel; it waits in suspense.",
    MISMATCH_JOB: "付款金额不符 The amount paid is not the order's; it waits in suspense.",
}
"""What a person is asked for."""


def handlers(ring: crypto.KeyRing, terms: Terms, reach: Reach | None = None) -> list[Handler]:
    """For the worker; without ``reach`` no guest is told anything."""

    def due(kind: str, command: Command) -> Inside:
        async def run(connection: Connection, passage: Passage, batch: list[Job]) -> None:
            await _run_due(connection, ring, passage, command, batch, terms)

        return Inside(kind, run, ids_per_job=IDS_EACH)

    def desk(kind: str, asked: str) -> Inside:
        async def run(*_: object) -> None:
            raise jobs.GiveUp(asked)

        return Inside(kind, run)

    async def tell(connection: Connection, passage: Passage, batch: list[Job]) -> None:
        await tell_guests(connection, ring, passage, batch, reach or Reach())

    told = Inside(TELL_JOB, tell, ids_per_job=2)
    return [told, *(due(*one) for one in DUE.items()), *(desk(*one) for one in DESK.items())]


async def _run_due(
    connection: Connection,
    ring: crypto.KeyRing,
    passage: Passage,
    command: Command,
    batch: Sequence[Job],
    terms: Terms,
) -> None:
    instructions = [Instruction(order_id=job.subject_id, command=command, key=str(job.job_id)) for job in batch]
    for outcome in await act_within(connection, ring, passage, instructions, terms=terms):
        if isinstance(outcome, Refused) and outcome.reason is LedgerRefused:
            raise jobs.NotDone(f"the ledger refused it: {outcome.detail}")
