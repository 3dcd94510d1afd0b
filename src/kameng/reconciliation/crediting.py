"""Statements imported: each credit once, matched by the code in its remark and told to the one handler of payments, or
left for a person with what it may be of.

    channel ──bank_credit──► bank       when its payment is booked: the money is where the statement says
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

import msgspec

from kameng import channels, payments
from kameng.kit import audit, clock, ids, lanes
from kameng.kit.db import Connection, Database
from kameng.payments import Fact, Told
from kameng.reconciliation import statements, store
from kameng.reconciliation.errors import BadReconciliation, CaseNotOpen, NoSuchCase
from kameng.reconciliation.matching import between, open_accounts, post
from kameng.reconciliation.model import Channel
from kameng.reconciliation.resolving import check_reason
from kameng.reconciliation.statements import CreditLine
from kameng.reconciliation.store import Candidate, Credit

CREDITS_AT_ONCE = 500
CANDIDATE_DAYS = 30


class Teller(Protocol):
    """Whoever tells the payments' handler what a provider said."""

    async def submit(self, lane: int, one: Told) -> str: ...


class Imported(msgspec.Struct, frozen=True):
    """What came of a statement: lines of money in, how many were known, whose payment was booked, and what waits."""

    lines: int
    known: int
    booked: int
    waiting: int


async def import_statement(
    db: Database, teller: Teller, channel: Channel, data: bytes, *, file_name: str = "", actor_id: int
) -> Imported:
    """The whole file or none of it; imported again, it has no second effect."""
    if channel.protocol != "bank":
        raise BadReconciliation("channel: one of bank transfers", field="channel", detail_zh="通道：须为银行转账通道")
    lines = statements.parse(data, file_name)
    async with db.connection() as connection:
        numbers = await lanes.lane_numbers(connection)
        known: set[str] = set()
        for lane in numbers:
            known |= await store.known_credits(connection, lane, channel.channel_id, [one.line_key for one in lines])
        fresh = [one for one in lines if one.line_key not in known]
        named = await _named(connection, numbers, channel, fresh)
    by_lane: dict[int, list[tuple[CreditLine, store.Referred | None]]] = {}
    for one in fresh:
        found = named.get(one.line_key)
        by_lane.setdefault(min(numbers) if found is None else ids.lane_of(found.payment_id), []).append((one, found))
    for lane, some in sorted(by_lane.items()):
        await _keep(db, lane, channel, some, actor_id=actor_id)
    booked = sum([await finish(db, teller, channel, lane) for lane in numbers])
    return Imported(len(lines), len(known), booked, len(await list_credits(db, channel_id=channel.channel_id)))


async def _named(
    connection: Connection, numbers: Sequence[int], channel: Channel, lines: Sequence[CreditLine]
) -> dict[str, store.Referred]:
    """The one payment of this channel that each line's remark names; none where it names several."""
    codes = {one.line_key: list(channels.codes_in(one.remark)) for one in lines}
    every = sorted({code for some in codes.values() for code in some})
    found: dict[str, list[store.Referred]] = {}
    for lane in numbers:
        for one in await store.find_references(connection, lane, every):
            if one.channel_id == channel.channel_id:
                found.setdefault(one.reference, []).append(one)
    named = {key: [one for code in some for one in found.get(code, ())] for key, some in codes.items()}
    return {key: some[0] for key, some in named.items() if len(some) == 1}


async def _keep(
    db: Database, lane: int, channel: Channel, some: Sequence[tuple[CreditLine, store.Referred | None]],
    *, actor_id: int,
) -> None:  # fmt: skip
    for start in range(0, len(some), CREDITS_AT_ONCE):
        part = some[start : start + CREDITS_AT_ONCE]
        async with db.transaction() as connection:
            passage = await lanes.pass_gate(connection, lane, id_count=len(part) + 1)
            new = [
                Credit(
                    credit_id, channel.channel_id, line.line_key, line.at, line.amount_e4, line.payer, line.remark,
                    "" if found is None else found.reference, payment_id=None if found is None else found.payment_id,
                )
                for (line, found), credit_id in zip(part, passage.ids, strict=False)
            ]  # fmt: skip
            await store.insert_credits(connection, lane, channel.channel_id, clock.now(), new)
            data = {"channel": channel.channel_id, "lines": len(part)}
            note = audit.Line(passage.ids[-1], 0, actor_id, "reconciliation.import", passage.ids[0], data)
            await audit.note(connection, lane, clock.now(), [note])


async def finish(db: Database, teller: Teller, channel: Channel, lane: int) -> int:
    """Tell of what is matched, and move what was booked of it to the bank. Returns how many were booked."""
    async with db.connection() as connection:
        waiting = await store.waiting_credits(connection, lane, channel_id=channel.channel_id, limit=100_000)
    matched = [one for one in waiting if one.payment_id is not None]
    # Together: the handler takes them in batches.
    await asyncio.gather(*(teller.submit(lane, _told(channel, one)) for one in matched))
    return sum([await _settle(db, lane, channel, one.credit_id) for one in matched])


def _told(channel: Channel, credit: Credit) -> Told:
    assert credit.payment_id is not None
    fact = Fact(
        payment_id=credit.payment_id, channel_id=channel.channel_id, state=channels.State.paid,
        amount_e4=credit.amount_e4, currency=channel.currency, provider_no=credit.line_key, payer=credit.payer,
        paid_at=credit.at,
    )  # fmt: skip
    return Told(channel_id=channel.channel_id, fact=fact, event_id=credit.line_key)


