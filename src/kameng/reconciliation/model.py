"""The words of reconciliation: bills, differences, what may be done with each, and by when. Pure.

``gap_e4`` is what a bill's line moved at its provider less what our books moved there: it is put in suspense when the
case is opened, so what a channel's account shows is always what is not matched yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from kameng.kit import clock

BUFFER_DAYS = 3
"""How long a payment that its day's bill lacks may still come in a later one, before it is SHORT."""
ASKED_FROM_HOUR = 10
"""Of the day after, in China: providers make bills by then."""
ASKED_FOR_DAYS = 7
"""A bill that is not there by then is looked for by people."""
DUE_AFTER = timedelta(hours=24)
DUE_AFTER_LARGE = timedelta(hours=4)


class Kind(StrEnum):
    """Of a difference."""

    long = "LONG"  # 长款: the provider has it, we know nothing of it
    short = "SHORT"  # 短款: we have it, no bill has
    amount = "AMOUNT"
    status = "STATUS"  # both know it; to us it is not paid, or not given back, or not in the ledger
    fee = "FEE"
    duplicate = "DUPLICATE"
    cut_off = "CUT_OFF"  # in the bill of another day than ours: noted, and nothing to do


class BillState(StrEnum):
    waiting = "waiting"
    fetched = "fetched"
    settled = "settled"  # matched, and its money moved to the bank
    closed = "closed"  # and its buffer is over


class CaseState(StrEnum):
    open = "open"
    taken = "taken"
    asked = "asked"  # somebody chose an act that a second person has to agree to
    returning = "returning"  # its money is on its way back to where it came from
    resolved = "resolved"


class Act(StrEnum):
    """What resolves a difference; each is a posting, or needs none."""

    accept = "accept"  # the provider is right: a matter of fees
    write_off = "write_off"  # a loss, or a gain, of the house; two persons
    credit = "credit"  # it belongs on somebody's wallet
    pay_out = "pay_out"  # given back by bank
    refund = "refund"  # given back to where it came from, through its provider
    offset = "offset"  # it and another case are two halves of one thing
    cleared = "cleared"  # our books or a later bill agree now; done by Kameng


CHOICES: Mapping[Kind, frozenset[Act]] = {
    Kind.long: frozenset({Act.refund, Act.credit, Act.pay_out, Act.offset, Act.write_off}),
    Kind.short: frozenset({Act.offset, Act.write_off}),
    Kind.amount: frozenset({Act.refund, Act.credit, Act.pay_out, Act.offset, Act.write_off}),
    Kind.status: frozenset({Act.credit, Act.pay_out, Act.offset, Act.write_off}),
    Kind.fee: frozenset({Act.accept, Act.offset, Act.write_off}),
    Kind.duplicate: frozenset({Act.refund, Act.credit, Act.pay_out, Act.offset, Act.write_off}),
    Kind.cut_off: frozenset(),
}
"""What a person may choose, by kind; ``refund``, ``credit`` and ``pay_out`` only where the provider had more.

Money of a payment of ours that is not booked is no matter of ``refund``: booked, it pays what it may, or goes back by
itself."""


class Bill(msgspec.Struct, frozen=True):
    """A channel's bill of a day of China."""

    channel_id: int
    day: date
    state: BillState
    lines: int
    payment_e4: int
    refund_e4: int
    fee_e4: int
    digest: bytes | None
    tries: int
    said: str
    next_at: datetime
    fetched_at: datetime | None
    settled_at: datetime | None
    closed_at: datetime | None


class Channel(msgspec.Struct, frozen=True):
    """Of a channel account, what reconciliation has to know."""

    channel_id: int
    name: str
    protocol: str
    currency: str


class Line(msgspec.Struct, frozen=True):
    """A line of a bill as it is kept."""

    lane: int
    line_key: str
    kind: str
    payment_no: str
    refund_no: str
    provider_no: str
    subject_id: int
    amount_e4: int
    fee_e4: int
    at: datetime
    said: str


class Judged(msgspec.Struct, frozen=True):
    """A line beside what we have of it. ``verdict`` None: they agree."""

    line_key: str
    line_kind: str
    subject_id: int
    payment_id: int | None
    amount_e4: int
    book_e4: int | None
    verdict: Kind | None
    gap_e4: int


class Totals(msgspec.Struct, frozen=True):
    """Of a bill's lines in one lane. ``fee_e4``: gaps of lines that agree."""

    lines: int
    payment_e4: int
    refund_e4: int
    net_e4: int
    fee_e4: int


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A difference."""

    case_id: int
    channel_id: int
    day: date
    line_key: str
    line_kind: str
    kind: Kind
    subject_id: int
    payment_id: int | None
    bill_e4: int
    book_e4: int
    currency: str
    suspense_e4: int
    rest_e4: int
    state: CaseState
    opened_at: datetime
    due_at: datetime
    owner_id: int | None = None
    act: Act | None = None
    detail: dict[str, Any] | None = None
    reason: str = ""
    asked_by: int | None = None
    second_id: int | None = None
    resolved_at: datetime | None = None
    transfer_id: int | None = None

    @property
    def choices(self) -> list[Act]:
        """What a person may choose for it."""
        only_more = {Act.refund, Act.credit, Act.pay_out}
        no_more = set() if self.suspense_e4 > 0 else only_more
        if self.line_kind != "payment":
            no_more = no_more | {Act.refund}
        return [act for act in Act if act in CHOICES[self.kind] - no_more and self.suspense_e4]

    @property
    def may_be_booked(self) -> bool:
        """Whether the payment that it names may be booked by the bill's word."""
        return self.kind is Kind.status and self.line_kind == "payment" and not self.book_e4


def due_at(opened_at: datetime, amount_e4: int, *, large_e4: int) -> datetime:
    """By when a difference has to be resolved: large ones sooner."""
    return opened_at + (DUE_AFTER_LARGE if amount_e4 > large_e4 else DUE_AFTER)


def needs_second(act: Act, suspense_e4: int, *, limit_e4: int) -> bool:
    """Whether a second person has to agree: to every write-off, and to whatever is above one person's limit."""
    return act is Act.write_off or abs(suspense_e4) > limit_e4


TRY_AFTER_S = (600, 1200, 1800, 3600)


def start_of(day: date) -> datetime:
    """The moment in which a day of China begins."""
    return datetime(day.year, day.month, day.day, tzinfo=clock.CHINA)


def next_try(tries: int, at: datetime) -> datetime:
    """When a bill that was not there is asked for again."""
    return at + timedelta(seconds=TRY_AFTER_S[min(tries, len(TRY_AFTER_S) - 1)])


def is_over(day: date, *, settled: frozenset[date], today: date) -> bool:
    """Whether a settled day's buffer is: the bill of its last day is in, or should have been long ago."""
    last = day + timedelta(days=BUFFER_DAYS)
    return last in settled or today > last + timedelta(days=1)
