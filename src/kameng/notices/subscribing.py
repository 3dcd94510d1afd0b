"""Endpoints: made, changed, rotated, removed, tried out; and the feed, for whoever asks instead of being told.

An organisation's events are due while it has an active endpoint or an open feed: each act here sees to that, in the
same transaction. A secret is shown once, when it is made.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from kameng.kit import audit, clock, crypto, epochs, ids, jobs, lanes
from kameng.kit.db import Connection, Database
from kameng.notices import announcing, signing, store
from kameng.notices.errors import BadEndpoint, BadReplay, EndpointDisabled, NoSuchEndpoint, TooManyEndpoints
from kameng.notices.model import (
    ENDPOINTS_MAX,
    KINDS_MAX,
    ROTATION_OVERLAP,
    ROTATION_OVERLAP_MAX,
    TRIED_FOR,
    Endpoint,
    Outcome,
)
from kameng.notices.sending import Sender
from kameng.notices.targets import Policy

_KIND = re.compile(r"[a-z_]{1,30}\.(?:[a-z_]{1,40}|\*)")
NAME_CHARS_MAX = 60
ACTIVATE_JOB = "webhook.activate"
"""What a disabled endpoint lies on the desk as."""
REPLAY_MAX = timedelta(days=1)


class NewEndpoint(msgspec.Struct, frozen=True):
    """An endpoint with its secret, shown once and never again, nor in ``repr``."""

    endpoint: Endpoint
    secret: str

    def __repr__(self) -> str:
        return f"NewEndpoint(endpoint_id={self.endpoint.endpoint_id})"


async def create_endpoint(
    db: Database, ring: crypto.KeyRing, org_id: int, *, url: str, policy: Policy, kinds: Iterable[str] = (),
    name: str = "", actor_id: int = 0,
) -> NewEndpoint:  # fmt: skip
    """A new endpoint; it gets what happens from now on."""
    chosen = _checked_kinds(kinds)
    _check(url, name, policy)
    secret, at = signing.new_secret(), clock.now()
    async with db.transaction() as connection:
        epoch, passage = await _hold(connection, org_id, id_count=3)
        if len(await store.endpoints_of(connection, org_id)) >= ENDPOINTS_MAX:
            raise TooManyEndpoints(f"at most {ENDPOINTS_MAX}", detail_zh=f"最多 {ENDPOINTS_MAX} 个")
        endpoint_id, secret_id, audit_id = passage.ids
        made = Endpoint(
            endpoint_id, org_id, name, url, chosen, "active", "", passage.serial, at, endpoint_id, 0, None, None
        )
        await store.insert_endpoint(connection, made)
        await store.insert_secret(connection, ring, endpoint_id, secret_id, secret)
        line = audit.Line(audit_id, org_id, actor_id, "webhook.create", endpoint_id)
        await _settle(connection, passage, made, epoch, line)
    return NewEndpoint(made, secret)


async def list_endpoints(db: Database, org_id: int) -> list[Endpoint]:
    """An organisation's endpoints, oldest first."""
    async with db.connection() as connection:
        return await store.endpoints_of(connection, org_id)


async def find_endpoint(db: Database, org_id: int, endpoint_id: int) -> Endpoint:
    async with db.connection() as connection:
        return await _own(connection, org_id, endpoint_id)


async def change_endpoint(
    db: Database, org_id: int, endpoint_id: int, *, policy: Policy, url: str | None = None,
    kinds: Iterable[str] | None = None, name: str | None = None, state: str | None = None, reason: str = "",
    actor_id: int = 0,
) -> Endpoint:  # fmt: skip
    """Change what is given. ``state="active"`` lets a failing or disabled one begin anew: with what it missed in three
    days, as far as that was kept."""
    async with db.transaction() as connection:
        epoch, passage = await _hold(connection, org_id, id_count=1)
        old = await _own(connection, org_id, endpoint_id)
        new = msgspec.structs.replace(
            old,
            url=old.url if url is None else url,
            name=old.name if name is None else name,
            kinds=old.kinds if kinds is None else _checked_kinds(kinds),
            state=old.state if state is None else state,
            reason=reason if (state or old.state) == "disabled" else "",
        )
        _check(new.url, new.name, policy)
        if new.state not in ("active", "disabled"):
            raise BadEndpoint("active or disabled", field="state", detail_zh="应为 active 或 disabled")
        now_ms = clock.now_ms()
        from_id = ids.id_of(ids.tick_at(now_ms - int(TRIED_FOR.total_seconds() * 1000)), passage.lane)
        await store.set_endpoint(
            connection, new, changed=passage.serial, afresh=state == "active", from_id=from_id
        )
        data = {"state": new.state, **({"reason": reason} if reason else {})}
        await _settle(
            connection, passage, new, epoch,
            audit.Line(passage.ids[0], org_id, actor_id, "webhook.change", endpoint_id, data),
        )  # fmt: skip
        return await _own(connection, org_id, endpoint_id)


