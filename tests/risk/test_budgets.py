"""Budgets of organisations: days and months in China, and a month's counter outlives the day's."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kameng import risk
from kameng.kit import clock
from laws.world import World

CHINA_H = 8


def at_s(*when: int) -> int:
    """A moment in China."""
    return int(datetime(*when, tzinfo=UTC).timestamp()) - CHINA_H * 3600  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("now", "day", "month"),
    [((2026, 11, 23, 0, 0), (2026, 11, 23), (2026, 11, 1)), ((2026, 11, 30, 23, 59), (2026, 11, 30), (2026, 11, 1)),
     ((2026, 12, 1, 0, 0), (2026, 12, 1), (2026, 12, 1)), ((2028, 2, 29, 7, 59), (2028, 2, 29), (2028, 2, 1))],
)  # fmt: skip
def test_windows_begin_with_chinas_day_and_month(
    now: tuple[int, ...], day: tuple[int, ...], month: tuple[int, ...]
) -> None:
    claims = risk.budget_claims(77, 500, 9000, 30, at_s(*now))
    assert [(c.rule_id, c.window_start, c.amount_e4, c.limit_count, c.limit_e4) for c in claims] == [
        (risk.SPENDER_DAY, at_s(*day), 30, None, 500), (risk.SPENDER_MONTH, at_s(*month), 30, None, 9000)
    ]  # fmt: skip


def test_without_budgets_nothing_is_counted() -> None:
    assert risk.budget_claims(77, None, None, 30, at_s(2026, 11, 23)) == []


async def test_a_month_is_not_forgotten_before_it_ends(world: World) -> None:
    today_s = clock.now_ms() // 1000
    for days in (3, 32, 34):
        for rule_id in (risk.SPENDER_DAY, risk.SPENDER_MONTH):
            await world.execute(
                "INSERT INTO lane_counter (lane, entity_id, rule_id, window_start, taken_count, taken_e4)"
                " VALUES (0, 77, $1, $2, 1, 5)", rule_id, today_s - days * 86_400,
            )  # fmt: skip
    await risk.purge(world.db)
    rows = await world.rows("SELECT rule_id, window_start FROM lane_counter ORDER BY window_start DESC")
    assert [tuple(row) for row in rows] == [
        (risk.SPENDER_MONTH, today_s - days * 86_400) for days in (3, 32)
    ]  # fmt: skip
