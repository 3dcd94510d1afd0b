"""The words of an order: its states as a table, the wish that asks for one, what becomes of it. Pure."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum

import msgspec

from kameng.catalogue import FROM_STOCK
from kameng.identity import ApiKey, Nonce, Organisation
from kameng.kit.errors import Fault, Refusal
from kameng.orders.splitting import Split

REFERENCE_MAX = 64
BULK_EACH_MAX = 5_000
BULK_ALL_MAX = 500
SECRETS_SHOWN = timedelta(days=7)
"""How long answers show an order's cards again."""

ACCOUNT = b"account"
"""What an order's account is sealed as, with the order's id."""


class State(StrEnum):
    awaiting_payment = "awaiting_payment"
    paid = "paid"
    held = "held"  # risk looks at it
    fulfilling = "fulfilling"
    review = "review"  # outcome unknown: a person looks, nothing happens by itself
    cancelling = "cancelling"
    partly_delivered = "partly_delivered"
    delivered = "delivered"
    settled = "settled"
    expired = "expired"
    cancelled = "cancelled"
    refused = "refused"
    failed = "failed"
    refunded = "refunded"


class Command(StrEnum):
    """What may be asked of an order; each writes its own event."""

    pay = "pay"
    expire = "expire"
    cancel = "cancel"
    hold = "hold"
    refuse = "refuse"
    fulfil = "fulfil"
    doubt = "doubt"
    withdraw = "withdraw"
    deliver = "deliver"
    deliver_partly = "deliver_partly"
    fail = "fail"
    refund = "refund"
    refund_part = "refund_part"
    settle = "settle"
    redeliver = "redeliver"
    swap = "swap"  # other cards for some of them
    overdue = "overdue"  # it is told that its time is up
    deliver_part = "deliver_part"  # of a bundle
    fail_part = "fail_part"


TRANSITIONS: dict[tuple[State, Command], State] = {
    (State.awaiting_payment, Command.pay): State.paid,
    (State.awaiting_payment, Command.expire): State.expired,
    (State.awaiting_payment, Command.cancel): State.cancelled,
    (State.expired, Command.pay): State.paid,  # the money came late, and there were goods still
    (State.paid, Command.fulfil): State.fulfilling,
    (State.paid, Command.hold): State.held,
    (State.paid, Command.deliver): State.delivered,
    (State.held, Command.refuse): State.refused,
    (State.held, Command.fulfil): State.fulfilling,
    (State.held, Command.deliver): State.delivered,
    (State.held, Command.deliver_partly): State.partly_delivered,  # what came of a bundle before
    (State.fulfilling, Command.hold): State.held,  # as long as nobody has begun
    (State.fulfilling, Command.deliver): State.delivered,
    (State.fulfilling, Command.deliver_partly): State.partly_delivered,
    (State.fulfilling, Command.doubt): State.review,
    (State.fulfilling, Command.withdraw): State.cancelling,
    (State.fulfilling, Command.fail): State.failed,
    (State.review, Command.deliver): State.delivered,
    (State.review, Command.deliver_partly): State.partly_delivered,
    (State.review, Command.fail): State.failed,
    (State.review, Command.fulfil): State.fulfilling,
    (State.cancelling, Command.deliver): State.delivered,
    (State.cancelling, Command.deliver_partly): State.partly_delivered,
    (State.cancelling, Command.fail): State.failed,
    (State.partly_delivered, Command.refund): State.refunded,
    (State.partly_delivered, Command.settle): State.settled,
    (State.delivered, Command.settle): State.settled,
    (State.delivered, Command.refund): State.refunded,
    (State.settled, Command.refund): State.refunded,
    (State.failed, Command.refund): State.refunded,
    (State.refused, Command.refund): State.refunded,
    # These change something of the order, and not its state.
    **{
        (state, command): state
        for state in (State.delivered, State.partly_delivered, State.settled)
        for command in (Command.refund_part, Command.redeliver, Command.swap)
    },
    **{(state, Command.overdue): state for state in (State.fulfilling, State.cancelling)},
    # One part of a bundle; what follows for the order when it was the last one is a step of its own.
    **{
        (state, command): state
        for state in (State.fulfilling, State.review, State.cancelling)
        for command in (Command.deliver_part, Command.fail_part)
    },
}
"""Every step an order can take. What is not here is refused."""


class IllegalStep(Fault):
    """Code asked for a step that is not in the table: a defect, never a caller's fault."""


def step(state: State, command: Command) -> State:
    """Where the command leads; ``IllegalStep`` if an order in that state can't take it."""
    after = TRANSITIONS.get((state, command))
    if after is None:
        raise IllegalStep(f"No order that is {state} can take `{command}`.\n状态为 {state} 的订单不能执行 {command}。")
    return after


