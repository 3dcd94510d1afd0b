"""What the load generator counted, small enough to cross a pipe whole."""

from __future__ import annotations

from array import array

import msgspec

PERCENTILES = (
    0.0,
    1.0,
    *(float(p) for p in range(5, 90, 5)),
    *(float(p) for p in range(90, 99)),
    *(round(99 + p / 10, 1) for p in range(9)),
    *(round(99.9 + p / 100, 2) for p in range(10)),
    99.999,
)  # fmt: skip
"""Where a latency curve is drawn: finer towards the tail."""


class Second(msgspec.Struct, frozen=True, array_like=True):
    """One point of the series: what was answered between the point before and ``at_s``."""

    at_s: float
    accepted: int
    refused: int
    busy: int
    faults: int
    cuts: int
    extra: dict[str, int] = {}


class Tally(msgspec.Struct, kw_only=True):
    """Counts without "total" are of the measured window: after the warm-up, before the deadline."""

    connections: int
    idle: int
    seconds: float
    accepted: int
    refused: int
    busy: int
    faults: int
    cuts: int
    cpu_user_s: float
    cpu_system_s: float
    extra: dict[str, int]
    series: list[Second]
    total: dict[str, dict[int, int]]
    """Answers of the whole run by tag and status: what the books must agree with."""
    total_extra: dict[str, int]
    codes: dict[str, int]
    """Problem codes of the whole run."""
    unanswered: list[str]
    """References whose last attempt got no answer, or a 5xx: the order may stand or not."""
    undecided: list[str]
    """References whose last answer was 503: nothing was done."""
    reconnects: int
    stray: int
    """Answers that were malformed, or that nobody had asked for."""
    idle_lost: int
    accepted_s: bytes
    refused_s: bytes
    busy_s: bytes
    settled_s: bytes
    """Latencies as float32. ``settled``: from first attempt to decision, of what needed more than one."""

    @property
    def cpu_us_per_request(self) -> float:
        """What the generator itself cost."""
        return (self.cpu_user_s + self.cpu_system_s) / max(self.answers, 1) * 1e6

    @property
    def answers(self) -> int:
        return self.accepted + self.refused + self.busy + self.faults


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    count: int
    mean_ms: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float
    curve_ms: list[float]
    """At `PERCENTILES`."""


def latency(*raw: bytes) -> Latency | None:
    """The distribution of one or several runs together; None without a single answer."""
    values = array("f")
    for part in raw:
        values.frombytes(part)
    if not values:
        return None
    ordered = sorted(values)

    def at_ms(percentile: float) -> float:
        # Nearest rank: the smallest value that this share of all does not pass.
        rank = -(-len(ordered) * round(percentile * 1000) // 100_000)
        return round(ordered[max(rank, 1) - 1] * 1000, 3)

    return Latency(
        count=len(ordered),
        mean_ms=round(sum(ordered) / len(ordered) * 1000, 3),
        p50_ms=at_ms(50),
        p95_ms=at_ms(95),
        p99_ms=at_ms(99),
        p999_ms=at_ms(99.9),
        max_ms=round(ordered[-1] * 1000, 3),
        curve_ms=[at_ms(percentile) for percentile in PERCENTILES],
    )
