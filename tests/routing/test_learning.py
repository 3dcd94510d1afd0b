"""The learner, fed by hand: breaker, levels, grey outages, faults that are everybody's."""

from __future__ import annotations

import pytest
from routes import NOON_MS, POOL, Feed, book, request, snapshot

from kameng.channels import Outcome
from kameng.routing import CASCADE_AFTER, OUTCOMES, Learner, View, choose
from kameng.routing.breaking import Breaker


def test_outcomes_are_those_of_channels() -> None:
    assert set(OUTCOMES) == set(Outcome)
    assert set(Outcome) > CASCADE_AFTER
    assert "unknown" not in CASCADE_AFTER


@pytest.mark.parametrize("outcome", ["refused_channel", "unknown"])
def test_the_second_failure_in_a_row_opens(outcome: str) -> None:
    feed = Feed()
    feed.create(1, outcome)
    assert feed.view(1).breaker == "closed"
    feed.create(1, outcome)
    assert feed.view(1).breaker == "open"
    assert feed.told() == [("opened", 1)]
    taken = {choose(book(), snapshot(feed.view(1)), request(), seed).channel_id for seed in range(200)}
    assert taken == {2, 3}


def test_three_close_together_open_too_and_two_far_apart_do_not() -> None:
    feed = Feed()
    for outcome in ("unknown", "accepted", "unknown"):
        feed.create(1, outcome)
    assert feed.view(1).breaker == "closed"
    feed.create(1, "unknown")
    assert feed.view(1).breaker == "open"
    for outcome in ("unknown", *["accepted"] * 10, "unknown"):
        feed.create(2, outcome)
    assert feed.view(2).breaker == "closed"


@pytest.mark.parametrize("outcome", ["declined_user", "rate_limited"])
def test_the_customers_fault_is_not_the_channels(outcome: str) -> None:
    feed = Feed()
    for _ in range(50):
        feed.create(1, outcome)
    feed.wait(100_000)
    assert feed.view(1) == View(
        1, pay_ms=0.0, probe=feed.view(1).probe, down=feed.view(1).down, level=feed.view(1).level
    )
    assert feed.told() == []


def test_our_own_fault_opens_at_once_and_for_long() -> None:
    feed = Feed()
    feed.create(1, "refused_config")
    assert feed.view(1).breaker == "open"
    feed.wait(239_999)
    assert feed.view(1).breaker == "open"
    feed.wait(1)
    assert feed.view(1).breaker == "half_open"


def test_half_open_probes_one_each_fifteen_seconds_and_two_successes_close() -> None:
    feed = Feed()
    feed.create(1, "unknown")
    feed.create(1, "unknown")
    opened_ms = feed.at_ms
    for _ in range(9):
        feed.create(2, every_ms=100)
    feed.wait(opened_ms + 29_999 - feed.at_ms)
    assert (feed.view(1).breaker, feed.view(1).probe) == ("open", False)
    feed.wait(1)
    assert (feed.view(1).breaker, feed.view(1).probe) == ("half_open", False)  # nine went elsewhere, ten have to
    feed.create(2, every_ms=0)
    assert (feed.view(1).breaker, feed.view(1).probe) == ("half_open", True)
    feed.create(1, every_ms=0)
    assert (feed.view(1).breaker, feed.view(1).probe) == ("half_open", False)
    assert choose(book(), snapshot(feed.view(1)), request(), 1).considered[0].left_out == "half_open"
    for _ in range(10):
        feed.create(2, every_ms=0)
    feed.wait(12_799)
    assert not feed.view(1).probe
    feed.wait(1)
    assert feed.view(1).probe
    feed.create(1, every_ms=0)
    assert feed.view(1).breaker == "closed"
    assert feed.told() == [("opened", 1), ("closed", 1)]


def test_a_probe_that_fails_opens_for_twice_as_long() -> None:
    feed = Feed()
    feed.create(1, "unknown")
    feed.create(1, "unknown")
    opens_ms = []
    for _ in range(5):
        breaker = feed.learner.state.breakers[1]
        opens_ms.append(breaker.open_ms)
        feed.wait(breaker.open_ms)
        feed.create(1, "refused_channel", every_ms=0)
    assert opens_ms == [30_000, 60_000, 120_000, 240_000, 240_000]


def test_what_was_begun_before_it_opened_is_no_probe() -> None:
    breaker = Breaker()
    breaker.failed(1_000, began_ms=1)
    breaker.failed(1_001, began_ms=2)
    breaker.succeeded(31_001, began_ms=900)
    breaker.succeeded(31_002, began_ms=901)
    assert breaker.state(31_001) == "half_open"
    breaker.failed(31_003, began_ms=902)
    assert breaker.state(31_003) == "half_open"


