"""Who waits in a lane, in which order they are served, and whether one more may wait. Pure; ``queueing`` serves them.

Three lines: single orders; rows of bulk requests, in chunks of half a batch or groups that stay whole; and the
unproven, wishes for a SKU that was sold out, of which many at once are refused by a look at their references.

Whoever would wait longer than the target is not let in, with two exceptions. Who still fits into the next batch
always is, though the batch in hand may take longer than the target: a lane that decides 1,200/s and serves 250
clients has them all in hand or in the next batch, and to send them away would save nobody any time. And rows of bulk
requests have a bound of their own: they were sent to be worked off, not to be answered at once.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain

from kameng import risk
from kameng.kit.errors import Refusal
from kameng.orders.errors import OutcomeUnknown
from kameng.orders.model import Answer, Refused, Wish

BULK_ROWS_MAX = 20_000
"""Rows of bulk requests that may wait in one lane."""
PROVE_MAX = 2048
"""Wishes for sold-out SKUs that are looked up at once."""
MEASURED_FROM = 32
"""Batches from this size on say how fast a lane is."""
ORDERS_ASSUMED = 4_000.0
PROOFS_ASSUMED = 20_000.0
"""What a lane is believed to do in a second until it was measured."""


class Ticket:
    """A wish in the queue and the future that its caller awaits."""

    __slots__ = (
        "answer", "claims", "exhausted", "may_steal", "nonce_spent", "over_limit", "reserved", "since", "unsure", "wish"
    )  # fmt: skip

    def __init__(self, wish: Wish, answer: asyncio.Future[Answer], since: float) -> None:
        self.wish = wish
        self.answer = answer
        self.may_steal = True
        self.exhausted: frozenset[int] = frozenset()  # parts of a bundle that no other lane has any more
        self.nonce_spent = False
        self.over_limit = False
        self.reserved = False
        self.unsure = False  # a commit of it got no answer, so it may stand; until it is decided again
        self.claims: list[risk.Claim] = []
        self.since = since

    @property
    def needs_review(self) -> bool:
        """Whether a place was reserved for it beyond a limit, for a person to look at."""
        return bool(self.claims) and any(claim.passed for claim in self.claims)

    def refuse(self, reason: type[Refusal]) -> None:
        """Answer with a refusal, but never deny what may stand."""
        if not self.answer.done():
            self.answer.set_result(Refused(OutcomeUnknown if self.unsure else reason))


class Pace:
    """How fast a lane does one kind of work, and how much of it is in hand."""

    __slots__ = ("in_hand", "rate")

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.in_hand = 0

    def seconds_for(self, waiting: int) -> float:
        """What is in hand counts in full: how far it is nobody knows."""
        return (self.in_hand + waiting) / self.rate

    @contextmanager
    def working_on(self, wish_count: int) -> Iterator[None]:
        self.in_hand, started = wish_count, time.monotonic()
        try:
            yield
        finally:
            self.in_hand = 0
            if wish_count >= MEASURED_FROM:
                self.rate += 0.2 * (wish_count / (time.monotonic() - started) - self.rate)


class Waiting:
    """The lines of one lane."""

    def __init__(self, *, batch_max: int, target_s: float) -> None:
        self.orders, self.proofs = Pace(ORDERS_ASSUMED), Pace(PROOFS_ASSUMED)
        self._batch_max = batch_max
        self._target_s = target_s
        self._singles: deque[Ticket] = deque()
        self._bulk: deque[list[Ticket]] = deque()
        self._bulk_rows = 0
        self._unproven: deque[Ticket] = deque()
        self._owes_singles = False  # a group has left them less than half of the last batch

    def __len__(self) -> int:
        return len(self._singles) + self._bulk_rows + len(self._unproven)

    def __iter__(self) -> Iterator[Ticket]:
        return chain(self._singles, chain.from_iterable(self._bulk), self._unproven)

    def has_room(self) -> bool:
        """Whether one more single order would be decided within the target time, or at least in the next batch."""
        ahead = len(self._singles)
        ahead += min(self._bulk_rows, ahead)  # they have half of each batch at most
        return ahead < self._batch_max or self._seconds_for(ahead) < self._target_s

    def wait_s(self) -> float:
        """How long one more single order would wait."""
        return self._seconds_for(len(self._singles) + min(self._bulk_rows, len(self._singles)))

    def has_room_for_unproven(self) -> bool:
        """Whether one more wish for a sold-out SKU would be refused within the target time, or at the next look."""
        return len(self._unproven) < PROVE_MAX or self._seconds_for(0) < self._target_s

    def has_room_for(self, rows: int) -> bool:
        """Whether a bulk request of so many rows may wait here."""
        return self._bulk_rows + rows <= BULK_ROWS_MAX

    def add(self, ticket: Ticket) -> None:
        self._singles.append(ticket)

    def add_unproven(self, ticket: Ticket) -> None:
        self._unproven.append(ticket)

    def add_many(self, tickets: Sequence[Ticket]) -> None:
        """A bulk request: a group as a whole, other rows in chunks of half a batch."""
        together = bool(tickets) and tickets[0].wish.group != 0
        step = max(len(tickets) if together else self._batch_max // 2, 1)
        for start in range(0, len(tickets), step):
            self._bulk.append(list(tickets[start : start + step]))
        self._bulk_rows += len(tickets)

    def put_back(self, tickets: Sequence[Ticket]) -> None:
        """First in line again, in their order; groups as a whole."""
        groups: dict[int, list[Ticket]] = {}
        for ticket in tickets:
            if ticket.wish.group:
                groups.setdefault(ticket.wish.group, []).append(ticket)
        for group in reversed(groups.values()):
            self._bulk.appendleft(group)
            self._bulk_rows += len(group)
        self._singles.extendleft(ticket for ticket in reversed(tickets) if not ticket.wish.group)

    def next_batch(self) -> list[Ticket]:
        """A chunk of a bulk request, if one waits, then singles, then more chunks: at most ``batch_max`` in all,
        unless a group alone is larger. A group that took more than half is followed by a batch with singles first."""
        batch = self._pop_bulk() if self._bulk and not (self._owes_singles and self._singles) else []
        self._owes_singles = len(batch) > self._batch_max // 2
        room = self._batch_max - len(batch)
        batch += [self._singles.popleft() for _ in range(min(room, len(self._singles)))]
        while self._bulk and len(batch) + len(self._bulk[0]) <= self._batch_max:
            batch += self._pop_bulk()
        return batch

    def next_unproven(self) -> list[Ticket]:
        return [self._unproven.popleft() for _ in range(min(PROVE_MAX, len(self._unproven)))]

    def _pop_bulk(self) -> list[Ticket]:
        chunk = self._bulk.popleft()
        self._bulk_rows -= len(chunk)
        return chunk

    def _seconds_for(self, ahead: int) -> float:
        return self.orders.seconds_for(ahead) + self.proofs.seconds_for(len(self._unproven))
