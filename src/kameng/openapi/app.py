"""The gateway: one ASGI app. Orders take the hot door, everything else Litestar's."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

from kameng import epay, notices, orders, payments
from kameng.kit import crypto, db, lanes, logs, settings
from kameng.kit.proxies import Proxies
from kameng.openapi.auth import Authenticator
from kameng.openapi.epaying import Epaying
from kameng.openapi.errors import NotReady
from kameng.openapi.headers import security_headers
from kameng.openapi.hearing import Hearing
from kameng.openapi.intake import BULK, PLACE, Intake, raw_path, refused, respond
from kameng.openapi.paying import Paying, is_paying
from kameng.openapi.v1.routing import create_router_app
from kameng.openapi.v1.telling import subject_states

ASGIScope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

OWN = ("/api/", "/docs", "/static/", "/developers", "/healthz", "/metrics")
"""How the paths of the API and its documents begin."""

log = logs.get_logger(__name__)


class Parts(msgspec.Struct, frozen=True):
    """What a running gateway is made of; handlers get it as one."""

    settings: settings.Settings
    db: db.Database
    snapshot: orders.Snapshot
    lanes: orders.Lanes
    authenticator: Authenticator
    policy: notices.Policy
    states: notices.States
    hub: notices.Hub
    cashier: payments.Cashier
    site: epay.Site


class Gateway:
    """The ASGI callable. Parts are made when the server starts and closed, batches finished, when it stops."""

    def __init__(self, chosen: settings.Settings, *, pages: Callable[[Parts], Any] | None = None) -> None:
        """``pages`` makes the app of whatever is neither the API nor its documents."""
        self._settings = chosen
        self._make_pages = pages
        self._pages: Any = None
        self._parts: Parts | None = None
        self.intake: Intake | None = None
        """Where orders enter; None before the start and after the stop."""
        self.paying: Paying | None = None
        """Where payments of orders begin; None as ``intake`` is."""
        self._rest: Any = None
        self._hearing: Hearing | None = None
        self._epaying: Epaying | None = None

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if self.intake is None:
                reply = refused(NotReady())
                await respond(send, reply._replace(headers=reply.headers + security_headers(self._settings)))
            elif scope["method"] == "POST" and scope["path"] in (PLACE, BULK):
                await self.intake(scope, receive, send)
            elif self.paying is not None and scope["method"] == "POST" and is_paying(raw_path(scope)):
                await self.paying(scope, receive, send)
            elif self._hearing is not None and scope["path"].startswith(payments.NOTICES):
                await self._hearing(scope, receive, send)
            elif self._epaying is not None and scope["path"].startswith(epay.PATH):
                await self._epaying(scope, receive, send)
            elif self._pages is None or scope["path"].startswith(OWN):
                await self._rest(scope, receive, send)
            else:
                await self._pages(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)

    def wait_s(self) -> float:
        """How long an order that comes now would wait."""
        return self._parts.lanes.wait_s() if self._parts else 0.0

    async def start(self) -> Parts:
        """Connect, load the snapshot, set the lanes to work."""
        chosen = self._settings
        ring = crypto.KeyRing(crypto.KeyFile(chosen.key_ring_file).load())
        database = await db.open_database(chosen.database_url, size=2 * chosen.lanes + 6, name="kameng-gateway")
        snapshot = orders.Snapshot(database, ring, orders.terms_of(chosen))
        await snapshot.start()
        async with database.connection() as connection:
            numbers = await lanes.lane_numbers(connection)
        queues = orders.Lanes(
            snapshot, numbers, batch_max=chosen.batch_max, target_s=chosen.queue_target_ms / 1000
        )
        queues.start()
        authenticator = Authenticator(snapshot.directory, chosen.trusted_proxies, queues.rehearsals)
        policy = notices.Policy.of(chosen.webhook_http, chosen.webhook_networks)
        cashier = payments.Cashier(
            database, ring, public_url=settings.base_url(chosen), terms=snapshot.terms, reach=policy
        )
        self._parts = Parts(
            chosen, database, snapshot, queues, authenticator, policy, subject_states(), notices.Hub(database), cashier,
            epay.Site(cashier, policy=policy, fee_ppm=1000 * chosen.epay_fee_per_mille),
        )  # fmt: skip
        self._rest = create_router_app(self._parts)
        self._pages = None if self._make_pages is None else self._make_pages(self._parts)
        self.intake = Intake(
            snapshot, queues, authenticator, body_max=chosen.request_body_max,
            timeout_s=chosen.request_timeout_s, headers=security_headers(chosen),
        )  # fmt: skip
        self.paying = Paying(
            cashier, authenticator, timeout_s=chosen.request_timeout_s, headers=security_headers(chosen)
        )
        self._hearing = Hearing(
            self._parts.cashier, Proxies(chosen.trusted_proxies), timeout_s=chosen.request_timeout_s,
            headers=security_headers(chosen),
        )  # fmt: skip
        self._parts.cashier.start()
        self._epaying = Epaying(
            self._parts.site, Proxies(chosen.trusted_proxies), timeout_s=chosen.request_timeout_s,
            headers=security_headers(chosen),
        )  # fmt: skip
        _tune_interpreter()
        return self._parts

    def end_streams(self) -> None:
        """Readers of live events come again elsewhere."""
        if self._parts is not None:
            self._parts.hub.stop()

    async def stop(self) -> None:
        self.end_streams()
        parts, self.intake, self.paying = self._parts, None, None
        if parts is not None:
            await parts.lanes.stop()
            await parts.cashier.close()
            await asyncio.wait_for(parts.db.close(), 10)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    await self.start()
                except Exception as error:
                    log.error("the gateway did not start", error)
                    await send({"type": "lifespan.startup.failed", "message": str(error)})
                    return
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return


def _tune_interpreter() -> None:
    """Orders make no cycles: what stands now is never looked at again, and young garbage in small bites. Pages do make
    some, a thousand objects each: to pick up 50,000 at once stopped everybody for 110 ms."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 50, 100)


def create(*, pages: Callable[[Parts], Any] | None = None) -> Gateway:
    """What the server calls in each of its processes; settings come from the environment."""
    chosen = settings.load()
    logs.configure(level=chosen.log_level, style=chosen.log_format)
    return Gateway(chosen, pages=pages)
