"""Payments as they stand, and the rules that need nothing but them: numbers, fees, hours, the states. Pure.

Amounts are ``_e4``; a provider counts in the currency's smallest unit, so what is asked of a payer is whole in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum

import msgspec

from kameng import channels
from kameng.channels import Method, Scene, Shown
from kameng.kit import clock, ids
from kameng.kit.money import MINOR_E4

CREDENTIALS = b"channel"
"""What the credentials of a channel account are sealed as."""
PPM = 1_000_000


class State(StrEnum):
    """Of one attempt."""

    created = "created"  # its row stands, nobody knows whether its provider was asked
    waiting = "waiting"  # for its payer
    unknown = "unknown"  # its provider gave no answer to be trusted
    failed = "failed"  # never begun
    closed = "closed"  # can't be paid any more, by its provider's word
    paid = "paid"
    refunded = "refunded"  # and all of it was given back


OPEN = frozenset({State.created, State.waiting, State.unknown})
"""Money may come: its provider is asked until it says that none will."""
TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.created: frozenset({State.waiting, State.unknown, State.failed, State.closed, State.paid}),
    State.waiting: frozenset({State.unknown, State.closed, State.paid}),
    State.unknown: frozenset({State.waiting, State.closed, State.failed, State.paid}),
    State.failed: frozenset({State.paid}),  # money is money, whatever was said before
    State.closed: frozenset({State.paid}),
    State.paid: frozenset({State.refunded}),
    State.refunded: frozenset(),
}


class Kind(StrEnum):
    order = "order"
    recharge = "recharge"
    collection = "collection"  # 代收: for an organisation's own shop, into its wallet


class TakenAs(StrEnum):
    """What the money of a payment was to us."""

    order = "order"
    recharge = "recharge"
    collection = "collection"
    late = "late"  # given back to its origin
    double = "double"  # so is this
    mismatch = "mismatch"  # set aside until a person looked


INTO_WALLET = frozenset({TakenAs.recharge, TakenAs.collection})


class RefundState(StrEnum):
    requested = "requested"  # surely not done yet
    sent = "sent"
    unknown = "unknown"  # asked again with the same number
    done = "done"
    failed = "failed"  # a person gives it back by other means
    abnormal = "abnormal"  # the provider could not: a person has to act there or by other means


REFUND_TRANSITIONS: Mapping[RefundState, frozenset[RefundState]] = {
    RefundState.requested: frozenset(RefundState) - {RefundState.requested},
    RefundState.sent: frozenset({RefundState.unknown, RefundState.done, RefundState.failed, RefundState.abnormal}),
    RefundState.unknown: frozenset({RefundState.requested, RefundState.sent, RefundState.done, RefundState.failed,
                                    RefundState.abnormal}),
    RefundState.abnormal: frozenset({RefundState.done}),
    RefundState.done: frozenset(),
    RefundState.failed: frozenset(),
}  # fmt: skip


class ChannelAccount(msgspec.Struct, frozen=True):
    """An account at a provider, without its credentials."""

    channel_id: int
    org_id: int
    protocol: str
    name: str
    currency: str
    account_no: str
    offers: tuple[tuple[str, str], ...]
    fee_ppm: int
    fee_fixed_e4: int
    least_e4: int
    most_e4: int | None
    day_most_e4: int | None
    opens_min: int | None
    closes_min: int | None
    licence_until: date | None
    certificate_until: date | None
    notify_from: tuple[str, ...]
    weight: int
    is_on: bool
    revision: int
    made_at: datetime
    changed_at: datetime
    day_target_e4: int | None = None


class Payable(msgspec.Struct, frozen=True):
    """What is to be paid. ``wallet_e4`` of it is held on the payer's wallet; a channel brings the rest."""

    payable_id: int
    kind: Kind
    org_id: int
    amount_e4: int
    currency: str
    wallet_e4: int
    hold_id: int | None
    bonus_e4: int
    client_ref: str | None
    attempts: int
    state: str
    payment_id: int | None
    expires_at: datetime
    made_at: datetime
    ended_at: datetime | None = None
    fee_e4: int = 0  # of a collection: what the house keeps

    @property
    def rest_e4(self) -> int:
        """What a channel has to bring."""
        return self.amount_e4 - self.wallet_e4


