"""Answers of the web door: pages from templates, parts of pages, ways on, and what went wrong, said kindly."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, unquote

from litestar import MediaType, Response
from litestar.datastructures import Cookie
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException

from kameng import access, notices
from kameng.kit import db, logs, metrics
from kameng.kit.errors import Refusal
from kameng.openapi import Internal, MethodNotAllowed, Unavailable, request_id
from kameng.web import faces, keys, viewing
from kameng.web.errors import BadForm, NoSuchPage
from kameng.web.parts import AnyRequest, door_of
from kameng.web.viewing import Viewer, viewer_of
from kameng.web.wording import LANGUAGES, Words, words_at

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
GZIP_LEVEL = 5
YEAR_S = 365 * 24 * 3600
log = logs.get_logger(__name__)


def page(request: AnyRequest, template: str, *, status: int = 200, **values: Any) -> Response[bytes]:
    """A template with what every page knows; nobody else may keep it."""
    viewer, door = viewer_of(request), door_of(request)
    visitor = viewer.visitor or viewing.new_visitor()
    body = render(request, template, form_token=viewing.form_token(door, visitor, viewer.token), **values)
    answer = html(request, body, language=viewer.language, status=status)
    if not viewer.visitor:
        answer.set_cookie(viewing.new_cookie(door, viewing.VISITOR, visitor, max_age_s=YEAR_S))
    return answer


def render(request: AnyRequest, template: str, *, form_token: str, **values: Any) -> bytes:
    """A template's bytes, with what every page knows."""
    common = _common(request, viewer_of(request))
    page = door_of(request).templates.get_template(template)
    return page.render({**common, "form_token": form_token, **values}).encode()


def html_headers(language: str) -> dict[str, str]:
    return {
        "content-security-policy": CSP, "cache-control": "no-store", "vary": "accept-encoding, accept-language, cookie",
        "content-language": LANGUAGES[language],
    }  # fmt: skip


def html(request: AnyRequest, body: bytes, *, language: str, status: int = 200) -> Response[bytes]:
    headers = html_headers(language)
    if "gzip" in request.headers.get("accept-encoding", ""):
        body, headers["content-encoding"] = gzip.compress(body, GZIP_LEVEL, mtime=0), "gzip"
    return Response(body, status_code=status, media_type=MediaType.HTML, headers=headers)


def _common(request: AnyRequest, viewer: Viewer) -> dict[str, Any]:
    path, query = request.scope["path"], request.scope["query_string"].decode("latin-1")
    return {
        "viewer": viewer, "language": viewer.language, "html_language": LANGUAGES[viewer.language],
        "theme": viewer.theme, "shop": viewer.shop, "path": path,
        "here": f"{path}?{query}" if query else path,
        "query": dict(request.query_params), "faces": faces.of(viewer), "face": faces.at(path),
        "face_groups": faces.groups, "keys_of": keys.of, "bulletins": _bulletins(request, path),
        "flash": unquote(request.cookies.get("kameng_flash", "")), "is_part": "hx-request" in request.headers,
    }  # fmt: skip


def _bulletins(request: AnyRequest, path: str) -> list[notices.Bulletin]:
    """What operators announce on the pages of this face."""
    face = faces.at(path)
    return door_of(request).bulletins.said("shop" if face is None else face.name)


def way_on(request: AnyRequest, path: str, *, cookies: Sequence[Cookie] = (), said: str = "") -> Response[bytes]:
    """After a post: to a page of ours, which says once what was done (``said``: a msgid)."""
    is_part = request.headers.get("hx-request")
    headers = {"hx-redirect" if is_part else "location": path, "cache-control": "no-store"}
    answer = Response(b"", status_code=200 if is_part else 303, headers=headers)
    for cookie in cookies:
        answer.set_cookie(cookie)
    if said:
        flash = viewing.new_cookie(door_of(request), "kameng_flash", quote(said), max_age_s=20, hidden=False)
        answer.set_cookie(flash)
    return answer


def download(name: str, media_type: str, content: bytes) -> Response[bytes]:
    """A file that somebody handed in: always a download, never a page, so whatever is in it runs nowhere."""
    headers = {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(name)}", "cache-control": "no-store",
        "x-content-type-options": "nosniff", "content-security-policy": "default-src 'none'; sandbox",
    }  # fmt: skip
    return Response(content, media_type=media_type, headers=headers)


def on_error(request: AnyRequest, error: Exception) -> Response[Any]:
    """Every exception as a page that says what to do."""
    refusal, number = _refusal_of(error), request_id()
    if isinstance(refusal, Internal | Unavailable):
        log.error("a page failed", error, path=request.scope["path"], request_id=number)
    metrics.refusals.labels(refusal.code).inc()
    if "viewer" not in request.scope["state"]:
        viewer = Viewer(words_at(viewing.language_of(request), request.scope["path"]), "auto", "", "", "", None)
        request.scope["state"]["viewer"] = viewer
    if isinstance(refusal, access.NotSignedIn):
        return way_on(request, f"/signin?next={quote(request.scope['path'])}")
    template = "error_part.html" if request.headers.get("hx-request") else "error.html"
    return page(
        request, template, status=refusal.status, refusal=refusal, request_id=number,
        message=message_of(refusal, viewer_of(request).words),
    )  # fmt: skip


def message_of(refusal: Refusal, words: Words) -> str:
    """What a person is told, in his language: what is wrong, and how to mend it."""
    if words.language == "zh":
        return refusal.detail_zh or refusal.zh
    return refusal.detail or refusal.en()


def _refusal_of(error: Exception) -> Refusal:
    if isinstance(error, Refusal):
        return error
    if isinstance(error, NotFoundException):
        return NoSuchPage()
    if isinstance(error, MethodNotAllowedException):
        return MethodNotAllowed()
    if isinstance(error, HTTPException) and error.status_code < 500:
        return BadForm(error.detail[:200], detail_zh="请求无法解析")
    return Unavailable() if isinstance(error, db.LOST) else Internal()
