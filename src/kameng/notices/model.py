"""The words of webhooks: endpoints, what goes out to them, what came of it, and when it is tried again. Pure."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from kameng.kit import clock, ids

ENDPOINTS_MAX = 10
"""For one organisation."""
KINDS_MAX = 20
ROTATION_OVERLAP = timedelta(days=1)
ROTATION_OVERLAP_MAX = timedelta(days=7)

TRIED_FOR = timedelta(days=3)
"""How long an event is tried, and how long an endpoint may fail before it is disabled."""
RETRY_S = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""After the first failure, the second …: the waits of Standard Webhooks."""
PROBE_S = (5, 10, 20, 40, 80, 160, 320, 640, 900)
PAUSE_AFTER = 10
"""So many failures in a row pause an endpoint: from there on one probe at a time."""

MESSAGE_PREFIX = "msg_"


class Endpoint(msgspec.Struct, frozen=True):
    """Where an organisation wants its events."""

    endpoint_id: int
    org_id: int
    name: str
    url: str
    kinds: tuple[str, ...]
    state: str
    reason: str
    changed: int
    created_at: datetime
    cursor_id: int
    failures: int
    failing_since: datetime | None
    paused_until: datetime | None

    @property
    def lane(self) -> int:
        return ids.lane_of(self.endpoint_id)

    @property
    def paused(self) -> bool:
        return self.paused_until is not None

    def wants(self, kind: str) -> bool:
        return not self.kinds or any(
            kind == wanted or (wanted.endswith(".*") and kind.startswith(wanted[:-1])) for wanted in self.kinds
        )


class SigningKey(msgspec.Struct, frozen=True):
    """A key that signs for an endpoint, for ever or until it was rotated away; ``repr`` does not show it."""

    key: bytes
    until: datetime | None

    def __repr__(self) -> str:
        return f"SigningKey(until={self.until})"


class Event(msgspec.Struct, frozen=True):
    """An event as the outbox has it."""

    event_id: int
    org_id: int
    subject_id: int
    sequence: int
    kind: str
    at: datetime
    data: dict[str, Any] | None = None

    @property
    def message_id(self) -> str:
        """The same however often it is sent: what receivers tell repeats by."""
        return f"{MESSAGE_PREFIX}{self.event_id}"


class Outcome(msgspec.Struct, frozen=True):
    """What one attempt came to. ``status`` 0: no answer. ``fault`` is for the log and names no secret."""

    status: int
    took_ms: int
    fault: str = ""

    @property
    def delivered(self) -> bool:
        return 200 <= self.status < 300 and not self.fault

    @property
    def gone(self) -> bool:
        """410: the receiver wants no more."""
        return self.status == 410


class Attempt(msgspec.Struct, frozen=True):
    """A line of the delivery log."""

    event_id: int
    attempt: int
    outcome: Outcome


class LoggedAttempt(msgspec.Struct, frozen=True):
    """A line of the delivery log, as read back."""

    event_id: int
    attempt: int
    at: datetime
    status: int
    took_ms: int
    fault: str


def wait_s(attempts: int, waits_s: Sequence[int] = RETRY_S) -> float:
    """How long after so many failures; three quarters of it at least, so that what failed together comes apart."""
    return waits_s[min(attempts, len(waits_s)) - 1] * (0.75 + 0.25 * random.random())


def message_body(event: Event, state: dict[str, Any] | None) -> bytes:
    """What goes over the wire: the event, and its subject as it stands when this is sent.

    ``data`` has the subject's own ``sequence``: whoever keeps the highest one never overwrites new with old.
    """
    data = data_of(event, state)
    return msgspec.json.encode({"type": event.kind, "timestamp": clock.rfc3339(event.at), "data": data})


def data_of(event: Event, state: dict[str, Any] | None) -> dict[str, Any]:
    """The subject as it stands now, or what the event itself says of it, and which event this is."""
    shown = state if state is not None else {"subject": str(event.subject_id), **(event.data or {})}
    return {"sequence": event.sequence, **shown, "event_id": str(event.event_id), "event_sequence": event.sequence}
