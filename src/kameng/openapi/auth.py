"""Who is calling: the signature checked against a key in memory, before anything else is believed."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from kameng import identity
from kameng.identity import (
    Caller,
    Directory,
    IpNotAllowed,
    KeyRevoked,
    Nonce,
    NonceUsed,
    OrganisationSuspended,
    RateLimited,
    ScopeMissing,
    SignatureMissing,
    SignatureWrong,
)  # fmt: skip
from kameng.kit import clock

Headers = Sequence[tuple[bytes, bytes]]
BURST_S = 1
"""A key may use up a second's requests at once."""


class Authenticator:
    """Checks requests of this process: signature, freshness, nonce, address, rate and scope, in that order."""

    def __init__(self, directory: Directory, trusted_proxies: Sequence[str] = ()) -> None:
        self._directory = directory
        self._proxies: list[IPv4Network | IPv6Network] = [ip_network(text) for text in trusted_proxies]
        self._seen = identity.SeenNonces()
        self._buckets: dict[int, list[float]] = {}

    async def authenticate(
        self, *, method: str, path: bytes, query: bytes, headers: Headers, body: bytes, peer: str,
        scope: str | None, write: bool,
    ) -> tuple[Caller, Nonce | None]:  # fmt: skip
        """The caller, and for a write the nonce that its transaction must spend. Raises the refusal."""
        authorization = _header(headers, b"authorization")
        now_ms = clock.now_ms()
        if authorization is not None:
            claim = identity.parse_authorization(authorization)
            key_id, ts_s, nonce = claim.key_id, claim.ts_s, claim.nonce
            key = self._directory.keys.get(key_id) or await self._directory.key(key_id)
            if key is None or key.secret is None:
                raise SignatureWrong
            if not identity.verify_hmac(claim, key.secret, method=method, path=path, query=query, body=body):
                raise SignatureWrong
        elif _header(headers, b"signature-input") is not None:
            strong = identity.parse_signature_input(headers)
            key_id, ts_s, nonce = strong.key_id, strong.ts_s, strong.nonce
            key = await self._directory.key(key_id)
            if key is None or key.public_key is None:
                raise SignatureWrong
            identity.verify_rfc9421(key.public_key, headers, method=method, path=path, query=query, body=body)
        else:
            raise SignatureMissing
        if not key.works_at(now_ms):
            raise KeyRevoked
        identity.check_freshness(ts_s, now_ms, write=write)
        organisation = self._directory.organisations[key.org_id]
        if organisation.state != "active":
            raise OrganisationSuspended
        ip = self._address(headers, peer) if self._proxies else peer
        if key.allowed_ips and not any(ip_address(ip) in network for network in key.allowed_ips):
            raise IpNotAllowed(ip)
        self._count(key_id, key.rate_per_second, now_ms)
        if scope is not None and scope not in key.scopes:
            raise ScopeMissing(scope)
        caller = Caller(key, organisation, ip)
        if not write:
            if not self._seen.first_time(key_id, nonce, now_ms):
                raise NonceUsed
            return caller, None
        return caller, identity.nonce_of(key_id, nonce, ts_s)

    def remaining(self, key_id: int) -> int:
        """Requests the key has left in this second."""
        return int(self._buckets[key_id][0]) if key_id in self._buckets else 0

    def _count(self, key_id: int, rate_per_second: int, now_ms: int) -> None:
        """A token bucket for each key, in this process; several gateways allow so many times as much."""
        bucket = self._buckets.get(key_id)
        if bucket is None:
            bucket = self._buckets[key_id] = [float(rate_per_second * BURST_S), now_ms]
        else:
            refill = (now_ms - bucket[1]) * rate_per_second / 1000
            bucket[0] = min(bucket[0] + refill, float(rate_per_second * BURST_S))
            bucket[1] = now_ms
        if bucket[0] < 1:
            raise RateLimited(f"{rate_per_second} requests a second")
        bucket[0] -= 1

    def _address(self, headers: Headers, peer: str) -> str:
        """The last address in X-Forwarded-For that is not a proxy of ours; believed only behind one."""
        address = peer
        forwarded = _header(headers, b"x-forwarded-for")
        hops = [] if forwarded is None else [hop.strip() for hop in forwarded.decode("latin-1").split(",")]
        while hops and any(ip_address(address) in proxy for proxy in self._proxies):
            try:
                address = str(ip_address(hops.pop()))
            except ValueError:
                break
        return address


def _header(headers: Headers, name: bytes) -> bytes | None:
    for key, value in headers:
        if key == name:
            return value
    return None
