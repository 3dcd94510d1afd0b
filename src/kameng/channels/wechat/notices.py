"""WeChat Pay's notices, once their signature is known to be good: unsealed, read, and whether they are ours. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from kameng.channels.model import BadNotice, Notice, NoticeKind, State
from kameng.channels.wechat import signing
from kameng.channels.wechat.codes import REFUND_STATES, STATES


class _Resource(msgspec.Struct):
    algorithm: str
    ciphertext: str
    nonce: str
    associated_data: str = ""


class _Envelope(msgspec.Struct):
    id: str
    event_type: str
    resource: _Resource


def read(body: bytes, *, api_key: bytes, mchid: str, appid: str) -> Notice:
    """``BadNotice`` for what does not open, or is another merchant's."""
    try:
        envelope = msgspec.json.decode(body, type=_Envelope)
        sealed = envelope.resource
        opened = signing.unseal(
            api_key, nonce=sealed.nonce, associated=sealed.associated_data, ciphertext=sealed.ciphertext
        )
        said = msgspec.json.decode(opened, type=dict[str, Any])
    except (msgspec.DecodeError, signing.Sealed, UnicodeDecodeError):
        raise BadNotice("it does not open") from None
    if said.get("mchid") != mchid or said.get("appid", appid) != appid:
        raise BadNotice("another merchant's")
    if envelope.event_type.startswith("REFUND."):
        return _refund(envelope.id, said)
    if envelope.event_type.startswith("TRANSACTION."):
        return _payment(envelope.id, said)
    return Notice(kind=NoticeKind.other, event_id=envelope.id)


def _payment(event_id: str, said: Mapping[str, Any]) -> Notice:
    return Notice(
        kind=NoticeKind.payment, event_id=event_id, payment_no=_needed(said, "out_trade_no"),
        state=STATES.get(_needed(said, "trade_state"), State.unknown), amount_minor=total_of(said),
        currency=currency_of(said), account_no=_needed(said, "mchid"),
        provider_no=_needed(said, "transaction_id"), paid_at=paid_at(said),
    )  # fmt: skip


def _refund(event_id: str, said: Mapping[str, Any]) -> Notice:
    return Notice(
        kind=NoticeKind.refund, event_id=event_id, payment_no=_needed(said, "out_trade_no"),
        refund_no=_needed(said, "out_refund_no"), refund_state=REFUND_STATES[_known(said, "refund_status")],
        amount_minor=number_of(said.get("amount"), "refund"), currency=currency_of(said),
        account_no=_needed(said, "mchid"), provider_no=_needed(said, "refund_id"),
    )  # fmt: skip


def total_of(said: Mapping[str, Any]) -> int | None:
    """What was to be paid. ``payer_total`` is less where a coupon helped, and is never asked for."""
    return number_of(said.get("amount"), "total")


def currency_of(said: Mapping[str, Any]) -> str:
    """Yuan where WeChat leaves it out, as it does for refunds; nothing where there is no amount."""
    amount = said.get("amount")
    if not isinstance(amount, dict):
        return ""
    currency = amount.get("currency", "CNY")
    return currency if isinstance(currency, str) else ""


def paid_at(said: Mapping[str, Any]) -> datetime | None:
    try:
        at = datetime.fromisoformat(said["success_time"])
    except (KeyError, TypeError, ValueError):
        return None
    return at.astimezone(UTC) if at.tzinfo is not None else None


def number_of(amount: object, name: str) -> int | None:
    value = amount.get(name) if isinstance(amount, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _needed(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not value:
        raise BadNotice(f"without {name}")
    return value


def _known(said: Mapping[str, Any], name: str) -> str:
    value = _needed(said, name)
    if value not in REFUND_STATES:
        raise BadNotice(f"unknown {name}")
    return value
