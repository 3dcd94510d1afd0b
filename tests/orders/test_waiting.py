"""Who is served next and who may still wait: pure."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from kameng import orders
from kameng.orders import Wish
from kameng.orders.waiting import BULK_ROWS_MAX, PROVE_MAX, Ticket, Waiting

ANSWER = cast("asyncio.Future[Any]", None)  # nobody is answered here


def ticket(ref: str, group: int = 0) -> Ticket:
    wish = Wish(cast("Any", None), cast("Any", None), "127.0.0.1", ref, b"", b"", 1, 1, group=group)
    return Ticket(wish, ANSWER, 0.0)


def tickets(kind: str, count: int, group: int = 0) -> list[Ticket]:
    return [ticket(f"{kind}{n}", group) for n in range(count)]


def waiting(*, batch_max: int = 8, target_s: float = 0.2, rate: float = 0.001, proofs: float = 0.001) -> Waiting:
    """A lane that is so slow, unless told otherwise, that only what fits into the next batch may wait."""
    made = Waiting(batch_max=batch_max, target_s=target_s)
    made.orders.rate, made.proofs.rate = rate, proofs
    return made


def with_singles(made: Waiting, count: int) -> Waiting:
    for single in tickets("s", count):
        made.add(single)
    return made


def refs(batch: list[Ticket]) -> list[str]:
    return [one.wish.client_ref for one in batch]


def test_singles_alone_fill_a_batch_in_their_order() -> None:
    made = with_singles(waiting(), 11)
    assert refs(made.next_batch()) == [f"s{n}" for n in range(8)]
    assert refs(made.next_batch()) == ["s8", "s9", "s10"]
    assert refs(made.next_batch()) == []


def test_rows_take_half_of_each_batch_while_singles_wait_and_all_of_it_when_none_do() -> None:
    made = with_singles(waiting(), 10)
    made.add_many(tickets("b", 22))
    assert refs(made.next_batch()) == ["b0", "b1", "b2", "b3", "s0", "s1", "s2", "s3"]
    assert refs(made.next_batch()) == ["b4", "b5", "b6", "b7", "s4", "s5", "s6", "s7"]
    assert refs(made.next_batch()) == ["b8", "b9", "b10", "b11", "s8", "s9"]  # no whole chunk fits
    assert refs(made.next_batch()) == [f"b{n}" for n in range(12, 20)]
    with_singles(made, 1)
    assert refs(made.next_batch()) == ["b20", "b21", "s0"]
    assert len(made) == 0


def test_5000_rows_are_chunks_of_256_and_singles_are_in_every_batch() -> None:
    made = waiting(batch_max=512)
    made.add_many(tickets("b", 5000))
    sizes = []
    while len(made):
        with_singles(made, 3)
        batch = refs(made.next_batch())
        sizes.append((sum(ref[0] == "b" for ref in batch), sum(ref[0] == "s" for ref in batch)))
    # A second chunk has no room beside singles, until the last one, which is short.
    assert sizes == [(256, 3)] * 18 + [(256 + 136, 3)]


def test_a_group_stays_whole_and_leaves_the_rest_to_singles() -> None:
    made = with_singles(waiting(), 5)
    made.add_many(tickets("g", 6, group=1))
    assert refs(made.next_batch()) == ["g0", "g1", "g2", "g3", "g4", "g5", "s0", "s1"]
    assert refs(made.next_batch()) == ["s2", "s3", "s4"]


@pytest.mark.parametrize(("size", "beside"), [(7, 1), (8, 0), (20, 0)])
def test_after_a_group_of_more_than_half_singles_come_first(size: int, beside: int) -> None:
    made = with_singles(waiting(), 30)
    for group in (1, 2):
        made.add_many(tickets(f"g{group}.", size, group))
    sizes = []
    while len(made):
        batch = refs(made.next_batch())
        sizes.append((sum(ref[0] == "g" for ref in batch), sum(ref[0] == "s" for ref in batch)))
    rest = 30 - 2 * beside - 16
    assert sizes[:4] == [(size, beside), (0, 8), (size, beside), (0, 8)]
    assert sum(singles for _, singles in sizes[4:]) == rest


def test_groups_one_after_another_do_not_wait_for_singles_that_are_not_there() -> None:
    made = waiting()
    for group in (1, 2):
        made.add_many(tickets(f"g{group}.", 7, group))
    assert [len(made.next_batch()) for _ in range(2)] == [7, 7]


def test_what_is_put_back_is_first_again_in_its_order_groups_whole() -> None:
    made = with_singles(waiting(batch_max=4), 1)
    made.add_many(tickets("b", 2))
    first, second = tickets("g", 3, group=1), tickets("h", 3, group=2)
    made.put_back([*first, *tickets("t", 2), *second])
    assert len(made) == 11
    assert refs(list(made)) == ["t0", "t1", "s0", "g0", "g1", "g2", "h0", "h1", "h2", "b0", "b1"]
    assert refs(made.next_batch()) == ["g0", "g1", "g2", "t0"]


def test_what_fits_into_the_next_batch_may_always_wait() -> None:
    """However slow the lane is and however much it has in hand: 250 clients of one that decides 1,200/s."""
    made = with_singles(waiting(batch_max=512, rate=1_200), 249)
    made.orders.in_hand = 250
    assert made.has_room()
    assert with_singles(made, 511 - 249).has_room()
    assert not with_singles(made, 1).has_room()


def test_a_quick_lane_has_room_for_what_it_decides_within_the_target() -> None:
    assert with_singles(waiting(rate=100), 19).has_room()
    assert not with_singles(waiting(rate=100), 20).has_room()


def test_the_batch_in_hand_and_the_unproven_count() -> None:
    made = with_singles(waiting(rate=100, proofs=1000), 9)
    made.orders.in_hand = 10
    assert made.has_room()
    for one in tickets("u", 10):
        made.add_unproven(one)
    assert not made.has_room()  # 0.19 s for orders, 0.01 s for them
    made.next_unproven()
    assert made.has_room()
    made.proofs.in_hand = 10
    assert not made.has_room()
    made.proofs.in_hand, made.orders.in_hand = 0, 11
    assert not made.has_room()


def test_waiting_rows_count_as_far_as_they_go_before_a_single() -> None:
    made = with_singles(waiting(rate=100), 10)
    assert made.has_room()
    made.add_many(tickets("b", 9))
    assert made.has_room()
    made.add_many(tickets("b", 1))
    assert not made.has_room()
    few = with_singles(waiting(rate=100), 9)
    few.add_many(tickets("b", BULK_ROWS_MAX))
    assert few.has_room()  # however many there are: half of each batch at most


def test_rows_have_a_bound_of_their_own() -> None:
    made = with_singles(waiting(), 100)
    assert made.has_room_for(BULK_ROWS_MAX)
    assert not made.has_room_for(BULK_ROWS_MAX + 1)
    made.add_many(tickets("b", 5))
    assert made.has_room_for(BULK_ROWS_MAX - 5)
    assert not made.has_room_for(BULK_ROWS_MAX - 4)


def test_the_unproven_are_looked_up_many_at_once_whatever_else_waits() -> None:
    made = with_singles(waiting(), 100)
    for one in tickets("u", PROVE_MAX):
        assert made.has_room_for_unproven()
        made.add_unproven(one)
    assert not made.has_room_for_unproven()
    quick = waiting(rate=100, proofs=5 * (PROVE_MAX + 2))
    for one in tickets("u", PROVE_MAX + 1):
        quick.add_unproven(one)
    assert quick.has_room_for_unproven()
    quick.add_unproven(ticket("u"))
    assert not quick.has_room_for_unproven()
    assert len(quick.next_unproven()) == PROVE_MAX
    assert len(quick.next_unproven()) == 2


def test_a_pace_is_measured_by_work_of_some_size() -> None:
    made = waiting(rate=100)
    with made.orders.working_on(31):
        assert made.orders.seconds_for(19) == 0.5
    assert (made.orders.in_hand, made.orders.rate) == (0, 100)
    with pytest.raises(orders.Busy), made.orders.working_on(32):
        raise orders.Busy
    assert made.orders.in_hand == 0
    assert made.orders.rate > 100
