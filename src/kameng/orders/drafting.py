"""An order on its way through one command: what was read, what is drafted, and the few moves that every rule is made
of. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from kameng.catalogue import Sku
from kameng.kit import events, jobs, money
from kameng.ledger import Books, LedgerRefused, NewTransfer, Result
from kameng.orders import settling
from kameng.orders.bundling import told_parts
from kameng.orders.commands import EVENTS, Acted, Instruction, Known, Standing, Terms
from kameng.orders.errors import CardTaken, SoldOut, StateForbids
from kameng.orders.model import TRANSITIONS, Command, PartState, Refused, Short, step
from kameng.orders.settling import Fresh
from kameng.stock import Shelf

RETURN_JOB = "orders.return_payment"
MISMATCH_JOB = "orders.mismatch"
ORIGIN_JOB = "payments.give_back"
"""Whoever knows the payment gives it back to where it came from."""


class Draft(msgspec.Struct):
    """What one command makes of one order."""

    instruction: Instruction
    before: Standing
    order: Standing
    events: list[events.NewEvent] = []
    desk: list[jobs.NewJob] = []
    sold: list[tuple[int, int]] = []  # cards taken off the shelf, and of which SKU each is
    chosen: list[int] = []  # taken off the display
    handed_over: list[int] = []  # reserved cards that are sold now
    freed: list[int] = []  # reserved cards that go back
    taken_back: list[int] = []  # sold cards that go into quarantine

    @property
    def acted(self) -> Acted:
        order = self.order
        return Acted(
            order.order_id, order.state, order.sequence, order.refunded_e4, payment_id=order.payment_id
        )  # fmt: skip


class View(msgspec.Struct):
    """What a batch of commands read under the gate, moved forward by each of them."""

    at: datetime
    fresh: Fresh
    orders: dict[int, Standing]
    skus: Mapping[tuple[int, int], Sku]
    known: dict[tuple[int, str], Known]
    references: Mapping[str, int]
    books: Books
    shelf: Shelf
    terms: Terms
    may_steal: bool = True
    drafts: list[Draft] = []

    def sku_of(self, order: Standing) -> Sku:
        """As it was when the order was placed."""
        return self.skus[order.sku_id, order.sku_revision]

    @property
    def ids(self) -> Iterator[int]:
        return self.fresh.ids


def may(draft: Draft, command: Command) -> Refused | None:
    """Whether the order can take this step now."""
    return None if (draft.order.state, command) in TRANSITIONS else not_now(draft.order)


def not_now(order: Standing) -> Refused:
    return Refused(StateForbids, f"the order is {order.state}", detail_zh=f"订单当前状态为 {order.state}")


def advance(view: View, draft: Draft, command: Command, *, told: dict[str, Any] | None = None, **changes: Any) -> None:
    """Take a step, and tell it with the order's full state."""
    before = draft.order
    after = step(before.state, command)
    draft.order = msgspec.structs.replace(before, state=after, sequence=before.sequence + 1, **changes)
    tell(view, draft, EVENTS[command], told or {})


def note(view: View, draft: Draft, kind: str, told: dict[str, Any]) -> None:
    """Tell something that happened to the order and left its state."""
    draft.order = msgspec.structs.replace(draft.order, sequence=draft.order.sequence + 1)
    tell(view, draft, kind, told)


def tell(view: View, draft: Draft, kind: str, told: dict[str, Any]) -> None:
    order, instruction = draft.order, draft.instruction
    data = {
        "state": order.state.value,
        "quantity": order.quantity,
        "total": money.format_e4(order.total_e4),
        "refunded": money.format_e4(order.refunded_e4),
        "currency": order.currency,
        **({} if order.confirm_until is None else {"confirm_until": order.confirm_until.isoformat()}),
        **({"reason": instruction.reason} if instruction.reason else {}),
        **({"parts": told_parts(order.parts)} if order.parts else {}),
        **told,
    }
    event = events.NewEvent(
        event_id=next(view.ids), org_id=order.org_id, subject_id=order.order_id, sequence=order.sequence, kind=kind,
        actor_id=instruction.actor_id, data=data, due=order.wants_events,
    )  # fmt: skip
    draft.events.append(event)


def post(view: View, chain: Sequence[NewTransfer]) -> Refused | None:
    """All of these transfers or none."""
    culprits = [
        result for result in view.books.post_linked(chain) if result not in (Result.created, Result.linked_event_failed)
    ]
    return Refused(LedgerRefused, culprits[0], detail_zh=culprits[0].zh) if culprits else None


def hand_over(view: View, draft: Draft) -> Refused | Short | None:
    """The goods to the buyer: reserved cards, cards from the shelf, or what somebody delivered elsewhere."""
    order = draft.order
    sku = view.sku_of(order)
    card_ids = order.card_ids
    if sku.from_stock and not order.is_sandbox:
        if card_ids:
            draft.handed_over += card_ids
        else:
            chosen = order.chosen_card
            taken = take(view, draft, order.quantity) if chosen is None else take_chosen(view, draft, chosen)
            if not isinstance(taken, tuple):
                return taken
            card_ids = taken
    return earn(view, draft, Command.deliver, card_ids=card_ids)


