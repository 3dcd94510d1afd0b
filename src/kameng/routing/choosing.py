"""Which channel takes a payment: a pure function of what was known, what was asked, and a seed.

Filter by rules; leave out what is ill; draw each channel's chance of success from what was learned of it; the largest
wins, in a narrow band the cheaper one. The same arguments give the same choice, today and in a year.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate

import msgspec

from kameng.routing import filtering
from kameng.routing.drawing import Dice
from kameng.routing.filtering import DAY_MS, Filtered, minute_of
from kameng.routing.model import (
    CASCADE_AFTER,
    TRIES_MAX,
    VERSION,
    VERSIONS,
    Book,
    Candidate,
    Choice,
    Considered,
    Logged,
    Policy,
    Request,
    Snapshot,
    Usage,
    View,
)

DRAWS = 64
"""By which a propensity is estimated."""
ILLNESS = {"quarantine": 0, "half_open": 1, "open": 2}
"""From bad to worse."""


def choose(book: Book, snapshot: Snapshot, request: Request, seed: int, *, version: int = VERSION) -> Choice:
    """``channel_id`` 0 if there is none; ``considered`` says why, channel by channel."""
    views = {view.channel_id: view for view in snapshot.views}
    found = filtering.apply(book, request, snapshot)
    _leave_tried(found, request)
    filtering.steer(found, book, request, snapshot, _ill(views, snapshot, version))
    is_alarm = False
    if found.way != "pin":
        is_alarm = _leave_ill(found, views, is_common=snapshot.is_common, version=version)
    scored: dict[int, Considered] = {}
    way, channel_id = found.way, 0
    is_learned = False
    if len(found.open) == 1:
        channel_id = found.open[0].channel_id
        way = way or "only"
    elif found.open:
        is_learned = book.policy.mode == "smart"
        thrown = Dice(seed)
        way, channel_id, scored = _pick(book.policy, found.open, views, snapshot, request, thrown)
    why = found.why
    return Choice(
        channel_id=channel_id,
        way=way or "none",
        considered=tuple(
            [
                scored.get(number) or (_out(number, *why[number]) if number in why else _unscored(number, views))
                for number in [candidate.channel_id for candidate in book.candidates]
            ]
        ),
        rule="" if found.rule is None else found.rule.name,
        is_alarm=is_alarm,
        is_learned=is_learned,
        seed=seed,
        revision=book.revision,
        version=version,
    )


def log(book: Book, snapshot: Snapshot, request: Request, seed: int) -> Logged:
    """A choice, with what it takes to make it again."""
    return Logged(snapshot=snapshot, request=request, choice=choose(book, snapshot, request, seed))


def replay(logged: Logged, book: Book) -> Choice:
    """The choice made again; equal to the logged one, else somebody changed something. ``ValueError`` for a decision
    of another revision or version."""
    choice = logged.choice
    if choice.revision != book.revision or choice.version not in VERSIONS:
        raise ValueError("the book or the way of choosing is not the one this was decided by")
    return choose(book, logged.snapshot, logged.request, choice.seed, version=choice.version)


def with_propensity(logged: Logged, book: Book, *, draws: int = DRAWS) -> Logged:
    """How likely the choice was, by drawing it again with other seeds: off the way of a payment. The floor makes it
    positive for every channel that was well; half a draw is added for the one that was chosen."""
    choice = logged.choice
    if not choice.is_learned:
        return msgspec.structs.replace(logged, propensity=1.0)
    same = sum(
        choose(
            book, logged.snapshot, logged.request, choice.seed * DRAWS + 1 + draw, version=choice.version
        ).channel_id == choice.channel_id
        for draw in range(draws)
    )  # fmt: skip
    return msgspec.structs.replace(logged, propensity=(same + 0.5) / (draws + 0.5))


def _leave_tried(found: Filtered, request: Request) -> None:
    """Another channel for the same order: what was tried is left out, and nothing follows an unknown outcome or a
    third try, unless the customer asks again; then, if all were tried, those that did not refuse are taken once more,
    and those that did if there are no others.
    """
    if not request.tried:
        return
    last = request.tried[-1].outcome
    if not request.is_asked_again:
        if last not in CASCADE_AFTER:
            found.keep(set(), "unknown_before" if last == "unknown" else "begun_before", "")
        elif len(request.tried) >= TRIES_MAX:
            found.keep(set(), "tries", "")
    tried = {one.channel_id for one in request.tried}
    fresh = {candidate.channel_id for candidate in found.open} - tried
    if not fresh and request.is_asked_again:
        fresh = {one.channel_id for one in request.tried if one.outcome not in CASCADE_AFTER}
        if not any(candidate.channel_id in fresh for candidate in found.open):
            fresh = tried
    found.keep(fresh, "tried", "")


def _ill(views: dict[int, View], snapshot: Snapshot, version: int) -> frozenset[int]:
    """Those that no rule's group or share is given to. While a fault is common quarantines count for nothing."""
    if version == 1 and snapshot.is_common:
        return frozenset()
    return frozenset(
        [number for number, view in views.items() if not view.probe and _is_kept_away(view, snapshot.is_common)]
    )


