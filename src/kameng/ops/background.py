"""The process of the roles that nobody waits for: worker (jobs) and scheduler (the timetable).

Run by ``serving`` as ``python -m kameng.ops.background PARENT READY-FD ROLE …``.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress

import uvloop

from kameng import epay, fulfilment, lists, orders, payments, pricing, suppliers
from kameng.kit import crypto, db, lanes, logs, settings
from kameng.kit.db import Database
from kameng.kit.jobs import Handler
from kameng.kit.settings import Settings
from kameng.kit.timetable import Timetable
from kameng.kit.working import Limits, Worker
from kameng.notices import Dispatcher, Sender
from kameng.ops import processes, telling, upkeep
from kameng.ops.scraping import Scraped

STOP_TIMEOUT_S = 15.0
"""What was begun may take so long; then it is cut off, and comes back when its lease ends."""

log = logs.get_logger(__name__)


def handlers_of(
    chosen: Settings, database: Database, ring: crypto.KeyRing, cashier: payments.Workplace, sender: Sender
) -> list[Handler]:
    """Every kind of job there is somebody for; all others rest."""
    from kameng.web import PLANS, tools_of  # with the web framework, for which no command should wait

    terms = orders.terms_of(chosen)
    plans = {name: one.plan for name, one in PLANS.items()}
    return [
        *orders.handlers(ring, terms, telling.reach_of(chosen)),
        *fulfilment.handlers(ring, fulfilment.terms_of(chosen), terms),
        *payments.handlers(cashier),
        *epay.handlers(database, ring, sender),
        *pricing.handlers(database),
        *suppliers.handlers(database, ring),
        *lists.handlers(database, chosen.data_dir / "exports", plans, tools_of(chosen, database, ring)),
    ]


async def run(chosen: Settings, roles: Sequence[str], ready_fd: int, more: Sequence[Handler]) -> None:
    """Work until SIGTERM; ``more`` are the handlers of a composition of its own (the kill drill)."""
    ring = crypto.KeyRing(crypto.KeyFile(chosen.key_ring_file).load())
    database = await db.open_database(chosen.database_url, size=2 * chosen.lanes + 4, name="kameng-background")
    parts: list[Worker | Timetable | Dispatcher] = []
    sender = Sender(telling.policy_of(chosen))
    cashier = payments.Workplace(
        database, ring, public_url=settings.base_url(chosen), terms=orders.terms_of(chosen),
        reach=telling.policy_of(chosen),
    )  # fmt: skip
    cashier.start()
    if "worker" in roles:
        async with database.connection() as connection:
            numbers = await lanes.lane_numbers(connection)
        limits = Limits(chosen.job_batch, float(chosen.job_lease_s), chosen.job_attempts_max)
        own = handlers_of(chosen, database, ring, cashier, sender)
        every = [*own, *more, *telling.handlers(chosen, database, ring, sender)]
        parts.append(Worker(database, every, lanes=numbers, limits=limits))
        parts.append(telling.dispatcher(chosen, database, ring, numbers))
    if "scheduler" in roles:
        entries = upkeep.entries(ring, private_days=chosen.private_days)
        entries += [upkeep.bills_entry(chosen, cashier), *upkeep.paying_entries(cashier)]
        parts.append(Timetable(database, entries, lease_s=float(chosen.job_lease_s)))
    told = asyncio.Event()
    for what in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(what, told.set)
    running: list[asyncio.Task[None]] = [asyncio.create_task(part.run()) for part in parts]
    scraped = asyncio.create_task(_show_numbers(chosen))
    os.write(ready_fd, b"1")
    async with sender:
        await _until_told(told, parts, running)
    await cashier.close()
    scraped.cancel()
    await asyncio.wait([scraped])
    with suppress(TimeoutError):
        await asyncio.wait_for(database.close(), 5)
    for task in running:
        if task.done() and not task.cancelled():
            task.result()  # an error that ended it ends the process, with its words


async def _until_told(
    told: asyncio.Event, parts: Sequence[Worker | Timetable | Dispatcher], running: Sequence[asyncio.Task[None]]
) -> None:
    """Until SIGTERM, or one of the parts ends; then let the others end what they began."""
    await asyncio.wait([asyncio.ensure_future(told.wait()), *running], return_when=asyncio.FIRST_COMPLETED)
    for part in parts:
        part.stop()
    if running:
        _, late = await asyncio.wait(running, timeout=STOP_TIMEOUT_S)
        for task in late:
            task.cancel()


async def _show_numbers(chosen: Settings) -> None:
    if chosen.metrics_port:
        await Scraped(chosen.metrics_port, chosen.metrics_networks).run()


def main(more: Sequence[Handler] = ()) -> None:
    parent_pid, ready_fd, *roles = sys.argv[1:]
    processes.begin(int(parent_pid))
    chosen = settings.load()
    logs.configure(level=chosen.log_level, style=chosen.log_format)
    uvloop.run(run(chosen, roles, int(ready_fd), more))


if __name__ == "__main__":
    main()
