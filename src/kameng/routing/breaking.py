"""The breaker of a channel: opens on creates that fail, by a cumulative sum, and closes by probes.

Two failures in a row open it, or three close together; a channel that fails now and then as all do is left alone.
What the customer did wrong is never counted here.
"""

from __future__ import annotations

from typing import Literal

import msgspec

FAILURE, SUCCESS, OPENS_AT = 3.40, -0.347, 6.5
"""Log-likelihoods between one failure in a hundred and three in ten."""
OPEN_MS, OPEN_MAX_MS = 30_000, 240_000
PROBE_EVERY_MS = 15_000
PROBES_TO_CLOSE = 2
RELAPSE_MS = 600_000
"""Who opens again within it stays open twice as long as the last time."""


class Breaker(msgspec.Struct):
    """State of one channel; all methods take the moment they happen in."""

    score: float = 0.0
    opened_ms: int = 0  # 0: closed
    open_ms: int = 0  # how long the last time
    closed_ms: int = 0
    probed_ms: int = 0
    failure_began_ms: int = 0  # of the last one
    successes: int = 0
    is_config: bool = False

    def state(self, at_ms: int) -> Literal["closed", "open", "half_open"]:
        if not self.opened_ms:
            return "closed"
        return "open" if at_ms < self.opened_ms + self.open_ms else "half_open"

    def may_probe(self, at_ms: int) -> bool:
        return self.state(at_ms) == "half_open" and at_ms >= self.probed_ms + PROBE_EVERY_MS

    def began(self, at_ms: int) -> None:
        if self.opened_ms:
            self.probed_ms = at_ms

    def failed(self, at_ms: int, *, began_ms: int, is_config: bool = False) -> None:
        """``refused_config`` opens at once: nothing works until somebody mends it."""
        if not self.opened_ms:
            self.failure_began_ms = max(self.failure_began_ms, began_ms)
            self.score += FAILURE
            if is_config or self.score >= OPENS_AT:
                self._open(at_ms, is_config=is_config)
        elif began_ms >= self.opened_ms and self.state(at_ms) == "half_open":
            self.opened_ms, self.successes = at_ms, 0
            self.open_ms = min(2 * self.open_ms, OPEN_MAX_MS)

    def succeeded(self, at_ms: int, *, began_ms: int) -> None:
        """Of what was begun before the last failure, or before it opened, nothing follows: it was another time."""
        if not self.opened_ms:
            if began_ms > self.failure_began_ms:
                self.score = max(0.0, self.score + SUCCESS)
        elif began_ms >= self.opened_ms:
            self.successes += 1
            if self.successes >= PROBES_TO_CLOSE:
                self.opened_ms, self.closed_ms, self.score, self.is_config = 0, at_ms, 0.0, False

    def forgive(self) -> None:
        """A create that was taken for failed, because it took so long, was accepted after all."""
        self.score = max(0.0, self.score - FAILURE)

    def _open(self, at_ms: int, *, is_config: bool) -> None:
        is_relapse = self.open_ms and at_ms - self.closed_ms < RELAPSE_MS
        self.open_ms = min(2 * self.open_ms, OPEN_MAX_MS) if is_relapse else OPEN_MS
        if is_config:
            self.open_ms = OPEN_MAX_MS
        self.opened_ms, self.probed_ms, self.successes, self.is_config = at_ms, 0, 0, is_config
