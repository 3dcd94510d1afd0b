"""The door of the epay site: what shops' servers call and browsers open below ``/epay/``, as the protocol has it."""

from __future__ import annotations

from urllib.parse import parse_qsl

from kameng import epay
from kameng.kit import logs
from kameng.kit.proxies import Proxies
from kameng.openapi.errors import NoSuchPath
from kameng.openapi.headers import Headers
from kameng.openapi.intake import ASGIScope, Receive, Reply, Send, answered, read_body, respond

BODY_MAX = 64 * 1024
FIELDS_MAX = 100
METHODS = ("GET", "POST")
log = logs.get_logger(__name__)


class Epaying:
    """The ASGI app of everything below ``epay.PATH``."""

    def __init__(self, site: epay.Site, proxies: Proxies, *, timeout_s: float, headers: Headers) -> None:
        self._site = site
        self._proxies = proxies
        self._timeout_s = timeout_s
        self._headers = headers

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        work = self._answer(scope, receive)
        reply = await answered(work, log, "a shop could not be answered", path=scope["path"])
        await respond(send, Reply(reply.status, reply.headers + self._headers, reply.body))

    async def _answer(self, scope: ASGIScope, receive: Receive) -> Reply:
        path = scope["path"].removeprefix(epay.PATH)
        if scope["method"] not in METHODS or not epay.is_path(path):
            raise NoSuchPath
        body = await read_body(receive, body_max=BODY_MAX, timeout_s=self._timeout_s)
        client = scope["client"]
        headers = dict(scope["headers"])
        call = epay.Call(
            path, _fields(scope["query_string"], body),
            self._proxies.address_of(scope["headers"], client[0] if client else "127.0.0.1"),
            headers.get(b"user-agent", b"").decode("latin-1")[:300],
        )  # fmt: skip
        said = await epay.answer(self._site, call)
        more = [(b"content-type", said.media_type.encode()), (b"cache-control", b"no-store")]
        if said.location:
            more.append((b"location", said.location.encode()))
        return Reply(said.status, more, said.body)


def _fields(query: bytes, body: bytes) -> dict[str, str]:
    """Of the address and of the form; what stands in both is the form's, as PHP has it."""
    try:
        pairs = [
            pair
            for text in (query.decode(), body.decode())
            for pair in parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict")
        ]
    except ValueError:
        return {}
    return dict(pairs)
