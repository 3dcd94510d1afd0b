"""Lanes at work: what arrives while a batch commits makes up the next one; an idle lane never waits.

``submit`` answers after the commit. When a lane's queue would take longer than the target (``waiting`` says how that
is reckoned), the door is told ``Busy`` at once: nothing was done, nothing is remembered. Wishes for a SKU that is
proven sold out do not queue behind those that can still be served: many at once are refused without a look at the
shelves.

``OutcomeUnknown`` is said only of a wish whose COMMIT may have been sent, and that was not decided since.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from kameng import risk, stock
from kameng.catalogue import Part
from kameng.kit import db, logs, metrics
from kameng.kit.errors import Refusal
from kameng.orders.asking import Entry
from kameng.orders.choosing import look_up
from kameng.orders.errors import Busy, OrderNotPlaced, OutcomeUnknown
from kameng.orders.model import Answer, Refused, Short, Wish
from kameng.orders.placing import AnswersLost, refuse_sold_out
from kameng.orders.rehearsing import Rehearsals
from kameng.orders.reserving import LimitsAway, Places
from kameng.orders.snapshot import Snapshot
from kameng.orders.trusting import Trust
from kameng.orders.waiting import Ticket, Waiting

BATCH_MAX = 512
QUEUE_TARGET_S = 0.2
UNKNOWN_FOR_S = 10.0
"""How long a wish is tried while the database is away, before its caller is told so."""
OWED_S = 1.0
"""How often an idle lane tries to give back what it owes."""

STOP_S = 8.0
"""How long a gateway that stops goes on answering those it let in."""

log = logs.get_logger(__name__)


class LaneQueue:
    """One lane's wishes in this process. ``run`` is its only worker, so batches of a lane never overlap here."""

    def __init__(
        self, snapshot: Snapshot, lane: int, *, batch_max: int = BATCH_MAX, target_s: float = QUEUE_TARGET_S
    ) -> None:
        self.lane = lane
        self._snapshot = snapshot
        self._waiting = Waiting(batch_max=batch_max, target_s=target_s)
        self._sold_out_at: dict[int, int] = {}  # SKU → the stock epoch at which no lane had one
        self._made_of: dict[int, tuple[Part, ...]] = {}  # and of what it was made then, if it was a bundle
        self._places = Places(snapshot)
        self._trust = Trust(snapshot, lane)
        self._wake = asyncio.Event()
        self._stopping = False
        self._loop = asyncio.get_running_loop()

    def stop(self) -> None:
        """Let nobody in any more; ``run`` ends when everybody inside was answered."""
        self._stopping = True
        self._wake.set()

    async def submit(self, wish: Wish) -> Answer:
        """Place one wish; ``Busy`` at once if it would wait too long."""
        # A sandbox takes nothing from a shelf, and what is chosen lies on none.
        is_out = self._sold_out_at.get(wish.sku_id) == self._snapshot.stock_epoch and not (
            wish.organisation.sandbox or wish.pick
        )
        is_out = is_out and self._made_of.get(wish.sku_id, ()) == self._parts_of(wish.sku_id)
        has_room = self._waiting.has_room_for_unproven() if is_out else self._waiting.has_room()
        if self._stopping or not has_room:
            return Refused(Busy)
        ticket = Ticket(wish, self._loop.create_future(), time.monotonic())
        if is_out:
            self._waiting.add_unproven(ticket)
        else:
            self._waiting.add(ticket)
        self._wake.set()
        return await ticket.answer

    def wait_s(self) -> float:
        """How long one more order would wait here."""
        return self._waiting.wait_s()

    def has_room_for(self, rows: int) -> bool:
        """Whether a bulk request of so many rows may wait here."""
        return self._waiting.has_room_for(rows) and not self._stopping

    async def submit_many(self, wishes: Sequence[Wish]) -> list[Answer]:
        """Place many: batches of them take turns with single orders. A group stays in one batch."""
        if not self.has_room_for(len(wishes)):
            return [Refused(Busy)] * len(wishes)
        since = time.monotonic()  # the same for all: a group must not grow old in parts
        tickets = [Ticket(wish, self._loop.create_future(), since) for wish in wishes]
        self._waiting.add_many(tickets)
        self._wake.set()
        return [await ticket.answer for ticket in tickets]

    async def run(self) -> None:
        """Work until stopped."""
        waiting = self._waiting
        while True:
            if not len(waiting):
                if self._stopping:
                    await self._places.give_back()
                    return
                await self._rest()
                continue
            unproven = waiting.next_unproven()
            if unproven:
                with waiting.proofs.working_on(len(unproven)):
                    await self._guarded(self._prove, unproven)
            batch = waiting.next_batch()
            if batch:
                started = time.monotonic()
                with waiting.orders.working_on(len(batch)):
                    await self._guarded(self._place, batch)
                metrics.batch_size.observe(len(batch))
                metrics.lane_queue.labels(str(self.lane)).set(len(waiting))
                metrics.batch_seconds.observe(time.monotonic() - started)

    async def _rest(self) -> None:
        """Until somebody comes, or it is time to try again what is owed."""
        self._wake.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), OWED_S if self._places.are_owed else None)
        await self._places.give_back()

    async def _guarded(self, work: Callable[[list[Ticket]], Awaitable[None]], tickets: list[Ticket]) -> None:
        """The lane outlives every failure: whoever was not answered is told that the outcome is unknown."""
        try:
            await work(tickets)
        except Exception as error:
            log.error("a batch failed", error, lane=self.lane)
            queued = {id(ticket) for ticket in self._waiting}
            for ticket in tickets:
                if id(ticket) not in queued:
                    ticket.refuse(OutcomeUnknown)

    async def _place(self, batch: list[Ticket]) -> None:
        try:
            batch = await self._reserve(batch)
            entries = [
                Entry(t.wish, t.over_limit, t.may_steal, t.nonce_spent, t.unsure, t.exhausted, t.needs_review)
                for t in batch
            ]
            answers = await self._trust.place(entries)
        except db.UNANSWERED as error:
            if isinstance(error, db.CommitUnknown):
                _doubt(batch)
            await self._ask_again(batch, error)
            return
        except Exception as error:
            if isinstance(error, AnswersLost):
                _doubt(batch)
            await self._halve(batch, error)
            return
        await self._settle(batch, answers)

    async def _reserve(self, batch: list[Ticket]) -> list[Ticket]:
        """Reserve what crosses lanes, before the gate; returns who may enter. While the limits can't be asked, those
        under one are refused, with their groups, and everybody else goes on."""
        if not self._snapshot.policy.crossing:
            return batch
        tickets = [ticket for ticket in batch if not ticket.reserved]
        try:
            places = await self._places.reserve([ticket.wish for ticket in tickets])
        except LimitsAway:
            limited = {id(ticket) for ticket in tickets if self._places.is_limited(ticket.wish)}
            groups = {ticket.wish.group for ticket in tickets if id(ticket) in limited} - {0}
            refused = [ticket for ticket in batch if id(ticket) in limited or ticket.wish.group in groups]
            await self._give_up(refused, Busy)
            return [ticket for ticket in batch if id(ticket) not in limited and ticket.wish.group not in groups]
        for ticket, claims in zip(tickets, places, strict=True):
            ticket.reserved = claims is None or bool(claims)
            ticket.over_limit, ticket.claims = claims is None, claims or []
        return batch

    async def _settle(self, batch: list[Ticket], answers: Sequence[Answer | Short]) -> None:
        """Answer everybody, give back what was reserved in vain, and steal for those that came short."""
        short: list[tuple[Ticket, Short]] = []
        in_vain: list[risk.Claim] = []
        counts = {"placed": 0, "replayed": 0, "refused": 0}
        for ticket, answer in zip(batch, answers, strict=True):
            was_unsure, ticket.unsure, ticket.nonce_spent = ticket.unsure, False, True
            if isinstance(answer, Short):
                short.append((ticket, answer))
                continue
            if isinstance(answer, Refused):
                counts["refused"] += 1
                metrics.refusals.labels(answer.reason.code).inc()
            else:
                counts["replayed" if answer.replayed else "placed"] += 1
            if ticket.claims and (isinstance(answer, Refused) or (answer.replayed and not was_unsure)):
                in_vain += ticket.claims
            if not ticket.answer.done():
                ticket.answer.set_result(answer)
        for outcome, count in counts.items():
            metrics.orders.labels(outcome).inc(count)
        await self._places.give_back(in_vain)
        if short:
            try:
                await self._steal(short)
            except Exception as error:
                await self._after_steal([ticket for ticket, _ in short], error)

    async def _steal(self, short: list[tuple[Ticket, Short]]) -> None:
        """Fetch what is missing from other lanes; the waiting wishes then enter one more batch, once."""
        needs: dict[int, int] = {}
        exhausted: set[int] = set()
        gone: dict[int, int] = {}
        for ticket, need in short:
            needs[need.sku_id] = (
                max(needs.get(need.sku_id, 0), need.need)
                if ticket.wish.group
                else needs.get(need.sku_id, 0) + need.need
            )
        for sku_id, need_count in needs.items():
            epoch = self._snapshot.stock_epoch
            least = min(need.need for _, need in short if need.sku_id == sku_id)
            stolen = await stock.steal(
                self._snapshot.db, self.lane, sku_id, need_count, least=least, ring=self._snapshot.ring
            )
            if not stolen.any_left:
                gone[sku_id] = epoch
            if stolen.moved < need_count:  # else somebody quicker may take them, and there may be more
                exhausted.add(sku_id)
        for ticket, need in short:
            if need.sku_id == ticket.wish.sku_id:
                ticket.may_steal = need.sku_id not in exhausted
            elif need.sku_id in exhausted:  # of a bundle: another part of it may be lacking next
                ticket.exhausted |= {need.sku_id}
            parts = self._parts_of(ticket.wish.sku_id)
            if need.sku_id in gone and need.sku_id in (ticket.wish.sku_id, *(part.sku_id for part in parts)):
                self._sold_out_at[ticket.wish.sku_id] = gone[need.sku_id]
                self._made_of[ticket.wish.sku_id] = parts
        self._waiting.put_back([ticket for ticket, _ in short])

    def _parts_of(self, sku_id: int) -> tuple[Part, ...]:
        """Of a bundle; of anything else none."""
        sku = self._snapshot.catalogue.skus.get(sku_id)
        return () if sku is None else sku.parts

    async def _after_steal(self, tickets: list[Ticket], error: Exception) -> None:
        """A steal failed. Nothing stands of those who waited for it: their batch left them out."""
        if isinstance(error, db.UNANSWERED):
            await self._ask_again(tickets, error)
            return
        log.error("cards could not be stolen", error, lane=self.lane)
        await self._give_up(tickets, OrderNotPlaced)

    async def _give_up(self, tickets: list[Ticket], reason: type[Refusal]) -> None:
        """Refuse them, and give back what they had reserved, but not what may be filled."""
        for ticket in tickets:
            ticket.refuse(reason)
        await self._places.give_back([claim for ticket in tickets if not ticket.unsure for claim in ticket.claims])

    async def _prove(self, tickets: list[Ticket]) -> None:
        """Refuse wishes for sold-out SKUs; whoever must enter a batch after all goes there."""
        wishes = [ticket.wish for ticket in tickets]
        try:
            refusals = await refuse_sold_out(self._snapshot, self.lane, wishes, self._sold_out_at)
        except db.UNANSWERED as error:
            for ticket in tickets:
                ticket.nonce_spent = isinstance(error, db.CommitUnknown)
            await self._ask_again(tickets, error)
            return
        except Exception as error:
            log.error("sold out could not be proven", error, lane=self.lane)
            self._waiting.put_back(tickets)
            return
        refused: Counter[str] = Counter()
        for ticket, refusal in zip(tickets, refusals, strict=True):
            if refusal is None:
                self._waiting.add(ticket)
                continue
            refused[refusal.reason.code] += 1
            if not ticket.answer.done():
                ticket.answer.set_result(refusal)
        for code, count in refused.items():
            metrics.orders.labels("refused").inc(count)
            metrics.refusals.labels(code).inc(count)

    async def _ask_again(self, tickets: list[Ticket], error: BaseException) -> None:
        """The database went away: the same wishes enter another batch, for as long as their callers may wait.

        Those whose lost commit stands are found by their references, the others are decided anew. The old transaction
        is over by then, since it held the gate.
        """
        log.warning("the database did not answer", error, lane=self.lane)
        await asyncio.sleep(0.2)
        oldest = time.monotonic() - UNKNOWN_FOR_S
        self._waiting.put_back([ticket for ticket in tickets if ticket.since >= oldest])
        await self._give_up([ticket for ticket in tickets if ticket.since < oldest], Busy)

    async def _halve(self, batch: list[Ticket], error: Exception) -> None:
        """A batch that the database refuses is halved until the culprit stands alone."""
        groups = {ticket.wish.group for ticket in batch}
        if len(batch) == 1 or (len(groups) == 1 and 0 not in groups):
            log.error("an order could not be written", error, lane=self.lane)
            await self._give_up(batch, OrderNotPlaced)
            return
        middle = len(batch) // 2
        while 0 < middle < len(batch) and _same_group(batch[middle - 1], batch[middle]):
            middle += 1
        if middle == len(batch):
            middle = next(i for i in range(1, len(batch)) if not _same_group(batch[i - 1], batch[i]))
        await self._place(batch[:middle])
        await self._place(batch[middle:])


