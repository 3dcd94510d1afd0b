"""What the baselines were tuned to: the setting with the least regret of its grid, on tuning seeds, for each volume.

    kameng bench routing --tune --volume 2000 --days 5
    kameng bench routing --tune --volume 20000
    kameng bench routing --tune --volume 100000 --days 0.25

found them; the seeds of reports (from 101) were not looked at.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping

from kameng.ops.bench.routing.baselines import Parameters

GRID: Mapping[str, Mapping[str, tuple[float, ...]]] = {
    "order": {},
    "weights": {},
    "elimination": {"share": (0.05, 0.2, 0.4, 0.6), "threshold": (0.05, 0.3, 0.6), "wait_s": (30, 75)},
    "window": {"size": (50, 125, 250, 500, 1000), "hedge": (0.01, 0.03, 0.05), "wait_s": (30, 75, 300)},
    "window+elimination": {
        "size": (125, 250, 500), "hedge": (0.005, 0.01, 0.02), "wait_s": (75,), "eliminate": (1,),
        "share": (0.2, 0.4), "threshold": (0.05, 0.3),
    },
    "ewma": {"share": (0.0005, 0.001, 0.003, 0.01, 0.03), "explore": (0.01, 0.03, 0.06, 0.1), "wait_s": (30, 75)},
    "thompson": {"half_life": (200, 400, 1000, 3000, 10_000), "spread": (0.25, 0.5, 1.0), "wait_s": (30, 75)},
    "ucb": {"size": (1000, 3000, 10_000, 30_000), "width": (0.001, 0.003, 0.01, 0.03), "wait_s": (30, 75)},
}  # fmt: skip

TUNED: Mapping[int, Mapping[str, Parameters]] = {
    2_000: {
        "elimination": {"share": 0.2, "threshold": 0.3, "wait_s": 75},
        "window": {"size": 250, "hedge": 0.01, "wait_s": 75},
        "window+elimination": {
            "size": 125, "hedge": 0.005, "wait_s": 75, "eliminate": 1, "share": 0.2, "threshold": 0.3,
        },
        "ewma": {"share": 0.003, "explore": 0.01, "wait_s": 75},
        "thompson": {"half_life": 400, "spread": 0.25, "wait_s": 75},
        "ucb": {"size": 3_000, "width": 0.03, "wait_s": 75},
    },
    20_000: {
        "elimination": {"share": 0.2, "threshold": 0.6, "wait_s": 75},
        "window": {"size": 1_000, "hedge": 0.01, "wait_s": 75},
        "window+elimination": {
            "size": 250, "hedge": 0.01, "wait_s": 75, "eliminate": 1, "share": 0.2, "threshold": 0.3,
        },
        "ewma": {"share": 0.001, "explore": 0.01, "wait_s": 75},
        "thompson": {"half_life": 3_000, "spread": 0.25, "wait_s": 75},
        "ucb": {"size": 10_000, "width": 0.01, "wait_s": 75},
    },
    100_000: {
        "elimination": {"share": 0.2, "threshold": 0.05, "wait_s": 30},
        "window": {"size": 250, "hedge": 0.01, "wait_s": 75},
        "window+elimination": {
            "size": 250, "hedge": 0.01, "wait_s": 75, "eliminate": 1, "share": 0.2, "threshold": 0.3,
        },
        "ewma": {"share": 0.003, "explore": 0.01, "wait_s": 75},
        "thompson": {"half_life": 1_000, "spread": 0.25, "wait_s": 75},
        "ucb": {"size": 10_000, "width": 0.001, "wait_s": 75},
    },
}  # fmt: skip


def settings_of(policy: str) -> Iterator[Parameters]:
    """Every setting of a policy's grid."""
    grid = GRID[policy]
    for values in itertools.product(*grid.values()):
        yield dict(zip(grid, values, strict=True))


def tuned_for(policy: str, volume: int) -> Parameters:
    """The setting found at the nearest volume that was tuned for."""
    if not TUNED or not GRID.get(policy):
        return {}
    nearest = min(TUNED, key=lambda tuned: abs(math.log(tuned / volume)))
    return TUNED[nearest].get(policy, {})
