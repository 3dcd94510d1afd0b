"""The jobs of fulfilment: goods that people work, and what a sandbox plays. All of them are rows only.

What nobody does yet (``topup``, ``parcel``) has no handler: those orders rest with their due job, and are counted.
"""

from __future__ import annotations

from kameng import orders
from kameng.fulfilment import opening, rehearsing
from kameng.fulfilment.model import Terms
from kameng.kit import crypto
from kameng.kit.db import Connection
from kameng.kit.jobs import Handler, Inside, Job
from kameng.kit.lanes import Passage
from kameng.orders import FULFIL_JOBS, IDS_EACH, REHEARSE_JOB, WITHDRAW_JOBS

MANUAL_JOB, STOP_JOB = FULFIL_JOBS["manual"], WITHDRAW_JOBS["manual"]


def handlers(ring: crypto.KeyRing, terms: Terms, order_terms: orders.Terms) -> list[Handler]:
    """For the worker."""

    async def work(connection: Connection, passage: Passage, batch: list[Job]) -> None:
        await opening.open_orders(connection, passage, batch, terms)

    async def stop(connection: Connection, passage: Passage, batch: list[Job]) -> None:
        await opening.stop_orders(connection, ring, passage, batch)

    async def rehearse(connection: Connection, passage: Passage, batch: list[Job]) -> None:
        await rehearsing.rehearse(connection, ring, passage, batch, order_terms)

    return [
        Inside(MANUAL_JOB, work, ids_per_job=1),
        Inside(STOP_JOB, stop, ids_per_job=IDS_EACH),
        Inside(REHEARSE_JOB, rehearse, ids_per_job=IDS_EACH),
    ]
