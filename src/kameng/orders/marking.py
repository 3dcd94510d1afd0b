"""Marking older orders: those that were written before marks were, so that they too are found by whom they are for.

A slow job that may be cut off at any moment: how far a lane is stands in its row, which goes when all is done.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from kameng import catalogue
from kameng.kit import crypto, lanes, logs
from kameng.kit.db import Database
from kameng.orders import private_store
from kameng.orders.private_store import Sealed
from kameng.orders.showing import open_account

CHUNK_ROWS = 200

log = logs.get_logger(__name__)


class Found(msgspec.Struct, frozen=True):
    """What some accounts are found by, and which of them hold a password."""

    marks: list[tuple[bytes, int]]
    with_password: list[int]


async def mark_older(db: Database, ring: crypto.KeyRing, lane: int) -> int:
    """Mark what is not marked yet; returns how many orders were looked at. An account that does not open is left."""
    total = 0
    while True:
        async with db.connection() as connection:
            span = await private_store.read_older(connection, lane)
            if span is None:
                return total
            rows = await private_store.accounts_between(connection, lane, *span, limit=CHUNK_ROWS)
        found = _look(ring, rows)
        async with db.transaction() as connection:
            await lanes.pass_gate(connection, lane)
            await private_store.add_marks(connection, lane, found.marks, found.with_password)
            await private_store.set_older(connection, lane, rows[-1][0] if rows else None)
        total += len(rows)


def _look(ring: crypto.KeyRing, rows: Sequence[Sealed]) -> Found:
    found = Found([], [])
    for order_id, sealed in rows:
        try:
            account = open_account(ring, order_id, sealed)
        except crypto.Unsealable as error:
            log.error("an account does not open: its order is not marked", error, order_id=order_id)
            continue
        found.marks.extend((mark, order_id) for mark in catalogue.marks_of(ring, account))
        if catalogue.has_password(account):
            found.with_password.append(order_id)
    return found
