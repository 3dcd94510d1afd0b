"""What a process knows of its channels: a learner of its own, fed at once with what happens here and within a second
with what happened elsewhere, and asked for each choice.

What was heard goes out as one sheet of events for each second in which there was any (ADR 0019). The same event heard
twice changes nothing, so sheets may be read again.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from kameng import routing
from kameng.kit import clock, ids, lanes, logs
from kameng.kit.db import Database
from kameng.payments import routing_store as store
from kameng.routing import Book, Choice, Event, Learner, Logged, Request, Usage

LANE = 0
"""Where sheets and what is kept lie: there are few of them."""
ROUND_S, SHARE_S, KEEP_S = 0.25, 1.0, 60.0
SHEETS_MAX = 200
BACK_MS, DROP_MS = 20 * 60_000, 60 * 60_000
"""How far a process without a memory reads back; what is dropped."""
HEARD_MAX = 100_000
FLIGHTS_MAX = 20_000
EARLY_MAX = 10_000
NEWS_MAX = 200
TESTS_MAX = 8
log = logs.get_logger(__name__)


class Note(msgspec.Struct, frozen=True, array_like=True):
    """One event as it stands on a sheet."""

    what: str  # began, ended, paid, tested
    at_ms: int
    payment_id: int
    channel_id: int = 0
    pool: str = ""
    detail: str = ""
    outcome: str = ""
    began_ms: int = 0  # of what was tested


Test = Callable[[int], Awaitable[object]]
"""Tries a channel with a create on nobody's behalf, and has the router hear of it."""
_sheets = msgspec.msgpack.Decoder(list[Note])


