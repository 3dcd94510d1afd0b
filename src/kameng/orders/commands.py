"""What may be asked of an order that stands, by which terms; the order as a command finds it; what comes back. Pure."""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import StrEnum

import msgspec

from kameng.kit.settings import Settings
from kameng.orders.model import Command, OrderPart, State
from kameng.orders.splitting import Split

KEY_CHARS_MAX = 160
REASON_CHARS_MAX = 500


class Terms(msgspec.Struct, frozen=True):
    """What the platform grants and asks for, as its settings say."""

    confirm_days: int = 0
    reserve_s: int = 600
    reserve_buyer_max: int = 3
    reserve_ip_max: int = 10
    reserve_share_percent: int = 20


def terms_of(chosen: Settings) -> Terms:
    """The part of the settings that is about orders."""
    return Terms(**{name: getattr(chosen, name) for name in Terms.__struct_fields__})


class By(StrEnum):
    """In whose name a command comes: what a buyer may is less than what the staff may."""

    buyer = "buyer"
    staff = "staff"
    kameng = "kameng"


class Instruction(msgspec.Struct, frozen=True, kw_only=True):
    """A command to one order. The same ``key`` has one effect and one answer, however often it comes."""

    order_id: int
    command: Command
    key: str
    by: By = By.kameng
    actor_id: int = 0  # API key, person, or 0 for Kameng itself
    org_id: int | None = None  # whose the order must be, for a buyer
    reason: str = ""
    amount_e4: int | None = None  # of a payment; what goes back (None: all that is left); the worth of what came
    card_ids: tuple[int, ...] = ()  # which are replaced
    part_no: int | None = None  # which part of a bundle is meant
    payment_id: int | None = None  # of a payment that can be given back to where it came from
    wallet_e4: int = 0  # of a payment's amount, what its payer's wallet adds only if the order takes it
    to_origin: bool = False  # what goes back goes to where it came from, not to the payer's wallet

    @property
    def full_key(self) -> str:
        """The key among all that is ever asked of this order."""
        return f"{self.command.value}:{self.key}"

    @property
    def digest(self) -> bytes:
        """Of what is asked, but not of who asks and why."""
        content: list[object] = [self.command, self.amount_e4, sorted(self.card_ids)]
        if self.part_no is not None:
            content.append(self.part_no)
        if self.to_origin:
            content.append("to_origin")
        return hashlib.blake2b(msgspec.json.encode(content), digest_size=16).digest()


class Acted(msgspec.Struct, frozen=True):
    """What a command led to; ``replayed`` if it stood already."""

    order_id: int
    state: State
    sequence: int
    refunded_e4: int
    replayed: bool = False
    payment_id: int | None = None
    """The payment that has paid the order by now, if it can be given back to where it came from."""


class Known(msgspec.Struct, frozen=True):
    """A command that stands, and what was asked by it."""

    digest: bytes
    acted: Acted


class Standing(msgspec.Struct, frozen=True):
    """An order as it was read under the gate, with what a command must know around it."""

    order_id: int
    org_id: int
    sku_id: int
    sku_revision: int
    quantity: int
    total_e4: int
    cost_e4: int
    state: State
    sequence: int
    refunded_e4: int
    card_ids: tuple[int, ...]
    confirm_until: datetime | None
    placed_at: datetime
    currency: str
    wants_events: bool
    is_sandbox: bool
    is_begun: bool  # one of its jobs is in a worker's hands
    expires_at: datetime | None  # when its payment may come no more; None: a wallet paid
    is_guest: bool
    needs_review: bool = False  # held when it is paid
    split: Split | None = None  # among the agents above the buyer
    parts: tuple[OrderPart, ...] = ()  # of a bundle
    chosen_card: int | None = None  # of an order that is paid through a channel
    payment_id: int | None = None  # that paid it, if it can be given back to where it came from

    @property
    def payer_id(self) -> int:
        """Whose wallet paid, and gets back what goes back."""
        return self.org_id if self.split is None or self.split.payer_id is None else self.split.payer_id

    @property
    def rest_e4(self) -> int:
        """What did not go back of the price, as its buyer sees it."""
        return self.total_e4 - self.refunded_e4

    @property
    def is_awaited(self) -> bool:
        """Whether its payment may come."""
        return self.state is State.awaiting_payment

    @property
    def in_escrow(self) -> bool:
        """Whether its money rests in escrow; else, if it was paid, in sales."""
        return self.state in IN_ESCROW or self.confirm_until is not None


IN_ESCROW = frozenset(
    {State.paid, State.held, State.fulfilling, State.review, State.cancelling, State.failed, State.refused}
)
"""Paid and not delivered. A delivered order's money stays there while its buyer may confirm."""

EVENTS = {
    Command.pay: "order.paid",
    Command.expire: "order.expired",
    Command.cancel: "order.cancelled",
    Command.hold: "order.held",
    Command.refuse: "order.refused",
    Command.fulfil: "order.fulfilling",
    Command.doubt: "order.review",
    Command.withdraw: "order.cancelling",
    Command.deliver: "order.delivered",
    Command.deliver_partly: "order.partly_delivered",
    Command.fail: "order.failed",
    Command.refund: "order.refunded",
    Command.refund_part: "order.refunded_in_part",
    Command.settle: "order.settled",
    Command.redeliver: "order.redelivered",
    Command.swap: "order.replaced",
    Command.overdue: "order.overdue",
    Command.deliver_part: "order.part_delivered",
    Command.fail_part: "order.part_failed",
}
"""What each step is called where it is told."""
