"""Batches of a lane: what comes while others are worked goes together later, but never behind a lane that stands."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from kameng.payments import gathering
from kameng.payments.gathering import Gathering


class Bench:
    """Batches as they began; each ends when it is let go."""

    def __init__(self, *, at_once: int | None) -> None:
        self.began: list[tuple[int, list[str]]] = []
        self._go: dict[int, asyncio.Event] = {}
        self.gathering: Gathering[str, str] = Gathering(self._run, at_once=at_once)

    async def _run(self, lane: int, batch: Sequence[str]) -> Sequence[str]:
        self.began.append((lane, list(batch)))
        await self._go.setdefault(lane, asyncio.Event()).wait()
        return batch

    def let_go(self, lane: int) -> None:
        self._go.setdefault(lane, asyncio.Event()).set()


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_lanes_beyond_so_many_wait_and_their_batches_grow() -> None:
    bench = Bench(at_once=1)
    first = [bench.gathering.put(0, "a"), bench.gathering.put(1, "b")]
    await turns()
    second = bench.gathering.put(1, "c")
    assert bench.began == [(0, ["a"])]
    bench.let_go(0)
    bench.let_go(1)
    assert await asyncio.gather(*first, second) == ["a", "b", "c"]
    assert bench.began == [(0, ["a"]), (1, ["b", "c"])]


async def test_a_lane_that_stands_does_not_hold_up_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "TURN_MAX_S", 0.0)
    bench = Bench(at_once=1)
    standing = bench.gathering.put(0, "a")
    bench.let_go(1)
    assert await bench.gathering.submit(1, "b") == "b"
    assert not standing.done()
    bench.let_go(0)
    assert await standing == "a"
    assert await bench.gathering.submit(0, "c") == "c"


async def test_without_a_bound_every_lane_is_worked_at_once() -> None:
    bench = Bench(at_once=None)
    every = [bench.gathering.put(lane, "a") for lane in range(4)]
    await turns()
    assert bench.began == [(lane, ["a"]) for lane in range(4)]
    for lane in range(4):
        bench.let_go(lane)
    assert await asyncio.gather(*every) == ["a"] * 4
