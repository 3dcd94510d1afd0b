"""The money of one order: which transfers bring it in, hand it over, and give it back. Pure, and nowhere else.

Money that was paid rests in escrow until the goods are there, and in sales from then on. What goes back goes to the
wallet that may have it; what a guest paid waits in suspense until a person returned it through its channel.

Below agents, the margins leave sales in the transaction that brings the money there, and come back with what is given
back from there; as long as it rests in escrow it is whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from kameng.ledger import House, NewTransfer, house_account
from kameng.orders.commands import Standing
from kameng.orders.splitting import MARGIN_BACK, left_of, legs, refund_of, rest_of

INCOME = {
    (at_rest, currency): house_account(House.sales if at_rest else House.escrow, currency)
    for at_rest in (True, False)
    for currency in ("CNY", "XTS")
}
"""Where the money of an order goes: sales if it is the house's with the delivery, else escrow."""


class Fresh(msgspec.Struct, frozen=True):
    """What transfers are made of: ids, and for margins ids that were dealt after those of their sub-accounts."""

    ids: Iterator[int]
    leg_ids: Iterator[int] = iter(())
    sub_accounts: Mapping[int, int] = {}
    """In this lane, of the agents above some buyer."""


def paid_transfers(order: Standing) -> list[NewTransfer]:
    """The money of an order that a channel brought in; a wallet's comes with the placing. It bears the order's id: one
    order, one charge."""
    clearing, escrow = house_account(House.clearing, order.currency), INCOME[False, order.currency]
    return [NewTransfer(order.order_id, clearing, escrow, order.total_e4, "sale", order.order_id)]


def earned_transfers(order: Standing, fresh: Fresh) -> list[NewTransfer]:
    """What is left of the order's money becomes the house's, and what is left of their margins the agents'."""
    if not (order.in_escrow and order.rest_e4):
        return []
    escrow, sales = INCOME[False, order.currency], INCOME[True, order.currency]
    split, order_id = order.split, order.order_id
    if split is None:
        return [NewTransfer(next(fresh.ids), escrow, sales, order.rest_e4, "delivery", order_id)]
    rest_e4 = rest_of(split, refunded_e4=order.refunded_e4)
    return [
        NewTransfer(next(fresh.ids), escrow, sales, rest_e4, "delivery", order_id),
        *legs(
            left_of(split, refunded_e4=order.refunded_e4), order_id=order_id, income=sales,
            sub_accounts=fresh.sub_accounts, fresh_ids=fresh.leg_ids,
        ),
    ]  # fmt: skip


def refund_transfers(
    order: Standing, amount_e4: int, fresh: Fresh, *, to_origin: bool = False
) -> list[NewTransfer]:
    """Some of the order's money back to whoever paid it, and out of the margins if they are booked."""
    income, order_id = INCOME[not order.in_escrow, order.currency], order.order_id
    back = back_to(order, to_origin=to_origin)
    if order.split is None:
        return [NewTransfer(next(fresh.ids), income, back, amount_e4, "refund", order_id)]
    refund = refund_of(order.split, refunded_e4=order.refunded_e4, part_e4=amount_e4)
    # Of a shop that collects itself, the smallest parts may be its own margin alone.
    paid_back = (
        [NewTransfer(next(fresh.ids), income, back, refund.paid_back_e4, "refund", order_id)]
        if refund.paid_back_e4
        else []
    )
    if order.in_escrow:
        return paid_back
    return paid_back + legs(
        refund.margins, order_id=order_id, income=income, sub_accounts=fresh.sub_accounts, fresh_ids=fresh.leg_ids,
        code=MARGIN_BACK,
    )  # fmt: skip


def stray_transfers(order: Standing, amount_e4: int, fresh: Fresh, *, returned: bool) -> list[NewTransfer]:
    """Money that came for an order which can't take it: back to its payer, or to suspense for a person to look at."""
    clearing, suspense = house_account(House.clearing, order.currency), house_account(House.suspense, order.currency)
    to = back_to(order) if returned else suspense
    return [NewTransfer(next(fresh.ids), clearing, to, amount_e4, "stray_payment", order.order_id)]


def back_to(order: Standing, *, to_origin: bool = False) -> int:
    """The account that money goes back to; what goes to where it came from waits in suspense until it is there."""
    waits = order.is_guest or to_origin
    return house_account(House.suspense, order.currency) if waits else order.payer_id
