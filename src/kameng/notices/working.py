"""The jobs of notices: messages to people, and what lies on the desk and is retried from there."""

from __future__ import annotations

from typing import Any

from kameng.kit import clock, metrics
from kameng.kit.crypto import KeyRing, Unsealable
from kameng.kit.db import Connection, Database
from kameng.kit.errors import Fault
from kameng.kit.jobs import GiveUp, Handler, Inside, Job, NotDone, Outside
from kameng.kit.lanes import Passage
from kameng.notices import announcing, messages, progress, store, templates
from kameng.notices.channels import Channels, NotSetUp
from kameng.notices.errors import NoSuchEndpoint
from kameng.notices.messages import Letter, Message
from kameng.notices.sms import SURELY_THERE
from kameng.notices.subscribing import ACTIVATE_JOB, change_endpoint
from kameng.notices.targets import Policy


def handlers(db: Database, ring: KeyRing, channels: Channels, policy: Policy) -> list[Handler]:
    """What the worker runs for notices."""
    sending = _Sending(db, ring, channels)

    async def activate(job: Job) -> None:
        async with db.connection() as connection:
            endpoint = await store.read_endpoint(connection, job.subject_id)
        if endpoint is None:
            return  # it was removed meanwhile
        await change_endpoint(db, endpoint.org_id, endpoint.endpoint_id, policy=policy, state="active")

    async def announce_all(connection: Connection, passage: Passage, some: list[Job]) -> None:
        await announcing.tell_subscribers(connection, ring, passage, some)

    return [
        Outside(messages.SEND_JOB, sending.send, settle=sending.settle, concurrency=8, timeout_s=60.0),
        Outside(
            messages.SEND_ASKED_JOB, sending.send, query=sending.ask, settle=sending.settle, concurrency=8,
            timeout_s=60.0,
        ),
        Outside(ACTIVATE_JOB, activate, query=activate),  # doing it twice is doing it once
        Inside(progress.AGAIN_JOB, send_again, ids_per_job=1),
        Inside(announcing.ANNOUNCE_JOB, announce_all, ids_per_job=announcing.IDS_EACH),
    ]


async def send_again(connection: Connection, passage: Passage, some: list[Job]) -> None:
    """Events that were given up are sent once more, if their endpoint is still there."""
    for job, replay_id in zip(some, passage.ids, strict=False):
        endpoint_id, event_id = int(job.payload["webhook"]), int(job.payload["event"])
        if await store.read_endpoint(connection, endpoint_id) is None:
            raise NoSuchEndpoint
        await store.insert_replay(connection, endpoint_id, replay_id, after_id=event_id - 1, until_id=event_id)
        await store.touch_endpoint(connection, endpoint_id, changed=passage.serial)


class _Sending:
    """Messages, from their rows to their channels."""

    def __init__(self, db: Database, ring: KeyRing, channels: Channels) -> None:
        self._db, self._ring, self._channels = db, ring, channels

    async def send(self, job: Job) -> str:
        message = await self._read(job)
        try:
            receipt = await self._channels.of(message.channel).send(self._letter(message))
        except (NotDone, GiveUp, NotSetUp, Unsealable) as error:
            metrics.messages.labels(message.channel, "failed").inc()
            if isinstance(error, Fault):  # nothing was sent: it may be set up by the next try
                raise NotDone(str(error)) from None
            raise
        except Exception as error:  # what it says may hold the address
            metrics.messages.labels(message.channel, "unknown").inc()
            raise ConnectionError(f"{message.channel}: no answer ({type(error).__name__})") from None
        metrics.messages.labels(message.channel, "sent").inc()
        return receipt

    async def ask(self, job: Job) -> str:
        """What became of a message whose answer was lost."""
        message = await self._read(job)
        found = await self._channels.asked(message.channel).find(self._letter(message))
        if found is not None:
            return found
        if clock.now() - message.created_at < SURELY_THERE:
            raise ConnectionError("the carrier does not know it yet")
        raise NotDone("the carrier never had it")

    async def settle(self, connection: Connection, passage: Passage, pairs: list[tuple[Job, Any]]) -> None:
        await messages.settle(connection, passage.lane, [(job.subject_id, str(receipt)) for job, receipt in pairs])

    def _letter(self, message: Message) -> Letter:
        address = messages.open_address(self._ring, message)
        text = templates.render(message.template, message.facts, message.language, hidden=address.secret)
        return Letter(message.message_id, address, text, message.created_at)

    async def _read(self, job: Job) -> Message:
        async with self._db.connection() as connection:
            message = await messages.read(connection, job.subject_id)
        if message is None:
            raise GiveUp("there is no such message")
        return message
