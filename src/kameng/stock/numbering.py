"""What makes a card known: the fingerprint of number and secret, and the print of its number within its brand.

Two brands may give out the same number; one doesn't give it out twice. Cards without a number are known by their
secret alone. Cards that older code loaded have no number print; ``read_numbers`` opens them and adds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from kameng.kit import crypto, lanes, logs
from kameng.kit.db import Database
from kameng.stock import store
from kameng.stock.model import CARD, CardText, known_as

NUMBER = b"card number"
PRINT_BYTES = 12
"""96 bits: among a thousand million cards two meet by chance once in 10**11 platforms."""
CHUNK_CARDS = 500
NO_NUMBER = b""

log = logs.get_logger(__name__)


def number_print(ring: crypto.KeyRing, brand_id: int, number: str) -> bytes:
    """Equal for equal numbers of one brand, empty for no number; tells nothing without the key."""
    if not number:
        return NO_NUMBER
    return ring.fingerprint(NUMBER, b"%d\n%s" % (brand_id, number.encode()))[:PRINT_BYTES]


def prints_of(ring: crypto.KeyRing, brand_id: int, text: bytes) -> tuple[bytes, bytes]:
    """Fingerprint and number print of a card's clear text."""
    number = msgspec.json.decode(text, type=CardText).number
    return ring.fingerprint(CARD, known_as(text)), number_print(ring, brand_id, number)


async def read_numbers(db: Database, ring: crypto.KeyRing) -> int:
    """Print the numbers of cards that older code loaded; returns how many. One look where there are none.

    Where two of them share a number, the first keeps it: both were sold or may be, and nothing is taken back.
    """
    total = after_id = 0
    while True:
        async with db.connection() as connection:
            numbers = await lanes.lane_numbers(connection)
            rows = await store.unread_cards(connection, numbers, after_id, CHUNK_CARDS)
        if not rows:
            return total
        prints = _prints(ring, rows)
        async with db.transaction() as connection:
            total += await store.put_number_prints(connection, prints)
        after_id = rows[-1].card_id


def _prints(ring: crypto.KeyRing, rows: Sequence[store.UnreadCard]) -> Mapping[int, bytes]:
    """By card id; without those sealed under a key that this process doesn't hold: another one reads them."""
    prints: dict[int, bytes] = {}
    for row in rows:
        try:
            number = msgspec.json.decode(ring.open(CARD, row.card_id, row.sealed or b""), type=CardText).number
        except crypto.KeyMissing as error:
            log.error("cards are sealed with a key that this process does not hold", error)
            continue
        except crypto.Unsealable:
            number = ""  # damaged: nobody will ever know it
        prints[row.card_id] = number_print(ring, row.brand_id or 0, number)
    return prints
