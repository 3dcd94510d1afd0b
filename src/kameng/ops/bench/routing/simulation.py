"""A policy meets a world: every payment in its order, every piece of news when it would have come.

The oracle knows each channel's chance at each moment. Regret is what a choice gives away against the best chance
there was: no luck is in it. Only the first channel that a payment is given counts for it; with ``cascades`` a create
that was surely refused goes on to another one, which shows in the success rate.
"""

from __future__ import annotations

import heapq
import random
from bisect import bisect_left
from typing import Protocol

import msgspec

from kameng.ops.bench.routing.world import EVERY_CHANNEL, EXPIRY_MS, Fault, World

TIME_OUT_MS = 4_000
DECLINED_CHANCE = 0.004  # the customer's own means, told at once: no fault of a channel
LOOK = 20  # decisions over which a share is taken
LEADER_SHARE, LEFT_SHARE = 0.5, 0.2
OPEN_MS = 28_000  # for so long after a second failure nothing may be begun: an open breaker less a slow create
ENDED, PAID, WAKE, TESTED = 0, 1, 2, 3


class Router(Protocol):
    """What is measured. Channels are numbers from 0; ``without``: those that this payment was refused by."""

    def choose(self, at_ms: int, payment: int, without: tuple[int, ...]) -> int: ...

    def ended(self, at_ms: int, payment: int, channel: int, outcome: str) -> None: ...

    def paid(self, at_ms: int, payment: int, channel: int) -> None: ...


class Waking(Router, Protocol):
    """One that has something to do between payments: creates on nobody's behalf, begun and closed."""

    wakes: list[int]  # when it wants to be woken, until they are taken
    probes: set[int]  # payments with which it risked an ill channel knowingly

    def wake(self, at_ms: int) -> list[int]: ...

    def tested(self, at_ms: int, channel: int, outcome: str, began_ms: int) -> None: ...


class Score(msgspec.Struct):
    """What one policy made of one world."""

    policy: str
    seed: int
    payments: int
    regret: float
    ceiling: float  # what the oracle would expect to be paid
    paid: int
    hard_left_ms: list[float]  # by outage that hit the policy's own leader; infinite: never left
    grey_left_ms: list[float]
    hard_creates: list[int]  # begun before it was left, by the same outages
    late_creates: int  # begun within 28 s after the second failure of an outage had come back
    false_quarantines: int = 0
    common_quarantines: int = 0  # of those, while a fault was common
    common_faults: int = 0
    hard_turned_ms: list[float] = []  # until at most a fifth of the next 20 decisions went there
    all_shut: int = 0  # common faults in which every channel was quarantined at once
    hard_first_ms: list[float] = []  # of the same outages: from the beginning until the first create there
    tests: int = 0  # creates on nobody's behalf


def play(world: World, router: Router, *, name: str, cascades: int = 0) -> Score:
    clock = _Clock(world, router)
    chosen: list[int] = []
    failed: dict[int, list[tuple[int, int]]] = {}
    regret = ceiling = 0.0
    paid = 0
    for payment, at in enumerate(world.at_ms):
        clock.until(at)
        tech, conversion = world.tech[payment], world.conversion[payment]
        chances = [(1 - fail) * pay for fail, pay in zip(tech, conversion, strict=True)]
        best = max(chances)
        without: tuple[int, ...] = ()
        for attempt in range(cascades + 1):
            channel = router.choose(at, payment, without)
            if attempt == 0:
                chosen.append(channel)
                regret += best - chances[channel]
                ceiling += best
            luck = (world.luck_tech[payment] + 0.377 * attempt) % 1.0
            outcome, took = _create(world, payment, channel, luck)
            clock.push(at + took, ENDED, payment, channel, outcome)
            if outcome == "accepted" and world.luck_pay[payment] < conversion[channel]:
                paid += 1
                delay = min(int(world.delay_ms[payment] * world.haste[channel]), EXPIRY_MS - TIME_OUT_MS)
                clock.push(at + took + delay, PAID, payment, channel, "")
            if outcome in ("refused_channel", "unknown"):
                failed.setdefault(channel, []).append((at + took, at))
            if outcome != "refused_channel":
                break
            without = (*without, channel)
            if len(without) == world.channels:
                break
    score = Score(name, world.seed, len(chosen), regret, ceiling, paid, [], [], [], 0, tests=clock.tests)
    _rate(score, world, chosen, failed, getattr(router, "probes", set()))
    return score