async def disable_endpoint(db: Database, endpoint: Endpoint, *, reason: str) -> None:
    """Kameng's own act: the receiver said that it is gone, or failed for three days. Unless it was changed meanwhile.

    It lies on the desk, so that somebody tells its owner; a retry there makes it active again.
    """
    async with db.transaction() as connection:
        epoch, passage = await _hold(connection, endpoint.org_id, id_count=3)
        present = await store.read_endpoint(connection, endpoint.endpoint_id)
        if present is None or present.changed != endpoint.changed or present.state != "active":
            return
        audit_id, job_id, notice_id = passage.ids
        ended = msgspec.structs.replace(present, state="disabled", reason=reason)
        await store.set_endpoint(connection, ended, changed=passage.serial, afresh=False)
        job = jobs.NewJob(ACTIVATE_JOB, endpoint.endpoint_id, {"webhook": str(endpoint.endpoint_id)})
        await jobs.lay_on_desk(connection, passage.lane, job_id, job, error=f"the webhook is disabled: {reason}")
        told = {"webhook": str(endpoint.endpoint_id), "reason": reason}
        notice = announcing.Notice(endpoint.org_id, "webhook_disabled", told["webhook"], told)
        await announcing.announce(connection, passage.lane, [notice], [notice_id])
        line = audit.Line(audit_id, endpoint.org_id, 0, "webhook.disable", endpoint.endpoint_id, {"reason": reason})
        await _settle(connection, passage, ended, epoch, line)


async def rotate_secret(
    db: Database, ring: crypto.KeyRing, org_id: int, endpoint_id: int, *, overlap: timedelta = ROTATION_OVERLAP,
    actor_id: int = 0,
) -> NewEndpoint:  # fmt: skip
    """A new secret; for ``overlap`` every message carries two signatures, by the new one and the one before it."""
    if not timedelta(0) <= overlap <= ROTATION_OVERLAP_MAX:
        days = ROTATION_OVERLAP_MAX.days
        raise BadEndpoint(f"at most {days} days", field="overlap", detail_zh=f"旧密钥最多再保留 {days} 天")
    secret, at = signing.new_secret(), clock.now()
    async with db.transaction() as connection:
        epoch, passage = await _hold(connection, org_id, id_count=2)
        endpoint = await _own(connection, org_id, endpoint_id)
        await store.retire_secrets(connection, endpoint_id, at=at, until=at + overlap)
        await store.insert_secret(connection, ring, endpoint_id, passage.ids[0], secret)
        await store.touch_endpoint(connection, endpoint_id, changed=passage.serial)
        line = audit.Line(passage.ids[1], org_id, actor_id, "webhook.rotate", endpoint_id)
        await _settle(connection, passage, endpoint, epoch, line)
    return NewEndpoint(endpoint, secret)


async def remove_endpoint(db: Database, org_id: int, endpoint_id: int, *, actor_id: int = 0) -> None:
    """The endpoint with its secrets and what it was still to be sent; its log stays until it is purged."""
    async with db.transaction() as connection:
        epoch, passage = await _hold(connection, org_id, id_count=1)
        endpoint = await _own(connection, org_id, endpoint_id)
        await store.remove_endpoint(connection, endpoint_id, changed=passage.serial)
        line = audit.Line(passage.ids[0], org_id, actor_id, "webhook.remove", endpoint_id)
        await _settle(connection, passage, endpoint, epoch, line)


async def try_endpoint(
    db: Database, ring: crypto.KeyRing, sender: Sender, org_id: int, endpoint_id: int
) -> Outcome:
    """Send a ``webhook.test`` at once, past the queue, and tell what came of it."""
    at = clock.now()
    async with db.connection() as connection:
        endpoint = await _own(connection, org_id, endpoint_id)
        keys = (await store.keys_of(connection, ring, endpoint.lane, [endpoint_id], at)).get(endpoint_id, ())
    data = {"webhook": str(endpoint_id), "sequence": 0}
    body = msgspec.json.encode({"type": "webhook.test", "timestamp": clock.rfc3339(at), "data": data})
    message_id = f"test_{secrets.token_hex(8)}"
    return await sender.send(endpoint.url, [key.key for key in keys], message_id=message_id, body=body)


