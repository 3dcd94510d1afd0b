"""The clock, held."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from kameng.kit import clock


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (datetime(2026, 12, 31, 15, 59, 59, 999_000, UTC), date(2026, 12, 31)),
        (datetime(2026, 12, 31, 16, 0, 0, 0, UTC), date(2027, 1, 1)),
        (datetime(2026, 7, 1, 0, 0, 0, 0, UTC), date(2026, 7, 1)),
    ],
)
def test_the_day_in_china_begins_at_16_hours_utc(at: datetime, day: date) -> None:
    with clock.hold(int(at.timestamp() * 1000)):
        assert (clock.now(), clock.china_day()) == (at, day)
