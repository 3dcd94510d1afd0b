"""The gateway's process: uvicorn with the Open API, on a listening socket that the supervisor holds.

A reload drops nothing, because the socket outlives every gateway:

- all gateways of a supervisor share it, hence one queue: who waits in it is served by whoever is there;
- a new gateway tells that it serves (``ready``) before the old one is asked to leave;
- the old one is first made deaf (SIGUSR1): it takes no new connections, ends handshakes and requests, and says
  ``Connection: close`` with every answer, so that clients come again by themselves;
- where it ends for good behind a proxy with an agent-check it is first drained (SIGURG): the supervisor's
  socket takes connections as long as it is open, and who waits in it when nobody is left is cut off;
- then (SIGTERM) connections that were idle all the while are closed, and it ends.

Run by ``serving`` as ``python -m kameng.ops.gateway PARENT LISTENING-FD READY-FD``.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from kameng import openapi, web
from kameng.kit import logs, settings
from kameng.openapi import Connection, Neighbours, sweep
from kameng.ops import processes, tls
from kameng.ops.agent import Agent

STOP_TIMEOUT_S = 15
"""An answer may take as long as a request (``request_timeout_s``) and a little more."""

_READY = b"1"


def server_options() -> dict[str, Any]:
    """What uvicorn is told; the bench starts its echo with the same."""
    return {
        "http": Connection,
        "loop": "uvloop",
        "ws": "none",
        "interface": "asgi3",
        "lifespan": "on",
        "backlog": processes.BACKLOG,
        "log_config": None,
        "log_level": "warning",
        "access_log": False,
        "proxy_headers": False,
        "server_header": False,
        "timeout_graceful_shutdown": STOP_TIMEOUT_S,
    }


class Server(uvicorn.Server):
    """uvicorn on a socket that is there already, which it can be asked to leave."""

    def __init__(
        self, config: uvicorn.Config, *, request_timeout_s: float, ready: Callable[[], None] = lambda: None,
        agent: Agent | None = None,
    ) -> None:  # fmt: skip
        super().__init__(config)
        self.server_state: Neighbours = Neighbours()
        self._request_timeout_s = request_timeout_s
        self._ready = ready
        self._agent = agent
        self._beside: list[asyncio.Task[None]] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._beside.append(asyncio.create_task(sweep(self.server_state, self._request_timeout_s)))
        if self._agent:
            self._beside.append(asyncio.create_task(self._agent.run()))
        self._ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.leave)
        loop.add_signal_handler(signal.SIGUSR1, self.go_deaf)
        loop.add_signal_handler(signal.SIGURG, self.drain)  # ignored until now, so it can't come too early
        loop.add_signal_handler(signal.SIGUSR2, self.end_alone)
        yield

    def leave(self) -> None:
        self.go_deaf()
        self.end_streams()
        self.should_exit = True

    def drain(self) -> None:
        """Serve on, but tell the proxy to send nobody more."""
        self.server_state.leaving = True
        if self._agent:
            self._agent.is_leaving = True

    def go_deaf(self) -> None:
        """From now on nobody knocks here. The socket itself stays open elsewhere."""
        self.server_state.leaving = True
        if self._agent:
            self._agent.stop()
        for server in self.servers if self.started else ():
            server.close()

    def end_streams(self) -> None:
        """Live events go on for ever: whoever reads them is let go first."""
        end = getattr(self.config.app, "end_streams", None)
        if end is not None:
            end()

    def end_alone(self) -> None:
        """Nobody is left who would end us: do it as they would have."""
        self.go_deaf()
        asyncio.get_running_loop().call_later(processes.DEAF_S, self.leave)
        timer = threading.Timer(STOP_TIMEOUT_S, os._exit, [1])
        timer.daemon = True
        timer.start()


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 and 1.3, as OpenSSL's defaults have them."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["http/1.1"])
    return context


def main() -> None:
    parent_pid, listening_fd, ready_fd = (int(argument) for argument in sys.argv[1:4])
    processes.begin(parent_pid, orphaned_by=signal.SIGUSR2)
    chosen = settings.load()
    logs.configure(level=chosen.log_level, style=chosen.log_format)
    app = openapi.create(pages=web.create)
    config = uvicorn.Config(app, **server_options())
    config.load()
    if pair := tls.certificate_files(chosen):
        config.ssl = tls_context(*pair)
    agent = Agent(chosen.host, chosen.agent_port, wait_s=app.wait_s, target_s=chosen.queue_target_ms / 1000)
    server = Server(
        config, request_timeout_s=chosen.request_timeout_s, ready=lambda: _tell_ready(ready_fd),
        agent=agent if chosen.agent_port else None,
    )  # fmt: skip
    server.run([socket.socket(fileno=listening_fd)])


def _tell_ready(ready_fd: int) -> None:
    os.write(ready_fd, _READY)


if __name__ == "__main__":
    main()
