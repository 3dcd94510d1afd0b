"""What a payment channel is asked and what it answers, in words that no provider owns.

Money is an integer in the currency's smallest unit (分, cents): ``amount_minor``. Times are UTC with a zone. Numbers
that both sides know a payment or a refund by are ours: letters and digits, at most 32. Nothing here talks to anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

import msgspec


class Method(StrEnum):
    """What the customer pays with."""

    wechat = "wechat"
    alipay = "alipay"
    unionpay = "unionpay"
    qqpay = "qqpay"
    card = "card"
    paypal = "paypal"
    usdt = "usdt"
    bank = "bank"


class Scene(StrEnum):
    """Where the customer pays."""

    qr = "qr"  # scans a code that we show
    page = "page"  # a desktop browser is led to the provider
    wap = "wap"  # a phone's browser is
    jsapi = "jsapi"  # a page inside the provider's own app
    code = "code"  # 付款码: the till scans the customer's


class Outcome(StrEnum):
    """What became of a call; exactly one. ``CLASS_OF`` says what may follow."""

    accepted = "accepted"  # it waits for the customer
    paid = "paid"
    done = "done"  # closed, refunded: whatever was asked for
    declined_user = "declined_user"  # the customer's own means; the channel is well
    refused_channel = "refused_channel"  # surely nothing was begun here: another channel may be tried
    refused_config = "refused_config"  # our own fault: nothing of this channel works until somebody mends it
    rate_limited = "rate_limited"  # surely nothing was done; later
    unknown = "unknown"  # it may have been done: the same call, or a query with the same numbers; never another channel


class OutcomeClass(StrEnum):
    done = "done"
    refused = "refused"
    unknown = "unknown"
    retry = "retry"


CLASS_OF: Mapping[Outcome, OutcomeClass] = {
    Outcome.accepted: OutcomeClass.done,
    Outcome.paid: OutcomeClass.done,
    Outcome.done: OutcomeClass.done,
    Outcome.declined_user: OutcomeClass.refused,
    Outcome.refused_channel: OutcomeClass.refused,
    Outcome.refused_config: OutcomeClass.refused,
    Outcome.rate_limited: OutcomeClass.retry,
    Outcome.unknown: OutcomeClass.unknown,
}


class State(StrEnum):
    """Where a payment stands at its provider."""

    waiting = "waiting"  # also: the customer has not scanned yet, so the provider knows nothing of it
    paid = "paid"
    closed = "closed"  # can't be paid any more, was not paid
    refunded = "refunded"  # paid, and given back as a whole
    failed = "failed"  # this attempt of the customer; another may follow
    unknown = "unknown"


class RefundState(StrEnum):
    processing = "processing"
    done = "done"
    failed = "failed"  # surely not given back, and will not be
    abnormal = "abnormal"  # the provider could not give it back to where it came from: a person has to act
    unknown = "unknown"


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """What is begun."""

    payment_no: str  # ours, of this attempt
    method: Method
    scene: Scene
    amount_minor: int
    currency: str = "CNY"
    subject: str  # what the customer reads, at most 127 bytes
    notify_url: str
    return_url: str = ""
    expires_at: datetime
    begun_at: datetime
    client_ip: str = "127.0.0.1"
    auth_code: str = ""  # of the customer's payment code
    payer_id: str = ""  # the customer's openid or user id, for ``jsapi``


class Shown(msgspec.Struct, frozen=True):
    """What the customer is shown or led to: ``qr`` is a text to draw, ``redirect`` an address, ``form`` fields to post
    to an address, ``jsapi`` JSON for the provider's script, ``transfer`` facts to read (address, reference)."""

    kind: str
    text: str = ""
    fields: Mapping[str, str] = {}


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    outcome: Outcome
    shown: Shown | None = None  # if accepted
    provider_no: str = ""
    code: str = ""  # the provider's own, as it came
    message: str = ""  # the provider's own; no secret


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """What a payment is asked for by."""

    payment_no: str
    provider_no: str = ""
    begun_at: datetime  # UnionPay asks with it
    expires_at: datetime | None = None  # what has no closing is closed by its end
    amount_minor: int = 0
    currency: str = "CNY"
    scene: Scene = Scene.qr


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider says of a payment. ``outcome`` is of the call: ``state`` is worth something if it is done."""

    outcome: Outcome
    state: State = State.unknown
    amount_minor: int | None = None
    currency: str = ""
    account_no: str = ""  # whom it was paid to, as the provider names the account
    provider_no: str = ""
    paid_at: datetime | None = None
    payer: str = ""  # as masked as the provider sends it
    code: str = ""
    message: str = ""


class Closed(msgspec.Struct, frozen=True, kw_only=True):
    """``done``: it can't be paid any more. ``paid``: it was paid before. ``retry``: not yet possible."""

    outcome: Outcome
    code: str = ""
    message: str = ""


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """What is given back; the same ``refund_no`` again is the same refund."""

    refund_no: str
    payment_no: str
    provider_no: str = ""
    amount_minor: int
    total_minor: int  # of the payment
    currency: str = "CNY"
    reason: str = ""
    notify_url: str = ""
    begun_at: datetime  # of the payment
    asked_at: datetime  # of the refund: the same for each try


class Refunded(msgspec.Struct, frozen=True, kw_only=True):
    outcome: Outcome
    state: RefundState = RefundState.unknown
    amount_minor: int | None = None
    provider_refund_no: str = ""
    code: str = ""
    message: str = ""


