"""Kameng's own router, driven as the platform drives it: a learner, a snapshot, a choice for each payment."""

from __future__ import annotations

import statistics
import time

from kameng.ops.bench.routing.simulation import Score
from kameng.ops.bench.routing.world import DAY_MS, EVERY_CHANNEL, World, make
from kameng.routing import Book, Candidate, Learner, Parameters, Policy, Request, choose

POOL = ("wechat", "qr")
TRIES = 8
ROUND_MS, REVIVE_MS = 250, 10_000  # of the platform's rounds: what happened is acted upon; channels are tried again
BEGAN_MS = 1_767_225_600_000  # some midnight: a time of 0 means never
FAILED = ("refused_channel", "unknown")
GRACE_MS = 120_000  # news of a fault outlives it


class Smart:
    """A router for the simulation."""

    def __init__(
        self, channels: int, seed: int, parameters: Parameters = Parameters(), policy: Policy = Policy()  # noqa: B008
    ) -> None:  # fmt: skip
        self.seed = seed
        self.channels = list(range(1, channels + 1))
        candidates = tuple(Candidate(channel_id=c, name=f"channel {c}", offers=(POOL,)) for c in self.channels)
        self.book = Book(revision=1, candidates=candidates, policy=policy)
        self.learner = Learner(parameters)
        self.pool = "/".join(POOL)
        self.wakes: list[int] = []
        self.probes: set[int] = set()
        self.revives_ms = 0

    def choose(self, at_ms: int, payment: int, without: tuple[int, ...]) -> int:
        at_ms += BEGAN_MS
        open_ = [c for c in self.channels if c - 1 not in without] if without else self.channels
        snapshot = self.learner.snapshot(at_ms, self.pool, open_)
        book = self.book
        if without:
            kept = tuple(one for one in book.candidates if one.channel_id in open_)
            book = Book(revision=1, candidates=kept, policy=book.policy)
        request = Request(payment_id=payment, method=POOL[0], scene=POOL[1], amount_minor=5_000)
        choice = choose(book, snapshot, request, self.seed * 10_000_019 + payment * TRIES + len(without))
        if choice.way == "probe" or choice.is_alarm:
            self.probes.add(payment)
        self.learner.began(at_ms, payment * TRIES + choice.channel_id - 1, choice.channel_id, self.pool)
        self.wakes.append(at_ms - BEGAN_MS + self.learner.hangs_after(choice.channel_id) + ROUND_MS)
        return choice.channel_id - 1

    def ended(self, at_ms: int, payment: int, channel: int, outcome: str) -> None:
        self.learner.ended(at_ms + BEGAN_MS, payment * TRIES + channel, outcome)
        if outcome in FAILED:
            self.wakes.append(at_ms + ROUND_MS)

    def paid(self, at_ms: int, payment: int, channel: int) -> None:
        self.learner.paid(at_ms + BEGAN_MS, payment * TRIES + channel)

    def wake(self, at_ms: int) -> list[int]:
        """What the platform's rounds do: test what has just failed, and each ten seconds what may be well again."""
        now_ms = at_ms + BEGAN_MS
        tried = self.learner.take_suspects(now_ms)
        half_open = [c for c in self.channels if self.learner.breaker(c, now_ms) == "half_open"]
        if at_ms >= self.revives_ms:
            tried += half_open
            shut = [c for c in self.channels if self.learner.breaker(c, now_ms) != "closed"]
            if shut:
                self.revives_ms = at_ms + REVIVE_MS
                self.wakes.append(self.revives_ms)
        for channel in tried:
            self.learner.testing(now_ms, channel)
            self.wakes.append(at_ms + self.learner.hangs_after(channel) + ROUND_MS)
        return [channel - 1 for channel in tried]

    def tested(self, at_ms: int, channel: int, outcome: str, began_ms: int) -> None:
        self.learner.tested(at_ms + BEGAN_MS, channel + 1, outcome, began_ms=began_ms + BEGAN_MS)
        self.wakes.append(at_ms + ROUND_MS)

    def tell(self, score: Score, world: World) -> None:
        """Quarantines that no fault of the channel's own explains, and those of every channel at once."""
        shut: set[int] = set()
        told: set[int] = set()
        for news in self.learner.news:
            at_ms, channel = news.at_ms - BEGAN_MS, news.channel_id - 1
            going = [(n, f) for n, f in enumerate(world.faults) if f.from_ms <= at_ms <= f.to_ms + GRACE_MS]
            common = [n for n, fault in going if fault.channel == EVERY_CHANNEL]
            if news.what == "quarantined":
                own = any(fault.channel == channel for _, fault in going)
                score.false_quarantines += not own
                score.common_quarantines += bool(common) and not own
                shut.add(channel)
                if len(shut) == world.channels:
                    told.update(common)
            elif news.what in ("released", "rebased"):
                shut.discard(channel)
            elif news.what in ("common", "common_over"):
                shut.clear()
        score.all_shut = len(told)


def choice_us(*, payments: int = 3_000) -> str:
    """Processor time of a snapshot, a choice and its event among eight channels: other programs are not counted."""
    smart = Smart(8, 1)
    world = make(1, volume=100_000, days=payments / 100_000)
    took: list[float] = []
    for payment, at_ms in enumerate(world.at_ms):
        began = time.thread_time()
        channel = smart.choose(at_ms % DAY_MS, payment, ())
        took.append((time.thread_time() - began) * 1e6)
        smart.ended(at_ms + 200, payment, channel, "accepted")
    took.sort()
    return f"choice among 8: median {statistics.median(took):.0f} µs, p99 {took[int(len(took) * 0.99)]:.0f} µs"
