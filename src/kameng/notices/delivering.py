"""The dispatcher: what is owed goes out, lane by lane, each endpoint from a queue of its own.

A lane is served by one process at a time, whose token stands in ``webhook_lane``; a lost one's lease runs out and the
next goes on from the cursors: nothing is lost, and what was under way is sent again under the same id. Each lane has
one loop, and everything it does in the database happens in it, in order; only the calls run beside it. Nothing is
written to start a call, and what came of many is written at once, so the gate is passed a few times a second.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import timedelta

from kameng.kit import clock, crypto, ids, logs, metrics
from kameng.kit.db import Database
from kameng.kit.lanes import pass_gate
from kameng.notices import progress, store
from kameng.notices.model import Endpoint, Outcome, SigningKey, message_body
from kameng.notices.queueing import QUEUE_MAX, Item, Queue, Stream
from kameng.notices.sending import Sender
from kameng.notices.showing import States
from kameng.notices.subscribing import disable_endpoint

log = logs.get_logger(__name__)

LEASE_S = 15.0
PAUSE_MIN_S = 0.005
PAUSE_MAX_S = 0.25
FLUSH_S = 0.25
FLUSH_ATTEMPTS = 500
LOOK_S = 0.5
"""How often changed endpoints are looked for."""
TAIL_MAX = 1000
CATCH_UP_MAX = 50
"""Endpoints that read for themselves in one turn."""
STOP_S = 5.0


class Dispatcher:
    """Delivers the webhooks of some lanes; ``run`` until ``stop``."""

    def __init__(
        self, db: Database, ring: crypto.KeyRing, sender: Sender, states: States, *, lanes: Sequence[int],
        lease_s: float = LEASE_S,
    ) -> None:  # fmt: skip
        self._sender = sender
        self._loops = [_LaneLoop(db, ring, sender, states, lane, lease_s) for lane in lanes]

    async def run(self) -> None:
        async with self._sender, asyncio.TaskGroup() as group:
            for loop in self._loops:
                group.create_task(loop.run())

    def stop(self) -> None:
        for loop in self._loops:
            loop.stopping = True
            loop.bell.set()


class _LaneLoop:
    def __init__(
        self, db: Database, ring: crypto.KeyRing, sender: Sender, states: States, lane: int, lease_s: float
    ) -> None:
        self._db, self._ring, self._sender, self._states = db, ring, sender, states
        self._lane, self._lease_s = lane, lease_s
        self._token = 0  # of our lease; 0: we hold none
        self._queues: dict[int, Queue] = {}
        self._by_org: dict[int, list[Queue]] = {}
        self._tail_id = 0
        self._serial = -1
        self._returned: list[tuple[Queue, Item, Outcome]] = []
        self._calls: set[asyncio.Task[None]] = set()
        self._flush_at_s = self._look_at_s = self._hold_at_s = 0.0
        self.bell = asyncio.Event()
        self.stopping = False

    async def run(self) -> None:
        pause_s = PAUSE_MIN_S
        with logs.bound(in_lane=self._lane):
            while not self.stopping:
                self.bell.clear()
                try:
                    busy = await self._turn()
                    pause_s = PAUSE_MIN_S if busy else min(pause_s * 2, PAUSE_MAX_S)
                except Exception as error:  # the database is away; what came back stays in our hands
                    log.error("the lane's dispatcher failed", error=error)
                    pause_s = 1.0
                await self._sleep(pause_s)
            await self._leave()

    async def _sleep(self, pause_s: float) -> None:
        await asyncio.sleep(PAUSE_MIN_S)  # so that a turn finds several answers
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.bell.wait(), pause_s)

    async def _turn(self) -> bool:
        """One round; whether there is more to do at once."""
        self._take_in_returned()
        if not await self._hold():
            return False
        await self._look()
        if not self._queues:
            return False
        read = await self._read_tail() + await self._catch_up()
        await self._start()
        await self._flush()
        return read > 0 or bool(self._returned)

    # the lease ---------------------------------------------------------------------------------------------

    async def _hold(self) -> bool:
        """Whether the lane is ours. A lane without endpoints is nobody's and costs one look now and then."""
        now_s = asyncio.get_running_loop().time()
        if now_s < self._hold_at_s:
            return self._token != 0
        self._hold_at_s = now_s + (self._lease_s / 3 if self._token else min(1.0, self._lease_s / 3))
        async with self._db.connection() as connection:
            if not self._token and not await progress.has_endpoints(connection, self._lane):
                return False
        token, now = self._token or ids.random_id(), clock.now()
        async with self._db.transaction(durable=False) as connection:
            await pass_gate(connection, self._lane)
            until = now + timedelta(seconds=self._lease_s)
            ours = await progress.hold_lane(connection, self._lane, token, now=now, until=until)
        if ours and not self._token:
            await self._begin(token)
        elif not ours and self._token:
            self._lose()
        return self._token != 0

    async def _begin(self, token: int) -> None:
        """The lane is ours now: go on where whoever had it before was."""
        async with self._db.connection() as connection:
            self._tail_id = await store.last_due_event(connection, self._lane)
        self._queues, self._by_org, self._serial, self._look_at_s = {}, {}, -1, 0.0
        self._token = token
        self._hold_at_s = asyncio.get_running_loop().time() + self._lease_s / 3

    def _lose(self) -> None:
        """Another process has the lane: what we know of it is worth nothing any more."""
        log.warning("another process serves this lane's webhooks now")
        self._token, self._queues, self._by_org, self._returned = 0, {}, {}, []

    async def _leave(self) -> None:
        """Let what flies come back for a while, write it down, and make room for the next process."""
        if self._calls:
            await asyncio.wait(self._calls, timeout=STOP_S)
        for call in self._calls:
            call.cancel()
        self._take_in_returned()
        try:
            if self._token:
                await self._flush(now=True)
                async with self._db.transaction(durable=False) as connection:
                    await pass_gate(connection, self._lane)
                    await progress.leave_lane(connection, self._lane, self._token)
        except Exception as error:  # its lease runs out by itself
            log.warning("the lane was not left in order", error=error)

    # what is known of endpoints ----------------------------------------------------------------------------

    async def _look(self) -> None:
        """New, changed, disabled and removed endpoints."""
        now_s = asyncio.get_running_loop().time()
        if now_s < self._look_at_s:
            return
        self._look_at_s = now_s + LOOK_S
        async with self._db.connection() as connection:
            changed = await store.changed_endpoints(connection, self._lane, self._serial)
            if not changed:
                return
            active = [endpoint for endpoint in changed if endpoint.state == "active"]
            keys = await store.keys_of(connection, self._ring, self._lane, [x.endpoint_id for x in active], clock.now())
            made = [Queue(endpoint) for endpoint in active if endpoint.endpoint_id not in self._queues]
            await progress.restore(connection, self._lane, made)
            known = [self._queues[x.endpoint_id] for x in active if x.endpoint_id in self._queues]
            await progress.read_replays(connection, self._lane, [*made, *known])
        self._queues.update({queue.endpoint.endpoint_id: queue for queue in made})
        for endpoint in changed:
            if endpoint.state == "active":
                self._renew(self._queues[endpoint.endpoint_id], endpoint, keys.get(endpoint.endpoint_id, ()))
            else:
                self._queues.pop(endpoint.endpoint_id, None)
        self._by_org = {}
        for queue in self._queues.values():
            self._by_org.setdefault(queue.endpoint.org_id, []).append(queue)
        self._serial = changed[-1].changed

    def _renew(self, queue: Queue, endpoint: Endpoint, keys: tuple[SigningKey, ...]) -> None:
        """What its owner changed; one that was made active again does not wait for its next probe."""
        queue.endpoint, queue.keys, queue.ends_as = endpoint, keys, ""
        if queue.paused_until is not None and endpoint.paused_until is None:
            queue.resume(clock.now())
            queue.failures, queue.failing_since = 0, None

    # what is owed ------------------------------------------------------------------------------------------

    async def _read_tail(self) -> int:
        """What is new in the lane, once for all endpoints that keep up."""
        async with self._db.connection() as connection:
            events = await store.due_events(connection, self._lane, after_id=self._tail_id, limit=TAIL_MAX)
        for event in events:
            self._tail_id = event.event_id
            for queue in self._by_org.get(event.org_id, ()):
                if queue.is_full or queue.paused_until is not None:
                    queue.is_behind = True  # it reads for itself, when it has room
                if not queue.is_behind:
                    queue.offer(event, queue.live)
        return len(events)

    async def _catch_up(self) -> int:
        """Endpoints that are behind, and replays, read for themselves, as much as they have room for."""
        eager = [
            (queue, stream)
            for queue in self._queues.values() if queue.has_place
            for stream in _streams_of(queue)
        ]  # fmt: skip
        read = 0
        for queue, stream in eager[:CATCH_UP_MAX]:
            until_id = self._tail_id if stream.until_id is None else stream.until_id
            async with self._db.connection() as connection:
                events = await store.due_events_of(
                    connection, queue.endpoint.org_id, after_id=stream.read_id, until_id=until_id, limit=QUEUE_MAX // 2
                )
            for event in events:
                queue.offer(event, stream)
            read += len(events)
            if len(events) < QUEUE_MAX // 2:
                stream.pass_to(until_id)
                if stream is queue.live:
                    queue.is_behind = False
                else:
                    queue.is_changed = True  # it may be through
        return read

    # calls -------------------------------------------------------------------------------------------------

    async def _start(self) -> None:
        """Send what may go, each subject as it stands now: read once for all of this turn."""
        now = clock.now()
        going = [
            (queue, item)
            for queue in self._queues.values() if queue.waiting or queue.late
            for item in queue.take(now)
        ]  # fmt: skip
        if not going:
            return
        try:
            async with self._db.connection() as connection:
                shown = await self._states.show(connection, self._lane, [item.event for _, item in going])
        except Exception:
            for queue, item in going:  # not sent, and not its receiver's fault
                queue.hand_back(item)
            raise
        for queue, item in going:
            body = message_body(item.event, shown.get(item.event.subject_id))
            call = asyncio.create_task(self._call(queue, item, body))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)

    async def _call(self, queue: Queue, item: Item, body: bytes) -> None:
        now = clock.now()
        keys = [key.key for key in queue.keys if key.until is None or key.until > now]
        if keys:
            outcome = await self._sender.send(
                queue.endpoint.url, keys, message_id=item.event.message_id, body=body
            )
        else:
            outcome = Outcome(0, 0, "its secret does not open")  # unsigned, nothing leaves
        self._returned.append((queue, item, outcome))
        self.bell.set()

    def _take_in_returned(self) -> None:
        now = clock.now()
        for queue, item, outcome in self._returned:
            queue.returned(item, outcome, now)
            metrics.webhooks.labels("delivered" if outcome.delivered else "failed").inc()
        self._returned = []

    # writing down ------------------------------------------------------------------------------------------

    async def _flush(self, *, now: bool = False) -> None:
        """Write what came of everything since the last time, if it is time."""
        queues = [queue for queue in self._queues.values() if queue.is_changed]
        now_s = asyncio.get_running_loop().time()
        is_much = sum(len(queue.log) for queue in queues) >= FLUSH_ATTEMPTS
        if not queues or not (now or is_much or now_s >= self._flush_at_s):
            return
        self._flush_at_s = now_s + FLUSH_S
        flushed = progress.collect(queues)
        try:
            written = await self._write(flushed)
        except Exception:
            progress.put_back(flushed)
            raise
        if not written:
            self._lose()
            return
        for queue in flushed.queues:
            for replay in [replay for replay in queue.replays.values() if replay.is_through]:
                del queue.replays[replay.replay_id]
            if queue.ends_as:
                await self._end(queue)

    async def _write(self, flushed: progress.Flushed) -> bool:
        """False if the lane is not ours any more: then nothing is written."""
        now = clock.now()
        async with self._db.transaction(durable=False) as connection:
            passage = await pass_gate(connection, self._lane, id_count=flushed.id_count)
            until = now + timedelta(seconds=self._lease_s)
            if not await progress.hold_lane(connection, self._lane, self._token, now=now, until=until):
                return False
            await progress.write(connection, passage, flushed)
        return True

    async def _end(self, queue: Queue) -> None:
        """Its receiver wants no more, or has not answered for three days."""
        endpoint, reason = queue.endpoint, queue.ends_as
        await disable_endpoint(self._db, endpoint, reason=reason)
        metrics.webhooks.labels("disabled").inc()
        log.error("a webhook was disabled", endpoint_id=endpoint.endpoint_id, org_id=endpoint.org_id, reason=reason)


def _streams_of(queue: Queue) -> list[Stream]:
    """What it reads for itself: what it is behind with, else the oldest replay."""
    if queue.is_behind:
        return [queue.live]
    return [replay for replay in queue.replays.values() if not replay.is_through and not _is_read(replay)][:1]


def _is_read(replay: Stream) -> bool:
    return replay.until_id is not None and replay.read_id >= replay.until_id


