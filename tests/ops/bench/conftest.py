"""A server of the test's own script, for the load generator to meet."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from scripted import Script, Scripted, Serve


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts scripted servers; they go when the test ends."""
    servers: list[Scripted] = []

    async def start(script: Script) -> Scripted:
        servers.append(Scripted(script))
        await servers[-1].start()
        return servers[-1]

    yield start
    for server in servers:
        await server.stop()
