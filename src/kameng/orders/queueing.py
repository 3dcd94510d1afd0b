"""Lanes at work: what arrives while a batch commits makes up the next one; an idle lane never waits.

``submit`` answers after the commit. When a lane's queue would take longer than the target, the door is told
``Busy`` at once: nothing was done, nothing is remembered. Wishes for a SKU that is proven sold out do not queue
behind those that can still be served: their references are looked up under the gate, and only unknown ones are
answered from memory.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

import asyncpg

from kameng import risk, stock
from kameng.kit import clock, db, lanes, logs, metrics
from kameng.orders import store
from kameng.orders.errors import Busy, OrderNotPlaced, OutcomeUnknown, SoldOut
from kameng.orders.model import Answer, Refused, Short, Wish
from kameng.orders.placing import Entry, place_batch
from kameng.orders.snapshot import Snapshot

BATCH_MAX = 512
QUEUE_TARGET_S = 0.2
BULK_ROWS_MAX = 20_000
"""Rows of bulk requests that may wait in one lane."""
PROVE_MAX = 2048
MEASURED_FROM = 32
"""Batches from this size on say how fast a lane is."""
RATE_ASSUMED = 4_000.0
"""Wishes a second that a lane is believed to decide until it was measured."""
UNKNOWN_FOR_S = 10.0
"""How long a batch whose commit got no answer is asked after before its callers are told so."""

STOP_S = 8.0
"""How long a gateway that stops goes on answering those it let in."""

CONNECTION_LOST = (*db.LOST, asyncpg.QueryCanceledError)
"""Cancelled too: the gate may be held by a transaction of ours that is still committing."""

log = logs.get_logger(__name__)


class Ticket:
    """A wish in the queue and the future that its caller awaits."""

    __slots__ = ("answer", "claims", "may_steal", "nonce_spent", "over_limit", "reserved", "since", "unsure", "wish")

    def __init__(self, wish: Wish, answer: asyncio.Future[Answer]) -> None:
        self.wish = wish
        self.answer = answer
        self.may_steal = True
        self.nonce_spent = False
        self.over_limit = False
        self.reserved = False
        self.unsure = False  # a commit of it got no answer, so it may stand
        self.claims: list[risk.Claim] = []
        self.since = time.monotonic()


class LaneQueue:
    """One lane's wishes in this process. ``run`` is its only worker, so batches of a lane never overlap here."""

    def __init__(
        self, snapshot: Snapshot, lane: int, *, batch_max: int = BATCH_MAX, target_s: float = QUEUE_TARGET_S
    ) -> None:
        self.lane = lane
        self._snapshot = snapshot
        self._batch_max = batch_max
        self._target_s = target_s
        self._rate = RATE_ASSUMED
        self._singles: deque[Ticket] = deque()
        self._bulk: deque[list[Ticket]] = deque()
        self._bulk_rows = 0
        self._sold_out_at: dict[int, int] = {}  # SKU → the stock epoch at which no lane had one
        self._unproven: deque[Ticket] = deque()
        self._wake = asyncio.Event()
        self._stopping = False
        self._loop = asyncio.get_running_loop()

    def has_room(self) -> bool:
        """Whether one more single order would be decided within the target time."""
        room = max(self._rate * self._target_s, self._batch_max)
        return len(self._singles) < room and not self._stopping

    def stop(self) -> None:
        """Let nobody in any more; ``run`` ends when everybody inside was answered."""
        self._stopping = True
        self._wake.set()

    async def submit(self, wish: Wish) -> Answer:
        """Place one wish; ``Busy`` at once if it would wait too long."""
        if not self.has_room():
            return Refused(Busy)
        ticket = Ticket(wish, self._loop.create_future())
        if self._sold_out_at.get(wish.sku_id) == self._snapshot.stock_epoch:
            self._unproven.append(ticket)
        else:
            self._singles.append(ticket)
        self._wake.set()
        return await ticket.answer

    def has_room_for(self, rows: int) -> bool:
        """Whether a bulk request of so many rows may wait here."""
        return self._bulk_rows + rows <= BULK_ROWS_MAX and not self._stopping

    async def submit_many(self, wishes: Sequence[Wish]) -> list[Answer]:
        """Place many: batches of them take turns with single orders. A group stays in one batch."""
        if not self.has_room_for(len(wishes)):
            return [Refused(Busy)] * len(wishes)
        tickets = [Ticket(wish, self._loop.create_future()) for wish in wishes]
        together = bool(wishes) and wishes[0].group != 0
        step = max(len(tickets) if together else self._batch_max // 2, 1)
        for start in range(0, len(tickets), step):
            self._bulk.append(tickets[start : start + step])
        self._bulk_rows += len(tickets)
        self._wake.set()
        return [await ticket.answer for ticket in tickets]

    async def run(self) -> None:
        """Work until stopped."""
        while True:
            if not (self._singles or self._bulk or self._unproven):
                if self._stopping:
                    return
                self._wake.clear()
                await self._wake.wait()
            if self._unproven:
                await self._guarded(self._prove, self._next_unproven())
            batch = self._next_batch()
            if batch:
                started = time.monotonic()
                await self._guarded(self._place, batch)
                took_s = time.monotonic() - started
                if len(batch) >= MEASURED_FROM:
                    self._rate += 0.2 * (len(batch) / took_s - self._rate)
                metrics.batch_size.observe(len(batch))
                metrics.lane_queue.labels(str(self.lane)).set(len(self._singles) + self._bulk_rows)
                metrics.batch_seconds.observe(took_s)

    async def _guarded(self, work: Callable[[list[Ticket]], Awaitable[None]], tickets: list[Ticket]) -> None:
        """The lane outlives every failure: whoever was not answered is told that the outcome is unknown."""
        try:
            await work(tickets)
        except Exception as error:
            log.error("a batch failed", error, lane=self.lane)
            queued = {id(ticket) for ticket in (*self._singles, *(t for chunk in self._bulk for t in chunk))}
            for ticket in tickets:
                if id(ticket) not in queued and not ticket.answer.done():
                    ticket.answer.set_result(Refused(OutcomeUnknown))

    def _next_batch(self) -> list[Ticket]:
        """Singles first, but while a bulk request waits its next chunk is in every batch; at most ``batch_max``
        in all, unless a group alone is larger."""
        batch = self._pop_bulk() if self._bulk else []
        room = self._batch_max - len(batch)
        batch += [self._singles.popleft() for _ in range(min(room, len(self._singles)))]
        while self._bulk and len(batch) + len(self._bulk[0]) <= self._batch_max:
            batch += self._pop_bulk()
        return batch

    def _pop_bulk(self) -> list[Ticket]:
        chunk = self._bulk.popleft()
        self._bulk_rows -= len(chunk)
        return chunk

    async def _place(self, batch: list[Ticket]) -> None:
        try:
            await self._reserve([ticket for ticket in batch if not ticket.reserved])
            entries = [Entry(t.wish, t.over_limit, t.may_steal, t.nonce_spent) for t in batch]
            answers = await place_batch(self._snapshot, self.lane, entries)
        except CONNECTION_LOST as error:
            await self._ask_again(batch, error)
            return
        except Exception as error:
            await self._halve(batch, error)
            return
        await self._settle(batch, answers)

    async def _reserve(self, tickets: list[Ticket]) -> None:
        """Reserve what crosses lanes, before the gate."""
        policy = self._snapshot.policy
        if not policy.crossing:
            return
        for ticket in tickets:
            ticket.claims = self._claims(ticket.wish)
        asked = [ticket for ticket in tickets if ticket.claims]
        refusals = await risk.reserve(self._snapshot.db, [ticket.claims for ticket in asked])
        for ticket, refusal in zip(asked, refusals, strict=True):
            ticket.reserved = True
            if refusal is not None:
                ticket.over_limit, ticket.claims = True, []

    def _claims(self, wish: Wish) -> list[risk.Claim]:
        snapshot = self._snapshot
        sku = snapshot.catalogue.skus.get(wish.sku_id)
        if sku is None:
            return []
        organisation = wish.organisation
        quote = snapshot.prices.quote(
            sku, org_id=organisation.org_id, level=organisation.level, quantity=wish.quantity
        )
        amount_e4 = quote.unit_price_e4 * wish.quantity
        facts = risk.Facts(
            organisation.org_id, wish.ip, wish.target_hash, sku.kind, amount_e4, clock.now_ms() // 1000
        )
        return snapshot.policy.crossing_claims(facts)

    async def _settle(self, batch: list[Ticket], answers: Sequence[Answer | Short]) -> None:
        """Answer everybody, give back what was reserved in vain, and steal for those that came short."""
        short: list[tuple[Ticket, Short]] = []
        in_vain: list[risk.Claim] = []
        counts = {"placed": 0, "replayed": 0, "refused": 0}
        for ticket, answer in zip(batch, answers, strict=True):
            ticket.nonce_spent = True
            if isinstance(answer, Short):
                short.append((ticket, answer))
                continue
            if isinstance(answer, Refused):
                counts["refused"] += 1
                metrics.refusals.labels(answer.reason.code).inc()
            else:
                counts["replayed" if answer.replayed else "placed"] += 1
            if ticket.claims and (isinstance(answer, Refused) or (answer.replayed and not ticket.unsure)):
                in_vain += ticket.claims
            if not ticket.answer.done():
                ticket.answer.set_result(answer)
        for outcome, count in counts.items():
            metrics.orders.labels(outcome).inc(count)
        if in_vain:
            await risk.release(self._snapshot.db, in_vain)
        if short:
            await self._steal(short)

    async def _steal(self, short: list[tuple[Ticket, Short]]) -> None:
        """Fetch what is missing from other lanes; the waiting wishes then enter one more batch, once."""
        needs: dict[int, int] = {}
        exhausted: set[int] = set()
        for ticket, need in short:
            needs[need.sku_id] = (
                max(needs.get(need.sku_id, 0), need.need)
                if ticket.wish.group
                else needs.get(need.sku_id, 0) + need.need
            )
        for sku_id, need_count in needs.items():
            epoch = self._snapshot.stock_epoch
            least = min(need.need for _, need in short if need.sku_id == sku_id)
            stolen = await stock.steal(self._snapshot.db, self.lane, sku_id, need_count, least=least)
            if not stolen.any_left:
                self._sold_out_at[sku_id] = epoch
            if stolen.moved < need_count:  # else somebody quicker may take them, and there may be more
                exhausted.add(sku_id)
        for ticket, need in short:
            ticket.may_steal = need.sku_id not in exhausted
        groups = {ticket.wish.group for ticket, _ in short if ticket.wish.group}
        for group in groups:
            self._requeue_group([ticket for ticket, _ in short if ticket.wish.group == group])
        self._singles.extendleft(ticket for ticket, _ in reversed(short) if not ticket.wish.group)

    def _requeue_group(self, tickets: list[Ticket]) -> None:
        self._bulk.appendleft(tickets)
        self._bulk_rows += len(tickets)

    def _next_unproven(self) -> list[Ticket]:
        return [self._unproven.popleft() for _ in range(min(PROVE_MAX, len(self._unproven)))]

    async def _prove(self, tickets: list[Ticket]) -> None:
        """Answer wishes for sold-out SKUs from memory, once their references are proven unknown.

        The gate makes this exact: no batch of this lane, in whatever gateway, is under way meanwhile. Nothing is
        written that must survive, so the commit does not wait for the disk.
        """
        hashes = [ticket.wish.ref_hash for ticket in tickets]
        try:
            async with self._snapshot.db.transaction(durable=False) as connection:
                await lanes.pass_gate(connection, self.lane)
                refs = await store.read_refs(connection, self.lane, hashes)
        except CONNECTION_LOST as error:
            await self._ask_again(tickets, error)
            return
        refused = 0
        for ticket in tickets:
            wish = ticket.wish
            still_out = self._sold_out_at.get(wish.sku_id) == self._snapshot.stock_epoch
            if wish.ref_hash in refs or not still_out:
                self._singles.append(ticket)
                continue
            refused += 1
            if not ticket.answer.done():
                ticket.answer.set_result(Refused(SoldOut, field="sku"))
        metrics.orders.labels("refused").inc(refused)
        metrics.refusals.labels(SoldOut.code).inc(refused)

    async def _ask_again(self, batch: list[Ticket], error: BaseException) -> None:
        """The database went away: whether the commit stands is unknown until it answers again.

        The same wishes enter another batch: those that stand are found by their references, the others are
        decided anew. The old transaction is over by then, since it held the gate.
        """
        log.warning("the database did not answer", error, lane=self.lane)
        await asyncio.sleep(0.2)
        again = []
        for ticket in batch:
            ticket.unsure = ticket.nonce_spent = True  # perhaps: spending it twice would refuse what may stand
            if time.monotonic() - ticket.since > UNKNOWN_FOR_S:
                if not ticket.answer.done():
                    ticket.answer.set_result(Refused(OutcomeUnknown))
            else:
                again.append(ticket)
        groups: dict[int, list[Ticket]] = {}
        for ticket in again:
            if ticket.wish.group:
                groups.setdefault(ticket.wish.group, []).append(ticket)
        for group in groups.values():
            self._requeue_group(group)
        self._singles.extendleft(ticket for ticket in reversed(again) if not ticket.wish.group)

    async def _halve(self, batch: list[Ticket], error: Exception) -> None:
        """A batch that the database refuses is halved until the culprit stands alone."""
        groups = {ticket.wish.group for ticket in batch}
        if len(batch) == 1 or (len(groups) == 1 and 0 not in groups):
            log.error("an order could not be written", error, lane=self.lane)
            for ticket in batch:
                if not ticket.answer.done():
                    ticket.answer.set_result(Refused(OutcomeUnknown if ticket.unsure else OrderNotPlaced))
            await risk.release(self._snapshot.db, [c for t in batch if not t.unsure for c in t.claims])
            return
        middle = len(batch) // 2
        while 0 < middle < len(batch) and _same_group(batch[middle - 1], batch[middle]):
            middle += 1
        if middle == len(batch):
            middle = next(i for i in range(1, len(batch)) if not _same_group(batch[i - 1], batch[i]))
        await self._place(batch[:middle])
        await self._place(batch[middle:])


def _same_group(left: Ticket, right: Ticket) -> bool:
    return left.wish.group != 0 and left.wish.group == right.wish.group


class Lanes:
    """Every lane of this process; the front of the queue for doors, tills and batches alike."""

    def __init__(
        self, snapshot: Snapshot, numbers: Sequence[int], *, batch_max: int = BATCH_MAX,
        target_s: float = QUEUE_TARGET_S,
    ) -> None:  # fmt: skip
        self.snapshot = snapshot
        self._queues = {
            number: LaneQueue(snapshot, number, batch_max=batch_max, target_s=target_s) for number in numbers
        }
        self._tasks: list[asyncio.Task[None]] = []

    def __getitem__(self, lane: int) -> LaneQueue:
        return self._queues[lane]

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(queue.run()) for queue in self._queues.values()]
        self._tasks.append(loop.create_task(self.snapshot.follow()))

    async def stop(self) -> None:
        """Answer whoever was let in, and then stop; what takes longer than ``STOP_S`` gets no answer."""
        for queue in self._queues.values():
            queue.stop()
        working = self._tasks[:-1]
        if working:
            await asyncio.wait(working, timeout=STOP_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def place(self, wish: Wish) -> Answer:
        """Place one wish in its payer's lane."""
        return await self._queues[wish.organisation.lane].submit(wish)

    def has_room_for(self, lane: int, rows: int) -> bool:
        """Whether a bulk request may wait in a lane; if not, tell it so before anything is done."""
        return self._queues[lane].has_room_for(rows)

    async def place_many(self, wishes: Sequence[Wish]) -> list[Answer]:
        """Place many wishes of one payer."""
        return await self._queues[wishes[0].organisation.lane].submit_many(wishes) if wishes else []


