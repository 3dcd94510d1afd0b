"""What the bills of several providers have in common: tables with a head, and times of China."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from kameng.channels.model import BillRefused
from kameng.channels.times import china_time


def named_rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[Mapping[str, str]]:
    """Each row by the names of its columns."""
    if any(len(row) != len(head) for row in rows):
        raise BillRefused("a line of the bill has another number of fields than its head")
    return [dict(zip(head, row, strict=True)) for row in rows]


def time_of(text: str) -> datetime:
    """A line's time, which it has to have."""
    at = china_time(text)
    if at is None:
        raise BillRefused("a time that is none")
    return at
