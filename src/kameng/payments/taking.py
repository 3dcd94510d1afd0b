"""The one handler of what providers tell: notices, answers to queries, and a person's word, in batches of a lane.

Gate, reads, ``deciding.decide``, transfers, the orders' own command (``pay``, as staff give it), writes, commit:
the inbox row, the money and the delivered goods stand together or not at all. Only then is a provider answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from kameng import ledger, orders, stock
from kameng.kit import audit, clock, jobs, lanes, money
from kameng.kit.db import Connection
from kameng.kit.errors import Fault
from kameng.ledger import House, Leg, house_account
from kameng.orders import By, Command, Instruction
from kameng.payments import booking, deferring_store, owning, store, telling
from kameng.payments.deciding import HEARD, Plan, View, decide, end
from kameng.payments.deferring_store import Due, facts_of, kind_of
from kameng.payments.model import Fact, Kind, Payment, RefundFact, RefundState, State, TakenAs, Told
from kameng.payments.opening import Workplace
from kameng.payments.store import ChannelDay, NewNotice

QUERY_JOB = "payments.query"
REFUND_JOB = "payments.refund"
LAPSE_JOB = "payments.lapse"
MISMATCH_JOB = "payments.mismatch"
STRAY_JOB = "payments.stray"
DEFERRED_JOB = "payments.deferred"
COLLECTED_JOB = "payments.collected"
"""Money came for somebody's own shop: whoever collects for it sees to the rest."""
LATE_STATES = frozenset({orders.State.expired, orders.State.cancelled})


DESK_TRIES = 5
"""What was acknowledged and tried so often in vain lies on the desk, too, until it has its effect."""


async def take(place: Workplace, lane: int, told: Sequence[Told] | Due) -> list[str]:
    """What came of each thing told, or set down and due now, after the commit. Cards that only other lanes have are
    fetched in between."""
    await place.channels.refresh()
    stolen: set[int] = set()
    may_steal = True
    while True:
        try:
            plan = await _once(place, lane, told, may_steal=may_steal)
        except orders.ShortOfCards as short:
            fresh = short.needs.keys() - stolen
            for sku_id in fresh:
                await stock.steal(place.db, lane, sku_id, short.needs[sku_id], ring=place.ring)
            stolen |= fresh
            may_steal = bool(fresh)
            continue
        for payment_id in plan.booked:
            place.router.paid(payment_id)
        return plan.effects


async def _once(place: Workplace, lane: int, told: Sequence[Told] | Due, *, may_steal: bool) -> Plan:
    async with place.db.transaction() as connection:
        # As many ids as there could be need of: passing the gate again for them would be one more round to the server.
        count_max = told.count_max if isinstance(told, Due) else len(told)
        own_ids = booking.IDS_EACH * count_max
        passage = await lanes.pass_gate(connection, lane, id_count=own_ids + orders.IDS_EACH * count_max)
        if isinstance(told, Due):
            told = await _taken_out(connection, lane, told)
        view = await _read(place, connection, lane, told)
        plan = decide(view, told)
        facts = {one.fact.payment_id: one.fact for one in told if isinstance(one.fact, Fact)}
        books = await _post(connection, lane, view, plan, passage.ids[:own_ids], facts)
        rest = msgspec.structs.replace(passage, ids=passage.ids[own_ids:])
        if plan.refunds or not plan.instructed:
            await ledger.write(connection, lane, view.at, books)
            books = ledger.Books([])
            await owning.give_back(connection, lane, view, plan)
        # Else orders go on in the same books: what comes in and what pays for goods is written at once.
        await _tell_orders(place, connection, rest, view, plan, books, may_steal=may_steal)
        await _write(connection, lane, view, plan, told)
    return plan


async def _taken_out(connection: Connection, lane: int, due: Due) -> list[Told]:
    """Out of the inbox and off the desk, if this transaction stands."""
    lying = await deferring_store.take_out(connection, lane, due)
    on_desk = [one.told for one in lying if one.tries >= DESK_TRIES]
    if on_desk:
        await jobs.withdraw(connection, lane, [deferred_job(one) for one in on_desk])
    return [one.told for one in lying]


