"""Re-sealing after a rotation: the one way for every table that keeps sealed values."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from kameng.kit import crypto, lanes
from kameng.kit.crypto import KeyRing
from kameng.kit.db import Connection, Database

CHUNK_ROWS = 500
LOOK_TIMEOUT_S = 3600.0
"""For statements that may have to look at every row of a lane."""

Look = Callable[[Connection, int, int, int, int], Awaitable[list[tuple[int, bytes]]]]
"""(connection, lane, after id, key number, limit) → (id, sealed) of rows under other keys, by id."""
Put = Callable[[Connection, int, Sequence[tuple[int, bytes, bytes]]], Awaitable[None]]
"""(connection, lane, (id, fresh, old) each): a row that changed since it was read is left alone."""


PutOne = Callable[[Connection, int, bytes, bytes], Awaitable[None]]
"""(connection, id, fresh, old): as ``Put``, of one row."""


async def reseal_directory(
    db: Database, ring: KeyRing, what: bytes, rows: Sequence[tuple[int, bytes]], *, put: PutOne
) -> int:
    """The same for a small table that lies in no lane, whose ``rows`` are (id, sealed), all of them."""
    stale = [(row_id, sealed) for row_id, sealed in rows if crypto.key_number_of(sealed) != ring.current]
    for row_id, sealed in stale:
        fresh = ring.seal(what, row_id, ring.open(what, row_id, sealed))
        async with db.transaction() as connection:
            await put(connection, row_id, fresh, sealed)
    return len(stale)


async def reseal(db: Database, ring: KeyRing, lane: int, what: bytes, *, look: Look, put: Put) -> int:
    """Seal every value of a lane with the ring's current key; returns how many were not.

    Looking may take long, so it is done outside the gate; only putting a chunk in place holds it.
    """
    total, after_id = 0, 0
    while True:
        async with db.transaction() as connection:
            await connection.execute("SET LOCAL statement_timeout = 0")
            rows = await look(connection, lane, after_id, ring.current, CHUNK_ROWS)
        if not rows:
            return total
        fresh = [(row_id, ring.seal(what, row_id, ring.open(what, row_id, old)), old) for row_id, old in rows]
        async with db.transaction() as connection:
            await lanes.pass_gate(connection, lane)
            await put(connection, lane, fresh)
        total += len(fresh)
        after_id = rows[-1][0]
