"""The breaker of a channel: opens on creates that fail, by a cumulative sum, and closes by probes.

Two failures in a row open it, or three close together; a channel that fails now and then as all do is left alone.
In a row means: no create that was begun after them was accepted; in which order the answers come does not matter.
What the customer did wrong is never counted here.
"""

from __future__ import annotations

import math
from typing import Literal

import msgspec

FAILURE, SUCCESS, OPENS_AT = 3.40, -0.347, 6.5
"""Log-likelihoods between one failure in a hundred and three in ten."""
IN_A_ROW = 2
OPEN_MS, OPEN_MAX_MS = 30_000, 240_000
PROBE_EVERY_MS = 15_000
PROBE, TEST, CLOSES_AT = 3, 2, 6
"""What an accepted create proves: two customers' close it, or three on nobody's behalf, which are cheap."""
RELAPSE_MS = 600_000
"""Who opens again within it stays open twice as long as the last time."""
TEST_EVERY_MS, TEST_WITHIN_MS, TEST_MAX_MS = 5_000, 2_000, 15_000
"""A suspicion is tested within the second, not more often than the first; a test that never ends is given up."""
FAULTS_PER_MS, FAULT_MS, FAULT_ODDS = 3 / 86_400_000, 720_000, 100.0
"""Outages of all creates: how often they begin, how long they last, how much likelier a failure is in one."""
QUIET_MAX_MS = 600_000
ANSWERS, ANSWER_SHARE, ANSWER_SPREADS = 20, 0.05, 8.0


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
    row: list[int] = []  # when the failures began after which nothing that was accepted began
    well_ms: int = 0  # when the last create began that was accepted
    failed_ms: int = 0  # when the last failure was known
    testing_ms: int = 0  # when a test began that has not ended; 0: none
    test_hangs_ms: int = 0  # from when on it will count as failed
    test_hung_ms: int = 0  # when one began that was taken for failed
    tested_ms: int = 0
    was_accepted: bool = False  # the last test: another follows at once
    answers: int = 0
    answer_ms: float = 0.0  # that an accepted create takes
    answer_off_ms: float = 0.0  # and how far from it they lie

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
        self.failure_began_ms = max(self.failure_began_ms, began_ms)
        self.failed_ms, self.was_accepted = at_ms, False
        if not self.opened_ms:
            self.score += FAILURE
            if began_ms > self.well_ms:
                self.row = [*self.row, began_ms][-IN_A_ROW:]
            if is_config or self.score >= OPENS_AT or len(self.row) >= IN_A_ROW:
                self._open(at_ms, is_config=is_config)
        elif began_ms >= self.opened_ms:
            self.successes = 0
            if self.state(at_ms) == "half_open":
                self.opened_ms = at_ms
                self.open_ms = min(2 * self.open_ms, OPEN_MAX_MS)

    def succeeded(self, at_ms: int, *, began_ms: int, proves: int = PROBE) -> None:
        """Of what was begun before the last failure, or before it opened, nothing follows: it was another time."""
        if began_ms > self.well_ms:
            self.well_ms = began_ms
            self.row = [one for one in self.row if one > began_ms]
        if began_ms <= self.failure_began_ms and (not self.opened_ms or self.failure_began_ms > self.opened_ms):
            return
        if not self.opened_ms:
            self.score = max(0.0, self.score + SUCCESS)
        elif began_ms >= self.opened_ms:
            self.successes += proves
            if self.successes >= CLOSES_AT:
                self.opened_ms, self.closed_ms, self.score, self.is_config, self.row = 0, at_ms, 0.0, False, []

    def forgive(self, *, began_ms: int) -> None:
        """A create that was taken for failed, because it took so long, did not fail after all; others stand."""
        if began_ms in self.row:
            self.row.remove(began_ms)
        self.score = max(FAILURE * len(self.row), self.score - FAILURE)

    def took(self, ms: int) -> None:
        """An accepted create answered after so long."""
        off = abs(ms - self.answer_ms)
        if self.answers:
            self.answer_off_ms += (off - self.answer_off_ms) * ANSWER_SHARE
            self.answer_ms += (ms - self.answer_ms) * ANSWER_SHARE
        else:
            self.answer_ms, self.answer_off_ms = float(ms), ms / 2
        self.answers += 1

    def hangs_after(self, least_ms: int, most_ms: int) -> int:
        """From when on a create has been too long without an answer: by how long they take here, once that is known."""
        if self.answers < ANSWERS:
            return most_ms
        return int(min(max(self.answer_ms + ANSWER_SPREADS * self.answer_off_ms, least_ms), most_ms))

    @property
    def is_suspect(self) -> bool:
        """The last that is known of a closed one is a failure: it happens, or an outage has begun."""
        return not self.opened_ms and bool(self.row)

    def wants_test(self, at_ms: int) -> bool:
        """A create on nobody's behalf would tell at once whether a failure was the first of many; of a channel that is
        half open, whether the test that was accepted was."""
        if self.testing_ms and at_ms - self.testing_ms < TEST_MAX_MS:
            return False
        if self.state(at_ms) == "half_open":
            return self.was_accepted
        is_new = at_ms - self.failed_ms <= TEST_WITHIN_MS and at_ms - self.tested_ms >= TEST_EVERY_MS
        return self.is_suspect and is_new

    def fault(self, at_ms: int) -> float:
        """How likely an outage of all creates is after a first failure: the longer nothing had been heard, the more."""
        if not self.is_suspect:
            return 0.0
        quiet_ms = min(self.failure_began_ms - self.well_ms, QUIET_MAX_MS) if self.well_ms else QUIET_MAX_MS / 10
        odds = quiet_ms * FAULTS_PER_MS * FAULT_ODDS
        return odds / (1 + odds) * math.exp(-(at_ms - self.failed_ms) / FAULT_MS)

    def _open(self, at_ms: int, *, is_config: bool) -> None:
        is_relapse = self.open_ms and at_ms - self.closed_ms < RELAPSE_MS
        self.open_ms = min(2 * self.open_ms, OPEN_MAX_MS) if is_relapse else OPEN_MS
        if is_config:
            self.open_ms = OPEN_MAX_MS
        self.opened_ms, self.probed_ms, self.successes, self.is_config = at_ms, 0, 0, is_config
