"""Money back to where it came from: by the same channel, under one number however often it is tried.

    requested ─► sent ─► done | failed | abnormal          unknown: the same call again, with the same number

What goes back waits in suspense until its provider says that it is there. What the provider won't give back lies on the
desk: a person returns it by other means and books that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from kameng import channels, ledger, orders
from kameng.channels import OutcomeClass
from kameng.kit import clock, ids, jobs, lanes, logs, money
from kameng.kit.db import Connection
from kameng.kit.jobs import Job
from kameng.kit.money import MINOR_E4
from kameng.ledger import House, Leg, house_account
from kameng.payments import store
from kameng.payments.deciding import Plan, View, move_refund
from kameng.payments.errors import NoSuchPayment, NotRefundableNow
from kameng.payments.model import (
    REFUND_TRIES_MAX,
    Kind,
    Origin,
    Payment,
    Refund,
    RefundFact,
    RefundState,
    Told,
    next_refund_try,
    refund_of,
)
from kameng.payments.opening import Workplace
from kameng.payments.taking import MISMATCH_JOB, REFUND_JOB, desk_of_refund, take

SUBJECT_CHARS_MAX = 80
log = logs.get_logger(__name__)


async def give_back(connection: Connection, passage: lanes.Passage, batch: Sequence[Job]) -> None:
    """Handler: what an order or a late payment gives back becomes refunds; three ids for each job."""
    lane, fresh = passage.lane, iter(passage.ids)
    payment_ids = {ids.parse(job.payload["payment_id"]) for job in batch}
    payments = await store.read_payments(connection, lane, payment_ids)
    payables = await store.read_payables(connection, lane, {one.payable_id for one in payments.values()})
    room = await _room(connection, lane, payments)
    refunds: list[Refund] = []
    new: list[jobs.NewJob] = []
    for job in batch:
        payment = payments[ids.parse(job.payload["payment_id"])]
        wanted_e4 = money.parse_e4(job.payload["amount"])
        given_e4 = min(wanted_e4, room[payment.payment_id]) // MINOR_E4 * MINOR_E4
        if given_e4:
            refunds.append(refund_of(payment, next(fresh), given_e4, f"job:{job.job_id}", job.payload["cause"]))
            new.append(jobs.NewJob(REFUND_JOB, refunds[-1].refund_id))
            room[payment.payment_id] -= given_e4
        if wanted_e4 > given_e4:
            payable = payables[payment.payable_id]
            left = await _to_wallet(connection, lane, payable, wanted_e4 - given_e4, job.job_id, next(fresh))
            new += [] if left is None else [left]
    if refunds:
        await store.insert_refunds(connection, lane, clock.now(), refunds)
    if new:
        await jobs.add(connection, lane, new, (await lanes.pass_gate(connection, lane, id_count=len(new))).ids)


async def _room(connection: Connection, lane: int, payments: Mapping[int, Payment]) -> dict[int, int]:
    """How much more of each payment may go back: what was paid, less what is on its way or there."""
    room = {number: one.paid_e4 or 0 for number, one in payments.items()}
    for refund in await store.refunds_of(connection, lane, payments):
        if refund.state is not RefundState.failed:
            room[refund.payment_id] -= refund.amount_e4
    return room


async def _to_wallet(
    connection: Connection, lane: int, payable: Any, amount_e4: int, job_id: int, transfer_id: int
) -> jobs.NewJob | None:
    """What the channel did not bring came from the wallet; where there is none, a person sees to it."""
    if payable.wallet_e4:
        leg = Leg(
            f"payment_rest:{job_id}", house_account(House.suspense, payable.currency), payable.org_id, amount_e4,
            "payment_rest", payable.payable_id,
        )  # fmt: skip
        postings = await ledger.post_chain(connection, lane, [leg], [transfer_id])
        if postings[0].result is ledger.Result.created:
            return None
    payload = {"amount": money.format_e4(amount_e4), "currency": payable.currency, "why": "more than was paid"}
    kind = orders.RETURN_JOB if payable.kind is Kind.order else MISMATCH_JOB
    return jobs.NewJob(kind, payable.payable_id, payload)


async def refund_to_origin(
    place: Workplace, payment_id: int, *, amount_e4: int | None = None, key: str, reason: str, actor_id: int
) -> orders.Acted:
    """Staff gives back what an order cost, or some of it, to where it came from; the order's own ``refund``."""
    async with place.db.connection() as connection:
        lane = ids.lane_of(payment_id)
        found = (
            (await store.read_payments(connection, lane, [payment_id])).get(payment_id)
            if lane in await lanes.lane_numbers(connection)
            else None
        )
    if found is None:
        raise NoSuchPayment
    if found.taken_as != "order" or found.refunded_e4 == found.paid_e4:
        raise NotRefundableNow
    instruction = orders.Instruction(
        order_id=found.payable_id, command=orders.Command.refund, key=key, by=orders.By.staff, actor_id=actor_id,
        reason=reason, amount_e4=amount_e4, to_origin=True,
    )  # fmt: skip
    return await orders.act_on(place.db, place.ring, instruction, terms=place.terms)


# the call, and what came of it -----------------------------------------------------------------------------


class Tried(msgspec.Struct, frozen=True):
    """What a provider answered to a refund, and through which channel. None: there was nothing to ask."""

    answer: channels.Refunded | None = None
    channel_id: int = 0


