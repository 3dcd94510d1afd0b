"""What is learned from what happens: a state machine fed with events and their times, and nothing else.

``began``, ``ended``, ``paid``, ``aged``: the same events in the same order give the same state, whoever feeds them.
Time is what the events say. ``dump`` and ``load`` keep it; ``snapshot`` is what a choice looks at.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Literal

import msgspec

from kameng.routing import believing, sharing, viewing
from kameng.routing.believing import DAY_MS, Counts, Level, Parameters
from kameng.routing.breaking import TEST, Breaker
from kameng.routing.model import ACCEPTED, FAILED, Snapshot, Usage
from kameng.routing.state import Event, Flight, Pool, State

FORGET_MS = 900_000
"""Money that comes later changes nothing that was learned."""
VOLUME_MS = 6 * 3_600_000.0  # over which payments are counted
COMMON_MAX_MS = 3_600_000
PROBES_FADE, PROBES_ENOUGH = 0.9, 6.5  # ten probes
CATCH_UP = 0.12
DOUBT, PROOF = 0.5, 3  # of a channel when a fault is everybody's; payments seen paid that end it
HANGS, TEST_HANGS = -1, -2
DETAILS_MAX = 200


class Learner:
    """Attempts are numbered by whoever feeds it: each create call is one."""

    def __init__(self, parameters: Parameters = Parameters(), state: State | None = None) -> None:  # noqa: B008
        self.parameters = parameters
        self.state = State() if state is None else state
        self.news: list[Event] = []
        self._came: dict[str, list[float]] = {}  # of each pool what has come by each age, until more is paid

    def dump(self, *, flights_max: int | None = None) -> bytes:
        """What it keeps; without the payments on their way if there are more than so many of them."""
        state = self.state
        if flights_max is not None and len(state.flights) > flights_max:
            state = State(state.pools, state.breakers)
        return msgspec.msgpack.encode(state)

    @classmethod
    def load(cls, data: bytes, parameters: Parameters = Parameters()) -> Learner:  # noqa: B008
        return cls(parameters, msgspec.msgpack.decode(data, type=State))

    def take_news(self) -> list[Event]:
        """What happened since the last time it was taken."""
        news, self.news = self.news, []
        return news

    # events -------------------------------------------------------------------------------------------------

    def began(self, at_ms: int, attempt: int, channel_id: int, pool: str, detail: str = "") -> None:
        """A create call begins. A number that is known already changes nothing."""
        self.aged(at_ms)
        if attempt in self.state.flights:
            return
        room = self._pool(pool)
        level = self._level(room, channel_id, at_ms)
        passed = at_ms - room.began_ms if room.began_ms else DAY_MS / room.volume
        room.volume = room.volume * math.exp(-passed / VOLUME_MS) + DAY_MS / VOLUME_MS
        room.began_ms = at_ms
        room.began += 1
        self._breaker(channel_id).began(at_ms)
        level.probed_ms, level.probed_began = at_ms, room.began
        self.state.flights[attempt] = Flight(pool, channel_id, detail, at_ms, is_common=bool(room.common_ms))
        heapq.heappush(self.state.due, (at_ms + self.hangs_after(channel_id), attempt, HANGS))

    def ended(self, at_ms: int, attempt: int, outcome: str) -> None:
        """It answered, or its time ran out. A repeat, or an attempt that was never begun, changes nothing."""
        self.aged(at_ms)
        flight = self.state.flights.get(attempt)
        if flight is None or flight.ended_ms:
            return
        breaker = self._breaker(flight.channel_id)
        was_open = bool(breaker.opened_ms)
        if outcome in ACCEPTED:
            if flight.is_hung:
                breaker.forgive(began_ms=flight.began_ms)
            breaker.took(at_ms - flight.began_ms)
            breaker.succeeded(at_ms, began_ms=flight.began_ms)
        elif outcome in FAILED:
            flight.is_failed = True
            if not flight.is_hung or outcome == "refused_config":
                breaker.failed(at_ms, began_ms=flight.began_ms, is_config=outcome == "refused_config")
        else:  # the customer's own fault, or nothing was done
            if flight.is_hung:
                breaker.forgive(began_ms=flight.began_ms)
            del self.state.flights[attempt]
            return
        self._tell_breaker(breaker, was_open, at_ms, flight)
        flight.ended_ms = at_ms
        heapq.heappush(self.state.due, (at_ms + self.parameters.ages_ms[0], attempt, 0))

    def paid(self, at_ms: int, attempt: int) -> None:
        """The money came."""
        self.aged(at_ms)
        flight = self.state.flights.get(attempt)
        if flight is None or flight.paid_ms:
            return
        flight.paid_ms = at_ms
        room = self._pool(flight.pool)
        level = room.levels[flight.channel_id]
        age_ms = max(at_ms - (flight.ended_ms or flight.began_ms), 0)
        step = sum(age_ms > limit for limit in self.parameters.ages_ms)
        room.paid_by[:] = [count * 0.999 for count in room.paid_by]
        room.paid_by[step] += 1
        self._came.pop(flight.pool, None)
        level.pay_ms += (age_ms - level.pay_ms) * (0.02 if level.pay_ms else 1.0)
        if flight.weight:
            self._make_good(room, level, flight)

    def aged(self, at_ms: int) -> None:
        """Time passed: payments reach the ages at which they are looked at, in their order."""
        due, flights = self.state.due, self.state.flights
        while due and due[0][0] <= at_ms:
            when, attempt, step = heapq.heappop(due)
            if step == TEST_HANGS:
                self._hang_test(attempt, when)
                continue
            flight = flights.get(attempt)
            if flight is None:
                continue
            if step == HANGS:
                self._hang(flight, when)
            elif step < len(self.parameters.ages_ms):
                self._reach(flight, step, when)
                ages = (*self.parameters.ages_ms, FORGET_MS)
                heapq.heappush(due, (flight.ended_ms + ages[step + 1], attempt, step + 1))
            else:
                del flights[attempt]

    def probed(self, at_ms: int, channel_id: int, pool: str) -> None:
        """Somebody was sent there to see whether it has recovered: the next one waits, also if he never arrives."""
        self._breaker(channel_id).began(at_ms)
        room = self._pool(pool)
        level = self._level(room, channel_id, at_ms)
        level.probed_ms, level.probed_began = at_ms, room.began

    def take_suspects(self, at_ms: int) -> list[int]:
        """Channels whose last create failed, just now: whoever asks should test them, and is not told again soon."""
        self.aged(at_ms)
        found = [number for number, breaker in self.state.breakers.items() if breaker.wants_test(at_ms)]
        for number in found:
            breaker = self.state.breakers[number]
            breaker.tested_ms, breaker.was_accepted = at_ms, False
        return found

    def testing(self, at_ms: int, channel_id: int) -> None:
        """A create on nobody's behalf begins there: no customer probes it meanwhile, and it may hang as all do."""
        self.aged(at_ms)
        breaker = self._breaker(channel_id)
        breaker.began(at_ms)
        breaker.testing_ms = breaker.tested_ms = at_ms
        breaker.test_hangs_ms = at_ms + self.hangs_after(channel_id)
        heapq.heappush(self.state.due, (breaker.test_hangs_ms, channel_id, TEST_HANGS))

    def tested(self, at_ms: int, channel_id: int, outcome: str, *, began_ms: int = 0) -> None:
        """It ended, or a person tried one there: it speaks about the breaker alone, for nobody was to pay."""
        self.aged(at_ms)
        began_ms = began_ms or at_ms
        breaker = self._breaker(channel_id)
        was_open = bool(breaker.opened_ms)
        is_hung = breaker.test_hung_ms == began_ms
        if breaker.testing_ms == began_ms:
            breaker.testing_ms = 0
        breaker.tested_ms, breaker.was_accepted = max(breaker.tested_ms, at_ms), outcome in ACCEPTED
        if is_hung and outcome not in FAILED:
            breaker.forgive(began_ms=began_ms)
        if outcome in ACCEPTED:
            breaker.succeeded(at_ms, began_ms=began_ms, proves=TEST)
        elif outcome in FAILED and (not is_hung or outcome == "refused_config"):
            breaker.failed(at_ms, began_ms=began_ms, is_config=outcome == "refused_config")
        self._tell_breaker(breaker, was_open, at_ms, Flight("", channel_id, "", at_ms))

    def breaker(self, channel_id: int, at_ms: int) -> Literal["closed", "open", "half_open"]:
        found = self.state.breakers.get(channel_id)
        return "closed" if found is None else found.state(at_ms)

    # what a choice looks at ---------------------------------------------------------------------------------

    def snapshot(
        self,
        at_ms: int,
        pool: str,
        channels: Iterable[int],
        *,
        detail: str = "",
        usages: Mapping[int, Usage] | None = None,
    ) -> Snapshot:
        self.aged(at_ms)
        room = self.state.pools.get(pool) or self._new_pool()
        views = viewing.views_of(room, self.state.breakers, channels, at_ms, detail, self.parameters)
        return Snapshot(at_ms=at_ms, views=views, usages=usages or {}, is_common=bool(room.common_ms))

    # what follows -------------------------------------------------------------------------------------------

    def _hang(self, flight: Flight, at_ms: int) -> None:
        """No answer yet: taken for a failure until one comes."""
        if flight.ended_ms:
            return
        flight.is_hung = True
        breaker = self._breaker(flight.channel_id)
        was_open = bool(breaker.opened_ms)
        breaker.failed(at_ms, began_ms=flight.began_ms)
        self._tell_breaker(breaker, was_open, at_ms, flight)

    def _hang_test(self, channel_id: int, at_ms: int) -> None:
        """As ``_hang``, of a test that is still on its way; one that began since has its own time."""
        breaker = self._breaker(channel_id)
        began_ms = breaker.testing_ms
        if not began_ms or at_ms < breaker.test_hangs_ms or breaker.test_hung_ms == began_ms:
            return
        was_open = bool(breaker.opened_ms)
        breaker.test_hung_ms = began_ms
        breaker.failed(at_ms, began_ms=began_ms)
        self._tell_breaker(breaker, was_open, at_ms, Flight("", channel_id, "", at_ms))

    def hangs_after(self, channel_id: int) -> int:
        """How long a create there may take before it counts as failed, in milliseconds."""
        return self._breaker(channel_id).hangs_after(self.parameters.hang_least_ms, self.parameters.hang_ms)

    def _reach(self, flight: Flight, step: int, at_ms: int) -> None:
        """A payment reaches an age: it speaks about the outage at each, about the level at the last."""
        room = self.state.pools[flight.pool]
        level = room.levels[flight.channel_id]
        ages = self.parameters.ages_ms
        paid_age = flight.paid_ms - flight.ended_ms if flight.paid_ms else None
        is_paid = paid_age is not None and paid_age <= ages[step]
        if not flight.is_failed and not (paid_age is not None and step and paid_age <= ages[step - 1]):
            parameters = self.parameters
            level.deep, level.half = believing.outages_at(level, at_ms, parameters)
            level.believed_ms = at_ms
            came = self._came.get(flight.pool)
            if came is None:
                came = self._came[flight.pool] = believing.shares(room.paid_by)
            before = came[step - 1] if step else 0.0
            half_life = viewing.half_life_of(room.volume, parameters)
            mean = believing.normal(*believing.posterior(level, room.clock, half_life, parameters), parameters)
            believing.judge(level, mean, before=before, by=came[step], is_paid=is_paid, parameters=parameters)
            sharing.remember(room, level, at_ms, is_paid=is_paid)
            self._follow(room, flight, level, at_ms)
        if step == len(ages) - 1:
            self._count(room, level, flight, is_paid=is_paid)

    def _count(self, room: Pool, level: Level, flight: Flight, *, is_paid: bool) -> None:
        """Into the level: as much as it is believed that the channel was well. Frozen while a fault is common."""
        room.clock += 1
        if flight.is_common or room.common_ms or (flight.is_failed and self._was_shut(flight)):
            return
        if level.quarantined_ms and not flight.is_failed and flight.began_ms >= level.quarantined_ms:
            self._count_probe(room, level, flight, is_paid=is_paid)
        weight = 1 - level.down
        half_life = self._half_life(room)
        level.fast.fade(room.clock, half_life)
        counts = [level.fast]
        if flight.detail:
            own = self._detail(level, flight.detail, room.clock)
            own.fade(room.clock, half_life)
            counts.append(own)
        keeps = 0.5 ** (weight / self.parameters.slow_half_life)
        level.slow_won, level.slow_lost = level.slow_won * keeps, level.slow_lost * keeps
        if is_paid:
            for count in counts:
                count.won += weight
            level.slow_won += weight
        else:
            for count in counts:
                count.lost += weight
            level.slow_lost += weight
            flight.weight, flight.clock = weight, room.clock

    def _detail(self, level: Level, detail: str, clock: float) -> Counts:
        """Its own counts; of too many, for callers may name any bank, the one that was not seen for longest goes."""
        own = level.details.get(detail)
        if own is None:
            if len(level.details) >= DETAILS_MAX:
                del level.details[min(level.details, key=lambda one: level.details[one].clock)]
            own = level.details[detail] = Counts(clock=clock)
        return own

    def _make_good(self, room: Pool, level: Level, flight: Flight) -> None:
        """It was counted as lost, and was only late."""
        faded = flight.weight * 0.5 ** ((room.clock - flight.clock) / self._half_life(room))
        level.fast.fade(room.clock, self._half_life(room))
        own = level.details.get(flight.detail)
        for count in [level.fast] if own is None else [level.fast, own]:
            moved = min(faded, count.lost)
            count.lost -= moved
            count.won += moved
        moved = min(flight.weight, level.slow_lost)
        level.slow_lost -= moved
        level.slow_won += moved
        flight.weight = 0.0

    def _count_probe(self, room: Pool, level: Level, flight: Flight, *, is_paid: bool) -> None:
        """The second way out: a channel that moved for good neither recovers nor is dead."""
        level.probes = level.probes * PROBES_FADE + 1
        level.probes_won = level.probes_won * PROBES_FADE + is_paid
        if level.probes < PROBES_ENOUGH:
            return
        mean = level.probes_won / level.probes / believing.shares(room.paid_by)[-1]
        others = [
            won / (won + lost)
            for other in room.levels.values()
            if other is not level and not other.quarantined_ms
            for won, lost in [self._posterior(room, other)]
        ]
        if mean >= max(others, default=1.0) - CATCH_UP:
            mean = min(max(mean, 0.02), 0.98)
            level.fast = Counts(clock=room.clock)
            level.slow_won, level.slow_lost = 20 * mean, 20 * (1 - mean)
            level.deep = level.half = 0.0
            level.quarantined_ms = 0
            self.news.append(Event(level.believed_ms, "rebased", flight.channel_id, flight.pool))

    def _follow(self, room: Pool, flight: Flight, level: Level, at_ms: int) -> None:
        """Into quarantine and out of it, and whether the fault is everybody's."""
        if not level.quarantined_ms and level.down >= self.parameters.quarantine_at:
            level.quarantined_ms, level.probes, level.probes_won = at_ms, 0, 0
            self.news.append(Event(at_ms, "quarantined", flight.channel_id, flight.pool))
        elif level.quarantined_ms and level.down < self.parameters.release_at:
            level.quarantined_ms = 0
            self.news.append(Event(at_ms, "released", flight.channel_id, flight.pool))
        if room.common_ms:
            # By payments that began in it: money that is still on its way from before proves nothing.
            is_well = flight.is_common and level.down < self.parameters.common_well and level.proof >= PROOF
            if is_well or at_ms - room.common_ms > COMMON_MAX_MS:
                self._end_common(room, flight.pool, at_ms)
        elif level.quarantined_ms and sharing.is_common(room, at_ms, self.parameters):
            self._begin_common(room, at_ms)
            self.news.append(Event(at_ms, "common", pool=flight.pool))

    def _begin_common(self, room: Pool, at_ms: int) -> None:
        """Who looks well is only one of whom nothing was heard in it: each is as likely ill as not, until payments
        that began in it say otherwise."""
        room.common_ms = at_ms
        for level in room.levels.values():
            level.proof = 0.0
            doubt = max(DOUBT - level.down, 0.0) / 2
            level.deep, level.half = level.deep + doubt, level.half + doubt

    def _end_common(self, room: Pool, pool: str, at_ms: int) -> None:
        """The others are given the benefit of the doubt: who is still ill is found out again."""
        room.common_ms = 0
        self.news.append(Event(at_ms, "common_over", pool=pool))
        for level in room.levels.values():
            down = level.down
            if down > 0.3:
                level.deep, level.half = level.deep * 0.3 / down, level.half * 0.3 / down
            level.quarantined_ms = 0

    def _was_shut(self, flight: Flight) -> bool:
        breaker = self._breaker(flight.channel_id)
        return flight.ended_ms - 60_000 <= max(breaker.opened_ms, breaker.closed_ms)

    def _posterior(self, room: Pool, level: Level) -> tuple[float, float]:
        return believing.posterior(level, room.clock, self._half_life(room), self.parameters)

    def _half_life(self, room: Pool) -> float:
        return viewing.half_life_of(room.volume, self.parameters)

    def _tell_breaker(self, breaker: Breaker, was_open: bool, at_ms: int, flight: Flight) -> None:
        if was_open != bool(breaker.opened_ms):
            what = "closed" if was_open else "opened"
            self.news.append(Event(at_ms, what, flight.channel_id, flight.pool))

    def _pool(self, pool: str) -> Pool:
        room = self.state.pools.get(pool)
        if room is None:
            room = self.state.pools[pool] = self._new_pool()
        return room

    def _new_pool(self) -> Pool:
        ripe = (0.0, *self.parameters.ripe_shares, 1.0)
        return Pool(self.parameters.volume, [50 * (b - a) for a, b in pairwise(ripe)])

    def _level(self, room: Pool, channel_id: int, at_ms: int) -> Level:
        level = room.levels.get(channel_id)
        if level is None:
            level = room.levels[channel_id] = Level(Counts(clock=room.clock), believed_ms=at_ms)
        return level

    def _breaker(self, channel_id: int) -> Breaker:
        breaker = self.state.breakers.get(channel_id)
        if breaker is None:
            breaker = self.state.breakers[channel_id] = Breaker()
        return breaker
