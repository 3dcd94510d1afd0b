"""What PayPal's errors mean: the ``issue`` of the first detail, else the ``name``, else the status."""

from __future__ import annotations

from collections.abc import Mapping

from kameng.channels.coding import Codes, Rule
from kameng.channels.model import Outcome, RefundState, State

CODES = Codes("paypal", (
    Rule("*", "ok", Outcome.done),
    Rule("*", "401", Outcome.refused_config),
    Rule("*", "NOT_AUTHORIZED", Outcome.refused_config),
    Rule("*", "PERMISSION_DENIED", Outcome.refused_config),
    Rule("*", "invalid_client", Outcome.refused_config),
    Rule("capture", "INSTRUMENT_DECLINED", Outcome.declined_user),
    Rule("capture", "PAYER_ACTION_REQUIRED", Outcome.declined_user),
    Rule("capture", "ORDER_NOT_APPROVED", Outcome.declined_user),
    Rule("capture", "TRANSACTION_REFUSED", Outcome.declined_user),
    Rule("capture", "PAYER_CANNOT_PAY", Outcome.declined_user),
    Rule("capture", "ORDER_ALREADY_CAPTURED", Outcome.unknown),
    Rule("begin", "DUPLICATE_INVOICE_ID", Outcome.unknown),  # the number was used: it may be paid
    Rule("*", "DUPLICATE_REQUEST_ID", Outcome.unknown),
    Rule("begin", "PAYEE_ACCOUNT_RESTRICTED", Outcome.refused_channel),
    Rule("begin", "CURRENCY_NOT_SUPPORTED", Outcome.refused_config),
    Rule("begin", "INVALID_REQUEST", Outcome.refused_config),
    Rule("begin", "UNPROCESSABLE_ENTITY", Outcome.refused_channel),
    Rule("query", "RESOURCE_NOT_FOUND", Outcome.unknown),
    Rule("query", "INVALID_RESOURCE_ID", Outcome.unknown),  # an order that was not approved is forgotten in time
    Rule("refund", "CAPTURE_FULLY_REFUNDED", Outcome.refused_channel),
    Rule("refund", "REFUND_AMOUNT_EXCEEDED", Outcome.refused_channel),
    Rule("refund", "REFUND_TIME_LIMIT_EXCEEDED", Outcome.refused_channel),
    Rule("refund", "REFUND_FAILED_INSUFFICIENT_FUNDS", Outcome.rate_limited),
    Rule("refund", "UNPROCESSABLE_ENTITY", Outcome.refused_channel),
))  # fmt: skip

FORGOTTEN = frozenset({"RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID"})

CAPTURE_STATES: Mapping[str, State] = {
    "COMPLETED": State.paid, "PARTIALLY_REFUNDED": State.paid, "REFUNDED": State.refunded, "PENDING": State.waiting,
    "DECLINED": State.failed, "FAILED": State.failed,
}  # fmt: skip
REFUND_STATES: Mapping[str, RefundState] = {
    "COMPLETED": RefundState.done, "PENDING": RefundState.processing, "FAILED": RefundState.failed,
    "CANCELLED": RefundState.failed,
}  # fmt: skip
EVENTS: Mapping[str, State] = {
    "CHECKOUT.ORDER.APPROVED": State.waiting, "PAYMENT.CAPTURE.PENDING": State.waiting,
    "PAYMENT.CAPTURE.COMPLETED": State.paid, "PAYMENT.CAPTURE.DENIED": State.failed,
    "PAYMENT.CAPTURE.DECLINED": State.failed,
}  # fmt: skip
REFUND_EVENTS = frozenset({"PAYMENT.CAPTURE.REFUNDED", "PAYMENT.REFUND.COMPLETED", "PAYMENT.REFUND.PENDING",
                           "PAYMENT.REFUND.FAILED"})  # fmt: skip
CODES_PAID = frozenset({"T0006", "T0007", "T0000", "T0003"})
"""Transactions of a bill that are payments of ours: Express Checkout and web payments."""
CODES_BACK = frozenset({"T1107", "T1106"})
