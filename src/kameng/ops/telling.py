"""What tells people and programs, put together from the settings: the dispatcher of webhooks and the channels."""

from __future__ import annotations

from kameng import notices
from kameng.kit.crypto import KeyRing
from kameng.kit.db import Database
from kameng.kit.jobs import Handler
from kameng.kit.settings import Settings


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
