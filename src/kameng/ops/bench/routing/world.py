"""Made-up days of payment channels that don't stand still, drawn from a seed and nothing else.

What may happen is taken from what operators report, not from what a policy can see: slow drift and the hour of the
day, steps that stay, slow decay, hard outages (creates fail, at once or by time-out), grey ones (creates work, the
money does not come), faults that hit every channel, bursts of customers. Success is known when the money comes;
failure only by its absence. Every policy meets the same customers, who would do the same with every channel.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import msgspec

DAY_MS = 86_400_000
MINUTE_MS = 60_000
EXPIRY_MS = 300_000
"""Until then a customer may pay."""

SCENARIOS = ("mixed", "stationary", "drift", "steps", "decay", "hard", "grey", "common", "burst")
EVERY_CHANNEL = -1


class Fault(msgspec.Struct, frozen=True):
    """A time in which a channel, or every one, does less than it can."""

    kind: str  # "hard", "grey", "common_hard", "common_grey"
    channel: int
    from_ms: int
    to_ms: int
    factor: float  # of the conversion; of a hard fault the share of creates that fail
    is_slow: bool = False  # creates end by time-out instead of with an answer


class World(msgspec.Struct):
    """Payments in their order, column by column. ``tech``, ``conversion``: by payment, then channel."""

    seed: int
    volume: int
    channels: int
    at_ms: list[int]
    tech: list[tuple[float, ...]]
    conversion: list[tuple[float, ...]]
    is_slow: list[tuple[bool, ...]]
    luck_tech: list[float]
    luck_pay: list[float]
    delay_ms: list[int]
    answer_ms: list[int]
    faults: list[Fault]
    haste: list[float]  # of each channel: its customers' time to pay against the others'
    well: tuple[float, ...] = ()  # of each channel the share of creates that fail without a fault

    def fails(self, at_ms: int, channel: int) -> tuple[float, bool]:
        """The share of creates that fail at a moment, and whether they do so by time-out."""
        share, is_slow = self.well[channel] if self.well else 0.0, False
        for fault in self.faults:
            if fault.from_ms > at_ms:
                break
            if at_ms < fault.to_ms and fault.channel in (channel, EVERY_CHANNEL) and fault.kind.endswith("hard"):
                share, is_slow = max(share, fault.factor), is_slow or fault.is_slow
        return share, is_slow


def make(seed: int, *, volume: int, days: float, scenario: str = "mixed") -> World:
    """The same arguments give the same world, on every machine."""
    rng = random.Random(f"{seed}/{volume}/{float(days)}/{scenario}")
    until_ms = int(days * DAY_MS)
    channels = rng.randint(3, 8)
    levels = [_levels(rng, until_ms, scenario) for _ in range(channels)]
    faults = _faults(rng, levels, until_ms, scenario)
    at_ms = _arrivals(rng, volume, until_ms, scenario)
    median_ms = rng.uniform(12_000, 30_000)
    world = World(
        seed, volume, channels, at_ms, [], [], [],
        luck_tech=[rng.random() for _ in at_ms],
        luck_pay=[rng.random() for _ in at_ms],
        delay_ms=[min(int(rng.lognormvariate(math.log(median_ms), 0.9)), EXPIRY_MS - 10_000) for _ in at_ms],
        answer_ms=[rng.randint(150, 400) for _ in at_ms],
        faults=faults,
        haste=[rng.uniform(0.85, 1.2) for _ in range(channels)],
    )  # fmt: skip
    world.well = tuple(rng.uniform(0.002, 0.012) for _ in range(channels))
    _fill(world, levels, world.well)
    return world


def _levels(rng: random.Random, until_ms: int, scenario: str) -> list[float]:
    """A channel's conversion without faults, minute by minute."""
    base = rng.uniform(0.62, 0.92)
    logit = math.log(base / (1 - base))
    minutes = until_ms // MINUTE_MS + 1
    drifts = scenario in ("mixed", "drift")
    pull, spread = 1 / 360, 0.2 * math.sqrt(2 / 360)  # six hours back to its mean, 0.2 around it
    wave, phase = (rng.uniform(0, 0.12), rng.uniform(0, 2 * math.pi)) if drifts else (0.0, 0.0)
    steps = _moments(rng, 0.6 if scenario == "mixed" else 3.0, minutes) if scenario in ("mixed", "steps") else []
    decay_from = rng.randrange(minutes) if scenario == "decay" or (scenario == "mixed" and rng.random() < 0.3) else -1
    decay = rng.uniform(0.6, 1.4) / rng.uniform(360, 900)
    moved = aside = 0.0
    levels = []
    for minute in range(minutes):
        if minute in steps:
            moved += rng.choice((-1, 1)) * rng.uniform(0.3, 0.9)
            moved = max(min(moved, 1.0), -1.5)
        if 0 <= decay_from <= minute < decay_from + 720:
            moved -= decay
        if drifts:
            aside += rng.gauss(0, spread) - pull * aside
        at = logit + moved + aside + wave * math.sin(2 * math.pi * minute / 1440 + phase)
        levels.append(1 / (1 + math.exp(-at)))
    return levels


