"""Ways to reach people: mail, SMS, robots of group chats. One interface; each speaks its carrier's own protocol.

What certainly did not happen is ``NotDone``; what never will is ``GiveUp``; after anything else nobody knows.
"""

from __future__ import annotations

from typing import Protocol

from kameng.kit.errors import Fault
from kameng.notices.mail import Mail, MailSettings
from kameng.notices.messages import Letter
from kameng.notices.robots import DingTalk, Feishu, WeCom
from kameng.notices.sending import Sender
from kameng.notices.sms import Sms, SmsSettings


class Channel(Protocol):
    async def send(self, letter: Letter) -> str:
        """Send it and return the carrier's receipt."""


class AskedChannel(Channel, Protocol):
    """One whose carrier can be asked; those of ``messages.ASKED``."""

    async def find(self, letter: Letter) -> str | None:
        """Whether the carrier has the message: its receipt, or None."""


class NotSetUp(Fault):
    """The channel has no settings on this machine."""


class Channels:
    """The channels of this process."""

    def __init__(self, sender: Sender, *, mail: MailSettings, sms: SmsSettings) -> None:
        self._channels: dict[str, Channel] = {
            "wecom": WeCom(sender), "dingtalk": DingTalk(sender), "feishu": Feishu(sender),
        }  # fmt: skip
        self._asked: dict[str, AskedChannel] = {}
        if mail.host:
            self._channels["mail"] = Mail(mail)
        if sms.url:
            self._asked["sms"] = Sms(sms)

    def of(self, name: str) -> Channel:
        channel = self._channels.get(name) or self._asked.get(name)
        if channel is None:
            raise _not_set_up(name)
        return channel

    def asked(self, name: str) -> AskedChannel:
        """A channel that can be asked what became of a message."""
        channel = self._asked.get(name)
        if channel is None:
            raise _not_set_up(name)
        return channel


def _not_set_up(name: str) -> NotSetUp:
    return NotSetUp(f"The channel {name} is not set up: see docs/settings.md.\n渠道 {name} 未配置。")
