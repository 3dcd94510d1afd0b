"""What a learner keeps, and is dumped and loaded with."""

from __future__ import annotations

import msgspec

from kameng.routing.believing import Level
from kameng.routing.breaking import Breaker


class Flight(msgspec.Struct):
    """A payment on its way."""

    pool: str
    channel_id: int
    detail: str
    began_ms: int
    ended_ms: int = 0
    paid_ms: int = 0
    is_failed: bool = False
    is_hung: bool = False
    is_common: bool = False
    weight: float = 0.0  # with which it was counted as lost
    clock: float = 0.0


class Pool(msgspec.Struct):
    """A method and scene: what is learned together."""

    volume: float
    paid_by: list[float]
    levels: dict[int, Level] = {}
    clock: float = 0.0
    began: int = 0
    began_ms: int = 0
    common_ms: int = 0  # since when a fault is everybody's; 0: none is


class Event(msgspec.Struct, frozen=True):
    """Something that people are told: ``quarantined``, ``released``, ``rebased``, ``opened``, ``closed``, ``common``,
    ``common_over``."""

    at_ms: int
    what: str
    channel_id: int = 0
    pool: str = ""


class State(msgspec.Struct):
    pools: dict[str, Pool] = {}
    breakers: dict[int, Breaker] = {}
    flights: dict[int, Flight] = {}
    due: list[tuple[int, int, int]] = []  # when, attempt, which age it reaches; a heap
