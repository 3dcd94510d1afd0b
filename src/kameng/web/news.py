"""What happens in lanes, told to whoever listens in this process: the pages' live streams.

One reader a lane, and only while somebody listens: twice a second it asks how far the lane has come, which is one row,
and reads events only when it moved. Beside it, a look now and then at what makes no event for its listener: a
supplier's tasks, the staff's desk. News are hints without content; a page fetches what it may see. All calls but the
reading are synchronous, so that clean-up can't be cut off.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from typing import Any

import msgspec

from kameng.kit import clock, events, ids, lanes, logs
from kameng.kit.db import Connection, Database

log = logs.get_logger(__name__)

POLL_S = 0.5
GLANCE_S = 2.0
READ_MAX = 1000
BACKLOG_MAX = 200
REMEMBERED = 1000
BEFORE_MS = 5000
"""A page is some moments old when it begins to listen: so much of what happened before, it is told too."""
STAFF_SINGLY_MAX = 20
"""More than this at one look, and the staff is told kinds only, each once."""


class News(msgspec.Struct, frozen=True):
    """``kind`` ``*``: something was missed, look at everything. No ``subject_id``: any."""

    news_id: int
    kind: str
    subject_id: int = 0
    org_id: int = 0


class LetGo(Exception):
    """The stream is over: the process ends."""


class Listener:
    """One stream. ``lane`` None: the staff, who hear of every lane."""

    def __init__(self, org_id: int, lane: int | None) -> None:
        self.org_id = org_id
        self.lane = lane
        self.queue: asyncio.Queue[News | None] = asyncio.Queue(BACKLOG_MAX + 1)

    def tell(self, news: News) -> None:
        """Whoever falls behind is told to look at everything, once."""
        if self.queue.qsize() >= BACKLOG_MAX:
            self._clear()
            news = News(news.news_id, "*")
        self.queue.put_nowait(news)

    def let_go(self) -> None:
        self._clear()
        self.queue.put_nowait(None)

    def _clear(self) -> None:
        while not self.queue.empty():
            self.queue.get_nowait()

    async def next(self, timeout_s: float) -> News | None:
        """None if nothing came in time; ``LetGo`` when it is over."""
        try:
            news = await asyncio.wait_for(self.queue.get(), timeout_s)
        except TimeoutError:
            return None
        if news is None:
            raise LetGo
        return news


Glance = Callable[[Connection, int, Iterable[int]], Awaitable[object]]
"""(connection, org_id, lanes) → anything that differs when there is something new."""


class Newsroom:
    """The listeners of this process, and the readers that tell them."""

    def __init__(
        self, db: Database, lane_numbers: Iterable[int], *, glances: Mapping[str, Glance] | None = None,
        poll_s: float = POLL_S, glance_s: float = GLANCE_S,
    ) -> None:  # fmt: skip
        self._db = db
        self._lanes = tuple(lane_numbers)
        self._glances = glances or {}
        self._poll_s, self._glance_s = poll_s, glance_s
        self._listeners: set[Listener] = set()
        self._readers: dict[object, asyncio.Task[None]] = {}
        self._told: dict[int, deque[News]] = {}
        self._stopped = False

    @property
    def is_still(self) -> bool:
        """Nobody listens and nothing reads."""
        return not self._listeners and not self._readers

    def join(self, org_id: int, *, lane: int | None, glance: str = "", last_id: int | None = None) -> Listener:
        """From here on, and a moment back, or from the last it was told. ``glance``: what else is looked at for it."""
        listener = Listener(org_id, lane)
        if self._stopped:
            listener.let_go()
            return listener
        self._listeners.add(listener)
        for news in self._missed(listener, last_id):
            listener.tell(news)
        for number in self._lanes if lane is None else (lane,):
            self._start(number, self._read(number))
        if glance in self._glances:
            self._start((glance, org_id), self._look_now_and_then(glance, org_id))
        return listener

    def leave(self, listener: Listener) -> None:
        self._listeners.discard(listener)

    def stop(self) -> None:
        """Let everybody go."""
        self._stopped = True
        for listener in self._listeners:
            listener.let_go()
        for reader in self._readers.values():
            reader.cancel()

    def _start(self, key: object, reading: Coroutine[Any, Any, None]) -> None:
        if key in self._readers:
            reading.close()
            return
        task = asyncio.create_task(reading)
        self._readers[key] = task
        task.add_done_callback(lambda _: self._readers.pop(key, None))

    def _missed(self, listener: Listener, last_id: int | None) -> list[News]:
        """Of what is remembered; where that does not reach back far enough, that something was missed."""
        numbers = self._lanes if listener.lane is None else (listener.lane,)
        known = [news for number in numbers for news in self._told.get(number, ())]
        if last_id is None:
            since = ids.first_at(clock.now_ms() - BEFORE_MS)
        elif not known or min(news.news_id for news in known) > last_id:
            return [News(ids.first_at(clock.now_ms()), "*")]
        else:
            since = last_id + 1
        return [n for n in known if n.news_id >= since and listener.lane in (None, ids.lane_of(n.org_id)) and
                (listener.lane is None or n.org_id == listener.org_id)]  # fmt: skip

    # readers -----------------------------------------------------------------------------------------------

    async def _read(self, lane: int) -> None:
        """Until nobody listens to the lane any more."""
        seen_tick, after_id = -1, ids.first_at(clock.now_ms() - BEFORE_MS)
        while heard := [one for one in self._listeners if one.lane in (None, lane)]:
            found: list[News] = []
            try:
                async with self._db.connection() as connection:
                    tick = await lanes.last_tick(connection, lane)
                    if tick != seen_tick:
                        rows = await events.recent(connection, lane, after_id=after_id, limit=READ_MAX)
                        found = [News(row.event_id, row.kind, row.subject_id, row.org_id) for row in rows]
                        seen_tick = tick if len(found) < READ_MAX else -1
            except Exception as error:  # the database is away: it is asked again
                log.warning("live events could not be read", error=error, in_lane=lane)
            if found:
                after_id = found[-1].news_id
                self._told.setdefault(lane, deque(maxlen=REMEMBERED)).extend(found)
                _tell(heard, found)
            await asyncio.sleep(self._poll_s)

    async def _look_now_and_then(self, glance: str, org_id: int) -> None:
        before: object = None
        while any(one.org_id == org_id for one in self._listeners):
            try:
                async with self._db.connection() as connection:
                    now = await self._glances[glance](connection, org_id, self._lanes)
            except Exception as error:
                log.warning("the desk could not be looked at", error=error)
            else:
                if before is not None and now != before:
                    for one in [one for one in self._listeners if one.org_id == org_id]:
                        one.tell(News(ids.first_at(clock.now_ms()), glance))
                before = now
            await asyncio.sleep(self._glance_s)


def _tell(heard: Iterable[Listener], found: list[News]) -> None:
    """Each his own organisation's; the staff everything, in kinds where it is much."""
    kinds = list({news.kind: News(news.news_id, news.kind) for news in found}.values())
    for listener in heard:
        if listener.lane is None:
            mine = found if len(found) <= STAFF_SINGLY_MAX else kinds
        else:
            mine = [news for news in found if news.org_id == listener.org_id]
        for news in mine:
            listener.tell(news)
