"""Matching: a bill's lines beside payments, refunds and the ledger, lane by lane, and what follows from it in money.

    channel ──bill_settled──► bank           what the bill says that the provider paid out, fees taken off
    channel ◄──bill_fee──► channel_fee       fees that differ by a rounding: taken as they are
    channel ◄──bill_case──► suspense         what does not match, each with a case

A day of a million lines is joined by the database, whole, outside the gates; what came of it is written under a gate,
where each difference is judged once more: what a notice mended meanwhile is none. Asked again, nothing moves twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import msgspec

from kameng import ledger
from kameng.kit import clock, lanes
from kameng.kit.db import Connection, Database
from kameng.ledger import CHANNEL, CHANNEL_FEE, House, Leg, house_account
from kameng.reconciliation import store
from kameng.reconciliation.errors import BillNotThere
from kameng.reconciliation.model import (
    BUFFER_DAYS,
    Bill,
    BillState,
    Case,
    CaseState,
    Channel,
    Judged,
    Kind,
    Totals,
    due_at,
    is_over,
    start_of,
)  # fmt: skip
from kameng.reconciliation.store import Missing, Window

CASES_AT_ONCE = 500
"""Differences that are written under one gate."""
LATE_DAYS = 4
"""How long after its day a payment may still be booked to be looked for in that day's bills."""
LOOK_BACK_DAYS = 40


class Accounts(msgspec.Struct, frozen=True):
    """Where a channel's money is, in a lane."""

    channel: int
    fee: int
    suspense: int
    bank: int


async def match(db: Database, channel: Channel, day: date, *, large_e4: int) -> Bill:
    """Settle a bill that was fetched: every lane, once. ``BillNotThere`` if there is none yet."""
    async with db.transaction() as holding:  # nobody fetches it anew meanwhile
        await store.unhurried(holding)
        bill = await store.lock_bill(holding, channel.channel_id, day)
        if bill is None or bill.state is BillState.waiting:
            raise BillNotThere
        for lane in await lanes.lane_numbers(holding):
            if await _settle(db, lane, channel, day):
                while await _open_cases(db, lane, channel, day, large_e4=large_e4):
                    pass
        await store.set_settled(holding, channel.channel_id, day, clock.now())
        done = await store.lock_bill(holding, channel.channel_id, day)
    assert done is not None
    return done


async def _settle(db: Database, lane: int, channel: Channel, day: date) -> bool:
    """Move what the bill says in this lane; whether differences are left to be opened."""
    async with db.transaction() as connection:
        known = await store.read_settlement(connection, lane, channel.channel_id, day)
        if known is not None:
            return bool(known.left_keys)
        await store.unhurried(connection)
        totals, keys = await store.judge_bill(connection, lane, channel.channel_id, day)
    async with db.transaction() as connection:
        await lanes.pass_gate(connection, lane)
        if await store.read_settlement(connection, lane, channel.channel_id, day) is not None:
            return True
        accounts = await open_accounts(connection, lane, channel)
        await post(connection, lane, _settling_legs(channel, day, totals, accounts))
        await store.insert_settlement(connection, lane, channel.channel_id, day, totals, keys, clock.now())
    return bool(keys)


async def _open_cases(db: Database, lane: int, channel: Channel, day: date, *, large_e4: int) -> bool:
    """Some of the differences that are left become cases; whether there may be more."""
    async with db.transaction() as connection:
        await lanes.pass_gate(connection, lane)
        settled = await store.read_settlement(connection, lane, channel.channel_id, day)
        if settled is None or not settled.left_keys:
            return False
        keys = settled.left_keys[:CASES_AT_ONCE]
        judged = await store.judge_lines(connection, lane, channel.channel_id, day, keys)
        accounts = await open_accounts(connection, lane, channel)
        at = clock.now()
        agreeing = [one for one in judged if one.verdict is None]
        differing = [one for one in judged if one.verdict is not None]
        passage = await lanes.pass_gate(connection, lane, id_count=len(differing))
        cases = [
            case_of(channel, day, one, case_id, at, large_e4=large_e4)
            for one, case_id in zip(differing, passage.ids, strict=True)
        ]
        fee_e4 = sum(one.gap_e4 for one in agreeing)
        legs = [leg for one in cases for leg in opening_legs(one, accounts)]
        name = f"bill:{channel.channel_id}:{day}:{len(settled.left_keys)}"
        await post(connection, lane, [*legs, *fee_legs(name, channel.channel_id, fee_e4, accounts)])
        if cases:
            await store.insert_cases(connection, lane, cases)
        left = settled.left_keys[CASES_AT_ONCE:]
        await store.set_left(connection, lane, channel.channel_id, day, left, fee_e4=fee_e4)
    return bool(left)