class _Clock:
    """News come when they would; whoever wants to be woken between payments is."""

    def __init__(self, world: World, router: Router) -> None:
        self.world = world
        self.router = router
        self.waking: Waking | None = router if hasattr(router, "wake") else None  # type: ignore[assignment]
        self.news: list[tuple[int, int, int, int, int, str]] = []
        self.number = self.tests = 0

    def push(self, when: int, kind: int, about: int, channel: int, outcome: str) -> None:
        self.number += 1
        heapq.heappush(self.news, (when, self.number, kind, about, channel, outcome))

    def until(self, at_ms: int) -> None:
        news, router, waking = self.news, self.router, self.waking
        self._take_wakes()
        while news and news[0][0] <= at_ms:
            when, _, kind, about, channel, outcome = heapq.heappop(news)
            if kind == PAID:
                router.paid(when, about, channel)
            elif kind == ENDED:
                router.ended(when, about, channel, outcome)
            elif waking is not None and kind == TESTED:
                waking.tested(when, channel, outcome, about)
            elif waking is not None:
                for tried in waking.wake(when):
                    self._test(when, tried)
            self._take_wakes()

    def _take_wakes(self) -> None:
        if self.waking is not None and self.waking.wakes:
            for when in self.waking.wakes:
                self.push(when, WAKE, 0, 0, "")
            self.waking.wakes.clear()

    def _test(self, at_ms: int, channel: int) -> None:
        """Its luck is its own, so that payments meet the same whoever tests."""
        self.tests += 1
        luck = random.Random(f"{self.world.seed}/{at_ms}/{channel}")
        took = luck.randint(150, 400)
        share, is_slow = self.world.fails(at_ms, channel)
        outcome = "accepted"
        if luck.random() < share:
            outcome, took = ("unknown", TIME_OUT_MS) if is_slow else ("refused_channel", took + 100)
        self.push(at_ms + took, TESTED, at_ms, channel, outcome)


def _create(world: World, payment: int, channel: int, luck: float) -> tuple[str, int]:
    """The outcome of a create call, and how long it took."""
    took = world.answer_ms[payment]
    if luck < world.tech[payment][channel]:
        return ("unknown", TIME_OUT_MS) if world.is_slow[payment][channel] else ("refused_channel", took + 100)
    if luck > 1 - DECLINED_CHANCE:
        return "declined_user", took
    return "accepted", took


def _rate(
    score: Score, world: World, chosen: list[int], failed: dict[int, list[tuple[int, int]]], probes: set[int]
) -> None:
    """How soon outages were left, and what began too late."""
    for fault in world.faults:
        if fault.channel == EVERY_CHANNEL:
            score.common_faults += 1
            continue
        begin = bisect_left(world.at_ms, fault.from_ms)
        if begin < LOOK or begin + LOOK > len(chosen):
            continue
        if fault.kind == "hard" and fault.factor == 1.0:
            score.late_creates += _late_creates(world, fault, chosen, failed.get(fault.channel, []), probes)
        if _is_ill(world, fault):
            continue
        before = chosen[begin - LOOK : begin]
        if before.count(fault.channel) < LEADER_SHARE * LOOK:
            continue
        left_ms, creates = _left(world, fault, chosen, begin)
        (score.hard_left_ms if fault.kind == "hard" else score.grey_left_ms).append(left_ms)
        if fault.kind == "hard":
            score.hard_creates.append(creates)
            score.hard_turned_ms.append(_turned(world, fault, chosen, begin))
            score.hard_first_ms.append(_first(world, fault, chosen, begin))


def _is_ill(world: World, fault: Fault) -> bool:
    """Whether something else was the matter when a fault began: then its delay would say nothing."""
    return any(
        other is not fault and other.from_ms <= fault.to_ms and other.to_ms >= fault.from_ms
        and other.channel in (fault.channel, EVERY_CHANNEL)
        for other in world.faults
    )  # fmt: skip


def _left(world: World, fault: Fault, chosen: list[int], begin: int) -> tuple[float, int]:
    """How long after its begin the last create went to a broken leader, before 20 decisions of which it had at most a
    fifth; and how many creates it had had by then."""
    creates, last_ms = 0, fault.from_ms
    for at in range(begin, len(chosen)):
        if world.at_ms[at] >= fault.to_ms:
            return float("inf"), creates
        if chosen[at] == fault.channel:
            creates += 1
            last_ms = world.at_ms[at]
        elif chosen[at : at + LOOK].count(fault.channel) <= LEFT_SHARE * LOOK:
            return float(last_ms - fault.from_ms), creates
    return float("inf"), creates


def _turned(world: World, fault: Fault, chosen: list[int], begin: int) -> float:
    """How long until a decision with which 20 begin of which a broken leader has at most a fifth: the way others
    measure it. The failures that it took may be among these."""
    for at in range(begin, len(chosen)):
        if world.at_ms[at] >= fault.to_ms:
            break
        if chosen[at : at + LOOK].count(fault.channel) <= LEFT_SHARE * LOOK:
            return float(world.at_ms[at] - fault.from_ms)
    return float("inf")


def _first(world: World, fault: Fault, chosen: list[int], begin: int) -> float:
    """How long nobody could know: until the first create there, with whom the outage begins to be seen."""
    for at in range(begin, len(chosen)):
        if world.at_ms[at] >= fault.to_ms:
            break
        if chosen[at] == fault.channel:
            return float(world.at_ms[at] - fault.from_ms)
    return float("inf")


def _late_creates(
    world: World, fault: Fault, chosen: list[int], failed: list[tuple[int, int]], probes: set[int]
) -> int:
    """Creates begun at a dead channel after the second failure of those begun in the outage was known, in the 28 s in
    which nothing may be, whatever else was the matter; of whoever names its probes, those that are none of them,
    until the outage's end."""
    known = sorted(when for when, began_ms in failed if began_ms >= fault.from_ms)[:2]
    if len(known) < 2 or known[1] >= fault.to_ms:
        return 0
    until = fault.to_ms if probes else min(fault.to_ms, known[1] + OPEN_MS)
    begin, end = bisect_left(world.at_ms, known[1] + 1), bisect_left(world.at_ms, until)
    return sum(chosen[at] == fault.channel and at not in probes for at in range(begin, end))
