"""Messages to people: written with the job that sends them, in the transaction that has something to say.

An address is sealed, and counted by its keyed hash: nobody is sent more than a channel's limit. What a message says is
a template and its facts, never a secret; what a template hides is sealed with the address.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import msgspec

from kameng.kit import clock, crypto, ids, jobs, lanes, privacy, resealing
from kameng.kit.db import Connection, Database
from kameng.notices import templates
from kameng.notices.errors import BadMessage, TooManyMessages
from kameng.notices.store import statements

ADDRESS = b"message_address"
SEND_JOB = "notices.send"
SEND_ASKED_JOB = "notices.send_asked"
ASKED = frozenset({"sms"})
"""Channels whose carrier can be asked what became of a message; of others nobody knows it after a lost answer."""
LIMITS: dict[str, tuple[tuple[int, int], ...]] = {
    "mail": ((60, 5), (3600, 30)),
    "sms": ((60, 1), (3600, 5), (86_400, 10)),
    "wecom": ((60, 20),),
    "dingtalk": ((60, 20),),
    "feishu": ((60, 100),),
}
"""(seconds, messages) that one address may be sent, by channel: what the carriers themselves allow."""


class Address(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a message goes: a mailbox, a phone number, or a robot's address with its secret; and, of a template that
    hides something (a code), that."""

    to: str
    secret: str = ""

    def __repr__(self) -> str:
        return "Address(…)"


class Letter(msgspec.Struct, frozen=True):
    """A message as a channel gets it."""

    message_id: int
    address: Address
    text: templates.Text
    created_at: datetime


class Message(msgspec.Struct, frozen=True):
    message_id: int
    org_id: int
    channel: str
    template: str
    facts: dict[str, str]
    address: bytes
    state: str
    receipt: str
    created_at: datetime
    language: str


class NewMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message that is about to be written. ``about``: what it must not be repeated about."""

    org_id: int  # in whose name; 0: the platform's, to its staff
    channel: str
    address: Address
    template: str
    facts: Mapping[str, str]
    language: str = "both"
    about: str = ""
    hidden: str = ""
    """What the template hides."""

    @property
    def sealed(self) -> Address:
        """What is sealed of it."""
        return msgspec.structs.replace(self.address, secret=self.hidden) if self.hidden else self.address


async def tell(
    connection: Connection, ring: crypto.KeyRing, lane: int, message_and_job: tuple[int, int], new: NewMessage
) -> None:
    """A message with its job. The caller passed the gate and had two ids dealt there."""
    check_channel(new.channel)
    templates.check(new.template, new.facts)
    assert bool(new.hidden) == bool(templates.TEMPLATES[new.template].hidden), new.template
    message_id, job_id = message_and_job
    at, address_hash = clock.now(), hash_of(ring, new.channel, new.address)
    for seconds, most in LIMITS[new.channel]:
        since = at - timedelta(seconds=seconds)
        if await connection.fetchval(statements.messages_since, lane, address_hash, since) >= most:
            raise TooManyMessages(f"at most {most} in {seconds} s", detail_zh=f"{seconds} 秒内最多 {most} 条")
    sealed = ring.seal(ADDRESS, message_id, msgspec.json.encode(new.sealed))
    await connection.execute(
        statements.insert_message, lane, message_id, new.org_id, new.channel, new.template, dict(new.facts), sealed,
        address_hash, at, new.language, new.about, masked(new.channel, new.address),
    )  # fmt: skip
    kind = SEND_ASKED_JOB if new.channel in ASKED else SEND_JOB
    await jobs.add(connection, lane, [jobs.NewJob(kind, message_id)], [job_id])


async def was_told(
    connection: Connection, ring: crypto.KeyRing, lane: int, new: NewMessage, *, within_s: int
) -> bool:
    """Whether this address was told the same so short a while ago."""
    since, address_hash = clock.now() - timedelta(seconds=within_s), hash_of(ring, new.channel, new.address)
    return bool(
        await connection.fetchval(statements.was_told, lane, address_hash, since, new.template, new.about)
    )


def check_channel(channel: str) -> None:
    if channel not in LIMITS:
        raise BadMessage(f"one of {', '.join(LIMITS)}", field="channel", detail_zh=f"渠道应为 {'、'.join(LIMITS)} 之一")


def hash_of(ring: crypto.KeyRing, channel: str, address: Address) -> bytes:
    """What an address is counted by."""
    return ring.fingerprint(ADDRESS, f"{channel} {address.to}".encode())


def masked(channel: str, address: Address) -> str:
    """What lists show of an address. A robot's is a secret behind its host."""
    if channel == "mail":
        return privacy.mask("email", address.to)
    if channel == "sms":
        return privacy.mask("phone", address.to)
    return f"{urlsplit(address.to).hostname or privacy.HIDDEN}/…"


async def tell_now(
    db: Database, ring: crypto.KeyRing, org_id: int, *, channel: str, address: Address, template: str,
    facts: Mapping[str, str], language: str = "both", hidden: str = "",
) -> int:  # fmt: skip
    """A message in a transaction of its own; returns its id."""
    lane = ids.lane_of(org_id)
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=2)
        new = NewMessage(
            org_id=org_id, channel=channel, address=address, template=template, facts=facts, language=language,
            hidden=hidden,
        )  # fmt: skip
        await tell(connection, ring, lane, (passage.ids[0], passage.ids[1]), new)
    return passage.ids[0]


async def read(connection: Connection, message_id: int) -> Message | None:
    row = await connection.fetchrow(statements.read_message, ids.lane_of(message_id), message_id)
    return None if row is None else Message(*row)


def open_address(ring: crypto.KeyRing, message: Message) -> Address:
    return msgspec.json.decode(ring.open(ADDRESS, message.message_id, message.address), type=Address)


async def settle(connection: Connection, lane: int, sent: Sequence[tuple[int, str]]) -> None:
    """(message, receipt) each."""
    message_ids, receipts = [message_id for message_id, _ in sent], [receipt[:200] for _, receipt in sent]
    await connection.execute(statements.settle_messages, lane, message_ids, receipts, clock.now())


async def purge(connection: Connection, lane: int, *, before_id: int, limit: int) -> int:
    status = await connection.execute(statements.purge_messages, lane, before_id, limit)
    return int(status.rpartition(" ")[2])


async def under_other_keys(
    connection: Connection, lane: int, after_id: int, key_number: int, limit: int
) -> list[tuple[int, bytes]]:
    rows: list[Any] = await connection.fetch(
        statements.addresses_under_other_keys, lane, after_id, key_number, limit, timeout=resealing.LOOK_TIMEOUT_S
    )
    return [(row["message_id"], row["address"]) for row in rows]


async def reseal(connection: Connection, lane: int, sealed: Sequence[tuple[int, bytes, bytes]]) -> None:
    """(id, fresh, old) each; a row that changed since it was read is left alone."""
    await connection.execute(statements.reseal_addresses, lane, *map(list, zip(*sealed, strict=True)))
