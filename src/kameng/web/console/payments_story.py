"""Everything that is known of one payment, gathered from the contexts that keep it; what was sent stands masked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from kameng import identity, ledger, payments
from kameng.identity import Organisation
from kameng.kit import audit, ids, jobs
from kameng.kit.db import Connection, Database
from kameng.ledger import TwoSided
from kameng.payments import ChannelAccount, Heard, OverseenPayment, Payment, Refund
from kameng.web.console.payment_plans import channels_of
from kameng.web.console.story import accounts_of, who_is
from kameng.web.parts import Door


class Step(msgspec.Struct, frozen=True):
    """A line of the timeline. ``what``: a word of its own kind, which the page says."""

    at: datetime
    what: str
    detail: str = ""
    who: str = ""
    reason: str = ""
    tone: str = "done"


class Message(msgspec.Struct, frozen=True):
    """What a provider told, with what it sent as it is kept."""

    heard: Heard
    sent: str
    """JSON to be read; ``""``: it was not kept, or not for so long."""


class PaymentStory(msgspec.Struct, frozen=True):
    payment: Payment
    payer: Organisation | None
    channels: Mapping[int, ChannelAccount]
    attempts: list[OverseenPayment]
    refunds: list[Refund]
    messages: list[Message]
    timeline: list[Step]
    postings: list[TwoSided]
    accounts: dict[int, tuple[str, str]]
    decision: payments.Decision | None
    waits_for: list[tuple[str, str]]

    @property
    def is_order(self) -> bool:
        return any(one.kind == "order" for one in self.attempts)

    @property
    def is_collection(self) -> bool:
        """Somebody's own shop is paid."""
        return any(one.kind == "collection" for one in self.attempts)

    @property
    def room_e4(self) -> int:
        """What may still go back."""
        gone = sum(one.amount_e4 for one in self.refunds if one.state != "failed")
        return (self.payment.paid_e4 or 0) - gone


async def story_of(door: Door, payment_id: int) -> PaymentStory:
    """``NoSuchPayment`` for what is none."""
    payment, heard, refunds = await payments.history(door.cashier, payment_id)
    lane, channels = ids.lane_of(payment_id), await channels_of(door.db)
    attempts = await payments.payments_of(door.db, payment.payable_id)
    async with door.db.connection() as connection:
        lines = await audit.about(connection, lane, payment_id)
        names = await who_is(connection, {line.actor_id for line in lines} | {one.hand_by or 0 for one in refunds})
        postings = await _postings(connection, lane, payment, refunds)
        owners = await identity.organisations_by_id(connection, [payment.org_id])
        waits = await jobs.of_subject(connection, lane, payment_id)
        return PaymentStory(
            payment, owners.get(payment.org_id), channels, attempts, refunds,
            [Message(one, pretty(one.said)) for one in heard],
            timeline_of(payment, heard, refunds, lines, names), postings,
            await accounts_of(connection, lane, postings), await _decision(door.db, payment_id), waits,
        )  # fmt: skip


async def _decision(db: Database, payment_id: int) -> payments.Decision | None:
    try:
        return await payments.find_decision(db, payment_id)
    except payments.NoSuchPayment:  # it was begun before choices were kept
        return None


async def _postings(connection: Connection, lane: int, payment: Payment, refunds: Sequence[Refund]) -> list[TwoSided]:
    every = [payment.transfer_id, *(one.transfer_id for one in refunds)]
    moved = [number for number in every if number is not None]
    if not moved:
        return []
    found = {one.transfer_id: one for one in await ledger.postings_near(connection, lane, payment.payment_id, moved)}
    of_thing = await ledger.postings_near(connection, lane, payment.payable_id, moved)
    found |= {one.transfer_id: one for one in of_thing}
    return [found[number] for number in sorted(found)]


def timeline_of(
    payment: Payment, heard: Sequence[Heard], refunds: Sequence[Refund], lines: Sequence[audit.Kept],
    names: Mapping[int, str],
) -> list[Step]:  # fmt: skip
    """Oldest first: begun, noticed, asked by staff, paid, booked, closed, given back. Pure."""
    steps = [Step(payment.begun_at, "begun")]
    steps += [Step(one.at, "notice", one.effect) for one in heard]
    steps += [
        Step(at, what)
        for at, what in ((payment.paid_at, "paid"), (payment.booked_at, "booked"), (payment.closed_at, "closed"))
        if at is not None
    ]
    steps += [
        Step(line.at, line.act, str((line.data or {}).get("effect", "")), names[line.actor_id],
             str((line.data or {}).get("reason", "")))
        for line in lines
    ]  # fmt: skip
    for one in refunds:
        steps.append(Step(one.asked_at, "refund_asked", one.refund_no, reason=one.reason))
        if one.ended_at is not None:
            is_done = one.state == "done"
            what = "refund_done" if is_done else "refund_failed"
            steps.append(Step(one.ended_at, what, one.refund_no, tone="done" if is_done else "bad"))
        if one.hand_at is not None:
            steps.append(Step(one.hand_at, "refund_by_hand", one.hand_no or "", names[one.hand_by or 0]))
    return sorted(steps, key=lambda one: one.at)


def pretty(text: str | None) -> str:
    """JSON as people read it."""
    return "" if not text else msgspec.json.format(text.encode(), indent=2).decode()
