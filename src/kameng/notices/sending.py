"""Sending one message: a signed POST, with a time-out, no redirects, and an answer of which little is read."""

from __future__ import annotations

import ssl
import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from kameng.kit import clock
from kameng.notices import signing
from kameng.notices.model import Outcome
from kameng.notices.targets import NotPublic, Policy

if TYPE_CHECKING:  # the library is imported by whoever sends: orders and most commands only know of notices
    import aiohttp
    from yarl import URL

    from kameng.notices.resolving import Resolver

TIMEOUT_S = 15.0
CONNECT_TIMEOUT_S = 5.0
ANSWER_BYTES_MAX = 4096
SOCKETS_MAX = 2000

_AGENT = "Kameng-Webhooks/1.0"


class Sender:
    """A pool of connections to receivers; ``async with``."""

    def __init__(self, policy: Policy, *, timeout_s: float = TIMEOUT_S) -> None:
        self._policy = policy
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None
        self._resolver: Resolver | None = None

    async def __aenter__(self) -> Sender:
        import aiohttp

        from kameng.notices.resolving import Resolver

        self._resolver = Resolver()
        connector = aiohttp.TCPConnector(
            limit=SOCKETS_MAX, ssl=ssl.create_default_context(), resolver=self._resolver, ttl_dns_cache=60,
            socket_factory=self._policy.socket_for, keepalive_timeout=30,
        )  # fmt: skip
        self._session = aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=self._timeout_s, sock_connect=CONNECT_TIMEOUT_S),
            headers={"user-agent": _AGENT, "content-type": "application/json"}, trust_env=False,
        )  # fmt: skip
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
        if self._resolver is not None:
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
        return await self._ask("POST", url, body, headers)

    async def get(self, url: str) -> tuple[int, bytes, str]:
        """One GET of an address that stands as it is: the status, the answer's first bytes, or why there is none."""
        from yarl import URL

        try:
            return *await self._ask("GET", URL(url, encoded=True), None, {}), ""
        except Exception as error:
            return 0, b"", fault_of(error)

    async def _ask(
        self, method: str, url: str | URL, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        assert self._session is not None, "used outside its block"
        async with self._session.request(
            method, url, data=body, headers=headers, allow_redirects=False
        ) as response:
            said = b""
            while len(said) < ANSWER_BYTES_MAX and (piece := await response.content.read(ANSWER_BYTES_MAX - len(said))):
                said += piece
            if not response.content.at_eof():
                response.close()  # the rest is nothing we want; the connection goes with it
            return response.status, said


def fault_of(error: Exception) -> str:
    """Why there was no answer, in a few words of our own: the library's may hold the whole address."""
    import aiohttp

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
