"""The hot door: ``POST /api/v1/orders`` and ``/orders/bulk`` as bytes, under the same app as everything else.

A framework's handler costs four times as much as all of Kameng's own work at this point. So bytes come in, are
checked and decoded once, join their lane's next batch, and bytes go out after its commit. ``Connection`` asks
``reply`` for a single order; any ASGI server can call the door for both.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from functools import lru_cache
from itertools import count
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType
from prometheus_client import Counter

from kameng import identity, orders
from kameng.identity import ApiKey, Caller, Nonce, Scope
from kameng.kit import clock, db, logs, metrics, money
from kameng.kit.errors import Refusal
from kameng.openapi.auth import Authenticator
from kameng.openapi.errors import BodyTooLarge, Internal, RequestTooSlow, Unavailable
from kameng.openapi.headers import Headers
from kameng.openapi.problems import headers_of, problem_of
from kameng.orders import Answer, OrderBody, Refused, ShownOrder, ShownPart, Snapshot

ASGIScope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PLACE = "/api/v1/orders"
BULK = "/api/v1/orders/bulk"

log = logs.get_logger(__name__)
_request_prefix = secrets.token_hex(4)
_request_numbers = count(1)


class CardBody(msgspec.Struct, frozen=True, omit_defaults=True):
    number: str
    secret: str
    url: str | None = None
    expires_on: str | None = None


class PartAnswer(msgspec.Struct, frozen=True):
    """A part of a bundle on the wire, with its cards."""

    part_no: int
    sku: str
    quantity: int
    worth: str
    state: str
    cards: list[msgspec.Raw] = []


class OrderAnswer(msgspec.Struct, frozen=True, gc=False):
    """An order on the wire. Money as decimals with four places, ids as strings."""

    id: str
    client_ref: str
    sku: str
    quantity: int
    unit_price: str
    total: str
    currency: str
    state: str
    sequence: int
    placed_at: str
    replayed: bool
    cards: list[msgspec.Raw] = []
    parts: list[PartAnswer] | UnsetType = UNSET  # a bundle's only


class BulkBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    orders: list[msgspec.Raw]
    mode: str = "each"


TURN_ROWS = 250
"""Rows of a bulk request that are worked on in one turn of the loop."""

_order_decoder = msgspec.json.Decoder(OrderBody)
_bulk_decoder = msgspec.json.Decoder(BulkBody)
_encoder = msgspec.json.Encoder()


def request_id() -> str:
    """Names one request in answers and logs."""
    return f"{_request_prefix}-{next(_request_numbers)}"


def order_answer(order: ShownOrder) -> OrderAnswer:
    return OrderAnswer(
        str(order.order_id), order.client_ref, str(order.sku_id), order.quantity,
        _decimal(order.unit_price_e4), _decimal(order.total_e4), order.currency, order.state,
        order.sequence, _time(order.placed_at), order.replayed,
        [msgspec.Raw(_card(card)) for card in order.cards if card.text is not None],
        [_part(part) for part in order.parts] if order.parts else UNSET,
    )  # fmt: skip


def _part(part: ShownPart) -> PartAnswer:
    cards = [msgspec.Raw(_card(card)) for card in part.cards if card.text is not None]
    return PartAnswer(part.part_no, str(part.sku_id), part.quantity, _decimal(part.worth_e4), part.state, cards)


_time = lru_cache(maxsize=16)(clock.rfc3339)
"""A batch's orders share theirs."""


_decimal = lru_cache(maxsize=1 << 14)(money.format_e4)
"""Prices repeat."""


def _card(card: orders.ShownCard) -> bytes:
    """The card's own JSON with its date put in: it was encoded when it was loaded."""
    assert card.text is not None
    if card.expires_on is None or card.expires_on.year == 9999:
        return card.text
    return b'%s,"expires_on":"%s"}' % (card.text[:-1], card.expires_on.isoformat().encode())