def _doubt(batch: list[Ticket]) -> None:
    """It may stand, with its nonces spent: spending them again would refuse what may stand."""
    for ticket in batch:
        ticket.unsure = ticket.nonce_spent = True


def _same_group(left: Ticket, right: Ticket) -> bool:
    return left.wish.group != 0 and left.wish.group == right.wish.group


class Lanes:
    """Every lane of this process; the front of the queue for doors, tills and batches alike."""

    def __init__(
        self, snapshot: Snapshot, numbers: Sequence[int], *, batch_max: int = BATCH_MAX,
        target_s: float = QUEUE_TARGET_S,
    ) -> None:  # fmt: skip
        self.snapshot = snapshot
        self.rehearsals = Rehearsals()
        self._queues = {
            number: LaneQueue(snapshot, number, batch_max=batch_max, target_s=target_s) for number in numbers
        }
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def numbers(self) -> tuple[int, ...]:
        return tuple(self._queues)

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
        queue = self._queues[wish.organisation.lane]
        if wish.pick is not None:
            (wish,) = await look_up(self.snapshot, [wish])
        if wish.organisation.sandbox_of is None:
            return await queue.submit(wish)
        return await self.rehearsals.place(wish, self.snapshot.catalogue.skus.get(wish.sku_id), queue.submit)

    def wait_s(self) -> float:
        """How long one more order would wait in the fullest lane."""
        return max((queue.wait_s() for queue in self._queues.values()), default=0.0)

    def has_room_for(self, lane: int, rows: int) -> bool:
        """Whether a bulk request may wait in a lane; if not, tell it so before anything is done."""
        return self._queues[lane].has_room_for(rows)

    async def place_many(self, wishes: Sequence[Wish]) -> list[Answer]:
        """Place many wishes of one payer."""
        if not wishes:
            return []
        if any(wish.pick is not None for wish in wishes):
            wishes = await look_up(self.snapshot, wishes)
        answers = await self._queues[wishes[0].organisation.lane].submit_many(wishes)
        if wishes[0].organisation.sandbox:
            self.rehearsals.saw_answers(wishes, answers)
        return answers
