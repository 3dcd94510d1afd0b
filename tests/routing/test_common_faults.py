"""Faults that are everybody's: how they are told from one channel's, and what ends them."""

from __future__ import annotations

import pytest
from routes import POOL, Feed, book, request

from kameng.routing import choose


def test_a_common_fault_quarantines_nobody_and_teaches_nothing() -> None:
    feed = Feed()
    for _ in range(60):
        for channel in (1, 2, 3):
            feed.create(channel, is_paid=feed.attempt % 10 < 8, every_ms=1_000)
    feed.told()
    while not feed.learner.state.pools[POOL].common_ms:
        for channel in (1, 2, 3):
            feed.create(channel, every_ms=1_000)
    assert ("common", 0) in feed.told()
    known = feed.learner.snapshot(feed.at_ms, POOL, [1, 2, 3])
    assert known.is_common
    chosen = [choose(book(), known, request(), seed) for seed in range(300)]
    assert {one.channel_id for one in chosen} == {1, 2, 3}
    assert {one.left_out for choice in chosen for one in choice.considered} == {""}
    levels = [view.won / (view.won + view.lost) for view in known.views]
    feed.wait(80_000)
    for _ in range(100):
        feed.create(1, every_ms=1_000)
    feed.wait(80_000)
    after = feed.learner.snapshot(feed.at_ms, POOL, [1, 2, 3])
    assert [view.won / (view.won + view.lost) for view in after.views] == pytest.approx(levels, abs=0.02)
    for _ in range(30):
        for channel in (1, 2, 3):
            feed.create(channel, is_paid=True, every_ms=1_000)
    assert ("common_over", 0) in feed.told()


def in_a_common_fault() -> Feed:
    """Of three channels the third was hardly used before the fault, and not in it."""
    feed = Feed()
    for number in range(600):
        feed.create(3 if number % 20 == 15 else 1 + number % 2, is_paid=number % 10 < 8, every_ms=1_000)
    while not feed.learner.state.pools[POOL].common_ms:
        for channel in (1, 2):
            feed.create(channel, every_ms=1_000)
    assert not feed.view(3).is_quarantined
    feed.told()
    return feed


def test_a_little_luck_in_a_common_fault_does_not_end_it() -> None:
    """Two of five are paid, half as many as ever: who looked well before has three payments soon, by chance."""
    feed = in_a_common_fault()
    for number in range(60):
        feed.create(3, is_paid=number % 5 < 2, every_ms=1_000)
    assert feed.told() == [("quarantined", 3)]
    assert feed.learner.snapshot(feed.at_ms, POOL, [1]).is_common


def test_money_of_before_a_common_fault_does_not_end_it() -> None:
    feed = Feed()
    for number in range(600):
        feed.create(1 + number % 2, is_paid=number % 10 < 8, every_ms=1_000)
    for _ in range(12):
        feed.create(3, every_ms=200)
    late = list(range(feed.attempt - 11, feed.attempt + 1))
    while not feed.learner.state.pools[POOL].common_ms:
        for channel in (1, 2):
            feed.create(channel, every_ms=1_000)
    feed.told()
    for attempt in late:
        feed.learner.paid(feed.at_ms, attempt)
    feed.wait(60_000)
    assert ("common_over", 0) not in feed.told()


def test_one_channel_that_is_well_means_that_the_fault_is_not_everybodys() -> None:
    feed = Feed()
    for _ in range(60):
        for channel in (1, 2, 3):
            feed.create(channel, is_paid=feed.attempt % 10 < 8, every_ms=1_000)
    for _ in range(80):
        for channel in (1, 2, 3):
            feed.create(channel, is_paid=channel == 3, every_ms=1_000)
    assert {what for what, _ in feed.told()} == {"quarantined"}
    assert [feed.view(channel).is_quarantined for channel in (1, 2, 3)] == [True, True, False]
