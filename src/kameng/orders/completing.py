"""Completing a bundle, part by part: pure.

Parts end one by one, and the last of them decides. If all came, the order is delivered; if none came, it fails and all
money goes back; else it is delivered in part, and what the failed ones are worth goes back. Until then the whole price
rests in escrow, so that agents' margins are booked once and to the last decimal.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from kameng.orders.bundling import cards_of, pieces_of, short_of
from kameng.orders.commands import Standing
from kameng.orders.drafting import (
    Draft,
    View,
    advance,
    come_partly,
    earn,
    end_unsold,
    may,
    pay_back,
    take,
)  # fmt: skip
from kameng.orders.errors import NoSuchPart, PartForbids, RefundTooLarge
from kameng.orders.model import Command, OrderPart, PartState, Refused, Short


def deliver_part(view: View, draft: Draft) -> Refused | Short | None:
    return _end_one(view, draft, Command.deliver_part, PartState.delivered)


def fail_part(view: View, draft: Draft) -> Refused | Short | None:
    return _end_one(view, draft, Command.fail_part, PartState.failed)


def _end_one(view: View, draft: Draft, command: Command, state: PartState) -> Refused | Short | None:
    part = _named(draft)
    if isinstance(part, Refused):
        return part
    if part.state is not PartState.waiting:
        return _part_forbids(part)
    if refusal := may(draft, command):
        return refusal
    ended = _ended(view, draft, [part], state)
    if not isinstance(ended, tuple):
        return ended
    advance(view, draft, command, told={"part_no": part.part_no}, parts=ended, card_ids=cards_of(ended))
    return None if _waiting(ended) else _conclude(view, draft)


def end_rest(view: View, draft: Draft, state: PartState, *, unsold: Command = Command.fail) -> Refused | Short | None:
    """All that is still waited for, at once. ``unsold``: what becomes of the order if nothing of it came."""
    order = draft.order
    ended = _ended(view, draft, _waiting(order.parts), state)
    if not isinstance(ended, tuple):
        return ended
    draft.order = msgspec.structs.replace(order, parts=ended, card_ids=cards_of(ended))
    return _conclude(view, draft, unsold=unsold)


def hand_over_stock(view: View, draft: Draft) -> Refused | Short | None:
    """Of an order that was paid or let go on: what comes from stock to the buyer, the rest to whoever fulfils it."""
    ended = _ended(view, draft, [part for part in _waiting(draft.order.parts) if part.from_stock], PartState.delivered)
    if not isinstance(ended, tuple):
        return ended
    draft.order = msgspec.structs.replace(draft.order, parts=ended, card_ids=cards_of(ended))
    if not _waiting(ended):
        return _conclude(view, draft)
    refusal = may(draft, Command.fulfil)
    if refusal is None:
        advance(view, draft, Command.fulfil)
    return refusal


def refund_part(view: View, draft: Draft) -> Refused | None:
    """What a part is worth, after it was delivered; its cards are shown no more."""
    order, part = draft.order, _named(draft)
    if isinstance(part, Refused):
        return part
    if part.state is not PartState.delivered:
        return _part_forbids(part)
    if not 0 < part.worth_e4 <= order.rest_e4 or draft.instruction.amount_e4 not in (None, part.worth_e4):
        return Refused(RefundTooLarge, field="part_no")
    command = Command.refund if part.worth_e4 == order.rest_e4 else Command.refund_part
    if refusal := may(draft, command):
        return refusal
    draft.taken_back += part.card_ids
    parts = _with(order.parts, [msgspec.structs.replace(part, state=PartState.refunded)])
    draft.order = msgspec.structs.replace(order, parts=parts)
    return pay_back(view, draft, part.worth_e4, command)


def lacking(view: View, order: Standing) -> Short | None:
    """What the shelf lacks of an order whose cards went back when its payment did not come."""
    if order.is_sandbox or order.card_ids:
        return None
    return short_of(pieces_of(view.sku_of(order), order.quantity), view.shelf)


def _conclude(view: View, draft: Draft, *, unsold: Command = Command.fail) -> Refused | None:
    """Nothing is waited for any more."""
    order = draft.order
    failed = [part for part in order.parts if part.state is PartState.failed]
    if not failed:
        return may(draft, Command.deliver) or earn(view, draft, Command.deliver)
    back_e4 = sum(part.worth_e4 for part in failed)
    # Where only gifts came, all that was paid goes back: nothing is sold then.
    if len(failed) == len(order.parts) or back_e4 == order.rest_e4:
        return end_unsold(view, draft, unsold)
    if refusal := may(draft, Command.deliver_partly):
        return refusal
    refunded = [msgspec.structs.replace(part, state=PartState.refunded) for part in failed]
    return come_partly(view, draft, back_e4, parts=_with(order.parts, refunded))


def _ended(
    view: View, draft: Draft, ending: Sequence[OrderPart], state: PartState
) -> tuple[OrderPart, ...] | Refused | Short:
    """All parts of the order, these having ended so: what comes from stock with its cards, reserved or from the
    shelf; what does not come gives its reserved cards back."""
    order, ended = draft.order, []
    for part in ending:
        card_ids = part.card_ids
        if state is PartState.failed:
            draft.freed += card_ids
            card_ids = ()
        elif part.from_stock and not order.is_sandbox:
            if card_ids:
                draft.handed_over += card_ids
            else:
                taken = take(view, draft, part.quantity, sku_id=part.sku_id)
                if not isinstance(taken, tuple):
                    return taken
                card_ids = taken
        ended.append(msgspec.structs.replace(part, state=state, card_ids=card_ids))
    return _with(order.parts, ended)


def _with(parts: Sequence[OrderPart], changed: Sequence[OrderPart]) -> tuple[OrderPart, ...]:
    instead = {part.part_no: part for part in changed}
    return tuple(instead.get(part.part_no, part) for part in parts)


def _waiting(parts: Sequence[OrderPart]) -> list[OrderPart]:
    return [part for part in parts if part.state is PartState.waiting]


def _named(draft: Draft) -> OrderPart | Refused:
    """The part that the instruction means."""
    number = draft.instruction.part_no
    found = next((part for part in draft.order.parts if part.part_no == number), None)
    return Refused(NoSuchPart, field="part_no") if found is None else found


def _part_forbids(part: OrderPart) -> Refused:
    return Refused(
        PartForbids, f"part {part.part_no} is {part.state}", "part_no", f"第 {part.part_no} 项当前状态为 {part.state}"
    )
