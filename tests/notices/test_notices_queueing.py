"""An endpoint's queue: order, superseding, cursors, pauses. Pure, so time is what a test says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from kameng.notices.model import PAUSE_AFTER, PROBE_S, RETRY_S, Endpoint, Event, Outcome
from kameng.notices.queueing import ROOM_MAX, Item, Queue, Stream

NOW = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
GOOD, BAD, GONE = Outcome(200, 3), Outcome(500, 3, "HTTP 500"), Outcome(410, 3, "HTTP 410")


def whole(attempts: int, waits_s: tuple[int, ...] = RETRY_S) -> float:
    """The waits without their chance."""
    return waits_s[min(attempts, len(waits_s)) - 1]


def queue(*kinds: str) -> Queue:
    return Queue(
        Endpoint(1, 2, "", "https://a.example/", kinds, "active", "", 1, NOW, 100, 0, None, None)
    )


def event(event_id: int, subject_id: int, sequence: int = 1, kind: str = "order.delivered") -> Event:
    return Event(event_id, 2, subject_id, sequence, kind, NOW)


def taken(some: Queue, now: datetime = NOW) -> list[Item]:
    return list(some.take(now))


def ids_of(items: list[Item]) -> list[int]:
    return [item.event.event_id for item in items]


def back(some: Queue, item: Item, outcome: Outcome, now: datetime = NOW) -> None:
    some.returned(item, outcome, now, whole)


def test_events_go_out_in_order_and_the_cursor_follows_without_a_gap() -> None:
    some = queue()
    for number in (101, 102, 103):
        some.offer(event(number, number), some.live)
    first, second, third = taken(some)
    back(some, third, GOOD)
    back(some, second, GOOD)
    assert some.live.cursor_id == 100
    back(some, first, GOOD)
    assert some.live.cursor_id == 103
    assert (some.late, some.changed_rows, [x.outcome.status for x in some.log]) == ({}, set(), [200, 200, 200])


def test_one_event_of_a_subject_flies_at_a_time() -> None:
    some = queue()
    some.offer(event(101, 7, 1), some.live)
    (first,) = taken(some)
    some.offer(event(102, 7, 2), some.live)
    assert taken(some) == []
    back(some, first, GOOD)
    assert ids_of(taken(some)) == [102]


def test_a_later_event_takes_the_place_of_one_that_waits() -> None:
    some = queue()
    some.offer(event(101, 7, 1), some.live)
    some.offer(event(102, 7, 2), some.live)
    (only,) = taken(some)
    assert only.event.event_id == 102
    back(some, only, GOOD)
    assert some.live.cursor_id == 102


def test_an_older_event_never_comes_after_a_newer_one() -> None:
    """A replay of what was overtaken meanwhile is settled and not sent."""
    some = queue()
    some.offer(event(105, 7, 3), some.live)
    again = Stream(100, until_id=101, replay_id=9)
    some.offer(event(101, 7, 1), again)
    assert ids_of(taken(some)) == [105]
    assert again.is_through


def test_a_failure_that_was_overtaken_is_not_tried_again() -> None:
    some = queue()
    some.offer(event(101, 7, 1), some.live)
    (first,) = taken(some)
    some.offer(event(102, 7, 2), some.live)
    back(some, first, BAD)
    assert (some.late, some.live.cursor_id) == ({}, 101)
    assert ids_of(taken(some)) == [102]


def test_a_failure_waits_as_a_row_and_the_cursor_passes_it() -> None:
    some = queue()
    some.offer(event(101, 7), some.live)
    some.offer(event(102, 8), some.live)
    first, second = taken(some)
    back(some, first, BAD)
    back(some, second, GOOD)
    assert (some.live.cursor_id, some.changed_rows, list(some.late)) == (102, {7}, [7])
    assert taken(some, NOW + timedelta(seconds=4)) == []
    (again,) = taken(some, NOW + timedelta(seconds=5))
    assert (again.event.event_id, again.attempts) == (101, 2)
    some.changed_rows.clear()
    back(some, again, GOOD)
    assert (some.late, some.changed_rows) == ({}, {7})


def test_a_later_event_takes_the_place_of_a_late_one() -> None:
    some = queue()
    some.offer(event(101, 7, 1), some.live)
    back(some, taken(some)[0], BAD)
    some.offer(event(102, 7, 2), some.live)
    assert (some.late, ids_of(taken(some))) == ({}, [102])


def test_ten_failures_in_a_row_pause_and_one_probe_wakes() -> None:
    some = queue()
    for number in range(101, 101 + 2 * ROOM_MAX):
        some.offer(event(number, number), some.live)
    now, sent = NOW, 0
    while some.paused_until is None:
        for item in taken(some, now):
            back(some, item, BAD, now)
            sent += 1
    assert sent == ROOM_MAX
    probes = sent - PAUSE_AFTER + 1
    assert some.paused_until == NOW + timedelta(seconds=whole(probes, PROBE_S))
    assert taken(some, some.paused_until - timedelta(seconds=1)) == []
    now = some.paused_until
    (probe,) = taken(some, now)
    assert taken(some, now + timedelta(hours=1)) == []
    back(some, probe, BAD, now)
    assert some.paused_until == now + timedelta(seconds=PROBE_S[-1])
    now = some.paused_until
    (probe,) = taken(some, now)
    back(some, probe, GOOD, now)
    assert (some.paused_until, some.failures, some.failing_since) == (None, 0, None)
    assert len(taken(some, now)) == 2  # from one at a time up again, one more with each that goes well


def test_what_fails_for_three_days_is_dead_where_the_endpoint_works() -> None:
    some = queue()
    some.offer(event(101, 7), some.live)
    item, now = taken(some)[0], NOW
    back(some, item, BAD, now)
    for _ in range(20):
        if some.dead:
            break
        now = max(now, some.late[7].next_at or now)
        back(some, taken(some, now)[0], BAD, now)
        some.failures, some.failing_since = 0, None  # others are delivered meanwhile
    assert [x.event_id for x in some.dead] == [101]
    assert now - NOW == timedelta(seconds=sum(RETRY_S[:9]))
    assert (some.late, some.changed_rows) == ({}, {7})


def test_410_and_three_days_of_failures_end_an_endpoint() -> None:
    some = queue()
    some.offer(event(101, 7), some.live)
    back(some, taken(some)[0], GONE)
    assert some.ends_as == "gone"
    assert taken(some, NOW + timedelta(days=1)) == []
    some = queue()
    some.offer(event(101, 7), some.live)
    back(some, taken(some)[0], BAD)
    later = NOW + timedelta(days=3)
    back(some, taken(some, later)[0], BAD, later)
    assert some.ends_as == "failing"


def test_kinds_that_are_not_wanted_are_passed() -> None:
    some = queue("order.delivered", "price.*")
    for number, kind in ((101, "order.refunded"), (102, "price.changed"), (103, "order.delivered"), (104, "prices.x")):
        some.offer(event(number, number, kind=kind), some.live)
    items = taken(some)
    assert ids_of(items) == [102, 103]
    for item in items:
        back(some, item, GOOD)
    assert some.live.cursor_id == 104


@given(st.lists(st.tuples(st.integers(1, 4), st.sampled_from(["read", "good", "bad", "later"])), max_size=60))
def test_laws_of_the_queue(steps: list[tuple[int, str]]) -> None:
    """Of each subject one flies; sequences sent never fall; whatever the cursor passed was delivered, overtaken or is
    late; in the end everybody's newest event arrives."""
    some, now = queue(), NOW
    sequences, sent, delivered = dict.fromkeys(range(1, 5), 0), dict.fromkeys(range(1, 5), 0), {}
    next_id = 101
    flying: list[Item] = []

    def send() -> None:
        for item in taken(some, now):
            subject_id, sequence = item.event.subject_id, item.event.sequence
            assert subject_id not in {x.event.subject_id for x in flying}
            assert sequence >= sent[subject_id]
            sent[subject_id] = sequence
            flying.append(item)

    def answer(item: Item, outcome: Outcome) -> None:
        flying.remove(item)
        back(some, item, outcome, now)
        if outcome is GOOD:
            delivered[item.event.subject_id] = item.event.sequence

    for subject_id, step in steps:
        if step == "read":
            sequences[subject_id] += 1
            some.offer(event(next_id, subject_id, sequences[subject_id]), some.live)
            next_id += 1
        elif step == "later":
            now += timedelta(hours=1)
        elif flying:
            answer(flying[subject_id % len(flying)], GOOD if step == "good" else BAD)
        send()
    for _ in range(400):
        now += timedelta(minutes=10)
        some.ends_as = ""
        send()
        for item in list(flying):
            answer(item, GOOD)
    assert delivered == {subject_id: sequence for subject_id, sequence in sequences.items() if sequence}
    assert some.live.cursor_id == next_id - 1
    assert (some.waiting, some.late, some.flying) == ({}, {}, {})
