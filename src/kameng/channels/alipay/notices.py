"""Alipay's notices, once their signature is known to be good: what they say. Pure.

A refund is told with the payment's own notice once more: it bears ``gmt_refund``, and ``refund_fee`` is the sum of all
refunds so far, so no amount is read from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from kameng.channels.alipay.codes import STATES
from kameng.channels.amounts import minor_of
from kameng.channels.model import BadNotice, Notice, NoticeKind, RefundState, State
from kameng.kit import clock


def read(fields: Mapping[str, str]) -> Notice:
    event_id, payment_no = _needed(fields, "notify_id"), _needed(fields, "out_trade_no")
    status, account_no = _needed(fields, "trade_status"), fields.get("seller_id", "")
    if fields.get("gmt_refund"):
        refund_no = fields.get("out_biz_no", "")  # missing: somebody gave back on Alipay's own pages
        return Notice(
            kind=NoticeKind.refund if refund_no else NoticeKind.other, event_id=event_id, payment_no=payment_no,
            refund_no=refund_no,
            refund_state=RefundState.done, currency="CNY", account_no=account_no,
            provider_no=_needed(fields, "trade_no"),
        )  # fmt: skip
    return Notice(
        kind=NoticeKind.payment, event_id=event_id, payment_no=payment_no, state=state_of(status, fields),
        amount_minor=minor_of(_needed(fields, "total_amount")), currency="CNY", account_no=account_no,
        provider_no=_needed(fields, "trade_no"), paid_at=beijing(fields.get("gmt_payment", "")),
    )  # fmt: skip


def state_of(status: str, said: Mapping[str, object]) -> State:
    """Closed is closed unpaid, or given back as a whole: only what was paid has a time of payment."""
    if status == "TRADE_CLOSED":
        was_paid = bool(said.get("send_pay_date") or said.get("gmt_payment"))
        return State.refunded if was_paid else State.closed
    return STATES.get(status, State.unknown)


def beijing(text: str) -> datetime | None:
    """``2026-11-23 12:00:00``, with or without milliseconds, as a clock in China shows it."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=clock.CHINA).astimezone(UTC)
    except ValueError:
        return None


def _needed(fields: Mapping[str, str], name: str) -> str:
    value = fields.get(name, "")
    if not value:
        raise BadNotice(f"without {name}")
    return value
