"""How long the door waits for a request to begin arriving. One timer for all: one each would cost every order 3 µs."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from kameng.openapi.errors import RequestTooSlow

Message = MutableMapping[str, Any]


class Patience:
    """Ends a wait that took longer than ``timeout_s``, after half as long again at the latest."""

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self._generations: deque[set[asyncio.Task[Any]]] = deque([set(), set(), set()])
        self._ended: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def wait_for(self, receive: Callable[[], Awaitable[Message]]) -> Message:
        """What ``receive`` gives, or ``RequestTooSlow``."""
        task = asyncio.current_task()
        assert task is not None
        mine = self._generations[0]
        mine.add(task)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self.timeout_s / 2, self._turn)
        try:
            return await receive()
        except asyncio.CancelledError:
            if task not in self._ended:
                raise  # the server's wish, not ours
            task.uncancel()
            raise RequestTooSlow from None
        finally:
            mine.discard(task)
            self._ended.discard(task)

    def _turn(self) -> None:
        """Half the time has passed: whoever was here two turns ago has waited long enough."""
        for task in self._generations.pop():
            self._ended.add(task)
            task.cancel()
        self._generations.appendleft(set())
        waiting = any(self._generations)
        self._timer = asyncio.get_running_loop().call_later(self.timeout_s / 2, self._turn) if waiting else None
