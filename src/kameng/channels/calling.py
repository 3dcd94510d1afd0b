"""One HTTP call to a provider: what it answered, or why there is no answer. Nothing here raises or logs an address,
for addresses of some protocols carry a key. Redirects are not followed: a provider that sends us elsewhere answered.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from kameng.channels.model import Outcome

if TYPE_CHECKING:
    import aiohttp

TIMEOUT_S = 10.0
CONNECT_TIMEOUT_S = 4.0
BODY_BYTES_MAX = 4 * 1024 * 1024


class Answer(msgspec.Struct, frozen=True):
    """What came back. ``status`` 0: nothing did. ``was_sent`` is false if it surely never left."""

    status: int
    body: bytes = b""
    was_sent: bool = True
    fault: str = ""
    headers: Mapping[str, str] = {}  # names in lower case

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> dict[str, Any]:
        """The answer as an object; empty for anything else. Numbers stay the text they were written as."""
        try:
            found = json.loads(self.body, parse_float=str, parse_int=str)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


async def call(
    http: aiohttp.ClientSession, method: str, url: str, *, params: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None, body: bytes | None = None, headers: Mapping[str, str] | None = None,
    timeout_s: float = TIMEOUT_S, bytes_max: int = BODY_BYTES_MAX,
) -> Answer:  # fmt: skip
    """One request. Whatever happens is an answer."""
    import aiohttp

    limits = _limits(timeout_s)
    data = dict(form) if form is not None else body
    try:
        async with http.request(
            method, url, params=params, data=data, headers=headers, timeout=limits, allow_redirects=False
        ) as response:
            said = await _read(response, bytes_max)
            if said is None:
                return Answer(0, fault="the answer is too long")
            return Answer(response.status, said, headers={name.lower(): x for name, x in response.headers.items()})
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        return Answer(0, was_sent=False, fault=type(error).__name__)
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        return Answer(0, fault=type(error).__name__)


@cache
def _limits(timeout_s: float) -> aiohttp.ClientTimeout:
    import aiohttp

    return aiohttp.ClientTimeout(total=timeout_s, sock_connect=CONNECT_TIMEOUT_S)


async def _read(response: aiohttp.ClientResponse, bytes_max: int) -> bytes | None:
    said = bytearray()
    async for piece in response.content.iter_chunked(65536):
        said += piece
        if len(said) > bytes_max:
            return None
    return bytes(said)


def beginning(answer: Answer) -> Outcome | None:
    """What became of beginning a payment, as far as the transport tells; None: read what was said."""
    return Outcome.refused_channel if not answer.was_sent else _transport(answer)


def asking(answer: Answer) -> Outcome | None:
    """Of every other call: one that never left is done again later."""
    return Outcome.rate_limited if not answer.was_sent else _transport(answer)


def _transport(answer: Answer) -> Outcome | None:
    if answer.status == 429:
        return Outcome.rate_limited
    return Outcome.unknown if answer.status == 0 or 300 <= answer.status < 400 or answer.status >= 500 else None