def test_a_success_of_before_does_not_excuse_a_failure() -> None:
    breaker = Breaker()
    breaker.failed(1_000, began_ms=900)
    breaker.succeeded(1_100, began_ms=800)
    breaker.failed(1_200, began_ms=1_000)
    assert breaker.state(1_200) == "open"


def test_who_fails_again_soon_stays_open_longer() -> None:
    breaker = Breaker()
    for at_ms in (1_000, 1_001):
        breaker.failed(at_ms, began_ms=at_ms)
    for at_ms in (40_000, 56_000):
        breaker.succeeded(at_ms, began_ms=at_ms)
    for at_ms in (60_000, 60_001):
        breaker.failed(at_ms, began_ms=at_ms)
    assert breaker.open_ms == 60_000


def test_a_create_that_hangs_is_a_failure_until_it_answers() -> None:
    learner = Learner()
    for attempt in (1, 2):
        learner.began(NOON_MS, attempt, 1, POOL)
    assert learner.snapshot(NOON_MS + 1_999, POOL, [1]).views[0].breaker == "closed"
    assert learner.snapshot(NOON_MS + 2_000, POOL, [1]).views[0].breaker == "open"
    learner.ended(NOON_MS + 4_000, 1, "unknown")  # is not counted a second time
    assert learner.state.breakers[1].score == pytest.approx(6.8)
    slow = Learner()
    slow.began(NOON_MS, 1, 1, POOL)
    slow.ended(NOON_MS + 3_000, 1, "accepted")
    assert slow.state.breakers[1].score == 0.0


def test_a_level_is_learned_at_a_fixed_age_and_late_money_mends_it() -> None:
    feed = Feed()
    feed.create(1, is_paid=True)
    feed.create(1)
    feed.wait(74_900)
    before = feed.view(1)
    # Of the first channel of a pool nothing is known: a result counts for now, and for the memory of its level.
    assert (before.won, before.lost) == (pytest.approx(6, abs=0.1), pytest.approx(1, abs=0.1))
    feed.wait(5_000)
    unpaid = feed.view(1)
    assert unpaid.lost == pytest.approx(3, abs=0.1)
    feed.learner.paid(feed.at_ms, 2)
    mended = feed.view(1)
    assert mended.lost == pytest.approx(1, abs=0.05)
    assert mended.won > unpaid.won + 1.8
    feed.learner.paid(feed.at_ms, 2)
    assert feed.view(1) == mended


def test_a_grey_outage_is_quarantined_and_recovery_let_out_by_probes() -> None:
    feed = Feed()
    feed.many(1, 300, paid=8)
    feed.many(2, 20, paid=8)
    feed.told()
    began_ms = feed.at_ms
    while not feed.view(1).is_quarantined:
        feed.create(1)
        assert feed.at_ms - began_ms < 150_000
    assert feed.told() == [("quarantined", 1)]
    normal = feed.view(1)
    assert normal.won / (normal.won + normal.lost) > 0.75  # its level is remembered
    assert normal.probe is False
    assert {choose(book(), snapshot(feed.view(1)), request(), s).channel_id for s in range(100)} == {2, 3}
    probes = 0
    while feed.view(1).is_quarantined:
        feed.many(2, 8, paid=8)
        if feed.view(1).probe:
            feed.create(1, is_paid=True)
            probes += 1
        assert probes < 15
    assert feed.told() == [("released", 1)]


def test_probes_are_bounded_in_time_and_in_traffic() -> None:
    feed = Feed()
    feed.create(1)
    feed.wait(60_000)
    assert not feed.view(1).probe  # no payment went elsewhere meanwhile
    for _ in range(33):
        feed.create(2, every_ms=100)
    assert not feed.view(1).probe
    feed.create(2, every_ms=100)
    assert feed.view(1).probe
    feed.create(1)
    for _ in range(100):
        feed.create(2, every_ms=100)
    assert feed.at_ms - feed.learner.state.pools[POOL].levels[1].probed_ms < 60_000
    assert not feed.view(1).probe


def test_a_channel_that_moved_for_good_is_taken_as_it_is() -> None:
    feed = Feed()
    feed.many(2, 100, paid=5)
    feed.many(1, 300, paid=9)
    while not feed.view(1).is_quarantined:
        feed.many(1, 1, paid=0)
    feed.told()
    for number in range(100):
        if feed.view(1).is_quarantined:
            feed.create(1, is_paid=number % 9 < 4)
    assert feed.told()[0] == ("rebased", 1)
    view = feed.view(1)
    assert 0.3 < view.won / (view.won + view.lost) < 0.7


