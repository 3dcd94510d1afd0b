"""What organisations are told of money in their wallets: recharges and collections, paid and given back.

The event stands in the transaction that moves the money; an order's payments are told by the order itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from kameng import identity
from kameng.kit import events, lanes, money
from kameng.kit.db import Connection
from kameng.payments.deciding import Plan, View
from kameng.payments.model import INTO_WALLET, Kind, Payable, RefundState


async def emit(connection: Connection, lane: int, view: View, plan: Plan) -> None:
    """Events of a batch; the caller holds the gate. Orders alone cost nothing here."""
    told = list(_told(view, plan))
    if not told:
        return
    passage = await lanes.pass_gate(connection, lane, id_count=len(told))
    organisations = await identity.read_organisations(connection, lane, sorted({one.org_id for one, _, _ in told}))
    wanting = {one.org_id for one in organisations if one.wants_events}
    numbers = await events.next_sequences(connection, lane, sorted({one.payable_id for one, _, _ in told}))
    new = []
    for event_id, (payable, what, amount_e4) in zip(passage.ids, told, strict=True):
        sequence = numbers[payable.payable_id]
        numbers[payable.payable_id] = sequence + 1
        data = {
            "amount": money.format_e4(amount_e4), "fee": money.format_e4(payable.fee_e4 if what == "paid" else 0),
            "currency": payable.currency,
        }  # fmt: skip
        new.append(events.NewEvent(
            event_id, payable.org_id, payable.payable_id, sequence, f"{payable.kind.value}.{what}", data=data,
            due=payable.org_id in wanting,
        ))  # fmt: skip
    await events.emit(connection, lane, view.at, new)


def _told(view: View, plan: Plan) -> Iterator[tuple[Payable, str, int]]:
    """(what was to be paid, what became of it, how much) of each."""
    for payment_id in plan.booked:
        payment = view.payments[payment_id]
        if payment.taken_as in INTO_WALLET:
            yield view.payables[payment.payable_id], "paid", payment.paid_e4 or 0
    for refund_id, before in plan.refunds.items():
        refund = view.refunds[refund_id]
        payable = view.payables.get(refund.payable_id)
        is_done = refund.state is RefundState.done and before is not RefundState.done
        if is_done and payable is not None and payable.kind is not Kind.order:
            yield payable, "refunded", refund.amount_e4
