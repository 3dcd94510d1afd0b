"""What every stand-in shares: it says its port, tells what it saw, and misbehaves as it is told.

    GET  /_sim/seen          what came, oldest first
    POST /_sim/mode MODE     ok, slow, error, busy, gone, redirect, silent (does it, and never answers), …
    POST /_sim/forget        what came is forgotten
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from typing import Any

import msgspec
from aiohttp import web

SLOW_S = 1.0
SILENT_S = 3600.0


class Control:
    """The stand-in's memory and mood."""

    def __init__(self) -> None:
        self.mode = "ok"
        self.seen: list[dict[str, Any]] = []

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/_sim/seen", self._show), web.post("/_sim/mode", self._set), web.post("/_sim/forget", self._forget)
        ]  # fmt: skip

    async def _show(self, _: web.Request) -> web.Response:
        return web.Response(body=msgspec.json.encode(self.seen), content_type="application/json")

    async def _set(self, request: web.Request) -> web.Response:
        self.mode = (await request.text()).strip()
        return web.Response(text=self.mode)

    async def _forget(self, _: web.Request) -> web.Response:
        self.seen.clear()
        return web.Response(text="forgotten")

    async def misbehave(self) -> web.Response | None:
        """What the mode asks for before anything is done; None: go on. ``silent`` and ``lost`` come after it."""
        if self.mode == "slow":
            await asyncio.sleep(SLOW_S)
        return {
            "error": lambda: web.Response(status=500), "busy": lambda: web.Response(status=503),
            "gone": lambda: web.Response(status=410),
            "redirect": lambda: web.Response(status=302, headers={"location": "/elsewhere"}),
        }.get(self.mode, lambda: None)()  # fmt: skip

    async def keep_silent(self) -> None:
        """After it was done: the answer is lost."""
        if self.mode == "silent":
            await asyncio.sleep(SILENT_S)


def parser(what: str) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=what)
    made.add_argument("--host", default="127.0.0.1")
    made.add_argument("--port", type=int, default=0, help="0 takes a free one")
    return made


async def serve(app: web.Application, host: str, port: int) -> int:
    """Listen; the port it got."""
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, host, port, backlog=1024).start()
    return int(runner.addresses[0][1])


async def until_told(**ports: int) -> None:
    """Say on which ports we are, and stay until SIGTERM."""
    sys.stdout.write(" ".join(f"{name}={port}" for name, port in ports.items()) + "\n")
    sys.stdout.flush()
    told = asyncio.Event()
    for what in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(what, told.set)
    await told.wait()
