"""The gateway's process: Granian with the Open API, on a listening socket that the supervisor holds.

Granian's own reload binds a second socket, waits a fixed time and closes the first: whatever was queued there or
in the middle of its TLS handshake is reset, and so is everybody if the new process starts slowly. Here nothing is:

- all gateways of a supervisor share one socket, hence one queue: who waits in it is served by whoever is there;
- a new gateway tells that it serves (``ready``) before the old one is asked to leave;
- the old one is first made deaf (SIGUSR1): it takes no new connections, ends handshakes and requests, and says
  ``Connection: close`` with every answer, so that clients come again by themselves; HTTP/2 has GOAWAY for this;
- then (SIGTERM) connections that were idle all the while are closed, and it ends.

Run by ``serving`` as ``python -m kameng.ops.gateway PARENT LISTENING-FD READY-FD``.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from granian._granian import SocketHolder
from granian.constants import SSLProtocols
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer

from kameng.kit import logs, settings
from kameng.kit.settings import Settings
from kameng.ops import processes, tls

ASGIScope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[ASGIScope, Receive, Send], Awaitable[None]]

APP = "kameng.openapi"
BACKLOG = 4096
CONNECTIONS_MAX = 65_536
DEAF_S = 0.2
"""How long a gateway that must end still ends handshakes."""
IDLE_TIMEOUT_MS = 75_000
"""For a request's head to arrive, and between two requests of a connection."""
STOP_TIMEOUT_S = 15
"""An answer may take as long as a request (``request_timeout_s``) and a little more."""

_READY = b"1"
_log = logs.get_logger(__name__)


def server_options() -> dict[str, Any]:
    """What Granian is told, plain so that the bench can start its echo with the same."""
    return {
        "interface": "asgi",
        "loop": "uvloop",
        "workers": 1,
        "runtime_threads": 1,
        "http": "auto",
        "websockets": False,
        "backlog": BACKLOG,
        "backpressure": CONNECTIONS_MAX,
        "log_access": False,
    }


def certificate_files(chosen: Settings) -> tuple[Path, Path] | None:
    """The operator's pair, checked; else our own, made and renewed here; None for plain http."""
    if chosen.tls_certificate == "off":
        return None
    if not chosen.tls_certificate:
        return tls.ensure_certificate(chosen.data_dir / "tls")
    pair = Path(chosen.tls_certificate), Path(chosen.tls_key)
    tls.check_certificate(*pair)
    return pair


class Server(MPServer):
    """Granian on a socket that is there already."""

    def __init__(self, listening_fd: int, **options: Any) -> None:
        super().__init__(f"{APP}:create", **options)
        self._listening_fd = listening_fd

    def _init_shared_socket(self) -> None:
        # What Granian's own types don't tell of: it takes a socket that is there as well as a way to make one.
        attributes: dict[str, Any] = self.__dict__
        holder: Any = SocketHolder
        attributes["_shd"] = holder(self._listening_fd, False, self.backlog)
        attributes["_ssp"] = attributes["_sso"] = None

    def _stop_workers(self) -> None:
        """Granian's own takes a worker that has just ended for one that refuses."""
        workers: list[Any] = self.wrks
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.inner.join(STOP_TIMEOUT_S)
            if processes.is_alive(worker.inner.pid):
                _log.warning("a gateway did not end in time and is killed", pid=worker.inner.pid)
                worker.kill()
        self.wrks.clear()

    def go_deaf(self) -> None:
        for worker in self.wrks:
            with suppress(ProcessLookupError):
                os.kill(worker.inner.pid, signal.SIGUSR1)


class Leavable:
    """An ASGI app that can be asked to leave; until then it costs one call a request."""

    def __init__(self, app: App, *, listening_fd: int, ready_fd: int) -> None:
        self._app = app
        self._listening_fd = listening_fd
        self._ready_fd = ready_fd
        self.leaving = False
        self._deaf = _deaf_socket()

    def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "lifespan":
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGUSR1, self.go_deaf)
            loop.add_signal_handler(signal.SIGUSR2, self.end_alone)
            return self._app(scope, receive, self._telling(send))
        if scope["http_version"] == "2":
            return self._app(scope, receive, send)
        return self._app(scope, receive, self._closing(send) if self.leaving else send)

    def go_deaf(self) -> None:
        """From now on nobody knocks here: a socket without visitors takes the listening one's number.

        Closing it is not ours to do, for Granian would drop handshakes with it; and it stays open elsewhere.
        """
        self.leaving = True
        os.dup2(self._deaf.fileno(), self._listening_fd)

    def end_alone(self) -> None:
        """Nobody is left who would end us: do it as they would have."""
        self.go_deaf()
        loop = asyncio.get_running_loop()
        loop.call_later(DEAF_S, os.kill, os.getpid(), signal.SIGTERM)
        timer = threading.Timer(STOP_TIMEOUT_S, os._exit, [1])
        timer.daemon = True
        timer.start()

    def _telling(self, send: Send) -> Send:
        async def tell(message: MutableMapping[str, Any]) -> None:
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                os.write(self._ready_fd, _READY)

        return tell

    def _closing(self, send: Send) -> Send:
        async def close(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        return close


def _deaf_socket() -> socket.socket:
    """A listening socket that nobody can reach: its name is gone before anybody could know it."""
    folder = tempfile.mkdtemp(prefix="kameng-")
    try:
        deaf = socket.socket(socket.AF_UNIX)
        deaf.bind(f"{folder}/deaf")
        deaf.listen(1)
        deaf.setblocking(False)
        return deaf
    finally:
        shutil.rmtree(folder)


def main() -> None:
    parent_pid, listening_fd, ready_fd = (int(argument) for argument in sys.argv[1:4])
    processes.begin(parent_pid)
    chosen = settings.load()
    logs.configure(level=chosen.log_level, style=chosen.log_format)
    multiprocessing.set_start_method("fork")  # the socket goes along by its number
    certificate, key = certificate_files(chosen) or (None, None)
    to_our_log = {"_granian": {"handlers": [], "level": "WARNING", "propagate": True}}
    server = Server(
        listening_fd,
        address=chosen.host,
        port=chosen.port,
        **server_options(),
        http1_settings=HTTP1Settings(header_read_timeout=IDLE_TIMEOUT_MS),
        ssl_cert=certificate,
        ssl_key=key,
        ssl_protocol_min=SSLProtocols.tls12,
        log_level=LogLevels.warning,
        log_dictconfig={"loggers": to_our_log, "handlers": {}, "formatters": {}},
    )
    own_pid = os.getpid()

    def load() -> Leavable:
        """In the serving process: only here the platform is imported, by its name like in any server."""
        processes.begin(own_pid, orphaned_by=signal.SIGUSR2)
        app: App = import_module(APP).create()
        return Leavable(app, listening_fd=listening_fd, ready_fd=ready_fd)

    signal.signal(signal.SIGUSR1, lambda *_: server.go_deaf() if os.getpid() == own_pid else None)
    server.serve(target_loader=load, wrap_loader=False)


if __name__ == "__main__":
    main()
