"""The clock. Everything asks it for the time, so tests can hold it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, timezone

CHINA = timezone(timedelta(hours=8))
"""Without summer time since 1991, so no table of time zones is needed; small machines often have none."""

_held_ms: int | None = None


def now_ms() -> int:
    """Unix time in milliseconds."""
    return time.time_ns() // 1_000_000 if _held_ms is None else _held_ms


def now() -> datetime:
    return datetime.fromtimestamp(now_ms() / 1000, UTC)


def china_day() -> date:
    """The day it is in China (Asia/Shanghai), where cards expire at the end of theirs."""
    return china_day_at(now_ms())


def china_day_at(at_ms: int) -> date:
    """The day of China that a Unix millisecond lies in."""
    return datetime.fromtimestamp(at_ms / 1000, CHINA).date()


def china_time(at_ms: int) -> str:
    """``2026-10-31 23:59:59.123`` as a clock in China showed it."""
    return datetime.fromtimestamp(at_ms / 1000, CHINA).isoformat(" ", "milliseconds")[:23]


def china_start_ms(day: date) -> int:
    """The Unix millisecond in which a day of China begins."""
    return int(datetime(day.year, day.month, day.day, tzinfo=CHINA).timestamp()) * 1000


def rfc3339(at: datetime) -> str:
    """``2026-10-31T15:59:59.123Z``, of a time in UTC: as the API and webhooks tell it."""
    return f"{at.isoformat(timespec='milliseconds')[:23]}Z"


@contextmanager
def hold(at_ms: int) -> Iterator[None]:
    """Tests: time stands still at ``at_ms``."""
    global _held_ms  # noqa: PLW0603 - the one switch of the one clock
    before, _held_ms = _held_ms, at_ms
    try:
        yield
    finally:
        _held_ms = before