async def _read(place: Workplace, connection: Connection, lane: int, told: Sequence[Told]) -> View:
    payment_ids = {one.fact.payment_id for one in told if isinstance(one.fact, Fact)}
    refund_ids = {one.fact.refund_id for one in told if isinstance(one.fact, RefundFact)}
    refunds = await store.read_refunds(connection, lane, refund_ids) if refund_ids else {}
    payment_ids |= {refund.payment_id for refund in refunds.values()}
    payments, payables = await store.read_due(connection, lane, payment_ids) if payment_ids else ({}, {})
    events = [(one.channel_id, one.event_id) for one in told if one.event_id is not None]
    known = await store.known_events(connection, lane, events) if events else set()
    abnormal = [one for one in refunds.values() if one.state is RefundState.abnormal]
    lying = await store.refunds_on_desk(connection, lane, abnormal) if abnormal else set()
    settled = {one.refund_id for one in abnormal if one.refund_no not in lying}
    accounts = place.channels.accounts
    own = {accounts[one.channel_id].org_id for one in payments.values()} - {0}
    funds = await owning.funds_of(connection, lane, own) if own else {}
    return View(clock.now(), accounts, payments, payables, refunds, known, settled, funds)


async def _post(
    connection: Connection, lane: int, view: View, plan: Plan, fresh_ids: Sequence[int], facts: dict[int, Fact]
) -> ledger.Books:
    """The transfers of a plan, to be written; and an account for each channel that is new here."""
    if not (plan.booked or any(view.refunds[refund_id].state is RefundState.done for refund_id in plan.refunds)):
        return ledger.Books([])
    numbers, wanted = booking.accounts_needed(view, plan)
    channels = await ledger.open_channel_accounts(connection, lane, wanted)
    books = ledger.Books([*await ledger.read_accounts(connection, lane, numbers), *channels.values()])
    booking.post(view, plan, books, channels, iter(fresh_ids), facts)
    return books


async def _tell_orders(
    place: Workplace, connection: Connection, passage: lanes.Passage, view: View, plan: Plan, books: ledger.Books,
    *, may_steal: bool,
) -> None:  # fmt: skip
    """Their own command takes the money, or gives it back; a wallet's part follows if it took it."""
    if not plan.instructed:
        return
    lane = passage.lane
    instructions = [_instruction(view, payment_id, fact) for payment_id, fact in plan.instructed]
    outcomes = await orders.act_within(
        connection, place.ring, passage, instructions, terms=place.terms, may_steal=may_steal, books=books
    )
    for (payment_id, _), outcome in zip(plan.instructed, outcomes, strict=True):
        payment = view.payments[payment_id]
        if isinstance(outcome, orders.Refused):
            raise Fault(f"order {payment.payable_id} refused the payment {payment_id}: {outcome.reason.code}")
        payable = view.payables[payment.payable_id]
        if outcome.payment_id == payment_id:
            end(view, plan, payable, payment_id)
            if payable.hold_id is not None:
                await resolve_hold(connection, lane, payable.payable_id, view, kind="post")
            await owning.collect(connection, lane, view, payment_id)
            continue
        is_late = outcome.state in LATE_STATES
        view.payments[payment_id] = msgspec.structs.replace(
            payment, taken_as=TakenAs.late if is_late else TakenAs.double
        )
        if payable.state == "open" and payable.hold_id is None:
            end(view, plan, payable, None)


def _instruction(view: View, payment_id: int, fact: Fact) -> Instruction:
    payment = view.payments[payment_id]
    payable = view.payables[payment.payable_id]
    return Instruction(
        order_id=payable.payable_id, command=Command.pay, key=reference_of(payment),
        by=By.staff if fact.actor_id else By.kameng, actor_id=fact.actor_id, reason=fact.reason,
        amount_e4=payable.amount_e4, payment_id=payment_id, wallet_e4=payable.wallet_e4,
    )  # fmt: skip


def reference_of(payment: Payment) -> str:
    """What an order knows the payment by."""
    return f"channel{payment.channel_id}:{payment.payment_no}"


async def resolve_hold(connection: Connection, lane: int, payable_id: int, view: View, *, kind: str) -> None:
    """The wallet's part of what was to be paid: added to what came in, or let go."""
    payable = view.payables[payable_id]
    passage = await lanes.pass_gate(connection, lane, id_count=1)
    leg = Leg(
        f"payment_wallet:{payable_id}:{kind}", payable.org_id, house_account(House.clearing, payable.currency),
        payable.wallet_e4, "payment_wallet", payable_id, kind, payable.hold_id,
    )  # fmt: skip
    ledger.standing(await ledger.post_chain(connection, lane, [leg], passage.ids))


