"""What another way of choosing would have brought, from the decisions that were logged: an off-policy report.

A logged payment counts for the other way in so far as that way would have sent it to the same channel, divided by how
likely the logged choice was (IPS; SNIPS divides by the sum of these weights). The effective sample size says how many
payments such a figure is worth: where it is small, nothing is known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import msgspec

from kameng.routing.choosing import choose
from kameng.routing.model import Book, Logged

Target = Callable[[Logged, int], float]
"""How likely a way of choosing would have taken a channel in the place of a logged choice."""


class Settled(msgspec.Struct, frozen=True):
    """A logged choice and what became of it: 1.0 paid, 0.0 not; or money."""

    logged: Logged
    reward: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    payments: int  # that could be used: drawn by the learner, with a propensity
    left_out: int
    logged_mean: float  # what the way that was taken brought
    ips: float
    snips: float
    snips_error: float  # standard error
    effective: float  # sample size


def evaluate(settled: Iterable[Settled], target: Target, *, weight_max: float = 100.0) -> Report:
    """Weights are cut at ``weight_max``: a little bias for much less noise."""
    weights: list[float] = []
    rewards: list[float] = []
    left_out = 0
    for one in settled:
        logged = one.logged
        if not logged.choice.is_learned or not logged.propensity:
            left_out += 1
            continue
        likely = target(logged, logged.choice.channel_id)
        weights.append(min(likely / logged.propensity, weight_max))
        rewards.append(one.reward)
    count, whole = len(weights), math.fsum(weights)
    if not count or not whole:
        return Report(payments=count, left_out=left_out, logged_mean=_mean(rewards), ips=0.0, snips=0.0,
                      snips_error=math.inf, effective=0.0)  # fmt: skip
    weighted = math.fsum(weight * reward for weight, reward in zip(weights, rewards, strict=True))
    snips = weighted / whole
    spread = math.fsum((w * (reward - snips)) ** 2 for w, reward in zip(weights, rewards, strict=True))
    return Report(
        payments=count,
        left_out=left_out,
        logged_mean=_mean(rewards),
        ips=weighted / count,
        snips=snips,
        snips_error=math.sqrt(spread) / whole,
        effective=whole**2 / math.fsum(weight * weight for weight in weights),
    )


def target_of(book: Book, *, draws: int = 16) -> Target:
    """Another book (policy, rules) as a way of choosing, in the same situations."""

    def likely(logged: Logged, channel_id: int) -> float:
        seed = logged.choice.seed * 1_000_003
        same = sum(
            choose(book, logged.snapshot, logged.request, seed + draw).channel_id == channel_id for draw in range(draws)
        )
        return same / draws

    return likely


def always(channel_id: int) -> Target:
    """One channel for everything."""
    return lambda _, chosen: float(chosen == channel_id)


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values) if values else 0.0
