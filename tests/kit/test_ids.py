"""Ids: what stands in the 63 bits, and that they sort as they were dealt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng.kit import ids

LANES = st.integers(0, 1023)
TICKS = st.integers(5000, (1 << 53) - 1)


def test_the_parts_of_one_id() -> None:
    tick = ids.tick_at(ids.EPOCH_MS + 1000) + 5
    assert tick == 1000 * 4096 + 5
    assert ids.id_of(tick, 7) == 1000 << 22 | 7 << 12 | 5
    assert ids.lane_of(ids.id_of(tick, 7)) == 7
    assert ids.ms_of(ids.id_of(tick, 7)) == ids.EPOCH_MS + 1000


def test_deal_gives_the_last_ticks_in_order() -> None:
    assert ids.deal(8194, 4, 0) == [ids.id_of(tick, 0) for tick in (8191, 8192, 8193, 8194)]
    assert ids.deal(8194, 4, 0) == [1 << 22 | 4095, 2 << 22 | 0, 2 << 22 | 1, 2 << 22 | 2]
    assert ids.deal(8194, 0, 0) == []


@given(TICKS, LANES)
def test_an_id_is_positive_fits_63_bits_and_knows_its_lane(tick: int, lane: int) -> None:
    made = ids.id_of(tick, lane)
    assert 0 < made < 1 << 63
    assert ids.lane_of(made) == lane
    assert ids.tick_at(ids.ms_of(made)) <= tick < ids.tick_at(ids.ms_of(made) + 1)


@given(TICKS, TICKS, LANES)
def test_ids_of_a_lane_sort_by_tick(one: int, other: int, lane: int) -> None:
    assert (one < other) == (ids.id_of(one, lane) < ids.id_of(other, lane))


@given(TICKS, LANES, TICKS, LANES)
def test_no_two_ticks_or_lanes_share_an_id(one: int, lane: int, other: int, other_lane: int) -> None:
    assert ((one, lane) == (other, other_lane)) == (ids.id_of(one, lane) == ids.id_of(other, other_lane))


@given(st.integers(1, (1 << 63) - 1))
def test_parse_reads_what_str_wrote(number: int) -> None:
    assert ids.parse(str(number)) == number


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "+1", " 1", "1 ", "1_0", "0x1", "１", "²", "9223372036854775808", "1" * 20]
)
def test_parse_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="not an id"):
        ids.parse(text)


def test_random_ids_are_odd_positive_and_fit() -> None:
    some = {ids.random_id() for _ in range(1000)}
    assert len(some) == 1000
    assert all(0 < x < 1 << 62 and x & 1 for x in some)