# How an order begins that its buyer's wallet pays at once. Looked up once: an order costs no look into the table.
_PAID = step(State.awaiting_payment, Command.pay)
PLACED_DELIVERED = step(_PAID, Command.deliver)
PLACED_FULFILLING = step(_PAID, Command.fulfil)
PLACED_HELD = step(_PAID, Command.hold)

FINAL = frozenset({State.settled, State.delivered, State.expired, State.cancelled, State.refunded})
"""States in which an order may rest without a job or a desk."""

SECRETS_VISIBLE = frozenset({State.delivered, State.partly_delivered, State.settled})

PARTS_VISIBLE = frozenset({State.held, State.fulfilling, State.review, State.cancelling})
"""States in which cards of a bundle are with its buyer already, and other parts of it are not."""


class PartState(StrEnum):
    waiting = "waiting"
    delivered = "delivered"
    failed = "failed"  # what it is worth goes back with the last part
    refunded = "refunded"


class Pick(msgspec.Struct, frozen=True, gc=False):
    """The card that a buyer chose. ``is_known``: it is one of those that may be chosen, or was until somebody did."""

    card_id: int
    fee_e4: int | None = None  # None: as its SKU says
    is_known: bool = False


class Wish(msgspec.Struct, frozen=True, gc=False):
    """One order somebody asks for, checked for form at the door. Nothing here is decided yet."""

    key: ApiKey
    organisation: Organisation
    ip: str
    client_ref: str
    ref_key: bytes
    digest: bytes  # of the content, to tell a repeat from another order under the same reference
    sku_id: int
    quantity: int
    max_price_e4: int | None = None
    account: bytes | None = None  # normalised, as JSON, in clear: sealed before it is written
    target_hash: bytes | None = None
    nonce: Nonce | None = None
    group: int = 0  # wishes of one group are placed together or not at all
    marks: tuple[bytes, ...] = ()  # what finds the order by who is topped up
    has_password: bool = False  # in its account, to be wiped when the order is final
    pick: Pick | None = None


class OrderPart(msgspec.Struct, frozen=True, gc=False):
    """A part of an order of a bundle, as it stands. ``quantity``: pieces, of all the bundles of the order."""

    part_no: int
    sku_id: int
    sku_revision: int
    kind: str
    quantity: int
    worth_e4: int
    state: PartState = PartState.waiting
    card_ids: tuple[int, ...] = ()

    @property
    def from_stock(self) -> bool:
        return self.kind in FROM_STOCK


class NewOrder(msgspec.Struct, frozen=True, gc=False):
    """An order's row, about to be written."""

    order_id: int
    wish: Wish
    sku_revision: int
    unit_price_e4: int
    total_e4: int
    cost_e4: int
    state: State
    trace: str
    card_ids: tuple[int, ...]
    confirm_days: int = 0  # its money rests in escrow for so long, or until the buyer confirms
    split: Split | None = None
    """Among the agents above the buyer; None: he buys from the platform."""
    kind: str = ""
    """Of its SKU."""
    parts: tuple[OrderPart, ...] = ()
    """Of a bundle."""


class ShownCard(msgspec.Struct, frozen=True, gc=False):
    """A card in an answer. ``text`` is JSON of number and secret, or None if it does not open now."""

    text: bytes | None
    expires_on: date | None
    card_id: int = 0  # known where it matters which one it is


class ShownPart(msgspec.Struct, frozen=True, gc=False):
    """A part of a bundle in an answer, with its cards where they may be seen."""

    part_no: int
    sku_id: int
    quantity: int
    worth_e4: int
    state: str
    cards: tuple[ShownCard, ...] = ()


class ShownOrder(msgspec.Struct, frozen=True, gc=False):
    """An order as its buyer may see it."""

    order_id: int
    client_ref: str
    sku_id: int
    quantity: int
    unit_price_e4: int
    total_e4: int
    currency: str
    state: str
    sequence: int
    placed_at: datetime
    trace: str
    cards: tuple[ShownCard, ...] = ()
    replayed: bool = False
    refunded_e4: int = 0
    confirm_until: datetime | None = None
    account: dict[str, str] | None = None  # masked
    parts: tuple[ShownPart, ...] = ()


class Placed(msgspec.Struct, frozen=True, gc=False):
    order: NewOrder
    card_texts: tuple[ShownCard, ...]


class Known(msgspec.Struct, frozen=True, gc=False):
    """The reference stands already with the same content: its order is the answer."""

    order_id: int


class Refused(msgspec.Struct, frozen=True, gc=False):
    reason: type[Refusal]
    detail: str = ""
    field: str = ""
    detail_zh: str = ""

    def refusal(self) -> Refusal:
        """The same as what a door answers with."""
        return self.reason(self.detail, field=self.field, detail_zh=self.detail_zh)


class Short(msgspec.Struct, frozen=True, gc=False):
    """The lane's own shelf is short; another lane may help."""

    sku_id: int
    need: int


Decision = Placed | Known | Refused | Short
Answer = ShownOrder | Refused
"""What a submitted wish comes back as."""
