"""Money: integers of 1/10,000 of the currency's unit; names end in ``_e4``.

Phone credit is priced to four places, so two places are not enough. Floats never touch money.
"""

from __future__ import annotations

import re

E4 = 10_000
MINOR_E4 = 100
"""One fen or cent: providers and banks count in whole ones. No currency of another smallest unit is taken."""
AMOUNT_E4_MAX = 10**15
"""100 billion yuan: larger amounts are mistakes."""

_DECIMAL = re.compile(r"(\d{1,12})(?:\.(\d{1,4}))?")


def parse_e4(text: str) -> int:
    """``"98.5"`` → 985000. Takes plain non-negative decimals of at most four places; ValueError otherwise."""
    match = _DECIMAL.fullmatch(text)
    if match is None or not text.isascii():
        raise ValueError(f"not an amount with at most four decimals: {text!r}")
    whole, part = match.groups()
    return int(whole) * E4 + int((part or "").ljust(4, "0"))


def format_e4(amount_e4: int) -> str:
    """985000 → ``"98.5000"``; always four places, so that strings compare and align."""
    sign = "-" if amount_e4 < 0 else ""
    whole, part = divmod(abs(amount_e4), E4)
    return f"{sign}{whole}.{part:04d}"