async def _write(connection: Connection, lane: int, view: View, plan: Plan, told: Sequence[Told]) -> None:
    changed = [view.payments[payment_id] for payment_id in sorted(plan.touched)]
    if changed:
        await store.set_payments(connection, lane, changed, at=view.at, ended=plan.ended)
    elif plan.ended:
        await store.end_payables(connection, lane, view.at, plan.ended)
    await write_refunds(connection, lane, view, plan)
    if plan.booked:
        await store.add_to_days(connection, lane, _days_of([view.payments[one] for one in plan.booked], view))
    notices = [_notice_of(one, effect) for one, effect in zip(told, plan.effects, strict=True) if _is_new(one, effect)]
    if notices:
        await store.insert_notices(connection, lane, view.at, notices)
    await _move_jobs(connection, lane, view, plan, changed)
    await telling.emit(connection, lane, view, plan)
    await _note_staff(connection, lane, view, plan, told)


async def write_refunds(connection: Connection, lane: int, view: View, plan: Plan) -> None:
    """Where refunds stand now, and what was given back of their payments."""
    if not plan.refunds:
        return
    refunds = [view.refunds[refund_id] for refund_id in plan.refunds]
    await store.set_refunds(connection, lane, refunds)
    back: dict[int, int] = {}
    days: dict[int, ChannelDay] = {}
    for refund in refunds:
        if refund.state is RefundState.done:
            if refund.case_id is None:
                back[refund.payment_id] = back.get(refund.payment_id, 0) + refund.amount_e4
            so_far = days.get(refund.channel_id, ChannelDay(refund.channel_id, clock.china_day()))
            days[refund.channel_id] = msgspec.structs.replace(so_far, refunded_e4=so_far.refunded_e4 + refund.amount_e4)
    if back:
        await store.add_refunded(connection, lane, back)
    await store.add_to_days(connection, lane, days.values())


def _days_of(payments: Iterable[Payment], view: View) -> list[ChannelDay]:
    days: dict[int, ChannelDay] = {}
    day = clock.china_day_at(int(view.at.timestamp() * 1000))
    for one in payments:
        so_far = days.get(one.channel_id, ChannelDay(one.channel_id, day))
        days[one.channel_id] = msgspec.structs.replace(
            so_far, paid=so_far.paid + 1, paid_e4=so_far.paid_e4 + (one.paid_e4 or 0),
            fee_e4=so_far.fee_e4 + one.fee_e4,
        )  # fmt: skip
    return list(days.values())


def _is_new(told: Told, effect: str) -> bool:
    """What was heard before stands in the inbox already."""
    return told.event_id is not None and effect != HEARD


def _notice_of(told: Told, effect: str) -> NewNotice:
    fact = told.fact
    return NewNotice(
        told.channel_id, told.event_id or "", kind_of(told), fact.payment_id if isinstance(fact, Fact) else None,
        fact.refund_id if isinstance(fact, RefundFact) else None, effect, facts_of(told), told.said or None,
    )  # fmt: skip


async def _move_jobs(connection: Connection, lane: int, view: View, plan: Plan, changed: Sequence[Payment]) -> None:
    """Nobody asks any more about what is decided; what is open beside what was paid is closed; persons are told."""
    over = [jobs.NewJob(QUERY_JOB, one.payment_id) for one in changed if one.state is not State.unknown]
    new = [_to_desk(view, *one) for one in plan.desk]
    new += [_stray(one) for one in plan.foreign]
    new += [
        give_back_job(one, one.taken_as.value)
        for one in changed
        if one.taken_as in (TakenAs.late, TakenAs.double) and not _order_sees_to_it(plan, one)
    ]
    new += [jobs.NewJob(COLLECTED_JOB, one.payable_id, {"step": 0}) for one in changed if _is_collected(plan, one)]
    over += [jobs.NewJob(LAPSE_JOB, payable_id) for payable_id in plan.ended]
    over += [
        msgspec.structs.replace(
            desk_of_refund(view, refund_id), payload={"reference": view.refunds[refund_id].refund_no}
        )
        for refund_id, before in plan.refunds.items()
        if before is RefundState.abnormal
    ]
    tried_again = [payable_id for payable_id in plan.ended if view.payables[payable_id].attempts > 1]
    if tried_again:
        others = [
            one
            for one in await store.attempts_of(connection, lane, tried_again)
            if one.is_open and one.payment_id not in plan.booked
        ]
        over += [jobs.NewJob(QUERY_JOB, one.payment_id) for one in others]
        new += [jobs.NewJob(QUERY_JOB, one.payment_id, {"step": 0, "close": True}) for one in others]
    if over:
        await jobs.withdraw(connection, lane, over)
    new += [desk_of_refund(view, refund_id) for refund_id in plan.refunds if _needs_person(view, refund_id)]
    if new:
        passage = await lanes.pass_gate(connection, lane, id_count=len(new))
        await jobs.add(connection, lane, new, passage.ids)


