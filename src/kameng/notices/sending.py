"""Sending one message: a signed POST, with a time-out, no redirects, and an answer of which little is read."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from kameng.kit import clock
from kameng.notices import signing
from kameng.notices.model import Outcome
from kameng.notices.targets import NotPublic, Policy

TIMEOUT_S = 15.0
CONNECT_TIMEOUT_S = 5.0
ANSWER_BYTES_MAX = 4096
SOCKETS_MAX = 2000
RESOLVERS = 32
"""Threads that ask for addresses: a name server that is silent holds up its own names only, not all."""

_AGENT = "Kameng-Webhooks/1.0"


class Sender:
    """A pool of connections to receivers; ``async with``."""

    def __init__(self, policy: Policy, *, timeout_s: float = TIMEOUT_S) -> None:
        self._policy = policy
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=CONNECT_TIMEOUT_S)
        self._session: aiohttp.ClientSession | None = None
        self._resolver = _Resolver()

    async def __aenter__(self) -> Sender:
        connector = aiohttp.TCPConnector(
            limit=SOCKETS_MAX, ssl=ssl.create_default_context(), resolver=self._resolver, ttl_dns_cache=60,
            socket_factory=self._policy.socket_for, keepalive_timeout=30,
        )  # fmt: skip
        self._session = aiohttp.ClientSession(
            connector=connector, timeout=self._timeout, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False,
            headers={"user-agent": _AGENT, "content-type": "application/json"}, trust_env=False,
        )  # fmt: skip
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
        await self._resolver.close()

    async def send(self, url: str, keys: Sequence[bytes], *, message_id: str, body: bytes) -> Outcome:
        """Never raises: whatever happens is an outcome. What the receiver said is not kept: it may repeat secrets."""
        headers = signing.headers(keys, message_id=message_id, ts_s=clock.now_ms() // 1000, body=body)
        began_s = time.monotonic()
        try:
            status, _ = await self.post(url, body, headers)
        except Exception as error:
            return Outcome(0, _ms_since(began_s), fault_of(error))
        fault = "" if 200 <= status < 300 else "redirects are not followed" if 300 <= status < 400 else f"HTTP {status}"
        return Outcome(status, _ms_since(began_s), fault)

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        """One POST: the status, and the answer's first bytes."""
        assert self._session is not None, "used outside its block"
        async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as response:
            said = b""
            while len(said) < ANSWER_BYTES_MAX and (piece := await response.content.read(ANSWER_BYTES_MAX - len(said))):
                said += piece
            if not response.content.at_eof():
                response.close()  # the rest is nothing we want; the connection goes with it
            return response.status, said


def fault_of(error: Exception) -> str:
    """Why there was no answer, in a few words of our own: the library's may hold the whole address."""
    chain: BaseException | None = error
    while chain is not None:
        if isinstance(chain, NotPublic) or "not public" in str(chain):
            return "the address is not public"
        chain = chain.__cause__
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
        return "its certificate is not good"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name is not known"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"no connection ({error.strerror or 'refused'})"[:100]
    return f"no answer ({type(error).__name__})"


def _ms_since(began_s: float) -> int:
    return round((time.monotonic() - began_s) * 1000)


class _Resolver(AbstractResolver):
    """getaddrinfo in threads of its own; the loop's few would be taken by names that nobody answers for."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(RESOLVERS, thread_name_prefix="webhook-names")

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
