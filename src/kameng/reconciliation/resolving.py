"""Differences and what becomes of them: taken by somebody, resolved by an act with a reason, or cleared by itself.

Every act is a posting out of suspense, or needs none: two halves of one thing offset each other. What writes money off,
or is above one person's limit, waits for a second person. A payment that the bill knows and we don't is booked through
the one handler that notices go through; then the difference clears.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, timedelta
from typing import Any

import msgspec

from kameng import ledger
from kameng.kit import audit, clock, ids, lanes
from kameng.kit.db import Connection, Database
from kameng.ledger import Leg
from kameng.reconciliation import returning, store
from kameng.reconciliation.errors import BadReconciliation, CaseNotOpen, NoSuchCase, SecondResolverNeeded
from kameng.reconciliation.matching import Accounts, open_accounts, post, rounding_legs, suspense_legs
from kameng.reconciliation.model import Act, Case, CaseState, Channel, Judged, Kind, Line, needs_second
from kameng.reconciliation.store import Candidate

REASON_CHARS_MAX = 500
REFERENCE_CHARS_MAX = 100
CLEAR_AT_ONCE = 2000
CANDIDATE_HOURS = 3
BookPayment = Callable[[int, int, str, str, int], Awaitable[str]]
"""(payment, amount_e4, provider's number, reason, person) → what came of it: the payments' own verb."""


class Choice(msgspec.Struct, frozen=True):
    """What a person wants done with a difference."""

    act: Act
    reason: str
    org_id: int | None = None  # whose wallet; of ``credit``
    reference: str = ""  # the bank's; of ``pay_out``
    other_id: int | None = None  # the other half; of ``offset``

    @property
    def detail(self) -> dict[str, str]:
        told = {"org_id": self.org_id, "reference": self.reference, "other_id": self.other_id}
        return {name: str(value) for name, value in told.items() if value}


async def take(db: Database, case_id: int, *, actor_id: int) -> Case:
    """It is his from now on; whoever had it before is relieved."""
    _check_person(actor_id)
    async with db.transaction() as connection:
        case = await _find(connection, case_id)
        if case.state is CaseState.asked:
            raise CaseNotOpen("it waits for a second person", detail_zh="正在等待复核")
        done = msgspec.structs.replace(case, state=CaseState.taken, owner_id=actor_id)
        await _put(connection, done, actor_id, "reconciliation.take")
    return done


async def resolve(db: Database, case_id: int, choice: Choice, *, limit_e4: int, actor_id: int) -> Case:
    """Done at once, or left for a second person."""
    _check_person(actor_id)
    check_reason(choice.reason)
    async with db.transaction() as connection:
        case = await _find(connection, case_id)
        if case.state is CaseState.asked:
            raise CaseNotOpen("it waits for a second person", detail_zh="正在等待复核")
        if choice.act not in case.choices:
            allowed = ", ".join(case.choices)
            raise BadReconciliation(f"act: one of {allowed}", field="act", detail_zh=f"处理方式：应为 {allowed} 之一")
        chosen = msgspec.structs.replace(
            case, act=choice.act, reason=choice.reason, detail=choice.detail or None, asked_by=actor_id,
            owner_id=case.owner_id or actor_id,
        )  # fmt: skip
        await _legs(connection, chosen)  # what can't be posted is refused now
        if needs_second(choice.act, case.suspense_e4, limit_e4=limit_e4):
            done = msgspec.structs.replace(chosen, state=CaseState.asked)
            await _put(connection, done, actor_id, "reconciliation.ask")
            return done
        return await _conclude(connection, chosen, actor_id)


async def decide(db: Database, case_id: int, *, agree: bool, actor_id: int, note: str = "") -> Case:
    """A second person agrees, or gives the difference back to whoever has it."""
    _check_person(actor_id)
    if not agree:
        check_reason(note)
    async with db.transaction() as connection:
        case = await _find(connection, case_id)
        if case.state is not CaseState.asked:
            raise CaseNotOpen("nobody asked for a second person", detail_zh="尚未提交复核")
        if case.asked_by == actor_id:
            raise SecondResolverNeeded(field="by")
        if agree:
            return await _conclude(connection, msgspec.structs.replace(case, second_id=actor_id), actor_id)
        done = msgspec.structs.replace(case, state=CaseState.taken, act=None, detail=None, asked_by=None, reason=note)
        await _put(connection, done, actor_id, "reconciliation.send_back")
    return done


async def book(
    db: Database, channel: Channel, case_id: int, book_payment: BookPayment,
    *, payment_id: int | None = None, reason: str, actor_id: int,
) -> Case:  # fmt: skip
    """Book the payment that a line is of by the bill's word, so that it clears.

    ``payment_id``: which one, if a person found out."""
    _check_person(actor_id)
    check_reason(reason)
    lane = ids.lane_of(case_id)
    async with db.transaction() as connection:
        case = await _find(connection, case_id)
        line = await store.read_line(connection, lane, case.channel_id, case.day, case.line_key)
        if line is None or case.line_kind != "payment" or case.state is CaseState.asked:
            raise CaseNotOpen("it is no payment's line", detail_zh="该差错没有可补记的付款")
        if case.subject_id == 0:
            case = await _name(connection, case, line, payment_id)
    wanted = case.payment_id or case.subject_id
    effect = await book_payment(wanted, line.amount_e4, line.provider_no, reason, actor_id)
    await clear(db, channel)
    async with db.transaction() as connection:
        await lanes.pass_gate(connection, lane, id_count=0)
        done = (await store.read_cases(connection, lane, [case_id]))[case_id]
        await _note(connection, done, actor_id, "reconciliation.book", {"reason": reason, "effect": effect})
    return done


async def _name(connection: Connection, case: Case, line: Line, payment_id: int | None) -> Case:
    """Tie a line that bears no number of ours to a payment, of its lane, with the same amount, not booked yet."""
    lane = ids.lane_of(case.case_id)
    every = await _candidates(connection, case, line)
    if payment_id is None or payment_id not in {one.payment_id for one in every}:
        raise BadReconciliation("payment: one of those offered", field="payment", detail_zh="付款：请从候选付款中选择")
    await store.name_line(connection, lane, case.channel_id, case.day, case.line_key, payment_id)
    named = msgspec.structs.replace(case, subject_id=payment_id, payment_id=payment_id, kind=Kind.status)
    await store.set_case(connection, lane, named)
    return named


async def candidates(db: Database, case_id: int) -> list[Candidate]:
    """Payments that a line without a number of ours may be of: by channel, amount and time, for a person to judge."""
    lane = ids.lane_of(case_id)
    async with db.connection() as connection:
        case = (await store.read_cases(connection, lane, [case_id])).get(case_id)
        if case is None or case.kind is not Kind.long or case.line_kind != "payment":
            return []
        line = await store.read_line(connection, lane, case.channel_id, case.day, case.line_key)
        return [] if line is None else await _candidates(connection, case, line)


async def _candidates(connection: Connection, case: Case, line: Line) -> list[Candidate]:
    at_ms = int(line.at.timestamp() * 1000)
    span = timedelta(hours=CANDIDATE_HOURS) // timedelta(milliseconds=1)
    between = (ids.first_at(at_ms - span), ids.first_at(at_ms + 60_000))
    return await store.candidates(connection, ids.lane_of(case.case_id), case.channel_id, between, line.amount_e4)


async def clear(db: Database, channel: Channel) -> int:
    """Judge what is open once more: what agrees by now leaves suspense by itself. Returns how many did."""
    async with db.connection() as connection:
        numbers = await lanes.lane_numbers(connection)
    return sum([await _clear_lane(db, lane, channel) for lane in numbers])


async def _clear_lane(db: Database, lane: int, channel: Channel) -> int:
    async with db.connection() as connection:
        if not await store.open_cases(connection, lane, channel_id=channel.channel_id, limit=1):
            return 0
    count = 0
    async with db.transaction() as connection:
        await lanes.pass_gate(connection, lane)
        every = await store.open_cases(connection, lane, channel_id=channel.channel_id, limit=CLEAR_AT_ONCE)
        for case in await returning.ended(connection, lane, every):
            await _put(connection, case, 0, "reconciliation.resolve")
            count += 1
        some = [case for case in every if case.state not in (CaseState.asked, CaseState.returning)]
        accounts = await open_accounts(connection, lane, channel)
        shorts = [case.subject_id for case in some if case.kind is Kind.short]
        here = await store.arrived(connection, lane, channel.channel_id, shorts) if shorts else set()
        done = [_with_gap(case, None) for case in some if (case.line_kind, case.subject_id) in here]
        for day in sorted({case.day for case in some if case.kind is not Kind.short}):
            of_day = {case.line_key: case for case in some if case.day == day and case.kind is not Kind.short}
            judged = await store.judge_lines(connection, lane, channel.channel_id, day, list(of_day))
            done += [_with_gap(of_day[one.line_key], one) for one in judged if _is_other(of_day[one.line_key], one)]
        before = {case.case_id: case for case in some}
        for case in done:
            legs = suspense_legs(case, before[case.case_id].suspense_e4, case.suspense_e4, accounts)
            await post(connection, lane, legs + rounding_legs(case, accounts))
            await _put(connection, case, 0, "reconciliation.clear")
    return count + sum(case.state is CaseState.resolved for case in done)


def _is_other(case: Case, judged: Judged) -> bool:
    return judged.verdict is not case.kind or judged.gap_e4 != case.suspense_e4


def _with_gap(case: Case, judged: Judged | None) -> Case:
    """As it is judged now: cleared if there is no difference any more (a rounding of the fee is none), else another."""
    if judged is None or judged.verdict in (None, Kind.cut_off):
        return msgspec.structs.replace(
            case, state=CaseState.resolved, act=Act.cleared, suspense_e4=0, resolved_at=clock.now(),
            rest_e4=0 if judged is None else judged.gap_e4,
            book_e4=case.book_e4 if judged is None else judged.book_e4 or 0,
        )  # fmt: skip
    assert judged.verdict is not None
    return msgspec.structs.replace(
        case, kind=judged.verdict, suspense_e4=judged.gap_e4, rest_e4=judged.gap_e4, book_e4=judged.book_e4 or 0,
        payment_id=judged.payment_id,
    )  # fmt: skip


# what an act moves -------------------------------------------------------------------------------------------


async def _conclude(connection: Connection, case: Case, actor_id: int) -> Case:
    lane, at = ids.lane_of(case.case_id), clock.now()
    legs = await _legs(connection, case)
    if case.act is Act.offset:
        other = await _other_half(connection, case)
        twin = msgspec.structs.replace(
            other, state=CaseState.resolved, act=Act.offset, detail={"other_id": str(case.case_id)}, resolved_at=at,
            reason=case.reason, asked_by=case.asked_by, second_id=case.second_id,
        )  # fmt: skip
        await _put(connection, twin, actor_id, "reconciliation.resolve")
    transfer_id = await post(connection, lane, legs)
    if case.act is Act.refund:
        done = await returning.begin(connection, case)
        await _put(connection, done, actor_id, "reconciliation.return")
        return done
    done = msgspec.structs.replace(case, state=CaseState.resolved, resolved_at=at, transfer_id=transfer_id)
    await _put(connection, done, actor_id, "reconciliation.resolve")
    return done


async def _legs(connection: Connection, case: Case) -> list[Leg]:
    """Out of suspense, to where it belongs. Under the gate."""
    lane, detail = ids.lane_of(case.case_id), case.detail or {}
    channel = (await store.read_channels(connection))[case.channel_id]
    accounts = await open_accounts(connection, lane, channel)
    if case.act is Act.offset:
        await _other_half(connection, case)
        return []
    if case.act is Act.refund:
        return await returning.legs_of(connection, case, accounts)
    if case.act is Act.credit:
        wallet = await ledger.read_wallet(connection, lane, _org_in(detail, lane))
        to = wallet.account_id
    elif case.act is Act.pay_out:
        _check_reference(detail)
        to = accounts.bank
    else:
        to = accounts.fee
    return _out_of_suspense(case, to, accounts)


def _out_of_suspense(case: Case, to: int, accounts: Accounts) -> list[Leg]:
    debit, credit = (accounts.suspense, to) if case.suspense_e4 > 0 else (to, accounts.suspense)
    key = f"bill_case:{case.case_id}:{case.act}"
    return [Leg(key, debit, credit, abs(case.suspense_e4), "bill_case", case.case_id)] if case.suspense_e4 else []


def _org_in(detail: dict[str, str], lane: int) -> int:
    org_id = int(detail.get("org_id", "0"))
    if not org_id or ids.lane_of(org_id) != lane:
        raise BadReconciliation(
            "organisation: one of the lane that this money lies in", field="organisation",
            detail_zh="商户：须与该笔款项位于同一分区",
        )  # fmt: skip
    return org_id


def _check_reference(detail: dict[str, str]) -> None:
    reference = detail.get("reference", "")
    if not (reference.strip() and len(reference) <= REFERENCE_CHARS_MAX and reference.isprintable()):
        raise BadReconciliation("reference: the bank's number", field="reference", detail_zh="银行流水号：必填")


async def _other_half(connection: Connection, case: Case) -> Case:
    """Of the same lane and channel, open, and of the same amount the other way."""
    other_id = int((case.detail or {}).get("other_id", "0"))
    lane = ids.lane_of(case.case_id)
    found = (await store.read_cases(connection, lane, [other_id])).get(other_id)
    if (
        found is None
        or found.state not in (CaseState.open, CaseState.taken)
        or found.channel_id != case.channel_id
        or found.suspense_e4 != -case.suspense_e4
    ):
        raise BadReconciliation(
            "other: an open difference of this channel, of the same amount the other way", field="other",
            detail_zh="对冲差错：须为同一通道、金额相等方向相反的未处理差错",
        )  # fmt: skip
    return found


# rows --------------------------------------------------------------------------------------------------------


async def _find(connection: Connection, case_id: int) -> Case:
    """A difference that is not resolved, under its lane's gate."""
    lane = ids.lane_of(case_id)
    if lane not in await lanes.lane_numbers(connection):
        raise NoSuchCase(str(case_id), detail_zh=str(case_id))
    await lanes.pass_gate(connection, lane)
    found = (await store.read_cases(connection, lane, [case_id])).get(case_id)
    if found is None:
        raise NoSuchCase(str(case_id), detail_zh=str(case_id))
    if found.state is CaseState.resolved:
        raise CaseNotOpen("it is resolved", detail_zh="该差错已处理")
    if found.state is CaseState.returning:
        raise CaseNotOpen("its money is on its way back", detail_zh="款项正在原路退回")
    return found


async def _put(connection: Connection, case: Case, actor_id: int, act: str) -> None:
    await store.set_case(connection, ids.lane_of(case.case_id), case)
    data = {"kind": case.kind.value, "state": case.state.value, "act": case.act, "detail": case.detail,
            "reason": case.reason, "suspense_e4": case.suspense_e4}  # fmt: skip
    await _note(connection, case, actor_id, act, data)


async def _note(connection: Connection, case: Case, actor_id: int, act: str, data: dict[str, Any]) -> None:
    lane = ids.lane_of(case.case_id)
    passage = await lanes.pass_gate(connection, lane, id_count=1)
    line = audit.Line(passage.ids[0], 0, actor_id, act, case.case_id, data)
    await audit.note(connection, lane, clock.now(), [line])


def _check_person(actor_id: int) -> None:
    if actor_id <= 0:
        raise BadReconciliation("by: who does it", field="by", detail_zh="操作人：必填")


def check_reason(reason: str) -> None:
    if not (reason.strip() and len(reason) <= REASON_CHARS_MAX and reason.isprintable()):
        raise BadReconciliation(
            f"reason: 1 to {REASON_CHARS_MAX} characters", field="reason",
            detail_zh=f"原因：应为 1 至 {REASON_CHARS_MAX} 个字符",
        )  # fmt: skip


async def find_case(db: Database, case_id: int) -> tuple[Case, Line | None]:
    """A difference with the bill's line that it is about."""
    lane = ids.lane_of(case_id)
    async with db.connection() as connection:
        if lane not in await lanes.lane_numbers(connection):
            raise NoSuchCase(str(case_id), detail_zh=str(case_id))
        case = (await store.read_cases(connection, lane, [case_id])).get(case_id)
        if case is None:
            raise NoSuchCase(str(case_id), detail_zh=str(case_id))
        return case, await store.read_line(connection, lane, case.channel_id, case.day, case.line_key)


async def list_cases(
    db: Database, *, channel_id: int | None = None, day: date | None = None, limit: int = 200
) -> Sequence[Case]:
    """Those that wait, due first; of one channel's day, also the resolved ones."""
    found: list[Case] = []
    async with db.connection() as connection:
        for lane in await lanes.lane_numbers(connection):
            if channel_id is not None and day is not None:
                found += await store.cases_of_day(connection, lane, channel_id, day, limit=limit)
            else:
                found += await store.open_cases(connection, lane, channel_id=channel_id, limit=limit)
    return sorted(found, key=lambda one: (one.state is CaseState.resolved, one.due_at, one.case_id))[:limit]
