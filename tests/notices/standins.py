"""Stand-ins of the outside as processes of their own, and what they saw."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp


class StandIn:
    """A stand-in that runs; ``ports`` are what it said it listens on."""

    def __init__(self, process: subprocess.Popen[str], ports: dict[str, int]) -> None:
        self.process = process
        self.ports = ports
        self.port = ports["port"]
        self.url = f"http://127.0.0.1:{self.port}"
        self._control = f"http://127.0.0.1:{ports.get('control', self.port)}/_sim"

    async def seen(self) -> list[Any]:
        async with aiohttp.ClientSession() as session, session.get(f"{self._control}/seen") as answer:
            found: list[Any] = await answer.json()
            return found

    async def mode(self, name: str) -> None:
        async with aiohttp.ClientSession() as session, session.post(f"{self._control}/mode", data=name) as answer:
            assert await answer.text() == name


@asynccontextmanager
async def stand_in(name: str, *arguments: str, port: int = 0) -> AsyncIterator[StandIn]:
    """``kameng.sim.NAME`` for the block."""
    command = [sys.executable, "-m", f"kameng.sim.{name}", "--port", str(port), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220 - it starts at once
    assert process.stdout is not None
    try:
        line = await asyncio.to_thread(process.stdout.readline)
        yield StandIn(process, {key: int(value) for key, value in (pair.split("=") for pair in line.split())})
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(process.wait, 5)
        process.kill()
        process.stdout.close()
        process.wait()


async def until(look: Callable[[], Awaitable[bool]], *, timeout_s: float = 20) -> None:
    """Until it is so."""
    deadline_s = time.monotonic() + timeout_s
    while not await look():
        assert time.monotonic() < deadline_s, "it did not come about"
        await asyncio.sleep(0.05)