async def send(place: Workplace, job: Job) -> Tried:
    """Ask a provider to give back, or whether it has: the same number is the same refund."""
    async with place.db.connection() as connection:
        refund = (await store.read_refunds(connection, job.lane, [job.subject_id])).get(job.subject_id)
        payment = (
            None
            if refund is None
            else (await store.read_payments(connection, job.lane, [refund.payment_id])).get(refund.payment_id)
        )
    if refund is None or refund.state in (RefundState.done, RefundState.failed):
        return Tried()
    asked = _asked(place, refund, payment)
    if asked is None:
        return Tried()
    adapter = await place.channels.adapter(refund.channel_id)
    if adapter is None:
        raise jobs.NotDone("the channel can't be opened")
    call = adapter.refund_query if refund.state in (RefundState.sent, RefundState.abnormal) else adapter.refund
    try:
        return Tried(await call(asked), refund.channel_id)
    except Exception as error:  # no adapter should; what it did nobody knows
        log.error("a refund's call broke", error=error, refund_no=refund.refund_no)
        return Tried(channels.Refunded(outcome=channels.Outcome.unknown), refund.channel_id)


def _asked(place: Workplace, refund: Refund, payment: Payment | None) -> channels.Refund | None:
    if refund.origin is not None:
        origin = refund.origin
    elif payment is not None:
        origin = Origin(payment.payment_no, payment.provider_no, payment.paid_e4 or 0, payment.begun_at)
    else:
        return None
    return channels.Refund(
        refund_no=refund.refund_no, payment_no=origin.payment_no, provider_no=origin.provider_no,
        amount_minor=refund.amount_e4 // MINOR_E4, total_minor=origin.total_e4 // MINOR_E4,
        currency=refund.currency, reason=refund.reason[:SUBJECT_CHARS_MAX],
        notify_url=place.notify_url(refund.channel_id), begun_at=origin.at, asked_at=refund.asked_at,
    )  # fmt: skip


async def settle(connection: Connection, passage: lanes.Passage, tried: Sequence[tuple[Job, Tried]]) -> None:
    """Write what came of refunds; those that are not over are asked about again."""
    lane, at = passage.lane, clock.now()
    refunds = await store.read_refunds(connection, lane, [job.subject_id for job, _ in tried])
    new: list[jobs.NewJob] = []
    moved: list[Refund] = []
    for job, came in tried:
        refund = refunds.get(job.subject_id)
        if refund is None or came.answer is None or refund.state in (RefundState.done, RefundState.failed):
            continue
        after = after_answer(refund, came.answer, at)
        moved.append(after)
        if after.state in (RefundState.failed, RefundState.abnormal):
            payables = await store.read_payables(connection, lane, [refund.payable_id])
            view = View(at, {}, {}, payables, {refund.refund_id: after}, set())
            new.append(desk_of_refund(view, refund.refund_id))
        else:
            new.append(jobs.NewJob(REFUND_JOB, refund.refund_id, due_at=next_refund_try(after.tries, at)))
    if moved:
        await store.set_refunds(connection, lane, moved)
    if new:
        await jobs.add(connection, lane, new, (await lanes.pass_gate(connection, lane, id_count=len(new))).ids)


def after_answer(refund: Refund, answer: channels.Refunded, at: datetime) -> Refund:
    """Where a refund stands after an answer that is not the last word. Pure."""
    plan, view = Plan(), View(at, {}, {}, {}, {refund.refund_id: refund}, set())
    kind = channels.CLASS_OF[answer.outcome]
    if kind is OutcomeClass.done:
        is_sent = answer.state is channels.RefundState.processing
        state = RefundState.sent if is_sent else RefundState.unknown
    elif kind is OutcomeClass.refused and refund.state is not RefundState.sent:
        state = RefundState.requested  # to the same number: whatever was sent before was not done
    elif kind is OutcomeClass.retry and refund.state is RefundState.requested:
        state = RefundState.requested
    else:
        state = RefundState.unknown
    if refund.tries + 1 >= REFUND_TRIES_MAX:
        # Surely not done: by other means. Else nobody knows, and whoever looks has to ask the provider first.
        state = RefundState.failed if state is RefundState.requested else RefundState.abnormal
    if state is not refund.state:
        move_refund(view, plan, refund, state, code=answer.code, provider_refund_no=answer.provider_refund_no)
    return msgspec.structs.replace(view.refunds[refund.refund_id], tries=refund.tries + 1)


async def conclude(place: Workplace, job: Job) -> Tried:
    """The call as a job makes it: a last word goes the way that a notice of it goes."""
    tried = await send(place, job)
    answer = tried.answer
    if answer is None or not is_last_word(answer):
        return tried
    amount_e4 = None if answer.amount_minor is None else answer.amount_minor * MINOR_E4
    fact = RefundFact(
        refund_id=job.subject_id, channel_id=tried.channel_id, state=answer.state, amount_e4=amount_e4,
        provider_refund_no=answer.provider_refund_no, code=answer.code,
    )  # fmt: skip
    await take(place, job.lane, [Told(channel_id=tried.channel_id, fact=fact)])
    return Tried()


def is_last_word(answer: channels.Refunded) -> bool:
    kind, state = channels.CLASS_OF[answer.outcome], answer.state
    if kind is OutcomeClass.done:
        return state in (channels.RefundState.done, channels.RefundState.failed, channels.RefundState.abnormal)
    return kind is OutcomeClass.refused and state in (channels.RefundState.failed, channels.RefundState.abnormal)
