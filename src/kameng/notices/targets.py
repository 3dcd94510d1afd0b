"""Where webhooks may go: https, to the public internet, looked at again when a connection is made.

The address is checked on the socket that is about to connect, so a name that resolves to something else the second
time (DNS rebinding) gains nothing. An operator may allow plain http and networks of his own.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

import msgspec

from kameng.notices.errors import BadEndpoint

URL_CHARS_MAX = 500
_NAT64 = ip_network("64:ff9b::/96")
_NAT64_LOCAL = ip_network("64:ff9b:1::/48")


class NotPublic(OSError):
    """The address is not public."""


class Policy(msgspec.Struct, frozen=True):
    """What the operator allows: plain http, and networks besides the public internet."""

    http: bool = False
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    @classmethod
    def of(cls, http: str, networks: Sequence[str]) -> Policy:
        """From the settings ``webhook_http`` and ``webhook_networks``."""
        return cls(http == "on", tuple(ip_network(text) for text in networks))

    def check_url(self, url: str) -> None:
        """Refuse what can never be a target; whom its name means is seen when a connection is made."""
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
        except ValueError:
            raise _bad("this is no address", "不是有效的地址") from None
        if len(url) > URL_CHARS_MAX or not url.isascii() or not url.isprintable() or " " in url:
            raise _bad(f"at most {URL_CHARS_MAX} printable ASCII characters", f"应为最多 {URL_CHARS_MAX} 个可见字符")
        if parts.scheme != "https" and not (self.http and parts.scheme == "http"):
            raise _bad("https only", "仅支持 https")
        if not host:
            raise _bad("a host is missing", "缺少主机名")
        if parts.username is not None or parts.password is not None:
            raise _bad("no user and no password in it", "地址中不能有用户名或密码")
        if parts.fragment:
            raise _bad("no fragment in it", "地址中不能有 # 片段")
        literal = _literal(host)
        if literal is not None and not self.allows(literal):
            raise _bad("this address is not public", "该地址不是公网地址")

    def allows(self, address: IPv4Address | IPv6Address) -> bool:
        plain = _undressed(address)
        if any(plain in network for network in self.networks):
            return True
        return plain.is_global and not plain.is_multicast and not plain.is_reserved

    def socket_for(self, info: tuple[Any, Any, int, str, tuple[Any, ...]]) -> socket.socket:
        """The ``socket_factory`` of HTTP clients: the last look before a connection is made."""
        family, kind, protocol, _, address = info
        if not self.allows(ip_address(str(address[0]).partition("%")[0])):
            raise NotPublic("the address is not public")
        return socket.socket(family, kind, protocol)


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _undressed(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that hides in an IPv6 one, if one does: that is where packets would go."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address.sixtofour:
        return address.sixtofour
    if address.teredo:
        return address.teredo[1]
    if address in _NAT64 or address in _NAT64_LOCAL:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _bad(detail: str, detail_zh: str) -> BadEndpoint:
    return BadEndpoint(detail, field="url", detail_zh=detail_zh)
