"""Names to addresses, for whoever sends: in threads of its own."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

THREADS = 32
"""A name server that is silent holds up its own names only, not all."""


class Resolver(AbstractResolver):
    """getaddrinfo in threads of its own; the loop's few would be taken by names that nobody answers for."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="webhook-names")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await asyncio.get_running_loop().run_in_executor(self._threads, _addresses, host, port, family)
        return [
            {"hostname": host, "host": str(address[0]), "port": port, "family": kind, "proto": 0,
             "flags": socket.AI_NUMERICHOST}
            for kind, _, _, _, address in found
        ]  # fmt: skip

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _addresses(host: str, port: int, family: int) -> list[Any]:
    return list(socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM))
