"""Routers as others describe theirs, written from the descriptions; what each was tuned to stands in ``tuned``.

All of them see a create that failed at once as a failure, as their makers do, and an unpaid payment as one when it is
``wait_s`` old: a parameter like any other.
"""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Callable, Mapping

Parameters = Mapping[str, float]
FAILURES = ("refused_channel", "refused_config", "unknown")


class Baseline:
    """Keeps who waits for money; a subclass says how results are counted and how a channel is picked."""

    def __init__(self, channels: int, seed: int, parameters: Parameters) -> None:
        self.channels = channels
        self.rng = random.Random(f"{seed}/baseline")
        self.parameters = parameters
        self.wait_ms = int(parameters.get("wait_s", 300) * 1000)
        self.waiting: set[int] = set()
        self.due: deque[tuple[int, int, int]] = deque()
        self.at_ms = 0

    def choose(self, at_ms: int, payment: int, without: tuple[int, ...]) -> int:  # noqa: ARG002
        self.at_ms = at_ms
        while self.due and self.due[0][0] <= at_ms:
            _, waited, channel = self.due.popleft()
            if waited in self.waiting:
                self.waiting.remove(waited)
                self.result(channel, False)
        if not without:
            return self.pick(list(range(self.channels)))
        return self.pick([channel for channel in range(self.channels) if channel not in without])

    def ended(self, at_ms: int, payment: int, channel: int, outcome: str) -> None:
        if outcome == "accepted":
            self.waiting.add(payment)
            self.due.append((at_ms + self.wait_ms, payment, channel))
        elif outcome in FAILURES:
            self.failed_technically(channel)
            self.result(channel, False)

    def paid(self, at_ms: int, payment: int, channel: int) -> None:  # noqa: ARG002
        if payment in self.waiting:
            self.waiting.remove(payment)
            self.result(channel, True)

    def failed_technically(self, channel: int) -> None:
        """For who counts these apart."""

    def result(self, channel: int, is_paid: bool) -> None:
        """For who learns."""

    def pick(self, open_: list[int]) -> int:
        raise NotImplementedError


class FixedOrder(Baseline):
    """The first on the list."""

    def pick(self, open_: list[int]) -> int:
        return open_[0]


class Weights(Baseline):
    """Drawn by weights that somebody set; here he had no reason to prefer any."""

    def pick(self, open_: list[int]) -> int:
        return self.rng.choice(open_)


