"""A request on its way to its handler: read whole, its signature checked, and every answer dressed the same.

``Front`` stands before the framework: body limits, HEAD, headers, counting. ``signed`` is the guard of every
handler that needs a caller. What goes wrong, ours or the framework's, comes out as a problem document.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

import msgspec
from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException
from litestar.handlers import BaseRouteHandler

from kameng import identity
from kameng.identity import ApiKey, Caller, Nonce
from kameng.kit import db, logs, metrics
from kameng.kit.errors import Refusal
from kameng.openapi import errors, problems
from kameng.openapi.auth import Authenticator
from kameng.openapi.headers import Headers
from kameng.openapi.intake import ASGIScope, Receive, Send, rate_headers, raw_path, read_body, request_id
from kameng.openapi.v1.endpoints import Endpoint

if TYPE_CHECKING:
    from kameng.openapi.app import Parts

BODY_MAX = 256 * 1024
"""Bytes; nothing here takes more than a hundred quotes. Orders have a door, and a limit, of their own."""

UPLOAD = "/api/v1/supplier/cards"
UPLOAD_BYTES_MAX = 10 * 1024 * 1024
"""The one endpoint that takes a file."""
ANSWERS, ANSWER_BYTES_MAX = ("/api/v1/supplier/orders/", "/answer"), 2 * 1024 * 1024
"""How the paths begin and end of those that take an image among other things."""

NEVER_ROUTED = "TRACE"
"""OPTIONS goes in as this: the framework's refusal lists the methods of the whole path, its own answer did not."""

JSON = "application/json"
log = logs.get_logger(__name__)
_encoder = msgspec.json.Encoder()

AnyRequest = Request[Any, Any, Any]


class Arrival(msgspec.Struct, frozen=True):
    """A signed request, checked: who sent it, what he sent, and the nonce that a write has to spend."""

    parts: Any  # Parts
    caller: Caller
    nonce: Nonce | None
    query: bytes
    body: bytes

    def rehearsed(self, deed: str) -> None:
        """Remember what a sandbox key did, for its go-live checklist."""
        if self.caller.organisation.sandbox:
            self.parts.lanes.rehearsals.saw(self.caller.key.key_id, deed)


