"""What UnionPay's ``respCode`` means. ``00`` says that a request was accepted, never that anything was paid: that is
what ``origRespCode`` of a query, and the ``respCode`` of a notice, are for (``A6``: paid, with a flaw of the bank's).
"""

from __future__ import annotations

from collections.abc import Mapping

from kameng.channels.coding import Codes, Rule
from kameng.channels.model import Outcome, RefundState, State

_UNSURE = ("01", "03", "04", "05", "06", "12", "34", "60")
"""Under way, timed out, or a number that was used: whatever it is, a query tells."""

CODES = Codes("unionpay", (
    Rule("begin", "00", Outcome.accepted),
    Rule("refund", "00", Outcome.done),
    Rule("query", "00", Outcome.done),
    Rule("query", "34", Outcome.done),  # it knows of none: the customer has not come yet
    Rule("bill", "00", Outcome.done),
    *(Rule("*", code, Outcome.unknown) for code in _UNSURE),
    Rule("*", "02", Outcome.refused_channel),  # closed, or out of its hours
    Rule("*", "10", Outcome.refused_config),  # the message's form
    Rule("*", "11", Outcome.refused_config),  # our signature
    Rule("*", "13", Outcome.refused_config),  # fields that contradict each other
    Rule("begin", "14", Outcome.refused_config),
    Rule("*", "15", Outcome.refused_config),
    Rule("*", "20", Outcome.refused_channel),
    Rule("*", "21", Outcome.refused_config),  # our certificate
    Rule("*", "22", Outcome.refused_config),
    Rule("*", "30", Outcome.refused_channel),
    Rule("*", "31", Outcome.refused_config),  # the merchant's state
    Rule("*", "32", Outcome.refused_config),  # no such right
    Rule("*", "33", Outcome.refused_channel),  # above the limit
    Rule("*", "35", Outcome.refused_channel),
    Rule("refund", "36", Outcome.refused_channel),  # more than was paid
    Rule("*", "37", Outcome.refused_channel),
    Rule("*", "38", Outcome.refused_channel),
    Rule("*", "39", Outcome.refused_channel),
    Rule("*", "40", Outcome.refused_config),
    Rule("*", "41", Outcome.refused_channel),
    Rule("*", "42", Outcome.refused_channel),
    Rule("*", "43", Outcome.refused_channel),
    Rule("begin", "61", Outcome.declined_user),  # the card's number
    Rule("begin", "62", Outcome.declined_user),
    Rule("begin", "63", Outcome.declined_user),
    Rule("begin", "64", Outcome.declined_user),  # too little money on it
    Rule("begin", "65", Outcome.declined_user),
    Rule("begin", "66", Outcome.declined_user),
    Rule("begin", "68", Outcome.declined_user),
    Rule("begin", "77", Outcome.declined_user),
    Rule("bill", "98", Outcome.unknown),  # no file yet
))  # fmt: skip

NO_SUCH = "34"
NO_FILE = "98"
FINAL_GOOD = frozenset({"00", "A6"})

STATES: Mapping[str, State] = dict.fromkeys(FINAL_GOOD, State.paid) | dict.fromkeys(_UNSURE, State.waiting)
REFUND_STATES: Mapping[str, RefundState] = (
    dict.fromkeys(FINAL_GOOD, RefundState.done) | dict.fromkeys(_UNSURE, RefundState.processing)
)  # fmt: skip


def state_of(orig_code: str) -> State:
    """Of a payment, by what a query or a notice says of it; what is in no list failed, as UnionPay has it."""
    return STATES.get(orig_code, State.failed) if orig_code else State.unknown


def refund_state_of(orig_code: str) -> RefundState:
    return REFUND_STATES.get(orig_code, RefundState.failed) if orig_code else RefundState.unknown
