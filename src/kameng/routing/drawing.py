"""The dice of a choice: what a seed alone decides, by the version of the way of choosing. Pure.

Version 1 threw those of Python's ``random``: a twister of 624 words to be set up for a handful of draws, and beta
draws by rejection. Version 2 takes all that a choice can need from one digest of its seed, and draws a chance as the
share of two gamma draws, each the cube of a normal one (Wilson and Hilferty): the two that one pair of words gives.
"""

from __future__ import annotations

import hashlib
import math
import random
import struct
from collections.abc import Iterator
from typing import Protocol

LEAST, TINY = 0.25, 0.01
WORD = 1 / (1 << 32)
TURN = 2 * math.pi * WORD
_log, _sqrt, _cos, _sin = math.log, math.sqrt, math.cos, math.sin


class Dice(Protocol):
    def uniform(self) -> float:
        """From 0 to 1, 1 not included."""

    def index(self, count: int) -> int:
        """Below ``count``, each as likely."""

    def chance(self, won: float, lost: float) -> float:
        """Of the beta distribution of such counts."""


class Twister:
    """Version 1."""

    __slots__ = ("_random",)

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def uniform(self) -> float:
        return self._random.random()

    def index(self, count: int) -> int:
        return self._random.choice(range(count))

    def chance(self, won: float, lost: float) -> float:
        return self._random.betavariate(won, lost)


class Digest:
    """Version 2: for so many channels."""

    __slots__ = ("_words",)

    def __init__(self, seed: int, channels: int) -> None:
        count = 3 * channels + 2
        drawn = hashlib.shake_128(b"%d" % seed).digest(4 * count)
        self._words: Iterator[int] = iter(struct.unpack(f"<{count}I", drawn))

    def uniform(self) -> float:
        return next(self._words) * WORD

    def index(self, count: int) -> int:
        return next(self._words) * count >> 32

    def chance(self, won: float, lost: float) -> float:
        words = self._words
        far, turn = _sqrt(-2 * _log((next(words) + 1) * WORD)), next(words) * TURN
        won, lost = max(won, LEAST), max(lost, LEAST)
        a = max(1 - 1 / (9 * won) + far * _cos(turn) / (3 * _sqrt(won)), TINY)
        b = max(1 - 1 / (9 * lost) + far * _sin(turn) / (3 * _sqrt(lost)), TINY)
        a, b = won * a * a * a, lost * b * b * b
        return a / (a + b)


def dice(version: int, seed: int, channels: int) -> Dice:
    return Twister(seed) if version == 1 else Digest(seed, channels)
