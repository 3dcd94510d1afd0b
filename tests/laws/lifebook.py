"""A plain model of orders after they were placed: a few amounts that a child could add up, and no tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

MINUTE_MS, DAY_MS = 60_000, 86_400_000


@dataclass
class PlainOrder:
    is_card: bool
    is_guest: bool
    is_channel: bool
    total: int
    state: str
    until_ms: int | None = None  # of its payment, or of its confirmation
    refunded: int = 0
    answers: dict[tuple[str, str], tuple[Any, str]] = field(default_factory=dict)


@dataclass
class Lifebook:
    """What is where: money by account, cards by state."""

    money: dict[str, int]
    cards: dict[str, int]
    now_ms: int
    orders: list[PlainOrder] = field(default_factory=list)
    payments: dict[str, int] = field(default_factory=dict)

    def move(self, amount: int, source: str, to: str) -> None:
        self.money[source] = self.money.get(source, 0) - amount
        self.money[to] = self.money.get(to, 0) + amount

    def carry(self, source: str, to: str) -> None:
        self.cards[source] = self.cards.get(source, 0) - 1
        self.cards[to] = self.cards.get(to, 0) + 1

    def place(self, *, is_card: bool, total: int) -> str:
        if is_card and not self.cards.get("on_shelf"):
            return "sold_out"
        order = PlainOrder(is_card, False, False, total, "fulfilling")
        self.orders.append(order)
        self.move(total, "wallet", "escrow")
        if is_card:
            self.carry("on_shelf", "sold")
            self._delivered(order)
        return order.state

    def wait(self, *, is_card: bool, is_guest: bool, total: int) -> str:
        if is_card and not self.cards.get("on_shelf"):
            return "sold_out"
        if is_card:
            self.carry("on_shelf", "reserved")
        until_ms = self.now_ms + 10 * MINUTE_MS
        self.orders.append(PlainOrder(is_card, is_guest, True, total, "awaiting_payment", until_ms))
        return "awaiting_payment"

    def ask(self, number: int, command: str, key: str, amount: int | None) -> str:
        """The state it leads to, or the refusal."""
        order = self.orders[number]
        known = order.answers.get((command, key))
        if known is not None:
            return known[1] if known[0] == amount else "command_reused"
        refusal = self._pay(number, key, amount or 0) if command == "pay" else self._do(order, command, amount)
        if refusal:
            return refusal
        order.answers[command, key] = (amount, order.state)
        return order.state

    def _do(self, order: PlainOrder, command: str, amount: int | None) -> str:
        ways = {
            "deliver": {"fulfilling", "review", "cancelling", "held"},
            "fail": {"fulfilling", "review", "cancelling"},
            "doubt": {"fulfilling"},
            "hold": {"fulfilling"},
            "fulfil": {"held", "review"},
            "refuse": {"held"},
            "cancel": {"awaiting_payment", "fulfilling"},
            "refund": {"delivered", "settled"},
            "settle": {"delivered"},
        }
        if order.state not in ways[command]:
            return "state_forbids"
        if command == "refund":
            return self._refund(order, order.total - order.refunded if amount is None else amount)
        if command in ("fail", "refuse"):
            order.state = "delivered"  # all of it goes back out of escrow, as if it had just come
            order.until_ms = self.now_ms + DAY_MS
            return self._refund(order, order.total)
        if command == "deliver":
            self._delivered(order)
        elif command == "settle":
            self._settled(order)
        elif command == "cancel" and order.state == "awaiting_payment":
            self._unreserved(order, "cancelled")
        else:
            order.state = {"doubt": "review", "hold": "held", "fulfil": "fulfilling", "cancel": "cancelling"}[command]
        return ""

    def _refund(self, order: PlainOrder, amount: int) -> str:
        if not 0 < amount <= order.total - order.refunded:
            return "refund_too_large"
        self.move(amount, "sales" if order.until_ms is None else "escrow", "suspense" if order.is_guest else "wallet")
        order.refunded += amount
        if order.refunded == order.total:
            order.state, order.until_ms = "refunded", None
            if order.is_card:
                self.carry("sold", "quarantined")
        return ""

    def _pay(self, number: int, reference: str, amount: int) -> str:
        order = self.orders[number]
        if not order.is_channel:
            return "payment_not_awaited"
        if amount <= 0:
            return "bad_amount"
        if self.payments.setdefault(reference, number) != number:
            return "payment_reused"
        is_open = order.state in ("awaiting_payment", "expired")
        if is_open and amount != order.total:
            self.move(amount, "clearing", "suspense")
        elif not is_open or (order.state == "expired" and order.is_card and not self.cards.get("on_shelf")):
            self.move(amount, "clearing", "suspense" if order.is_guest else "wallet")
        else:
            self.move(amount, "clearing", "escrow")
            if order.is_card:
                self.carry("reserved" if order.state == "awaiting_payment" else "on_shelf", "sold")
                self._delivered(order)
            else:
                order.state, order.until_ms = "fulfilling", None
        return ""

    def _delivered(self, order: PlainOrder) -> None:
        order.state, order.until_ms = "delivered", self.now_ms + DAY_MS

    def _settled(self, order: PlainOrder) -> None:
        self.move(order.total - order.refunded, "escrow", "sales")
        order.state, order.until_ms = "settled", None

    def _unreserved(self, order: PlainOrder, state: str) -> None:
        order.state, order.until_ms = state, None
        if order.is_card:
            self.carry("reserved", "on_shelf")

    def pass_time(self, ms: int) -> None:
        """And then everything that came due is done."""
        self.now_ms += ms
        for order in self.orders:
            if order.until_ms is not None and order.until_ms <= self.now_ms:
                if order.state == "awaiting_payment":
                    self._unreserved(order, "expired")
                else:
                    self._settled(order)