async def close(db: Database, channel: Channel, *, large_e4: int) -> list[date]:
    """Days whose buffer is over: what their bills, and those of the days after, still lack is SHORT from now on."""
    today = clock.china_day()
    async with db.connection() as connection:
        bills = await store.read_bills(connection, today - timedelta(days=LOOK_BACK_DAYS), today, channel.channel_id)
        numbers = await lanes.lane_numbers(connection)
    settled = frozenset(bill.day for bill in bills if bill.settled_at is not None)
    done = []
    for bill in reversed(bills):
        if bill.state is BillState.settled and is_over(bill.day, settled=settled, today=today):
            for lane in numbers:
                await _close_lane(db, lane, channel, bill.day, settled, large_e4=large_e4)
            async with db.transaction() as connection:
                await store.set_closed(connection, channel.channel_id, bill.day, clock.now())
            done.append(bill.day)
    return done


async def _close_lane(
    db: Database, lane: int, channel: Channel, day: date, settled: frozenset[date], *, large_e4: int
) -> None:
    window = Window(
        start_of(day - timedelta(days=1)), start_of(day + timedelta(days=LATE_DAYS)), start_of(day + timedelta(days=1)),
        tuple(one for one in sorted(settled) if one <= day), day - timedelta(days=BUFFER_DAYS + LATE_DAYS),
        day + timedelta(days=BUFFER_DAYS),
    )  # fmt: skip
    async with db.transaction() as connection:
        await store.unhurried(connection)
        found = await store.missing(connection, lane, channel.channel_id, window)
    every = [(kind, one) for kind, some in found.items() for one in some]
    for start in range(0, len(every), CASES_AT_ONCE):
        await _open_shorts(db, lane, channel, day, every[start : start + CASES_AT_ONCE], large_e4=large_e4)


async def _open_shorts(
    db: Database, lane: int, channel: Channel, day: date, some: Sequence[tuple[str, Missing]], *, large_e4: int
) -> None:
    async with db.transaction() as connection:
        await lanes.pass_gate(connection, lane)
        ids = [one.subject_id for _, one in some]
        here = await store.arrived(connection, lane, channel.channel_id, ids)
        known = {
            (case.line_kind, case.subject_id)
            for case in await store.cases_of_day(connection, lane, channel.channel_id, day, limit=1_000_000)
        }
        new = [(kind, one) for kind, one in some if (kind, one.subject_id) not in here | known]
        if not new:
            return
        passage = await lanes.pass_gate(connection, lane, id_count=len(new))
        at = clock.now()
        cases = [
            Case(
                case_id=case_id, channel_id=channel.channel_id, day=day, line_key=f"short:{kind}:{one.subject_id}",
                line_kind=kind, kind=Kind.short, subject_id=one.subject_id, payment_id=one.payment_id, bill_e4=0,
                book_e4=one.book_e4, currency=channel.currency, suspense_e4=one.gap_e4, rest_e4=one.gap_e4,
                state=CaseState.open, opened_at=at, due_at=due_at(at, one.book_e4, large_e4=large_e4),
            )
            for (kind, one), case_id in zip(new, passage.ids, strict=True)
        ]  # fmt: skip
        accounts = await open_accounts(connection, lane, channel)
        legs = [leg for case in cases for leg in opening_legs(case, accounts)]
        await post(connection, lane, legs)
        await store.insert_cases(connection, lane, cases)


