"""Money that no verb gives back by itself: what a difference of a bill shows, and refunds that their provider won't do.

A difference's money goes back to its origin by the same path as any refund, under its own number. What a provider won't
give back a person returned by other means: he books it here, once, and its item leaves the desk.
"""

from __future__ import annotations

from typing import Any

from kameng import ledger, orders
from kameng.kit import audit, clock, ids, jobs, lanes, money
from kameng.kit.db import Connection, Database
from kameng.kit.money import MINOR_E4
from kameng.ledger import House, Leg, house_account
from kameng.payments import store
from kameng.payments.errors import BadPayment, NoSuchPayment, NotByHand, NotRefundableNow
from kameng.payments.model import Kind, Origin, Refund, RefundState, TakenAs, refund_of
from kameng.payments.store import Heard
from kameng.payments.taking import MISMATCH_JOB, REFUND_JOB

HAND_NO_CHARS_MAX = 100
REASON_CHARS_MAX = 500
HAND_CODE = "refund_by_hand"


async def return_to_origin(
    connection: Connection, lane: int, *, case_id: int, channel_id: int, currency: str, amount_e4: int,
    origin: Origin, reason: str,
) -> Refund:  # fmt: skip
    """Of a difference, whose money waits in suspense; under the gate. ``BadPayment`` for what no provider could do."""
    if not (origin.payment_no or origin.provider_no):
        raise BadPayment("the bill's line names no payment", detail_zh="账单行没有可退的交易号")
    if amount_e4 <= 0 or amount_e4 % MINOR_E4:
        raise BadPayment("no whole amount is left to give back", detail_zh="没有可原路退回的金额")
    passage = await lanes.pass_gate(connection, lane, id_count=2)
    refund = Refund(
        passage.ids[0], 0, 0, 0, channel_id, f"case:{case_id}:{passage.ids[0]}", "case", amount_e4, currency, reason,
        RefundState.requested, 0, "", "", clock.now(), case_id=case_id, origin=origin,
    )  # fmt: skip
    await store.insert_refunds(connection, lane, clock.now(), [refund])
    await jobs.add(connection, lane, [jobs.NewJob(REFUND_JOB, refund.refund_id)], passage.ids[1:])
    return refund


async def return_mismatch(db: Database, payment_id: int, *, reason: str, actor_id: int) -> Refund:
    """What was paid is not what was asked for, and waits in suspense: all of it goes back. Asked again, the same."""
    _check(reason, "reason", "原因", REASON_CHARS_MAX)
    lane, key = ids.lane_of(payment_id), f"mismatch:{payment_id}"
    async with db.connection() as connection:
        if lane not in await lanes.lane_numbers(connection):
            raise NoSuchPayment
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=3)
        payment = (await store.read_payments(connection, lane, [payment_id])).get(payment_id)
        if payment is None:
            raise NoSuchPayment
        every = await store.refunds_of(connection, lane, [payment_id])
        if known := [one for one in every if one.request_key == key]:
            return known[0]
        amount_e4 = (payment.paid_e4 or 0) // MINOR_E4 * MINOR_E4
        if payment.taken_as is not TakenAs.mismatch or every or not amount_e4:
            raise NotRefundableNow
        refund = refund_of(payment, passage.ids[0], amount_e4, key, TakenAs.mismatch.value, reason=reason)
        await store.insert_refunds(connection, lane, clock.now(), [refund])
        await jobs.withdraw(connection, lane, [jobs.NewJob(MISMATCH_JOB, payment_id)])
        await jobs.add(connection, lane, [jobs.NewJob(REFUND_JOB, refund.refund_id)], passage.ids[1:2])
        data = {"refund": refund.refund_no, "amount": money.format_e4(amount_e4), "reason": reason}
        line = audit.Line(passage.ids[2], payment.org_id, actor_id, "payment.return", payment_id, data)
        await audit.note(connection, lane, clock.now(), [line])
    return refund


async def refunds_of_cases(connection: Connection, lane: int, case_ids: list[int]) -> dict[int, Refund]:
    """The latest of each difference."""
    return {one.case_id: one for one in await store.refunds_of_cases(connection, lane, case_ids) if one.case_id}


async def find_refund(db: Database, refund_id: int) -> Refund:
    lane = ids.lane_of(refund_id)
    async with db.connection() as connection:
        if lane in await lanes.lane_numbers(connection):
            found = (await store.read_refunds(connection, lane, [refund_id])).get(refund_id)
            if found is not None:
                return found
    raise NoSuchPayment


async def refund_history(db: Database, refund_id: int) -> tuple[Refund, list[Heard]]:
    """A refund with what its provider told of it."""
    refund = await find_refund(db, refund_id)
    async with db.connection() as connection:
        heard = await store.notices_of(connection, ids.lane_of(refund_id), 0, [refund_id])
    return refund, heard


async def book_by_hand(db: Database, refund_id: int, *, hand_no: str, reason: str, actor_id: int) -> Refund:
    """A person gave it back by other means, under that number of a bank's. The same number again: what was booked."""
    _check(hand_no, "reference", "流水号", HAND_NO_CHARS_MAX)
    _check(reason, "reason", "原因", REASON_CHARS_MAX)
    refund = await find_refund(db, refund_id)
    if refund.hand_no == hand_no:
        return refund
    if not refund.needs_person:
        raise NotByHand
    lane = ids.lane_of(refund_id)
    async with db.connection() as connection:
        payable = (await store.read_payables(connection, lane, [refund.payable_id])).get(refund.payable_id)
        lies = bool(await store.refunds_on_desk(connection, lane, [refund]))
    is_order = payable is not None and payable.kind is Kind.order
    if is_order and lies:  # its own desk: the items, the event, the money of all that waits there
        await orders.book_return(db, refund.payable_id, reference=hand_no, reason=reason, actor_id=actor_id)
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=2)
        now = (await store.read_refunds(connection, lane, [refund_id]))[refund_id]
        if not now.needs_person:
            raise NotByHand
        if not is_order:
            await _post(connection, lane, now, passage.ids[0])
        at = clock.now()
        await store.set_by_hand(connection, lane, refund_id, hand_no, actor_id, at)
        told = {"refund": now.refund_no, "reference": hand_no, "amount": money.format_e4(now.amount_e4)}
        data: dict[str, Any] = told | {"reason": reason}
        line = audit.Line(passage.ids[1], now.org_id, actor_id, "refund.by_hand", now.subject_id, data)
        await audit.note(connection, lane, at, [line])
        return (await store.read_refunds(connection, lane, [refund_id]))[refund_id]


async def _post(connection: Connection, lane: int, refund: Refund, transfer_id: int) -> None:
    """Out of suspense to the bank that paid it, and its item off the desk."""
    leg = Leg(
        f"{HAND_CODE}:{refund.refund_id}", house_account(House.suspense, refund.currency),
        house_account(House.bank, refund.currency), refund.amount_e4, HAND_CODE, refund.subject_id,
    )  # fmt: skip
    ledger.standing(await ledger.post_chain(connection, lane, [leg], [transfer_id]))
    await jobs.withdraw(connection, lane, [jobs.NewJob(MISMATCH_JOB, refund.desk_id, {"reference": refund.refund_no})])


def _check(text: str, field: str, zh: str, most: int) -> None:
    if not (text.strip() and len(text) <= most and text.isprintable()):
        raise BadPayment(f"{field}: 1 to {most} characters", field=field, detail_zh=f"{zh}：应为 1 至 {most} 个字符")