async def signed(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Guard: the handler runs only for a caller whose key may do this."""
    endpoint: Endpoint = handler.opt["endpoint"]
    scope: ASGIScope = connection.scope  # type: ignore[assignment]
    parts: Parts = connection.scope["state"]["parts"]
    state = scope["state"]
    proof = await parts.authenticator.verify(
        method=state["method"], path=raw_path(scope), query=scope["query_string"], headers=scope["headers"],
        body=state["body"],
    )  # fmt: skip
    state["key"] = proof.key
    caller, nonce = parts.authenticator.admit(
        proof, headers=scope["headers"], peer=peer_of(scope), scope=endpoint.scope, write=endpoint.write
    )
    state["arrival"] = Arrival(parts, caller, nonce, scope["query_string"], state["body"])


def arrival_of(request: AnyRequest) -> Arrival:
    """What ``signed`` left for the handler."""
    arrival: Arrival = request.scope["state"]["arrival"]
    return arrival


async def spend(arrival: Arrival) -> None:
    """Spend the nonce of a write: the same request again is refused."""
    assert arrival.nonce is not None
    await identity.spend_nonce(arrival.parts.db, arrival.caller.organisation.lane, arrival.nonce)


def answer(arrival: Arrival, body: Any, *, headers: dict[str, str] | None = None) -> Response[bytes]:
    """A good answer to a signed request: JSON, not to be kept unless ``headers`` say so; None: unchanged (304)."""
    sent = {"cache-control": "no-store", **(headers or {}), **rate_headers_of(arrival)}
    if body is None:
        return Response(b"", status_code=304, media_type=JSON, headers=sent)
    return Response(_encoder.encode(body), media_type=JSON, headers=sent)


def rate_headers_of(arrival: Arrival) -> dict[str, str]:
    """What its key has left."""
    pairs = rate_headers(arrival.parts.authenticator, arrival.caller.key)
    return {name.decode(): value.decode() for name, value in pairs}


def unsigned_answer(body: Any, *, max_age_s: int = 0) -> Response[bytes]:
    """A good answer to anybody."""
    kept = f"public, max-age={max_age_s}" if max_age_s else "no-store"
    return Response(_encoder.encode(body), media_type=JSON, headers={"cache-control": kept})


def on_error(request: AnyRequest, error: Exception) -> Response[bytes]:
    """Every exception as RFC 9457."""
    refusal, number = _refusal_of(error), request_id()
    if isinstance(refusal, errors.Internal | errors.Unavailable):
        log.error("a request failed", error, path=request.scope["path"], request_id=number)
    metrics.refusals.labels(refusal.code).inc()
    key: ApiKey | None = request.scope["state"].get("key")  # once somebody signed, he is told what he has left
    authenticator: Authenticator = request.scope["state"]["parts"].authenticator
    headers = problems.headers_of(type(refusal), wait_s=0 if key is None else authenticator.wait_s(key))
    headers += [] if key is None else rate_headers(authenticator, key)
    sent = {name.decode(): value.decode() for name, value in headers}
    if isinstance(error, MethodNotAllowedException) and error.headers:
        sent["allow"] = error.headers["allow"]
    media_type = sent.pop("content-type")
    document = problems.problem_of(refusal, request_id=number)
    return Response(_encoder.encode(document), status_code=refusal.status, media_type=media_type, headers=sent)


def _refusal_of(error: Exception) -> Refusal:
    if isinstance(error, Refusal):
        return error
    if isinstance(error, NotFoundException):
        return errors.NoSuchPath()
    if isinstance(error, MethodNotAllowedException):
        return errors.MethodNotAllowed()
    if isinstance(error, HTTPException) and error.status_code < 500:
        return errors.BadRequest(error.detail[:200], detail_zh="请求无法解析")
    return errors.Unavailable() if isinstance(error, db.LOST) else errors.Internal()


def peer_of(scope: ASGIScope) -> str:
    client = scope["client"]
    return client[0] if client else "127.0.0.1"


class Front:
    """The ASGI app before the framework."""

    def __init__(
        self, app: Any, *, shared: Mapping[str, Any], headers: Headers, timeout_s: float,
        body_max: Callable[[str], int] | None = None,
    ) -> None:  # fmt: skip
        """``shared`` stands in the state of every request: the app itself knows no platform, so that one serves any.
        ``body_max``: how many bytes may be sent to a path."""
        self._app = app
        self.shared = shared
        self._body_max = body_max or _body_max
        self._headers = headers
        self._timeout_s = timeout_s

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        method, status = scope["method"], 0
        inner = dict(scope)
        inner["method"] = {"HEAD": "GET", "OPTIONS": NEVER_ROUTED}.get(method, method)

        async def dressed(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status, headers = message["status"], self._dress(message["headers"])
                if method == "OPTIONS" and status == 405:
                    status, headers = 204, self._dress([pair for pair in headers if pair[0] == b"allow"])
                message = {**message, "status": status, "headers": headers}
            elif method == "HEAD" or status == 204:
                message = {**message, "body": b""}
            await send(message)

        try:
            body = await read_body(receive, body_max=self._body_max(scope["path"]), timeout_s=self._timeout_s)
        except Refusal as refusal:
            await _refuse(refusal, dressed)
        else:
            inner["state"] = {**self.shared, "method": method, "body": body}
            await self._app(inner, _replay(body, receive), dressed)
        metrics.http_requests.labels(inner.get("path_template") or "none", str(status)).inc()

    def _dress(self, headers: Headers) -> Headers:
        """The headers that every answer carries, and a whole Allow."""
        sent = [
            (name, allowed_methods(value.decode()).encode() if name == b"allow" else value) for name, value in headers
        ]
        named = {name for name, _ in sent}
        return sent + [pair for pair in self._headers if pair[0] not in named]


def allowed_methods(routed: str) -> str:
    """The Allow header: what is routed, and HEAD wherever there is GET."""
    methods = {*routed.split(", "), "OPTIONS"}
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))


def _body_max(path: str) -> int:
    if path == UPLOAD:
        return UPLOAD_BYTES_MAX
    return ANSWER_BYTES_MAX if path.startswith(ANSWERS[0]) and path.endswith(ANSWERS[1]) else BODY_MAX


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body once more, and then what the server says: whoever streams waits to hear that it is over."""
    is_read = False

    async def again() -> MutableMapping[str, Any]:
        nonlocal is_read
        if is_read:
            return await receive()
        is_read = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _refuse(refusal: Refusal, send: Send) -> None:
    body = _encoder.encode(problems.problem_of(refusal, request_id=request_id()))
    headers = [*problems.headers_of(type(refusal)), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
