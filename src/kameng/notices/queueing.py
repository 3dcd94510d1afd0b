"""One endpoint's queue, in memory. Pure: it knows no database, no network and no clock.

    read ──► waiting ──► flying ──► settled: its stream's cursor passes it
               ▲  │ superseded        │ failed
               │  ▼                   ▼
               └── late (a row), until its time comes; dead after three days

One event of a subject flies at a time. While one waits or is late, a later event of its subject takes its place: what
is sent is the subject as it stands then, so the earlier one has nothing to add. That keeps a subject's sequence in
order without anybody waiting for a failure.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import msgspec

from kameng.notices.model import (
    PAUSE_AFTER,
    PROBE_S,
    TRIED_FOR,
    Attempt,
    Endpoint,
    Event,
    Outcome,
    SigningKey,
    wait_s,
)

QUEUE_MAX = 200
"""Events an endpoint may have in memory; the rest waits where it is, in the event table."""
ROOM_MAX = 32
"""Calls at once to an endpoint that answers well; one that fails gets down to 1."""
LATE_MAX = 500
"""Late subjects of an endpoint that otherwise works; beyond them it counts as failing, and is paused."""


class Stream:
    """Events in the order of their ids, settled in any order: the cursor passes what is settled without a gap."""

    def __init__(self, cursor_id: int, *, until_id: int | None = None, replay_id: int = 0) -> None:
        self.cursor_id = self.read_id = self.written_id = cursor_id
        self.until_id = until_id  # of a replay
        self.replay_id = replay_id
        self._open: deque[int] = deque()
        self._settled: set[int] = set()

    def add(self, event_id: int) -> None:
        self._open.append(event_id)
        self.read_id = event_id

    def settle(self, event_id: int) -> None:
        self._settled.add(event_id)
        while self._open and self._open[0] in self._settled:
            self.cursor_id = self._open.popleft()
            self._settled.discard(self.cursor_id)

    def pass_to(self, event_id: int) -> None:
        """Nothing of ours lies between what was read and this one."""
        self.read_id = max(self.read_id, event_id)

    @property
    def is_through(self) -> bool:
        return self.until_id is not None and self.read_id >= self.until_id and not self._open


class Item(msgspec.Struct):
    """An event on its way to one endpoint."""

    event: Event
    stream: Stream | None  # None once it stands as a late row
    attempts: int = 0
    next_at: datetime | None = None


class Queue:
    """What one endpoint is to be sent, and how it does."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.keys: tuple[SigningKey, ...] = ()
        self.live = Stream(endpoint.cursor_id)
        self.replays: dict[int, Stream] = {}
        self.waiting: dict[int, Item] = {}  # by subject, in the order they came
        self.flying: dict[int, Item] = {}
        self.late: dict[int, Item] = {}
        self.has_row: set[int] = set()  # subjects with a late row in the database
        self.changed_rows: set[int] = set()
        self.log: list[Attempt] = []
        self.dead: list[Event] = []
        self.failures = endpoint.failures
        self.failing_since = endpoint.failing_since
        self.paused_until = endpoint.paused_until
        self.is_behind = True  # reads for itself until it caught up with the lane
        self.ends_as = ""  # "gone" (410) or "failing" (for three days): to be disabled
        self.is_changed = False
        self._room = ROOM_MAX

    # what comes in -----------------------------------------------------------------------------------------

    def offer(self, event: Event, stream: Stream) -> None:
        """An event that was read. Not wanted, or older than what waits: settled at once."""
        stream.add(event.event_id)
        self.is_changed = True
        if not self.endpoint.wants(event.kind):
            stream.settle(event.event_id)
            return
        item, subject_id = Item(event, stream), event.subject_id
        present = self.waiting.get(subject_id) or self.late.get(subject_id)
        if present is not None and present.event.sequence > event.sequence:
            stream.settle(event.event_id)
            return
        if present is not None:
            self._settle(present)
        self.late.pop(subject_id, None)
        self.waiting[subject_id] = item

    def restore_late(self, event: Event, *, attempts: int, next_at: datetime) -> None:
        """A late row, when a process begins."""
        self.late[event.subject_id] = Item(event, None, attempts, next_at)
        self.has_row.add(event.subject_id)

    @property
    def is_full(self) -> bool:
        return len(self.waiting) >= QUEUE_MAX

    @property
    def has_place(self) -> bool:
        """Whether reading for itself is worth a statement."""
        return len(self.waiting) < QUEUE_MAX // 2 and self.paused_until is None

    # what goes out -----------------------------------------------------------------------------------------

    def take(self, now: datetime) -> Iterator[Item]:
        """What may be sent now; it flies from here on. A paused endpoint gets one probe when its time has come."""
        room = self._room - len(self.flying)
        if self.paused_until is not None:
            room = 0 if self.flying or now < self.paused_until else 1
        if room <= 0 or self.ends_as:
            return
        for item in self._candidates(now, room):
            subject_id = item.event.subject_id
            self.waiting.pop(subject_id, None)
            self.late.pop(subject_id, None)
            item.attempts += 1
            self.flying[subject_id] = item
            yield item

    def _candidates(self, now: datetime, room: int) -> list[Item]:
        """Late ones whose time has come, then the waiting, subjects that fly left out. A probe may be any."""
        is_probe = self.paused_until is not None
        due = [item for item in self.late.values() if is_probe or item.next_at is None or item.next_at <= now]
        found: list[Item] = []
        for item in (*due, *self.waiting.values()):
            if len(found) >= room:
                break
            if item.event.subject_id not in self.flying:
                found.append(item)
        return found

    # what comes back ---------------------------------------------------------------------------------------

    def returned(self, item: Item, outcome: Outcome, now: datetime, wait: Callable[..., float] = wait_s) -> None:
        """What one attempt came to."""
        subject_id = item.event.subject_id
        self.flying.pop(subject_id, None)
        self.log.append(Attempt(item.event.event_id, item.attempts, outcome))
        self.is_changed = True
        if outcome.delivered:
            self._well(now)
            self._settle(item)
            self._row_changed(subject_id)
            return
        self._ill(outcome, now, wait)
        if subject_id in self.waiting:  # a later event goes instead
            self._settle(item)
            return
        if now - item.event.at >= TRIED_FOR and self.paused_until is None:
            self.dead.append(item.event)
            self._settle(item)
            self._row_changed(subject_id)
            return
        self._settle(item)  # its row remembers it from here on
        item.stream = None
        item.next_at = now + timedelta(seconds=wait(item.attempts))
        self.late[subject_id] = item
        self.has_row.add(subject_id)
        self.changed_rows.add(subject_id)

    def hand_back(self, item: Item) -> None:
        """It was not sent after all."""
        subject_id = item.event.subject_id
        self.flying.pop(subject_id, None)
        item.attempts -= 1
        if subject_id in self.waiting:
            self._settle(item)
        else:
            (self.late if item.stream is None else self.waiting)[subject_id] = item

    def _row_changed(self, subject_id: int) -> None:
        if subject_id in self.has_row:
            self.changed_rows.add(subject_id)

    def _settle(self, item: Item) -> None:
        if item.stream is not None:
            item.stream.settle(item.event.event_id)

    def _well(self, now: datetime) -> None:
        if self.paused_until is not None:
            self.resume(now)
        self.failures, self.failing_since = 0, None
        self._room = min(ROOM_MAX, self._room + 1)

    def resume(self, now: datetime) -> None:
        """It works again: what is late need not wait for its hour."""
        self.paused_until = None
        for subject_id, item in self.late.items():
            item.next_at = now
            self.changed_rows.add(subject_id)

    def _ill(self, outcome: Outcome, now: datetime, wait: Callable[..., float]) -> None:
        self.failures += 1
        self.failing_since = self.failing_since or now
        self._room = max(1, self._room // 2)
        if self.failures >= PAUSE_AFTER or len(self.late) >= LATE_MAX:
            probes = max(1, self.failures - PAUSE_AFTER + 1)
            self.paused_until = now + timedelta(seconds=wait(probes, PROBE_S))
        if outcome.gone:
            self.ends_as = "gone"
        elif now - self.failing_since >= TRIED_FOR:
            self.ends_as = "failing"
