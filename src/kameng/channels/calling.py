"""One HTTP call to a provider: what it answered, or why there is no answer. Nothing here raises or logs an address,
for addresses of some protocols carry a key. Redirects are not followed: a provider that sends us elsewhere answered.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec

from kameng.channels.http import Http, NoAnswer, NotSent
from kameng.channels.model import Outcome

TIMEOUT_S = 10.0
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
    http: Http, method: str, url: str, *, params: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None, body: bytes | None = None, headers: Mapping[str, str] | None = None,
    timeout_s: float = TIMEOUT_S, bytes_max: int = BODY_BYTES_MAX,
) -> Answer:  # fmt: skip
    """One request. Whatever happens is an answer."""
    if params:
        url = f"{url}{'&' if '?' in url else '?'}{urlencode(params)}"
    heads = {"accept": "*/*", "user-agent": "kameng", **(headers or {})}
    if form is not None:
        body = urlencode(form).encode()
        heads["content-type"] = "application/x-www-form-urlencoded"
    try:
        heard = await http.ask(method, url, heads, body or b"", timeout_s=timeout_s, bytes_max=bytes_max)
    except NotSent as error:
        return Answer(0, was_sent=False, fault=str(error))
    except NoAnswer as error:
        return Answer(0, fault=str(error))
    except (OSError, ValueError) as error:
        return Answer(0, fault=type(error).__name__)
    return Answer(heard.status, heard.body, headers=heard.headers)


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
