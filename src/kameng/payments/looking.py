"""Asking providers about open payments: the notice may never come. What is over is closed there, not only here.

A payment is asked about 5, 10, 20 … 300 s after it began and at its end, then for a day more, ever more seldom; then
the bill of the day is the judge. None fails because the asking ran out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import msgspec

from kameng import channels
from kameng.channels import Channel, OutcomeClass
from kameng.kit import clock, jobs, lanes, logs
from kameng.kit.db import Connection
from kameng.kit.jobs import Job
from kameng.kit.money import MINOR_E4
from kameng.payments import store
from kameng.payments.deciding import View
from kameng.payments.model import GRACE_S, Fact, Payment, State, Told, next_query
from kameng.payments.opening import Workplace
from kameng.payments.taking import LAPSE_JOB, QUERY_JOB, resolve_hold, take

ABANDONED = timedelta(seconds=60)
"""After so long nobody is at the call any more that a payment was created for: its payer was never shown anything."""
LAPSE_AGAIN = timedelta(seconds=60)
log = logs.get_logger(__name__)


async def look(place: Workplace, lane: int, payment_id: int, *, close: bool = False) -> None:
    """Ask, take what is told, close what is over. Whatever the provider says or does not, this ends well."""
    async with place.db.connection() as connection:
        payment = (await store.read_payments(connection, lane, [payment_id])).get(payment_id)
        if payment is None or not payment.is_open:
            return
        payable = (await store.read_payables(connection, lane, [payment.payable_id]))[payment.payable_id]
    adapter = await place.channels.adapter(payment.channel_id)
    if adapter is None:
        return  # asked again later: somebody is at its credentials
    at = clock.now()
    is_over = (
        at >= payment.expires_at
        or payable.state != "open"
        or close
        or (payment.state is State.created and at >= payment.begun_at + ABANDONED)
    )
    try:
        fact = await _ask(adapter, payment, is_over=is_over)
    except Exception as error:  # no adapter should
        log.error("a query broke", error=error, payment_no=payment.payment_no)
        return
    if fact is not None:
        await take(place, lane, [Told(channel_id=payment.channel_id, fact=fact)])


async def ask_back(place: Workplace, lane: int, told: Told) -> Told | None:
    """A notice that may be forged (``needs_query``) is a hint: what its provider says when it is asked stands in its
    place; None if that is not that it was paid. What names no payment that could be booked is left as it was told."""
    fact = told.fact
    if not isinstance(fact, Fact) or fact.state is not channels.State.paid:
        return told
    async with place.db.connection() as connection:
        payment = (await store.read_payments(connection, lane, [fact.payment_id])).get(fact.payment_id)
    if payment is None or payment.channel_id != told.channel_id or payment.booked_at is not None:
        return told
    adapter = await place.channels.adapter(payment.channel_id)
    found = None if adapter is None else await adapter.query(payment.reference())
    if found is None or found.state is not channels.State.paid:
        return None
    return msgspec.structs.replace(told, fact=fact_of(payment, found))


async def _ask(adapter: Channel, payment: Payment, *, is_over: bool) -> Fact | None:
    """What the provider says for sure; None if it is still open, or nobody knows."""
    found = await adapter.query(payment.reference())
    if channels.CLASS_OF[found.outcome] is not OutcomeClass.done:
        return None
    if found.state in (channels.State.paid, channels.State.closed):
        return fact_of(payment, found)
    if not is_over or found.state not in (channels.State.waiting, channels.State.failed):
        return None
    closed = await adapter.close(payment.reference())
    if closed.outcome is channels.Outcome.done:
        return Fact(payment_id=payment.payment_id, channel_id=payment.channel_id, state=channels.State.closed,
                    code=closed.code)  # fmt: skip
    if closed.outcome is channels.Outcome.paid:
        found = await adapter.query(payment.reference())
        if found.state is channels.State.paid:
            return fact_of(payment, found)
    return None


def fact_of(payment: Payment, found: channels.Found) -> Fact:
    return Fact(
        payment_id=payment.payment_id, channel_id=payment.channel_id, state=found.state,
        amount_e4=None if found.amount_minor is None else found.amount_minor * MINOR_E4, currency=found.currency,
        account_no=found.account_no, provider_no=found.provider_no, payer=found.payer, paid_at=found.paid_at,
        code=found.code,
    )  # fmt: skip


async def settle(connection: Connection, passage: lanes.Passage, looked: Sequence[tuple[Job, object]]) -> None:
    """What is still open is asked about again; one id for each job."""
    at = clock.now()
    payments = await store.read_payments(connection, passage.lane, [job.subject_id for job, _ in looked])
    new: list[jobs.NewJob] = []
    given_up: list[Payment] = []
    for job, _ in looked:
        payment = payments.get(job.subject_id)
        if payment is None or not payment.is_open:
            continue
        payload = job.payload or {}
        step = int(payload.get("step", 0)) + 1
        due_at = next_query(step, at, expires_at=payment.expires_at)
        if due_at is None:
            given_up.append(msgspec.structs.replace(payment, state=State.unknown))
        else:
            new.append(jobs.NewJob(QUERY_JOB, payment.payment_id, {**payload, "step": step}, due_at))
    if given_up:
        await store.set_payments(connection, passage.lane, given_up)
    if new:
        await jobs.add(connection, passage.lane, new, passage.ids[: len(new)])


async def lapse(connection: Connection, passage: lanes.Passage, batch: Sequence[Job]) -> None:
    """Handler: what a wallet was to add is let go once nothing can be paid any more; one id for each job."""
    lane, at = passage.lane, clock.now()
    payables = await store.read_payables(connection, lane, {job.subject_id for job in batch})
    open_ones = {one.payable_id for one in await store.attempts_of(connection, lane, list(payables)) if one.is_open}
    view = View(at, {}, {}, payables, {}, set())
    again: list[jobs.NewJob] = []
    closed: dict[int, int | None] = {}
    for job in batch:
        payable = payables[job.subject_id]
        if payable.state != "open":
            continue
        if payable.payable_id in open_ones and at < payable.expires_at + timedelta(seconds=GRACE_S):
            again.append(jobs.NewJob(LAPSE_JOB, payable.payable_id, due_at=at + LAPSE_AGAIN))
            continue
        closed[payable.payable_id] = None
        if payable.hold_id is not None:
            await resolve_hold(connection, lane, payable.payable_id, view, kind="void")
    if closed:
        await store.end_payables(connection, lane, at, closed)
    if again:
        await jobs.add(connection, lane, again, passage.ids[: len(again)])