class Payment(msgspec.Struct, frozen=True):
    """One attempt at one channel."""

    payment_id: int
    payable_id: int
    org_id: int
    channel_id: int
    attempt: int
    method: Method
    scene: Scene
    amount_e4: int
    currency: str
    fee_e4: int
    state: State
    taken_as: TakenAs | None
    paid_e4: int | None
    refunded_e4: int
    provider_no: str
    payer: str
    code: str
    shown: Shown | None
    begun_at: datetime
    expires_at: datetime
    paid_at: datetime | None = None
    booked_at: datetime | None = None
    closed_at: datetime | None = None
    transfer_id: int | None = None

    @property
    def payment_no(self) -> str:
        """What its provider knows it by."""
        return number_of(self.payment_id)

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    def reference(self) -> channels.Reference:
        return channels.Reference(
            payment_no=self.payment_no, provider_no=self.provider_no, begun_at=self.begun_at,
            expires_at=self.expires_at,
            amount_minor=self.amount_e4 // MINOR_E4, currency=self.currency, scene=self.scene,
        )  # fmt: skip


class Origin(msgspec.Struct, frozen=True):
    """A payment that is none of ours, as its provider's bill tells it."""

    payment_no: str
    provider_no: str
    total_e4: int
    at: datetime


class Refund(msgspec.Struct, frozen=True):
    """Money on its way back to where it came from. Of a difference (``case_id``) it goes back to its ``origin``, and
    neither a payment nor what it paid is named."""

    refund_id: int
    payment_id: int
    payable_id: int
    org_id: int
    channel_id: int
    request_key: str
    cause: str
    amount_e4: int
    currency: str
    reason: str
    state: RefundState
    tries: int
    provider_refund_no: str
    code: str
    asked_at: datetime
    sent_at: datetime | None = None
    ended_at: datetime | None = None
    transfer_id: int | None = None
    case_id: int | None = None
    origin: Origin | None = None
    hand_no: str | None = None  # of the transfer that a person made instead
    hand_by: int | None = None
    hand_at: datetime | None = None

    @property
    def refund_no(self) -> str:
        return refund_number_of(self.refund_id)

    @property
    def subject_id(self) -> int:
        """What its transfer and its item on the desk are of: the payment's, or the difference's."""
        return self.payment_id if self.case_id is None else self.case_id

    @property
    def desk_id(self) -> int:
        """Whose item on the desk it is."""
        return self.payable_id if self.case_id is None else self.refund_id

    @property
    def needs_person(self) -> bool:
        """Its provider gave up, and nobody did it by other means yet."""
        return self.state in (RefundState.failed, RefundState.abnormal) and self.hand_no is None


def refund_of(
    payment: Payment, refund_id: int, amount_e4: int, key: str, cause: str, *, reason: str = ""
) -> Refund:
    """A refund that is asked for from now on."""
    return Refund(
        refund_id, payment.payment_id, payment.payable_id, payment.org_id, payment.channel_id, key, cause, amount_e4,
        payment.currency, reason, RefundState.requested, 0, "", "", clock.now(),
    )  # fmt: skip


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider said of a payment, and proved, by whatever way it came: a notice, an answer, a person's word."""

    payment_id: int
    channel_id: int
    state: channels.State
    amount_e4: int | None = None
    currency: str = ""
    account_no: str = ""
    provider_no: str = ""
    payer: str = ""
    paid_at: datetime | None = None
    code: str = ""
    actor_id: int = 0  # of a person whose word it is
    reason: str = ""


