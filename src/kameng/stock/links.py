"""Redeem links: what may be sold as one, and what of it anybody may see. Pure.

A link is the secret of its card: whoever has it, redeems it. Its host is public: the shop tells where it leads.
"""

from __future__ import annotations

import re
from typing import Literal

LINK_CHARS_MAX = 1000

_LINK = re.compile(
    r"https://"
    r"(?P<host>(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9])(?::[0-9]{1,5})?"
    r"(?P<rest>[/?#][A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*)?",
    re.IGNORECASE,
)
"""RFC 3986, without a user before the host, and with a name for a host: it must be one that people can trust."""


def fault_of(text: str) -> Literal["not_a_link", "not_https"] | None:
    """Why this can't be sold as a link; None if it can."""
    if text[:7].lower() == "http://":
        return "not_https"
    return None if _LINK.fullmatch(text) else "not_a_link"


def host_of(link: str) -> str:
    """Where it leads; empty for what is no link."""
    match = _LINK.fullmatch(link)
    return match["host"].lower() if match else ""


def veiled(link: str) -> str:
    """Its host, and nothing of what redeems it."""
    return f"https://{host_of(link)}/****"
