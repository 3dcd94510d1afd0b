"""How the database server is, for whoever looks at live numbers: read from its own statistics."""

from __future__ import annotations

import msgspec

from kameng.kit.db import Database
from kameng.kit.lanes import statements


class Health(msgspec.Struct, frozen=True):
    """Counters rise from the server's start on; two looks tell what happened between them."""

    connections: int
    active: int
    connections_max: int
    blocks_hit: int
    blocks_read: int
    commits: int
    deadlocks: int
    locks_awaited: int
    longest_s: float
    wal_bytes: int
    standbys: int
    disk_bytes: int

    @property
    def cache_hit(self) -> float:
        """Of all blocks that were asked for, how many were in memory."""
        asked = self.blocks_hit + self.blocks_read
        return self.blocks_hit / asked if asked else 1.0


async def look(db: Database) -> Health:
    async with db.connection() as connection:
        row = await connection.fetchrow(statements.server_health)
    assert row is not None
    return Health(*row)
