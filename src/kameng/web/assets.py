"""Static files: our own, and other people's that ``scripts/web`` fetched. Read once, compressed once.

All stand below one digest of all of them, so that scripts and the sprite reach each other by relative addresses and
every answer may be kept for ever.
"""

from __future__ import annotations

import gzip
import hashlib
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.params import FromPath

VENDORED = Path(sys.prefix) / "share" / "kameng" / "web"
"""Where scripts/web puts other people's files."""

OTHERS = ("htmx.min.js", "uplot.js", "uplot.css", "echarts.simple.min.js")
TYPES = {
    ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".webmanifest": "application/manifest+json",
}  # fmt: skip
COMMON = ("tokens", "base", "layout", "parts", "pages", "pages-entrance", "pages-till")
FACES = {
    "shop": ("pages-storefront",), "merchant": ("pages-merchant", "pages-agent"), "supplier": ("pages-supplier",),
    "platform": ("pages-console",),
}  # fmt: skip
LAYERS = (*COMMON, *(name for names in FACES.values() for name in names))
"""Our style sheets, in the order of their cascade layers. They go out as one file a face, ``kameng-shop.css``: what
one face calls ``filters`` is none of another's business."""
FOR_EVER = "public, max-age=31536000, immutable"


class File(msgspec.Struct, frozen=True):
    content: bytes
    zipped: bytes
    media_type: str


class Library:
    """The files of this process, by name."""

    def __init__(self, vendored: Path = VENDORED) -> None:
        own = [Path(str(file)) for file in resources.files("kameng.web").joinpath("static").iterdir()]
        others = [path for path in (vendored / name for name in OTHERS) if path.exists()]
        self.files = {
            path.name: _file(path.read_bytes(), path.suffix)
            for path in sorted([*own, *others])
            if path.suffix in TYPES and path.stem not in (*LAYERS, "print")
        }
        sheets = {path.stem: path.read_text("utf-8") for path in own if path.suffix == ".css"}
        for face, names in FACES.items():
            layers = "".join(f"@layer {name} {{\n{sheets[name]}}}\n" for name in (*COMMON, *names))
            style = f"@layer {', '.join((*COMMON, *names))}, print;\n{layers}"
            style += f"@media print {{ @layer print {{\n{sheets['print']}}} }}\n"
            self.files[f"kameng-{face}.css"] = _file(style.encode(), ".css")
        digest = hashlib.blake2b(digest_size=8)
        for name, file in self.files.items():
            digest.update(name.encode() + b"\0" + file.content)
        self.digest = digest.hexdigest()

    def address(self, name: str) -> str:
        """Where a file is; a name that is none is a defect of the template."""
        assert name in self.files, f"no static file {name}: run scripts/web"
        return f"/assets/{self.digest}/{name}"

    def has(self, name: str) -> bool:
        return name in self.files


def _file(content: bytes, suffix: str) -> File:
    return File(content, gzip.compress(content, 9, mtime=0), TYPES[suffix])


@get("/assets/{digest:str}/{name:str}", opt={"face": "any", "static": True})
async def asset(request: Request[Any, Any, Any], digest: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    library: Library = request.scope["state"]["door"].assets
    file = library.files.get(name) if digest == library.digest else None
    if file is None:
        return Response(b"", status_code=404, media_type="text/plain")
    headers = {"cache-control": FOR_EVER, "vary": "accept-encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(file.zipped, media_type=file.media_type, headers={**headers, "content-encoding": "gzip"})
    return Response(file.content, media_type=file.media_type, headers=headers)
