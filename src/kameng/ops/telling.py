"""What tells people and programs, put together from the settings: the dispatcher of webhooks, the channels, guests;
and what is told of by the ops themselves: keys that end soon, an audit that found something."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from kameng import identity, notices, orders
from kameng.kit import clock
from kameng.kit.crypto import KeyRing
from kameng.kit.db import Database
from kameng.kit.jobs import Handler
from kameng.kit.settings import Settings
from kameng.ops import store

if TYPE_CHECKING:
    from kameng.ops.auditing import Report

KEYS_TOLD_BEFORE = timedelta(days=14)


def policy_of(chosen: Settings) -> notices.Policy:
    return notices.Policy.of(chosen.webhook_http, chosen.webhook_networks)


def dispatcher(chosen: Settings, db: Database, ring: KeyRing, lanes: list[int]) -> notices.Dispatcher:
    """What delivers webhooks, for the worker."""
    from kameng import openapi  # with the web framework, for which no command should wait

    sender = notices.Sender(policy_of(chosen))
    lease_s = min(notices.LEASE_S, float(chosen.job_lease_s))
    return notices.Dispatcher(db, ring, sender, openapi.subject_states(), lanes=lanes, lease_s=lease_s)


def handlers(chosen: Settings, db: Database, ring: KeyRing, sender: notices.Sender) -> list[Handler]:
    """The jobs of notices. The sender is opened by the caller."""
    mail = notices.MailSettings(
        chosen.smtp_host, chosen.smtp_port, chosen.smtp_security, chosen.smtp_user, chosen.smtp_password,
        chosen.smtp_sender,
    )  # fmt: skip
    sms = notices.SmsSettings(chosen.sms_url, chosen.sms_key_id, chosen.sms_key_secret, chosen.sms_sign_name)
    channels = notices.Channels(sender, mail=mail, sms=sms)
    return notices.handlers(db, ring, channels, policy_of(chosen))


def reach_of(chosen: Settings) -> orders.Reach:
    """How guests are reached from here."""
    channels = {"mail": chosen.smtp_host, "sms": chosen.sms_url}
    shop = chosen.public_url or "本平台 our shop"
    return orders.Reach(frozenset(name for name, is_set_up in channels.items() if is_set_up), shop)


async def watch_keys(db: Database, lane: int) -> int:
    """Tell organisations of keys that end within two weeks; returns how many there are."""
    now = clock.now()
    async with db.connection() as connection:
        rows = await store.expiring_keys(connection, lane, after=now, before=now + KEYS_TOLD_BEFORE)
    for row in rows:
        key = identity.format_key_id(row["key_id"], sandbox=row["is_sandbox"])
        facts = {"key": key, "until": f"{row['expires_at']:%Y-%m-%d %H:%M} UTC"}
        await notices.announce_now(db, lane, notices.Notice(row["org_id"], "key_expiring", key, facts))
    return len(rows)


async def tell_audit(db: Database, report: Report) -> None:
    """Tell staff of broken laws, if there are any."""
    if not report.clean:
        laws = ", ".join(finding.law for finding in report.broken)
        facts = {"count": str(len(report.broken)), "laws": laws}
        notice = notices.Notice(notices.STAFF, "audit_broken", laws[:200], facts)
        await notices.announce_now(db, notices.STAFF_LANE, notice)
