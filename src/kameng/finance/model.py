"""The words of the finance desk: adjustments, withdrawals with their states as a table, payees, terms. Pure."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from typing import Literal

import msgspec

from kameng.finance.errors import BadFinanceRequest, StepNotOpen
from kameng.kit.money import AMOUNT_E4_MAX, E4, MINOR_E4
from kameng.kit.settings import Settings
from kameng.ledger import House

PAYEE = b"payee"
"""What a withdrawal's payee is sealed as, with the withdrawal's id."""

REASONS: dict[str, tuple[House, str]] = {
    "recharge_missing": (House.clearing, "漏记充值"),
    "recharge_reversed": (House.clearing, "充值冲正"),
    "compensation": (House.cashback, "赔付"),
    "goodwill": (House.cashback, "优惠补贴"),
    "penalty": (House.fees, "违约扣款"),
    "chargeback": (House.clearing, "支付拒付"),
    "correction": (House.suspense, "差错调整"),
}
"""Why staff books on a wallet, and which house account stands on the other side."""


class Terms(msgspec.Struct, frozen=True):
    """What one person may do alone, and what a withdrawal costs."""

    adjustment_limit_e4: int
    withdrawal_limit_e4: int
    fee_per_mille: int = 0
    fee_least_e4: int = 0

    def fee_e4(self, amount_e4: int) -> int:
        """Of a withdrawal; rounded up to whole fen."""
        share_fen = -(-amount_e4 * self.fee_per_mille // (1000 * MINOR_E4))
        return max(share_fen * MINOR_E4, self.fee_least_e4)


def terms_of(settings: Settings) -> Terms:
    return Terms(
        settings.adjustment_limit_yuan * E4, settings.withdrawal_limit_yuan * E4, settings.withdrawal_fee_per_mille,
        settings.withdrawal_fee_least_yuan * E4,
    )  # fmt: skip


class Adjustment(msgspec.Struct, frozen=True):
    """加款 (above zero) or 扣款 (below) of a wallet, as staff asked for it and as it was decided."""

    adjustment_id: int
    org_id: int
    amount_e4: int
    reason: str
    note: str
    evidence: str
    request_key: str
    needs_second: bool
    state: Literal["pending", "executed", "refused"]
    requested_by: int
    requested_at: datetime
    decided_by: int | None = None
    decided_at: datetime | None = None
    decision_note: str = ""
    transfer_id: int | None = None


class State(StrEnum):
    """Of a withdrawal."""

    requested = "requested"
    checked = "checked"  # one of two persons found it good
    approved = "approved"
    paying = "paying"  # on its way by a bank's file or a provider; nobody knows yet
    paid = "paid"
    refused = "refused"
    cancelled = "cancelled"  # by the organisation itself
    failed = "failed"  # the bank sent it back


class Command(StrEnum):
    """What may be asked of a withdrawal; each writes its own event."""

    check = "check"
    approve = "approve"
    refuse = "refuse"
    cancel = "cancel"
    send = "send"
    pay = "pay"
    fail = "fail"


TRANSITIONS: dict[tuple[State, Command], State] = {
    (State.requested, Command.check): State.checked,
    (State.requested, Command.approve): State.approved,
    (State.checked, Command.approve): State.approved,
    (State.requested, Command.refuse): State.refused,
    (State.checked, Command.refuse): State.refused,
    (State.requested, Command.cancel): State.cancelled,
    (State.checked, Command.cancel): State.cancelled,
    (State.approved, Command.pay): State.paid,
    (State.approved, Command.fail): State.failed,
    (State.approved, Command.send): State.paying,
    (State.paying, Command.pay): State.paid,
    (State.paying, Command.fail): State.failed,
}
"""Every step a withdrawal can take. What is not here is refused."""

STATES_ZH = {
    State.requested: "待审核", State.checked: "待复核", State.approved: "待打款", State.paying: "打款中",
    State.paid: "已打款", State.refused: "已拒绝", State.cancelled: "已撤回", State.failed: "打款失败",
}  # fmt: skip


def step(state: State, command: Command) -> State:
    """Where the command leads; ``StepNotOpen`` if a withdrawal in that state can't take it."""
    after = TRANSITIONS.get((state, command))
    if after is None:
        raise StepNotOpen(state.value, detail_zh=STATES_ZH[state])
    return after


