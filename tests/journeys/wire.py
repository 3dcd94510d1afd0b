"""A wire between a gateway and PostgreSQL that can be cut at the worst moment, around COMMIT, or for good."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, quote, urlsplit

Cut = Literal["pass", "before", "after", "late"]
"""What becomes of a COMMIT: it passes; it never arrives; its answer never comes back; it arrives long after the
caller left."""


class Wire:
    """Forwards whole messages. ``cuts`` is what to do with the next COMMITs; then they pass."""

    def __init__(self, url: str, folder: Path, *, late_s: float) -> None:
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        self._server = f"{query['host'][0]}/.s.PGSQL.{query['port'][0]}"
        self._late_s = late_s
        self.path = folder / ".s.PGSQL.5432"
        self.url = parts._replace(query=f"host={quote(str(folder))}&port=5432").geturl()
        self.cuts: list[Cut] = []
        self.cut_count = 0
        self.when_cut: Callable[[], None] = lambda: None
        self.turned_away = asyncio.Event()
        self._is_away = False
        self._open: set[asyncio.StreamWriter] = set()

    def go_away(self) -> None:
        """The database is gone: every connection is cut, and a new one comes to nothing."""
        self._is_away = True
        for writer in self._open:
            writer.close()

    def come_back(self) -> None:
        self._is_away = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_away:
            self.turned_away.set()
            writer.close()
            return
        with suppress(OSError, asyncio.IncompleteReadError):
            server_reader, server_writer = await asyncio.open_unix_connection(self._server)
            both = {writer, server_writer}
            self._open |= both
            back = asyncio.create_task(self._back(server_reader, writer))
            try:
                await self._forth(reader, server_reader, server_writer, writer, back)
            finally:
                back.cancel()
                self._open -= both
                writer.close()
                server_writer.close()

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
            writer.close()

    async def _forth(
        self, reader: asyncio.StreamReader, server_reader: asyncio.StreamReader, server: asyncio.StreamWriter,
        client: asyncio.StreamWriter, back: asyncio.Task[None],
    ) -> None:  # fmt: skip
        length = await reader.readexactly(4)  # the start-up message has no kind
        server.write(length + await reader.readexactly(int.from_bytes(length, "big") - 4))
        while True:
            head = await reader.readexactly(5)
            message = head + await reader.readexactly(int.from_bytes(head[1:], "big") - 4)
            is_commit = message[:1] == b"Q" and message[5:].startswith(b"COMMIT")
            how = self.cuts.pop(0) if is_commit and self.cuts else "pass"
            if how != "pass":
                back.cancel()
                await asyncio.gather(back, return_exceptions=True)
                await self._cut(how, message, server_reader, server, client)
                return
            server.write(message)
            await server.drain()

    async def _cut(
        self, how: Cut, commit: bytes, server_reader: asyncio.StreamReader, server: asyncio.StreamWriter,
        client: asyncio.StreamWriter,
    ) -> None:  # fmt: skip
        self.cut_count += 1
        if how == "after":
            server.write(commit)
            answer = await server_reader.read(65536)  # it is on the disk now
            assert b"COMMIT" in answer
        self.when_cut()
        client.close()
        if how == "late":
            await asyncio.sleep(self._late_s)
            server.write(commit)
            await server.drain()
            assert b"COMMIT" in await server_reader.read(65536)


@asynccontextmanager
async def wire_to(url: str, *, late_s: float = 2.0) -> AsyncIterator[Wire]:
    with tempfile.TemporaryDirectory(prefix="wire-", dir="/tmp") as folder:
        wire = Wire(url, Path(folder), late_s=late_s)
        serving = await asyncio.start_unix_server(wire.serve, wire.path)
        try:
            yield wire
        finally:
            serving.close()
