"""The adapter of bank transfers, and the codes that payers write into the remark.

A code has eight letters made of the payment's number and one that checks them, out of 23 that nobody mistakes for each
other: no 0/O, 1/I/L, 2/Z, 5/S, 8/B, no V beside U and W. 23 is prime, so the check finds every single wrong letter and
every two that changed places.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from datetime import date

from kameng.channels.amounts import decimal_of
from kameng.channels.http import Http
from kameng.channels.model import (
    Account,
    Ack,
    BadNotice,
    Begun,
    Bill,
    BillNotReady,
    Closed,
    Field,
    Found,
    Incoming,
    Method,
    Notice,
    Outcome,
    Payment,
    Reference,
    Refund,
    Refunded,
    RefundState,
    Scene,
    Shown,
    State,
)

FIELDS = (
    Field("bank", "开户银行", "Bank"),
    Field("name", "户名", "Account name"),
    Field("number", "账号", "Account number"),
)
OFFERS = ((Method.bank, Scene.page), (Method.bank, Scene.wap))
LETTERS = "3467ACDEFGHJKMNPQRTUWXY"
CODE_LETTERS = 8
_RUN = re.compile(f"[{LETTERS}]{{{CODE_LETTERS + 1},}}")


class BankTransfer:
    """One account at a bank."""

    def __init__(self, account: Account, http: Http) -> None:  # noqa: ARG002 - as all are opened
        self._account = account

    async def begin(self, payment: Payment) -> Begun:
        amount = decimal_of(payment.amount_minor)
        code = code_of(payment.payment_no)
        facts = {name: self._account.credentials[name] for name in ("bank", "name", "number")}
        shown = {**facts, "reference": code, "amount": amount, "currency": payment.currency}
        return Begun(outcome=Outcome.accepted, shown=Shown("transfer", spaced(code), shown))

    async def query(self, reference: Reference) -> Found:  # noqa: ARG002
        """Nobody can be asked: until a statement says more, it is waited for."""
        return Found(outcome=Outcome.done, state=State.waiting)

    async def close(self, reference: Reference) -> Closed:  # noqa: ARG002
        """Whoever sends money later has it back."""
        return Closed(outcome=Outcome.done)

    async def refund(self, refund: Refund) -> Refunded:  # noqa: ARG002
        """A person transfers it back."""
        return Refunded(outcome=Outcome.done, state=RefundState.abnormal, code="by_hand")

    async def refund_query(self, refund: Refund) -> Refunded:
        return await self.refund(refund)

    async def parse_notice(self, incoming: Incoming) -> Notice:  # noqa: ARG002
        raise BadNotice("banks send no notices here")

    def acknowledge(self, *, is_taken: bool) -> Ack:
        return Ack(200 if is_taken else 503)

    async def fetch_bill(self, day: date) -> Bill:  # noqa: ARG002
        raise BillNotReady("the bank's statement is imported by hand")


def code_of(payment_no: str) -> str:
    """What the payer writes into the remark; the same for the same payment."""
    number = int.from_bytes(hashlib.blake2b(payment_no.encode(), digest_size=16).digest())
    places = []
    for _ in range(CODE_LETTERS):
        number, place = divmod(number, len(LETTERS))
        places.append(place)
    return "".join(LETTERS[place] for place in [*places, _check(places)])


def spaced(code: str) -> str:
    """In threes, as people read it out."""
    return " ".join(code[start : start + 3] for start in range(0, len(code), 3))


def codes_in(remark: str) -> Iterator[str]:
    """Every code that may be meant in a remark, however it was typed: lower case, spaced, wide letters."""
    plain = re.sub(r"[\s\-_.·/]", "", unicodedata.normalize("NFKC", remark)).upper()
    for run in _RUN.finditer(plain):
        text = run.group()
        for start in range(len(text) - CODE_LETTERS):
            code = text[start : start + CODE_LETTERS + 1]
            places = [LETTERS.index(letter) for letter in code]
            if _check(places[:-1]) == places[-1]:
                yield code


def _check(places: list[int]) -> int:
    return sum(weight * place for weight, place in enumerate(places, 2)) % len(LETTERS)