class Reply(NamedTuple):
    """An answer before it is put on a wire."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class SignedDoor:
    """A door of signed writes: bytes in, whose they are, what becomes of them, bytes out, whatever happens."""

    label = ""
    """How its answers are counted."""

    def __init__(self, authenticator: Authenticator, *, body_max: int, timeout_s: float, headers: Headers) -> None:
        self._auth = authenticator
        self.body_max = body_max
        self._timeout_s = timeout_s
        self.headers = headers

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        """One request, answered whatever happens."""
        try:
            body = await read_body(receive, body_max=self.body_max, timeout_s=self._timeout_s)
        except Refusal as refusal:
            reply = refused(refusal)
            await respond(send, Reply(reply.status, reply.headers + self.headers, reply.body))
            return
        client = scope["client"]
        reply = await self.reply(
            path=raw_path(scope), query=scope["query_string"], headers=scope["headers"], body=body,
            peer=client[0] if client else "127.0.0.1", route=scope["path"],
        )  # fmt: skip
        await respond(send, reply)

    async def reply(
        self, *, path: bytes, query: bytes, headers: Sequence[tuple[bytes, bytes]], body: bytes, peer: str, route: str
    ) -> Reply:
        """The answer to one whole request, whatever happens. ``path`` as it was signed, ``route`` as it is meant."""
        key: ApiKey | None = None
        try:
            proof = await self._auth.verify(method="POST", path=path, query=query, headers=headers, body=body)
            key = proof.key
            caller, nonce = self._auth.admit(
                proof, headers=headers, peer=peer, scope=Scope.orders_place, write=True
            )
            reply = await self._act(caller, nonce, route, body)
        except Refusal as refusal:
            self._saw(refusal)
            reply = refused(refusal, wait_s=0 if key is None else self._auth.wait_s(key))
        except Exception as error:
            log.error("a request failed", error, path=path.decode("latin-1"))
            # The lanes answer for what they were given. Here nothing was placed.
            reply = refused(Unavailable() if isinstance(error, db.LOST) else Internal())
        _counted(self.label, reply.status).inc()
        rate = [] if key is None else rate_headers(self._auth, key)
        return Reply(reply.status, reply.headers + rate + self.headers, reply.body)

    async def _act(self, caller: Caller, nonce: Nonce | None, route: str, body: bytes) -> Reply:
        raise NotImplementedError

    def _saw(self, refusal: Refusal) -> None:
        """A refusal that nobody else counts."""


class Intake(SignedDoor):
    """Orders."""

    label = "orders"

    def __init__(
        self, snapshot: Snapshot, lanes: orders.Lanes, authenticator: Authenticator, *, body_max: int,
        timeout_s: float, headers: Headers,
    ) -> None:  # fmt: skip
        super().__init__(authenticator, body_max=body_max, timeout_s=timeout_s, headers=headers)
        self._snapshot = snapshot
        self._lanes = lanes
        self._groups = count(1)

    async def _act(self, caller: Caller, nonce: Nonce | None, route: str, body: bytes) -> Reply:
        return await (self._bulk if route == BULK else self._place)(caller, nonce, body)

    async def _place(self, caller: Caller, nonce: Nonce | None, body: bytes) -> Reply:
        try:
            sent = _order_decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise orders.fault_of(error) from None
        wish = orders.wish_from(self._snapshot, caller, sent, nonce=nonce)
        answer = await self._lanes.place(wish)
        if isinstance(answer, Refused):
            return refused(answer.refusal())
        headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
        return Reply(200 if answer.replayed else 201, headers, _encoder.encode(order_answer(answer)))

    async def _bulk(self, caller: Caller, nonce: Nonce | None, body: bytes) -> Reply:
        try:
            sent = _bulk_decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise orders.fault_of(error) from None
        rows_max = {"each": orders.BULK_EACH_MAX, "all": orders.BULK_ALL_MAX}.get(sent.mode)
        if rows_max is None:
            raise orders.BadOrder("each or all", field="mode", detail_zh="mode 须为 each 或 all")
        if not 0 < len(sent.orders) <= rows_max:
            raise orders.BadOrder(f"1 to {rows_max} rows", field="orders", detail_zh=f"须为 1 至 {rows_max} 行")
        if not self._lanes.has_room_for(caller.organisation.lane, len(sent.orders)):
            raise orders.Busy
        self._auth.count_rows(caller.key, len(sent.orders))
        if nonce is not None:
            await identity.spend_nonce(self._snapshot.db, caller.organisation.lane, nonce)
        results = await self._place_rows(caller, sent)
        accepted = sum(1 for row in results if isinstance(row, ShownOrder))
        headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
        return Reply(200, headers, await _bulk_answer(results, accepted))

    async def _place_rows(self, caller: Caller, sent: BulkBody) -> list[ShownOrder | Refusal]:
        """Each row on its own, or all or none; a row that can't be read is refused where it stands."""
        together = sent.mode == "all"
        group = next(self._groups) if together else 0
        results: list[ShownOrder | Refusal | None] = []
        wishes = []
        for index, raw in enumerate(sent.orders):
            if index % TURN_ROWS == TURN_ROWS - 1:
                await asyncio.sleep(0)  # single orders wait for nobody's thousands of rows
            try:
                wishes.append(
                    orders.wish_from(self._snapshot, caller, _order_decoder.decode(raw), group=group)
                )
                results.append(None)
            except Refusal as refusal:
                results.append(refusal)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                results.append(orders.fault_of(error))
        if together and len(wishes) < len(results):
            return [orders.GroupRefused() if result is None else result for result in results]
        answers = iter(await self._lanes.place_many(wishes))
        return [_row(next(answers)) if result is None else result for result in results]


