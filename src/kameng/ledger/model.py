"""The ledger's rules: pure, one function per law, in TigerBeetle's vocabulary of results.

A balance is credits less debits: what the house owes the account's owner. Every transfer moves an amount from
one account (debit) to another (credit), so the sum over a lane and currency never leaves zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

import msgspec

from kameng.kit.money import AMOUNT_E4_MAX

HOUSE_ACCOUNT_MAX = 999
"""Accounts up to here are the house's own, one set in each lane; above it, ids dealt from the gate."""

PLAY_OFFSET = 500
"""House accounts of play money (XTS) stand at the real one's number plus this."""


class House(StrEnum):
    """The house accounts of a lane. Their numbers are fixed: see ``HOUSE_NUMBERS``."""

    sales = "sales"  # delivered goods
    escrow = "escrow"  # paid, not yet delivered
    clearing = "clearing"  # money that came in or went out by hand or channel
    suspense = "suspense"  # differences, late and double money
    cashback = "cashback"  # what the house gives away: a recharge's bonus
    bank = "bank"  # paid out by bank transfer
    fees = "fees"  # earned by fees and penalties


HOUSE_NUMBERS = {
    House.sales: 1, House.escrow: 2, House.clearing: 3, House.suspense: 4, House.cashback: 5, House.bank: 16,
    House.fees: 17,
}  # fmt: skip


def house_account(code: House, currency: str) -> int:
    return HOUSE_NUMBERS[code] + (PLAY_OFFSET if currency == "XTS" else 0)


SUB_ACCOUNT = "sub_account"
"""What an agent earns in a lane lies there until it is swept to its wallet. Refunds may turn it into a debt."""
DUE_TO, DUE_FROM = "due_to", "due_from"
"""What a lane owes another, and what it has to get from it: one account each for every pair and currency."""


class Result(StrEnum):
    """What became of a transfer. Only ``created`` and ``exists`` mean that it stands."""

    created = "created"
    exists = "exists"
    exists_with_different_fields = "exists_with_different_fields"
    linked_event_failed = "linked_event_failed"
    amount_must_be_positive = "amount_must_be_positive"
    amount_too_large = "amount_too_large"
    accounts_must_be_different = "accounts_must_be_different"
    debit_account_not_found = "debit_account_not_found"
    credit_account_not_found = "credit_account_not_found"
    accounts_must_have_the_same_currency = "accounts_must_have_the_same_currency"
    account_closed = "account_closed"
    pending_transfer_not_found = "pending_transfer_not_found"
    pending_transfer_has_different_accounts = "pending_transfer_has_different_accounts"
    pending_transfer_already_posted = "pending_transfer_already_posted"
    pending_transfer_already_voided = "pending_transfer_already_voided"
    exceeds_pending_transfer_amount = "exceeds_pending_transfer_amount"
    exceeds_credits = "exceeds_credits"

    @property
    def zh(self) -> str:
        """What it means, for whoever was refused."""
        return _MEANINGS_ZH[self.value]


_MEANINGS_ZH = {
    "created": "已记账",
    "exists": "该笔转账已存在",
    "exists_with_different_fields": "该编号的转账已存在，内容不同",
    "linked_event_failed": "同组的另一笔转账未通过",
    "amount_must_be_positive": "金额必须大于 0",
    "amount_too_large": "金额过大",
    "accounts_must_be_different": "借贷账户不能相同",
    "debit_account_not_found": "借方账户不存在",
    "credit_account_not_found": "贷方账户不存在",
    "accounts_must_have_the_same_currency": "借贷账户币种必须相同",
    "account_closed": "账户已关闭",
    "pending_transfer_not_found": "预授权转账不存在",
    "pending_transfer_has_different_accounts": "预授权转账的账户不同",
    "pending_transfer_already_posted": "预授权转账已入账",
    "pending_transfer_already_voided": "预授权转账已撤销",
    "exceeds_pending_transfer_amount": "金额超过预授权金额",
    "exceeds_credits": "可用余额不足",
}

_CREATED = Result.created