class RefundFact(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider said of a refund."""

    refund_id: int
    channel_id: int
    state: channels.RefundState
    amount_e4: int | None = None
    provider_refund_no: str = ""
    code: str = ""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One thing told: of a payment, of a refund, or of nothing of ours. ``event_id``: of a notice, in the inbox."""

    channel_id: int
    fact: Fact | RefundFact | None
    event_id: str | None = None
    said: str = ""  # what the notice was, masked


def number_of(payment_id: int) -> str:
    return f"K{payment_id}"


def refund_number_of(refund_id: int) -> str:
    return f"R{refund_id}"


def id_of_number(number: str) -> int | None:
    """Of a payment's or a refund's number as it came from outside; None if it is none of ours."""
    if number[:1] not in ("K", "R"):
        return None
    try:
        return ids.parse(number[1:])
    except ValueError:
        return None


def part_of(total_e4: int, available_e4: int) -> int:
    """What a wallet with too little may add, so that a channel brings the rest in whole fen; 0: nothing."""
    rest_e4 = -(-(total_e4 - available_e4) // MINOR_E4) * MINOR_E4
    return max(0, total_e4 - rest_e4) if rest_e4 > 0 else 0


def fee_of(channel: ChannelAccount, amount_e4: int) -> int:
    """What the provider keeps of a payment: by its rate, rounded to whole fen, and by the piece. An agent's own is no
    matter of our books."""
    if channel.org_id:
        return 0
    minor = (amount_e4 * channel.fee_ppm + PPM * MINOR_E4 // 2) // (PPM * MINOR_E4)
    return min(minor * MINOR_E4 + channel.fee_fixed_e4, amount_e4)


QUERY_AFTER_S = (5, 10, 20, 40, 60, 120, 300)
"""How long after it began, and then after each answer, a provider is asked about an open payment."""
GRACE_S = 24 * 3600
"""How long after its end it is still asked about; then the bill of the day is the judge."""
PAST_END_S = 1800


def next_query(step: int, at: datetime, *, expires_at: datetime) -> datetime | None:
    """When to ask next, after ``step`` answers; None: no more. Its end is never slept through."""
    if at >= expires_at + timedelta(seconds=GRACE_S):
        return None
    if at >= expires_at:
        return at + timedelta(seconds=min(QUERY_AFTER_S[min(step, len(QUERY_AFTER_S) - 1)] * 2, PAST_END_S))
    later = at + timedelta(seconds=QUERY_AFTER_S[min(step, len(QUERY_AFTER_S) - 1)])
    return min(later, max(expires_at, at + timedelta(seconds=1)))


REFUND_AFTER_S = (10, 30, 60, 300, 900, 1800, 3600)
REFUND_TRIES_MAX = 60
"""Some two days of an hour each: then a person sees to it."""


def next_refund_try(tries: int, at: datetime) -> datetime:
    return at + timedelta(seconds=REFUND_AFTER_S[min(tries, len(REFUND_AFTER_S) - 1)])


class BonusRule(msgspec.Struct, frozen=True):
    """充值赠送: from ``from_e4`` on, so much and such a part on top."""

    bonus_id: int
    from_e4: int
    give_e4: int
    give_ppm: int
    most_e4: int | None
    starts_at: datetime
    ends_at: datetime | None


def bonus_of(rules: Sequence[BonusRule], amount_e4: int, at: datetime) -> int:
    """By the rule with the highest threshold that is reached; rounded down to whole fen."""
    reached = [
        rule
        for rule in rules
        if rule.from_e4 <= amount_e4 and rule.starts_at <= at and (rule.ends_at is None or at < rule.ends_at)
    ]
    if not reached:
        return 0
    rule = max(reached, key=lambda one: (one.from_e4, one.bonus_id))
    given_e4 = rule.give_e4 + amount_e4 * rule.give_ppm // PPM // MINOR_E4 * MINOR_E4
    return given_e4 if rule.most_e4 is None else min(given_e4, rule.most_e4)