class Router:
    """Chooses, hears, and shares what it heard. ``run`` is its round; without it a process knows its own only."""

    def __init__(self, draw: random.Random | None = None) -> None:
        self.learner = Learner()
        self._draw = draw or random.SystemRandom()
        self._writer = secrets.token_hex(8)
        self._unsent: deque[Note] = deque(maxlen=HEARD_MAX)
        self._early: dict[int, Note] = {}
        self._seen_id: int | None = None
        self._kept_ms = 0
        self.news: deque[Event] = deque(maxlen=NEWS_MAX)
        """What people may want to know, oldest first."""
        self._task: asyncio.Task[None] | None = None
        self._test: Test | None = None
        self._tests: set[asyncio.Task[object]] = set()

    # choosing -----------------------------------------------------------------------------------------------

    def choose(self, book: Book, usages: Mapping[int, Usage], request: Request, *, is_dry: bool = False) -> Logged:
        """The choice with all it was made of; ``is_dry``: nobody is sent there."""
        at_ms, way = clock.now_ms(), (request.method, request.scene)
        channels = [one.channel_id for one in book.candidates if way in one.offers]
        snapshot = self.learner.snapshot(at_ms, request.pool, channels, detail=request.detail, usages=usages)
        logged = routing.log(book, snapshot, request, self._draw.getrandbits(48))
        if not is_dry and logged.choice.channel_id and _is_probe(logged):
            self.learner.probed(at_ms, logged.choice.channel_id, request.pool)
        return logged

    def has_left(self, logged: Logged) -> bool:
        """Whether the breaker of its channel opened after it was chosen: then nobody is sent there."""
        choice = logged.choice
        if choice.is_alarm or choice.way == "pin" or _view(logged).breaker != "closed":
            return False
        return self.learner.breaker(choice.channel_id, clock.now_ms()) != "closed"

    # hearing ------------------------------------------------------------------------------------------------

    def began(self, payment_id: int, choice: Choice, request: Request) -> None:
        """Its provider is asked now."""
        self._hear(Note("began", clock.now_ms(), payment_id, choice.channel_id, request.pool, request.detail))

    def ended(self, payment_id: int, outcome: str) -> None:
        """Its provider answered, or its time ran out."""
        self._hear(Note("ended", clock.now_ms(), payment_id, outcome=outcome))

    def paid(self, payment_id: int) -> None:
        self._hear(Note("paid", clock.now_ms(), payment_id))

    def testing(self, channel_id: int) -> int:
        """A create on nobody's behalf begins; when. This process alone waits for it."""
        at_ms = clock.now_ms()
        self.learner.testing(at_ms, channel_id)
        return at_ms

    def tested(self, channel_id: int, outcome: str, *, began_ms: int = 0) -> None:
        """It ended."""
        self._hear(Note("tested", clock.now_ms(), 0, channel_id, outcome=outcome, began_ms=began_ms))

    def _hear(self, note: Note) -> None:
        self._unsent.append(note)
        self._learn(note)

    def _learn(self, note: Note) -> None:
        """What comes before its beginning was heard of, from another process, waits for it."""
        learner, payment_id = self.learner, note.payment_id
        if note.what == "began":
            learner.began(note.at_ms, payment_id, note.channel_id, note.pool, note.detail)
            early = self._early.pop(payment_id, None)
            if early is not None:
                learner.paid(early.at_ms, payment_id)
        elif note.what == "ended":
            learner.ended(note.at_ms, payment_id, note.outcome)
        elif note.what == "tested":
            learner.tested(note.at_ms, note.channel_id, note.outcome, began_ms=note.began_ms)
        elif payment_id in learner.state.flights:
            learner.paid(note.at_ms, payment_id)
        else:
            self._early[payment_id] = note
            if len(self._early) > EARLY_MAX:
                del self._early[next(iter(self._early))]

    # sharing ------------------------------------------------------------------------------------------------

    def start(self, db: Database, *, test: Test | None = None) -> None:
        """``test``: with it a channel whose create failed is tried at once, before the next customer would be."""
        self._test = test
        self._task = asyncio.create_task(self._run(db))

    async def stop(self) -> None:
        tasks = [*self._tests] if self._task is None else [self._task, *self._tests]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        self._task = None

    def test_suspects(self) -> None:
        """A first failure happens, or is the first of many: a create on nobody's behalf tells which."""
        if self._test is None:
            return
        if len(self._tests) >= TESTS_MAX:
            return
        for channel_id in self.learner.take_suspects(clock.now_ms()):
            task = asyncio.ensure_future(self._test(channel_id))
            self._tests.add(task)
            task.add_done_callback(self._test_ended)

    def _test_ended(self, task: asyncio.Task[object]) -> None:
        self._tests.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.info("a channel can't be tested; its next customer shows how it is", reason=str(error)[:200])

    async def _run(self, db: Database) -> None:
        """It looks at the time; each second what was heard is shared."""
        shared_s = float("-inf")
        while True:
            now_s = asyncio.get_running_loop().time()
            if now_s - shared_s >= SHARE_S:
                shared_s = now_s
                try:
                    await self.share(db)
                except Exception as error:
                    log.error("what channels do was not shared with other processes", error=error)
            self.look()
            self.test_suspects()
            await asyncio.sleep(ROUND_S)

    def look(self) -> None:
        """Time passed: payments reach their ages, creates hang, people may want to know of it."""
        self.learner.aged(clock.now_ms())
        self.news.extend(self.learner.take_news())

    async def share(self, db: Database) -> None:
        """What was heard here goes out, what others heard comes in; once a minute it is kept for who starts later."""
        if self._seen_id is None:
            await self._remember(db)
        notes = self._take_told(clock.now_ms())
        if notes:
            try:
                await self._send(db, notes)
            except BaseException:
                self._unsent.extendleft(reversed(notes))
                raise
        await self._read(db)
        if notes and clock.now_ms() - self._kept_ms >= KEEP_S * 1000:
            await self._keep(db)

    def _take_told(self, now_ms: int) -> list[Note]:
        """What can be told. A call under way is told of with its answer, or once it hangs: others, who hear of the
        answer a second later at best, would take it for one that hangs, and leave a channel that is well."""
        ended = {note.payment_id for note in self._unsent if note.what == "ended"}
        told: list[Note] = []
        held: list[Note] = []
        for note in self._unsent:
            is_fresh = now_ms - note.at_ms < self.learner.parameters.hang_ms
            (held if note.what == "began" and is_fresh and note.payment_id not in ended else told).append(note)
        self._unsent.clear()
        self._unsent.extend(held)
        return told

    async def _remember(self, db: Database) -> None:
        async with db.connection() as connection:
            kept = await store.read_memory(connection, LANE)
        if kept is not None:
            state, self._seen_id, _ = kept
            try:
                learner = Learner.load(state)
            except (msgspec.DecodeError, msgspec.ValidationError) as error:
                log.warning("what a learner kept can't be read; it learns anew", reason=str(error)[:200])
            else:
                self.learner = learner
                for note in self._unsent:  # heard here since the start
                    self._learn(note)
        if self._seen_id is None:
            self._seen_id = ids.first_at(clock.now_ms() - BACK_MS)

    async def _send(self, db: Database, notes: list[Note]) -> None:
        async with db.transaction() as connection:
            passage = await lanes.pass_gate(connection, LANE, id_count=1)
            await store.insert_sheet(connection, LANE, passage.ids[0], self._writer, msgspec.msgpack.encode(notes))

    async def _read(self, db: Database) -> None:
        assert self._seen_id is not None
        while True:
            async with db.connection() as connection:
                sheets = await store.sheets_after(connection, LANE, self._seen_id, self._writer, limit=SHEETS_MAX)
            for sheet_id, heard in sheets:
                for note in _sheets.decode(heard) if heard is not None else ():
                    self._learn(note)
                self._seen_id = sheet_id
            if len(sheets) < SHEETS_MAX:
                return

    async def _keep(self, db: Database) -> None:
        assert self._seen_id is not None
        now_ms = clock.now_ms()
        state, seen_id = self.learner.dump(flights_max=FLIGHTS_MAX), self._seen_id
        async with db.transaction() as connection:
            await lanes.pass_gate(connection, LANE)
            await store.put_memory(connection, LANE, state, seen_id, clock.now())
            await store.drop_sheets(connection, LANE, ids.first_at(now_ms - DROP_MS))
        self._kept_ms = now_ms


def _view(logged: Logged) -> routing.View:
    found = (one for one in logged.snapshot.views if one.channel_id == logged.choice.channel_id)
    return next(found, routing.View(logged.choice.channel_id))


def _is_probe(logged: Logged) -> bool:
    view = _view(logged)
    return view.probe and (view.breaker != "closed" or view.is_quarantined)
