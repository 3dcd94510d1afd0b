"""What PayPal's answers say: errors, captures, refunds, amounts, lines of the transaction search. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from kameng.channels.amounts import minor_of, places_of
from kameng.channels.calling import Answer
from kameng.channels.model import BillLine, NoticeKind
from kameng.channels.paypal.codes import CODES_BACK, CODES_PAID


def said(answer: Answer) -> tuple[dict[str, Any], str, str]:
    """The object, and ``ok`` or the error."""
    told = answer.json()
    if answer.status in (200, 201) and told:
        return told, "ok", ""
    details = dicts(told.get("details"))
    code = str((details[0].get("issue") if details else "") or told.get("name") or told.get("error") or answer.status)
    return {}, code, str(told.get("message") or told.get("error_description") or "")


def dicts(found: object) -> list[dict[str, Any]]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def capture_of(order: Mapping[str, Any]) -> dict[str, Any] | None:
    """The capture that counts: one that went well, if there were several tries."""
    captures = [one for unit in dicts(order.get("purchase_units")) for one in _payments(unit, "captures")]
    good = [one for one in captures if one.get("status") not in ("DECLINED", "FAILED")]
    return next(iter(good or captures), None)


def refunds_of(order: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for unit in dicts(order.get("purchase_units")):
        yield from _payments(unit, "refunds")


def _payments(unit: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    found = unit.get("payments")
    return dicts(found.get(name)) if isinstance(found, dict) else []


def amount_of(told: Mapping[str, Any], name: str = "amount") -> tuple[int | None, str]:
    found = told.get(name)
    if not isinstance(found, dict):
        return None, ""
    currency = str(found.get("currency_code", ""))
    value = str(found.get("value", "")).removeprefix("-")
    return minor_of(value, places=places_of(currency)), currency


def time(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo is not None else None


def bill_lines(told: Mapping[str, Any]) -> Iterator[BillLine]:
    """Payments and refunds of a page of the search; the rest (withdrawals, conversions) is left out."""
    for detail in dicts(told.get("transaction_details")):
        info = detail.get("transaction_info") or {}
        code, at = str(info.get("transaction_event_code")), time(info.get("transaction_initiation_date"))
        amount_minor, currency = amount_of(info, "transaction_amount")
        if code not in CODES_PAID | CODES_BACK or amount_minor is None or at is None:
            continue
        is_paid = code in CODES_PAID
        yield BillLine(
            kind=NoticeKind.payment if is_paid else NoticeKind.refund, fee_minor=_fee(info), currency=currency, at=at,
            payment_no=str(info.get("custom_field") or info.get("invoice_id") or "") if is_paid else "",
            refund_no="" if is_paid else str(info.get("custom_field") or ""), amount_minor=amount_minor,
            provider_no=str(info.get("transaction_id", "")), state=str(info.get("transaction_status", "")),
        )  # fmt: skip


def _fee(info: Mapping[str, Any]) -> int:
    """PayPal writes what it keeps as a negative amount."""
    fee, _ = amount_of(info, "fee_amount")
    value = str((info.get("fee_amount") or {}).get("value", ""))
    return 0 if fee is None else fee if value.startswith("-") else -fee
