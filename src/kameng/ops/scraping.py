"""The numbers of a process without a door, for Prometheus: a port of its own, in a thread of its own.

The gateway shows its numbers at its door. Worker and scheduler have none, so they open ``metrics_port``. Whoever is
neither this machine nor in ``metrics_networks`` is told that there is nothing here.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Sequence
from ipaddress import ip_address, ip_network
from typing import Any
from wsgiref.simple_server import WSGIServer, make_server

from prometheus_client import make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer, _SilentHandler

from kameng.kit import logs, metrics

log = logs.get_logger(__name__)

RETRY_S = 1.0


class Scraped:
    """``run`` serves until it is cancelled. Numbers stop nobody's work: a port that is taken is waited for, as by
    the new process beside the old one when everything reloads."""

    def __init__(self, port: int, networks: Sequence[str] = ()) -> None:
        self._port = port
        self._networks = [ip_network(text) for text in networks]
        self._app = make_wsgi_app(metrics.registry)
        self.bound_port = 0

    async def run(self) -> None:
        server = await self._listen()
        try:
            self.bound_port = server.server_port
            threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
            await asyncio.Event().wait()
        finally:
            await asyncio.to_thread(server.shutdown)
            server.server_close()

    async def _listen(self) -> WSGIServer:
        host, told = "0.0.0.0" if self._networks else "127.0.0.1", False  # noqa: S104 - all are asked who they are
        while True:
            try:
                return make_server(host, self._port, self._answer, ThreadingWSGIServer, _SilentHandler)
            except OSError as error:
                if not told:
                    log.warning("the port of the numbers is taken and waited for", port=self._port, error=error)
                told = True
                await asyncio.sleep(RETRY_S)

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/metrics" or not self._may_see(environ["REMOTE_ADDR"]):
            start_response("404 Not Found", [("Content-Type", "text/plain"), ("Content-Length", "0")])
            return [b""]
        answer: Iterable[bytes] = self._app(environ, start_response)
        return answer

    def _may_see(self, peer: str) -> bool:
        address = ip_address(peer)
        return address.is_loopback or any(address in network for network in self._networks)