def test_a_change_of_leader_is_no_fault() -> None:
    """Its successes stop at once and its failures keep coming: whoever counts as they come is deceived."""
    feed = Feed()
    for channel in (1, 2):
        feed.many(channel, 400, paid=8, every_ms=500)
        feed.wait(60_000)
    feed.wait(300_000)
    assert feed.told() == []


def test_a_bank_is_learned_apart_where_there_is_enough() -> None:
    learner = Learner()
    at_ms = NOON_MS
    for number in range(1_200):
        at_ms += 1_000
        bank = "ICBC" if number % 2 else "CCB"
        learner.began(at_ms, number, 1, POOL, bank)
        learner.ended(at_ms, number, "accepted")
        if bank == "ICBC" or number % 10 == 0:
            learner.paid(at_ms, number)

    def mean(bank: str) -> float:
        view = learner.snapshot(at_ms, POOL, [1], detail=bank).views[0]
        return view.won / (view.won + view.lost)

    assert mean("ICBC") > 0.9
    assert mean("CCB") < 0.4
    assert mean("ABC") == mean("")


def test_repeats_and_strangers_change_nothing() -> None:
    feed = Feed()
    feed.create(1, is_paid=True)
    feed.wait(6_000)
    before = feed.learner.dump()
    feed.learner.ended(feed.at_ms, 1, "unknown")
    feed.learner.paid(feed.at_ms, 1)
    feed.learner.paid(feed.at_ms, 12_345)
    feed.learner.ended(feed.at_ms, 12_345, "accepted")
    assert feed.learner.dump() == before


def test_what_is_long_over_is_forgotten() -> None:
    feed = Feed()
    feed.many(1, 30)
    assert len(feed.learner.state.flights) == 30
    feed.wait(900_001)
    assert feed.learner.state.flights == {}
    assert feed.learner.state.due == []


def test_a_create_hangs_by_the_channels_own_pace() -> None:
    feed = Feed()
    assert feed.learner.hangs_after(1) == 2_000
    for _ in range(20):
        feed.create(1)
    assert feed.learner.hangs_after(1) == 1_000  # all took 200 ms
    breaker = Breaker()
    for number in range(400):
        breaker.took(900 + 100 * (number % 2))
    assert breaker.hangs_after(1_000, 2_000) == pytest.approx(950 + 8 * 50, abs=30)


def test_a_first_failure_is_to_be_tested_once_and_a_test_that_fails_opens() -> None:
    feed = Feed()
    feed.create(1)
    assert feed.learner.take_suspects(feed.at_ms) == []
    feed.create(1, "refused_channel")
    assert feed.view(1).fault > 0
    assert feed.learner.take_suspects(feed.at_ms) == [1]
    assert feed.learner.take_suspects(feed.at_ms) == []
    feed.learner.testing(feed.at_ms, 1)
    began_ms = feed.at_ms
    feed.wait(1_999)
    assert feed.view(1).breaker == "closed"
    feed.wait(1)  # it hangs as a customer's would
    assert feed.view(1).breaker == "open"
    feed.wait(2_000)
    feed.learner.tested(feed.at_ms, 1, "unknown", began_ms=began_ms)
    assert feed.learner.state.breakers[1].open_ms == 30_000


def test_a_test_that_is_accepted_ends_the_suspicion_and_three_bring_a_channel_back() -> None:
    feed = Feed()
    feed.create(1, "refused_channel")
    feed.learner.tested(feed.at_ms + 300, 1, "accepted", began_ms=feed.at_ms + 1)
    assert feed.view(1).fault == 0.0
    feed.wait(5_000)
    for _ in range(2):
        feed.create(1, "refused_channel")
    feed.wait(30_000)
    taken = []
    for _ in range(3):
        taken.append((feed.view(1).breaker, feed.learner.take_suspects(feed.at_ms)))
        feed.learner.testing(feed.at_ms, 1)
        feed.wait(300)
        feed.learner.tested(feed.at_ms, 1, "accepted", began_ms=feed.at_ms - 300)
    # The first by the clock, each other as soon as the one before was accepted.
    assert taken == [("half_open", []), ("half_open", [1]), ("half_open", [1])]
    assert feed.view(1).breaker == "closed"


def test_if_all_are_ill_an_open_breaker_is_the_last_resort() -> None:
    known = snapshot(View(1, breaker="open"), View(2, breaker="half_open"), View(3, breaker="open"))
    chosen = [choose(book(), known, request(), seed) for seed in range(100)]
    assert {(one.channel_id, one.is_alarm, one.way) for one in chosen} == {(2, True, "only")}
    assert [one.left_out for one in chosen[0].considered] == ["open", "", "open"]
    before = [choose(book(), known, request(), seed, version=1) for seed in range(100)]
    assert {one.channel_id for one in before} == {1, 2, 3}
