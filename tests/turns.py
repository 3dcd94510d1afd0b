"""Whose turn it is where several processes run tests: all side by side, but one marked ``alone`` has the machine.

Locks on two things that every process finds: this file and its folder. Who waits to be alone holds the first, so
that nobody new gets in, until all who are in have left.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_DOOR, _ROOM = Path(__file__), Path(__file__).parent


@contextmanager
def turn(*, alone: bool) -> Iterator[None]:
    """In the block nobody else is alone; with ``alone``, nobody else is there."""
    room = os.open(_ROOM, os.O_RDONLY)
    try:
        with _DOOR.open("rb") as door:
            fcntl.flock(door, fcntl.LOCK_EX)
            fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield
    finally:
        os.close(room)