class Payee(msgspec.Struct, frozen=True):
    """Who gets the money. Sealed where it is kept, masked wherever it is listed."""

    method: Literal["bank", "alipay"]
    name: str
    account: str
    bank: str = ""

    def __repr__(self) -> str:
        return f"Payee({self.masked()!r})"

    def masked(self) -> str:
        """``招商银行 张* ****6789``."""
        if self.method == "bank":
            shown, where = f"****{self.account[-4:]}", self.bank
        elif "@" in self.account:
            name, _, domain = self.account.partition("@")
            shown, where = f"{name[0]}***@{domain}", "支付宝"
        else:
            shown, where = f"{self.account[:3]}****{self.account[-4:]}", "支付宝"
        return f"{where} {self.name[0]}* {shown}"


def check_payee(payee: Payee) -> None:
    """``BadFinanceRequest`` names what is wrong."""
    wanted = r"[0-9]{8,30}" if payee.method == "bank" else r"1[3-9][0-9]{9}|[^\s@]{1,64}@[^\s@]{1,64}"
    if not re.fullmatch(wanted, payee.account):
        detail = "8 to 30 digits, or a phone number or mail address for Alipay"
        zh = "收款账号：银行卡应为 8 至 30 位数字，支付宝应为手机号或邮箱"
        raise BadFinanceRequest(detail, field="payee.account", detail_zh=zh)
    check_text(payee.name, 50, "payee.name", "收款人")
    if payee.method == "bank":
        check_text(payee.bank, 50, "payee.bank", "开户银行")


class Withdrawal(msgspec.Struct, frozen=True):
    """A withdrawal as it stands; of its payee only what may be shown."""

    withdrawal_id: int
    org_id: int
    client_ref: str
    amount_e4: int
    fee_e4: int
    currency: str
    payee_shown: str
    needs_second: bool
    state: State
    sequence: int
    requested_at: datetime
    checked_by: int | None
    approved_by: int | None
    closed_by: int | None
    closed_at: datetime | None
    note: str
    external_ref: str | None
    hold_id: int
    fee_hold_id: int | None
    method: str  # of its payee


REFUND = "refund"
"""Codes that begin so are money that came back; statements tell them apart from what came in."""


class Entry(msgspec.Struct, frozen=True):
    """What one code moved."""

    code: str
    count: int
    in_e4: int
    out_e4: int

    @property
    def is_refund(self) -> bool:
        return self.code.startswith(REFUND)


class Section(msgspec.Struct, frozen=True):
    """A day, a product, a customer or a line; balances where it has them: a product has none."""

    key: str
    name: str
    entries: tuple[Entry, ...]
    opening_e4: int | None = None
    closing_e4: int | None = None


class Sums(msgspec.Struct):
    """What a whole statement comes to; grows with each section."""

    opening_e4: int = 0
    in_e4: int = 0
    refunded_e4: int = 0
    out_e4: int = 0

    @property
    def closing_e4(self) -> int:
        return self.opening_e4 + self.in_e4 + self.refunded_e4 - self.out_e4

    def add(self, section: Section) -> None:
        for entry in section.entries:
            if entry.is_refund:
                self.refunded_e4 += entry.in_e4
            else:
                self.in_e4 += entry.in_e4
            self.out_e4 += entry.out_e4


def check_text(text: str, chars_max: int, field: str, zh: str, *, may_be_empty: bool = False) -> None:
    if may_be_empty and not text:
        return
    if not (text.strip() and len(text) <= chars_max and text.isprintable()):
        raise BadFinanceRequest(
            f"{field}: 1 to {chars_max} printable characters", field=field,
            detail_zh=f"{zh}：应为 1 至 {chars_max} 个可见字符",
        )  # fmt: skip


def check_amount(amount_e4: int, field: str = "amount") -> None:
    """Above zero and not absurd."""
    if not 0 < amount_e4 <= AMOUNT_E4_MAX:
        raise BadFinanceRequest("amount: above zero", field=field, detail_zh="金额：应大于 0")


def check_person(person_id: int) -> None:
    """Who does this stands in the books: nobody is not somebody."""
    if person_id <= 0:
        raise BadFinanceRequest("by: a person", field="by", detail_zh="操作人：须指明")
