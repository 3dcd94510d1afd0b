"""What holds for every choice and every history."""

from __future__ import annotations

import math
import random
import statistics
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from routes import NOON_MS, POOL, book, candidate, request, snapshot

from kameng.routing import (
    OUTCOMES,
    Learner,
    Logged,
    Policy,
    Rule,
    Tried,
    Usage,
    View,
    When,
    choose,
    decode,
    encode,
    explain,
    log,
    replay,
    with_propensity,
)  # fmt: skip
from kameng.routing.drawing import Dice
from kameng.routing.model import FAILED

CHANNELS = st.integers(1, 5)
some = st.sets(CHANNELS).map(lambda found: tuple(sorted(found)))
whens = st.builds(
    When,
    amount_min_minor=st.integers(0, 8_000),
    amount_max_minor=st.none() | st.integers(2_000, 20_000),
    merchants=st.sampled_from([(), (5,)]),
    hours=st.sampled_from([(), ((0, 720),), ((700, 800),)]),
)
rules = st.builds(
    Rule,
    name=st.just("r"),
    act=st.sampled_from(["refuse", "only", "pin", "groups", "split"]),
    when=whens,
    channels=some,
    groups=st.lists(some, max_size=3).map(tuple),
    shares=st.lists(st.tuples(CHANNELS, st.integers(0, 4_000)), max_size=2).map(tuple),
)
candidates = st.builds(
    lambda **fields: fields,
    is_on=st.booleans() | st.just(True),
    takes=whens,
    refuses=st.lists(whens, max_size=1).map(tuple),
    licence_until_ms=st.none() | st.integers(NOON_MS - 1, NOON_MS + 1),
    fee_ppm=st.integers(0, 10_000),
    weight=st.integers(0, 3),
)
books = st.builds(
    lambda fields, found, policy: book(
        *(candidate(n + 1, **each) for n, each in enumerate(fields)), rules=tuple(found), policy=policy
    ),
    st.lists(candidates, min_size=1, max_size=5),
    st.lists(rules, max_size=3),
    st.builds(Policy, mode=st.sampled_from(["smart", "smart", "weights", "order"]), floor=st.sampled_from([0.0, 0.5])),
)
views = st.builds(
    View,
    CHANNELS,
    won=st.floats(0.5, 1e6),
    lost=st.floats(0.5, 1e6),
    down=st.floats(0, 1),
    breaker=st.sampled_from(["closed", "closed", "open", "half_open"]),
    is_quarantined=st.booleans(),
    probe=st.booleans(),
)
snapshots = st.builds(
    lambda found, usages, is_common: snapshot(*found, usages=usages, is_common=is_common),
    st.lists(views, max_size=5, unique_by=lambda view: view.channel_id),
    st.dictionaries(CHANNELS, st.builds(Usage, count_left=st.none() | st.integers(0, 2))),
    st.booleans(),
)
requests = st.builds(
    request,
    payment_id=st.integers(1, 1 << 62),
    amount_minor=st.integers(1, 10_000),
    merchant_id=st.sampled_from([5, 6]),
    tried=st.lists(st.builds(Tried, CHANNELS, st.sampled_from(sorted(OUTCOMES))), max_size=3).map(tuple),
    is_asked_again=st.booleans(),
)
made = given(books, snapshots, requests, st.integers(0, 1 << 62))


@made
def test_the_chosen_one_is_always_among_the_allowed(found: Any, known: Any, asked: Any, seed: int) -> None:
    chosen = choose(found, known, asked, seed)
    allowed = [one.channel_id for one in chosen.considered if not one.left_out]
    assert [one.channel_id for one in chosen.considered] == [one.channel_id for one in found.candidates]
    assert chosen.channel_id in allowed if allowed else chosen.channel_id == 0
    assert len(explain(chosen, "zh")) == len(explain(chosen, "en")) >= len(found.candidates) + 1
    if asked.tried and asked.tried[-1].outcome == "unknown" and not asked.is_asked_again:
        assert chosen.channel_id == 0


@made
def test_health_alone_never_leaves_a_customer_without_a_channel(found: Any, known: Any, asked: Any, seed: int) -> None:
    well = snapshot(usages=known.usages)
    assert (choose(found, known, asked, seed).channel_id == 0) == (choose(found, well, asked, seed).channel_id == 0)


@made
def test_a_logged_decision_can_be_made_again(found: Any, known: Any, asked: Any, seed: int) -> None:
    logged = log(found, known, asked, seed)
    stored = decode(encode(logged))
    assert isinstance(stored, Logged)
    assert stored == logged
    assert replay(stored, found) == logged.choice
    assert 0 < (with_propensity(stored, found, draws=4).propensity or 0) <= 1


happenings = st.lists(
    st.tuples(
        st.integers(1, 40_000),
        st.integers(0, 30),
        st.sampled_from(["began", "began", "began", "ended", "ended", "paid", "aged"]),
        st.integers(1, 3),
        st.sampled_from([*sorted(OUTCOMES), "accepted", "accepted"]),
    ),
    max_size=120,
)


def feed(learner: Learner, happening: Any, at_ms: int) -> None:
    _, attempt, what, channel, outcome = happening
    if what == "began":
        learner.began(at_ms, attempt, channel, POOL)
    elif what == "ended":
        learner.ended(at_ms, attempt, outcome)
    elif what == "paid":
        learner.paid(at_ms, attempt)
    else:
        learner.aged(at_ms)


