"""Live events: one look a moment at each lane that somebody watches, told to all who watch, in this process.

Nothing is kept here: whoever falls behind is let go and comes again with the last id it saw, to the feed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType

from kameng.kit import ids, logs
from kameng.kit.db import Database
from kameng.notices import store
from kameng.notices.model import Event

log = logs.get_logger(__name__)

POLL_S = 0.5
BACKLOG_MAX = 1000
READ_MAX = 1000


class LetGo(Exception):
    """The watch is over: the process ends, or its watcher fell behind."""


class Watch:
    """An organisation's events from now on, in order: ``async with``, then ``async for`` or ``next``."""

    def __init__(self, hub: Hub, org_id: int) -> None:
        self.org_id = org_id
        self.queue: asyncio.Queue[Event | None] = asyncio.Queue(BACKLOG_MAX)
        self._hub = hub

    async def __aenter__(self) -> Watch:
        await self._hub.join(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hub.leave(self)

    def __aiter__(self) -> Watch:
        return self

    async def __anext__(self) -> Event:
        event = await self.queue.get()
        if event is None:
            raise StopAsyncIteration
        return event

    async def next(self, timeout_s: float) -> Event | None:
        """The next event; None if none came in time. ``LetGo`` when the watch is over."""
        try:
            event = await asyncio.wait_for(self.queue.get(), timeout_s)
        except TimeoutError:
            return None
        if event is None:
            raise LetGo
        return event

    def let_go(self) -> None:
        while not self.queue.empty():
            self.queue.get_nowait()
        self.queue.put_nowait(None)


class Hub:
    """The watches of this process, and the one reader of each lane they are in."""

    def __init__(self, db: Database, *, poll_s: float = POLL_S) -> None:
        self._db = db
        self._poll_s = poll_s
        self._watches: dict[int, dict[int, set[Watch]]] = {}  # by lane, by organisation
        self._readers: dict[int, asyncio.Task[None]] = {}
        self._stopped = False
        self.on_stop: list[Callable[[], None]] = []
        """Who else holds streams in this process, and lets them go when it ends."""

    def watch(self, org_id: int) -> Watch:
        return Watch(self, org_id)

    async def join(self, watch: Watch) -> None:
        """From here on the watch misses nothing."""
        lane = ids.lane_of(watch.org_id)
        if self._stopped:
            watch.let_go()
            return
        self._watches.setdefault(lane, {}).setdefault(watch.org_id, set()).add(watch)
        if lane not in self._readers:
            try:
                async with self._db.connection() as connection:
                    after_id = await store.last_due_event(connection, lane)
            except BaseException:
                self.leave(watch)
                raise
            if lane not in self._readers:
                self._readers[lane] = asyncio.create_task(self._read(lane, after_id))

    def leave(self, watch: Watch) -> None:
        by_org = self._watches.get(ids.lane_of(watch.org_id), {})
        watches = by_org.get(watch.org_id, set())
        watches.discard(watch)
        if not watches:
            by_org.pop(watch.org_id, None)

    def stop(self) -> None:
        """Let everybody go."""
        self._stopped = True
        for let_go in self.on_stop:
            let_go()
        for watch in [watch for by_org in self._watches.values() for some in by_org.values() for watch in some]:
            watch.let_go()
        for reader in self._readers.values():
            reader.cancel()

    async def _read(self, lane: int, after_id: int) -> None:
        """Until nobody watches the lane any more."""
        while self._watches.get(lane):
            try:
                async with self._db.connection() as connection:
                    events = await store.due_events(connection, lane, after_id=after_id, limit=READ_MAX)
            except Exception as error:  # the database is away: it is asked again
                log.warning("live events could not be read", error=error, in_lane=lane)
                events = []
            for event in events:
                after_id = event.event_id
                for watch in list(self._watches.get(lane, {}).get(event.org_id, ())):
                    try:
                        watch.queue.put_nowait(event)
                    except asyncio.QueueFull:
                        watch.let_go()
            if len(events) < READ_MAX:
                await asyncio.sleep(self._poll_s)
        self._readers.pop(lane, None)
