"""Payouts: how the money of approved withdrawals leaves, what is said of it, and what that makes of it. Pure.

    bank:    sent ─► done | failed                                    by the bank's result, or a person's word
    alipay:  requested ─► sent ─► done | failed | abnormal            unknown: asked about with the same number
                ▲                                │
                └────── nothing of it there ─────┘
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from kameng import channels
from kameng.channels import CLASS_OF, Outcome, OutcomeClass
from kameng.kit import ids
from kameng.kit.money import MINOR_E4


class PayoutState(StrEnum):
    requested = "requested"  # surely not done
    sent = "sent"  # the provider, or the bank, has it in hand
    unknown = "unknown"  # a call got no answer to be trusted
    abnormal = "abnormal"  # a person has to look
    done = "done"
    failed = "failed"


PAYOUT_STATES_ZH = {
    PayoutState.requested: "待发送", PayoutState.sent: "处理中", PayoutState.unknown: "结果未知，查询中",
    PayoutState.abnormal: "待人工核实", PayoutState.done: "已到账", PayoutState.failed: "已失败",
}  # fmt: skip
ENDED = frozenset({PayoutState.done, PayoutState.failed})


class Payout(msgspec.Struct, frozen=True):
    """Of one withdrawal, whose id is its own too."""

    payout_id: int
    org_id: int
    method: str
    channel_id: int | None
    batch_id: int | None
    amount_e4: int
    fee_e4: int
    currency: str
    state: PayoutState
    tries: int
    provider_no: str
    code: str
    unanswered_at: datetime | None
    asked_by: int
    asked_at: datetime
    ended_by: int | None = None
    ended_at: datetime | None = None

    @property
    def payout_no(self) -> str:
        return number_of(self.payout_id)


class Batch(msgspec.Struct, frozen=True):
    """A bank's file."""

    batch_id: int
    lines: int
    amount_e4: int
    made_by: int
    made_at: datetime


def number_of(payout_id: int) -> str:
    return f"W{payout_id}"


def id_of_number(number: str) -> int | None:
    """Of a number as it came from outside; None if it is none of ours."""
    if number[:1] != "W":
        return None
    try:
        return ids.parse(number[1:])
    except ValueError:
        return None


DOUBT_S = 600
"""So long after a call without an answer a refusal is not believed: the lost one may still be done."""
AFTER_S = (5, 10, 30, 60, 300, 900, 1800, 3600)
TRIES_MAX = 60
"""Some two days; then a person looks."""
REFUSED_TRIES_MAX = 15
"""Of what surely was not done, for a fault of our own: some hours."""


def next_try(tries: int, at: datetime) -> datetime:
    return at + timedelta(seconds=AFTER_S[min(tries, len(AFTER_S) - 1)])


def after_answer(one: Payout, answer: channels.PaidOut, at: datetime, *, was_sent: bool) -> Payout:
    """Where a payout stands after its provider's answer; ``was_sent``: to being paid, else to being asked about."""
    state, unanswered_at = _judged(one, answer, at, was_sent=was_sent)
    tries = one.tries + 1
    if state not in ENDED and tries >= (REFUSED_TRIES_MAX if state is PayoutState.requested else TRIES_MAX):
        state = PayoutState.abnormal
    return msgspec.structs.replace(
        one, state=state, tries=tries, code=answer.code[:100], provider_no=answer.provider_no or one.provider_no,
        unanswered_at=unanswered_at, ended_at=at if state in ENDED else None,
    )  # fmt: skip


def _judged(
    one: Payout, answer: channels.PaidOut, at: datetime, *, was_sent: bool
) -> tuple[PayoutState, datetime | None]:
    kind, said = CLASS_OF[answer.outcome], answer.state
    is_open = kind is OutcomeClass.done and said is channels.PayoutState.unknown
    if was_sent and (kind is OutcomeClass.unknown or is_open):
        return PayoutState.unknown, at
    if kind is OutcomeClass.done and said is channels.PayoutState.done:
        is_ours = answer.amount_minor in (None, one.amount_e4 // MINOR_E4)
        return (PayoutState.done if is_ours else PayoutState.abnormal), one.unanswered_at
    if kind is OutcomeClass.done and not is_open:
        states = {
            channels.PayoutState.failed: PayoutState.failed, channels.PayoutState.processing: PayoutState.sent,
            channels.PayoutState.absent: PayoutState.requested,
        }  # fmt: skip
        return states[said], one.unanswered_at
    if was_sent and kind in (OutcomeClass.refused, OutcomeClass.retry):
        if answer.outcome is not Outcome.declined_user:
            return PayoutState.requested, one.unanswered_at
        return (PayoutState.unknown if is_doubtful(one, at) else PayoutState.failed), one.unanswered_at
    return (PayoutState.unknown if one.state is PayoutState.requested else one.state), one.unanswered_at


def is_doubtful(one: Payout, at: datetime) -> bool:
    """Whether a call that got no answer may still be done."""
    return one.unanswered_at is not None and at < one.unanswered_at + timedelta(seconds=DOUBT_S)
