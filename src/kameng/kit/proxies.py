"""Whose address a request comes from, where proxies of ours stand before us. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network


class Proxies:
    """Those of the setting ``trusted_proxies``; nobody else's word is taken."""

    def __init__(self, trusted: Iterable[str] = ()) -> None:
        self.networks: list[IPv4Network | IPv6Network] = [ip_network(text) for text in trusted]

    def address_of(self, headers: Iterable[tuple[bytes, bytes]], peer: str) -> str:
        """The last address in X-Forwarded-For that is not a proxy of ours; believed only behind one."""
        address = peer
        forwarded = next((value for name, value in headers if name == b"x-forwarded-for"), None)
        hops = [] if forwarded is None else [hop.strip() for hop in forwarded.decode("latin-1").split(",")]
        while hops and any(ip_address(address) in proxy for proxy in self.networks):
            try:
                address = str(ip_address(hops.pop()))
            except ValueError:
                break
        return address


def undressed(ip: str) -> IPv4Address | IPv6Address:
    """``::ffff:203.0.113.9`` is how a socket of both families shows 203.0.113.9."""
    address = ip_address(ip)
    return getattr(address, "ipv4_mapped", None) or address
