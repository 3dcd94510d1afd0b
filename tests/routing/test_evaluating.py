"""Off-policy reports: exact on decisions made by hand, and right where the truth is known."""

from __future__ import annotations

import math
import random

import msgspec
import pytest
from routes import book, candidate, request, snapshot

from kameng.routing import Logged, Policy, Settled, View, always, evaluate, log, replay, target_of, with_propensity

TWO = book(candidate(1), candidate(2), policy=Policy(floor=0.5))
KNOWN = snapshot(View(1, won=80, lost=20), View(2, won=60, lost=40))


def logged(channel_id: int, propensity: float | None) -> Logged:
    made = next(one for seed in range(100) if (one := log(TWO, KNOWN, request(), seed)).choice.channel_id == channel_id)
    return msgspec.structs.replace(made, propensity=propensity)


def test_by_hand() -> None:
    settled = [Settled(logged(1, 0.5), 1.0), Settled(logged(1, 0.25), 0.0), Settled(logged(2, 0.5), 1.0)]
    report = evaluate(settled, always(1))
    assert (report.payments, report.left_out) == (3, 0)
    assert report.logged_mean == pytest.approx(2 / 3)
    assert report.ips == pytest.approx(2 / 3)  # (2 + 0 + 0) / 3
    assert report.snips == pytest.approx(1 / 3)  # 2 / (2 + 4)
    assert report.effective == pytest.approx(36 / 20)
    assert report.snips_error == pytest.approx(math.sqrt((2 * 2 / 3) ** 2 + (4 / 3) ** 2) / 6)


def test_what_nobody_drew_is_left_out() -> None:
    alone = log(book(candidate(1)), KNOWN, request(), 1)
    report = evaluate([Settled(alone, 1.0), Settled(logged(1, None), 1.0)], always(1))
    assert (report.payments, report.left_out, report.effective) == (0, 2, 0.0)
    assert with_propensity(alone, book(candidate(1))).propensity == 1.0


def test_it_tells_what_another_way_would_have_brought() -> None:
    """Channel 1 is paid in 8 of 10, channel 2 in 5; the logged way drew both."""
    rng = random.Random(1)
    settled = []
    for payment in range(1_500):
        made = with_propensity(log(TWO, KNOWN, request(payment_id=payment), payment), TWO, draws=32)
        chance = {1: 0.8, 2: 0.5}[made.choice.channel_id]
        settled.append(Settled(made, float(rng.random() < chance)))
    for channel, chance in ((1, 0.8), (2, 0.5)):
        report = evaluate(settled, always(channel))
        assert report.snips == pytest.approx(chance, abs=3 * report.snips_error)
        assert report.effective > 200
    greedy = book(*TWO.candidates, policy=Policy(floor=0.0))
    assert evaluate(settled, target_of(greedy)).snips == pytest.approx(0.8, abs=0.05)


def test_of_another_revision_nothing_is_replayed() -> None:
    made = log(TWO, KNOWN, request(), 1)
    with pytest.raises(ValueError, match="not the one"):
        replay(made, msgspec.structs.replace(TWO, revision=8))