class Incoming(msgspec.Struct, frozen=True):
    """A request of a provider, byte for byte."""

    method: str
    query: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes


class NoticeKind(StrEnum):
    payment = "payment"
    refund = "refund"
    other = "other"  # understood, and nothing of ours


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider told, and proved. ``event_id`` is the same for each repeat."""

    kind: NoticeKind
    event_id: str
    payment_no: str = ""
    refund_no: str = ""
    state: State = State.unknown
    refund_state: RefundState = RefundState.unknown
    amount_minor: int | None = None
    currency: str = ""
    account_no: str = ""
    provider_no: str = ""
    paid_at: datetime | None = None


class BadNotice(Exception):
    """Forged, damaged or too old: it has no effect. ``is_probe``: the provider tests whether we look; no alarm."""

    def __init__(self, reason: str, *, is_probe: bool = False) -> None:
        super().__init__(reason)
        self.is_probe = is_probe


class Ack(msgspec.Struct, frozen=True):
    """What a provider wants to hear."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain"


class BillLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a provider's bill: money in (``payment``) or back (``refund``); both amounts positive."""

    kind: NoticeKind
    payment_no: str
    refund_no: str = ""
    provider_no: str = ""
    amount_minor: int
    fee_minor: int = 0  # what the provider keeps; negative: gives back
    currency: str = "CNY"
    at: datetime
    state: str = ""  # the provider's own word


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    day: date  # of China
    lines: Sequence[BillLine]
    payment_minor: int | None = None  # what the bill's own summary says, if it has one
    refund_minor: int | None = None
    fee_minor: int | None = None
    tells_fees: bool = True  # False: the protocol has no word for them
    tells_refunds: bool = True


class FundLine(msgspec.Struct, frozen=True, kw_only=True):
    """A movement of the account's own money at its provider; below zero: it went out."""

    provider_no: str  # of the movement
    trade_no: str  # the provider's number of what moved it
    reference: str = ""  # ours
    kind: str  # the provider's own word
    amount_minor: int
    balance_minor: int | None = None  # after it
    at: datetime


class FundBill(msgspec.Struct, frozen=True, kw_only=True):
    """A day of an account's money, from providers that make one: the third side of a reconciliation."""

    day: date  # of China
    lines: Sequence[FundLine]


class BillNotReady(Exception):
    """The provider makes it later; or there was no trade that day, which some don't tell apart."""


class Field(msgspec.Struct, frozen=True):
    """One credential or choice of a channel account, for forms and checks."""

    name: str
    zh: str
    en: str
    is_secret: bool = False
    is_needed: bool = True
    is_long: bool = False  # a key or certificate in PEM
    choices: tuple[str, ...] = ()


class Account(msgspec.Struct, frozen=True):
    """An account at a provider: opened, in memory only. ``repr`` shows no credential."""

    protocol: str
    credentials: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Account(protocol={self.protocol!r})"


class Channel(Protocol):
    """One account at one provider. Every call ends within its own time-out and answers with an outcome; no provider's
    answer, however broken, raises."""

    async def begin(self, payment: Payment) -> Begun: ...

    async def query(self, reference: Reference) -> Found: ...

    async def close(self, reference: Reference) -> Closed: ...

    async def refund(self, refund: Refund) -> Refunded: ...

    async def refund_query(self, refund: Refund) -> Refunded: ...

    async def parse_notice(self, incoming: Incoming) -> Notice:
        """``BadNotice`` for what proves nothing."""
        ...

    def acknowledge(self, *, is_taken: bool) -> Ack:
        """What to answer when the notice's effect stands, or could not be had now."""
        ...

    async def fetch_bill(self, day: date) -> Bill:
        """``BillNotReady`` if there is none yet; ``BillRefused`` with the provider's words."""
        ...


class SignIn(Protocol):
    """What some channels have besides, as ``sign_in`` (or None): who a customer is inside the provider's own app."""

    def address(self, back: str, state: str) -> str:
        """Where he is led. He comes back with ``code`` and ``state``."""
        ...

    async def payer_of(self, code: str) -> str | None:
        """As ``Payment.payer_id`` has him; None if the provider does not say."""
        ...


class BillRefused(Exception):
    """The provider gave no bill, or a damaged one."""


class PayoutState(StrEnum):
    processing = "processing"
    done = "done"
    failed = "failed"  # surely not paid, and will not be
    absent = "absent"  # the provider knows nothing of this number
    unknown = "unknown"


class Payout(msgspec.Struct, frozen=True, kw_only=True):
    """Money of ours that goes to somebody; the same ``payout_no`` again is the same payout."""

    payout_no: str
    amount_minor: int
    currency: str = "CNY"
    account: str  # the payee's login at the provider
    name: str  # and his name, which has to fit
    title: str = ""  # what he reads

    def __repr__(self) -> str:
        return f"Payout(payout_no={self.payout_no!r})"


class PaidOut(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider says of a payout. ``declined_user``: the payee's account can't take it."""

    outcome: Outcome
    state: PayoutState = PayoutState.unknown
    amount_minor: int | None = None
    provider_no: str = ""
    code: str = ""
    message: str = ""


class FundBills(Protocol):
    """What some channels can besides."""

    async def fetch_funds(self, day: date) -> FundBill:
        """As ``fetch_bill``."""
        ...


@runtime_checkable
class Payouts(Protocol):
    """What some channels can besides: ``ProtocolSpec.pays_out``."""

    async def pay_out(self, payout: Payout) -> PaidOut: ...

    async def payout_query(self, payout: Payout) -> PaidOut: ...
