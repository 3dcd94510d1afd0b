"""`kameng bench routing`: regret and delays of Kameng's choice of channels, beside others' and beside an oracle.

Needs no platform: only seeds. One table takes one set of seeds for every policy. What was played is kept in a folder
if one is named, so that a long table can be made in short runs.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import os
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from kameng.ops.bench.routing import simulation, world
from kameng.ops.bench.routing.baselines import BASELINES, Parameters
from kameng.ops.bench.routing.simulation import Score
from kameng.ops.bench.routing.smart import Smart, choice_us
from kameng.ops.bench.routing.tuned import GRID, settings_of, tuned_for

SMART = "kameng"
POLICIES = (*BASELINES, SMART)
GRID_POLICIES = tuple(policy for policy in BASELINES if GRID[policy])
REPORT_SEEDS, TUNING_SEEDS = "101-112", "1-4"
CHOICES = (3, 6, 12)
DAYS = {2_000: 10.0, 20_000: 2.0, 100_000: 1.0}


def add_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("routing")
    group.add_argument("--volume", type=int, default=20_000, help="payments a day")
    group.add_argument("--seeds", default=None, help=f"A-B (default {REPORT_SEEDS}; with --tune {TUNING_SEEDS})")
    group.add_argument("--days", type=float, default=None, help="length of each world (default: 10, 2 or 1 by volume)")
    group.add_argument("--policies", nargs="+", choices=POLICIES, default=list(POLICIES), metavar="POLICY")
    group.add_argument("--scenario", choices=world.SCENARIOS, default="mixed")
    group.add_argument("--cascades", type=int, default=0, help="other channels tried after a refused create")
    group.add_argument("--choices", type=int, default=3_000, help="choices that are timed; at least 500")
    group.add_argument("--tune", action="store_true", help="try each setting of the baselines' grids, print the best")
    group.add_argument("--keep", type=Path, default=None, help="folder to keep scores in and take them from")


def main(options: argparse.Namespace) -> int:
    seeds = _seeds(options.seeds or (TUNING_SEEDS if options.tune else REPORT_SEEDS))
    days = options.days or DAYS.get(options.volume, max(1.0, min(10.0, 40_000 / options.volume)))
    table = Table(options, days)
    if options.tune:
        for policy in options.policies:
            if policy in GRID_POLICIES:
                table.tune(policy, seeds)
        return 0
    scores: dict[str, list[Score]] = {policy: [] for policy in options.policies}
    for seed in seeds:  # seed by seed: a world is made once
        for policy in options.policies:
            scores[policy].append(table.score(policy, seed, tuned_for(policy, options.volume)))
    print(f"{options.volume} payments a day, {days:g} days, seeds {seeds[0]} to {seeds[-1]}, {options.scenario},"
          f" {options.cascades} cascades")  # fmt: skip
    for line in lines(scores):
        print(line)
    if SMART in options.policies:
        for channels in CHOICES:
            print(choice_us(channels, payments=options.choices))
    return 0


class Table:
    """Scores of one set of options, played or taken from the folder."""

    def __init__(self, options: argparse.Namespace, days: float) -> None:
        self.options = options
        self.days = days
        self.world: world.World | None = None

    def score(self, policy: str, seed: int, parameters: Parameters) -> Score:
        options = self.options
        key = f"{policy} {sorted(parameters.items())} {options.volume} {self.days} {options.scenario} {seed}"
        name = hashlib.sha256(f"{key} {options.cascades}".encode()).hexdigest()[:24]
        kept = None if options.keep is None else options.keep / f"{name}.score"
        if kept is not None and kept.exists():
            return msgspec.msgpack.decode(kept.read_bytes(), type=Score)
        if self.world is None or self.world.seed != seed:
            self.world = world.make(seed, volume=options.volume, days=self.days, scenario=options.scenario)
        score = _play(self.world, policy, parameters, cascades=options.cascades)
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            part = kept.with_suffix(f".{os.getpid()}")
            part.write_bytes(msgspec.msgpack.encode(score))
            part.rename(kept)
        return score

    def tune(self, policy: str, seeds: Sequence[int]) -> None:
        """The best setting of a policy's grid, and what each cost."""
        found: dict[str, list[float]] = {}
        tried = list(settings_of(policy))
        for seed in seeds:
            for parameters in tried:
                score = self.score(policy, seed, parameters)
                found.setdefault(str(dict(parameters)), []).append(score.regret / score.payments * 10_000)
        by_regret = sorted(found, key=lambda name: statistics.mean(found[name]))
        for name in by_regret[:3]:
            print(f"{policy:20} {statistics.mean(found[name]):6.0f} {name}", flush=True)


