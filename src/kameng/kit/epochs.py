"""Epochs: one number per directory (catalogue, prices, identity, risk, stock) that rises with every change.

A change first bumps its epoch, which locks the row until commit: so values are ordered by commit, and a row
stamped ``changed = value`` is found by every process that asks for what changed since the value it knows.
"""

from __future__ import annotations

from typing import Literal

from kameng.kit.db import Connection
from kameng.kit.lanes import statements

Topic = Literal["catalogue", "prices", "identity", "risk", "stock"]
Epochs = dict[str, int]


async def bump(connection: Connection, topic: Topic) -> int:
    """Call first in the transaction that changes the directory; stamp the rows with what it returns."""
    value: int = await connection.fetchval(statements.bump_epoch, topic)
    return value


async def read(connection: Connection) -> Epochs:
    return {row["topic"]: row["value"] for row in await connection.fetch(statements.read_epochs)}
