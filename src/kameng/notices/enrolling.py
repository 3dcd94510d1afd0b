"""Enrolling: who of an organisation, or of the platform's staff, is told of which topic, where and in what language.

Addresses are sealed, and shown masked. What was told is read back here too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

import msgspec

from kameng.kit import audit, clock, crypto, ids, lanes, resealing
from kameng.kit.db import Connection, Database
from kameng.kit.ids import ID_MAX
from kameng.notices import messages, store
from kameng.notices.announcing import STAFF, STAFF_LANE, SUBSCRIBERS_MAX
from kameng.notices.errors import BadEndpoint, BadMessage, NoSuchSubscription, TooManySubscribers
from kameng.notices.messages import ADDRESS, Address
from kameng.notices.store import statements
from kameng.notices.targets import Policy
from kameng.notices.templates import LANGUAGES, TOPICS

_MAILBOX = re.compile(r"[^\s@<>\",;:]{1,64}@[^\s@<>\",;:]{1,190}")
_PHONE = re.compile(r"\+?[0-9]{6,15}")


class Subscription(msgspec.Struct, frozen=True):
    subscription_id: int
    org_id: int
    topic: str
    channel: str
    language: str
    shown: str  # the address, masked
    created_at: datetime


class Told(msgspec.Struct, frozen=True):
    """A line of the log of messages."""

    message_id: int
    channel: str
    template: str
    language: str
    shown: str
    state: str
    receipt: str
    created_at: datetime
    sent_at: datetime | None


async def subscribe(
    db: Database, ring: crypto.KeyRing, org_id: int, *, topic: str, channel: str, address: Address, policy: Policy,
    language: str = "zh", actor_id: int = 0,
) -> int:  # fmt: skip
    """Have somebody told of a topic; returns the subscription's id. Asked again it stays, in the language and with the
    robot's secret that were said last."""
    _check(org_id, topic, language)
    check_address(channel, address, policy)
    lane = _lane_of(org_id)
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=2)
        if org_id != STAFF and not await store.organisation_exists(connection, org_id):
            raise BadMessage("there is no such organisation", field="organisation", detail_zh="没有这个商户")
        address_hash = messages.hash_of(ring, channel, address)
        present: int | None = await connection.fetchval(
            statements.find_subscription, org_id, topic, channel, address_hash
        )
        others = await connection.fetch(statements.subscribers, org_id, topic)
        if present is None and len(others) >= SUBSCRIBERS_MAX:
            raise TooManySubscribers(f"at most {SUBSCRIBERS_MAX}", detail_zh=f"最多 {SUBSCRIBERS_MAX} 个")
        subscription_id = passage.ids[0] if present is None else present
        await connection.execute(
            statements.put_subscription, subscription_id, org_id, topic, channel, language,
            ring.seal(ADDRESS, subscription_id, msgspec.json.encode(address)), address_hash,
            messages.masked(channel, address), clock.now(),
        )  # fmt: skip
        said = {"topic": topic, "channel": channel, "language": language}
        line = audit.Line(passage.ids[1], org_id, actor_id, "notice.subscribe", subscription_id, said)
        await audit.note(connection, lane, clock.now(), [line])
    return subscription_id


async def unsubscribe(db: Database, org_id: int, subscription_id: int, *, actor_id: int = 0) -> str:
    """Tell them no more; returns of what they were told."""
    lane = _lane_of(org_id)
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, lane, id_count=1)
        topic: str | None = await connection.fetchval(statements.remove_subscription, org_id, subscription_id)
        if topic is None:
            raise NoSuchSubscription
        line = audit.Line(passage.ids[0], org_id, actor_id, "notice.unsubscribe", subscription_id, {"topic": topic})
        await audit.note(connection, lane, clock.now(), [line])
    return topic


async def subscriptions(db: Database, org_id: int) -> list[Subscription]:
    """Of one organisation, or of ``STAFF``."""
    async with db.connection() as connection:
        return [Subscription(*row) for row in await connection.fetch(statements.subscriptions_of, org_id)]


async def told(db: Database, org_id: int, *, before_id: int = ID_MAX, limit: int = 50) -> list[Told]:
    """What was told in an organisation's name, newest first; to staff by whatever lane had something to say."""
    found: list[Told] = []
    async with db.connection() as connection:
        numbers = await lanes.lane_numbers(connection) if org_id == STAFF else [ids.lane_of(org_id)]
        for lane in numbers:
            rows = await connection.fetch(statements.messages_of_organisation, lane, org_id, before_id, limit)
            found += [Told(*row) for row in rows]
    return sorted(found, key=lambda one: -one.message_id)[:limit]


def check_address(channel: str, address: Address, policy: Policy) -> None:
    """Refuse what can never be reached."""
    messages.check_channel(channel)
    if channel == "mail" and not _MAILBOX.fullmatch(address.to):
        raise BadMessage("a mailbox like ops@shop.example", field="target", detail_zh="应为邮箱，如 ops@shop.example")
    if channel == "sms" and not _PHONE.fullmatch(address.to):
        raise BadMessage("a phone number, digits only", field="target", detail_zh="应为手机号，仅数字")
    if channel not in ("mail", "sms"):
        try:
            policy.check_url(address.to)
        except BadEndpoint as refused:  # named as it was asked for: it is no webhook
            raise BadMessage(refused.detail, field="target", detail_zh=refused.detail_zh) from None


async def reseal(db: Database, ring: crypto.KeyRing, lane: int) -> int:
    """Seal subscribers' addresses with the ring's current key. They lie in no lane: one of them does it."""
    if lane != STAFF_LANE:
        return 0
    return await resealing.reseal(db, ring, lane, ADDRESS, look=_under_other_keys, put=_put)


async def _under_other_keys(
    connection: Connection, _: int, after_id: int, key_number: int, limit: int
) -> list[tuple[int, bytes]]:
    rows = await connection.fetch(statements.subscriptions_under_other_keys, after_id, key_number, limit)
    return [(row["subscription_id"], row["address"]) for row in rows]


async def _put(connection: Connection, _: int, sealed: Sequence[tuple[int, bytes, bytes]]) -> None:
    await connection.execute(statements.reseal_subscriptions, *map(list, zip(*sealed, strict=True)))


def _check(org_id: int, topic: str, language: str) -> None:
    known = [name for name, one in TOPICS.items() if (one.for_staff if org_id == STAFF else one.for_organisations)]
    if topic not in known:
        raise BadMessage(f"one of {', '.join(known)}", field="topic", detail_zh=f"主题应为 {'、'.join(known)} 之一")
    if language not in LANGUAGES:
        choice = ", ".join(LANGUAGES)
        raise BadMessage(f"one of {choice}", field="language", detail_zh=f"语言应为 {choice} 之一")


def _lane_of(org_id: int) -> int:
    return STAFF_LANE if org_id == STAFF else ids.lane_of(org_id)
