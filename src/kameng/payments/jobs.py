"""The jobs of payments: providers asked, refunds sent, what lapses, and what lies on the desk for a person."""

from __future__ import annotations

from kameng import finance, orders
from kameng.kit import jobs
from kameng.kit.jobs import Handler, Inside, Job, Outside
from kameng.payments import deferring, looking, paying_out, returning
from kameng.payments.keeping import PAPER_JOB, PAPER_SAID
from kameng.payments.opening import Workplace
from kameng.payments.taking import DEFERRED_JOB, LAPSE_JOB, MISMATCH_JOB, QUERY_JOB, REFUND_JOB, STRAY_JOB

DESK = {
    paying_out.STUCK_JOB: paying_out.STUCK_SAID,
    PAPER_JOB: PAPER_SAID,
    MISMATCH_JOB: "渠道到账与应付不符或无法退回，款项挂账待核 What came is not what was asked for, or can't go back.",
    DEFERRED_JOB: deferring.DEFERRED_SAID,
    STRAY_JOB: "渠道通知了不认识的付款 A provider told of a payment that is none of ours.",
}
"""What a person is asked for."""


def handlers(place: Workplace) -> list[Handler]:
    """For the worker."""

    async def look(job: Job) -> None:
        await looking.look(place, job.lane, job.subject_id, close=bool((job.payload or {}).get("close")))

    async def conclude(job: Job) -> returning.Tried:
        return await returning.conclude(place, job)

    async def pay(job: Job) -> paying_out.Asked:
        return await paying_out.pay(place, job)

    async def ask(job: Job) -> paying_out.Asked:
        return await paying_out.look(place, job)

    def desk(kind: str, asked: str) -> Inside:
        async def run(*_: object) -> None:
            raise jobs.GiveUp(asked)

        return Inside(kind, run)

    return [
        Outside(QUERY_JOB, look, query=look, settle=looking.settle, ids_per_job=1, concurrency=32),
        Outside(REFUND_JOB, conclude, query=conclude, settle=returning.settle),
        Outside(
            finance.PAYOUT_JOB, pay, query=ask, settle=paying_out.settle, ids_per_job=finance.IDS_EACH, concurrency=8
        ),
        Inside(orders.ORIGIN_JOB, returning.give_back, ids_per_job=3),
        Inside(LAPSE_JOB, looking.lapse, ids_per_job=1),
        *(desk(*one) for one in DESK.items()),
    ]
