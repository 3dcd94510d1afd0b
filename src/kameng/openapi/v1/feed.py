"""The feed of a caller's events: page by page, or live as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import msgspec
from litestar import Response, get
from litestar.response import Stream
from msgspec import UNSET

from kameng import notices
from kameng.identity import Scope
from kameng.kit import clock
from kameng.openapi.v1 import examples
from kameng.openapi.v1.arriving import AnyRequest, Arrival, answer, arrival_of, rate_headers_of, signed
from kameng.openapi.v1.endpoints import Reply, says
from kameng.openapi.v1.reading import cursor_of, parse_cursor, query_of
from kameng.openapi.v1.telling_model import FeedAnswer, FeedEvent, FeedQuery

EVENT_STREAM = "text/event-stream"
KEEP_ALIVE_S = 15.0
STREAM_S = 600.0
"""A stream ends after so long; its reader comes again with the last id, and with a signature of then."""
PAGE_MAX = 200


@get(
    "/api/v1/events",
    guards=[signed],
    opt=says(
        operation="listEvents", tag="webhooks", zh="事件流", en="Everything that happened to your orders",
        text="Oldest first, from a cursor on; nothing appears behind one. Your first call opens the feed: from then on "
        "it is whole. With `Accept: text/event-stream` the answer stays open and brings events as they come: `id` is "
        "the cursor to come again with, `event` the type, `data` an event as below.",
        scope=Scope.orders_read, query=FeedQuery,
        replies=(Reply(200, FeedAnswer, "A page of events.", examples.FEED),),
    ),
)  # fmt: skip
async def list_events(request: AnyRequest) -> Response[bytes] | Stream:
    arrival = arrival_of(request)
    query = query_of(arrival.query, FeedQuery)
    after_id = None if query.cursor is UNSET else parse_cursor(query.cursor)
    if EVENT_STREAM in request.headers.get("accept", ""):
        last_seen = request.headers.get("last-event-id", "")
        start_id = parse_cursor(last_seen) if last_seen else after_id
        headers = {**rate_headers_of(arrival), "cache-control": "no-store", "x-accel-buffering": "no"}
        return Stream(_stream(arrival, start_id), media_type=EVENT_STREAM, headers=headers)
    page = await notices.read_feed(
        arrival.parts.db, arrival.caller.organisation.org_id, after_id=after_id, limit=query.limit
    )
    shown = await _shown(arrival, page.events)
    return answer(arrival, FeedAnswer(shown, cursor_of(page.next_id), page.more))


async def _stream(arrival: Arrival, after_id: int | None) -> AsyncIterator[bytes]:
    """First what was missed, then what comes; a line now and then, so that nobody in between gives up."""
    db, org_id = arrival.parts.db, arrival.caller.organisation.org_id
    until_s = asyncio.get_running_loop().time() + STREAM_S
    if after_id is None:
        after_id = await notices.feed_end(db, org_id)
    async with arrival.parts.hub.watch(org_id) as watch:
        more = True
        while more:  # what comes meanwhile is in both, and told once
            page = await notices.read_feed(db, org_id, after_id=after_id, limit=PAGE_MAX)
            for line in await _lines(arrival, page.events):
                yield line
            after_id, more = page.next_id, page.more
        yield b": \n\n"
        while asyncio.get_running_loop().time() < until_s:
            try:
                event = await watch.next(KEEP_ALIVE_S)
            except notices.LetGo:
                return
            if event is None:
                yield b": \n\n"
            elif event.event_id > after_id:
                after_id = event.event_id
                for line in await _lines(arrival, [event]):
                    yield line


async def _lines(arrival: Arrival, events: Sequence[notices.Event]) -> list[bytes]:
    shown = await _shown(arrival, events)
    return [
        b"id: %b\nevent: %b\ndata: %b\n\n"
        % (cursor_of(event.event_id).encode(), event.kind.encode(), msgspec.json.encode(told))
        for event, told in zip(events, shown, strict=True)
    ]


async def _shown(arrival: Arrival, events: Sequence[notices.Event]) -> list[FeedEvent]:
    if not events:
        return []
    async with arrival.parts.db.connection() as connection:
        states = await arrival.parts.states.show(connection, arrival.caller.organisation.lane, events)
    return [
        FeedEvent(
            str(event.event_id), event.kind, clock.rfc3339(event.at),
            notices.data_of(event, states.get(event.subject_id)),
        )
        for event in events
    ]
