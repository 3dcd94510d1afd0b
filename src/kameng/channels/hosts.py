"""Where a provider is called: its own address, or another that the account names; in clear on this machine only."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from kameng.channels.model import Field

GATEWAY = Field("gateway", "接口地址（留空为正式环境）", "API address (empty: production)", is_needed=False)


def gateway_of(credentials: Mapping[str, str], default: str, *, field: str = "gateway") -> str:
    """``ValueError`` with the field's name for an address that is none, or would be called in clear."""
    address = (credentials.get(field) or default).rstrip("/")
    if not is_safe(address):
        raise ValueError(field)
    return address


def is_safe(address: str) -> bool:
    """HTTPS, or a stand-in on loopback."""
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return False
    if not parts.hostname or parts.username is not None:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname))


def origin_of(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    return parts.scheme, parts.netloc


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
