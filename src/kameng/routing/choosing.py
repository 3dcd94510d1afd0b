"""Which channel takes a payment: a pure function of what was known, what was asked, and a seed.

Filter by rules; leave out what is ill; draw each channel's chance of success from what was learned of it; the largest
wins, in a narrow band the cheaper one. The same arguments give the same choice, today and in a year.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import msgspec

from kameng.routing import filtering
from kameng.routing.filtering import DAY_MS, Filtered, minute_of
from kameng.routing.model import (
    CASCADE_AFTER,
    TRIES_MAX,
    VERSION,
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


def choose(book: Book, snapshot: Snapshot, request: Request, seed: int) -> Choice:
    """``channel_id`` 0 if there is none; ``considered`` says why, channel by channel."""
    rng = random.Random(seed)
    views = {view.channel_id: view for view in snapshot.views}
    found = filtering.apply(book, request, snapshot)
    _leave_tried(found, request)
    ill = frozenset() if snapshot.is_common else frozenset(c for c, view in views.items() if _is_ill(view))
    filtering.steer(found, book, request, snapshot, ill)
    is_alarm = False
    if found.way != "pin":
        is_alarm = _leave_ill(found, views, is_common=snapshot.is_common)
    scored: dict[int, Considered] = {}
    way, channel_id = found.way, 0
    is_learned = False
    if len(found.open) == 1:
        channel_id = found.open[0].channel_id
        way = way or "only"
    elif found.open:
        is_learned = book.policy.mode == "smart"
        way, channel_id, scored = _pick(book.policy, found.open, views, snapshot, request, rng)
    return Choice(
        channel_id=channel_id,
        way=way or "none",
        considered=tuple(_considered(candidate, found, views, scored) for candidate in book.candidates),
        rule="" if found.rule is None else found.rule.name,
        is_alarm=is_alarm,
        is_learned=is_learned,
        seed=seed,
        revision=book.revision,
    )


def log(book: Book, snapshot: Snapshot, request: Request, seed: int) -> Logged:
    """A choice, with what it takes to make it again."""
    return Logged(snapshot=snapshot, request=request, choice=choose(book, snapshot, request, seed))


def replay(logged: Logged, book: Book) -> Choice:
    """The choice made again; equal to the logged one, else somebody changed something. ``ValueError`` for a decision
    of another revision or version."""
    if (logged.choice.revision, logged.choice.version) != (book.revision, VERSION):
        raise ValueError("the book or the way of choosing is not the one this was decided by")
    return choose(book, logged.snapshot, logged.request, logged.choice.seed)


def with_propensity(logged: Logged, book: Book, *, draws: int = DRAWS) -> Logged:
    """How likely the choice was, by drawing it again with other seeds: off the way of a payment. The floor makes it
    positive for every channel that was well; half a draw is added for the one that was chosen."""
    choice = logged.choice
    if not choice.is_learned:
        return msgspec.structs.replace(logged, propensity=1.0)
    same = sum(
        choose(book, logged.snapshot, logged.request, choice.seed * DRAWS + 1 + draw).channel_id == choice.channel_id
        for draw in range(draws)
    )
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


def _is_ill(view: View) -> bool:
    return not view.probe and (view.breaker != "closed" or view.is_quarantined)


def _leave_ill(found: Filtered, views: dict[int, View], *, is_common: bool) -> bool:
    """True if nothing was well: then all stay in, since refusing the customer helps nobody. While a fault is common
    no quarantine counts, and open breakers only while others are closed."""
    ill: dict[int, str] = {}
    for candidate in found.open:
        view = views.get(candidate.channel_id)
        if view is None or view.probe:
            continue
        if view.breaker != "closed":
            ill[candidate.channel_id] = view.breaker
        elif view.is_quarantined and not is_common:
            ill[candidate.channel_id] = "quarantine"
    if len(ill) == len(found.open):
        return bool(ill)
    for channel_id, word in ill.items():
        found.why[channel_id] = (word, "")
    found.open = [candidate for candidate in found.open if candidate.channel_id not in ill]
    return False


def _pick(
    policy: Policy, open_: Sequence[Candidate], views: dict[int, View], snapshot: Snapshot, request: Request,
    rng: random.Random,
) -> tuple[str, int, dict[int, Considered]]:  # fmt: skip
    if policy.mode == "order":
        return "order", open_[0].channel_id, {}
    if policy.mode == "weights":
        weights = [candidate.weight for candidate in open_]
        if sum(weights) <= 0:
            return "order", open_[0].channel_id, {}
        return "weights", rng.choices(open_, weights)[0].channel_id, {}
    is_floor = rng.random() < (policy.common_spread if snapshot.is_common else policy.floor)
    scored: dict[int, Considered] = {}
    for candidate in open_:
        view = views.get(candidate.channel_id) or View(candidate.channel_id)
        scored[candidate.channel_id] = _score(policy, candidate, view, snapshot, request, rng)
    if is_floor:  # those on probation are left out: their probes are counted
        well = [c.channel_id for c in open_ if not _on_probation(views.get(c.channel_id)) or snapshot.is_common]
        return "floor", rng.choice(well or list(scored)), scored
    best = max(scored.values(), key=lambda one: one.score)
    near = [candidate for candidate in open_ if scored[candidate.channel_id].score >= best.score - policy.tie_band]
    taken = min(near, key=lambda one: (_fee(one, request), -scored[one.channel_id].score))
    way = "probe" if _on_probation(views.get(taken.channel_id)) else "score"
    if way == "score" and taken.channel_id != best.channel_id:
        way = "cheaper"
    return way, taken.channel_id, scored


def _on_probation(view: View | None) -> bool:
    return view is not None and (view.breaker != "closed" or view.is_quarantined)


def _score(
    policy: Policy, candidate: Candidate, view: View, snapshot: Snapshot, request: Request, rng: random.Random
) -> Considered:
    """A draw of what is believed of a channel, with what fee, speed and target are worth."""
    spread = policy.spread
    drawn = rng.betavariate(view.won / spread, view.lost / spread)
    is_well = rng.random() >= view.down
    mean = view.won / (view.won + view.lost) * (1 - view.down * (1 - view.level))
    if not (view.probe and is_well) and not snapshot.is_common:
        drawn *= 1 - view.down * (1 - view.level)
    score = drawn
    if policy.fee_weight:
        score -= policy.fee_weight * _fee(candidate, request) / max(request.amount_minor, 1)
    if policy.speed_weight:
        score -= policy.speed_weight * view.pay_ms / 60_000
    if candidate.target_minor:
        score += policy.target_weight * _behind(candidate, snapshot)
    return Considered(candidate.channel_id, mean=mean, drawn=drawn, score=score, state=_state(view))


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


def _considered(
    candidate: Candidate, found: Filtered, views: dict[int, View], scored: dict[int, Considered]
) -> Considered:
    channel_id = candidate.channel_id
    if channel_id in found.why:
        word, rule = found.why[channel_id]
        return Considered(channel_id, left_out=word, rule=rule)
    if channel_id in scored:
        return scored[channel_id]
    view = views.get(channel_id) or View(channel_id)
    return Considered(channel_id, mean=view.won / (view.won + view.lost), state=_state(view))