def _is_kept_away(view: View, is_common: bool) -> bool:
    return view.breaker != "closed" or (view.is_quarantined and not is_common)


def _leave_ill(found: Filtered, views: dict[int, View], *, is_common: bool, version: int) -> bool:
    """True if nothing was well: then the least ill stay in, since refusing the customer helps nobody; an open breaker
    is the worst, for there creates fail for sure. While a fault is common no quarantine counts."""
    ill: dict[int, str] = {}
    for candidate in found.open:
        view = views.get(candidate.channel_id)
        if view is not None and not view.probe and _is_kept_away(view, is_common):
            ill[candidate.channel_id] = "quarantine" if view.breaker == "closed" else view.breaker
    if not ill:
        return False
    is_alarm = len(ill) == len(found.open)
    if is_alarm:
        if version == 1:
            return True
        least = min(ill.values(), key=ILLNESS.__getitem__)
        ill = {number: word for number, word in ill.items() if word != least}
    for channel_id, word in ill.items():
        found.why[channel_id] = (word, "")
    found.open = [candidate for candidate in found.open if candidate.channel_id not in ill]
    return is_alarm


def _pick(
    policy: Policy, open_: Sequence[Candidate], views: dict[int, View], snapshot: Snapshot, request: Request,
    thrown: Dice,
) -> tuple[str, int, dict[int, Considered]]:  # fmt: skip
    if policy.mode == "order":
        return "order", open_[0].channel_id, {}
    if policy.mode == "weights":
        so_far = list(accumulate(candidate.weight for candidate in open_))
        if so_far[-1] <= 0:
            return "order", open_[0].channel_id, {}
        at = bisect_right(so_far, thrown.uniform() * so_far[-1], 0, len(open_) - 1)
        return "weights", open_[at].channel_id, {}
    is_floor = thrown.uniform() < (policy.common_spread if snapshot.is_common else policy.floor)
    scored: dict[int, Considered] = {}
    best, best_score = open_[0], -math.inf
    for candidate in open_:
        view = views.get(candidate.channel_id) or View(candidate.channel_id)
        one = scored[candidate.channel_id] = _score(policy, candidate, view, snapshot, request, thrown)
        if one.score > best_score:
            best, best_score = candidate, one.score
    if is_floor:  # those on probation are left out: their probes are counted
        well = [c.channel_id for c in open_ if not _on_probation(views.get(c.channel_id)) or snapshot.is_common]
        well = well or list(scored)
        return "floor", well[thrown.index(len(well))], scored
    near = [candidate for candidate in open_ if scored[candidate.channel_id].score >= best_score - policy.tie_band]
    taken = best
    if len(near) > 1:
        taken = min(near, key=lambda one: (_fee(one, request), -scored[one.channel_id].score))
    way = "probe" if _on_probation(views.get(taken.channel_id)) else "score"
    if way == "score" and taken is not best:
        way = "cheaper"
    return way, taken.channel_id, scored


def _on_probation(view: View | None) -> bool:
    return view is not None and (view.breaker != "closed" or view.is_quarantined)


def _score(
    policy: Policy, candidate: Candidate, view: View, snapshot: Snapshot, request: Request, thrown: Dice
) -> Considered:
    """A draw of what is believed of a channel, with what fee, speed and target are worth."""
    won, lost, down = view.won, view.lost, view.down
    drawn = thrown.chance(won / policy.spread, lost / policy.spread)
    is_well = thrown.uniform() >= down
    kept = 1 - down * (1 - view.level)
    mean = won / (won + lost) * kept
    if not (view.probe and is_well) and not snapshot.is_common:
        drawn *= kept
    if view.fault:
        drawn *= 1 - view.fault
    score = drawn
    if policy.fee_weight:
        score -= policy.fee_weight * _fee(candidate, request) / max(request.amount_minor, 1)
    if policy.speed_weight:
        score -= policy.speed_weight * view.pay_ms / 60_000
    if candidate.target_minor:
        score += policy.target_weight * _behind(candidate, snapshot)
    return Considered(candidate.channel_id, "", "", mean, drawn, score, _state(view))


def _state(view: View) -> str:
    if view.breaker != "closed":
        return view.breaker
    return "quarantine" if view.is_quarantined else "well"


def _fee(candidate: Candidate, request: Request) -> float:
    return candidate.fee_fixed_minor + request.amount_minor * candidate.fee_ppm / 1_000_000


def _behind(candidate: Candidate, snapshot: Snapshot) -> float:
    """How far a channel is behind the even course to its target of the day: 0 to 1."""
    done = snapshot.usages.get(candidate.channel_id, Usage()).done_minor
    due = candidate.target_minor * minute_of(snapshot.at_ms) / (DAY_MS // 60_000)
    return min(max((due - done) / candidate.target_minor, 0.0), 1.0)


def _unscored(channel_id: int, views: dict[int, View]) -> Considered:
    view = views.get(channel_id) or View(channel_id)
    return Considered(channel_id, mean=view.won / (view.won + view.lost), state=_state(view))


@lru_cache(maxsize=4096)
def _out(channel_id: int, word: str, rule: str) -> Considered:
    """The same for all payments: most say the same of the same channels."""
    return Considered(channel_id, left_out=word, rule=rule)
