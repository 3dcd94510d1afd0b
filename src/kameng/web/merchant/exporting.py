"""A small file made at once, and cards as lines to copy."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

import msgspec

from kameng.orders import ShownCard, ShownOrder

BOM = "\ufeff"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def csv_of(rows: Iterable[Iterable[str]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerows(rows)
    return buffer.getvalue()


def harmless(text: str) -> str:
    """What Excel would take for a formula is shown as text."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


class CardShown(msgspec.Struct, frozen=True):
    """A card in clear, for one page."""

    number: str = ""
    secret: str = ""
    url: str = ""
    expires_on: str | None = None


def cards_of(order: ShownOrder) -> list[CardShown]:
    """All that may be seen of an order's cards."""
    return [_opened(card) for card in order.cards if card.text is not None]


def _opened(card: ShownCard) -> CardShown:
    assert card.text is not None
    found = msgspec.json.decode(card.text, type=CardShown)
    expires_on = None if card.expires_on is None or card.expires_on.year == 9999 else card.expires_on.isoformat()
    return msgspec.structs.replace(found, expires_on=expires_on)
