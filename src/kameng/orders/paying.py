"""Paying an order through a channel: pure. Whatever a channel says was paid is booked, whenever it comes.

Money that the order can take pays it; the gate has put it before or after the order's expiry. Money that it can't take
goes back to a member's wallet, or waits in suspense with a person who is told: never silence.
"""

from __future__ import annotations

import msgspec

from kameng.kit import money
from kameng.ledger import BadAmount
from kameng.orders import settling
from kameng.orders.commands import Standing
from kameng.orders.completing import hand_over_stock, lacking
from kameng.orders.drafting import (
    MISMATCH_JOB,
    RETURN_JOB,
    Draft,
    View,
    advance,
    free_cards,
    give_back,
    hand_over,
    note,
    post,
    to_desk,
)  # fmt: skip
from kameng.orders.errors import NotAwaited, PaymentReused
from kameng.orders.model import Command, Refused, Short, State


def pay(view: View, draft: Draft) -> Refused | Short | None:
    """A payment under a reference that stands for this order and no other."""
    order, instruction = draft.order, draft.instruction
    amount_e4 = instruction.amount_e4 or 0
    if order.expires_at is None:
        return Refused(NotAwaited)
    if amount_e4 <= 0:
        return Refused(BadAmount, field="amount")
    if view.references.get(instruction.key) != order.order_id:
        return Refused(PaymentReused, field="reference")
    if order.state not in (State.awaiting_payment, State.expired):
        return _give_back(view, draft, amount_e4)
    if amount_e4 != order.total_e4:
        return _set_aside(view, draft, amount_e4)
    short = _lacking(view, order) if order.state is State.expired else None
    if short is not None:
        may_steal = view.may_steal and order.chosen_card is None
        return short if may_steal else _give_back(view, draft, amount_e4)
    return _take_money(view, draft)


def _lacking(view: View, order: Standing) -> Short | None:
    if order.chosen_card is None:
        return lacking(view, order)
    return None if view.shelf.has_displayed(order.chosen_card) else Short(order.sku_id, order.quantity)


def _take_money(view: View, draft: Draft) -> Refused | Short | None:
    """The money is in: the goods go out, or to whoever fulfils; or a person looks first, and its cards go back."""
    refusal = post(view, settling.paid_transfers(draft.order))
    if refusal is not None:
        return refusal
    draft.order = msgspec.structs.replace(draft.order, payment_id=draft.instruction.payment_id)
    advance(view, draft, Command.pay)
    if draft.order.needs_review:
        advance(view, draft, Command.hold, **free_cards(draft))
        return None
    if draft.order.parts:
        return hand_over_stock(view, draft)
    if view.sku_of(draft.order).from_stock:
        return hand_over(view, draft)
    advance(view, draft, Command.fulfil)
    return None


def _give_back(view: View, draft: Draft, amount_e4: int) -> Refused | None:
    """Money that came too late, or twice."""
    amount_e4 -= draft.instruction.wallet_e4
    payment_id = draft.instruction.payment_id
    if payment_id is not None:
        return _give_to_origin(view, draft, amount_e4, payment_id)
    if post(view, settling.stray_transfers(draft.order, amount_e4, view.fresh, returned=True)) is not None:
        return _set_aside(view, draft, amount_e4)  # the wallet is closed
    note(view, draft, "order.payment_returned", _told(draft, amount_e4))
    if draft.order.is_guest:
        to_desk(draft, RETURN_JOB, amount_e4, reference=draft.instruction.key)
    return None


def _give_to_origin(view: View, draft: Draft, amount_e4: int, payment_id: int) -> Refused | None:
    """Through the payment that brought it; it waits in suspense until it is there."""
    refusal = post(view, settling.stray_transfers(draft.order, amount_e4, view.fresh, returned=False))
    if refusal is not None:
        return refusal
    note(view, draft, "order.payment_returned", _told(draft, amount_e4))
    cause = "late" if draft.order.state in (State.expired, State.cancelled) else "double"
    give_back(draft, payment_id, amount_e4, cause=cause)
    return None


def _set_aside(view: View, draft: Draft, amount_e4: int) -> Refused | None:
    """Too little or too much: a person finds out what was meant."""
    refusal = post(view, settling.stray_transfers(draft.order, amount_e4, view.fresh, returned=False))
    if refusal is not None:
        return refusal
    note(view, draft, "order.payment_mismatched", _told(draft, amount_e4))
    to_desk(draft, MISMATCH_JOB, amount_e4, reference=draft.instruction.key)
    return None


def _told(draft: Draft, amount_e4: int) -> dict[str, str]:
    return {"amount": money.format_e4(amount_e4), "reference": draft.instruction.key}