@given(happenings, st.integers(0, 120))
@settings(max_examples=60)
def test_dumped_and_loaded_it_goes_on_as_if_nothing_had_been(happened: Any, cut: int) -> None:
    one, other, at_ms = Learner(), Learner(), NOON_MS
    for number, happening in enumerate(happened):
        at_ms += happening[0]
        feed(one, happening, at_ms)
        if number == cut:
            other.snapshot(at_ms - 1, POOL, [1, 2, 3])  # whoever looks changes nothing
            other = Learner.load(other.dump())
        feed(other, happening, at_ms)
    assert one.dump() == other.dump()
    known = [learner.snapshot(at_ms + 1, POOL, [1, 2, 3]) for learner in (one, other)]
    assert known[0] == known[1]
    for view in known[0].views:
        assert 0 <= view.down <= 1
        assert view.won > 0
        assert view.lost > 0


@given(st.integers(0, 1 << 30), st.sampled_from([0.0, 0.2, 0.4]), st.integers(2, 5))
@settings(max_examples=15, deadline=None)
def test_a_common_fault_never_shuts_every_channel(seed: int, left: float, channels: int) -> None:
    """Payments go where they are sent; from some moment on hardly any is paid anywhere."""
    rng = random.Random(seed)
    learner, at_ms = Learner(), NOON_MS
    found = book(*map(candidate, range(1, channels + 1)))
    coming: list[tuple[int, int]] = []
    for number in range(500):
        at_ms += 3_000
        while coming and coming[0][0] <= at_ms:
            learner.paid(*coming.pop(0))
        known = learner.snapshot(at_ms, POOL, range(1, channels + 1))
        chosen = choose(found, known, request(payment_id=number), seed + number)
        assert chosen.channel_id
        assert not chosen.is_alarm
        learner.began(at_ms, number, chosen.channel_id, POOL)
        learner.ended(at_ms, number, "accepted")
        if rng.random() < 0.85 * (left if number >= 250 else 1):
            coming.append((at_ms + 10_000, number))


answers = st.lists(
    st.tuples(
        st.integers(0, 1_500),  # until the next begins
        st.integers(1, 9_000),  # until it answers
        st.booleans(),  # whether it is a test
    ),
    min_size=3,
    max_size=25,
)


@given(answers, st.integers(0, 20), st.lists(st.sampled_from(["accepted", *sorted(FAILED), "declined_user"])))
@settings(max_examples=200, deadline=None)
def test_no_create_begins_after_the_second_failure_of_an_outage_was_known(
    creates: Any, dies: int, before: list[str]
) -> None:
    """From some create on all fail; their answers come in any order, among late ones of creates begun before."""
    learner, at_ms = Learner(), NOON_MS
    coming: list[tuple[int, int, str, bool]] = []  # when it is answered, when it began, how, whether it is a test
    known: list[int] = []  # failures of the outage that came back
    died_ms = at_ms * 2
    for number, (wait_ms, took_ms, is_test) in enumerate(creates):
        at_ms += wait_ms + 1
        due = sorted(one for one in coming if one[0] <= at_ms)
        coming = [one for one in coming if one[0] > at_ms]
        for when, began_ms, outcome, was_test in due:
            if was_test:
                learner.tested(when, 1, outcome, began_ms=began_ms)
            else:
                learner.ended(when, began_ms, outcome)
            if began_ms >= died_ms:
                known.append(when)
        learner.aged(at_ms)
        view = learner.snapshot(at_ms, POOL, [1]).views[0]
        if len(known) >= 2:
            assert view.breaker != "closed"
            if not view.probe:
                two = book(candidate(1), candidate(2))
                well = View(2, won=1, lost=99)
                assert choose(two, snapshot(view, well, at_ms=at_ms), request(), number).channel_id == 2
        died_ms = min(died_ms, at_ms) if number >= dies else died_ms
        outcome = "refused_channel" if number >= dies else (before or ["accepted"])[number % max(len(before), 1)]
        if is_test:
            learner.testing(at_ms, 1)
        else:
            learner.began(at_ms, at_ms, 1, POOL)
        coming.append((at_ms + took_ms, at_ms, outcome, is_test))


@made
def test_what_version_1_decided_is_still_made_again(found: Any, known: Any, asked: Any, seed: int) -> None:
    chosen = choose(found, known, asked, seed, version=1)
    stored = decode(encode(Logged(snapshot=known, request=asked, choice=chosen)))
    assert stored.choice.version == 1
    assert replay(stored, found) == chosen
    assert 0 < (with_propensity(stored, found, draws=2).propensity or 0) <= 1


@pytest.mark.parametrize(("won", "lost"), [(8, 2), (60, 10), (30, 30), (800, 100)])
def test_the_dice_draw_chances_of_the_beta_distribution(won: int, lost: int) -> None:
    """Kolmogorov and Smirnov, one in a hundred; of whole counts the distribution is a binomial sum."""
    drawn = sorted(Dice(seed).chance(won, lost) for seed in range(1_000))
    whole = won + lost - 1
    ways = [math.log(math.comb(whole, k)) for k in range(won, whole + 1)]
    off = 0.0
    for place, one in enumerate(drawn):
        yes, no = math.log(one), math.log1p(-one)
        below = sum(math.exp(way + k * yes + (whole - k) * no) for k, way in enumerate(ways, won))
        off = max(off, below - place / 1_000, (place + 1) / 1_000 - below)
    assert off < 1.63 / math.sqrt(1_000)


def test_the_dice_of_neighbouring_channels_and_seeds_are_not_alike() -> None:
    drawn = []
    for seed in range(0, 16_000, 8):  # as payments are numbered by the simulator
        thrown = Dice(seed)
        drawn.append([thrown.chance(60, 10), thrown.uniform(), thrown.chance(60, 10), thrown.uniform()])
    columns = [list(column) for column in zip(*drawn, strict=True)]
    for at, one in enumerate(columns):
        assert abs(statistics.correlation(one[1:], one[:-1])) < 0.08
        for other in columns[:at]:
            assert abs(statistics.correlation(one, other)) < 0.08
