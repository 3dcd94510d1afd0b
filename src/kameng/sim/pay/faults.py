"""What goes wrong, as it was scripted: per provider, account and call; a number of times, or until it is taken back.

Before anything is done:  ``outage`` (the line is cut), ``error`` (500), ``busy`` (503), ``refuse`` (the provider's own
                          ``code``, in the provider's own words)
Around it:                ``slow`` (waits ``delay_s``, then does it)
After it was done:        ``error_after`` (500), ``lost`` (the line is cut), ``garbage`` (an answer that can't be read),
                          ``damaged`` (one digit of the signed answer differs)

Calls are named begin, query, close, refund, refund_query, pay_out, payout_query, bill, download. Four names are no
calls of the merchant:

``notice``  ``lost`` ``late`` (``delay_s``) ``duplicate`` ``forged`` ``damaged`` ``old`` ``probe`` ``wrong_amount``
            ``wrong_currency`` ``wrong_account``
``pay``     ``refuse`` (the customer's money does not suffice)
``settle``  of refunds: ``refuse`` (failed), ``abnormal``, ``slow`` (stays in process for ``delay_s``)
``lines``   of bills: ``missing`` ``extra`` ``wrong_amount`` ``wrong_fee`` ``duplicate``, and ``wrong_hash``
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

FOREVER = 0


class Fault(msgspec.Struct, kw_only=True):
    what: str
    provider: str = "*"
    account: str = "*"
    call: str = "*"
    payment_no: str = "*"
    times: int = 1  # FOREVER: until it is taken back
    delay_s: float = 1.0
    code: str = ""
    message: str = ""


class Faults:
    """A script: the first fault that fits is played, and used up."""

    def __init__(self) -> None:
        self._script: list[Fault] = []

    def add(self, faults: Sequence[Fault]) -> None:
        self._script.extend(faults)

    def clear(self) -> None:
        self._script.clear()

    def take(self, provider: str, account: str, call: str, payment_no: str = "*") -> Fault | None:
        for fault in self._script:
            if _fits(fault, provider, account, call, payment_no):
                if fault.times != FOREVER:
                    fault.times -= 1
                    if fault.times == 0:
                        self._script.remove(fault)
                return fault
        return None


def _fits(fault: Fault, provider: str, account: str, call: str, payment_no: str) -> bool:
    of_merchant = call not in ("notice", "pay", "settle", "lines")
    return (
        fault.provider in ("*", provider) and fault.account in ("*", account)
        and (fault.call == call or (fault.call == "*" and of_merchant))
        and fault.payment_no in ("*", payment_no)
    )  # fmt: skip


def damage(body: bytes) -> bytes:
    """One digit differs: everything reads well, and no signature fits."""
    return re.sub(rb"[0-9]", lambda found: b"%d" % ((int(found[0]) + 1) % 10), body, count=1)
