"""Ids: 63 bits of time, lane and counter, dealt from the lane's gate, so that they sort by commit.

    | 41 bits: milliseconds since 2025-01-01 | 10 bits: lane | 12 bits: counter |

A *tick* is the same number without the lane (time and counter, 53 bits): the gate keeps the last tick dealt.
Ids pass 2**53, so JSON carries them as strings.
"""

from __future__ import annotations

import secrets

EPOCH_MS = 1_735_689_600_000  # 2025-01-01T00:00:00Z
LANE_BITS = 10
COUNTER_BITS = 12
LANE_COUNT_MAX = 1 << LANE_BITS
ID_MAX = (1 << 63) - 1
"""No id is above it: there lists begin whose newest come first."""

_COUNTER_MASK = (1 << COUNTER_BITS) - 1
_LANE_MASK = LANE_COUNT_MAX - 1
_TIME_SHIFT = LANE_BITS + COUNTER_BITS


def tick_at(now_ms: int) -> int:
    """The first tick of a millisecond (Unix time)."""
    return (now_ms - EPOCH_MS) << COUNTER_BITS


def id_of(tick: int, lane: int) -> int:
    return (tick >> COUNTER_BITS) << _TIME_SHIFT | lane << COUNTER_BITS | tick & _COUNTER_MASK


def deal(last_tick: int, count: int, lane: int) -> list[int]:
    """The ``count`` ids of a lane that end at ``last_tick``."""
    return [id_of(tick, lane) for tick in range(last_tick - count + 1, last_tick + 1)]


def lane_of(any_id: int) -> int:
    return any_id >> COUNTER_BITS & _LANE_MASK


def ms_of(any_id: int) -> int:
    """The Unix millisecond in which the id was dealt."""
    return (any_id >> _TIME_SHIFT) + EPOCH_MS


def first_at(at_ms: int) -> int:
    """The lowest id, of any lane, that is dealt in or after a millisecond: where a period begins in an index of ids."""
    return max(0, at_ms - EPOCH_MS) << _TIME_SHIFT


def parse(text: str) -> int:
    """``"123"`` → 123; ValueError unless it is a positive decimal that fits 63 bits."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 19):
        raise ValueError(f"not an id: {text!r}")
    number = int(text)
    if not 0 < number < 1 << 63:
        raise ValueError(f"not an id: {text!r}")
    return number


def random_id() -> int:
    """For what belongs to no lane (people)."""
    return secrets.randbits(62) | 1
