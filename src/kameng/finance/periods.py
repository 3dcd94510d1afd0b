"""Days and months of China as ranges of ids.

A transfer belongs to the moment inside its id, which its lane's gate dealt: ids rise with every commit, so a period
that is over never gets another line, the balances after its lines chain into the next one's, and the primary key
finds it. The transfer's own clock time may be some milliseconds later, for whoever waited at the gate.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

import msgspec

from kameng.finance.errors import BadFinanceRequest
from kameng.kit import clock, ids

DAYS_MAX = 366
SETTLED_MS = 60_000
"""A transaction holds its gate no longer than its statements may take: so long after its end a period is final."""


class Period(msgspec.Struct, frozen=True):
    """Whole days of China, the last one included."""

    first: date
    last: date

    @property
    def from_id(self) -> int:
        return ids.first_at(clock.china_start_ms(self.first))

    @property
    def end_ms(self) -> int:
        return clock.china_start_ms(self.last + timedelta(days=1))

    @property
    def end_id(self) -> int:
        """The first id after it."""
        return ids.first_at(self.end_ms)

    @property
    def is_final(self) -> bool:
        """Whether no line can come any more."""
        return clock.now_ms() >= self.end_ms + SETTLED_MS

    def days(self) -> Iterator[Period]:
        for n in range((self.last - self.first).days + 1):
            day = self.first + timedelta(days=n)
            yield Period(day, day)


def period_of(first: date, last: date) -> Period:
    """``BadFinanceRequest`` if it is none, or too long."""
    if not 0 <= (last - first).days < DAYS_MAX:
        raise BadFinanceRequest(
            f"from and to: 1 to {DAYS_MAX} days", field="to", detail_zh=f"日期范围：应为 1 至 {DAYS_MAX} 天"
        )
    return Period(first, last)


def month_of(text: str) -> Period:
    """``"2026-10"`` as its days."""
    match = re.fullmatch(r"(20\d\d)-(0[1-9]|1[0-2])", text)
    if match is None:
        raise BadFinanceRequest("month: like 2026-10", field="month", detail_zh="月份：格式如 2026-10")
    return month_at(date(int(match[1]), int(match[2]), 1))


def month_at(day: date) -> Period:
    """The month that a day lies in."""
    first = day.replace(day=1)
    return Period(first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1))


def month_after(month: Period) -> Period:
    return month_at(month.last + timedelta(days=1))