def _play(played: world.World, policy: str, parameters: Parameters, *, cascades: int) -> Score:
    if policy != SMART:
        router = BASELINES[policy](played.channels, played.seed, parameters)
        return simulation.play(played, router, name=policy, cascades=cascades)
    smart = Smart(played.channels, played.seed)
    score = simulation.play(played, smart, name=policy, cascades=cascades)
    smart.tell(score, played)
    return score


def lines(scores: dict[str, list[Score]]) -> Iterable[str]:
    """The table, a line a policy."""
    yield (f"{'policy':20} {'regret/10,000':>16} {'paid':>7} {'hard: left in s':>18} {'first create':>18}"
           f" {'after it':>18} {'turned in s':>18}"
           f" {'creates':>8} {'late':>5}"
           f" {'grey: left in s':>18} {'false q.':>9} {'all shut':>9} {'tests':>6}")  # fmt: skip
    for policy, own in scores.items():
        mean, error = regret_of(own)
        paid = sum(score.paid for score in own) / sum(score.payments for score in own)
        hard, grey = [t for s in own for t in s.hard_left_ms], [t for s in own for t in s.grey_left_ms]
        turned = [t for score in own for t in score.hard_turned_ms]
        creates = [count for score in own for count in score.hard_creates]
        shut = f"{sum(s.all_shut for s in own)}/{sum(s.common_faults for s in own)}"
        first = [t for score in own for t in score.hard_first_ms]
        tests = sum(score.tests for score in own) / sum(score.payments for score in own) * 10_000
        yield (f"{policy:20} {mean:8.1f} ± {error:5.1f} {paid:7.2%} {_delays(hard):>18} {_delays(first):>18}"
               f" {_delays(_added(own)):>18} {_delays(turned):>18}"
               f" {statistics.median(creates) if creates else math.nan:8.0f} {sum(s.late_creates for s in own):5}"
               f" {_delays(grey):>18} {sum(s.false_quarantines for s in own):9} {shut:>9} {tests:6.0f}")  # fmt: skip
    own = next(iter(scores.values()))
    ceiling = sum(score.ceiling for score in own) / sum(score.payments for score in own)
    yield f"{'oracle':20} {0:8.1f} {'':7} {ceiling:7.2%}"


def _added(scores: Sequence[Score]) -> list[float]:
    """What a router added to the time in which no create had told of an outage yet."""
    pairs = [pair for score in scores for pair in zip(score.hard_left_ms, score.hard_first_ms, strict=True)]
    return [left - first if math.isfinite(first) else math.inf for left, first in pairs if math.isfinite(left)]


def regret_of(scores: Sequence[Score]) -> tuple[float, float]:
    """Mean regret per 10,000 payments over seeds, and its standard error."""
    each = [score.regret / score.payments * 10_000 for score in scores]
    return statistics.mean(each), statistics.stdev(each) / math.sqrt(len(each)) if len(each) > 1 else math.nan


def _delays(delays_ms: Sequence[float]) -> str:
    """``median / p90 (how many)``."""
    if not delays_ms:
        return "–"
    rising = sorted(delays_ms)
    at_90 = rising[min(len(rising) - 1, int(len(rising) * 0.9))]
    middle = statistics.median_low(rising)
    return f"{middle / 1000:.0f} / {at_90 / 1000:.0f} ({len(rising)})"


def _seeds(text: str) -> list[int]:
    first, _, last = text.partition("-")
    return list(range(int(first), int(last or first) + 1))
