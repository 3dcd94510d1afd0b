"""Rehearsing: in a sandbox the buyer chooses what becomes of his order, by the last digits of what is topped up.

Where there is nothing to top up he writes them behind a ``#`` in his ``client_ref``: a reference that merely ends so
means nothing. Refusals are ``decide``'s, from here; what happens between the platform and its caller (a slow answer,
a busy platform, a commit without an answer) happens around the queue. Nothing here concerns a live order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from kameng import catalogue
from kameng.catalogue import Sku
from kameng.ledger import InsufficientBalance
from kameng.orders.errors import Busy, NotOnSale, OutcomeUnknown, ReferenceReused, SoldOut
from kameng.orders.model import Answer, Refused, ShownOrder, Wish
from kameng.pricing import BelowCost, PriceChanged
from kameng.risk import RiskRefused, VelocityExceeded

REFUSALS: dict[str, Refused] = {
    "0001": Refused(SoldOut, field="sku"),
    "0002": Refused(InsufficientBalance),
    "0007": Refused(PriceChanged, field="max_price"),
    "0010": Refused(NotOnSale, field="sku"),
    "0011": Refused(RiskRefused),
    "0012": Refused(VelocityExceeded),
    "0013": Refused(BelowCost, field="sku"),
}
"""Decided with the batch: nothing is done, and the same reference may come again."""
DELIVERED, FAILED, REVIEWED = "0003", "0004", "0005"
"""Of goods that are not from stock: what becomes of them after they were taken on."""
SLOW, BUSY_ONCE, UNANSWERED = "0006", "0008", "0009"
"""Single orders only: the rows of a bulk request have one answer between them."""
SLOW_S = 3.0
DIGITS = 4
KEYS_MAX = 10_000
_accounts: msgspec.json.Decoder[dict[str, str]] = msgspec.json.Decoder(dict[str, str])


def chosen(wish: Wish, sku: Sku | None) -> str:
    """The digits that choose the outcome; empty if there are none."""
    return digits_of(wish.client_ref, None if wish.account is None else _accounts.decode(wish.account), sku)


def digits_of(client_ref: str, account: Mapping[str, str] | None, sku: Sku | None) -> str:
    """The same of an order: by its first field, or where nothing was filled in by its reference."""
    if account is None or sku is None or not sku.form:
        _, mark, digits = client_ref.rpartition("#")
        return digits if mark and len(digits) == DIGITS and digits.isdecimal() else ""
    first = catalogue.form_named(sku.form).fields[0].name
    digits = account.get(first, "")[-DIGITS:]
    return digits if len(digits) == DIGITS and digits.isdecimal() else ""


def rehearsed_refusal(wish: Wish, sku: Sku) -> Refused | None:
    """What a sandbox's wish asks to be refused with."""
    return REFUSALS.get(chosen(wish, sku))


class Rehearsals:
    """What sandbox keys did in this process, and the outcomes that are not the batch's to decide.

    Forgotten when the process ends; kept for so many keys only.
    """

    def __init__(self) -> None:
        self._seen: dict[int, set[str]] = {}
        self._was_busy: set[bytes] = set()

    def saw(self, key_id: int, deed: str) -> None:
        """Remember that a sandbox key did this."""
        if key_id not in self._seen and len(self._seen) >= KEYS_MAX:
            self._seen.pop(next(iter(self._seen)))
        self._seen.setdefault(key_id, set()).add(deed)

    def deeds(self, key_id: int) -> frozenset[str]:
        return frozenset(self._seen.get(key_id, ()))

    async def place(self, wish: Wish, sku: Sku | None, submit: Callable[[Wish], Awaitable[Answer]]) -> Answer:
        """One sandbox order, with what it asks to happen around it."""
        digits = chosen(wish, sku)
        if digits == BUSY_ONCE and wish.ref_key not in self._was_busy:
            if len(self._was_busy) >= KEYS_MAX:
                self._was_busy.clear()
            self._was_busy.add(wish.ref_key)
            return Refused(Busy)
        if digits == SLOW:
            await asyncio.sleep(SLOW_S)
        answer = await submit(wish)
        self.saw_answer(wish, answer)
        if digits == UNANSWERED and isinstance(answer, ShownOrder) and not answer.replayed:
            return Refused(OutcomeUnknown)  # it stands: who asks for the reference finds it
        return answer

    def saw_answers(self, wishes: Sequence[Wish], answers: Sequence[Answer]) -> None:
        """Of a bulk request."""
        if len(wishes) > 1:
            self.saw(wishes[0].key.key_id, "bulk")
        for wish, answer in zip(wishes, answers, strict=True):
            self.saw_answer(wish, answer)

    def saw_answer(self, wish: Wish, answer: Answer) -> None:
        key_id = wish.key.key_id
        if isinstance(answer, ShownOrder):
            self.saw(key_id, "repeated" if answer.replayed else "placed")
        else:
            self.saw(key_id, "content_changed" if answer.reason is ReferenceReused else "refused")
