"""What is believed of one channel's conversion: its level, and whether it is in a grey outage. Pure arithmetic.

The level is learned from payments of a fixed age, paid or not, in the order in which they ripen: success is heard of
early and failure late, and whoever counts them as they are heard takes every change of leader for a fault. The
outage is a hidden state with two depths; each age that a payment passes unpaid, or was paid before, moves the odds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

DAY_MS = 86_400_000
NOTHING = 1e-9


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """Found on tuning seeds of ``kameng bench routing``; docs/routing.md says what each does."""

    volume: float = 10_000.0  # payments a day, until it was seen
    ages_ms: tuple[int, ...] = (10_000, 20_000, 40_000, 75_000)
    ripe_shares: tuple[float, ...] = (
        0.28,
        0.53,
        0.81,
        0.94,
    )  # of all that is paid, by these ages; until it was seen
    prior: float = 60.0  # results that the memory of a level is worth
    half_life_scale: float = 20.0  # × √(payments a day)
    half_life_min: float = 200.0
    half_life_max: float = 5_000.0
    slow_half_life: float = 20_000.0
    outages_per_day: float = 1.0
    outage_ms: int = 25 * 60_000
    depths: tuple[float, float] = (0.1, 0.5)  # what is left of the conversion
    caution: float = 0.5  # standard deviations that a level is taken for lower than it looks
    quarantine_at: float = 0.9
    release_at: float = 0.2
    probe_every_ms: int = 60_000
    probe_share: float = 0.03
    half_open_share: float = 0.1  # the same for a breaker's probes
    common_share: float = 0.6
    common_ms: int = 300_000
    common_well: float = 0.03  # a fault is everybody's until one channel is believed down no more than this
    hang_ms: int = 2_000  # a create that takes longer counts as failed until it answers
    hang_least_ms: int = 1_000  # the same where it is known that they take much less
    detail_results: float = 200.0  # from which on a detail is learned apart


class Counts(msgspec.Struct):
    """Results that fade."""

    won: float = 0.0
    lost: float = 0.0
    clock: float = 0.0  # when they were last touched, in results of the pool

    def at(self, clock: float, half_life: float) -> tuple[float, float]:
        share = 0.5 ** ((clock - self.clock) / half_life)
        return self.won * share, self.lost * share

    def fade(self, clock: float, half_life: float) -> None:
        if clock > self.clock:
            self.won, self.lost = self.at(clock, half_life)
            self.clock = clock


class Level(msgspec.Struct):
    """One channel in one pool."""

    fast: Counts
    slow_won: float = 4.0
    slow_lost: float = 1.0
    deep: float = 0.0  # probability of the outage that leaves little
    half: float = 0.0  # of the one that leaves half
    believed_ms: int = 0
    quarantined_ms: int = 0  # 0: it is not
    probed_ms: int = 0
    probed_began: int = 0  # payments of the pool by then
    probes_won: float = 0.0
    probes: float = 0.0  # since it was quarantined, fading
    proof: float = 0.0  # recent payments seen paid, fading
    evidence: float = 0.0  # recent payments seen at all
    proved_ms: int = 0
    pay_ms: float = 0.0
    details: dict[str, Counts] = {}

    @property
    def down(self) -> float:
        return self.deep + self.half


def posterior(level: Level, clock: float, half_life: float, parameters: Parameters) -> tuple[float, float]:
    """Beta counts of a level: what faded, and the slow memory as so many results."""
    won, lost = level.fast.at(clock, half_life)
    slow = level.slow_won + level.slow_lost
    share = min(parameters.prior, slow) / slow
    return won + share * level.slow_won, lost + share * level.slow_lost


def normal(won: float, lost: float, parameters: Parameters) -> float:
    """The conversion that a channel has when it is well, a little underrated while little is known."""
    count = won + lost
    mean = won / count
    return min(max(mean - parameters.caution * math.sqrt(mean * (1 - mean) / count), 0.02), 0.98)


def outages_at(level: Level, at_ms: int, parameters: Parameters) -> tuple[float, float]:
    """``deep`` and ``half`` some time later: outages begin and end without being seen."""
    begin, end = parameters.outages_per_day / DAY_MS, 1 / parameters.outage_ms
    stays = math.exp(-(begin + end) * max(at_ms - level.believed_ms, 0))
    at_rest = 0.5 * begin / (begin + end)
    return at_rest + (level.deep - at_rest) * stays, at_rest + (level.half - at_rest) * stays


def judge(level: Level, mean: float, *, before: float, by: float, is_paid: bool, parameters: Parameters) -> None:
    """One payment that was unpaid at the age by which ``before`` of those that are paid at all have come, and was
    paid or not at the age by which ``by`` have. ``mean``: of those that are begun while the channel is well."""
    deep, half = parameters.depths
    if is_paid:
        likely = mean / (1 - mean * before)
        deeply = deep * mean / (1 - deep * mean * before)
        halfly = half * mean / (1 - half * mean * before)
    else:
        likely = (1 - mean * by) / (1 - mean * before)
        deeply = (1 - deep * mean * by) / (1 - deep * mean * before)
        halfly = (1 - half * mean * by) / (1 - half * mean * before)
    in_deep, in_half = level.deep * deeply, level.half * halfly
    whole = in_deep + in_half + (1 - level.deep - level.half) * likely
    level.deep, level.half = in_deep / whole, in_half / whole


def shares(paid_by: Sequence[float]) -> list[float]:
    """Of faded counts of payments by the age they were paid at, the share that had come by each age."""
    whole, so_far, found = sum(paid_by), 0.0, []
    for count in paid_by[:-1]:
        so_far += count
        found.append(min(so_far / whole, 0.995))
    return found
