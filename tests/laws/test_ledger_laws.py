"""The ledger against a plain model: whatever is posted, in whatever order, the laws hold.

The model knows no balances: it keeps the transfers that stand and adds them up anew each time. It says which laws
a transfer would break, not which one is found first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from kameng.kit.money import AMOUNT_E4_MAX
from kameng.ledger import Account, Books, NewTransfer, Result, Transfer
from kameng.ledger.model import BooksBefore
from laws.effort import effort

ACCOUNTS = [
    Account(1, 0, "sales", "CNY", unbounded=True),
    Account(501, 0, "sales", "XTS", unbounded=True),
    Account(2000, 2000, "wallet", "CNY"),
    Account(2001, 2001, "wallet", "CNY", credit_line_e4=50),
    Account(2002, 2002, "wallet", "CNY", credit_line_e4=50, closed=True),
    Account(2003, 2003, "wallet", "XTS", credit_line_e4=80),
]
NUMBERS = st.sampled_from([1, 501, 2000, 2001, 2002, 2003, 9999])
AMOUNTS = st.one_of(st.integers(1, 120), st.sampled_from([0, -5, AMOUNT_E4_MAX, AMOUNT_E4_MAX + 1]))
IDS = st.integers(1, 40)
NEW = st.builds(
    NewTransfer,
    transfer_id=IDS,
    debit_account=NUMBERS,
    credit_account=NUMBERS,
    amount_e4=AMOUNTS,
    code=st.sampled_from(["sale", "refund"]),
    subject_id=st.integers(1, 3),
    kind=st.sampled_from(["posted", "posted", "posted", "hold"]),
)


class PlainLedger:
    """What stands, and nothing derived from it."""

    def __init__(self) -> None:
        self.accounts = {account.account_id: account for account in ACCOUNTS}
        self.stands: dict[int, NewTransfer] = {}

    def posted_e4(self, number: int) -> int:
        moved = [t for t in self.stands.values() if t.kind in ("posted", "post")]
        return sum(t.amount_e4 for t in moved if t.credit_account == number) - sum(
            t.amount_e4 for t in moved if t.debit_account == number
        )

    def held_e4(self, number: int) -> int:
        ended = {t.pending_id for t in self.stands.values()}
        return sum(
            t.amount_e4
            for t in self.stands.values()
            if t.kind == "hold" and t.debit_account == number and t.transfer_id not in ended
        )

    def broken_laws(self, new: NewTransfer) -> set[Result]:
        """Every reason to refuse it; none: it must be created."""
        if new.transfer_id in self.stands:
            same = new == self.stands[new.transfer_id]
            return {Result.exists if same else Result.exists_with_different_fields}
        debit, credit = self.accounts.get(new.debit_account), self.accounts.get(new.credit_account)
        broken = {
            Result.debit_account_not_found: debit is None,
            Result.credit_account_not_found: credit is None,
            Result.accounts_must_be_different: new.debit_account == new.credit_account,
            Result.amount_must_be_positive: new.amount_e4 <= 0,
            Result.amount_too_large: new.amount_e4 > AMOUNT_E4_MAX,
        }
        if debit is not None and credit is not None:
            broken[Result.accounts_must_have_the_same_currency] = debit.currency != credit.currency
            broken[Result.account_closed] = (debit.closed or credit.closed) and new.kind != "void"
            free_e4 = self.posted_e4(new.debit_account) - self.held_e4(new.debit_account) + debit.credit_line_e4
            takes = new.kind in ("posted", "hold") and not debit.unbounded
            broken[Result.exceeds_credits] = takes and new.amount_e4 > free_e4
        return {law for law, is_broken in broken.items() if is_broken} | self._broken_by_hold(new)

    def _broken_by_hold(self, new: NewTransfer) -> set[Result]:
        if new.kind not in ("post", "void"):
            return set()
        hold = self.stands.get(new.pending_id or 0)
        if hold is None or hold.kind != "hold":
            return {Result.pending_transfer_not_found}
        ends = [t.kind for t in self.stands.values() if t.pending_id == new.pending_id]
        broken = {
            Result.pending_transfer_has_different_accounts:
                (hold.debit_account, hold.credit_account) != (new.debit_account, new.credit_account),
            Result.pending_transfer_already_posted: "post" in ends,
            Result.pending_transfer_already_voided: "void" in ends,
            Result.exceeds_pending_transfer_amount: new.amount_e4 > hold.amount_e4,
        }  # fmt: skip
        return {law for law, is_broken in broken.items() if is_broken}

    def post(self, new: NewTransfer, result: Result) -> None:
        broken = self.broken_laws(new)
        if broken:
            assert result in broken
        else:
            assert result is Result.created
            self.stands[new.transfer_id] = new


class LedgerMachine(RuleBasedStateMachine):
    @initialize()
    def open(self) -> None:
        self.model = PlainLedger()
        self.books = _books(ACCOUNTS)
        self.marks: list[tuple[BooksBefore, dict[int, NewTransfer]]] = []

    @rule(new=NEW)
    def post(self, new: NewTransfer) -> None:
        self.model.post(new, self.books.post(new))

    @rule(data=st.data(), kind=st.sampled_from(["post", "void"]), transfer_id=IDS)
    def resolve(self, data: st.DataObject, kind: str, transfer_id: int) -> None:
        """A hold that stands, resolved: mostly as it should be, sometimes with one thing wrong."""
        holds = [t for t in self.model.stands.values() if t.kind == "hold"]
        if not holds:
            return
        hold = data.draw(st.sampled_from(holds))
        new = NewTransfer(
            transfer_id, hold.debit_account, hold.credit_account, data.draw(st.integers(1, hold.amount_e4 + 1)),
            "sale", 1, kind, hold.transfer_id,
        )  # fmt: skip
        change = data.draw(st.sampled_from([{}, {}, {}, {"credit_account": 9999}, {"pending_id": 39}]))
        new = msgspec.structs.replace(new, **change)
        self.model.post(new, self.books.post(new))

    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        """What stands may be asked for again at any time, in any order: nothing moves."""
        known = sorted(self.model.stands)
        for number in data.draw(st.permutations(known))[:5]:
            assert self.books.post(self.model.stands[number]) is Result.exists
            other = msgspec.structs.replace(self.model.stands[number], subject_id=77)
            assert self.books.post(other) is Result.exists_with_different_fields

    @rule(chain=st.lists(NEW, min_size=1, max_size=4))
    def post_linked(self, chain: list[NewTransfer]) -> None:
        before = dict(self.model.stands)
        results = self.books.post_linked(chain)
        failed = [r for r in results if r not in (Result.created, Result.exists, Result.linked_event_failed)]
        if not failed:
            for new, result in zip(chain, results, strict=True):
                self.model.post(new, result)
            return
        assert len(failed) == 1
        culprit = results.index(failed[0])
        assert [i for i, r in enumerate(results) if r is not Result.linked_event_failed] == [culprit]
        for new in chain[:culprit]:
            assert self.model.broken_laws(new) <= {Result.exists}
            self.model.stands[new.transfer_id] = new
        assert failed[0] in self.model.broken_laws(chain[culprit])
        self.model.stands = before

    @rule()
    def mark(self) -> None:
        self.marks.append((self.books.checkpoint(), dict(self.model.stands)))

    @rule()
    def go_back(self) -> None:
        if self.marks:
            before, stands = self.marks.pop()
            self.books.restore(before)
            self.model.stands = dict(stands)

    @rule()
    def read_anew(self) -> None:
        """The next batch knows only what was written."""
        self.books = _books(
            [msgspec.structs.replace(account) for account in self.books.accounts.values()],
            list(self.books.known.values()),
            {t.pending_id: t.kind for t in self.model.stands.values() if t.pending_id is not None},
        )
        self.marks.clear()

    @invariant()
    def balances_are_the_sum_of_transfers(self) -> None:
        for number, account in self.books.accounts.items():
            assert account.posted_e4 == self.model.posted_e4(number)
            assert account.held_e4 == self.model.held_e4(number)

    @invariant()
    def every_currency_sums_to_zero(self) -> None:
        for currency in ("CNY", "XTS"):
            assert sum(a.posted_e4 for a in self.books.accounts.values() if a.currency == currency) == 0

    @invariant()
    def no_wallet_is_below_its_line(self) -> None:
        assert all(a.unbounded or a.available_e4 >= 0 for a in self.books.accounts.values())

    @invariant()
    def what_was_posted_is_what_stands_anew(self) -> None:
        assert {t.transfer_id for t in self.books.known.values()} == set(self.model.stands)
        for transfer in self.books.posted:
            assert _as_wished(transfer) == self.model.stands[transfer.transfer_id]
        moved = {n for t in self.books.posted for n in (t.debit_account, t.credit_account)}
        assert moved == self.books.touched


def _books(accounts: list[Account], *rest: Any) -> Books:
    return Books([msgspec.structs.replace(account) for account in accounts], *rest)


def _as_wished(transfer: Transfer) -> NewTransfer:
    return NewTransfer(**{field: getattr(transfer, field) for field in NewTransfer.__struct_fields__})


TestLedger: Callable[..., Any] = LedgerMachine.TestCase
TestLedger.settings = effort(examples=80, steps=40)