async def replay(
    db: Database, org_id: int, endpoint_id: int, *, event_id: int | None = None, since: datetime | None = None,
    until: datetime | None = None, actor_id: int = 0,
) -> None:  # fmt: skip
    """Send again one event, or everything of a span of at most a day, under the ids it had."""
    lane = ids.lane_of(org_id)
    after_id, until_id = _span(lane, event_id, since, until)
    async with db.transaction() as connection:
        _, passage = await _hold(connection, org_id, id_count=2)
        endpoint = await _own(connection, org_id, endpoint_id)
        if endpoint.state != "active":
            raise EndpointDisabled
        if event_id is not None and not await store.is_owed(connection, org_id, event_id):
            raise BadReplay("no event of yours that was to be sent", field="event", detail_zh="没有这个应推送的事件")
        replay_id, audit_id = passage.ids
        await store.insert_replay(connection, endpoint_id, replay_id, after_id=after_id, until_id=until_id)
        await store.touch_endpoint(connection, endpoint_id, changed=passage.serial)
        line = audit.Line(audit_id, org_id, actor_id, "webhook.replay", endpoint_id)
        await audit.note(connection, lane, clock.now(), [line])


async def open_feed(db: Database, org_id: int) -> int:
    """See to it that the organisation's events are kept to be read; returns the event from which on they are."""
    async with db.connection() as connection:
        since_id = await store.feed_since(connection, org_id)
    if since_id is not None:
        return since_id
    async with db.transaction() as connection:
        epoch, passage = await _hold(connection, org_id, id_count=1)
        await store.open_feed(connection, org_id, since_id=passage.ids[0], at=clock.now())
        await store.want_events(connection, org_id, changed=epoch)
        since_id = await store.feed_since(connection, org_id)
    assert since_id is not None
    return since_id


async def _hold(connection: Connection, org_id: int, *, id_count: int) -> tuple[int, lanes.Passage]:
    """Raise the identity epoch and pass the gate; who has no organisation here has no endpoint either."""
    lane = ids.lane_of(org_id)
    if lane not in await lanes.lane_numbers(connection):  # the number was mistyped; no lane is ever removed
        raise NoSuchEndpoint
    epoch = await epochs.bump(connection, "identity")
    passage = await lanes.pass_gate(connection, lane, id_count=id_count)
    if not await store.organisation_exists(connection, org_id):
        raise NoSuchEndpoint
    return epoch, passage


async def _own(connection: Connection, org_id: int, endpoint_id: int) -> Endpoint:
    endpoint = await store.read_endpoint(connection, endpoint_id)
    if endpoint is None or endpoint.org_id != org_id:
        raise NoSuchEndpoint
    return endpoint


async def _settle(
    connection: Connection, passage: lanes.Passage, endpoint: Endpoint, epoch: int, line: audit.Line
) -> None:
    """What every act ends with: whether events are due now, and who did it."""
    await store.want_events(connection, endpoint.org_id, changed=epoch)
    await audit.note(connection, passage.lane, clock.now(), [line])


def _check(url: str, name: str, policy: Policy) -> None:
    policy.check_url(url)
    if len(name) > NAME_CHARS_MAX or not name.isprintable():
        raise BadEndpoint(
            f"at most {NAME_CHARS_MAX} printable characters", field="name",
            detail_zh=f"名称最多 {NAME_CHARS_MAX} 个可见字符",
        )  # fmt: skip


def _checked_kinds(kinds: Iterable[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(kinds))
    if len(found) > KINDS_MAX or not all(_KIND.fullmatch(kind) for kind in found):
        raise BadEndpoint(
            f"at most {KINDS_MAX} kinds like order.delivered or order.*", field="kinds",
            detail_zh=f"最多 {KINDS_MAX} 种事件，如 order.delivered 或 order.*",
        )  # fmt: skip
    return found


def _span(
    lane: int, event_id: int | None, since: datetime | None, until: datetime | None
) -> tuple[int, int]:
    """The ids between which events lie, the first excluded."""
    if (event_id is None) == (since is None):
        raise BadReplay("either an event or a span", field="event", detail_zh="请指定事件或时间范围之一")
    if event_id is not None:
        if ids.lane_of(event_id) != lane:
            raise BadReplay("no event of yours that was to be sent", field="event", detail_zh="没有这个应推送的事件")
        return event_id - 1, event_id
    assert since is not None
    until = until or since + REPLAY_MAX
    if not timedelta(0) < until - since <= REPLAY_MAX:
        raise BadReplay("until is at most a day after since", field="until", detail_zh="时间范围不超过一天")
    first, last = (ids.id_of(max(0, ids.tick_at(int(at.timestamp() * 1000))), lane) for at in (since, until))
    return first - 1, last - 1