def _row(answer: Answer) -> ShownOrder | Refusal:
    return answer.refusal() if isinstance(answer, Refused) else answer


async def _bulk_answer(results: list[ShownOrder | Refusal], accepted: int) -> bytes:
    parts = []
    for start in range(0, len(results), TURN_ROWS):
        rows = [
            {"index": index, "status": 200 if row.replayed else 201, "order": order_answer(row)}
            if isinstance(row, ShownOrder)
            else {"index": index, "status": row.status, "problem": problem_of(row)}
            for index, row in enumerate(results[start : start + TURN_ROWS], start)
        ]
        parts.append(_encoder.encode(rows)[1:-1])
        await asyncio.sleep(0)
    totals = b'"accepted":%d,"refused":%d' % (accepted, len(results) - accepted)
    return b'{"results":[%b],%b}' % (b",".join(parts), totals)


def raw_path(scope: ASGIScope) -> bytes:
    """The path's bytes as they were sent and signed."""
    raw: bytes | None = scope.get("raw_path")
    return scope["path"].encode() if raw is None else raw


async def read_body(receive: Receive, *, body_max: int, timeout_s: float) -> bytes:
    """The whole body; ``BodyTooLarge`` as soon as it is, ``RequestTooSlow`` if it stops coming."""
    parts: list[bytes] = []
    size, more = 0, True
    try:
        async with asyncio.timeout(timeout_s):
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise RequestTooSlow
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > body_max:
                    raise BodyTooLarge.above(body_max)
                more = message.get("more_body", False)
    except TimeoutError:
        raise RequestTooSlow from None
    return b"".join(parts)


def refused(refusal: Refusal, *, wait_s: int = 0) -> Reply:
    document = problem_of(refusal, request_id=request_id())
    return Reply(refusal.status, headers_of(type(refusal), wait_s=wait_s), _encoder.encode(document))


@lru_cache(maxsize=1024)
def _policy(rate_per_second: int) -> bytes:
    return b'"key";q=%d;w=1' % rate_per_second


def rate_headers(authenticator: Authenticator, key: ApiKey) -> list[tuple[bytes, bytes]]:
    """draft-ietf-httpapi-ratelimit-headers: the policy, and what is left of it."""
    return [
        (b"ratelimit-policy", _policy(key.rate_per_second)),
        (b"ratelimit", b'"key";r=%d;t=%d' % (authenticator.remaining(key), authenticator.wait_s(key))),
    ]


@lru_cache
def _counted(label: str, status: int) -> Counter:
    return metrics.http_requests.labels(label, str(status))


async def answered(work: Awaitable[Reply], log: logs.Logger, failing: str, *, path: str) -> Reply:
    """What a door's work comes to; what it refuses, or breaks at, as a problem."""
    try:
        return await work
    except Refusal as refusal:
        return refused(refusal)
    except Exception as error:
        log.error(failing, error, path=path)
        return refused(Unavailable() if isinstance(error, db.LOST) else Internal())


async def respond(send: Send, reply: Reply) -> None:
    headers = [*reply.headers, (b"content-length", b"%d" % len(reply.body))]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})