class SuccessWindow(Baseline):
    """As Hyperswitch's success-rate routing: the last ``size`` results of each channel, first taken for good ones; the
    highest mean, and ``hedge`` of the traffic to the others. With ``eliminate`` its downtime score besides."""

    def __init__(self, channels: int, seed: int, parameters: Parameters) -> None:
        super().__init__(channels, seed, parameters)
        size = int(parameters.get("size", 125))
        self.windows = [deque([1] * size, maxlen=size) for _ in range(channels)]
        self.sums = [size] * channels
        self.hedge = parameters.get("hedge", 0.05)
        self.downtime = Downtime(channels, parameters) if parameters.get("eliminate") else None

    def result(self, channel: int, is_paid: bool) -> None:
        window = self.windows[channel]
        self.sums[channel] += is_paid - window[0]
        window.append(int(is_paid))
        if self.downtime is not None:
            self.downtime.count(channel, is_paid, self.at_ms)

    def pick(self, open_: list[int]) -> int:
        scores = self.sums
        if self.downtime is not None:
            scores = [s // 5 if self.downtime.is_down(c, self.at_ms) else s for c, s in enumerate(self.sums)]
        leader = max(open_, key=scores.__getitem__)
        if len(open_) > 1 and self.rng.random() < self.hedge:
            return self.rng.choice([channel for channel in open_ if channel != leader])
        return leader


class Downtime:
    """Hyperswitch's elimination: a score that each failure lowers and each success raises by a share."""

    def __init__(self, channels: int, parameters: Parameters) -> None:
        self.share = parameters.get("share", 0.05)
        self.threshold = parameters.get("threshold", 0.05)
        self.kept_ms = 900_000
        self.scores = [1.0] * channels
        self.at_ms = [0] * channels

    def count(self, channel: int, is_paid: bool, at_ms: int) -> None:
        if at_ms - self.at_ms[channel] > self.kept_ms:
            self.scores[channel] = 1.0
        score = self.scores[channel]
        self.scores[channel] = min(1.0, score / (1 - self.share)) if is_paid else score * (1 - self.share)
        self.at_ms[channel] = at_ms

    def is_down(self, channel: int, at_ms: int) -> bool:
        return self.scores[channel] < self.threshold and at_ms - self.at_ms[channel] <= self.kept_ms


class Elimination(Baseline):
    """A fixed order from which those that are down are left out."""

    def __init__(self, channels: int, seed: int, parameters: Parameters) -> None:
        super().__init__(channels, seed, parameters)
        self.downtime = Downtime(channels, parameters)

    def result(self, channel: int, is_paid: bool) -> None:
        self.downtime.count(channel, is_paid, self.at_ms)

    def pick(self, open_: list[int]) -> int:
        return next((c for c in open_ if not self.downtime.is_down(c, self.at_ms)), open_[0])


class Ewma(Baseline):
    """An exponentially weighted rate of each channel; the highest, and ``explore`` of the traffic anywhere."""

    def __init__(self, channels: int, seed: int, parameters: Parameters) -> None:
        super().__init__(channels, seed, parameters)
        self.rates = [1.0] * channels
        self.share = parameters.get("share", 0.02)
        self.explore = parameters.get("explore", 0.03)

    def result(self, channel: int, is_paid: bool) -> None:
        self.rates[channel] += self.share * (is_paid - self.rates[channel])

    def pick(self, open_: list[int]) -> int:
        if self.rng.random() < self.explore:
            return self.rng.choice(open_)
        return max(open_, key=self.rates.__getitem__)


class DiscountedThompson(Baseline):
    """Beta counts of each channel that all fade with each result; the largest draw."""

    def __init__(self, channels: int, seed: int, parameters: Parameters) -> None:
        super().__init__(channels, seed, parameters)
        self.fade = 0.5 ** (1 / parameters.get("half_life", 1000))
        self.spread = parameters.get("spread", 1.0)
        self.won = [0.0] * channels
        self.lost = [0.0] * channels

    def result(self, channel: int, is_paid: bool) -> None:
        fade = self.fade
        self.won = [count * fade for count in self.won]
        self.lost = [count * fade for count in self.lost]
        if is_paid:
            self.won[channel] += 1
        else:
            self.lost[channel] += 1

    def pick(self, open_: list[int]) -> int:
        draw, spread = self.rng.betavariate, self.spread
        return max(open_, key=lambda c: draw((self.won[c] + 1) / spread, (self.lost[c] + 1) / spread))


class WindowUcb(Baseline):
    """The last ``size`` results of all channels; the highest mean plus what its few results leave possible."""

    def __init__(self, channels: int, seed: int, parameters: Parameters) -> None:
        super().__init__(channels, seed, parameters)
        self.size = int(parameters.get("size", 1000))
        self.width = parameters.get("width", 0.3)
        self.window: deque[tuple[int, bool]] = deque()
        self.counts = [0] * channels
        self.wins = [0] * channels

    def result(self, channel: int, is_paid: bool) -> None:
        self.window.append((channel, is_paid))
        self.counts[channel] += 1
        self.wins[channel] += is_paid
        if len(self.window) > self.size:
            left, won = self.window.popleft()
            self.counts[left] -= 1
            self.wins[left] -= won

    def pick(self, open_: list[int]) -> int:
        reach = self.width * math.log(max(len(self.window), 2))

        def bound(channel: int) -> float:
            count = self.counts[channel]
            return self.wins[channel] / count + math.sqrt(reach / count) if count else math.inf

        return max(open_, key=bound)


BASELINES: Mapping[str, Callable[[int, int, Parameters], Baseline]] = {
    "order": FixedOrder,
    "weights": Weights,
    "elimination": Elimination,
    "window": SuccessWindow,
    "window+elimination": SuccessWindow,
    "ewma": Ewma,
    "thompson": DiscountedThompson,
    "ucb": WindowUcb,
}