def _faults(rng: random.Random, levels: Sequence[Sequence[float]], until_ms: int, scenario: str) -> list[Fault]:
    minutes = len(levels[0])
    faults: list[Fault] = []
    if scenario in ("mixed", "hard"):
        for minute in _moments(rng, 3.0 if scenario == "mixed" else 8.0, minutes):
            length_ms = int(math.exp(rng.uniform(math.log(2), math.log(40))) * MINUTE_MS)
            failing = 1.0 if rng.random() < 0.75 else rng.uniform(0.6, 0.95)
            from_ms = minute * MINUTE_MS + rng.randrange(MINUTE_MS)
            is_slow = rng.random() < 0.4
            faults.append(Fault("hard", _victim(rng, levels, minute), from_ms, from_ms + length_ms, failing, is_slow))
    if scenario in ("mixed", "grey"):
        for minute in _moments(rng, 3.0 if scenario == "mixed" else 8.0, minutes):
            length_ms = int(math.exp(rng.uniform(math.log(10), math.log(90))) * MINUTE_MS)
            left = rng.choice((0.0, 0.1, 0.3, rng.uniform(0.0, 0.55)))
            from_ms = minute * MINUTE_MS + rng.randrange(MINUTE_MS)
            faults.append(Fault("grey", _victim(rng, levels, minute), from_ms, from_ms + length_ms, left))
    if scenario in ("mixed", "common"):
        for minute in _moments(rng, 0.7 if scenario == "mixed" else 6.0, minutes):
            length_ms = int(math.exp(rng.uniform(math.log(5), math.log(40))) * MINUTE_MS)
            from_ms = minute * MINUTE_MS
            hard = rng.random() < 0.4
            kind, factor = ("common_hard", rng.uniform(0.7, 1.0)) if hard else ("common_grey", rng.uniform(0.0, 0.5))
            faults.append(Fault(kind, EVERY_CHANNEL, from_ms, from_ms + length_ms, factor, rng.random() < 0.5))
    return sorted((fault for fault in faults if fault.from_ms < until_ms), key=lambda fault: fault.from_ms)


def _victim(rng: random.Random, levels: Sequence[Sequence[float]], minute: int) -> int:
    """More often than not the one that customers would be sent to: a fault elsewhere is hardly seen."""
    best = max(range(len(levels)), key=lambda channel: levels[channel][minute])
    return best if rng.random() < 0.5 else rng.randrange(len(levels))


def _moments(rng: random.Random, per_day: float, minutes: int) -> list[int]:
    """Minutes at which something begins: Poisson."""
    moments: list[int] = []
    at = 0.0
    while True:
        at += rng.expovariate(per_day / 1440)
        if at >= minutes:
            return moments
        moments.append(int(at))


def _arrivals(rng: random.Random, volume: int, until_ms: int, scenario: str) -> list[int]:
    """By the hour of the day, the evening three times the small hours; in bursts four times as many."""
    minutes = until_ms // MINUTE_MS
    weight = [1 + 0.5 * math.sin(2 * math.pi * (minute - 840) / 1440) for minute in range(minutes)]
    if scenario in ("mixed", "burst"):
        for begin in _moments(rng, 2.0 if scenario == "mixed" else 8.0, minutes):
            for minute in range(begin, min(begin + rng.randint(5, 15), minutes)):
                weight[minute] *= 4
    a_ms = volume / DAY_MS
    at_ms: list[int] = []
    for minute in range(minutes):
        at = minute * MINUTE_MS + rng.expovariate(a_ms * weight[minute])
        while at < (minute + 1) * MINUTE_MS:
            at_ms.append(int(at))
            at += rng.expovariate(a_ms * weight[minute])
    return at_ms


def _fill(world: World, levels: Sequence[Sequence[float]], tech: Sequence[float]) -> None:
    """What each payment would meet at each channel."""
    ahead = iter([*world.faults, Fault("", 0, 1 << 62, 0, 0)])
    coming, active = next(ahead), [Fault("", 0, 0, 0, 0)][:0]
    minute = -1
    well = tuple(tech)
    prompt = (False,) * world.channels
    for at in world.at_ms:
        if at // MINUTE_MS != minute:
            minute = at // MINUTE_MS
            conversion = tuple(level[minute] for level in levels)
        while coming.from_ms <= at:
            active.append(coming)
            coming = next(ahead)
        if active:
            active = [fault for fault in active if fault.to_ms > at]
        if not active:
            world.tech.append(well)
            world.conversion.append(conversion)
            world.is_slow.append(prompt)
            continue
        failing, paying, slow = list(well), list(conversion), list(prompt)
        for fault in active:
            for channel in range(world.channels) if fault.channel == EVERY_CHANNEL else (fault.channel,):
                if fault.kind.endswith("hard"):
                    failing[channel] = max(failing[channel], fault.factor)
                    slow[channel] = slow[channel] or fault.is_slow
                else:
                    paying[channel] *= fault.factor
        world.tech.append(tuple(failing))
        world.conversion.append(tuple(paying))
        world.is_slow.append(tuple(slow))