async def _settle(db: Database, lane: int, channel: Channel, credit_id: int) -> bool:
    """Its money is at the bank, if its payment is booked with it; a second one for the same waits for a person."""
    async with db.transaction() as connection:
        await lanes.pass_gate(connection, lane)
        credit = (await store.read_credits(connection, lane, [credit_id]))[credit_id]
        if credit.state != "waiting" or credit.payment_id is None:
            return False
        paid_e4 = (await store.booked_e4(connection, lane, [credit.payment_id])).get(credit.payment_id)
        if paid_e4 != credit.amount_e4 or await store.taken_payments(connection, lane, [credit.payment_id]):
            await store.set_credit(connection, lane, msgspec.structs.replace(credit, payment_id=None))
            return False
        accounts = await open_accounts(connection, lane, channel)
        name = f"bank_credit:{credit.credit_id}"
        await post(
            connection, lane,
            between(name, accounts.bank, accounts.channel, credit.amount_e4, "bank_credit", credit.payment_id),
        )  # fmt: skip
        done = msgspec.structs.replace(credit, state="taken", settled_e4=credit.amount_e4)
        await store.set_credit(connection, lane, done)
    return True


async def list_credits(db: Database, *, channel_id: int | None = None, limit: int = 200) -> list[Credit]:
    """Credits that wait for a person, oldest first."""
    async with db.connection() as connection:
        found = [
            one
            for lane in await lanes.lane_numbers(connection)
            for one in await store.waiting_credits(connection, lane, channel_id=channel_id, limit=limit)
        ]
    return sorted(found, key=lambda one: one.credit_id)[:limit]


async def credit_candidates(db: Database, credit: Credit) -> list[Candidate]:
    """Payments that a credit may be of: the same amount, begun before it; for a person to judge."""
    at_ms = int(credit.at.timestamp() * 1000)
    first = ids.first_at(at_ms - CANDIDATE_DAYS * 86_400_000)
    last = ids.first_at(at_ms + int(timedelta(days=1).total_seconds()) * 1000)
    async with db.connection() as connection:
        return [
            one
            for lane in await lanes.lane_numbers(connection)
            for one in await store.candidates(connection, lane, credit.channel_id, (first, last), credit.amount_e4)
        ]


async def assign_credit(
    db: Database, teller: Teller, channel: Channel, credit_id: int, payment_id: int, *, reason: str, actor_id: int
) -> bool:
    """A person says which payment it is of; whether that was booked with it."""
    check_reason(reason)
    lane, target = ids.lane_of(credit_id), ids.lane_of(payment_id)
    async with db.transaction() as connection:
        credit = await _waiting(connection, credit_id)
        decided = msgspec.structs.replace(credit, decided_by=actor_id, reason=reason)
        if lane == target:
            await store.set_credit(connection, lane, msgspec.structs.replace(decided, payment_id=payment_id))
        await _note(
            connection, credit, actor_id, "reconciliation.assign", {"payment": str(payment_id), "reason": reason}
        )
    if lane != target:
        await _move(db, decided, payment_id)
    return await finish(db, teller, channel, target) > 0


async def _move(db: Database, credit: Credit, payment_id: int) -> None:
    """Into the lane of its payment; where it was, a line stays that says so. Cut off between, it is done once more."""
    target = ids.lane_of(payment_id)
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, target, id_count=1)
        moved = msgspec.structs.replace(credit, credit_id=passage.ids[0], payment_id=payment_id)
        await store.insert_credits(connection, target, credit.channel_id, clock.now(), [moved])
    async with db.transaction() as connection:
        lane = ids.lane_of(credit.credit_id)
        await lanes.pass_gate(connection, lane)
        gone = msgspec.structs.replace(credit, state="ignored", reason=f"moved to lane {target}: {credit.reason}")
        await store.set_credit(connection, lane, gone)


async def ignore_credit(db: Database, credit_id: int, *, reason: str, actor_id: int) -> None:
    """It is no payment of ours: interest, another business."""
    check_reason(reason)
    async with db.transaction() as connection:
        credit = await _waiting(connection, credit_id)
        done = msgspec.structs.replace(credit, state="ignored", decided_by=actor_id, reason=reason)
        await store.set_credit(connection, ids.lane_of(credit_id), done)
        await _note(connection, credit, actor_id, "reconciliation.ignore", {"reason": reason})


async def _waiting(connection: Connection, credit_id: int) -> Credit:
    lane = ids.lane_of(credit_id)
    if lane not in await lanes.lane_numbers(connection):
        raise NoSuchCase(str(credit_id), detail_zh=str(credit_id))
    await lanes.pass_gate(connection, lane)
    credit = (await store.read_credits(connection, lane, [credit_id])).get(credit_id)
    if credit is None:
        raise NoSuchCase(str(credit_id), detail_zh=str(credit_id))
    if credit.state != "waiting":
        raise CaseNotOpen("it was decided", detail_zh="该笔入账已处理")
    return credit


async def _note(connection: Connection, credit: Credit, actor_id: int, act: str, data: dict[str, str]) -> None:
    lane = ids.lane_of(credit.credit_id)
    passage = await lanes.pass_gate(connection, lane, id_count=1)
    await audit.note(
        connection, lane, clock.now(), [audit.Line(passage.ids[0], 0, actor_id, act, credit.credit_id, data)]
    )


def teller_of(cashier: payments.Cashier) -> Teller:
    """The handler of a process that takes payments."""
    return cashier.notices
