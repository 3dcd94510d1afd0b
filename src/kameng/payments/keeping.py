"""Keeping channel accounts: added, changed, switched, sealed anew; and whose papers run out.

Credentials go in and never come out: they are sealed for their account, and open only in the adapter that uses them.
What is changed leaves an audit line without them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from ipaddress import ip_network
from typing import Any

import msgspec

from kameng import channels
from kameng.channels import Method, Scene
from kameng.kit import audit, clock, crypto, jobs, lanes, resealing
from kameng.kit.db import Connection, Database
from kameng.payments import store
from kameng.payments.errors import BadChannel, NoSuchChannel
from kameng.payments.model import CREDENTIALS, PPM, ChannelAccount
from kameng.payments.opening import open_account

AUDIT_LANE = 0
NAME_CHARS_MAX = 60
CURRENCIES = ("CNY", "USD", "EUR", "HKD")
"""Those whose smallest unit is a hundredth."""
RUNS_OUT_DAYS = 30
PAPER_JOB = "payments.papers"
PAPER_SAID = "支付通道的牌照或证书即将到期 A channel's licence or certificate ends soon: renew it, then drop this."
CHANGEABLE = frozenset(
    {"name", "account_no", "offers", "fee_ppm", "fee_fixed_e4", "least_e4", "most_e4", "day_most_e4", "opens_min",
     "closes_min", "licence_until", "certificate_until", "notify_from", "weight", "day_target_e4"}
)  # fmt: skip


async def add_channel(
    db: Database, ring: crypto.KeyRing, *, protocol: str, name: str, credentials: Mapping[str, str],
    account_no: str = "", currency: str = "CNY", offers: Sequence[tuple[str, str]] | None = None, org_id: int = 0,
    actor_id: int, **more: Any,
) -> int:  # fmt: skip
    """A new account at a provider, switched off; returns its number. ``more``: what ``change_channel`` may change."""
    spec = channels.PROTOCOLS.get(protocol)
    if spec is None:
        raise _bad("protocol", f"one of {', '.join(channels.PROTOCOLS)}", "协议：不支持")
    at = clock.now()
    blank = ChannelAccount(
        0, org_id, protocol, name, currency, account_no, _named(spec.offers if offers is None else offers), 0, 0, 0,
        None, None, None, None, None, None, (), 100, False, 1, at, at,
    )  # fmt: skip
    one = check(_changed(blank, more))
    _check_credentials(protocol, credentials)
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, AUDIT_LANE, id_count=1)
        channel_id = await store.insert_channel(connection, one)
        if channel_id is None:
            raise _bad("name", "another channel has it", "名称：已被其他通道使用")
        await store.set_credentials(connection, channel_id, _sealed(ring, channel_id, credentials), at)
        await note(connection, passage, actor_id, "channel.add", channel_id, {"name": name, "protocol": protocol})
    return channel_id


async def change_channel(db: Database, channel_id: int, *, actor_id: int, **changes: Any) -> None:
    """Other terms for an account; what is not named stays."""
    if unknown := changes.keys() - CHANGEABLE:
        raise _bad(min(unknown), "can't be changed", "该字段不可修改")
    await _put(db, channel_id, changes, actor_id=actor_id, act="channel.change", told=_told(changes))


async def switch_channel(db: Database, channel_id: int, *, on: bool, reason: str, actor_id: int) -> None:
    """Whether payments begin there. What was begun goes on."""
    if not (reason.strip() and reason.isprintable()):
        raise _bad("reason", "is needed", "原因：必填")
    act = "channel.on" if on else "channel.off"
    await _put(db, channel_id, {"is_on": on}, actor_id=actor_id, act=act, told={"reason": reason})


async def seal_channel(
    db: Database, ring: crypto.KeyRing, channel_id: int, credentials: Mapping[str, str], *, actor_id: int
) -> None:
    """Other credentials, all of them: a key that was rotated, a certificate that was renewed."""
    found = await find_channel(db, channel_id)
    _check_credentials(found.protocol, credentials)
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, AUDIT_LANE, id_count=1)
        await store.set_credentials(connection, channel_id, _sealed(ring, channel_id, credentials), clock.now())
        await note(connection, passage, actor_id, "channel.seal", channel_id, {"fields": sorted(credentials)})


async def list_channels(db: Database) -> list[ChannelAccount]:
    """All of them, by number; without their credentials."""
    async with db.connection() as connection:
        return await store.every_channel(connection)


async def find_channel(db: Database, channel_id: int) -> ChannelAccount:
    found = [one for one in await list_channels(db) if one.channel_id == channel_id]
    if not found:
        raise NoSuchChannel(field="channel")
    return found[0]


async def reseal(db: Database, ring: crypto.KeyRing) -> int:
    """Seal every credential with the ring's current key; returns how many were not."""
    async with db.connection() as connection:
        rows = [(channel_id, sealed) for channel_id, _, _, sealed in await store.every_credential(connection)]
    return await resealing.reseal_directory(db, ring, CREDENTIALS, rows, put=store.reseal_credentials)


class RunsOut(msgspec.Struct, frozen=True):
    """A licence or certificate that ends soon, or has ended."""

    channel_id: int
    name: str
    what: str
    until: date


