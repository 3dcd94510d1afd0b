"""What people sign in with: a mobile number or a mail address, however they type it. Pure."""

from __future__ import annotations

import re

import msgspec

from kameng.identity import spelled
from kameng.kit import privacy

ADDRESS_CHARS_MAX = 254
_SEPARATORS = re.compile(r"[\s()-]")
_PHONE = re.compile(r"1[3-9][0-9]{9}")
_MAIL = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")


class Contact(msgspec.Struct, frozen=True):
    """Somewhere a code can be sent; ``repr`` does not show it."""

    channel: str  # "sms", "mail"
    to: str

    def __repr__(self) -> str:
        return f"Contact({self.masked})"

    @property
    def masked(self) -> str:
        return privacy.mask("phone" if self.channel == "sms" else "email", self.to)


def read_contact(text: str) -> Contact | None:
    """None: neither a number nor an address that anything could be sent to."""
    plain = normal(text)
    if _PHONE.fullmatch(plain):
        return Contact("sms", plain)
    return Contact("mail", plain) if len(plain) <= ADDRESS_CHARS_MAX and _MAIL.fullmatch(plain) else None


def normal(text: str) -> str:
    """As it is kept and compared: ``+86 138-0013-8000`` is 13800138000."""
    plain = spelled(text)
    digits = _SEPARATORS.sub("", plain).removeprefix("+86").removeprefix("0086")
    return digits if _PHONE.fullmatch(digits) else plain


def mask(text: str) -> str:
    """What the record of sign-ins shows of what was typed; nothing of what may be a password."""
    contact = read_contact(text)
    return privacy.HIDDEN if contact is None else contact.masked
