"""Money as providers write it: decimals to integers of the smallest unit and back, and never through a float."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

WITHOUT_DECIMALS = frozenset({"JPY", "KRW", "VND", "CLP", "ISK", "UGX", "XAF", "XOF"})
"""Currencies whose smallest unit is the whole one."""


def places_of(currency: str) -> int:
    return 0 if currency in WITHOUT_DECIMALS else 2


def minor_of(text: object, *, places: int = 2) -> int | None:
    """``1``, ``1.5`` and ``1.50`` are 100 and 150. None for what is no amount, is below zero, or is finer."""
    try:
        amount = Decimal(str(text).strip()).scaleb(places)
    except InvalidOperation:
        return None
    if not amount.is_finite() or amount < 0 or amount != amount.to_integral_value() or amount > 10**15:
        return None
    return int(amount)


def decimal_of(amount_minor: int, *, places: int = 2) -> str:
    """``100`` is ``1.00``."""
    return f"{Decimal(amount_minor).scaleb(-places):.{places}f}"


def shortest_of(amount_minor: int) -> str:
    """As PHP prints a float: ``1``, ``1.5``, ``1.05``."""
    return decimal_of(amount_minor).rstrip("0").rstrip(".")
