"""The money of one order: which transfers bring it in, hand it over, and give it back. Pure, and nowhere else.

Money that was paid rests in escrow until the goods are there, and in sales from then on. What goes back goes to the
wallet that may have it; what a guest paid waits in suspense until a person returned it through its channel.
"""

from __future__ import annotations

import msgspec

from kameng.ledger import House, house_account
from kameng.orders.commands import Standing

INCOME = {
    (at_rest, currency): house_account(House.sales if at_rest else House.escrow, currency)
    for at_rest in (True, False)
    for currency in ("CNY", "XTS")
}
"""Where the money of an order goes: sales if it is the house's with the delivery, else escrow."""


class Move(msgspec.Struct, frozen=True):
    """One transfer of an order's money. A ``sale`` bears the order's id: one order, one charge."""

    debit_account: int
    credit_account: int
    amount_e4: int
    code: str


def paid_moves(order: Standing) -> list[Move]:
    """The money of an order that a channel brought in; a wallet's comes with the placing."""
    clearing = house_account(House.clearing, order.currency)
    return [Move(clearing, INCOME[False, order.currency], order.total_e4, "sale")]


def earned_moves(order: Standing) -> list[Move]:
    """What is left of the order's money becomes the house's."""
    if not (order.in_escrow and order.rest_e4):
        return []
    return [Move(INCOME[False, order.currency], INCOME[True, order.currency], order.rest_e4, "delivery")]


def refund_moves(order: Standing, amount_e4: int) -> list[Move]:
    """Some of the order's money back to whoever paid it."""
    return [Move(INCOME[not order.in_escrow, order.currency], back_to(order), amount_e4, "refund")]


def stray_moves(order: Standing, amount_e4: int, *, returned: bool) -> list[Move]:
    """Money that came for an order which can't take it: back to its payer, or to suspense for a person to look at."""
    to = back_to(order) if returned else house_account(House.suspense, order.currency)
    return [Move(house_account(House.clearing, order.currency), to, amount_e4, "stray_payment")]


def back_to(order: Standing) -> int:
    """The account that money goes back to."""
    return house_account(House.suspense, order.currency) if order.is_guest else order.org_id
