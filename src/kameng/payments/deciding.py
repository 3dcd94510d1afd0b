"""What becomes of what providers told: pure. Rows as they were read under the gate and facts go in, a plan comes out.

Nothing that was told is believed beyond its own words: channel, account, currency and amount are compared exactly.
Money that is not what was asked for is set aside; money for what is paid already goes back by itself. The working
copies in ``View`` move forward, so the second fact about a payment sees what the first one did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from kameng import channels
from kameng.payments.model import (
    REFUND_TRANSITIONS,
    TRANSITIONS,
    ChannelAccount,
    Fact,
    Kind,
    Payable,
    Payment,
    Refund,
    RefundFact,
    RefundState,
    State,
    TakenAs,
    Told,
)

HEARD, REPEATED, FOREIGN, INCOMPLETE, NOTHING = "heard", "repeated", "foreign", "incomplete", "nothing"
OTHER_ACCOUNT, OTHER_CURRENCY, SET_ASIDE = "other_account", "other_currency", "set_aside"
BOOKED, CLOSED, NOTED, BY_HAND = "booked", "closed", "noted", "by_hand"


class View(msgspec.Struct):
    """What a batch of facts read under the gate."""

    at: datetime
    accounts: Mapping[int, ChannelAccount]
    payments: dict[int, Payment]
    payables: dict[int, Payable]
    refunds: dict[int, Refund]
    known: set[tuple[int, str]]
    settled: set[int] = set()  # refunds that a person booked by hand
    funds: dict[int, int] = {}  # what agents have to pay for what their own channels brought


class Plan(msgspec.Struct):
    """What is to be written and posted; each payment stands in one list at most."""

    effects: list[str] = []  # one for each thing told
    touched: set[int] = set()  # payments that changed
    booked: list[int] = []  # payments whose money came in with this batch, in order
    instructed: list[tuple[int, Fact]] = []  # of them, those that their order is told of
    ended: dict[int, int | None] = {}  # payables that are paid, by which, or closed
    desk: list[tuple[str, int, Fact]] = []  # what a person has to look at: why, which payment
    refunds: dict[int, RefundState] = {}  # refunds that changed, with the state each came from
    foreign: list[Told] = []  # told of payments that are not ours, or another channel's


def decide(view: View, told: Sequence[Told]) -> Plan:
    plan = Plan()
    for one in told:
        event = None if one.event_id is None else (one.channel_id, one.event_id)
        if event is not None and event in view.known:
            plan.effects.append(HEARD)
            continue
        plan.effects.append(_decide_one(view, plan, one))
        if event is not None:
            view.known.add(event)
    return plan


def _decide_one(view: View, plan: Plan, told: Told) -> str:
    fact = told.fact
    if fact is None:
        return NOTHING
    if isinstance(fact, RefundFact):
        refund = view.refunds.get(fact.refund_id)
        if refund is None or refund.channel_id != told.channel_id:
            plan.foreign.append(told)
            return FOREIGN
        return _refunded(view, plan, refund, fact)
    payment = view.payments.get(fact.payment_id)
    if payment is None or payment.channel_id != told.channel_id:
        plan.foreign.append(told)
        return FOREIGN
    if fact.state is channels.State.paid:
        return _paid(view, plan, payment, fact)
    if fact.state is channels.State.closed and State.closed in TRANSITIONS[payment.state]:
        closed = msgspec.structs.replace(payment, state=State.closed, closed_at=view.at, code=fact.code or payment.code)
        _put(view, plan, closed)
        return CLOSED
    return NOTED


def _put(view: View, plan: Plan, payment: Payment) -> None:
    view.payments[payment.payment_id] = payment
    plan.touched.add(payment.payment_id)


def _paid(view: View, plan: Plan, payment: Payment, fact: Fact) -> str:
    """Money came in, once for each payment."""
    if payment.booked_at is not None:
        return REPEATED
    if fact.amount_e4 is None or fact.amount_e4 <= 0:
        return INCOMPLETE  # it is asked about
    if why := _not_ours(view, payment, fact):
        if payment.code == why:
            return REPEATED
        state = State.unknown if State.unknown in TRANSITIONS[payment.state] else payment.state
        _put(view, plan, msgspec.structs.replace(payment, state=state, code=why))
        plan.desk.append((why, payment.payment_id, fact))
        return why
    payable = view.payables[payment.payable_id]
    taken_as = _covered(view, payment, _taken_as(payment, payable, fact), fact.amount_e4)
    booked = msgspec.structs.replace(
        payment, state=State.paid, taken_as=taken_as, paid_e4=fact.amount_e4, booked_at=view.at,
        provider_no=fact.provider_no or payment.provider_no, payer=fact.payer or payment.payer,
        paid_at=fact.paid_at or view.at, code=fact.code,
    )  # fmt: skip
    _put(view, plan, booked)
    plan.booked.append(payment.payment_id)
    if taken_as is TakenAs.mismatch:
        plan.desk.append((SET_ASIDE, payment.payment_id, fact))
        return SET_ASIDE
    if taken_as is TakenAs.order:
        plan.instructed.append((payment.payment_id, fact))
    elif taken_as in (TakenAs.recharge, TakenAs.collection):
        end(view, plan, payable, payment.payment_id)
    return BOOKED


def _not_ours(view: View, payment: Payment, fact: Fact) -> str | None:
    account_no = view.accounts[payment.channel_id].account_no
    if account_no and fact.account_no and fact.account_no != account_no:
        return OTHER_ACCOUNT
    return OTHER_CURRENCY if fact.currency and fact.currency != payment.currency else None


def _taken_as(payment: Payment, payable: Payable, fact: Fact) -> TakenAs:
    """What its money is to us; of an order's, the order itself has the last word."""
    if fact.amount_e4 != payment.amount_e4:
        return TakenAs.mismatch
    if payable.kind is not Kind.order:  # a wallet takes it whenever it comes
        return TakenAs.double if payable.state == "paid" else TakenAs(payable.kind.value)
    if payable.wallet_e4 and payable.state != "open":  # what the wallet was to add is let go
        return TakenAs.double if payable.state == "paid" else TakenAs.late
    return TakenAs.order


