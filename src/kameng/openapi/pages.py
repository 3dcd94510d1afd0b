"""The pages: where to begin, the API's reference, its error codes. Chinese first, English by ``?lang=en``.

No cookies, no request to any other host, no script or style inside a page. Swagger UI's files come from
``scripts/web``; without them the reference says how to get them.
"""

from __future__ import annotations

import hashlib
import sys
from html import escape
from importlib import metadata, resources
from pathlib import Path
from string import Template
from typing import Any

import msgspec
from litestar import MediaType, Request, Response, get
from litestar.params import FromPath

from kameng.kit.errors import REGISTRY
from kameng.openapi import words
from kameng.openapi.errors import NoSuchPath

VENDORED = Path(sys.prefix) / "share" / "kameng" / "web"
"""Where scripts/web puts other people's files."""

TYPES = {".css": "text/css", ".js": "text/javascript"}

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
AnyRequest = Request[Any, Any, Any]


class File(msgspec.Struct, frozen=True):
    content: bytes
    zipped: bytes | None
    media_type: str
    digest: str


class Library:
    """The static files of this process, by name, read once; the digest in the address lets them be kept for ever."""

    def __init__(self, vendored: Path = VENDORED) -> None:
        own = resources.files("kameng.openapi").joinpath("static")
        self._files = {
            file.name: _file(file.read_bytes(), None, Path(file.name).suffix)
            for file in own.iterdir()
            if Path(file.name).suffix in TYPES
        }
        for file in sorted(vendored.glob("*.*")) if vendored.is_dir() else []:
            if file.suffix in TYPES:
                zipped = file.with_name(f"{file.name}.gz")
                self._files[file.name] = _file(
                    file.read_bytes(), zipped.read_bytes() if zipped.exists() else None, file.suffix
                )

    @property
    def has_reference(self) -> bool:
        return {"swagger-ui-bundle.js", "swagger-ui.css"} <= self._files.keys()

    def address(self, name: str) -> str:
        return f"/static/{self._files[name].digest}/{name}"

    def find(self, digest: str, name: str) -> File | None:
        file = self._files.get(name)
        return file if file is not None and file.digest == digest else None


def _file(content: bytes, zipped: bytes | None, suffix: str) -> File:
    return File(content, zipped, TYPES[suffix], hashlib.blake2b(content, digest_size=8).hexdigest())


@get("/developers", opt={"hidden": True})
async def start(request: AnyRequest) -> Response[str]:
    """What this is and how to begin."""
    skus = [sku for sku in request.scope["state"]["parts"].snapshot.catalogue.skus.values() if sku.state == "on_sale"]
    first = next((sku.sku_id for sku in sorted(skus, key=lambda sku: sku.sku_id) if sku.from_stock), 100001)
    return _page(
        request, "start", base=_base(request), sku=first, sku_count=len(skus),
        stock_count=sum(sku.from_stock for sku in skus), scene_count=len({sku.scene for sku in skus}),
        version=metadata.version("kameng"),
    )  # fmt: skip


@get("/docs", opt={"hidden": True})
async def reference(request: AnyRequest) -> Response[str]:
    """The API's reference, with a console that signs."""
    library: Library = request.scope["state"]["library"]
    if not library.has_reference:
        return _page(request, "missing", base=_base(request))
    return _page(
        request, "reference", bundle=library.address("swagger-ui-bundle.js"), look=library.address("swagger-ui.css"),
        script=library.address("reference.js"), own=library.address("reference.css"),
    )  # fmt: skip


@get("/docs/errors", opt={"hidden": True})
async def error_codes(request: AnyRequest) -> Response[str]:
    """Every error code, at the anchor that problems link to."""
    rows = [
        f'<tr id="{code}"><th scope="row"><a href="#{code}"><code>{code}</code></a></th><td>{reason.status}</td>'
        f"<td><code>{reason.retry}</code></td><td><code>{reason.outcome}</code></td>"
        f'<td><span lang="zh">{escape(reason.zh)}</span><span lang="en">{escape(reason.en())}</span></td></tr>'
        for code, reason in sorted(REGISTRY.items())
    ]
    return _page(request, "errors", markup={"rows": "\n".join(rows)})


@get("/static/{digest:str}/{name:str}", opt={"hidden": True})
async def static_file(request: AnyRequest, digest: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    file = request.scope["state"]["library"].find(digest, name)
    if file is None:
        raise NoSuchPath
    headers = {"cache-control": "public, max-age=31536000, immutable", "vary": "accept-encoding"}
    if file.zipped is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(file.zipped, media_type=file.media_type, headers={**headers, "content-encoding": "gzip"})
    return Response(file.content, media_type=file.media_type, headers=headers)


PAGES = [start, reference, error_codes, static_file]


def language_of(request: AnyRequest) -> str:
    """``?lang`` first, then the browser's wish; Chinese if neither says English."""
    asked = request.query_params.get("lang")
    if asked in ("zh", "en"):
        return str(asked)
    wishes = {"zh": 0.0, "en": 0.0}
    for part in request.headers.get("accept-language", "").split(","):
        tag, _, quality = part.strip().lower().partition(";q=")
        try:
            weight = float(quality or 1)
        except ValueError:
            continue
        name = tag.partition("-")[0]
        if name in wishes:
            wishes[name] = max(wishes[name], weight)
    return "en" if wishes["en"] > wishes["zh"] else "zh"


def _base(request: AnyRequest) -> str:
    """The address that samples show."""
    public: str = request.scope["state"]["parts"].settings.public_url
    return public.rstrip("/") or f"{request.scope['scheme']}://{request.headers.get('host', 'localhost')}"


def _page(request: AnyRequest, name: str, *, markup: dict[str, str] | None = None, **values: Any) -> Response[str]:
    """A page from its template: words of the language, values escaped, ``markup`` as it is."""
    language = language_of(request)
    chosen = f"?lang={language}" if "lang" in request.query_params else ""
    said = {key: text[0 if language == "zh" else 1] for key, text in words.WORDS.items()}
    shown = {key: escape(str(value)) for key, value in values.items()}
    library: Library = request.scope["state"]["library"]
    common = {
        "language": language, "html_language": "zh-Hans" if language == "zh" else "en", "chosen": chosen,
        "other": "en" if language == "zh" else "zh", "style": library.address("site.css"),
        "path": escape(request.scope["path"]),
    }  # fmt: skip
    facts = {**said, **common, **shown, **(markup or {})}
    body = Template(_template(name)).substitute(facts)
    head = Template(words.HEADS.get(name, "")).substitute(facts)
    content = Template(_template("frame")).substitute(facts, body=body, head=head, title=said[f"{name}_title"])
    headers = {
        "content-security-policy": CSP, "cache-control": "no-cache", "vary": "accept-language",
        "content-language": common["html_language"],
    }  # fmt: skip
    return Response(content, media_type=MediaType.HTML, headers=headers)


def _template(name: str) -> str:
    return resources.files("kameng.openapi").joinpath("templates", f"{name}.html").read_text("utf-8")
