"""``/events``: one stream a page, of what happened that concerns whom somebody works for. Hints only, never content.

Clean-up is synchronous (a listener leaves a set): an ``await`` in a stream's ``finally`` is cancelled when its reader
goes away (Litestar issue 3772).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

import msgspec
from litestar import Response, get
from litestar.response import Stream

from kameng import fulfilment
from kameng.kit import clock, ids, jobs
from kameng.kit.db import Connection
from kameng.web.news import LetGo, News, Newsroom
from kameng.web.parts import AnyRequest, door_of
from kameng.web.viewing import Viewer, viewer_of

BEAT_S = 15.0
PER_PERSON_MAX = 6
LIFE_MS = 600_000
"""Then the browser comes again with the last id it saw: whoever has signed out or left meanwhile hears no more."""
_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}
_open: dict[int, int] = {}
"""Streams of each person, in this process."""


@get("/events", opt={"face": "member"})
async def events(request: AnyRequest) -> Response[str] | Stream:
    """Server-sent events: what happened to which subject; the page asks for the rest."""
    viewer = viewer_of(request)
    if viewer.organisation is None or not viewer.may("view") or _open.get(viewer.person_id, 0) >= PER_PERSON_MAX:
        return Response("", status_code=204)  # the browser does not come again, and the page looks by itself
    last_id = _last_id(request.headers.get("last-event-id", ""))
    stream = _stream(door_of(request).newsroom, viewer, last_id)
    return Stream(stream, media_type="text/event-stream", headers=_HEADERS)


def _last_id(text: str) -> int | None:
    try:
        return ids.parse(text)
    except ValueError:
        return None


async def _stream(newsroom: Newsroom, viewer: Viewer, last_id: int | None) -> AsyncIterator[bytes]:
    me = viewer.me
    is_staff = me.kind == "platform"
    _open[viewer.person_id] = _open.get(viewer.person_id, 0) + 1
    listener = newsroom.join(
        me.org_id, lane=None if is_staff else me.lane, glance=GLANCED.get(me.kind, ""), last_id=last_id
    )
    try:
        yield b"retry: 3000\n\n"
        until_ms = clock.now_ms() + LIFE_MS
        while clock.now_ms() < until_ms:
            news = await listener.next(BEAT_S)
            yield b": beat\n\n" if news is None else _encode(news)
    except LetGo:
        return
    finally:
        newsroom.leave(listener)
        _leave(viewer.person_id)


def _encode(news: News) -> bytes:
    told = {"kind": news.kind, "subject": str(news.subject_id) if news.subject_id else ""}
    return b"id: %d\nevent: told\ndata: %s\n\n" % (news.news_id, msgspec.json.encode(told))


def _leave(person_id: int) -> None:
    _open[person_id] -= 1
    if not _open[person_id]:
        del _open[person_id]


# what makes no event of its own ------------------------------------------------------------------------------


async def _tasks(connection: Connection, org_id: int, lanes: Iterable[int]) -> object:
    return [await fulfilment.task_mark(connection, lane, org_id) for lane in lanes]


async def _desk(connection: Connection, _: int, lanes: Iterable[int]) -> object:
    """Of the job desk, and of what the staff works by hand."""
    return [
        (await jobs.desk_mark(connection, lane), await fulfilment.task_mark(connection, lane, 0)) for lane in lanes
    ]


GLANCES = {"tasks": _tasks, "desk": _desk}
GLANCED = {"supplier": "tasks", "platform": "desk"}
"""What is looked at for each kind of organisation; its news bear the same name."""
