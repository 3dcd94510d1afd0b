"""What a process keeps in memory and reads again when it is asked for and has grown too old."""

from __future__ import annotations

import asyncio
import time

from kameng.kit.db import Connection, Database


class Fresh:
    """Rows in memory, not older than ``AGE_MAX_S`` once ``refresh`` returned; of many who ask at once one reads."""

    AGE_MAX_S = 1.0

    def __init__(self, db: Database) -> None:
        self._db = db
        self._read_at_s = float("-inf")
        self._reading = asyncio.Lock()

    async def refresh(self) -> None:
        if self._is_fresh():
            return
        async with self._reading:
            if self._is_fresh():
                return
            began_s = time.monotonic()
            async with self._db.connection() as connection:
                await self._read(connection)
            self._read_at_s = began_s

    def _is_fresh(self) -> bool:
        return time.monotonic() - self._read_at_s < self.AGE_MAX_S

    async def _read(self, connection: Connection) -> None:
        """Put what stands now in the place of what was read before."""
        raise NotImplementedError
