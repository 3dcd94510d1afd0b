"""Gathering what arrives for a lane while its previous batch commits: full batches under load, no waiting when idle."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from kameng.kit import db

T = TypeVar("T")
R = TypeVar("R")

BATCH_MAX = 256
TURN_MAX_S = 0.1
"""How long a lane waits for its turn where only so many are worked at once: one that stands before a gate that somebody
holds must not hold up the others."""


class Gathering(Generic[T, R]):
    """Runs ``run(lane, batch)``, one batch of a lane at a time. Of a batch that breaks, halves are tried until the
    culprit stands alone; where the database is away, nobody's fault is looked for."""

    def __init__(
        self, run: Callable[[int, Sequence[T]], Awaitable[Sequence[R]]], *, batch_max: int = BATCH_MAX,
        at_once: int | None = None, rest_s: float = 0.0,
    ) -> None:  # fmt: skip
        """``at_once``: how many lanes are worked at the same time, as a rule; the others' batches grow meanwhile.
        ``rest_s``: how long a lane gathers after a batch of several; one that came alone waits for nobody."""
        self._rest_s = rest_s
        self._run = run
        self._batch_max = batch_max
        self._turns = None if at_once is None else asyncio.Semaphore(at_once)
        self._waiting: dict[int, list[tuple[T, asyncio.Future[R], float]]] = {}
        self._running: dict[int, asyncio.Task[None]] = {}

    @property
    def waiting(self) -> int:
        """How many of all lanes no batch has taken yet."""
        return sum(map(len, self._waiting.values()))

    @property
    def age_s(self) -> float:
        """How long the oldest of those has waited; 0 if nobody waits."""
        firsts = [waiting[0][2] for waiting in self._waiting.values() if waiting]
        return time.monotonic() - min(firsts) if firsts else 0.0

    def put(self, lane: int, one: T) -> asyncio.Future[R]:
        """What comes of it, after the commit."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._join(lane, [(one, future, time.monotonic())])
        return future

    def hand_over(self, other: Gathering[T, R]) -> None:
        """What no batch has taken yet is the other's from now on, and whoever waits for it waits for the other."""
        for lane, waiting in self._waiting.items():
            if waiting:
                self._waiting[lane] = []
                other._join(lane, waiting)

    async def submit(self, lane: int, one: T) -> R:
        """As ``put``, for whoever waits for it."""
        return await self.put(lane, one)

    def _join(self, lane: int, some: Sequence[tuple[T, asyncio.Future[R], float]]) -> None:
        self._waiting.setdefault(lane, []).extend(some)
        if lane not in self._running:
            self._running[lane] = asyncio.create_task(self._work(lane))

    async def _work(self, lane: int) -> None:
        try:
            while self._waiting.get(lane):
                has_turn = await self._turn()
                try:
                    waiting = self._waiting[lane]
                    self._waiting[lane] = waiting[self._batch_max :]
                    if waiting:  # else it was handed over meanwhile
                        await self._do(lane, waiting[: self._batch_max])
                finally:
                    if self._turns is not None and has_turn:
                        self._turns.release()
                if self._rest_s and 1 < len(waiting) < self._batch_max:
                    await asyncio.sleep(self._rest_s)
        finally:
            del self._running[lane]

    async def _turn(self) -> bool:
        """Whether a turn was waited for and came; without one a lane is worked all the same."""
        if self._turns is None:
            return False
        try:
            async with asyncio.timeout(TURN_MAX_S):
                return await self._turns.acquire()
        except TimeoutError:
            return False

    async def _do(self, lane: int, batch: Sequence[tuple[T, asyncio.Future[R], float]]) -> None:
        try:
            results = await self._run(lane, [one for one, _, _ in batch])
        except Exception as error:
            if len(batch) > 1 and not isinstance(error, db.UNANSWERED):
                middle = len(batch) // 2
                await self._do(lane, batch[:middle])
                await self._do(lane, batch[middle:])
                return
            for _, future, _ in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future, _), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)
