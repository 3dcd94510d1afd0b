"""The door of payment providers: notices, byte for byte, for the channel whose number ends the path.

Each is answered as its provider wants it, and only after the commit that makes the answer true.
"""

from __future__ import annotations

from kameng import payments
from kameng.channels import Incoming
from kameng.kit import logs
from kameng.kit.proxies import Proxies
from kameng.openapi.headers import Headers
from kameng.openapi.intake import ASGIScope, Receive, Reply, Send, answered, read_body, respond

BODY_MAX = 256 * 1024
DIGITS_MAX = 9
log = logs.get_logger(__name__)
METHODS = ("GET", "POST")
"""Some providers tell in the query of a GET."""


class Hearing:
    """The ASGI app of everything below ``payments.NOTICES``."""

    def __init__(self, cashier: payments.Cashier, proxies: Proxies, *, timeout_s: float, headers: Headers) -> None:
        self._cashier = cashier
        self._proxies = proxies
        self._timeout_s = timeout_s
        self._headers = headers

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        work = self._hear(scope, receive)
        reply = await answered(work, log, "a notice could not be heard", path=scope["path"])
        await respond(send, Reply(reply.status, reply.headers + self._headers, reply.body))

    async def _hear(self, scope: ASGIScope, receive: Receive) -> Reply:
        number = scope["path"].removeprefix(payments.NOTICES)
        if scope["method"] not in METHODS or not (
            number.isascii() and number.isdecimal() and len(number) <= DIGITS_MAX
        ):
            raise payments.NoSuchChannel
        body = await read_body(receive, body_max=BODY_MAX, timeout_s=self._timeout_s)
        client = scope["client"]
        address = self._proxies.address_of(scope["headers"], client[0] if client else "127.0.0.1")
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        incoming = Incoming(scope["method"], scope["query_string"].decode("latin-1"), headers, body)
        ack = await payments.hear(self._cashier, int(number), incoming, address=address)
        return Reply(ack.status, [(b"content-type", ack.content_type.encode())], ack.body)
