"""Deciding commands: pure. Orders as they were read under the gate and instructions go in, their effects come out.

Each command is one rule. It moves its ``Draft`` step by step along ``TRANSITIONS``, posts to the books, takes from the
shelf; a rule that refuses leaves nothing of all that. The working copies in ``View`` move forward, so that the second
command to an order sees what the first one did.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from kameng.orders import settling
from kameng.orders.bundling import cards_of, with_other_cards
from kameng.orders.commands import Acted, By, Instruction, Known, Standing
from kameng.orders.completing import deliver_part, end_rest, fail_part, hand_over_stock, refund_part
from kameng.orders.drafting import (
    Draft,
    View,
    advance,
    come_partly,
    end_unsold,
    free_cards,
    hand_over,
    may,
    not_now,
    pay_back,
    post,
    take,
)  # fmt: skip
from kameng.orders.errors import (
    CommandReused,
    NoSuchCard,
    NotRefundable,
    OrderNotFound,
    RefundTooLarge,
    SecretsNotShown,
    StateForbids,
)  # fmt: skip
from kameng.orders.model import SECRETS_SHOWN, Command, PartState, Refused, Short, State
from kameng.orders.paying import pay

Outcome = Acted | Refused | Short
Rule = Callable[[View, Draft], Refused | Short | None]


def decide(view: View, instructions: Sequence[Instruction]) -> list[Outcome]:
    """One outcome for each, in order."""
    return [_decide_one(view, instruction) for instruction in instructions]


def _decide_one(view: View, instruction: Instruction) -> Outcome:
    order = view.orders.get(instruction.order_id)
    if order is None or instruction.org_id not in (None, order.org_id):
        return Refused(OrderNotFound)
    key = (order.order_id, instruction.full_key)
    if known := view.known.get(key):
        if known.digest != instruction.digest:
            return Refused(CommandReused, field="key")
        return msgspec.structs.replace(known.acted, replayed=True, payment_id=order.payment_id)
    draft, books, taken = Draft(instruction, order, order), view.books.checkpoint(), len(view.shelf.taken)
    refusal = RULES[instruction.command](view, draft)
    if refusal is not None:
        view.books.restore(books)
        view.shelf.put_back(view.shelf.taken[taken:])
        return refusal
    view.orders[order.order_id] = draft.order
    view.known[key] = Known(instruction.digest, draft.acted)
    view.drafts.append(draft)
    return draft.acted


def _deliver(view: View, draft: Draft) -> Refused | Short | None:
    if draft.order.parts:
        return end_rest(view, draft, PartState.delivered)
    return may(draft, Command.deliver) or hand_over(view, draft)


def _deliver_partly(view: View, draft: Draft) -> Refused | None:
    order, came_e4 = draft.order, draft.instruction.amount_e4 or 0
    if order.parts:
        return Refused(StateForbids, "a bundle comes by its parts", detail_zh="组合商品须按各项组成内容交付")
    if refusal := may(draft, Command.deliver_partly):
        return refusal
    if not 0 < came_e4 < order.rest_e4:
        return Refused(
            RefundTooLarge, "amount: above zero and below what was paid", "amount", "金额：须大于 0 且小于已付金额"
        )
    return come_partly(view, draft, order.rest_e4 - came_e4)


def _fail(view: View, draft: Draft) -> Refused | Short | None:
    if draft.order.parts:
        return end_rest(view, draft, PartState.failed)
    return end_unsold(view, draft, Command.fail)


def _refuse(view: View, draft: Draft) -> Refused | Short | None:
    if draft.order.parts:
        return end_rest(view, draft, PartState.failed, unsold=Command.refuse)
    return end_unsold(view, draft, Command.refuse)


def _refund(view: View, draft: Draft) -> Refused | None:
    order, instruction = draft.order, draft.instruction
    if refusal := may(draft, Command.refund) or _buyer_may_refund(view, draft):
        return refusal
    if instruction.part_no is not None:
        return refund_part(view, draft)
    amount_e4 = order.rest_e4 if instruction.amount_e4 is None else instruction.amount_e4
    if not 0 < amount_e4 <= order.rest_e4:
        return Refused(RefundTooLarge, field="amount")
    command = Command.refund if amount_e4 == order.rest_e4 else Command.refund_part
    return may(draft, command) or pay_back(view, draft, amount_e4, command)


def _buyer_may_refund(view: View, draft: Draft) -> Refused | None:
    """All of it, of goods that may be given back, and before he said that all is well."""
    if draft.instruction.by is not By.buyer:
        return None
    if draft.order.state is State.settled:
        return not_now(draft.order)
    return None if view.sku_of(draft.order).refundable else Refused(NotRefundable)


def _hold(view: View, draft: Draft) -> Refused | None:
    """As long as no worker has begun: from then on nobody knows what would be held."""
    refusal = may(draft, Command.hold)
    if refusal is None and draft.order.is_begun:
        return not_now(draft.order)
    if refusal is None:
        advance(view, draft, Command.hold)
    return refusal


def _fulfil(view: View, draft: Draft) -> Refused | Short | None:
    """A person lets it go on, or has it sent again."""
    if refusal := may(draft, Command.fulfil):
        return refusal
    if draft.order.parts:
        return hand_over_stock(view, draft)
    if view.sku_of(draft.order).from_stock:
        return may(draft, Command.deliver) or hand_over(view, draft)
    advance(view, draft, Command.fulfil)
    return None


def _doubt(view: View, draft: Draft) -> Refused | None:
    refusal = may(draft, Command.doubt)
    if refusal is None:
        advance(view, draft, Command.doubt)
    return refusal


def _tell_overdue(view: View, draft: Draft) -> Refused | None:
    """Its time is up, and whoever works it has not answered."""
    refusal = may(draft, Command.overdue)
    if refusal is None:
        advance(view, draft, Command.overdue)
    return refusal


def _cancel(view: View, draft: Draft) -> Refused | None:
    """Before it is paid at once; afterwards whoever fulfils it is asked whether that can still be stopped."""
    if draft.order.state is State.awaiting_payment:
        advance(view, draft, Command.cancel, **free_cards(draft))
        return None
    refusal = may(draft, Command.withdraw)
    if refusal is None:
        advance(view, draft, Command.withdraw)
    return refusal


def _expire(view: View, draft: Draft) -> Refused | None:
    expires_at = draft.order.expires_at
    if expires_at is None or expires_at > view.at:
        return not_now(draft.order)
    refusal = may(draft, Command.expire)
    if refusal is None:
        advance(view, draft, Command.expire, **free_cards(draft))
    return refusal


def _settle(view: View, draft: Draft) -> Refused | None:
    """The buyer has it, or had the time to say otherwise."""
    until = draft.order.confirm_until
    if draft.instruction.by is By.kameng and (until is None or until > view.at):
        return not_now(draft.order)
    refusal = may(draft, Command.settle) or post(view, settling.earned_transfers(draft.order, view.fresh))
    if refusal is None:
        advance(view, draft, Command.settle, confirm_until=None)
    return refusal


def _redeliver(view: View, draft: Draft) -> Refused | None:
    """Tell the buyer once more that his goods are there."""
    refusal = may(draft, Command.redeliver) or _are_shown(view, draft)
    if refusal is None:
        advance(view, draft, Command.redeliver)
    return refusal


def _replace(view: View, draft: Draft) -> Refused | Short | None:
    """Other cards for some of the order's; what they cost is the house's loss, kept in the order's cost."""
    order, old = draft.order, draft.instruction.card_ids
    if refusal := may(draft, Command.swap) or _are_shown(view, draft):
        return refusal
    if not old or len(set(old)) != len(old) or not set(old) <= set(_shown(order)):
        return Refused(NoSuchCard, field="card_ids")
    instead, cost_e4 = dict[int, int](), 0
    for sku_id, cost_each_e4, card_ids in _replaced(view, order, old):
        fresh = take(view, draft, len(card_ids), sku_id=sku_id)
        if not isinstance(fresh, tuple):
            return fresh
        instead.update(zip(card_ids, fresh, strict=True))
        cost_e4 += cost_each_e4 * len(card_ids)
    draft.taken_back += old
    advance(
        view, draft, Command.swap,
        told={"replaced": {str(before): str(after) for before, after in instead.items()}},
        card_ids=tuple(instead.get(card_id, card_id) for card_id in order.card_ids),
        cost_e4=order.cost_e4 + cost_e4,
        parts=with_other_cards(order.parts, instead),
    )  # fmt: skip
    return None


