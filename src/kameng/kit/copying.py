"""Binary COPY: how batches append rows.

An INSERT from arrays costs a check of every element in the driver and an executor round per row in the server;
packed rows and COPY's multi-inserts cost a third of both (docs/benchmarks.md). Format: PostgreSQL manual, COPY,
"Binary Format": each row a 16-bit column count, each value a 32-bit length and its bytes, -1 for NULL.
"""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from kameng.kit.db import Connection

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_SIZES = {"h": 2, "i": 4, "q": 8, "?": 1}
_length = struct.Struct(">i").pack
_POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_INT8_OID = 20


class Rows:
    """The layout of a table's rows: fixed-width columns first, then those of any length.

    ``fixed`` maps columns to struct codes: h (smallint), i (int), q (bigint, timestamptz), ? (boolean); they can't be
    NULL. ``variable`` columns take bytes as the type's binary form has them, or None for NULL.
    """

    def __init__(self, table: str, fixed: dict[str, str], variable: Sequence[str] = ()) -> None:
        self.table = table
        self.columns = [*fixed, *variable]
        self._fixed_count = len(fixed)
        self._pack = struct.Struct(">h" + "".join(f"i{code}" for code in fixed.values())).pack
        self._arguments: list[Any] = [len(self.columns)]
        for code in fixed.values():
            self._arguments += [_SIZES[code], None]

    def encode(self, rows: Iterable[Sequence[Any]]) -> bytes:
        """The whole COPY stream."""
        count, pack, arguments = self._fixed_count, self._pack, self._arguments.copy()
        parts = [_HEADER]
        for row in rows:
            arguments[2::2] = row[:count]
            parts.append(pack(*arguments))
            for value in row[count:]:
                if value is None:
                    parts.append(_NULL)
                else:
                    parts.append(_length(len(value)))
                    parts.append(value)
        parts.append(_TRAILER)
        return b"".join(parts)

    async def append(self, connection: Connection, rows: Iterable[Sequence[Any]]) -> None:
        """Append rows in the caller's transaction; constraints hold as for any insert."""
        await connection.copy_to_table(
            self.table, source=_once(self.encode(rows)), columns=self.columns, format="binary"
        )


async def _once(data: bytes) -> AsyncIterator[bytes]:
    """The driver reads files through a thread; what is in memory needs none."""
    yield data


def timestamp(at: datetime) -> int:
    """A timestamptz as its binary form has it: microseconds since 2000-01-01."""
    since = at - _POSTGRES_EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def bigint_array(values: Sequence[int]) -> bytes:
    """A ``bigint[]``."""
    count = len(values)
    if not count:
        return struct.pack(">iii", 0, 0, _INT8_OID)
    flat = [part for value in values for part in (8, value)]
    return struct.pack(f">iiiii{'iq' * count}", 1, 0, _INT8_OID, count, 1, *flat)


def bigint_or_null(value: int | None) -> bytes | None:
    """A nullable bigint column."""
    return None if value is None else value.to_bytes(8, "big", signed=True)