class Account(msgspec.Struct, gc=False):
    """The working copy of an account's row; ``Books`` moves it forward."""

    account_id: int
    org_id: int
    code: str
    currency: str
    posted_e4: int = 0
    held_e4: int = 0
    credit_line_e4: int = 0
    unbounded: bool = False
    closed: bool = False

    @property
    def available_e4(self) -> int:
        return self.posted_e4 - self.held_e4 + self.credit_line_e4


class NewTransfer(msgspec.Struct, frozen=True, gc=False):
    """A wish to move money. ``kind`` hold reserves; post and void resolve the hold ``pending_id``."""

    transfer_id: int
    debit_account: int
    credit_account: int
    amount_e4: int
    code: str
    subject_id: int
    kind: str = "posted"
    pending_id: int | None = None


class Leg(msgspec.Struct, frozen=True):
    """One link of a chain: a wish to move money under an outside key, which leads to one transfer for ever."""

    key: str
    debit_account: int
    credit_account: int
    amount_e4: int
    code: str
    subject_id: int
    kind: str = "posted"
    pending_id: int | None = None


class Transfer(msgspec.Struct, frozen=True, gc=False):
    """A transfer that stands, with both balances after it."""

    transfer_id: int
    debit_account: int
    credit_account: int
    amount_e4: int
    code: str
    subject_id: int
    kind: str
    pending_id: int | None
    debit_after_e4: int
    credit_after_e4: int


class Parcel(msgspec.Struct, frozen=True):
    """Money that left one lane for an account in another."""

    lane: int
    sweep_id: int
    to_lane: int
    to_account: int
    currency: str
    amount_e4: int
    org_id: int

    @property
    def key(self) -> str:
        """Of its transfers, in both lanes."""
        return f"sweep:{self.sweep_id}"


class Posting(msgspec.Struct, frozen=True):
    """What became of a leg, and the transfer if it stands."""

    result: Result
    transfer: Transfer | None = None


class BooksBefore(msgspec.Struct, frozen=True):
    """A checkpoint of the books: how much was posted to them. It costs the same for a hundred accounts as for one."""

    posted_count: int


