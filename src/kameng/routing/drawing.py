"""The dice of a choice: what a seed alone decides, the same in each version of the way of choosing. Pure.

They are those of Python's ``random``, exact beta draws. Cheaper ones from one digest, with gamma draws as cubes of
normal ones, went again: three of forty runs had three to five times the usual regret, by chance or not
(docs/routing.md).
"""

from __future__ import annotations

import random


class Dice:
    __slots__ = ("_random",)

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def uniform(self) -> float:
        """From 0 to 1, 1 not included."""
        return self._random.random()

    def index(self, count: int) -> int:
        """Below ``count``, each as likely."""
        return self._random.choice(range(count))

    def chance(self, won: float, lost: float) -> float:
        """Of the beta distribution of such counts."""
        return self._random.betavariate(won, lost)
