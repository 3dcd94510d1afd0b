"""What Stripe's errors mean: a code that the table knows, else its type, else the status."""

from __future__ import annotations

from collections.abc import Mapping

from kameng.channels.coding import Codes, Rule
from kameng.channels.model import Outcome, RefundState, State

CODES = Codes("stripe", (
    Rule("*", "ok", Outcome.done),
    Rule("*", "409", Outcome.unknown),  # the same key is under way
    Rule("*", "idempotency_error", Outcome.unknown),  # the same key with other content: the first may stand
    Rule("*", "401", Outcome.refused_config),
    Rule("*", "403", Outcome.refused_config),
    Rule("*", "card_error", Outcome.declined_user),
    Rule("close", "payment_intent_unexpected_state", Outcome.unknown),  # paid, or over: a query tells
    Rule("refund", "charge_already_refunded", Outcome.refused_channel),
    Rule("refund", "insufficient_funds", Outcome.rate_limited),
    Rule("refund", "balance_insufficient", Outcome.rate_limited),
    Rule("begin", "amount_too_small", Outcome.refused_channel),
    Rule("begin", "amount_too_large", Outcome.refused_channel),
    Rule("begin", "404", Outcome.refused_config),
    Rule("query", "404", Outcome.unknown),
    Rule("begin", "invalid_request_error", Outcome.refused_config),
    Rule("close", "invalid_request_error", Outcome.unknown),
    Rule("*", "invalid_request_error", Outcome.refused_channel),
))  # fmt: skip

SESSION_STATES: Mapping[str, State] = {"open": State.waiting, "complete": State.waiting, "expired": State.closed}
"""Unless ``payment_status`` says ``paid``: a complete one may wait for a bank."""
INTENT_STATES: Mapping[str, State] = {
    "requires_payment_method": State.waiting, "requires_confirmation": State.waiting, "requires_action": State.waiting,
    "processing": State.waiting, "requires_capture": State.waiting, "succeeded": State.paid,
    "canceled": State.closed,
}  # fmt: skip
REFUND_STATES: Mapping[str, RefundState] = {
    "pending": RefundState.processing, "requires_action": RefundState.processing, "succeeded": RefundState.done,
    "failed": RefundState.abnormal, "canceled": RefundState.failed,
}  # fmt: skip
"""A failed one had left: the bank sent it back, so a person has to find another way."""
EVENTS: Mapping[str, State] = {
    "checkout.session.completed": State.waiting, "checkout.session.async_payment_succeeded": State.paid,
    "checkout.session.async_payment_failed": State.failed, "checkout.session.expired": State.closed,
    "payment_intent.succeeded": State.paid, "payment_intent.payment_failed": State.failed,
    "payment_intent.canceled": State.closed,
}  # fmt: skip
REFUND_EVENTS = frozenset({"refund.created", "refund.updated", "refund.failed", "charge.refund.updated"})