class Books:
    """Accounts as the gate's transaction read them, and what was posted to them since.

    ``known`` are the transfers that stand already and matter here: possible repeats and open holds;
    ``resolved`` tells how a hold ended (``post`` or ``void``).
    """

    def __init__(
        self, accounts: Iterable[Account], known: Iterable[Transfer] = (), resolved: dict[int, str] | None = None
    ) -> None:
        self.accounts = {account.account_id: account for account in accounts}
        self.known = {transfer.transfer_id: transfer for transfer in known}
        self.resolved = dict(resolved or {})
        self.posted: list[Transfer] = []

    def add(self, accounts: Iterable[Account]) -> None:
        """More accounts as the same transaction read them; those that are here already stay as they are."""
        for account in accounts:
            self.accounts.setdefault(account.account_id, account)

    @property
    def touched(self) -> set[int]:
        """The accounts that what was posted has moved."""
        return {number for one in self.posted for number in (one.debit_account, one.credit_account)}

    def post(self, new: NewTransfer) -> Result:
        """Post one transfer, or refuse it and change nothing."""
        refusal = self._refusal(new)
        if refusal is None:
            self._apply(new)
            return _CREATED
        return refusal

    def post_linked(self, chain: Sequence[NewTransfer]) -> list[Result]:
        """All of a chain or none. The failing link tells why, the others ``linked_event_failed``."""
        before = self.checkpoint()
        results = []
        for index, new in enumerate(chain):
            results.append(self.post(new))
            if results[-1] not in (Result.created, Result.exists):
                self.restore(before)
                return [results[-1] if i == index else Result.linked_event_failed for i in range(len(chain))]
        return results

    def checkpoint(self) -> BooksBefore:
        """Where the books stand, to ``restore`` if what follows is to be undone; earlier ones stay good, later ones
        are gone with it."""
        return BooksBefore(len(self.posted))

    def restore(self, before: BooksBefore) -> None:
        while len(self.posted) > before.posted_count:
            self._undo(self.posted.pop())

    def _refusal(self, new: NewTransfer) -> Result | None:
        """The laws, cheapest first; a repeat is answered before anything else."""
        if new.transfer_id in self.known:
            return repeat_has_same_fields(new, self.known[new.transfer_id])
        debit, credit = self.accounts.get(new.debit_account), self.accounts.get(new.credit_account)
        if debit is None:
            return Result.debit_account_not_found
        if credit is None:
            return Result.credit_account_not_found
        return (
            amount_is_positive(new)
            or accounts_are_different(new)
            or currencies_are_the_same(debit, credit)
            or accounts_are_open(new, debit, credit)
            or self._hold_is_open(new)
            or debit_account_covers(new, debit)
        )

    def _hold_is_open(self, new: NewTransfer) -> Result | None:
        if new.kind not in ("post", "void"):
            return None
        hold = self.known.get(new.pending_id or 0)
        if hold is None or hold.kind != "hold":
            return Result.pending_transfer_not_found
        if (hold.debit_account, hold.credit_account) != (new.debit_account, new.credit_account):
            return Result.pending_transfer_has_different_accounts
        ended = self.resolved.get(hold.transfer_id)
        if ended is not None:
            return (
                Result.pending_transfer_already_posted if ended == "post" else Result.pending_transfer_already_voided
            )
        if new.amount_e4 > hold.amount_e4:
            return Result.exceeds_pending_transfer_amount
        return None

    def _apply(self, new: NewTransfer) -> None:
        debit, credit = self.accounts[new.debit_account], self.accounts[new.credit_account]
        if new.kind == "hold":
            debit.held_e4 += new.amount_e4
        else:
            if new.pending_id is not None:
                debit.held_e4 -= self.known[new.pending_id].amount_e4
                self.resolved[new.pending_id] = new.kind
            if new.kind != "void":
                debit.posted_e4 -= new.amount_e4
                credit.posted_e4 += new.amount_e4
        stands = Transfer(
            new.transfer_id, new.debit_account, new.credit_account, new.amount_e4, new.code, new.subject_id,
            new.kind, new.pending_id, debit.posted_e4, credit.posted_e4,
        )  # fmt: skip
        self.known[new.transfer_id] = stands
        self.posted.append(stands)

    def _undo(self, done: Transfer) -> None:
        """The last transfer that was posted, as if it never was."""
        del self.known[done.transfer_id]
        debit, credit = self.accounts[done.debit_account], self.accounts[done.credit_account]
        if done.kind == "hold":
            debit.held_e4 -= done.amount_e4
            return
        if done.pending_id is not None:
            debit.held_e4 += self.known[done.pending_id].amount_e4
            del self.resolved[done.pending_id]
        if done.kind != "void":
            debit.posted_e4 += done.amount_e4
            credit.posted_e4 -= done.amount_e4


def repeat_has_same_fields(new: NewTransfer, stands: Transfer) -> Result:
    """Same id and same fields: it stands already. Same id, other fields: somebody made a mistake."""
    same = all(getattr(new, field) == getattr(stands, field) for field in NewTransfer.__struct_fields__)
    return Result.exists if same else Result.exists_with_different_fields


def amount_is_positive(new: NewTransfer) -> Result | None:
    if new.amount_e4 <= 0:
        return Result.amount_must_be_positive
    return Result.amount_too_large if new.amount_e4 > AMOUNT_E4_MAX else None


def accounts_are_different(new: NewTransfer) -> Result | None:
    return Result.accounts_must_be_different if new.debit_account == new.credit_account else None


def currencies_are_the_same(debit: Account, credit: Account) -> Result | None:
    return None if debit.currency == credit.currency else Result.accounts_must_have_the_same_currency


def accounts_are_open(new: NewTransfer, debit: Account, credit: Account) -> Result | None:
    """A closed account takes no new money and gives none; a hold on it can still be let go."""
    return Result.account_closed if (debit.closed or credit.closed) and new.kind != "void" else None


def debit_account_covers(new: NewTransfer, debit: Account) -> Result | None:
    """No wallet passes below zero less its credit line. A post or void frees its own hold first."""
    if debit.unbounded or new.kind in ("post", "void"):
        return None
    return Result.exceeds_credits if new.amount_e4 > debit.available_e4 else None