def _shown(order: Standing) -> tuple[int, ...]:
    """The cards that its buyer has; not those of a part that was paid back."""
    if not order.parts:
        return order.card_ids
    return cards_of([part for part in order.parts if part.state is PartState.delivered])


def _replaced(view: View, order: Standing, old: Sequence[int]) -> list[tuple[int, int, list[int]]]:
    """Of which SKUs the new cards are, what each costs, and which it is for."""
    if not order.parts:
        return [(order.sku_id, order.cost_e4 // order.quantity, list(old))]
    sku = view.sku_of(order)
    named = [(part, [card_id for card_id in part.card_ids if card_id in old]) for part in order.parts]
    return [(part.sku_id, sku.parts[part.part_no - 1].cost_e4, card_ids) for part, card_ids in named if card_ids]


def _are_shown(view: View, draft: Draft) -> Refused | None:
    """Goods that no answer shows can't be shown once more."""
    return None if view.at - draft.order.placed_at <= SECRETS_SHOWN else Refused(SecretsNotShown)


RULES: dict[Command, Rule] = {
    Command.pay: pay,
    Command.expire: _expire,
    Command.cancel: _cancel,
    Command.withdraw: _cancel,
    Command.hold: _hold,
    Command.refuse: _refuse,
    Command.fulfil: _fulfil,
    Command.doubt: _doubt,
    Command.deliver: _deliver,
    Command.deliver_partly: _deliver_partly,
    Command.fail: _fail,
    Command.refund: _refund,
    Command.refund_part: _refund,
    Command.settle: _settle,
    Command.redeliver: _redeliver,
    Command.swap: _replace,
    Command.overdue: _tell_overdue,
    Command.deliver_part: deliver_part,
    Command.fail_part: fail_part,
}
