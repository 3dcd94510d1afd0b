"""Times as providers in China write them: ``2026-11-23 12:00:00`` of a clock there."""

from __future__ import annotations

from datetime import UTC, datetime

from kameng.kit import clock

_FORM = "%Y-%m-%d %H:%M:%S"


def china_time(text: str) -> datetime | None:
    """In UTC; None for what is no time."""
    try:
        return datetime.strptime(text, _FORM).replace(tzinfo=clock.CHINA).astimezone(UTC)
    except ValueError:
        return None


def china_text(at: datetime) -> str:
    return at.astimezone(clock.CHINA).strftime(_FORM)
