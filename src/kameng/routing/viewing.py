"""What a choice looks at: of each channel what was learned, as it is at the moment. Pure; looking changes nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from kameng.routing.believing import DAY_MS, NOTHING, Counts, Parameters
from kameng.routing.breaking import Breaker
from kameng.routing.model import View
from kameng.routing.state import Pool

_CLOSED = Breaker()


def half_life_of(volume: float, parameters: Parameters) -> float:
    """In results, by payments a day."""
    wanted = parameters.half_life_scale * math.sqrt(volume)
    return min(max(wanted, parameters.half_life_min), parameters.half_life_max)


def views_of(
    room: Pool, breakers: Mapping[int, Breaker], channels: Iterable[int], at_ms: int, detail: str,
    parameters: Parameters,
) -> tuple[View, ...]:  # fmt: skip
    """Of each channel, in that order. What all have in common is reckoned once."""
    half_life = half_life_of(room.volume, parameters)
    clock, levels, began = room.clock, room.levels, room.began
    begin, end = parameters.outages_per_day / DAY_MS, 1 / parameters.outage_ms
    at_rest, stays = 0.5 * begin / (begin + end), -(begin + end)
    deepest, shallow = parameters.depths
    prior = parameters.prior
    found = []
    for channel_id in channels:
        level = levels.get(channel_id)
        breaker = breakers.get(channel_id, _CLOSED)
        state = breaker.state(at_ms)
        if level is None:
            found.append(View(channel_id, breaker=state, probe=breaker.may_probe(at_ms), fault=breaker.fault(at_ms)))
            continue
        kept = math.exp(stays * max(at_ms - level.believed_ms, 0))
        deep, half = at_rest + (level.deep - at_rest) * kept, at_rest + (level.half - at_rest) * kept
        down = deep + half
        fast = level.fast
        fresh = 0.5 ** ((clock - fast.clock) / half_life)
        slow = level.slow_won + level.slow_lost
        share = min(prior, slow) / slow
        won, lost = fast.won * fresh + share * level.slow_won, fast.lost * fresh + share * level.slow_lost
        if detail and (own := level.details.get(detail)) is not None:
            won, lost = _apart(own, won, lost, clock, half_life, parameters)
        elsewhere = began - level.probed_began
        if breaker.opened_ms:
            probe = breaker.may_probe(at_ms) and elsewhere * parameters.half_open_share >= 1
        else:
            waited = at_ms >= level.probed_ms + parameters.probe_every_ms
            probe = waited and elsewhere * parameters.probe_share >= 1
        left = shallow if down < NOTHING else (deep * deepest + half * shallow) / down
        fault = breaker.fault(at_ms) if breaker.row else 0.0
        quarantined = bool(level.quarantined_ms)
        found.append(View(channel_id, won, lost, down, left, state, quarantined, probe, level.pay_ms, fault))
    return tuple(found)


def _apart(
    own: Counts, won: float, lost: float, clock: float, half_life: float, parameters: Parameters
) -> tuple[float, float]:
    """A detail's own counts where there are enough, with the pool's mean for a prior."""
    own_won, own_lost = own.at(clock, half_life)
    if own_won + own_lost < parameters.detail_results:
        return won, lost
    share = parameters.prior / (won + lost)
    return own_won + share * won, own_lost + share * lost
