"""Kameng's own router, driven as the platform drives it: a learner, a snapshot, a choice for each payment."""

from __future__ import annotations

import gc
import statistics
import time

from kameng.ops.bench.routing.simulation import Score
from kameng.ops.bench.routing.world import EVERY_CHANNEL, World, make
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
        view = next(one for one in snapshot.views if one.channel_id == choice.channel_id)
        if choice.is_alarm or (view.probe and view.breaker != "closed"):
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


def choice_us(channels: int, *, payments: int) -> str:
    """Processor time of a choice with its snapshot, in microseconds, and of all that is learned of a payment: other
    programs are not counted, but that they drive the caches."""
    smart = Smart(channels, 1)
    world = make(1, volume=100_000, days=payments / 100_000)
    chose: list[float] = []
    learned = 0.0
    request = Request(payment_id=0, method=POOL[0], scene=POOL[1], amount_minor=5_000)
    gc.collect()
    gc.freeze()  # the made-up world is no part of a platform's memory
    for payment, at in enumerate(world.at_ms):
        now_ms = BEGAN_MS + at
        began = time.thread_time()
        smart.learner.aged(now_ms)  # as the platform does four times a second, not for a choice
        looked = time.thread_time()
        snapshot = smart.learner.snapshot(now_ms, smart.pool, smart.channels)
        choice = choose(smart.book, snapshot, request, payment)
        ended = time.thread_time()
        chose.append((ended - looked) * 1e6)
        smart.learner.began(now_ms, payment, choice.channel_id, smart.pool)
        smart.learner.ended(now_ms + 200, payment, "accepted")
        if world.luck_pay[payment] < 0.8:
            smart.learner.paid(now_ms + 5_000, payment)
        learned += time.thread_time() - ended + looked - began
    gc.unfreeze()
    chose.sort()
    middle, at_99, at_999 = (chose[int(len(chose) * share)] for share in (0.5, 0.99, 0.999))
    return (
        f"choice among {channels}: mean {statistics.mean(chose):.0f} µs, median {middle:.0f}, p99 {at_99:.0f},"
        f" p99.9 {at_999:.0f} of {len(chose)}; learning {learned / len(chose) * 1e6:.0f} µs a payment"
    )