def _order_sees_to_it(plan: Plan, payment: Payment) -> bool:
    """Its order was told, and asks for its money to be given back."""
    return any(payment_id == payment.payment_id for payment_id, _ in plan.instructed)


def _is_collected(plan: Plan, payment: Payment) -> bool:
    return payment.taken_as is TakenAs.collection and payment.payment_id in plan.booked


def give_back_job(payment: Payment, cause: str) -> jobs.NewJob:
    payload = {
        "amount": money.format_e4(payment.paid_e4 or 0), "currency": payment.currency,
        "payment_id": str(payment.payment_id), "cause": cause,
    }  # fmt: skip
    return jobs.NewJob(orders.ORIGIN_JOB, payment.payable_id, payload)


def _needs_person(view: View, refund_id: int) -> bool:
    return view.refunds[refund_id].state in (RefundState.failed, RefundState.abnormal)


def desk_of_refund(view: View, refund_id: int) -> jobs.NewJob:
    """What its provider does not give back lies on the desk until a person booked how it went back."""
    refund = view.refunds[refund_id]
    payload = {
        "amount": money.format_e4(refund.amount_e4), "currency": refund.currency, "reference": refund.refund_no,
        "code": refund.code,
    }  # fmt: skip
    payable = view.payables.get(refund.payable_id)
    is_order = refund.case_id is None and (payable is None or payable.kind is Kind.order)
    kind = orders.RETURN_JOB if is_order else MISMATCH_JOB
    return jobs.NewJob(kind, refund.desk_id, payload)


def _to_desk(view: View, why: str, payment_id: int, fact: Fact) -> jobs.NewJob:
    payload: dict[str, Any] = {
        "why": why, "payment": view.payments[payment_id].payment_no, "told": money.format_e4(fact.amount_e4 or 0),
        "asked": money.format_e4(view.payments[payment_id].amount_e4), "currency": fact.currency,
        "account": fact.account_no, "provider_no": fact.provider_no,
    }  # fmt: skip
    return jobs.NewJob(MISMATCH_JOB, payment_id, payload)


def _stray(told: Told) -> jobs.NewJob:
    return jobs.NewJob(STRAY_JOB, _subject(told), {"channel": told.channel_id, "told": msgspec.to_builtins(told.fact)})


def deferred_job(told: Told) -> jobs.NewJob:
    """The item on the desk of what was acknowledged and can't have its effect."""
    return jobs.NewJob(DEFERRED_JOB, _subject(told), {"channel": told.channel_id, "event": told.event_id})


def _subject(told: Told) -> int:
    fact = told.fact
    return 0 if fact is None else fact.payment_id if isinstance(fact, Fact) else fact.refund_id


async def _note_staff(connection: Connection, lane: int, view: View, plan: Plan, told: Sequence[Told]) -> None:
    """What persons confirmed; of orders, orders notes it."""
    lines = [
        (fact, effect)
        for one, effect in zip(told, plan.effects, strict=True)
        if isinstance(fact := one.fact, Fact) and fact.actor_id
    ]
    if not lines:
        return
    passage = await lanes.pass_gate(connection, lane, id_count=len(lines))
    await audit.note(
        connection, lane, view.at,
        [
            audit.Line(
                audit_id, view.payments[fact.payment_id].org_id if fact.payment_id in view.payments else 0,
                fact.actor_id, "payment.confirm", fact.payment_id,
                {"reason": fact.reason, "effect": effect, "amount": money.format_e4(fact.amount_e4 or 0)},
            )
            for audit_id, (fact, effect) in zip(passage.ids, lines, strict=True)
        ],
    )  # fmt: skip
