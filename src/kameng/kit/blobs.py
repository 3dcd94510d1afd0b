"""Blobs: files sealed at rest, in pieces so small that none holds its lane's gate for long.

A blob belongs to a row of its owner, which is written first and says when it is whole: what was cut off halfway is
found by its owner and wiped. Nothing here knows what a file is, and no file is ever written to disk in clear.
"""

from __future__ import annotations

from collections.abc import Sequence

from kameng.kit import ids, lanes, resealing
from kameng.kit.crypto import KeyRing, Unsealable
from kameng.kit.db import Connection, Database
from kameng.kit.lanes import statements

BLOB = b"blob"
"""What a piece is sealed as, with its own id; the blob that it belongs to is sealed with it."""
PIECE_BYTES = 256 * 1024
_ID_BYTES = 8


async def put(db: Database, ring: KeyRing, blob_id: int, data: bytes) -> None:
    """Keep a file as ``blob_id``, in the lane of that id: a short transaction a piece."""
    lane, name = ids.lane_of(blob_id), blob_id.to_bytes(_ID_BYTES, "big")
    for start in range(0, len(data), PIECE_BYTES):
        async with db.transaction() as connection:
            passage = await lanes.pass_gate(connection, lane, id_count=1)
            piece_id = passage.ids[0]
            sealed = ring.seal(BLOB, piece_id, name + data[start : start + PIECE_BYTES])
            await connection.execute(statements.insert_blob_piece, lane, piece_id, blob_id, sealed)


async def read(db: Database, ring: KeyRing, blob_id: int) -> bytes:
    """The whole file; empty where it was wiped."""
    parts = []
    async with db.connection() as connection:
        rows = await connection.fetch(statements.blob_pieces, ids.lane_of(blob_id), blob_id)
    for row in rows:
        plain = ring.open(BLOB, row["piece_id"], row["sealed"])
        if int.from_bytes(plain[:_ID_BYTES], "big") != blob_id:
            raise Unsealable(f"blob {blob_id}: a piece of another one lies there")
        parts.append(plain[_ID_BYTES:])
    return b"".join(parts)


async def wipe(connection: Connection, lane: int, blob_ids: Sequence[int]) -> None:
    """These are gone; the caller holds the gate."""
    await connection.execute(statements.wipe_blobs, lane, list(blob_ids))


async def reseal(db: Database, ring: KeyRing, lane: int) -> int:
    """Seal every piece of a lane with the ring's current key; returns how many were not."""
    return await resealing.reseal(db, ring, lane, BLOB, look=_under_other_keys, put=_put_resealed)


async def _under_other_keys(
    connection: Connection, lane: int, after_id: int, key_number: int, limit: int
) -> list[tuple[int, bytes]]:
    few = min(limit, 20)  # of 256 KiB each
    rows = await connection.fetch(
        statements.blobs_under_other_keys, lane, after_id, key_number, few, timeout=resealing.LOOK_TIMEOUT_S
    )
    return [(row["piece_id"], row["sealed"]) for row in rows]


async def _put_resealed(connection: Connection, lane: int, sealed: Sequence[tuple[int, bytes, bytes]]) -> None:
    await connection.execute(statements.reseal_blobs, lane, *map(list, zip(*sealed, strict=True)))
