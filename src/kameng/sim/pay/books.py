"""What the providers have in their books: payments and refunds, in memory, and the rules that all of them share.

The amount is an integer in the currency's smallest unit. Times are Unix milliseconds. Nothing here knows a wire format.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from kameng.kit import clock

WAITING, PAYING, PAID, CLOSED = "waiting", "paying", "paid", "closed"
REFUNDING, REFUNDED, REFUND_FAILED = "processing", "done", "failed"


@dataclass
class Refund:
    refund_no: str  # the merchant's
    provider_refund_no: str
    amount_minor: int
    reason: str
    notify_url: str
    asked_at_ms: int
    state: str = REFUNDING
    done_at_ms: int = 0
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass
class Payment:
    number: str  # the simulator's own; the pay page bears it
    provider: str
    account: str
    payment_no: str  # the merchant's
    provider_no: str
    scene: str
    amount_minor: int
    currency: str
    subject: str
    notify_url: str
    return_url: str
    shop: str
    begun_at_ms: int
    expires_at_ms: int
    state: str = WAITING
    paid_at_ms: int = 0
    payer: str = ""
    is_seen: bool = False  # the customer has opened it
    refunds: list[Refund] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)  # what only its provider needs

    @property
    def refunded_minor(self) -> int:
        return sum(refund.amount_minor for refund in self.refunds if refund.state != REFUND_FAILED)

    def find_refund(self, refund_no: str) -> Refund | None:
        return next((refund for refund in self.refunds if refund.refund_no == refund_no), None)


class Books:
    """Every payment of every provider."""

    def __init__(self) -> None:
        self._payments: dict[tuple[str, str, str], Payment] = {}
        self._by_number: dict[str, Payment] = {}

    def open(
        self, provider: str, account: str, payment_no: str, *, scene: str, amount_minor: int, subject: str,
        currency: str = "CNY", notify_url: str = "", return_url: str = "", shop: str = "", lasts_ms: int = 7_200_000,
        expires_at_ms: int = 0, provider_no: str = "", **extra: Any,
    ) -> Payment:  # fmt: skip
        """A new payment. Whoever calls has looked with ``find`` whether the number is taken."""
        now_ms = clock.now_ms()
        payment = Payment(
            secrets.token_hex(8), provider, account, payment_no, provider_no or serial(now_ms), scene, amount_minor,
            currency, subject, notify_url, return_url, shop, now_ms, expires_at_ms or now_ms + lasts_ms, extra=extra,
        )  # fmt: skip
        self._payments[provider, account, payment_no] = payment
        self._by_number[payment.number] = payment
        return payment

    def find(self, provider: str, account: str, payment_no: str) -> Payment | None:
        payment = self._payments.get((provider, account, payment_no))
        return payment if payment is None else _aged(payment)

    def find_by_provider_no(self, provider: str, account: str, provider_no: str) -> Payment | None:
        found = (x for x in self.every(provider, account) if x.provider_no == provider_no)
        return next(found, None)

    def numbered(self, number: str) -> Payment | None:
        payment = self._by_number.get(number)
        return payment if payment is None else _aged(payment)

    def every(self, provider: str = "", account: str = "") -> Iterator[Payment]:
        for payment in self._payments.values():
            if provider in ("", payment.provider) and account in ("", payment.account):
                yield _aged(payment)

    def pay(self, payment: Payment, *, payer: str = "", at_ms: int = 0) -> None:
        """The customer's money arrives; also after closing, which really happens (``control`` asks for it)."""
        payment.state, payment.paid_at_ms, payment.is_seen = PAID, at_ms or clock.now_ms(), True
        payment.payer = payer or payment.payer or "o" + secrets.token_hex(13)

    def close(self, payment: Payment) -> None:
        payment.state = CLOSED

    def refund(self, payment: Payment, refund_no: str, amount_minor: int, **more: str) -> Refund:
        """Whoever calls has looked whether so much is left."""
        now_ms = clock.now_ms()
        made = Refund(
            refund_no, serial(now_ms), amount_minor, more.get("reason", ""), more.get("notify_url", ""), now_ms
        )
        payment.refunds.append(made)
        return made

    def settle(self, refund: Refund, *, state: str = REFUNDED) -> None:
        refund.state, refund.done_at_ms = state, clock.now_ms()


def serial(now_ms: int) -> str:
    """A provider's own number: 28 digits, begins with the day."""
    return f"42{clock.china_time(now_ms)[:10].replace('-', '')}{secrets.randbelow(10**18):018d}"


def _aged(payment: Payment) -> Payment:
    if payment.state == WAITING and payment.expires_at_ms <= clock.now_ms():
        payment.state = CLOSED
    return payment
