"""Ids: in the order of the gate, with the lane inside, never twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kameng.kit import ids

LANES = st.integers(0, ids.LANE_COUNT_MAX - 1)
TIMES = st.integers(ids.EPOCH_MS, ids.EPOCH_MS + 60 * 365 * 86_400_000)


@given(lane=LANES, steps=st.lists(st.tuples(TIMES, st.integers(0, 5000)), max_size=12))
def test_the_gate_deals_rising_ids_whatever_the_clock_does(lane: int, steps: list[tuple[int, int]]) -> None:
    last_tick, dealt = 0, []
    for now_ms, count in steps:
        last_tick = max(last_tick, ids.tick_at(now_ms)) + count  # as pass_gate does
        fresh = ids.deal(last_tick, count, lane)
        assert len(fresh) == count
        dealt += fresh
    assert dealt == sorted(set(dealt))
    assert all(0 <= any_id < 1 << 63 and ids.lane_of(any_id) == lane for any_id in dealt)


@given(now_ms=TIMES, counts=st.dictionaries(LANES, st.integers(1, 600), min_size=2, max_size=5))
def test_lanes_never_deal_the_same_id(now_ms: int, counts: dict[int, int]) -> None:
    dealt = [
        any_id
        for lane, count in counts.items()
        for any_id in ids.deal(ids.tick_at(now_ms) + count, count, lane)
    ]
    assert len(dealt) == len(set(dealt))


@given(now_ms=TIMES, lane=LANES, count=st.integers(1, 4000))
def test_an_id_tells_its_millisecond(now_ms: int, lane: int, count: int) -> None:
    first = ids.deal(ids.tick_at(now_ms) + count, count, lane)[0]
    assert ids.ms_of(first) == now_ms


@given(any_id=st.integers(1, (1 << 63) - 1))
def test_text_and_back(any_id: int) -> None:
    assert ids.parse(str(any_id)) == any_id


@given(text=st.text(max_size=25))
def test_no_other_text_is_an_id(text: str) -> None:
    try:
        any_id = ids.parse(text)
    except ValueError:
        return
    assert 0 < any_id < 1 << 63
    assert text.isascii()
    assert int(text) == any_id


@pytest.mark.parametrize("text", ["", "0", "-1", "+1", " 1", "1_0", "１", "9223372036854775808", "1" * 30])
def test_these_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an id"):
        ids.parse(text)