def _covered(view: View, payment: Payment, taken_as: TakenAs, amount_e4: int) -> TakenAs:
    """What an agent's own channel brought is worth what his wallet has; else it goes back to where it came from."""
    agent_id = view.accounts[payment.channel_id].org_id
    if not agent_id or taken_as is not TakenAs.order:
        return taken_as
    if view.funds.get(agent_id, 0) < amount_e4:
        return TakenAs.late
    view.funds[agent_id] -= amount_e4
    return taken_as


def end(view: View, plan: Plan, payable: Payable, payment_id: int | None) -> None:
    """It is paid by that payment, or can't be paid any more."""
    state = "closed" if payment_id is None else "paid"
    view.payables[payable.payable_id] = msgspec.structs.replace(payable, state=state, payment_id=payment_id)
    plan.ended[payable.payable_id] = payment_id


STATE_OF = {
    channels.RefundState.processing: RefundState.sent,
    channels.RefundState.done: RefundState.done,
    channels.RefundState.failed: RefundState.failed,
    channels.RefundState.abnormal: RefundState.abnormal,
}


def _refunded(view: View, plan: Plan, refund: Refund, fact: RefundFact) -> str:
    state = STATE_OF.get(fact.state)
    if state is None or state not in REFUND_TRANSITIONS[refund.state]:
        return REPEATED
    if refund.refund_id in view.settled:  # it went back twice: a person finds out
        plan.foreign.append(Told(channel_id=refund.channel_id, fact=fact))
        return BY_HAND
    if state is RefundState.done and fact.amount_e4 not in (None, refund.amount_e4):
        state = RefundState.abnormal  # some other sum went back: a person finds out
        if refund.state is RefundState.abnormal:
            return REPEATED
    move_refund(view, plan, refund, state, code=fact.code, provider_refund_no=fact.provider_refund_no)
    return f"refund_{state.value}"


def move_refund(
    view: View, plan: Plan, refund: Refund, state: RefundState, *, code: str = "", provider_refund_no: str = ""
) -> None:
    plan.refunds.setdefault(refund.refund_id, refund.state)
    is_over = state in (RefundState.done, RefundState.failed)
    view.refunds[refund.refund_id] = msgspec.structs.replace(
        refund, state=state, code=code or refund.code, ended_at=view.at if is_over else None,
        provider_refund_no=provider_refund_no or refund.provider_refund_no, sent_at=refund.sent_at or view.at,
    )  # fmt: skip
