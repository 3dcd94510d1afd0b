"""Telling guests what became of their orders: by mail or SMS, to the contact that they left.

A step that a guest wants to know of leaves a job in its own transaction; the worker opens the contact and writes the
message. It says the order's number and where to look, and nothing of the goods.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from kameng import notices
from kameng.kit import crypto
from kameng.kit.db import Connection
from kameng.kit.jobs import Job, NewJob
from kameng.kit.lanes import Passage
from kameng.notices import Address, NewMessage
from kameng.orders import store
from kameng.orders.drafting import Draft
from kameng.orders.guesting import CONTACT

TELL_JOB = "guests.tell"
TOLD = {
    "order.delivered": "order_delivered",
    "order.partly_delivered": "order_delivered",
    "order.redelivered": "order_delivered",
    "order.refunded": "order_refunded",
    "order.refunded_in_part": "order_refunded",
    "order.held": "order_held",
    "order.review": "order_review",
}
"""The template of what a step is told by."""
_PHONE = re.compile(r"1[3-9][0-9]{9}")


class Reach(msgspec.Struct, frozen=True):
    """By which channels guests can be reached from this machine, and where they look for their orders."""

    channels: frozenset[str] = frozenset()
    shop: str = ""


class Telling(msgspec.Struct, frozen=True):
    """What a job has to say."""

    template: str
    sequence: int
    amount: str = ""


def job_of_guest(draft: Draft) -> NewJob | None:
    """What the guest is told of the last step that concerns him; None for members, who have webhooks."""
    if not draft.order.is_guest:
        return None
    steps = [event for event in draft.events if event.kind in TOLD]
    if not steps:
        return None
    last = steps[-1]
    telling = Telling(TOLD[last.kind], last.sequence, (last.data or {}).get("amount", ""))
    return NewJob(TELL_JOB, draft.order.order_id, msgspec.to_builtins(telling))


async def tell_guests(
    connection: Connection, ring: crypto.KeyRing, passage: Passage, batch: Sequence[Job], reach: Reach
) -> None:
    """The messages of these jobs. Whoever can't be reached from here finds his order by its number alone."""
    contacts = await store.read_contacts(connection, passage.lane, [job.subject_id for job in batch])
    fresh = iter(passage.ids)
    for job in batch:
        if job.subject_id not in contacts:
            continue
        org_id, sealed, language = contacts[job.subject_id]
        contact = ring.open(CONTACT, job.subject_id, sealed).decode()
        channel = channel_of(contact)
        if channel not in reach.channels:
            continue
        telling = msgspec.convert(job.payload, Telling)
        new = NewMessage(
            org_id=org_id, channel=channel, address=Address(contact), template=telling.template,
            facts=_facts(job.subject_id, telling, reach), language=language,
            about=f"{job.subject_id}:{telling.sequence}",
        )  # fmt: skip
        if not await notices.was_told(connection, ring, passage.lane, new, within_s=notices.GUESTS_REPEAT_S):
            await notices.tell(connection, ring, passage.lane, (next(fresh), next(fresh)), new)


def channel_of(contact: str) -> str:
    """How a contact can be written to; empty if nobody knows."""
    return "mail" if "@" in contact else "sms" if _PHONE.fullmatch(contact) else ""


def _facts(order_id: int, telling: Telling, reach: Reach) -> dict[str, str]:
    every = {"order": str(order_id), "amount": telling.amount, "shop": reach.shop}
    return {name: text for name, text in every.items() if name in notices.TEMPLATES[telling.template].places}
