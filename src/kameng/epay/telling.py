"""Telling shops that they are paid: a GET of their address, signed anew for each try, until they say that they heard.

What payments lay down (``payments.collected``) counts the trade as paid and makes the job that tells. A shop that never
hears is told six times within three hours; then its people may have it told again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import msgspec

from kameng import payments
from kameng.channels import epay_serving as serving
from kameng.epay import keeping, store
from kameng.epay.errors import NoSuchTrade
from kameng.epay.model import Account, Opened, Trade, order_of
from kameng.kit import clock, ids, jobs, lanes
from kameng.kit.crypto import KeyRing
from kameng.kit.db import Connection, Database
from kameng.kit.jobs import Handler, Inside, Job, Outside
from kameng.notices import Sender
from kameng.payments import Collected

TELL_JOB = "epay.tell"
FAULT_CHARS_MAX = 200


class Heard(msgspec.Struct, frozen=True):
    """What came of telling a shop once. ``fault``: why it did not hear."""

    fault: str = ""


def handlers(db: Database, ring: KeyRing, sender: Sender) -> list[Handler]:
    """For the worker."""

    async def call(job: Job) -> Heard | None:
        return await _tell(db, ring, sender, job)

    return [
        Inside(payments.COLLECTED_JOB, _count, ids_per_job=1),
        Outside(TELL_JOB, call, query=call, settle=_settle, ids_per_job=1, concurrency=32),
    ]


async def _count(connection: Connection, passage: lanes.Passage, batch: Sequence[Job]) -> None:
    """Handler: these are paid, and their shops are to be told."""
    lane, at = passage.lane, clock.now()
    trades = await store.read_trades(connection, lane, [job.subject_id for job in batch])
    sums: dict[int, tuple[int, int, int]] = {}
    for one in trades.values():
        _, paid, paid_e4 = sums.get(one.pid, (0, 0, 0))
        sums[one.pid] = 0, paid + 1, paid_e4 + one.amount_e4
    if sums:
        await store.mark_paid(connection, lane, list(trades), at)
        await store.add_to_days(connection, lane, clock.china_day(), sums)
        new = [jobs.NewJob(TELL_JOB, number, {"step": 0}) for number in trades]
        await jobs.add(connection, lane, new, passage.ids[: len(new)])


async def _tell(db: Database, ring: KeyRing, sender: Sender, job: Job) -> Heard | None:
    """None: there is nobody to tell. To be told twice harms no shop."""
    async with db.connection() as connection:
        trade = (await store.read_trades(connection, job.lane, [job.subject_id])).get(job.subject_id)
        stands = (await payments.read_collections(connection, job.lane, [job.subject_id])).get(job.subject_id)
        found = None if trade is None else await store.find_account(connection, trade.pid)
    if trade is None or found is None:
        return None
    url = notice_of(trade, stands, keeping.opened(ring, *found))
    status, said, fault = await sender.get(url)
    if serving.is_heard(status, said):
        return Heard()
    return Heard((fault or (f"HTTP {status}" if status != 200 else "its answer is not: success"))[:FAULT_CHARS_MAX])


def notice_of(trade: Trade, stands: Collected | None, opened: Opened, *, back: bool = False) -> str:
    """The address that tells a shop; ``back``: that leads its customer back, with the same facts."""
    return serving.notice(
        order_of(trade, stands), trade.return_url if back else trade.notify_url, version=trade.version,
        shop=opened.shop, platform=opened.platform,
    )  # fmt: skip


async def _settle(connection: Connection, passage: lanes.Passage, told: Sequence[tuple[Job, Heard | None]]) -> None:
    """Write how it went; who did not hear is told again, ever later."""
    lane, at = passage.lane, clock.now()
    fresh = iter(passage.ids)
    results: dict[int, tuple[str, str]] = {}
    again: list[tuple[jobs.NewJob, int]] = []
    for job, heard in told:
        if heard is None:
            continue
        step = int((job.payload or {}).get("step", 0)) + 1
        if heard.fault and step < len(serving.NOTIFY_AFTER_S):
            due_at = at + timedelta(seconds=serving.NOTIFY_AFTER_S[step])
            again.append((jobs.NewJob(TELL_JOB, job.subject_id, {"step": step}, due_at), next(fresh)))
            results[job.subject_id] = "", heard.fault
        else:
            results[job.subject_id] = "given_up" if heard.fault else "heard", heard.fault
    if results:
        await store.set_told(connection, lane, results)
    if again:
        await jobs.add(connection, lane, [job for job, _ in again], [number for _, number in again])


async def tell_again(db: Database, account: Account, trade_id: int) -> None:
    """Somebody of the organisation mended his shop: tell it now, once."""
    lane = ids.lane_of(trade_id)
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=1)
        trade = (await store.read_trades(connection, lane, [trade_id])).get(trade_id)
        if trade is None or trade.pid != account.pid or trade.paid_at is None:
            raise NoSuchTrade
        await jobs.withdraw(connection, lane, [jobs.NewJob(TELL_JOB, trade_id)])
        job = jobs.NewJob(TELL_JOB, trade_id, {"step": len(serving.NOTIFY_AFTER_S) - 1})
        await jobs.add(connection, lane, [job], passage.ids)
