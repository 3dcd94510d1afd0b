"""What a gateway tells the proxy before it: how much more it can take, as HAProxy's agent-check asks for it.

Whoever connects to ``agent_port`` gets one line and is hung up on: ``75%`` of its weight, or ``drain`` from a gateway
that leaves. The figure is what is left of the queue's target time: how long a new order would wait in the fullest lane,
or how late the process's own loop is, if that is longer, over the last second.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable

from kameng.kit import logs

log = logs.get_logger(__name__)

LOOK_S = 0.05
LOOKS = 20
"""Of which the mean is told: one batch in hand is no news."""
WEIGHT_MIN = 5
"""Never nothing: a gateway that gets no orders could not show that it is faster by now."""
RETRY_S = 1.0


class Agent:
    """``run`` serves until it is cancelled. ``wait_s`` says how long an order would wait."""

    def __init__(self, host: str, port: int, *, wait_s: Callable[[], float], target_s: float) -> None:
        self._host = host
        self._port = port
        self._wait_s = wait_s
        self._target_s = target_s
        self._waits: deque[float] = deque([0.0], maxlen=LOOKS)
        self._server: asyncio.Server | None = None
        self.is_leaving = False

    def line(self) -> str:
        """What is told now."""
        if self.is_leaving:
            return "drain\n"
        return f"ready {weight(sum(self._waits) / len(self._waits), self._target_s)}%\n"

    def stop(self) -> None:
        """Leave the port to the gateway that comes after this one."""
        if self._server:
            self._server.close()

    async def run(self) -> None:
        self._server = await self._listen()
        loop = asyncio.get_running_loop()
        try:
            while True:
                due_s = loop.time() + LOOK_S
                await asyncio.sleep(LOOK_S)
                self._waits.append(max(self._wait_s(), loop.time() - due_s))
        finally:
            self.stop()

    async def _listen(self) -> asyncio.Server:
        """Beside the agents of other gateways here: the old one before a reload, or several on one port."""
        while True:
            try:
                family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
                return await asyncio.start_server(
                    self._tell, self._host, self._port, family=family, reuse_address=True, reuse_port=True
                )
            except OSError as error:
                log.warning("the agent's port is taken and waited for", port=self._port, error=error)
                await asyncio.sleep(RETRY_S)

    async def _tell(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(self.line().encode())
        writer.close()


def weight(wait_s: float, target_s: float) -> int:
    """Per cent of the head-room that is left."""
    return max(WEIGHT_MIN, min(100, round(100 * (1 - wait_s / target_s))))
