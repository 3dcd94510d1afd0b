"""A line on which answers get lost: between an SDK and a running platform, so that repeating is seen to be safe.

An order's first answer is swallowed although the platform placed it, its second try meets a busy platform; what
reveals never gets an answer at all. Everything else passes.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from kameng.openapi import problems
from kameng.orders import Busy


class Line:
    """What came over it."""

    def __init__(self) -> None:
        self.tries: Counter[str] = Counter()
        """By reference, or by path."""
        self.authorizations: list[str] = []


@contextmanager
def lossy_line(port: int) -> Iterator[tuple[str, Line]]:
    """The address to send to, and what came there."""
    line = Line()

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(*_asked(self, port, b""))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            name = self.path if self.path != "/api/v1/orders" else json.loads(body)["client_ref"]
            line.tries[name] += 1
            line.authorizations.append(self.headers["Authorization"])
            if self.path == "/api/v1/orders" and line.tries[name] == 2:
                busy = json.dumps({"code": Busy.code, **_words(Busy)}).encode()
                self.answer(503, busy, "0")
                return
            status, answer = _asked(self, port, body)
            if self.path.endswith("/reveal") or (self.path == "/api/v1/orders" and line.tries[name] == 1):
                self.close_connection = True  # nothing is said
            else:
                self.answer(status, answer)

        def answer(self, status: int, body: bytes, retry_after: str = "") -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if retry_after:
                self.send_header("Retry-After", retry_after)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the library's
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", line
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _asked(door: BaseHTTPRequestHandler, port: int, body: bytes) -> tuple[int, bytes]:
    """What the platform says to this."""
    headers = {name: door.headers[name] for name in ("Authorization", "Content-Type") if name in door.headers}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(door.command, door.path, body or None, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _words(reason: type[Busy]) -> dict[str, str]:
    problem = problems.problem(reason)
    return {"title": problem.title, "title_zh": problem.title_zh, "retry": problem.retry, "outcome": problem.outcome}
