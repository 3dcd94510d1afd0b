"""Accounts of the epay site, the payments that shops wish for, and the protocol's words for ours. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from kameng import finance
from kameng.channels import epay_serving as serving
from kameng.kit.money import MINOR_E4
from kameng.payments import Collected, Collection

SECRETS = b"epay"
"""What the secrets of an account are sealed as."""
PPM = 1_000_000
TRADE_S = 7200
"""How long a payment may be begun: as long as most codes live."""
DEVICES: Mapping[str, str] = {
    "pc": "desktop", "mobile": "phone", "qq": "phone", "alipay": "phone", "wechat": "wechat"
}  # fmt: skip
"""As shops name them, and as ours choose by them."""


class Account(msgspec.Struct, frozen=True):
    """An organisation's account, without its secrets. Its number (pid) is what shops sign as."""

    pid: int
    org_id: int
    shop_key: str
    our_key: str
    fee_ppm: int
    hosts: tuple[str, ...]
    is_on: bool
    is_rsa_only: bool
    has_refunds: bool
    revision: int
    made_at: datetime
    changed_at: datetime
    barred: str = ""  # why the house switched it off; empty: it did not

    @property
    def may_collect(self) -> bool:
        return self.is_on and not self.barred


class Secrets(msgspec.Struct, frozen=True):
    """What an account signs with; ``repr`` does not show it."""

    md5_key: str
    our_private_key: str

    def __repr__(self) -> str:
        return "Secrets()"


class Opened(msgspec.Struct, frozen=True):
    """An account whose secrets are open, in memory only."""

    account: Account
    shop: serving.Shop
    platform: RSAPrivateKey


class Trade(msgspec.Struct, frozen=True):
    """A payment as its shop wished for it. ``told``: whether the shop heard that it was paid."""

    trade_id: int
    pid: int
    org_id: int
    out_trade_no: str
    version: int
    type: str
    name: str
    amount_e4: int
    fee_e4: int
    notify_url: str
    return_url: str
    param: str
    made_at: datetime
    expires_at: datetime
    closed_at: datetime | None = None
    paid_at: datetime | None = None
    tellings: int = 0
    told: str = ""
    fault: str = ""

    @property
    def collection(self) -> Collection:
        return Collection(
            collection_id=self.trade_id, amount_e4=self.amount_e4, fee_e4=self.fee_e4, expires_at=self.expires_at
        )

    def is_of(self, wished: serving.Wished) -> bool:
        """Whether the same is wished for again. Its customer may pay it in another way."""
        return (self.amount_e4, self.name, self.notify_url, self.return_url, self.param) == (
            wished.money_minor * MINOR_E4, wished.name, wished.notify_url, wished.return_url, wished.param
        )  # fmt: skip


class Day(msgspec.Struct, frozen=True):
    """What the shops of an account wished for, and were paid, on a day of China."""

    day: date
    begun: int
    paid: int
    paid_e4: int


class Page(msgspec.Struct, frozen=True):
    """Payments of an account with how they stand, newest first, and where the next page begins."""

    lines: tuple[tuple[Trade, Collected | None], ...]
    next_id: int | None


def fee_of(amount_e4: int, fee_ppm: int) -> int:
    """What the house keeps, rounded to whole fen; something is always left."""
    minor = (amount_e4 * fee_ppm + PPM * MINOR_E4 // 2) // (PPM * MINOR_E4)
    return min(minor * MINOR_E4, amount_e4 - MINOR_E4)


def state_of(trade: Trade, stands: Collected | None, at: datetime) -> str:
    """``paid``, ``refunded`` (all of it), ``closed``, ``expired``, ``open``."""
    if stands is not None and stands.payment is not None:
        return "refunded" if stands.refunded_e4 >= (stands.payment.paid_e4 or 0) else "paid"
    if trade.closed_at is not None:
        return "closed"
    return "expired" if trade.expires_at <= at else "open"


SETTLED: Mapping[finance.State, int] = {
    finance.State.requested: 0, finance.State.checked: 0, finance.State.approved: 0, finance.State.paying: 2,
    finance.State.paid: 1, finance.State.refused: 3, finance.State.cancelled: 3, finance.State.failed: 3,
}  # fmt: skip
"""Where a withdrawal stands, as epay counts it."""


def settlement_of(account: Account, one: finance.Withdrawal) -> serving.Settlement:
    """A withdrawal of the account's organisation, as its shop is told of it."""
    _, username, number = one.payee_shown.rsplit(" ", 2)
    status = SETTLED[one.state]
    return serving.Settlement(
        settle_no=str(one.withdrawal_id), pid=str(account.pid), type=1 if one.method == "alipay" else 4,
        account=number, username=username, money_minor=one.amount_e4 // MINOR_E4,
        real_minor=(one.amount_e4 - one.fee_e4) // MINOR_E4, added_at=one.requested_at, ended_at=one.closed_at,
        status=status, result=(one.note or finance.STATES_ZH[one.state]) if status == 3 else "",
    )  # fmt: skip


def order_of(trade: Trade, stands: Collected | None) -> serving.Order:
    """As its shop is told of it. Partly refunded counts as paid, with what went back beside it."""
    payment = None if stands is None else stands.payment
    refunded_e4 = 0 if stands is None else stands.refunded_e4
    is_back = payment is not None and refunded_e4 >= (payment.paid_e4 or 0)
    return serving.Order(
        pid=str(trade.pid), trade_no=str(trade.trade_id), out_trade_no=trade.out_trade_no,
        type=trade.type or (serving.type_of(payment.method) if payment is not None else ""), name=trade.name,
        money_minor=trade.amount_e4 // MINOR_E4, status=0 if payment is None else 2 if is_back else 1,
        added_at=trade.made_at, ended_at=None if payment is None else payment.booked_at, param=trade.param,
        api_trade_no="" if payment is None else payment.provider_no, buyer="" if payment is None else payment.payer,
        refunded_minor=refunded_e4 // MINOR_E4,
    )  # fmt: skip
