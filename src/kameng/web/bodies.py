"""Forms that bring files, parsed in memory: the framework would spool what passes 1 MiB to the disk, in clear."""

from __future__ import annotations

import io
from typing import Any

from litestar import Request
from litestar.datastructures import FormMultiDict, UploadFile
from litestar.exceptions import ClientException
from multipart import MultipartSegment, ParserError, PushMultipartParser  # type: ignore[import-untyped]

PARTS_MAX = 100
MULTIPART = "multipart/form-data"


class PageRequest(Request[Any, Any, Any]):
    """A request of the pages; its files stay in memory."""

    async def form(self) -> FormMultiDict:
        content_type, options = self.content_type
        if content_type != MULTIPART:
            return await super().form()
        kept: FormMultiDict | None = self.scope["state"].get("form")
        if kept is None:
            kept = FormMultiDict(_parse(await self.body(), options.get("boundary", "").encode()))
            self.scope["state"]["form"] = kept
        return kept


def _parse(body: bytes, boundary: bytes) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    segment, data = None, bytearray()
    try:
        with PushMultipartParser(boundary, content_length=len(body), max_segment_count=PARTS_MAX) as parser:
            for part in parser.parse(body):
                if isinstance(part, MultipartSegment):
                    segment, data = part, bytearray()
                elif part:
                    data.extend(part)
                elif segment is not None:
                    found.append((segment.name, _value(segment, data)))
    except (ParserError, UnicodeDecodeError, ValueError):
        raise ClientException("The form can't be read") from None
    return found


def _value(segment: Any, data: bytearray) -> str | UploadFile:
    if segment.filename is None:
        return data.decode()
    kind = segment.content_type or "application/octet-stream"
    return _Held(kind, segment.filename, bytes(data))


class _Held(UploadFile):
    """In plain memory: nothing of it has to be closed, whoever turns its request away."""

    def __init__(self, content_type: str, filename: str, content: bytes) -> None:
        super().__init__(content_type, filename)
        self.file.close()
        self.file = io.BytesIO(content)  # type: ignore[assignment]


async def file_of(request: Request[Any, Any, Any], name: str) -> tuple[str, bytes]:
    """(file name, content) of what was chosen; an empty file if nothing was."""
    sent = (await request.form()).get(name)
    if not isinstance(sent, UploadFile):
        return "", b""
    content = await sent.read()
    await sent.close()
    return sent.filename, content