def running_out(every: Sequence[ChannelAccount], today: date, *, days: int = RUNS_OUT_DAYS) -> list[RunsOut]:
    """Of channels that are switched on. Pure."""
    until = today + timedelta(days=days)
    papers = [
        RunsOut(one.channel_id, one.name, what, ends)
        for one in every
        if one.is_on
        for what, ends in (("licence", one.licence_until), ("certificate", one.certificate_until))
        if ends is not None and ends <= until
    ]
    return sorted(papers, key=lambda paper: (paper.until, paper.channel_id))


async def watch_papers(db: Database) -> None:
    """By the clock: a licence or certificate that ends within a month lies on the desk, until somebody settled it."""
    papers = running_out(await list_channels(db), clock.china_day())
    if not papers:
        return
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, AUDIT_LANE, id_count=len(papers))
        for job_id, paper in zip(passage.ids, papers, strict=True):
            lying = await jobs.of_subject(connection, AUDIT_LANE, paper.channel_id)
            if PAPER_JOB not in {kind for kind, _ in lying}:
                payload = {"channel": paper.name, "what": paper.what, "until": paper.until.isoformat()}
                job = jobs.NewJob(PAPER_JOB, paper.channel_id, payload)
                await jobs.lay_on_desk(connection, AUDIT_LANE, job_id, job, error=PAPER_SAID)


async def _put(
    db: Database, channel_id: int, changes: Mapping[str, Any], *, actor_id: int, act: str, told: dict[str, Any]
) -> None:
    async with db.transaction() as connection:
        passage = await lanes.pass_gate(connection, AUDIT_LANE, id_count=1)
        before = next((one for one in await store.every_channel(connection) if one.channel_id == channel_id), None)
        if before is None:
            raise NoSuchChannel(field="channel")
        after = check(_changed(before, changes))
        await store.set_channel(connection, after, revision=before.revision, at=clock.now())
        await note(connection, passage, actor_id, act, channel_id, told)


def _changed(one: ChannelAccount, changes: Mapping[str, Any]) -> ChannelAccount:
    named = {
        name: _named(value) if name == "offers" else tuple(value) if name == "notify_from" else value
        for name, value in changes.items()
    }
    return msgspec.structs.replace(one, **named)


def check(one: ChannelAccount) -> ChannelAccount:
    """``BadChannel`` with the first field that can't be."""
    faults = {
        "name": (bool(one.name.strip()) and len(one.name) <= NAME_CHARS_MAX and one.name.isprintable(), "名称"),
        "currency": (one.currency in CURRENCIES, "币种"),
        "offers": (bool(one.offers) and all(_is_offer(*offer) for offer in one.offers), "支付方式"),
        "fee_ppm": (0 <= one.fee_ppm <= PPM // 2, "费率"),
        "fee_fixed_e4": (one.fee_fixed_e4 >= 0, "固定手续费"),
        "least_e4": (one.least_e4 >= 0, "最低金额"),
        "most_e4": (one.most_e4 is None or one.most_e4 >= one.least_e4, "最高金额"),
        "day_most_e4": (one.day_most_e4 is None or one.day_most_e4 >= 0, "单日限额"),
        "day_target_e4": (one.day_target_e4 is None or one.day_target_e4 > 0, "单日目标"),
        "opens_min": ((one.opens_min is None) == (one.closes_min is None), "营业时间"),
        "notify_from": (all(_is_network(text) for text in one.notify_from), "通知来源地址"),
        "weight": (0 <= one.weight <= 10_000, "权重"),
    }
    for field, (is_good, zh) in faults.items():
        if not is_good:
            raise _bad(field, "can't be so", f"{zh}：填写有误")
    return one


def _is_offer(method: str, scene: str) -> bool:
    return method in {one.value for one in Method} and scene in {one.value for one in Scene}


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def _named(offers: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((str(method), str(scene)) for method, scene in offers)


def _check_credentials(protocol: str, credentials: Mapping[str, str]) -> None:
    """Whether an adapter opens with them; none of them is ever named in an error."""
    fields = {field.name: field for field in channels.PROTOCOLS[protocol].fields}
    for name in credentials:
        if name not in fields:
            raise _bad(name, "this protocol has no such field", "该协议没有此字段")
    for name, field in fields.items():
        if field.is_needed and not credentials.get(name):
            raise _bad(name, "is needed", f"{field.zh}：必填")


def _sealed(ring: crypto.KeyRing, channel_id: int, credentials: Mapping[str, str]) -> bytes:
    return ring.seal(CREDENTIALS, channel_id, msgspec.json.encode(dict(credentials)))


async def try_channel(db: Database, ring: crypto.KeyRing, channel_id: int) -> str | None:
    """Whether an account opens: the name of the field that can't be read, or None."""
    async with db.connection() as connection:
        every = {number: (protocol, sealed) for number, _, protocol, sealed in await store.every_credential(connection)}
    if channel_id not in every:
        raise NoSuchChannel(field="channel")
    protocol, sealed = every[channel_id]
    async with channels.Http() as http:
        try:
            channels.open_channel(open_account(ring, channel_id, protocol, sealed), http)
        except ValueError as error:
            return str(error)
    return None


def _told(changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: str(value) for name, value in changes.items()}


def _bad(field: str, en: str, zh: str) -> BadChannel:
    return BadChannel(f"{field}: {en}", field=field, detail_zh=zh)


async def note(
    connection: Connection, passage: lanes.Passage, actor_id: int, act: str, subject_id: int, data: dict[str, Any]
) -> None:
    """What was done to channels or their rules; it concerns no lane."""
    line = audit.Line(passage.ids[0], 0, actor_id, act, subject_id, data)
    await audit.note(connection, AUDIT_LANE, clock.now(), [line])
