"""E-mail over SMTP: TLS from the start, STARTTLS, or neither for a relay on this machine; with or without a sign-in."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate

import msgspec

from kameng.kit.jobs import GiveUp, NotDone
from kameng.notices.messages import Letter

TIMEOUT_S = 20.0


class MailSettings(msgspec.Struct, frozen=True):
    """The mail server; ``repr`` does not show its password."""

    host: str
    port: int
    security: str  # "tls", "starttls", "off"
    user: str
    password: str
    sender: str

    def __repr__(self) -> str:
        return f"MailSettings(host={self.host!r}, port={self.port})"


class Mail:
    """A channel. It can't be asked whether it has a message: after a lost answer a person looks."""

    def __init__(self, chosen: MailSettings) -> None:
        self._chosen = chosen

    async def send(self, letter: Letter) -> str:
        return await asyncio.to_thread(self._send, letter.address.to, self._message(letter))

    def _message(self, letter: Letter) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._chosen.sender
        message["To"], message["Subject"] = letter.address.to, letter.text.title
        message["Date"] = formatdate(usegmt=True)
        domain = self._chosen.sender.rpartition("@")[2].strip("> ")
        message["Message-ID"] = f"<kameng-{letter.message_id}@{domain}>"  # the same however often it is sent
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text.body)
        return message

    def _send(self, to: str, message: EmailMessage) -> str:
        try:
            server = self._connect()
        except (OSError, smtplib.SMTPException) as error:
            raise NotDone(f"no way into the mail server ({type(error).__name__})") from None
        try:
            _accepted(server.mail(self._chosen.sender)[0])
            _accepted(server.rcpt(to)[0])
            code, said = server.data(message.as_bytes())  # lost in here, nobody knows
            _accepted(code)
            return said.decode("utf-8", "replace")
        except smtplib.SMTPDataError as error:  # it refused to be told
            _accepted(error.smtp_code)
            raise
        finally:
            server.close()

    def _connect(self) -> smtplib.SMTP:
        chosen, context = self._chosen, ssl.create_default_context()
        if chosen.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(chosen.host, chosen.port, timeout=TIMEOUT_S, context=context)
        else:
            server = smtplib.SMTP(chosen.host, chosen.port, timeout=TIMEOUT_S)
        try:
            if chosen.security == "starttls":
                server.starttls(context=context)
            if chosen.user:
                server.login(chosen.user, chosen.password)
            else:
                server.ehlo_or_helo_if_needed()
        except BaseException:
            server.close()
            raise
        return server


def _accepted(code: int) -> None:
    """4xx: later; 5xx: never. What the server said may repeat the address, so its code is told alone."""
    if code >= 500:
        raise GiveUp(f"the mail server refused it: {code}")
    if code >= 400:
        raise NotDone(f"the mail server wants it later: {code}")
