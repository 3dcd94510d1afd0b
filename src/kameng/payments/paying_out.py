"""The worker's part of payouts: a provider is asked to pay, or whether it has; what it says is written down.

Withdrawals and their money are finance's: ``finance.conclude`` is the one place where an answer has an effect. A
payout has one number for all its tries. What got no answer is asked about and never paid in another way; what nobody
could find out lies on the desk.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from kameng import channels, finance
from kameng.channels import CLASS_OF, OutcomeClass, PaidOut
from kameng.finance import Payout, PayoutState
from kameng.kit import clock, ids, jobs, lanes, logs
from kameng.kit.db import Connection, Database
from kameng.kit.jobs import Job
from kameng.kit.money import MINOR_E4
from kameng.payments.errors import NoSuchChannel
from kameng.payments.keeping import find_channel
from kameng.payments.model import ChannelAccount
from kameng.payments.opening import Workplace

STUCK_JOB = "payments.payout_stuck"
STUCK_SAID = "打款结果需人工核实，请先到渠道后台查询 What became of this payout is not known: ask its provider first."
TITLE = "提现"
FAILED_SAID = "收款账户无法入账 the payee's account can't take it"
log = logs.get_logger(__name__)


def can_pay_out(channel: ChannelAccount) -> bool:
    """Whether withdrawals may be paid by it."""
    spec = channels.PROTOCOLS.get(channel.protocol)
    return spec is not None and spec.pays_out and channel.is_on and not channel.org_id


async def send_withdrawal(db: Database, withdrawal_id: int, channel_id: int, *, actor_id: int) -> Payout:
    """An approved withdrawal to an Alipay account leaves by this account of the platform's."""
    channel = await find_channel(db, channel_id)
    if not can_pay_out(channel):
        raise NoSuchChannel(field="channel")
    return await finance.send_by_alipay(db, withdrawal_id, channel_id, actor_id=actor_id)


class Asked(msgspec.Struct, frozen=True):
    """What a provider answered. None: there was nothing to ask. ``was_sent``: it was asked to pay; ``is_lost``: a call
    before got no answer, for whoever made it is gone."""

    answer: PaidOut | None = None
    was_sent: bool = False
    is_lost: bool = False


async def pay(place: Workplace, job: Job) -> Asked:
    """To be paid, or whether it was."""
    return await _ask(place, job, is_lost=False)


async def look(place: Workplace, job: Job) -> Asked:
    """After a worker was lost in the middle of a call: only asked about."""
    return await _ask(place, job, is_lost=True)


async def _ask(place: Workplace, job: Job, *, is_lost: bool) -> Asked:
    async with place.db.connection() as connection:
        one = (await finance.read_payouts(connection, job.lane, [job.subject_id])).get(job.subject_id)
        if one is None or one.channel_id is None or one.state not in LIVE:
            return Asked()
        payee = await finance.payee_of(connection, place.ring, job.lane, one.payout_id)
    adapter = await place.channels.adapter(one.channel_id)
    if not isinstance(adapter, channels.Payouts):
        raise jobs.NotDone("the channel can't be opened")
    asked = channels.Payout(
        payout_no=one.payout_no, amount_minor=one.amount_e4 // MINOR_E4, currency=one.currency, account=payee.account,
        name=payee.name, title=TITLE,
    )  # fmt: skip
    was_sent = one.state is PayoutState.requested and not is_lost
    try:
        answer = await (adapter.pay_out if was_sent else adapter.payout_query)(asked)
    except Exception as error:  # no adapter should; what it did nobody knows
        log.error("a payout's call broke", error=error, payout_no=one.payout_no)
        answer = PaidOut(outcome=channels.Outcome.unknown)
    return Asked(answer, was_sent, is_lost)


LIVE = frozenset({PayoutState.requested, PayoutState.sent, PayoutState.unknown})


async def settle(connection: Connection, passage: lanes.Passage, asked: Sequence[tuple[Job, Asked]]) -> None:
    """Write what came of payouts; those that are not over are asked about again, or lie on the desk."""
    lane, at = passage.lane, clock.now()
    payouts = await finance.read_payouts(connection, lane, [job.subject_id for job, _ in asked])
    each = finance.IDS_EACH
    for place, (job, came) in enumerate(asked):
        one, fresh_ids = payouts.get(job.subject_id), passage.ids[place * each :][:each]
        if one is None or came.answer is None or one.state not in LIVE:
            continue
        if came.is_lost:
            one = msgspec.structs.replace(one, unanswered_at=at)
        after = finance.after_answer(one, came.answer, at, was_sent=came.was_sent)
        if after.state is PayoutState.done and await finance.is_used(connection, after.provider_no or after.payout_no):
            after = msgspec.structs.replace(after, state=PayoutState.abnormal, ended_at=None)  # paid another one
        await finance.conclude(connection, lane, after, fresh_ids, note=_note(came.answer))
        if after.state is PayoutState.abnormal:
            stuck = jobs.NewJob(STUCK_JOB, one.payout_id, {"number": one.payout_no, "code": after.code})
            await jobs.lay_on_desk(connection, lane, fresh_ids[-1], stuck, error=STUCK_SAID)
        elif after.state in LIVE:
            due_at = finance.next_try(after.tries, at)
            again = jobs.NewJob(finance.PAYOUT_JOB, one.payout_id, due_at=due_at)
            await jobs.add(connection, lane, [again], fresh_ids[-1:])


def _note(answer: PaidOut) -> str:
    is_payees = CLASS_OF[answer.outcome] is OutcomeClass.refused or answer.code
    return f"{FAILED_SAID}: {answer.code}" if is_payees else FAILED_SAID


async def decide_payout(
    db: Database, withdrawal_id: int, *, reference: str = "", note: str = "", actor_id: int
) -> Payout:
    """As ``finance.decide_payout``; what lay on the desk for it goes."""
    done = await finance.decide_payout(db, withdrawal_id, reference=reference, note=note, actor_id=actor_id)
    await _clear_desk(db, withdrawal_id)
    return done


async def retry_payout(db: Database, withdrawal_id: int, *, actor_id: int) -> Payout:
    done = await finance.retry_payout(db, withdrawal_id, actor_id=actor_id)
    await _clear_desk(db, withdrawal_id)
    return done


async def _clear_desk(db: Database, withdrawal_id: int) -> None:
    lane = ids.lane_of(withdrawal_id)
    async with db.transaction() as connection:
        await lanes.pass_gate(connection, lane)
        await jobs.withdraw(connection, lane, [jobs.NewJob(STUCK_JOB, withdrawal_id)])