def earn(view: View, draft: Draft, command: Command, **changes: Any) -> Refused | None:
    """A step by which the goods are there: the money is the house's now, or once the buyer has confirmed."""
    days = view.sku_of(draft.order).confirm_days
    days = view.terms.confirm_days if days is None else days
    if days:
        advance(view, draft, command, confirm_until=view.at + timedelta(days=days), **changes)
        return None
    refusal = post(view, settling.earned_transfers(draft.order, view.fresh))
    if refusal is None:
        advance(view, draft, command, **changes)
    return refusal


def come_partly(view: View, draft: Draft, back_e4: int, **changes: Any) -> Refused | None:
    """What came is paid for, the remainder goes back at once."""
    order = draft.order
    if back_e4:
        # The remainder leaves escrow first, so that no more than what came is earned.
        if refusal := post(view, settling.refund_transfers(order, back_e4, view.fresh)):
            return refusal
        draft.order = msgspec.structs.replace(order, refunded_e4=order.refunded_e4 + back_e4)
        see_it_back(draft, back_e4)
    if refusal := earn(view, draft, Command.deliver_partly, **changes):
        return refusal
    if draft.order.confirm_until is None:
        advance(view, draft, Command.settle)
    return None


def take(view: View, draft: Draft, count: int, *, sku_id: int | None = None) -> tuple[int, ...] | Refused | Short:
    """Cards off the shelf for this order: of its own SKU, or of a part's."""
    sku_id = draft.order.sku_id if sku_id is None else sku_id
    cards = view.shelf.take(sku_id, count)
    if cards is None:
        return Short(sku_id, count) if view.may_steal else Refused(SoldOut)
    draft.sold += [(card.card_id, sku_id) for card in cards]
    return tuple(card.card_id for card in cards)


def take_chosen(view: View, draft: Draft, card_id: int) -> tuple[int, ...] | Refused:
    """The one card that the buyer chose: another one is not what he paid for."""
    if view.shelf.take_displayed(card_id) is None:
        return Refused(CardTaken, field="card")
    draft.chosen.append(card_id)
    return (card_id,)


def pay_back(view: View, draft: Draft, amount_e4: int, command: Command) -> Refused | None:
    """Some of the money, or all that is left of it, back to whoever paid; then nobody sees the goods any more."""
    order = draft.order
    to_origin = draft.instruction.to_origin and order.payment_id is not None
    refusal = post(view, settling.refund_transfers(order, amount_e4, view.fresh, to_origin=to_origin))
    if refusal is not None:
        return refusal
    told = {"amount": money.format_e4(amount_e4)}
    refunded_e4 = order.refunded_e4 + amount_e4
    if command is Command.refund:
        draft.taken_back += order.card_ids
        parts = tuple(msgspec.structs.replace(part, state=PartState.refunded) for part in order.parts)
        advance(view, draft, command, told=told, refunded_e4=refunded_e4, confirm_until=None, parts=parts)
    else:
        advance(view, draft, command, told=told, refunded_e4=refunded_e4)
    see_it_back(draft, amount_e4)
    return None


def end_unsold(view: View, draft: Draft, command: Command, **changes: Any) -> Refused | None:
    """There will be no goods: the money goes back at once; where the ledger refuses that, a job tries again."""
    refusal = may(draft, command)
    if refusal is None:
        advance(view, draft, command, **changes)
        pay_back(view, draft, draft.order.rest_e4, Command.refund)
    return refusal


def see_it_back(draft: Draft, amount_e4: int) -> None:
    """What waits in suspense: through the payment that brought it, or by a person's hand."""
    order = draft.order
    if order.payment_id is not None and (order.is_guest or draft.instruction.to_origin):
        give_back(draft, order.payment_id, amount_e4, cause="order")
    elif order.is_guest:
        to_desk(draft, RETURN_JOB, amount_e4)


def give_back(draft: Draft, payment_id: int, amount_e4: int, *, cause: str) -> None:
    """Ask for a payment, or some of it, to be given back to where it came from."""
    to_desk(draft, ORIGIN_JOB, amount_e4, payment_id=str(payment_id), cause=cause)


def to_desk(draft: Draft, kind: str, amount_e4: int, **more: str) -> None:
    """Ask a person to do something with money."""
    payload = {"amount": money.format_e4(amount_e4), "currency": draft.order.currency, **more}
    draft.desk.append(jobs.NewJob(kind=kind, subject_id=draft.order.order_id, payload=payload))


def free_cards(draft: Draft) -> dict[str, Any]:
    """What an order that was never paid gives back, as a change of it."""
    draft.freed += draft.order.card_ids
    return {"card_ids": (), "parts": tuple(msgspec.structs.replace(part, card_ids=()) for part in draft.order.parts)}