def case_of(channel: Channel, day: date, judged: Judged, case_id: int, at: datetime, *, large_e4: int) -> Case:
    """What a line that does not agree is opened as. One of another day is noted, and nothing to do."""
    assert judged.verdict is not None
    is_noted = judged.verdict is Kind.cut_off
    return Case(
        case_id=case_id, channel_id=channel.channel_id, day=day, line_key=judged.line_key, line_kind=judged.line_kind,
        kind=judged.verdict, subject_id=judged.subject_id, payment_id=judged.payment_id, bill_e4=judged.amount_e4,
        book_e4=judged.book_e4 or 0, currency=channel.currency, suspense_e4=0 if is_noted else judged.gap_e4,
        rest_e4=judged.gap_e4,
        state=CaseState.resolved if is_noted else CaseState.open, opened_at=at,
        due_at=due_at(at, max(judged.amount_e4, judged.book_e4 or 0), large_e4=large_e4),
    )  # fmt: skip


# money -------------------------------------------------------------------------------------------------------


async def open_accounts(connection: Connection, lane: int, channel: Channel) -> Accounts:
    """Under the gate."""
    found = await ledger.open_channel_accounts(connection, lane, [(channel.channel_id, channel.currency)])
    return Accounts(
        found[channel.channel_id, CHANNEL].account_id, found[channel.channel_id, CHANNEL_FEE].account_id,
        house_account(House.suspense, channel.currency), house_account(House.bank, channel.currency),
    )  # fmt: skip


def _settling_legs(channel: Channel, day: date, totals: Totals, accounts: Accounts) -> list[Leg]:
    name = f"bill:{channel.channel_id}:{day}"
    return [
        *between(f"{name}:net", accounts.bank, accounts.channel, totals.net_e4, "bill_settled", channel.channel_id),
        *fee_legs(name, channel.channel_id, totals.fee_e4, accounts),
    ]


def fee_legs(name: str, channel_id: int, gap_e4: int, accounts: Accounts) -> list[Leg]:
    """What a provider kept less (above zero) or more than was reckoned."""
    return between(f"{name}:fee", accounts.channel, accounts.fee, gap_e4, "bill_fee", channel_id)


def opening_legs(case: Case, accounts: Accounts) -> list[Leg]:
    """What does not match to suspense; what is left of one that is only noted is a rounding of its fee."""
    return suspense_legs(case, 0, case.suspense_e4, accounts) + rounding_legs(case, accounts)


def rounding_legs(case: Case, accounts: Accounts) -> list[Leg]:
    """What a case keeps away from the channel and not in suspense."""
    return fee_legs(f"bill_case:{case.case_id}", case.channel_id, case.rest_e4 - case.suspense_e4, accounts)


def suspense_legs(case: Case, before_e4: int, after_e4: int, accounts: Accounts) -> list[Leg]:
    """So that what a case keeps in suspense is no longer the one but the other."""
    key = f"bill_case:{case.case_id}:{before_e4}:{after_e4}"
    return between(key, accounts.channel, accounts.suspense, after_e4 - before_e4, "bill_case", case.case_id)


def between(key: str, debit: int, credit: int, amount_e4: int, code: str, subject_id: int) -> list[Leg]:
    """From one to the other; the other way round if the amount is below zero."""
    if amount_e4 < 0:
        debit, credit = credit, debit
    return [Leg(key, debit, credit, abs(amount_e4), code, subject_id)] if amount_e4 else []


async def post(connection: Connection, lane: int, legs: Sequence[Leg]) -> int | None:
    """All of them or none, under the gate; the first one's transfer."""
    if not legs:
        return None
    passage = await lanes.pass_gate(connection, lane, id_count=len(legs))
    return ledger.standing(await ledger.post_chain(connection, lane, legs, passage.ids)).transfer_id
